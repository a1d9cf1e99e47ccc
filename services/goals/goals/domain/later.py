"""Later changes: what each act after a moment has changed, old and new, with its cause (G11)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from goals.domain.history import Difference, Kept, State, project_differences, task_differences


@dataclass(frozen=True, slots=True)
class ChangedTask:
    """`task` is None for the project itself."""

    task: UUID | None
    code: str | None
    title: str
    differences: tuple[Difference, ...]
    owners: tuple[str | None, ...] = ()


@dataclass
class Later:
    """One act: everything that was saved at one moment in one project."""

    at: datetime
    project: UUID
    causes: list[Mapping[str, Any]] = field(default_factory=list)
    tasks: list[ChangedTask] = field(default_factory=list)
    followed: int = 0
    progress_before: str | None = None
    progress_after: str | None = None

    def because(self, causes: Sequence[Mapping[str, Any]]) -> None:
        self.causes += [cause for cause in causes if cause not in self.causes]

    @property
    def says_something(self) -> bool:
        return bool(self.tasks) or self.progress_before != self.progress_after


def later_changes(
    tasks: Mapping[UUID, Sequence[Kept]], projects: Mapping[UUID, Sequence[Kept]], as_of: datetime
) -> list[Later]:
    """Acts after `as_of`, newest first. Each list holds versions oldest first, from a whole one before `as_of` on."""
    found: dict[tuple[UUID, datetime], Later] = {}
    for task_id, kept in tasks.items():
        for one, before, after in _steps(kept, as_of):
            later = found.setdefault((place := UUID(after["project"]), one.at), Later(one.at, place))
            if one.derived:
                later.followed += 1
                continue
            if differences := task_differences(before, after):
                later.because(one.causes)
                owners = ((before or {}).get("owner"), after.get("owner"))
                later.tasks.append(ChangedTask(task_id, after["code"], after["title"], tuple(differences), owners))
    for project, kept in projects.items():
        for one, before, after in _steps(kept, as_of):
            later = found.setdefault((project, one.at), Later(one.at, project))
            if before is not None and before.get("progress") != after.get("progress"):
                later.progress_before, later.progress_after = _shown(before), _shown(after)
                later.because(one.causes if not later.causes else ())
            if differences := project_differences(before, after):
                later.because(one.causes)
                later.tasks.insert(0, ChangedTask(None, after["code"], after["name"], tuple(differences)))
    listed = [one for one in found.values() if one.says_something]
    for later in listed:
        later.tasks.sort(key=lambda changed: (changed.task is not None, changed.code or ""))
    return sorted(listed, key=lambda one: (one.at, str(one.project)), reverse=True)


def _steps(kept: Sequence[Kept], as_of: datetime) -> list[tuple[Kept, State | None, State]]:
    """Each version after `as_of` with the state before and after it."""
    steps: list[tuple[Kept, State | None, State]] = []
    state: dict[str, Any] | None = None
    for one in kept:
        if one.at <= as_of and not steps and not one.whole and state is not None:
            state.update(one.state)  # nobody is told of it: no copy
            continue
        after = dict(one.state) if one.whole or state is None else state | dict(one.state)
        if one.at > as_of:
            steps.append((one, state, after))
        state = after
    return steps


def _shown(state: State) -> str | None:
    value = state.get("progress")
    return None if value is None else str(value)
