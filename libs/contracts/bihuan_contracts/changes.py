"""What `changes` announces: change orders, and whom each of them affects and how."""

from decimal import Decimal
from uuid import UUID

from pydantic import AwareDatetime, Field

from bihuan_contracts.event import Choice, Event, Key, Part, Text, Version
from bihuan_contracts.plm import NewCriterion


class ChangeState(Choice):
    DRAFT = "draft"
    REVIEW = "review"
    RELEASED = "released"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    UNKNOWN = "unknown"


class DifferenceKind(Choice):
    ADDED = "added"
    REMOVED = "removed"
    REPLACED = "replaced"
    QUANTITY = "quantity"
    FLAGS = "flags"
    UNKNOWN = "unknown"


class Difference(Part):
    """One line of the bill of materials that differs between the two versions."""

    kind: DifferenceKind
    item: Key
    name: str
    replaced_by: Key | None = None
    old_quantity: Decimal | None = None
    new_quantity: Decimal | None = None
    flags: tuple[str, ...] = ()


class ChangeOrderChanged(Event):
    """The state of a change order (C1; state topic, highest `version` wins)."""

    change: UUID
    number: Key
    revision: int
    state: ChangeState
    change_type: str
    item: Key
    item_name: str
    base_version: Version | None
    new_version: Version
    reason: str
    differences: tuple[Difference, ...]
    modules: tuple[Key, ...]
    products: tuple[Key, ...]
    source: str
    """Where it came from: `plm`, `form`, `inventree` …"""
    released_by: Key | None
    approved_by: tuple[Key, ...]
    effective_at: AwareDatetime | None
    released_at: AwareDatetime
    received_at: AwareDatetime
    applied_at: AwareDatetime | None
    closed_at: AwareDatetime | None
    version: int


class ImpactAction(Choice):
    LOCK = "lock"
    MIGRATE = "migrate"
    RETEST = "retest"
    INFORM = "inform"
    UNKNOWN = "unknown"


class PathStep(Part):
    """A step on the way from the changed item to the row: `kind` is item, module, product, task, person."""

    kind: str
    key: str
    name: str


class ImpactRow(Part):
    """One affected person and thing, what happens to it, and why.

    `row` is stable over replays: it is derived from change, task or module, person and action.
    """

    row: UUID
    action: ImpactAction
    person: Key
    person_name: str
    module: Key
    module_name: str
    old_version: Version | None
    new_version: Version | None
    project: UUID | None = None
    project_name: str | None = None
    task: UUID | None = None
    task_code: str | None = None
    task_title: str | None = None
    criterion: NewCriterion | None = None
    """Retest: what the new version must meet. None keeps the wording in force, against the new version."""
    due_within_days: int | None = Field(default=None, ge=0)
    """Working days on the Chinese calendar from the application of the change."""
    hours_factor: Decimal = Decimal(1)
    """Share by which planned hours of the task grow: 1.2 is 20 % more."""
    must_confirm: bool = False
    path: tuple[PathStep, ...] = ()
    rule: str
    """Rule table and row that decided, such as `default/3`."""
    rule_version: int
    explanation: Text


class ImpactAssessed(Event):
    """Everybody and everything that one released change affects, as one unit (C3, C5; state topic by change)."""

    change: UUID
    number: Key
    revision: int
    item: Key
    item_name: str
    base_version: Version | None
    new_version: Version
    reason: str
    rows: tuple[ImpactRow, ...]
    supersedes: UUID | None = None
    """The unit of an older revision of the same change order, which this one replaces."""
    released_by: Key | None
    released_at: AwareDatetime
    received_at: AwareDatetime
    applied_at: AwareDatetime
    version: int
