"""What an event is about: the names by which its facts are found again."""

from collections.abc import Iterable
from functools import cache
from uuid import UUID

from bihuan_contracts import Event, Part

_NAMES = (
    "change", "change_number", "number", "task", "task_code", "code", "project", "project_code", "goal", "item",
    "module", "product", "person", "owner", "lead", "manager", "released_by", "tested_by", "found_by", "assigned_to",
    "supplier", "customer", "order", "report", "receipt", "notice", "document", "criterion", "subject",
)  # fmt: skip
_ACTORS = ("released_by", "tested_by", "found_by", "mentioned_by")
_ACTED_AS_PERSON = {"CardAnswered"}
_MOST = 500


def references(event: Event) -> list[str]:
    """Keys and ids of everything that the event names, sorted; of its parts only the rows of an impact."""
    found = set(_named(event))
    for row in getattr(event, "rows", ()):
        found.update(_named(row))
    return sorted(found)[:_MOST]


def _named(part: Part) -> Iterable[str]:
    for name in _had_by(type(part), _NAMES):
        value = getattr(part, name)
        if isinstance(value, str | UUID):
            yield str(value)


def actor(event: Event) -> str | None:
    """Who acted, where the event says so. Being told something or owning something is no action."""
    kind = type(event)
    names = (*_ACTORS, "person") if kind.__name__ in _ACTED_AS_PERSON else _ACTORS
    return next((value for name in _had_by(kind, names) if (value := getattr(event, name))), None)


@cache
def _had_by(kind: type[Part], names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the names that this kind has. Asking each event for what it lacks took longer than keeping it."""
    return tuple(name for name in names if name in kind.model_fields or hasattr(kind, name))
