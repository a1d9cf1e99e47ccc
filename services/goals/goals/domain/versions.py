"""Versions of tasks and projects as they are kept: what was before, what is now, and why (G11)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from goals.domain.causes import Cause, CauseKind
from goals.domain.tree import Project, Task, Tree


@dataclass(frozen=True, slots=True)
class TaskVersion:
    """A task as it is from `valid_from` on; `before` is None for its first version."""

    task: Task
    before: Task | None
    valid_from: datetime
    causes: tuple[Cause, ...] = ()
    derived: bool = False


@dataclass(frozen=True, slots=True)
class ProjectVersion:
    project: Project
    before: Project | None
    valid_from: datetime
    causes: tuple[Cause, ...] = ()


def versions_of(tree: Tree, direct: set[UUID], now: datetime, actor: str | None) -> list[TaskVersion]:
    """The touched tasks of a tree with why: `direct` are those that were changed before the roll-up followed."""
    someone = (Cause(CauseKind.PERSON, by=actor),) if actor else (Cause(CauseKind.UNKNOWN),)
    whole = tuple(dict.fromkeys(cause for causes in tree.causes.values() for cause in causes)) or someone
    return [
        TaskVersion(
            tree.tasks[task], tree.before.get(task), now,
            tree.causes.get(task, someone) if task in direct else whole, task not in direct,
        )
        for task in sorted(tree.touched)
    ]  # fmt: skip
