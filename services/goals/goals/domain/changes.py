"""What a technical change does to a project: locks, retest cards, recalculated targets, as one unit (C5, G6–G8)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from bihuan_chassis.calendar import Calendar
from bihuan_contracts import Text
from bihuan_contracts.changes import ImpactAction, ImpactAssessed, ImpactRow
from bihuan_contracts.goals import (
    Criterion,
    CriterionState,
    Deliverable,
    RetestOf,
    TargetChange,
    TargetField,
    TaskKind,
    TaskLock,
    TaskState,
)
from bihuan_contracts.plm import NewCriterion
from goals.domain.evidence import BY_REPORT, kind_of
from goals.domain.hours import Estimate
from goals.domain.tree import Task, Tree, replaced

_HALF_HOUR = Decimal("0.5")
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Recalculated:
    """The targets of one task that a change has moved."""

    task: UUID
    change: UUID
    change_number: str
    rule: str | None
    changes: tuple[TargetChange, ...]
    matrix: UUID | None = None
    """The impact matrix that people have agreed to, where no technical change did it (C8)."""
    held: bool = False
    """Proposed only: takes effect when those affected have agreed (C7, C8)."""


@dataclass
class Effects:
    """What applying a change has done, beside the tasks themselves."""

    applied: list[ImpactRow] = field(default_factory=list)
    recalculated: list[Recalculated] = field(default_factory=list)
    superseded_criteria: list[tuple[UUID, Criterion]] = field(default_factory=list)
    """Task and criterion version that is no longer in force."""
    cards: list[tuple[UUID, str | None]] = field(default_factory=list)
    """Retest cards that the change has added, each with the rule that wants it."""

    def moved(self, task: Task, impact: ImpactAssessed, row: ImpactRow, *changes: TargetChange | None) -> None:
        real = tuple(_with_rule(one, row) for one in changes if one is not None and one.old != one.new)
        if real:
            self.recalculated.append(Recalculated(task.task, impact.change, impact.number, row.rule, real))

    def hold(self, task: Task, impact: ImpactAssessed, row: ImpactRow, *changes: TargetChange | None) -> None:
        real = tuple(_with_rule(one, row) for one in changes if one is not None)
        if real:
            self.recalculated.append(Recalculated(task.task, impact.change, impact.number, row.rule, real, held=True))


_SAID_BY = {TargetField.DUE_AT: "due_days", TargetField.PLANNED_HOURS: "hours_factor"}


def _with_rule(change: TargetChange, row: ImpactRow) -> TargetChange:
    """Several tables decide together: who has said the days or the hours is named where it is another row (C4)."""
    effect = _SAID_BY.get(change.field)
    said = next((f"{hit.table}/{hit.row}" for hit in row.hits if effect in hit.effects), None)
    return change if said in {None, row.rule} else change.model_copy(update={"rule": said})


def code_prefix(number: str) -> str:
    """How the codes of a change's retest cards begin: ECN-2026-0187 → `RT-0187-`; other numbers whole."""
    return f"RT-{number.rsplit('-', 1)[-1]}-"


@dataclass
class CardCodes:
    """Codes of retest cards, each once in the company: one change has cards in several projects, and reports and
    people name a card by its code alone."""

    highest: dict[str, int] = field(default_factory=dict)
    """The last number in use for each prefix."""

    def next(self, number: str) -> str:
        prefix = code_prefix(number)
        self.highest[prefix] = self.highest.get(prefix, 0) + 1
        return f"{prefix}{self.highest[prefix]}"


@dataclass(frozen=True)
class Circumstances:
    """What the rules may know beside the tree."""

    now: datetime
    calendar: Calendar
    estimate: Callable[[Task | None, ImpactRow], Estimate | None]
    """Hours that similar finished tasks took."""
    codes: CardCodes
    passed: frozenset[tuple[UUID, str]] = frozenset()
    """Changes and modules whose retests have all passed already."""


def apply(tree: Tree, impact: ImpactAssessed, rows: Sequence[ImpactRow], given: Circumstances) -> Effects:
    """Apply rows of one impact to one project. The caller passes rows that were not applied before."""
    effects = Effects()
    for row in sorted(rows, key=lambda row: (row.action is not ImpactAction.RETEST, str(row.row))):
        if row.action is ImpactAction.LOCK:
            _lock(tree, impact, row, given, effects)
        elif row.action is ImpactAction.MIGRATE:
            _migrate(tree, impact, row, given, effects)
        elif row.action is ImpactAction.RETEST:
            _retest(tree, impact, row, given, effects)
        effects.applied.append(row)
    return effects


def lockable(task: Task) -> bool:
    """Work that has ended is not locked any more."""
    return task.state in {TaskState.ACTIVE, TaskState.DRAFT}


def _lock(tree: Tree, impact: ImpactAssessed, row: ImpactRow, given: Circumstances, effects: Effects) -> None:
    task = tree.tasks.get(row.task) if row.task else None
    if task is None or not lockable(task):
        return
    lock = TaskLock(
        lock=uuid5(NAMESPACE_URL, f"urn:bihuan:lock:{row.row}"),
        change=impact.change,
        change_number=impact.number,
        module=row.module,
        old_version=row.old_version,
        new_version=row.new_version,
        since=given.now,
        way_out=_way_out(f"{row.module} {row.new_version}", (impact.change, row.module) in given.passed),
    )
    if any(known.lock == lock.lock for known in task.locks):
        return
    locked = tree.change(task.task, locks=(*task.locks, lock), **_in_effect(task, impact, row, given, effects))
    effects.moved(
        locked, impact, row, _due(task, locked), _hours(task, locked),
        TargetChange(field=TargetField.STATE, old=str(task.state), new="locked"),
    )  # fmt: skip


@lru_cache(256)
def _way_out(version: str, passed: bool) -> Text:
    if passed:  # a task that is caught late: no retest is coming that would open it
        return Text(
            zh=f"{version} 的重测已经通过：由项目负责人决定迁移、让步",
            en=f"{version} has passed its retest already: the project lead decides",
        )
    return Text(
        zh=f"{version} 的重测通过后自动解锁；或由项目负责人决定迁移、让步",
        en=f"Opens when {version} has passed its retest; or the project lead decides",
    )


def _migrate(tree: Tree, impact: ImpactAssessed, row: ImpactRow, given: Circumstances, effects: Effects) -> None:
    task = tree.tasks.get(row.task) if row.task else None
    if task is None or not task.counted:
        return
    after = tree.change(task.task, item_version=row.new_version, **_in_effect(task, impact, row, given, effects))
    effects.moved(after, impact, row, _due(task, after), _hours(task, after))


def _retest(tree: Tree, impact: ImpactAssessed, row: ImpactRow, given: Circumstances, effects: Effects) -> None:
    """A retest card, and the pass it puts in question: verified becomes "verify again" (G5, G7)."""
    origin = tree.tasks.get(row.task) if row.task else None
    old = _criterion_to_replace(origin, row.criterion)
    criterion = _next_criterion(row, old)
    card = _card(tree, impact, row, criterion, old, origin, given) if _card_id(row) not in tree.tasks else None
    late = card is not None and any(other.counted and overtakes(other, card) for other in _cards(tree, row.module))
    if origin is not None and old is not None and not late:
        effects.superseded_criteria.append((origin.task, old))
        after = tree.change(
            origin.task,
            deliverables=_with_criterion(origin.deliverables, criterion),
            state=TaskState.ACTIVE if origin.state is TaskState.DONE else origin.state,
            finished_at=None,
            item_version=row.new_version,
        )
        effects.moved(
            after, impact, row,
            TargetChange(field=TargetField.CRITERION, old=old.text, new=criterion.text),
        )  # fmt: skip
    if card is None:
        return
    if late:  # kept all the same: the change has had its card
        tree.put(replaced(card, state=TaskState.SUPERSEDED))
        return
    for other in _cards(tree, row.module):
        if other.state is TaskState.ACTIVE and overtakes(card, other):
            tree.change(other.task, state=TaskState.SUPERSEDED)
    tree.put(card)
    effects.cards.append((card.task, row.rule))


def _cards(tree: Tree, module: str) -> list[Task]:
    return [task for task in tree.tasks.values() if task.retest is not None and task.module == module]


def overtakes(card: Task, other: Task) -> bool:
    """Two cards on one test: the later change's asks for the version in force. A card that stands in for a test
    nobody knew of gives way to the test's own. Whichever of them comes in first (C5)."""
    return other.origin in {None, card.origin} and _turn(other) < _turn(card)


def _turn(card: Task) -> tuple[datetime, str, bool]:
    assert card.retest is not None
    at = card.retest.applied_at or card.starts_at or _LONG_AGO
    return at, str(card.retest.change), card.origin is not None


def _card(
    tree: Tree,
    impact: ImpactAssessed,
    row: ImpactRow,
    criterion: Criterion,
    old: Criterion | None,
    origin: Task | None,
    given: Circumstances,
) -> Task:
    due = given.calendar.add(given.now, row.due_within_days if row.due_within_days is not None else 3)
    estimate = given.estimate(origin, row)
    planned = _by_factor(estimate.p50 if estimate else (origin.planned_hours if origin else None), row)
    goal = origin.goal if origin else (tree.project.goals[0].goal if tree.project.goals else None)
    deliverable = Deliverable(
        deliverable=uuid5(NAMESPACE_URL, f"urn:bihuan:report:{row.row}"),
        title=f"{row.module_name} {row.new_version} 重测报告",
        weight=None,
        due_at=due,
        criteria=(criterion.model_copy(update={"state": CriterionState.OPEN}),),
    )
    return Task(
        task=_card_id(row),
        code=given.codes.next(impact.number),
        project=tree.project.project,
        goal=goal,
        title=f"待重测：{row.module_name} {row.new_version}",
        kind=TaskKind.RETEST,
        state=TaskState.ACTIVE,
        owner=row.person,
        module=row.module,
        item_version=row.new_version,
        weight=_weight_of_card(tree, goal, origin),
        deliverables=(deliverable,),
        retest=RetestOf(
            change=impact.change,
            change_number=impact.number,
            module=row.module,
            module_name=row.module_name,
            old_version=row.old_version,
            new_version=row.new_version or impact.new_version,
            old_criterion=old.text if old else None,
            applied_at=impact.applied_at,
        ),
        origin=origin.task if origin else None,
        starts_at=given.now,
        due_at=due,
        planned_hours=planned,
    )


def _weight_of_card(tree: Tree, goal: UUID | None, origin: Task | None) -> Decimal | None:
    """It shares the weight of the test that it repeats (domain.roll_up) and has none of its own.

    Without one it is new work: it shares what explicit weights leave, unless the goal is frozen and others would lose.
    """
    above = tree.goal(goal)
    return Decimal(0) if origin is not None or above is None or above.frozen else None


def _card_id(row: ImpactRow) -> UUID:
    return uuid5(NAMESPACE_URL, f"urn:bihuan:card:{row.row}")


def _criterion_to_replace(origin: Task | None, new: NewCriterion | None) -> Criterion | None:
    """The criterion of the test that the new one takes the place of: the same metric, else the first."""
    if origin is None:
        return None
    known = [criterion for one in origin.deliverables for criterion in one.criteria]
    if new is not None and new.metric:
        for criterion in known:
            if criterion.metric == new.metric:
                return criterion
    return known[0] if known else None


def _next_criterion(row: ImpactRow, old: Criterion | None) -> Criterion:
    new = row.criterion
    state = CriterionState.OPEN
    if old is not None and old.state in {CriterionState.VERIFIED, CriterionState.VERIFY_AGAIN}:
        state = CriterionState.VERIFY_AGAIN
    if new is None:
        # The wording stays, but it is to be met by the new version: a new version of the criterion all the same.
        text = old.text if old else f"{row.module_name} {row.new_version} 测试通过"
        base = old or Criterion(criterion=_criterion_id(row), version=0, text=text, state=state)
        return base.model_copy(update={"version": base.version + 1, "state": state})
    # New limits without a metric are for the metric in force; new words alone are no measurement any more.
    measured = old if old is not None and (new.lower is not None or new.upper is not None) else None
    return Criterion(
        criterion=old.criterion if old else _criterion_id(row),
        version=(old.version if old else 0) + 1,
        text=new.text,
        metric=new.metric or (measured.metric if measured else None),
        unit=new.unit or (measured.unit if measured else None),
        lower=new.lower,
        upper=new.upper,
        state=state,
        **_manner(new, old),
    )


def _manner(new: NewCriterion, old: Criterion | None) -> dict[str, Any]:
    """New words alone are met in the way in which the old ones were: by an approval, a checklist, a document."""
    by_report = old is None or kind_of(old) in BY_REPORT
    if old is None or by_report or new.metric or new.lower is not None or new.upper is not None:
        return {}
    return {"kind": old.kind, "items": old.items, "approver": old.approver}


def _criterion_id(row: ImpactRow) -> UUID:
    return uuid5(NAMESPACE_URL, f"urn:bihuan:criterion:{row.row}")


def _with_criterion(deliverables: Sequence[Deliverable], new: Criterion) -> tuple[Deliverable, ...]:
    return tuple(
        one.model_copy(update={"criteria": tuple(new if c.criterion == new.criterion else c for c in one.criteria)})
        for one in deliverables
    )


@dataclass(frozen=True, slots=True)
class _Moved:
    due_at: datetime | None
    planned_hours: Decimal | None


def _targets(task: Task, row: ImpactRow, given: Circumstances) -> _Moved:
    """New due date on the working calendar, and planned hours by the rule's factor."""
    due = task.due_at
    if due is not None and row.due_within_days:
        due = given.calendar.add(max(due, given.now), row.due_within_days)
    return _Moved(due, _by_factor(task.planned_hours, row))


def _by_factor(hours: Decimal | None, row: ImpactRow) -> Decimal | None:
    """Planned hours times the rule's factor, to the half hour."""
    if hours is None or row.hours_factor == 1:
        return hours
    return ((hours * row.hours_factor) / _HALF_HOUR).quantize(Decimal(1), ROUND_HALF_UP) * _HALF_HOUR


def _in_effect(
    task: Task, impact: ImpactAssessed, row: ImpactRow, given: Circumstances, effects: Effects
) -> dict[str, Any]:
    """The targets that move now. Where a rule wants consent none does: they are held until a matrix is settled."""
    moved = _targets(task, row, given)
    found = {"due_at": moved.due_at, "planned_hours": moved.planned_hours}
    if not row.needs_consent:
        return found
    proposed = replaced(task, due_at=moved.due_at, planned_hours=moved.planned_hours)
    effects.hold(task, impact, row, _due(task, proposed), _hours(task, proposed))
    return {}


def _due(before: Task, after: Task) -> TargetChange | None:
    if before.due_at == after.due_at:
        return None
    return TargetChange(
        field=TargetField.DUE_AT,
        old=before.due_at.isoformat() if before.due_at else None,
        new=after.due_at.isoformat() if after.due_at else None,
    )


def _hours(before: Task, after: Task) -> TargetChange | None:
    if before.planned_hours == after.planned_hours:
        return None
    return TargetChange(
        field=TargetField.PLANNED_HOURS,
        old=str(before.planned_hours) if before.planned_hours is not None else None,
        new=str(after.planned_hours) if after.planned_hours is not None else None,
    )


def retire(tree: Tree, change: UUID) -> None:
    """A newer revision supersedes this unit: its locks open and its open cards leave."""
    for task in list(tree.tasks.values()):
        kept = tuple(lock for lock in task.locks if lock.change != change)
        if kept != task.locks:
            tree.change(task.task, locks=kept)
        if task.retest is not None and task.retest.change == change and task.state is TaskState.ACTIVE:
            tree.change(task.task, state=TaskState.SUPERSEDED)


def open_locks(tree: Tree, card: Task) -> list[TaskLock]:
    """A retest has passed: the locks on its module whose retests have all passed open, the tasks move on."""
    assert card.retest is not None
    module = card.retest.module
    opened: list[TaskLock] = []
    for task in list(tree.tasks.values()):
        speaking = {lock.lock: _passed(tree, lock.change, module) for lock in task.locks if lock.module == module}
        own = [lock for lock in task.locks if speaking.get(lock.lock) is not None]
        if own:
            newest = max((one for one in speaking.values() if one is not None), key=_turn)
            kept = tuple(lock for lock in task.locks if lock not in own)
            tree.put(replaced(task, locks=kept, item_version=_moved_on(tree, task, newest)))
            opened += own
    return opened


def _passed(tree: Tree, change: UUID, module: str) -> Task | None:
    """The last of a change's cards on a module, when all of them have passed; a card that was replaced is spoken for
    by what has replaced it."""
    counted = [one for one in _cards(tree, module) if one.counted]
    speaking: list[Task] = []
    for own in tree.of_change(change):
        if own.module == module:
            speaking += [own] if own.counted else [one for one in counted if overtakes(one, own)][:1]
    return max(speaking, key=_turn) if speaking and all(one.state is TaskState.DONE for one in speaking) else None


def _moved_on(tree: Tree, task: Task, card: Task) -> str | None:
    """Its version, unless a later change has taken the task further already."""
    assert card.retest is not None
    later = {one.item_version for one in _cards(tree, card.retest.module) if _turn(one) > _turn(card)}
    return task.item_version if task.item_version in later else card.item_version or task.item_version


def lock_again(tree: Tree, task: Task, lock: TaskLock) -> bool:
    """A concession is over: the lock is back, or, where its retest has passed meanwhile, the task moves on (False)."""
    passed = _passed(tree, lock.change, lock.module)
    if passed is not None:
        tree.put(replaced(task, item_version=_moved_on(tree, task, passed)))
        return False
    tree.put(replaced(task, locks=(*task.locks, lock)))
    return True
