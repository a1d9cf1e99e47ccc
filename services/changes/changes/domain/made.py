"""Parts of events made of values that have been checked already: a large change has thousands of them (C3)."""

from typing import Any
from uuid import UUID, SafeUUID

from bihuan_contracts.changes import ImpactRow, PathStep

_set = object.__setattr__
_ROW_FIELDS, _STEP_FIELDS = set(ImpactRow.model_fields), set(PathStep.model_fields)


def row(values: dict[str, Any]) -> ImpactRow:
    """A row of all its fields, in their order; it keeps `values` as its own."""
    made = ImpactRow.__new__(ImpactRow)
    _fill(made, values, _ROW_FIELDS)
    return made


def step(kind: str, key: str, name: str) -> PathStep:
    made = PathStep.__new__(PathStep)
    _fill(made, {"kind": kind, "key": key, "name": name}, _STEP_FIELDS)
    return made


def identity(number: int) -> UUID:
    made = object.__new__(UUID)
    _set(made, "int", number)
    _set(made, "is_safe", SafeUUID.unknown)
    return made


def _fill(made: object, values: dict[str, Any], names: set[str]) -> None:
    """What Pydantic's model_construct() does, without asking each field for its default."""
    _set(made, "__dict__", values)
    _set(made, "__pydantic_fields_set__", names)
    _set(made, "__pydantic_extra__", None)
    _set(made, "__pydantic_private__", None)
