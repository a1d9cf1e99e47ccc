"""A13: other applications install the wheel, nothing else of Bihuan, and read its events."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from uv import find_uv_bin

from bihuan_contracts import topics
from bihuan_tools.demo.company import LEAD
from bihuan_tools.instance import Instance

SignedIn = Callable[[str], AbstractAsyncContextManager[httpx.AsyncClient]]
LIBRARY = Path(__file__).parents[2] / "libs" / "contracts"
READS = """
import sys
from importlib.metadata import requires
from bihuan_contracts import Opened, Refused, open_record, topics
assert "site-packages" in topics.__file__, topics.__file__
good = open_record(topics.PEOPLE, b"1", b'{"person": "1", "name": "A", "version": 1, "later": true}', [], 0)
assert isinstance(good, Opened) and good.event.name == "A", good
bad = open_record(topics.PEOPLE, b"1", b'{"person": "1", "version": 0}', [], 0)
assert isinstance(bad, Refused) and bad.code == "wrong_schema", bad
print(len(topics.ALL), [one.split(">")[0] for one in requires("bihuan-contracts")])
foreign = {name.split(".")[0] for name in sys.modules} & {"bihuan_chassis", "aiokafka", "fastapi", "sqlalchemy"}
assert not foreign, foreign
"""


def uv(*arguments: str | Path) -> None:
    """From the cache where that has all of it; a fresh machine fetches."""
    command: Sequence[str | Path] = (find_uv_bin(), *arguments, "--quiet")
    environ = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    for more in (("--offline",), ()):
        done = subprocess.run([*command, *more], capture_output=True, text=True, env=environ, check=False)
        if done.returncode == 0:
            return
    pytest.fail(done.stderr)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment elsewhere that has the wheel and what it needs."""
    folder = tmp_path_factory.mktemp("elsewhere")
    uv("build", "--wheel", "--out-dir", folder / "dist", LIBRARY)
    [wheel] = (folder / "dist").glob("*.whl")
    uv("venv", folder / "venv", "--python", sys.executable)
    found = folder / "venv" / "bin" / "python"
    uv("pip", "install", "--python", found, wheel)
    return found


def test_the_wheel_alone_opens_and_refuses_events(python: Path, tmp_path: Path) -> None:
    said = subprocess.run(
        [python, "-I", "-W", "error", "-c", READS], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr
    assert said.stdout.strip() == f"{len(topics.ALL)} ['pydantic']"


def test_the_wheel_tells_type_checkers_that_it_has_types(python: Path) -> None:
    [package] = (python.parents[1] / "lib").glob("python*/site-packages/bihuan_contracts")
    assert (package / "py.typed").exists()
    assert not list(package.rglob("test_*"))


@pytest.fixture
def example(python: Path, bihuan: Instance, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """The consumer of the documentation, run as it says."""
    uv("pip", "install", "--python", python, "aiokafka")
    environ = {"BIHUAN_KAFKA": bihuan.kafka_servers, "GROUP": uuid4().hex, "PATH": os.environ["PATH"]}
    with subprocess.Popen(
        [python, "-I", "-u", "-X", "utf8", LIBRARY / "examples" / "consumer.py"],
        cwd=tmp_path, env=environ, stdout=subprocess.PIPE, encoding="utf-8",
    ) as process:  # fmt: skip
        yield process
        process.kill()


@pytest.mark.stack
@pytest.mark.timeout(240)
async def test_the_example_says_who_is_affected_by_a_change(
    bihuan: Instance, signed_in: SignedIn, example: "subprocess.Popen[str]"
) -> None:
    """What it reads from the topic is what the change's page shows."""
    async with signed_in(LEAD) as lead:
        listed = (await lead.get("/api/changes/changes", params={"limit": 100})).json()["changes"]
        details = [
            (await lead.get(f"/api/changes/changes/{one['change']}")).json() for one in listed if one["applied_at"]
        ]
    shown = next(one for one in details if one["rows"])
    change, people = shown["summary"], sorted({row["person_name"] for row in shown["rows"]})
    wanted = (
        f"{change['number']} {change['item']} {change['base_version']} → {change['new_version']} {'、'.join(people)}"
    )
    assert example.stdout is not None
    async with asyncio.timeout(60):
        while (line := await asyncio.to_thread(example.stdout.readline)).strip() != wanted:
            assert line, "the example has ended"
