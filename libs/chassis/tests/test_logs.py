"""Logs: one JSON object a line, of libraries too; an outage does not flood them (P24)."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
import structlog


def test_each_line_is_one_object_with_its_fields(lines: Callable[[], list[dict[str, Any]]]) -> None:
    structlog.get_logger("stores").info("retest.opened", rows=3, note="一行\n两行")
    logging.getLogger("somebody.elses").warning("over %s", "there")
    [own, other] = lines()
    assert (own["event"], own["rows"], own["note"], own["service"]) == ("retest.opened", 3, "一行\n两行", "stores")
    assert (other["event"], other["level"]) == ("over there", "warning")
    assert all("timestamp" in line for line in (own, other))


def test_a_library_that_repeats_itself_is_thinned_out(
    lines: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("bihuan_chassis.logs.time.monotonic", lambda: now[0])
    client = logging.getLogger("aiokafka.conn")
    for number in range(5000):
        client.error("Connect attempt to %s failed", number)
    client.error("something else")
    assert len(lines()) == 6
    now[0] = 11.0
    client.error("Connect attempt to %s failed", 1)
    assert len(lines()) == 1, "it is still so, and that is said again"
