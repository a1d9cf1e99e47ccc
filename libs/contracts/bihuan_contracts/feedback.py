"""What `feedback` announces: answers on retest cards."""

from uuid import UUID

from pydantic import AwareDatetime

from bihuan_contracts.event import Choice, Event, Key


class CardAnswer(Choice):
    CONFIRMED = "confirmed"
    """确认无误"""
    NEEDS_MATERIAL = "needs_material"
    """需补充资料"""
    MISUNDERSTANDING = "misunderstanding"
    """存在理解偏差"""
    UNKNOWN = "unknown"


class CardAnswered(Event):
    """The owner of a retest card answered it (F1; state topic by task, highest `version` wins).

    The person's own words stay in `feedback`; the event carries none.
    """

    task: UUID
    change: UUID
    person: Key
    answer: CardAnswer
    document: UUID | None
    attachments: int
    at: AwareDatetime
    version: int
