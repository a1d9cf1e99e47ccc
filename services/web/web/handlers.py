"""Every event that web reacts to: the directory, boards, and what open pages should look at again."""

from collections.abc import Sequence

from bihuan_chassis import Live, Transaction
from bihuan_contracts import Event
from bihuan_contracts.changes import ChangeOrderChanged, ConsentChanged
from bihuan_contracts.feedback import CardAnswered
from bihuan_contracts.goals import ProjectChanged, TargetsRecalculated, TaskChanged
from bihuan_contracts.hr import PersonChanged
from bihuan_contracts.notify import ReceiptChanged
from bihuan_contracts.performance import MetricMeasured
from web import board_store, store


async def on_person_changed(people: Sequence[PersonChanged], tx: Transaction) -> None:
    await store.save_people(tx, people)


async def on_something_changed(events: Sequence[Event], tx: Transaction) -> None:
    """Keep what boards show, and one message for each thing that changed, however often it did in this batch."""
    tasks = [event for event in events if isinstance(event, TaskChanged)]
    projects = [event for event in events if isinstance(event, ProjectChanged)]
    if tasks:
        await board_store.save_tasks(tx, tasks)
    if projects:
        await board_store.save_projects(tx, projects)
    if tasks or projects:
        changed = {task.project for task in tasks} | {project.project for project in projects}
        tx.after_commit(lambda: tx.resources.boards.outdate(changed))
    found = {(message.kind, message.id): message for message in map(_message, events) if message is not None}
    tx.live(*found.values())


def _message(event: Event) -> Live | None:  # noqa: PLR0911 - one line a kind of event
    match event:
        case TaskChanged():
            change = str(event.retest.change) if event.retest else None
            data = {"project": str(event.project), "change": change, "code": event.code, "title": event.title}
            return Live("task", str(event.task), data=data)
        case ProjectChanged():
            return Live("project", str(event.project), data={"code": event.code, "title": event.name})
        case ChangeOrderChanged():
            data = {"number": event.number, "state": str(event.state), "title": event.item_name}
            return Live("change", str(event.change), data=data)
        case ConsentChanged():
            return Live("consent", str(event.matrix), data={"state": str(event.state)})
        case CardAnswered():
            return Live("answer", str(event.task), data={"change": str(event.change)})
        case TargetsRecalculated():
            return Live("target", str(event.task), data={"change": str(event.change)})
        case ReceiptChanged() if event.change is not None:
            return Live("receipt", str(event.change))
        case MetricMeasured():
            return Live("metric", event.subject, data={"metric": event.metric})
    return None
