"""What `feedback` announces: answers on retest cards, and files on tasks."""

from uuid import UUID

from pydantic import AwareDatetime, Field

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


class FileAttached(Event):
    """Somebody put a file on a task or retest card (G5, F7; fact). The file itself stays in `feedback`."""

    attachment: UUID
    task: UUID
    name: str = Field(max_length=255)
    media_type: str = Field(max_length=120)
    size: int = Field(ge=0)
    """Bytes."""
    digest: str = Field(max_length=64)
    """SHA-256 of the content, in hexadecimal."""
    criterion: UUID | None = None
    """The criterion that the uploader meant, where they said so."""
    person: Key
    at: AwareDatetime
