"""Settings of changes."""

from typing import Literal

from bihuan_chassis import Settings as ChassisSettings


class Settings(ChassisSettings):
    """Settings of changes: how much a company wants to look at before a change is released."""

    form_publishes: Literal["directly", "after_approval"] = "directly"
    """Whether the four-field form may publish by itself, or only after somebody else's approval (C2)."""
