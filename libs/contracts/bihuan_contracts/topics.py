"""The one registry of topics: subscriptions, provisioning, schemas and documents are made from it."""

from datetime import timedelta
from typing import Any

from bihuan_contracts import changes, crm, directory, erp, feedback, goals, hr, notify, performance, plm, qa
from bihuan_contracts.event import Event
from bihuan_contracts.topic import Topic

_QUARTER = timedelta(days=92)
_TWO_YEARS = timedelta(days=731)


def _state(name: str, event: type[Event], key: Any, owner: str, description: str) -> Topic:
    return Topic(name, event, key, partitions=6, retention=None, compacted=True, owner=owner, description=description)


def _facts(name: str, event: type[Event], key: Any, owner: str, retention: timedelta, description: str) -> Topic:
    return Topic(
        name,
        event,
        key,
        partitions=6,
        retention=retention,
        compacted=False,
        owner=owner,
        description=description,
    )


BOM_RELEASES = _facts(
    "plm.bom-releases.v1",
    plm.BomReleased,
    lambda e: e.item,
    "intake",
    _TWO_YEARS,
    "Released bills of materials, first releases and changes.",
)
PURCHASE_ORDERS = _state(
    "erp.purchase-orders.v1",
    erp.PurchaseOrderChanged,
    lambda e: e.number,
    "intake",
    "Purchase orders with their promised dates.",
)
RECEIPTS = _facts(
    "erp.receipts.v1",
    erp.GoodsReceived,
    lambda e: e.order,
    "intake",
    _TWO_YEARS,
    "Goods receipts, physical and entered.",
)
DEFECTS = _state("qa.defects.v1", qa.DefectReported, lambda e: e.number, "intake", "Defects and their state.")
TEST_REPORTS = _facts(
    "qa.test-reports.v1",
    qa.TestReported,
    lambda e: e.module,
    "intake",
    _TWO_YEARS,
    "Test reports with measured values.",
)
HR_PEOPLE = _state(
    "hr.people.v1", hr.PersonChanged, lambda e: e.person, "intake", "People, departments and roles as HR has them."
)
PEOPLE = _state(
    "web.people.v1",
    directory.PersonListed,
    lambda e: e.person,
    "web",
    "People as they are in effect: HR's with the administrator's own entries over them.",
)
CUSTOMER_ORDERS = _state(
    "crm.orders.v1",
    crm.CustomerOrderChanged,
    lambda e: e.number,
    "intake",
    "Customer orders, rush and penalties.",
)
CHANGE_ORDERS = _state(
    "changes.orders.v1",
    changes.ChangeOrderChanged,
    lambda e: str(e.change),
    "changes",
    "Change orders and their state.",
)
IMPACTS = _state(
    "changes.impacts.v1",
    changes.ImpactAssessed,
    lambda e: str(e.change),
    "changes",
    "Whom a released change affects, how and by which path.",
)
CONSENTS = _state(
    "changes.consents.v1",
    changes.ConsentChanged,
    lambda e: str(e.matrix),
    "changes",
    "Impact matrices of goal changes, with everybody's answer; settled ones take effect.",
)
PROJECTS = _state(
    "goals.projects.v1", goals.ProjectChanged, lambda e: str(e.project), "goals", "Projects with progress."
)
TASKS = _state(
    "goals.tasks.v1",
    goals.TaskChanged,
    lambda e: str(e.task),
    "goals",
    "Tasks and retest cards with locks, criteria and weights.",
)
TARGETS = _facts(
    "goals.targets.v1",
    goals.TargetsRecalculated,
    lambda e: str(e.task),
    "goals",
    _TWO_YEARS,
    "Targets that a change recalculated, old and new.",
)
NOTICE_REQUESTS = _facts(
    "notify.requests.v1",
    notify.NoticeRequested,
    lambda e: e.person,
    "any service",
    _QUARTER,
    "Requests to tell somebody something.",
)
NOTICE_RECEIPTS = _facts(
    "notify.receipts.v1",
    notify.ReceiptChanged,
    lambda e: e.person,
    "notify",
    _TWO_YEARS,
    "What was delivered, read and confirmed, by whom and when.",
)
CARD_ANSWERS = _state(
    "feedback.answers.v1",
    feedback.CardAnswered,
    lambda e: str(e.task),
    "feedback",
    "Answers on retest cards.",
)
FILES = _facts(
    "feedback.files.v1",
    feedback.FileAttached,
    lambda e: str(e.task),
    "feedback",
    _TWO_YEARS,
    "Files that people put on tasks and retest cards.",
)
METRICS = _state(
    "performance.metrics.v1",
    performance.MetricMeasured,
    lambda e: f"{e.metric}/{e.subject}",
    "analytics",
    "Metrics for every application.",
)

ALL: tuple[Topic, ...] = (
    BOM_RELEASES, PURCHASE_ORDERS, RECEIPTS, DEFECTS, TEST_REPORTS, HR_PEOPLE, PEOPLE, CUSTOMER_ORDERS,
    CHANGE_ORDERS, IMPACTS, CONSENTS, PROJECTS, TASKS, TARGETS, NOTICE_REQUESTS, NOTICE_RECEIPTS, CARD_ANSWERS, FILES,
    METRICS,
)  # fmt: skip
UPSTREAM: tuple[Topic, ...] = tuple(topic for topic in ALL if topic.owner == "intake")

_BY_NAME = {topic.name: topic for topic in ALL}
_BY_EVENT = {topic.event: topic for topic in ALL}
_BY_TYPE = {topic.type: topic for topic in ALL}


def named(name: str) -> Topic:
    """The topic of this name; KeyError when there is none."""
    return _BY_NAME[name]


def of_event(event: type[Event]) -> Topic:
    """The one topic that carries this event type; KeyError when it is not an event of the registry."""
    return _BY_EVENT[event]


def of_type(cloudevents_type: str) -> Topic | None:
    """The topic for a CloudEvents type, minor versions included (`….v1.3`); None when unknown."""
    major = cloudevents_type.rsplit(".v", 1)
    return _BY_TYPE.get(f"{major[0]}.v{major[1].split('.', 1)[0]}") if len(major) == 2 else None
