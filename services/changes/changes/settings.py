"""Settings of changes."""

from typing import Literal

from pydantic import Field

from bihuan_chassis import Settings as ChassisSettings
from bihuan_chassis.files import MOST_BYTES


class Settings(ChassisSettings):
    """Settings of changes: how much a company wants to look at before a change is released."""

    form_publishes: Literal["directly", "after_approval"] = "directly"
    """Whether the four-field form may publish by itself, or only after somebody else's approval (C2)."""
    request_limit: int = Field(default=MOST_BYTES + 100_000, ge=1_000)
    """Files of appeals are larger than other requests."""
