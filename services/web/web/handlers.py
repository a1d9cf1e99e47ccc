"""Every event that web reacts to: the directory, boards, and what open pages should look at again."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from bihuan_chassis import Live, Timer, Transaction
from bihuan_contracts import Event
from bihuan_contracts.changes import ChangeOrderChanged, ConsentChanged
from bihuan_contracts.feedback import CardAnswered
from bihuan_contracts.goals import ProjectChanged, TargetsRecalculated, TaskChanged
from bihuan_contracts.hr import PersonChanged
from bihuan_contracts.notify import ReceiptChanged
from bihuan_contracts.performance import MetricMeasured
from web import board_store, people_store
from web.person import Record

_TOLD_BY_NAME = 20
"""More people at once are a new list, not so many changes of it."""


async def on_person_changed(people: Sequence[PersonChanged], tx: Transaction) -> None:
    """HR's word under the own entries; what is then in effect goes to every service."""
    newest = {one.person: one for one in sorted(people, key=lambda one: one.version)}
    known = await people_store.load(tx, newest)
    heard = [
        known.get(person, Record(person)).heard(one)
        for person, one in newest.items()
        if person not in known or known[person].hr_version < one.version
    ]
    await people_store.save(tx, heard)
    tx.live(*(Live("person", one.person) for one in heard[:_TOLD_BY_NAME]))


async def on_person_leaves(timers: Sequence[Timer], tx: Transaction) -> None:
    """The day after somebody's last: they are signed out, and every service learns it."""
    records = await people_store.load(tx, [one.key for one in timers])
    listed = await people_store.save(tx, [replace(one, edits=one.edits + 1) for one in records.values()])
    for one in listed:
        if not one.active:
            tx.live(Live("person", one.person))
            tx.after_commit(partial(tx.resources.sessions.end_all, one.person))


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
