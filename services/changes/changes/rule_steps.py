"""What happens around a version of a decision table: loaded, stepped, saved, logged, announced (C4)."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import structlog

from bihuan_chassis import Transaction
from bihuan_chassis.live import Live
from bihuan_chassis.problems import Conflict, FieldError, Invalid, NotFound
from bihuan_contracts import Text
from bihuan_contracts.notify import NoticeRequested
from changes.domain.rules_table import Table, refusals
from changes.domain.rules_versions import StepRefusedError, Version
from changes.store import versions as tables

Result = TypeVar("Result")

log = structlog.get_logger()


async def load(tx: Transaction, name: str, *, lock: bool = False) -> tuple[tables.Head, list[Version]]:
    """The table with all its versions; 404 when there is none of that name."""
    head = await tables.head(tx, name)
    if head is None:
        raise NotFound()
    return head, await tables.versions(tx, [name], lock=lock)


def of_number(listed: Sequence[Version], number: int) -> Version:
    found = next((one for one in listed if one.version == number), None)
    if found is None:
        raise NotFound()
    return found


def with_(listed: Iterable[Version], *changed: Version) -> list[Version]:
    """The list with these versions in place of what they were."""
    new = {one.version: one for one in changed}
    return [new.get(one.version, one) for one in listed]


def stepped(step: Callable[[], Result]) -> Result:
    """The step, or its refusal as an answer in both languages."""
    try:
        return step()
    except StepRefusedError as error:
        raise Conflict(error.code, error.text) from None


def refuse_table(table: Table) -> None:
    refused = refusals(table)
    if refused:
        raise Invalid(errors=[FieldError(one.field, one.wrong.code, one.wrong.text) for one in refused])


async def drafted(tx: Transaction, version: Version, by: str) -> None:
    await tables.save_version(tx, version)
    await tables.note(tx, version, by, "drafted")
    tx.live(Live("rule", version.name))


async def saved(tx: Transaction, version: Version, title: Text) -> None:
    await tables.save_version(tx, version)
    await tables.retitle(tx, version.name, title)
    tx.live(Live("rule", version.name))


async def noted(
    tx: Transaction, version: Version, by: str, kind: str, *others: Version, words: str | None = None
) -> None:
    """Keep the step with its entry in the log; open pages look again."""
    # Whose time ends comes first: two versions are never in force at once.
    await tables.save_version(tx, *others, version)
    await tables.note(tx, version, by, kind, words)
    tx.live(Live("rule", version.name))
    log.info("rule.step", table=version.name, version=version.version, step=kind)


async def ask_second_person(tx: Transaction, head: tables.Head, version: Version, by: str) -> None:
    """Everybody who may approve it is told."""
    title = Text(
        zh=f"规则“{head.title.zh}”v{version.version} 等你批准",
        en=f"Rule “{head.title.en}” v{version.version} waits for your approval",
    )
    people = [person for person in await tables.approvers(tx) if person not in version.authors]
    tx.announce(*(_notice(tx, head, version, person, "rule_review", title, by) for person in people))


async def tell_authors(tx: Transaction, head: tables.Head, version: Version, kind: str, title: Text, by: str) -> None:
    tx.announce(*(_notice(tx, head, version, person, kind, title, by) for person in version.authors if person != by))


def _notice(
    tx: Transaction, head: tables.Head, version: Version, person: str, kind: str, title: Text, by: str
) -> NoticeRequested:
    return NoticeRequested(
        person=person,
        kind=kind,
        dedupe=f"{kind}:{version.name}:{version.version}:{version.edition}:{tx.now.isoformat()}",
        title=title,
        body=head.title,
        link=f"/rules/{version.name}?version={version.version}",
        mentioned_by=by,
        at=tx.now,
    )
