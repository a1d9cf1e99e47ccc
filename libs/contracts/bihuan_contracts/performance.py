"""What `analytics` announces to every application: metrics (A3, A13, C6)."""

from decimal import Decimal
from uuid import UUID

from pydantic import AwareDatetime

from bihuan_contracts.event import Event, Key


class MetricMeasured(Event):
    """One value of one metric for one subject (state topic by metric and subject, highest `version` wins).

    `release_to_last_delivery` and `release_to_first_retest_report` are in seconds, subject is the change.
    """

    metric: Key
    subject: Key
    value: Decimal
    unit: str
    """UCUM: s, h, %, 1."""
    n: int
    """How many facts the value stands on."""
    complete: bool
    """False while an open item can still change the value."""
    change: UUID | None
    started_at: AwareDatetime
    at: AwareDatetime
    version: int
