"""The settings of every service as docs/operations.md lists them, made from the settings models."""

import re
from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from bihuan_chassis.openapi import load
from bihuan_chassis.settings import Settings
from bihuan_tools.instance import SERVICES

PAGE = Path(__file__).parent.parent.parent / "docs/operations.md"
_BETWEEN = re.compile(r"(<!-- settings: [^\n]*-->\n).*?(<!-- end of settings -->)", re.DOTALL)
_HEAD = "| setting | default | meaning |\n| --- | --- | --- |"
_BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


def with_settings(page: str) -> str:
    """The page with its part about settings made anew."""
    made, count = _BETWEEN.subn(lambda found: found[1] + "\n" + reference() + "\n" + found[2], page)
    assert count == 1, "docs/operations.md has lost the marks around its settings"
    return made


def reference() -> str:
    """Tables of the common settings and of each service's own."""
    parts = ["Every service:", "", _table(Settings, None)]
    for service in SERVICES:
        settings = load(service).description.settings
        if rows := _table(settings, service):
            parts += ["", f"Only {service}:", "", rows]
    return "\n".join(parts) + "\n"


def _table(settings: type[Settings], service: str | None) -> str:
    rows = list(_rows(settings, service))
    return "\n".join([_HEAD, *rows]) if rows else ""


def _rows(settings: type[Settings], service: str | None) -> Iterator[str]:
    common = Settings.model_fields
    for name, field in settings.model_fields.items():
        if name == "service" or (service and name in common and field.default == common[name].default):
            continue
        variable = "_".join(["BIHUAN", *([service.upper()] if service else []), name.upper()])
        yield f"| `{variable}` | {_default(field)} | {_meaning(settings, name)} |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, Path):
        return "in the package"
    if value is None:
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _meaning(settings: type[Settings], name: str) -> str:
    field = settings.model_fields[name]
    said = field.description or Settings.model_fields.get(name, field).description or ""
    limits = [
        f"{words} {getattr(one, mark)}"
        for one in field.metadata
        for mark, words in _BOUNDS.items()
        if getattr(one, mark, None) is not None
    ]
    words = " ".join([*said.split(), *_choices(field.annotation)])
    return f"{words} ({', '.join(limits)})" if limits else words


def _choices(annotation: Any) -> list[str]:
    if get_origin(annotation) in {Union, UnionType}:
        return [word for one in get_args(annotation) if one is not NoneType for word in _choices(one)]
    if get_origin(annotation) is Literal:
        return ["One of " + ", ".join(f"`{one}`" for one in get_args(annotation)) + "."]
    return []
