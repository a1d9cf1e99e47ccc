"""What test and defect systems say: test reports and defects."""

from decimal import Decimal
from uuid import UUID

from pydantic import AwareDatetime, Field

from bihuan_contracts.event import Choice, Event, Key, Part, Version


class Verdict(Choice):
    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Measurement(Part):
    """One measured value, with the limits the test system used (None: no limit on that side)."""

    metric: str = Field(min_length=1, max_length=120)
    value: Decimal
    unit: str | None = Field(default=None, max_length=20)
    lower: Decimal | None = None
    upper: Decimal | None = None


class TestReported(Event):
    """A test report came in (G5). It finds its task by code or id, else by module, version and criterion."""

    __test__ = False  # not a test class, whatever its name

    report: Key
    module: Key
    module_version: Version
    verdict: Verdict
    product: Key | None = None
    task: UUID | None = None
    task_code: Key | None = None
    criterion: UUID | None = None
    criterion_version: int | None = Field(default=None, ge=1)
    measurements: tuple[Measurement, ...] = ()
    title: str = Field(default="", max_length=200)
    tested_by: Key | None = None
    tested_at: AwareDatetime
    attachments: tuple[UUID, ...] = ()


class DefectSeverity(Choice):
    FATAL = "fatal"
    SERIOUS = "serious"
    NORMAL = "normal"
    MINOR = "minor"
    UNKNOWN = "unknown"


class DefectStatus(Choice):
    OPEN = "open"
    RESOLVED = "resolved"
    CLOSED = "closed"
    REOPENED = "reopened"
    UNKNOWN = "unknown"


class DefectReported(Event):
    """The state of a defect (state topic: highest `version` wins)."""

    number: Key
    title: str = Field(min_length=1, max_length=400)
    severity: DefectSeverity
    status: DefectStatus
    product: Key | None = None
    module: Key | None = None
    module_version: Version | None = None
    stage: str | None = Field(default=None, max_length=80)
    """Where it was found: design review, EMC test, trial production …"""
    found_by: Key | None = None
    assigned_to: Key | None = None
    found_at: AwareDatetime
    resolved_at: AwareDatetime | None = None
    rework_hours: Decimal | None = Field(default=None, ge=0)
    version: int = Field(ge=1)
