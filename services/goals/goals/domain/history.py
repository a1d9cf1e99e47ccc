"""What differs between two kept states, in the fields that people read (G11).

States are plain JSON objects: the fields of `Task` or `Project`, as they are stored.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

State = Mapping[str, Any]

WHOLE_EVERY = 25
"""So often a whole state is kept, and what differs from the one before in between."""

_TEXTS = ("title", "state", "owner", "goal", "module", "item_version", "starts_at", "due_at", "finished_at")
_FIGURES = ("weight", "planned_hours", "actual_hours")
_PROJECT_TEXTS = ("name", "lead", "phase", "state", "customer", "starts_at", "due_at")


@dataclass(frozen=True, slots=True)
class Difference:
    """One field, old and new; `subject` says which criterion, deliverable, lock or goal where there are several."""

    field: str
    old: str | None
    new: str | None
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """One kept version: its whole state, or what differs from the version before."""

    version: int
    at: datetime
    whole: bool
    state: State
    causes: tuple[Mapping[str, Any], ...] = ()
    derived: bool = False
    """Nothing of the task itself was changed: weights were shared out anew."""


def fold(kept: Iterable[Kept]) -> dict[str, Any] | None:
    """The state after these versions, oldest first; None when there is no whole one to begin with."""
    state: dict[str, Any] | None = None
    for one in kept:
        if one.whole:
            state = dict(one.state)
        elif state is not None:
            state.update(one.state)
    return state


def delta(before: State, after: State) -> dict[str, Any]:
    """The fields of `after` that differ; a field never vanishes, it becomes null."""
    return {name: value for name, value in after.items() if before.get(name, _ABSENT) != value}


_ABSENT = object()


def task_differences(old: State | None, new: State) -> list[Difference]:
    """What a person would call changed: figures that only follow from others are left out."""
    if old is None:
        return [Difference("added", None, _text(new.get("title")))]
    found = [
        Difference(name, _text(old.get(name)), _text(new.get(name))) for name in _TEXTS if _differs(old, new, name)
    ]
    found += [
        Difference(name, _text(old.get(name)), _text(new.get(name)))
        for name in _FIGURES
        if _number(old.get(name)) != _number(new.get(name))
    ]
    found += _criteria(old.get("deliverables") or (), new.get("deliverables") or ())
    found += _locks(old.get("locks") or (), new.get("locks") or ())
    before, after = ((state.get("retest") or {}).get("answer") for state in (old, new))
    return found + ([Difference("answer", before, after)] if before != after else [])


def project_differences(old: State | None, new: State) -> list[Difference]:
    if old is None:
        return [Difference("added", None, _text(new.get("name")))]
    found = [
        Difference(name, _text(old.get(name)), _text(new.get(name)))
        for name in _PROJECT_TEXTS
        if _differs(old, new, name)
    ]
    before = {goal["goal"]: goal for goal in old.get("goals") or ()}
    after = {goal["goal"]: goal for goal in new.get("goals") or ()}
    for key in [*before, *(key for key in after if key not in before)]:
        was, now = before.get(key), after.get(key)
        if was is None or now is None:
            found.append(Difference("goal", _text(was and was["title"]), _text(now and now["title"])))
            continue
        found += [
            Difference(f"goal_{name}", _text(was.get(name)), _text(now.get(name)), now["title"])
            for name in ("title", "weight", "owner")
            if was.get(name) != now.get(name)
        ]
    return found


def _differs(old: State, new: State, name: str) -> bool:
    before, after = old.get(name), new.get(name)
    if before == after:
        return False
    return not name.endswith("_at") or _instant(before) != _instant(after)


def _criteria(old: Sequence[State], new: Sequence[State]) -> list[Difference]:
    """Deliverables by their titles; criteria by wording where the version is a new one, else by state."""
    found: list[Difference] = []
    before = {one["deliverable"]: one for one in old}
    after = {one["deliverable"]: one for one in new}
    for key in [*before, *(key for key in after if key not in before)]:
        was, now = before.get(key), after.get(key)
        if was is None or now is None:
            found.append(Difference("deliverable", was["title"] if was else None, now["title"] if now else None))
            continue
        if _instant(was.get("due_at")) != _instant(now.get("due_at")):
            found.append(Difference("due_at", _text(was.get("due_at")), _text(now.get("due_at")), now["title"]))
        known = {one["criterion"]: one for one in was.get("criteria") or ()}
        for criterion in now.get("criteria") or ():
            earlier = known.get(criterion["criterion"])
            if earlier is None:
                found.append(Difference("criterion", None, criterion["text"], now["title"]))
                continue
            if earlier["version"] != criterion["version"]:
                found.append(Difference("criterion", earlier["text"], criterion["text"], now["title"]))
            if earlier["state"] != criterion["state"]:
                found.append(Difference("criterion_state", earlier["state"], criterion["state"], criterion["text"]))
        kept = {criterion["criterion"] for criterion in now.get("criteria") or ()}
        found += [
            Difference("criterion", gone["text"], None, now["title"])
            for name, gone in known.items()
            if name not in kept
        ]
    return found


def _locks(old: Sequence[State], new: Sequence[State]) -> list[Difference]:
    before = {one["lock"]: one for one in old}
    after = {one["lock"]: one for one in new}
    return [
        Difference("lock", None, one["change_number"], one["module"]) for key, one in after.items() if key not in before
    ] + [
        Difference("lock", one["change_number"], None, one["module"]) for key, one in before.items() if key not in after
    ]


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _number(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _instant(value: Any) -> datetime | None:
    return None if value is None else datetime.fromisoformat(str(value))
