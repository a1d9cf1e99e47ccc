"""One notice per person and change, with all that concerns them, in both languages (N1, N2)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from bihuan_contracts import Text
from bihuan_contracts.changes import ImpactAction, ImpactAssessed, ImpactRow


@dataclass(frozen=True, slots=True)
class Draft:
    """A notice to be delivered."""

    notice: UUID
    person: str
    dedupe: str
    kind: str
    title: Text
    body: Text
    items: Sequence[dict[str, Any]]
    link: str
    must_confirm: bool
    change: UUID | None = None
    mentioned_by: str | None = None


def notice_id(person: str, dedupe: str) -> UUID:
    """The same matter for the same person is the same notice, however often it is asked for."""
    return uuid5(NAMESPACE_URL, f"urn:bihuan:notice:{person}:{dedupe}")


@dataclass(frozen=True, slots=True)
class Told:
    """What a person has in the inbox of a change already."""

    dedupe: str
    rows: frozenset[str]
    over: bool
    """Confirmed, or read where nothing was to be confirmed: it is not touched any more."""


def of_impact(impact: ImpactAssessed, told: Mapping[str, Sequence[Told]] | None = None) -> list[Draft]:
    """One draft for each person the change affects; who is over with an earlier one hears of what has joined only."""
    by_person: dict[str, list[ImpactRow]] = {}
    for row in impact.rows:
        by_person.setdefault(row.person, []).append(row)
    drafts = [_draft(impact, person, rows, (told or {}).get(person, ())) for person, rows in by_person.items()]
    return [draft for draft in drafts if draft is not None]


def _draft(impact: ImpactAssessed, person: str, rows: Sequence[ImpactRow], told: Sequence[Told]) -> Draft | None:
    dedupe = f"change:{impact.change}"
    known = {row for one in told if one.over for row in one.rows}
    if known:
        rows = [row for row in rows if str(row.row) not in known]
        waiting = [one.dedupe for one in told if not one.over]
        dedupe = waiting[0] if waiting else f"{dedupe}:{impact.version}"
        if not rows:
            return None
    return Draft(
        notice=notice_id(person, dedupe),
        person=person,
        dedupe=dedupe,
        kind="change",
        title=_title(impact, Counter(row.action for row in rows), joined=bool(known)),
        body=Text(
            zh=f"{impact.number}：{impact.reason}" if impact.reason else impact.number,
            en=f"{impact.number}: {impact.reason}" if impact.reason else impact.number,
        ),
        items=[_item(row) for row in rows],
        link=f"/changes/{impact.change}",
        must_confirm=any(row.must_confirm for row in rows),
        change=impact.change,
        mentioned_by=impact.released_by,
    )


def belonging(notice: Any, amendments: Sequence[Any]) -> list[Any]:
    """Of the targets that a change has moved for a person, those that the notice is about: a later one's are its own
    tasks', and what it brings does not creep into what was confirmed before."""
    own = {item["task"] for item in notice["items"]}
    first, done = notice["dedupe"] == f"change:{notice['change']}", notice["confirmed_at"]
    return [
        one for one in amendments if str(one["task"]) in own or (first and not (done is not None and one["at"] > done))
    ]


def _title(impact: ImpactAssessed, counts: Counter[ImpactAction], *, joined: bool) -> Text:
    words = [
        (ImpactAction.LOCK, "你的 {n} 项任务被锁定", "{n} of your tasks locked"),
        (ImpactAction.RETEST, "{n} 项待你重测", "{n} to retest"),
        (ImpactAction.MIGRATE, "{n} 项任务改到新版本", "{n} moved to the new version"),
    ]
    zh = "，".join(chinese.format(n=counts[action]) for action, chinese, _ in words if counts[action])
    en = ", ".join(english.format(n=counts[action]) for action, _, english in words if counts[action])
    head = f"{impact.item_name} {impact.new_version}"
    if joined:
        return Text(
            zh=f"{head} 又涉及你：{zh or '知会你'}",
            en=f"{head} reaches more of your work: {en or 'for your information'}",
        )
    return Text(zh=f"{head} 已发布：{zh or '知会你'}", en=f"{head} released: {en or 'for your information'}")


def _item(row: ImpactRow) -> dict[str, Any]:
    return {
        "row": str(row.row),
        "action": str(row.action),
        "module": row.module,
        "module_name": row.module_name,
        "old_version": row.old_version,
        "new_version": row.new_version,
        "task": str(row.task) if row.task else None,
        "task_code": row.task_code,
        "task_title": row.task_title,
        "project_name": row.project_name,
        "criterion": row.criterion.text if row.criterion else None,
        "must_confirm": row.must_confirm,
        "explanation": row.explanation.model_dump(),
    }


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail ready to be sent; its id is the same at each attempt, so a mailbox can drop a repetition."""

    message_id: str
    address: str
    name: str
    subject: str
    text: str
    html: str


def mail_of(
    *, notice: UUID, step: int, address: str, name: str, title: Text, body: Text, lines: Sequence[Text], url: str
) -> Mail:
    """Chinese first, English below, with a link to the exact page."""
    identity = uuid5(NAMESPACE_URL, f"urn:bihuan:mail:{notice}:{step}")
    prefix = "【提醒】" if step else ""
    zh = "\n".join([body.zh, *(f"· {line.zh}" for line in lines)])
    en = "\n".join([body.en, *(f"· {line.en}" for line in lines)])
    text = f"{name}，你好：\n\n{title.zh}\n{zh}\n\n{url}\n\n——\n{title.en}\n{en}\n"
    html = "".join(
        f"<h2>{_safe(heading)}</h2><p>{_safe(content)}</p>" for heading, content in ((title.zh, zh), (title.en, en))
    )
    html = html.replace("\n", "<br>") + f'<p><a href="{_safe(url)}">{_safe(url)}</a></p>'
    return Mail(f"<{identity}@bihuan>", address, name, prefix + title.zh, text, html)


def _safe(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def lines_of(items: Sequence[dict[str, Any]], amendments: Sequence[dict[str, Any]]) -> list[Text]:
    """What a mail says of each item, and of the targets that moved."""
    actions = {
        "lock": ("已锁定", "locked"),
        "retest": ("待重测", "to retest"),
        "migrate": ("改到新版本", "moved to the new version"),
        "inform": ("知会", "for information"),
    }
    found = []
    for item in items:
        zh, en = actions.get(item["action"], ("", ""))
        what = " ".join(part for part in (item["task_code"], item["task_title"] or item["module_name"]) if part)
        more = f"（{item['criterion']}）" if item["criterion"] else ""
        found.append(
            Text(zh=f"{zh}：{what} {item['new_version'] or ''}{more}", en=f"{en}: {what} {item['new_version'] or ''}")
        )
    for one in amendments:
        moved = "; ".join(f"{c['field']} {c['old'] or '—'} → {c['new'] or '—'}" for c in one["changes"])
        found.append(Text(zh=f"目标重算：{one['task_code']} {moved}", en=f"recalculated: {one['task_code']} {moved}"))
    return found
