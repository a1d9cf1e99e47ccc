"""Who may do what with a project and its tasks, and finding the task that a route names."""

from uuid import UUID

from bihuan_chassis.http import Caller, Forbidden, NotFound, Role, Tx
from bihuan_contracts import Text
from goals import store, tree_store
from goals.domain.tree import Project, Task, Tree


async def load_task(tx: Tx, task: UUID, *, lock: bool = True) -> tuple[Tree, Task]:
    """The task in its project, of which the rest may be there as sums only."""
    found = (await store.tasks_by_id(tx, [task])).get(task)
    if found is None:
        raise NotFound()
    tree = (await tree_store.load_around(tx, [found], lock=lock))[found.project]
    return tree, tree.tasks[task]


def may_decide(project: Project, caller: Caller) -> bool:
    return caller.id == project.lead or caller.has(Role.ADMINISTRATOR)


def require_own(project: Project, task: Task, caller: Caller) -> None:
    if caller.id not in {task.owner, project.lead} and not caller.has(Role.ADMINISTRATOR):
        raise Forbidden(text=Text(zh="这不是你的任务", en="This is not your task"))
