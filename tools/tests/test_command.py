"""W5: the command validates before it sends, names the wrong field, and answers with exit codes and JSON."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bihuan_tools.main import app

GOOD = {"person": "1", "name": "周启航", "version": 1}


def run(*arguments: str, text: str | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments), input=text)
    return result.exit_code, result.output


def test_valid_events_pass(tmp_path: Path) -> None:
    file = tmp_path / "people.jsonl"
    file.write_text("\n".join(json.dumps(GOOD | {"person": str(n)}) for n in range(3)), encoding="utf-8")
    code, said = run("send", str(file), "--topic", "hr.people.v1", "--dry-run", "--json")
    assert (code, json.loads(said)) == (0, {"topic": "hr.people.v1", "events": 3, "sent": False})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (json.dumps([GOOD, GOOD | {"version": 0}]), "version"),
        (json.dumps(GOOD) + "\n{broken", "2"),
        (json.dumps({"person": "1"}), "name"),
    ],
)
def test_wrong_event_names_its_place_and_field(text: str, words: str) -> None:
    code, said = run("--lang", "en", "send", "-", "--topic", "hr.people.v1", "--dry-run", text=text)
    assert code == 2
    assert words in said


def test_unknown_topic_and_missing_file_are_said() -> None:
    assert run("send", "-", "--topic", "no.such.v1", "--dry-run", text="{}")[0] == 2
    assert run("send", "/nowhere/at/all.json", "--topic", "hr.people.v1", "--dry-run")[0] == 2


def test_topics_are_listed_as_json() -> None:
    code, said = run("topics", "list", "--json")
    assert code == 0
    assert {"hr.people.v1", "changes.impacts.v1"} <= {one["name"] for one in json.loads(said)}


def test_status_of_what_does_not_run_is_three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIHUAN_HOME", str(tmp_path))
    code, said = run("status", "--instance", "nothing", "--json")
    assert code == 3
    assert not any(process["running"] for process in json.loads(said)["processes"])
