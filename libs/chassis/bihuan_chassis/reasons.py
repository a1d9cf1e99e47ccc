"""Reasons that are kept and read later, by people of either language: one text column holds both."""

import json

from bihuan_contracts import Text

_LONGEST = 900
"""Characters of each language; a reason may quote what somebody sent."""


def to_column(reason: Text) -> str:
    """As PostgreSQL takes it: without NUL and without half characters."""
    zh, en = (text.replace("\0", "").encode(errors="replace").decode()[:_LONGEST] for text in (reason.zh, reason.en))
    return json.dumps({"zh": zh, "en": en}, ensure_ascii=False)


def from_column(kept: str) -> Text:
    """What was kept before reasons had two languages stands for both."""
    try:
        return Text.model_validate_json(kept)
    except ValueError:
        return Text(zh=kept, en=kept)
