"""The base of every event and of the parts that events are made of."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, StringConstraints
from pydantic.json_schema import JsonSchemaValue

Key = Annotated[str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True)]
"""A name that identifies something in the system that owns it: employee number, item, order number."""

Version = Annotated[str, StringConstraints(min_length=1, max_length=40, strip_whitespace=True)]
"""A version label as the owner writes it, such as `V2.4`. Compared for equality only."""


class Part(BaseModel):
    """A value inside an event. Unknown fields are ignored, so a newer producer never breaks a consumer."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)


class Event(Part):
    """What happened, or the full state of one aggregate after it happened. Its topic says which of the two."""


class Choice(StrEnum):
    """An open set of words: a value that this release does not know reads as `unknown` instead of failing.

    Each subclass has the member UNKNOWN. The JSON Schema stays a plain string with the known values as
    examples, so that adding a word is compatible in both directions.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return cls("unknown") if isinstance(value, str) and value != "unknown" else None

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        known = [member.value for member in cls if member.value != "unknown"]
        return {"type": "string", "title": cls.__name__, "examples": known}


class Text(Part):
    """A text made by the system, in both languages."""

    zh: str
    en: str


class Money(Part):
    """An amount with its currency (ISO 4217)."""

    amount: Decimal
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "CNY"
