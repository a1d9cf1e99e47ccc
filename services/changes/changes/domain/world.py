"""What is known when a change is assessed: structure, tasks, projects and people (C3)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from bihuan_contracts.changes import PathStep
from changes.domain.made import step
from changes.domain.structure import Structure

_OPEN = {"draft", "active"}


class Task(NamedTuple):
    """A task as far as a change may touch it."""

    task: UUID
    code: str
    title: str
    kind: str
    state: str
    owner: str | None
    module: str | None
    version: str | None
    project: UUID
    due_at: datetime | None = None
    planned_hours: Decimal | None = None
    goal: str | None = None
    criterion: str | None = None
    """What its first deliverable must meet, in words."""

    @property
    def open(self) -> bool:
        return self.state in _OPEN


@dataclass(frozen=True, slots=True)
class Project:
    project: UUID
    name: str
    lead: str
    product: str
    phase: str = ""
    customer: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    person: str
    name: str
    roles: frozenset[str] = frozenset()
    modules: frozenset[str] = frozenset()
    department: str = ""
    manager: str | None = None


@dataclass(frozen=True)
class World:
    """What is known when a change is assessed."""

    structure: Structure
    tasks: Sequence[Task]
    projects: Mapping[UUID, Project]
    people: Mapping[str, Person]
    told: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """People by what a rule tells: `role:director`, `department:PU`, `person:10231`."""
    by_module: Mapping[str, Sequence[Task]] = field(init=False)
    responsible: Mapping[str, Sequence[Person]] = field(init=False)
    """Who answers for each module, by employee number."""
    _items: "_ItemSteps" = field(init=False, repr=False, compare=False)
    _steps: dict[str, PathStep] = field(init=False, default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        found: dict[str, list[Task]] = defaultdict(list)
        for task in self.tasks:
            if task.module is not None:
                found[task.module].append(task)
        object.__setattr__(self, "by_module", found)
        answering: dict[str, list[Person]] = defaultdict(list)
        for _, person in sorted(self.people.items()):
            for module in person.modules:
                answering[module].append(person)
        object.__setattr__(self, "responsible", answering)
        object.__setattr__(self, "_items", _ItemSteps(self.structure))

    def by_known_projects(self) -> "tuple[World, list[Task]]":
        """This world with the tasks of known projects alone, and the others: rules ask for product, phase, customer."""
        others = [task for task in self.tasks if task.project not in self.projects]
        if not others:
            return self, others
        return replace(self, tasks=[task for task in self.tasks if task.project in self.projects]), others

    def item_steps(self, path: Sequence[str]) -> tuple[PathStep, ...]:
        """A way through the structure."""
        return tuple(map(self._items.__getitem__, path))

    def person_step(self, person: str) -> PathStep:
        """The end of many paths, made once."""
        if person not in self._steps:
            self._steps[person] = step("person", person, self.person_name(person))
        return self._steps[person]

    def person_name(self, person: str) -> str:
        return self.people[person].name if person in self.people else person


class _ItemSteps(dict[str, PathStep]):
    """Ways through the structure share most of their items: the step of each is made once."""

    def __init__(self, structure: Structure) -> None:
        self._structure = structure

    def __missing__(self, item: str) -> PathStep:
        found = self[item] = step(str(self._structure.kind(item)), item, self._structure.name(item))
        return found
