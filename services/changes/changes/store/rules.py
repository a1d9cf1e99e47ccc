"""Versions of the decision table."""

import json
from datetime import datetime
from importlib.resources import files
from typing import Any

from bihuan_chassis import Transaction
from changes.domain.rules import RuleTable

_DEFAULT_TABLE = json.loads(files("changes").joinpath("rules/default.json").read_text(encoding="utf-8"))
_tables: dict[tuple[str, int], RuleTable] = {}


async def rules_in_force(tx: Transaction, at: datetime) -> RuleTable:
    """The newest version of the default table that is effective; the one in the package until somebody edits it."""
    version: int | None = await tx.raw.fetchval(
        "select max(version) from rule_tables where name = 'default' and effective_from <= $1", at
    )
    # A version never changes, so its compiled form is kept.
    if ("default", version or 1) not in _tables:
        model = _DEFAULT_TABLE if version is None else await _model(tx, version)
        _tables["default", version or 1] = RuleTable("default", version or 1, model)
    return _tables["default", version or 1]


async def _model(tx: Transaction, version: int) -> Any:
    return await tx.raw.fetchval("select model from rule_tables where name = 'default' and version = $1", version)
