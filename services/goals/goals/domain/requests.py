"""Urgent customer requests: which project they belong to, whose they are, what they weigh, what they cost (G10)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from bihuan_contracts.goals import Criterion, CriterionKind, CriterionState, Deliverable, TaskKind, TaskState
from goals.domain.tree import Goal, Project, Task, Tree

DEFAULT_WEIGHT = Decimal(5)
"""Percent of its goal, unless what the others leave is less."""
WITHIN_DAYS = 2
"""Working days to answer, unless the lead sets another date."""


@dataclass(frozen=True, slots=True)
class Request:
    request: UUID
    number: str
    what: str
    customer: str


def projects_of(customer: str, projects: Iterable[Project]) -> list[Project]:
    """Running projects of this customer: the exact name, else those whose name holds it or is held by it."""
    name = customer.strip().casefold()
    known = [(one, (one.customer or "").strip().casefold()) for one in projects if one.state == "active"]
    exact = [one for one, theirs in known if theirs and theirs == name]
    return exact or [one for one, theirs in known if theirs and name and (theirs in name or name in theirs)]


def candidates(what: str, customer: str, projects: Sequence[Project]) -> list[Project]:
    """The customer's running projects; among several, those whose product the words name."""
    found = projects_of(customer, projects)
    named = [one for one in found if one.product.casefold() in what.casefold()]
    return named or found


def goal_for(tree: Tree, owner: str) -> Goal | None:
    """Where its owner has most open work of this project, else the first goal; a frozen one only when all are."""
    counted = [goal for goal in tree.project.goals if goal.counted]
    free = [goal for goal in counted if not goal.frozen] or counted
    return max(free, key=lambda goal: _open_work(tree, goal, owner), default=None)


def _open_work(tree: Tree, goal: Goal, owner: str) -> int:
    return sum(1 for task in tree.children(goal.goal) if task.owner == owner and task.state is TaskState.ACTIVE)


def owner_for(tree: Tree, booked_by: str | None) -> str:
    """Whoever books it, when they work on the project; else its lead, who hands it on."""
    works_here = any(task.owner == booked_by and task.counted for task in tree.tasks.values())
    return booked_by if booked_by is not None and works_here else tree.project.lead


def default_weight(tree: Tree, goal: Goal | None) -> Decimal:
    """Five percent of the goal, or what explicit weights leave; nothing in a frozen goal, where others would lose."""
    if goal is None or goal.frozen:
        return Decimal(0)
    taken = sum((task.weight for task in tree.children(goal.goal) if task.counted and task.weight), Decimal(0))
    return max(Decimal(0), min(DEFAULT_WEIGHT, 100 - taken))


def ad_hoc_task(
    request: Request, tree: Tree, owner: str, *, ids: Sequence[UUID], starts_at: datetime, due_at: datetime
) -> Task:
    """The request as a task with one deliverable: solved, as somebody other than its owner confirms."""
    goal = goal_for(tree, owner)
    solved = Criterion(
        criterion=ids[1], version=1, text=f"{request.customer} 确认已解决", state=CriterionState.OPEN,
        kind=CriterionKind.APPROVAL, approver="manager" if owner == tree.project.lead else "project_lead",
    )  # fmt: skip
    deliverable = Deliverable(
        deliverable=ids[2], title=f"加急：{request.what}"[:200], weight=None, due_at=due_at, criteria=(solved,)
    )
    return Task(
        task=ids[0], code=request.number, project=tree.project.project, goal=goal.goal if goal else None,
        title=request.what, kind=TaskKind.AD_HOC, state=TaskState.ACTIVE, owner=owner,
        weight=default_weight(tree, goal), deliverables=(deliverable,), starts_at=starts_at, due_at=due_at,
        position=max((task.position for task in tree.tasks.values()), default=0) + 1,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hours:
    """Booked hours of one person on one kind of work in one month."""

    person: str
    month: date
    unplanned: bool
    hours: Decimal


@dataclass(frozen=True, slots=True)
class MonthLoad:
    month: date
    hours: Decimal
    """Beside the plan."""
    all_hours: Decimal


@dataclass(frozen=True, slots=True)
class Load:
    """What somebody carried beside the plan, month by month, oldest first."""

    person: str
    months: tuple[MonthLoad, ...]

    @property
    def hours(self) -> Decimal:
        return sum((one.hours for one in self.months), Decimal(0))

    @property
    def share(self) -> Decimal | None:
        """Percent of all the hours that the person booked; None without any."""
        whole = sum((one.all_hours for one in self.months), Decimal(0))
        return (self.hours * 100 / whole).quantize(Decimal("0.1")) if whole else None


def months_until(last: date, count: int) -> list[date]:
    """The first days of `count` months, the last one that of `last`."""
    ends = last.year * 12 + last.month - 1
    return [date(month // 12, month % 12 + 1, 1) for month in range(ends - count + 1, ends + 1)]


def loads(booked: Iterable[Hours], months: Sequence[date], also: Iterable[str] = ()) -> list[Load]:
    """Who carried most first. `also` are shown without hours; other people without unplanned work are left out."""
    unplanned: defaultdict[tuple[str, date], Decimal] = defaultdict(Decimal)
    total: defaultdict[tuple[str, date], Decimal] = defaultdict(Decimal)
    for one in booked:
        total[one.person, one.month] += one.hours
        if one.unplanned:
            unplanned[one.person, one.month] += one.hours
    people = {person for person, _ in unplanned} | set(also)
    found = [
        Load(person, tuple(MonthLoad(month, unplanned[person, month], total[person, month]) for month in months))
        for person in people
    ]
    return sorted(found, key=lambda load: (-load.hours, load.person))
