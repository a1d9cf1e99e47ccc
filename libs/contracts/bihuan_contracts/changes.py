"""What `changes` announces: change orders, and whom each of them affects and how."""

from decimal import Decimal
from uuid import UUID

from pydantic import AwareDatetime, Field

from bihuan_contracts.event import Choice, Event, Key, Part, Text, Version
from bihuan_contracts.goals import TargetField
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
    """Of an order that is not released yet: when it was last written."""
    received_at: AwareDatetime
    applied_at: AwareDatetime | None
    closed_at: AwareDatetime | None
    author: Key | None = None
    """Who writes an order that begins in Bihuan; upstream ones have `released_by`."""
    expires_at: AwareDatetime | None = None
    """A deviation ends then: the base version is in force again."""
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


class RuleHit(Part):
    """A row of a rule table that said something about an impact row (C4)."""

    table: Key
    version: int
    row: Key
    effects: tuple[str, ...]
    """Which effects it decided: action, criterion, due_days, hours_factor, must_confirm, tell, consent."""


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
    needs_consent: bool = False
    """A rule says that the person must agree before targets move: an impact matrix is opened (C7, C8)."""
    path: tuple[PathStep, ...] = ()
    rule: str
    """Rule table and row that decided, such as `default/3`."""
    rule_version: int
    explanation: Text
    hits: tuple[RuleHit, ...] = ()
    """Every row of every table that had a say, in the order of the tables; `rule` decided the action."""


class SupplierRow(Part):
    """An open order line for a part that the change adds, drops, replaces or counts anew (C3)."""

    supplier: Key
    supplier_name: str
    order: Key
    line: int
    item: Key
    item_name: str
    effect: str
    """What the change does to the part: a difference's kind, successor for what replaces it, changed for the item."""
    outstanding: Decimal
    promised_at: AwareDatetime | None = None
    path: tuple[PathStep, ...] = ()


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
    suppliers: tuple[SupplierRow, ...] = ()
    """Whose open orders the change reaches, as of its application."""
    supersedes: UUID | None = None
    """The unit of an older revision of the same change order, which this one replaces."""
    released_by: Key | None
    released_at: AwareDatetime
    received_at: AwareDatetime
    applied_at: AwareDatetime
    version: int


class ConsentState(Choice):
    DRAFT = "draft"
    OPEN = "open"
    SETTLED = "settled"
    WITHDRAWN = "withdrawn"
    UNKNOWN = "unknown"


class ConsentAnswer(Choice):
    SILENT = "silent"
    ACCEPTED = "accepted"
    NEGOTIATING = "negotiating"
    REJECTED = "rejected"
    OVERRIDDEN = "overridden"
    """The arbiter has decided, with a written reason."""
    UNKNOWN = "unknown"


class CompensationKind(Choice):
    NONE = "none"
    """Only where the adjustment costs no hours."""
    REST_DAYS = "rest_days"
    BONUS_POINTS = "bonus_points"
    HELP = "help"
    MOVED_DEADLINE = "moved_deadline"
    UNKNOWN = "unknown"


class Compensation(Part):
    """What somebody gets for the extra work (C7)."""

    kind: CompensationKind
    amount: Decimal = Decimal(0)
    """Days of rest, points, hours of help, or working days that another deadline of the person moves."""
    helper: Key | None = None
    """Who helps."""
    due_at: AwareDatetime | None = None
    """Until when it is to be given; None: ten working days after everybody has agreed."""


class Adjustment(Part):
    """One target of one task that the matrix moves; values as in `TargetChange`, the owner as employee number."""

    task: UUID
    task_code: Key
    task_title: str
    project: UUID
    field: TargetField
    old: str | None
    new: str | None


class ConsentRow(Part):
    """One affected person with the columns of the matrix and the answer to this revision (C7, C8).

    The person's words, and an arbiter's reason, stay in the service that owns the matrix.
    """

    row: UUID
    person: Key
    person_name: str
    task: UUID | None = None
    task_code: str | None = None
    action: str
    hours: Decimal | None
    """Extra hours that the adjustment costs this person."""
    compensation: Compensation | None
    answer: ConsentAnswer


class ConsentChanged(Event):
    """The state of an impact matrix for a goal change (C7, C8; state topic, highest `version` wins).

    The adjustments take effect in state `settled` and in no other; then the matrix never changes again.
    """

    matrix: UUID
    number: Key
    title: str
    state: ConsentState
    revision: int
    """Counts what was sent to everybody; answers belong to one revision."""
    proposer: Key
    arbiter: Key | None
    adjustments: tuple[Adjustment, ...]
    rows: tuple[ConsentRow, ...]
    change: UUID | None = None
    """The technical change that caused it, if one did."""
    proposed_at: AwareDatetime
    sent_at: AwareDatetime | None
    settled_at: AwareDatetime | None
    version: int
