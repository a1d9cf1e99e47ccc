"""What `notify` is asked for and announces: notices and their receipts."""

from uuid import UUID

from pydantic import AwareDatetime, Field

from bihuan_contracts.event import Choice, Event, Key, Text


class NoticeRequested(Event):
    """Somebody should know something (N1, N2; fact). One request is one notice for one person.

    `dedupe` names what the notice is about: a second request with the same person and `dedupe` amends the
    first notice instead of adding one.
    """

    person: Key
    kind: str = Field(max_length=40)
    dedupe: str = Field(max_length=200)
    title: Text
    body: Text
    link: str = Field(max_length=400, pattern="^/")
    """Path of the page inside the web application."""
    must_confirm: bool = False
    mentioned_by: Key | None = None
    change: UUID | None = None
    settled: bool = False
    """What it asked for has been done, by whoever: the notice stays on record and asks nobody any more. Nothing
    happens where nobody was told."""
    at: AwareDatetime


class ReceiptState(Choice):
    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    SEEN = "seen"
    READ = "read"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"


class ReceiptChanged(Event):
    """A notice reached a state on a channel (N2; fact). Delivered on `site`: in the inbox and pushed."""

    notice: UUID
    person: Key
    channel: str
    """site, mail …"""
    state: ReceiptState
    must_confirm: bool
    change: UUID | None
    released_at: AwareDatetime | None
    """When the cause was released upstream (C6)."""
    received_at: AwareDatetime | None
    """When Bihuan first saw the cause."""
    at: AwareDatetime
