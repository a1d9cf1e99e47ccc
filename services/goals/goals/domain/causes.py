"""Why a task or a project is as it is now: what each kept version names as its cause (G11)."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class CauseKind(StrEnum):
    CHANGE = "change"
    """A technical change."""
    CONSENT = "consent"
    """An impact matrix that everybody affected has agreed to."""
    REPORT = "report"
    EVIDENCE = "evidence"
    ANSWER = "answer"
    CONCESSION_OVER = "concession_over"
    REQUEST = "request"
    """An urgent customer request."""
    PERSON = "person"
    TAKEN_OVER = "taken_over"
    """Known from the dates of another system, or from before history was kept."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Cause:
    """`ref` is the change, matrix, report or request; `label` is its number; `by` the person who did it."""

    kind: CauseKind
    ref: UUID | None = None
    label: str | None = None
    by: str | None = None
