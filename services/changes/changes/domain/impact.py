"""Impact: from what changed to modules, tasks and people, each row with its path and the rule that decided (C3, C5)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha1
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, UUID

from bihuan_contracts.changes import Difference, ImpactAction, ImpactRow, PathStep
from bihuan_contracts.plm import ItemKind, NewCriterion
from changes.domain import made
from changes.domain.rules import Decision, Facts, RuleBook
from changes.domain.structure import only_flags, where_used
from changes.domain.world import Project, Task, World

_TESTS = {"test"}
_HELD = {ItemKind.MODULE, ItemKind.PRODUCT, ItemKind.ASSEMBLY}
_ORDER = (ImpactAction.LOCK, ImpactAction.RETEST, ImpactAction.MIGRATE, ImpactAction.INFORM, ImpactAction.UNKNOWN)
_RANK = {action: place for place, action in enumerate(_ORDER)}


@dataclass(frozen=True, slots=True)
class Change:
    """A released change, as impact analysis sees it."""

    change: UUID
    number: str
    revision: int
    item: str
    item_name: str
    base_version: str | None
    new_version: str
    change_type: str
    named_modules: tuple[str, ...]
    criteria: tuple[NewCriterion, ...]
    differences: tuple[Difference, ...]
    released_by: str | None
    released_at: datetime
    received_at: datetime
    source: str = ""
    applied_at: datetime | None = None
    flags_only: bool = field(init=False)
    kinds: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "flags_only", only_flags(self.differences))
        object.__setattr__(self, "kinds", frozenset(str(one.kind) for one in self.differences))


class _Reach(NamedTuple):
    """A module that the change reaches."""

    module: str
    relation: str
    depth: int
    path: tuple[str, ...]
    old_version: str | None
    new_version: str | None


class Decided(NamedTuple):
    """What the rules said about one task, or about a module without a test, and the row that came of it."""

    subject: str
    facts: Facts
    decision: Decision
    row: ImpactRow | None


@dataclass(frozen=True, slots=True)
class Assessment:
    rows: tuple[ImpactRow, ...]
    decided: tuple[Decided, ...]


def assess(change: Change, world: World, rules: RuleBook) -> Assessment:
    """Everybody the change affects. Pure: the same inputs give the same rows with the same ids."""
    cases, made = _Cases(change, world, rules), _Rows(change, world)
    decided = [one for reach in _modules(change, world) for one in _of_module(world, reach, cases, made)]
    rows = [one.row for one in decided if one.row is not None]
    rows += _told(change, world, rules, decided)
    return Assessment(_once(rows + _informed(change, world, rows)), tuple(decided))


def _modules(change: Change, world: World) -> Iterator[_Reach]:
    """With work on them: the changed item, the modules and products above it, and those that the author named."""
    structure = world.structure
    above = where_used(structure, change.item)
    for reached in above:
        if reached.item not in world.by_module:
            continue
        if reached.depth == 0:
            yield _Reach(change.item, "direct", 0, reached.path, change.base_version, change.new_version)
        elif structure.kind(reached.item) in _HELD:
            # A change below bumps no version above it by itself, it only makes the item suspicious.
            version = structure.items[reached.item].version
            yield _Reach(reached.item, "above", reached.depth, reached.path, version, version)
    if named := [module for module in change.named_modules if module in world.by_module]:
        known = {reached.item for reached in above if not reached.depth or structure.kind(reached.item) in _HELD}
        for module in dict.fromkeys(named):
            if module not in known:
                version = structure.items[module].version if module in structure.items else None
                yield _Reach(module, "named", 1, (change.item, module), version, version)


def _of_module(world: World, reach: _Reach, cases: "_Cases", rows: "_Rows") -> list[Decided]:
    touched = [task for task in world.by_module[reach.module] if _is_touched(task, reach)]
    decided = [_of_task(world, reach, task, cases, rows) for task in touched]
    projects_with_tests = {task.project for task in touched if task.kind in _TESTS}
    for project in dict.fromkeys(task.project for task in touched):
        if project not in projects_with_tests:
            decided.append(_untested(world, reach, project, cases, rows))
    return decided


def _is_touched(task: Task, reach: _Reach) -> bool:
    """Open work that is not on the new version yet, and passed tests of the old one."""
    # A retest card is no work of its own: the test that it repeats is retested again, and its card replaced.
    if task.state in {"cancelled", "superseded"} or task.kind == "retest":
        return False
    if reach.relation == "direct":
        outdated = task.version != reach.new_version
        return outdated and (task.open or (task.kind in _TESTS and task.version == reach.old_version))
    return task.open or task.kind in _TESTS


def _of_task(world: World, reach: _Reach, task: Task, cases: "_Cases", rows: "_Rows") -> Decided:
    project = world.projects.get(task.project)
    facts, decision = cases.decided(reach, project, task)
    owner = task.owner or (project.lead if project else None)
    row = None
    if owner is not None and (decision.action is not ImpactAction.INFORM or task.open):
        row = rows.row(reach, decision, person=owner, task=task, project=project)
    return Decided(str(task.task), facts, decision, row)


def _untested(world: World, reach: _Reach, project_id: UUID, cases: "_Cases", rows: "_Rows") -> Decided:
    """A project that works on the module without a test task still needs somebody to retest it."""
    project = world.projects.get(project_id)
    facts, decision = cases.decided(reach, project, None)
    tester = _tester(world, reach.module) or (project.lead if project else None)
    row = None
    if tester is not None and decision.action is ImpactAction.RETEST:
        row = rows.row(reach, decision, person=tester, task=None, project=project)
    return Decided(f"{reach.module}|{project_id}", facts, decision, row)


def _tester(world: World, module: str) -> str | None:
    return next((one.person for one in world.responsible.get(module, ()) if "test_engineer" in one.roles), None)


class _Cases:
    """What the rules say of each case of a change. Tasks that differ in nothing a rule can ask are one case."""

    def __init__(self, change: Change, world: World, rules: RuleBook) -> None:
        self._change, self._world, self._rules = change, world, rules
        self._known: dict[object, tuple[Facts, Decision]] = {}

    def decided(self, reach: _Reach, project: Project | None, task: Task | None) -> tuple[Facts, Decision]:
        owner = self._world.people.get(task.owner) if task and task.owner else None
        department = owner.department if owner else ""
        own = None
        if task is not None:
            days = _days(self._change, task.due_at) if task.due_at else None
            own = task.kind, task.open, days, task.planned_hours
        case = reach.module, project.project if project else None, department, own
        found = self._known.get(case)
        if found is None:
            facts = self._facts(reach, project, department, *(own or ("none", True, None, None)))
            found = self._known[case] = facts, self._rules.decide(facts)
        return found

    def _facts(
        self,
        reach: _Reach,
        project: Project | None,
        department: str,
        kind: str,
        is_open: bool,
        days: Decimal | None,
        hours: Decimal | None,
    ) -> Facts:
        change = self._change
        return Facts(
            relation=reach.relation,
            depth=Decimal(reach.depth),
            task_kind=kind,
            task_open=is_open,
            change_type=change.change_type,
            source=change.source,
            item=change.item,
            module=reach.module,
            product=project.product if project else "",
            project=project.code if project else "",
            phase=project.phase if project else "",
            customer=project.customer if project else "",
            department=department,
            flags_only=change.flags_only,
            differences=change.kinds,
            days_to_due=days,
            planned_hours=hours,
        )


def _days(change: Change, due_at: datetime) -> Decimal:
    """Whole days from the application of the change; below zero when it is over."""
    return Decimal((due_at - (change.applied_at or change.received_at)) // timedelta(days=1))


class _Rows:
    """Makes the rows of a change. What many of them share is put together once."""

    def __init__(self, change: Change, world: World) -> None:
        self._change, self._world = change, world
        self._alike: dict[tuple[int, UUID | None], dict[str, Any]] = {}
        self._reach: _Reach | None = None
        self._way: tuple[PathStep, ...] = ()
        self._ids = _IDS.copy()
        self._ids.update(f"{change.number}|{change.revision}|".encode())

    def row(
        self, reach: _Reach, decision: Decision, *, person: str, task: Task | None, project: Project | None
    ) -> ImpactRow:
        world = self._world
        if reach is not self._reach:  # they come module by module
            self._reach, self._way = reach, world.item_steps(reach.path)
        place = project.project if project else (task.project if task else None)
        alike = self._alike.get((id(decision), place))
        if alike is None:
            alike = self._alike[id(decision), place] = vars(self._shared(decision, place, project))
        identity = (
            f"{reach.module}|{project.project if project else ''}"
            f"|{task.task if task else ''}|{person}|{decision.action}"
        )
        end = world.person_step(person)
        own = {
            **alike,
            "row": _row_id(self._ids, identity),
            "person": person,
            "person_name": end.name,
            "module": reach.module,
            "module_name": world.structure.name(reach.module),
            "old_version": reach.old_version,
            "new_version": reach.new_version,
        }
        if decision.action is ImpactAction.RETEST:
            own["criterion"] = _criterion(self._change, reach.module, decision)
        if task is None:
            own["path"] = (*self._way, end)
        else:
            own["path"] = (*self._way, *_steps(task), end)
            own["task"], own["task_code"], own["task_title"] = task.task, task.code, task.title
            own["old_version"] = task.version or reach.old_version
            own["needs_consent"] = decision.needs_consent(task.planned_hours)
        return made.row(own)

    def _shared(self, decision: Decision, place: UUID | None, project: Project | None) -> ImpactRow:
        """All fields, most of them checked here; row() puts its own in the places of some."""
        return ImpactRow(
            row=NAMESPACE_URL,
            action=decision.action,
            person="-",
            person_name="",
            module="-",
            module_name="",
            old_version=None,
            new_version=None,
            project=place,
            project_name=project.name if project else None,
            due_within_days=decision.due_within_days,
            hours_factor=decision.hours_factor,
            must_confirm=decision.must_confirm,
            needs_consent=decision.needs_consent(None),
            rule=f"{decision.table}/{decision.row}",
            rule_version=decision.version,
            explanation=decision.explanation,
            hits=decision.hits,
        )


_IDS = sha1(NAMESPACE_URL.bytes + b"urn:bihuan:impact:", usedforsecurity=False)
_VERSION_5, _NO_VERSION = 0x5000_8000_0000_0000_0000, ~0xF000_C000_0000_0000_0000


def _row_id(prefix: Any, identity: str) -> UUID:
    """The uuid5() of a URN; what all of them share, `prefix`, is hashed once."""
    hashed = prefix.copy()
    hashed.update(identity.encode())
    return made.identity(int.from_bytes(hashed.digest()[:16], "big") & _NO_VERSION | _VERSION_5)


def _steps(task: Task) -> Sequence[PathStep]:
    """From the goal by the task to its criterion."""
    own = made.step("task", task.code, task.title)
    goal = (made.step("goal", task.goal, task.goal),) if task.goal else ()
    criterion = (made.step("criterion", task.criterion, task.criterion),) if task.criterion else ()
    return *goal, own, *criterion


def _criterion(change: Change, module: str, decision: Decision) -> NewCriterion | None:
    """Of a retest: the one that came with the release, else the rule's; None keeps the wording in force."""
    for criterion in change.criteria:
        if criterion.module == module:
            return criterion
    return NewCriterion(module=module, text=decision.criterion) if decision.criterion else None


def _told(change: Change, world: World, rules: RuleBook, decided: Iterable[Decided]) -> list[ImpactRow]:
    """Whom the rules tell beside the one affected; somebody with a row of the same module knows already."""
    affected = [(one.row, one.decision) for one in decided if one.row is not None]
    decisions = {id(decision): decision for _, decision in affected}
    telling = {place: [hit for hit in one.hits if "tell" in hit.effects] for place, one in decisions.items()}
    if not any(telling.values()):
        return []
    known = {(row.person, row.module) for row, _ in affected}
    told: dict[tuple[str, str], ImpactRow] = {}
    for row, decision in affected:
        for hit in telling[id(decision)]:
            for person in _named(world, row, rules.tells(hit)):
                at = (person, row.module)
                if at not in known and at not in told:
                    update = {
                        "rule": f"{hit.table}/{hit.row}",
                        "rule_version": hit.version,
                        "explanation": rules.note(hit),
                        "hits": (hit,),
                    }
                    told[at] = _inform(change, world, row, person).model_copy(update=update)
    return list(told.values())


def _named(world: World, row: ImpactRow, targets: Iterable[str]) -> list[str]:
    """The people behind `lead`, `module`, `role:director` …, each once."""
    project = world.projects.get(row.project) if row.project else None
    owner = world.people.get(row.person)
    found: list[str] = []
    for target in targets:
        if target == "lead":
            found += [project.lead] if project else []
        elif target == "manager":
            found += [owner.manager] if owner and owner.manager else []
        elif target == "module":
            found += [one.person for one in world.responsible.get(row.module, ())]
        elif target == "tester":
            found += [one.person for one in world.responsible.get(row.module, ()) if "test_engineer" in one.roles]
        else:
            found += world.told.get(target, ())
    return list(dict.fromkeys(found))


def _informed(change: Change, world: World, rows: Sequence[ImpactRow]) -> list[ImpactRow]:
    """Project leads, and who answers for an affected module, when nothing else reaches them."""
    reached = {row.person for row in rows}
    informed: dict[str, ImpactRow] = {}
    places: dict[tuple[str, UUID | None], ImpactRow] = {}
    for row in rows:
        places.setdefault((row.module, row.project), row)
    for row in places.values():
        project = world.projects.get(row.project) if row.project else None
        answering = world.responsible.get(row.module, ())
        for person in [*([project.lead] if project else []), *(one.person for one in answering)]:
            if person not in reached and person not in informed:
                informed[person] = _inform(change, world, row, person)
    return list(informed.values())


def _inform(change: Change, world: World, because: ImpactRow, person: str) -> ImpactRow:
    identity = f"{change.number}|{change.revision}|{because.module}|{person}|inform"
    end = world.person_step(person)
    return because.model_copy(
        update={
            "row": _row_id(_IDS, identity),
            "action": ImpactAction.INFORM,
            "person": person,
            "person_name": end.name,
            "task": None,
            "task_code": None,
            "task_title": None,
            "criterion": None,
            "due_within_days": None,
            "hours_factor": Decimal(1),
            "must_confirm": False,
            "needs_consent": False,
            "path": (*because.path[:-1], end),
        }
    )


def _once(rows: Iterable[ImpactRow]) -> tuple[ImpactRow, ...]:
    """Each task once, by the nearest path; the same row once."""
    taken: dict[object, ImpactRow] = {}
    for row in rows:
        taken.setdefault(row.task or row.row, row)
    return tuple(sorted(taken.values(), key=lambda row: (_RANK[row.action], row.module, row.person, row.row)))
