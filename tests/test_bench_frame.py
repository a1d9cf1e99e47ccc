"""The frame of `make bench`: a part that fails is named, and doesn't stop the others."""

import asyncio
from typing import Any, cast

import pytest
from bench.__main__ import measure
from bench.parts import PARTS
from bench.rows import Row

_INSTANCE = cast("Any", None)


async def broken(_: Any) -> list[Row]:
    raise RuntimeError("the synthetic tasks did not arrive")


async def sound(_: Any) -> list[Row]:
    return [Row("rows", 2, 1, True, "of a sound part")]


def test_a_part_that_fails_is_named_after_the_others_ran(capsys: pytest.CaptureFixture[str]) -> None:
    assert asyncio.run(measure(_INSTANCE, [broken, sound])) == ["broken"]
    printed = capsys.readouterr()
    assert "of a sound part" in printed.out
    assert "did not arrive" in printed.err


def test_each_part_has_a_name_of_its_own() -> None:
    names = [part.__name__ for part in PARTS]
    assert len(set(names)) == len(names)
