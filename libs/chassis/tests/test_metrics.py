"""Names of metrics: `bihuan_*`, base units, as Prometheus wants them; and no label that could hold a person."""

import shutil
import subprocess

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics import MetricWrapperBase

from bihuan_chassis import metrics

LABELS = {"service", "topic", "outcome", "server", "code", "kind", "method", "route", "status", "version"}
UNITS = ("seconds", "bytes", "records", "events", "messages", "info", "ratio", "open")
NOT_BASE_UNITS = ("milliseconds", "minutes", "hours", "days", "kilobytes", "megabytes", "percent")


ALL = [one for one in vars(metrics).values() if isinstance(one, MetricWrapperBase)]


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric._name)
def test_names_follow_the_rules(metric: MetricWrapperBase) -> None:
    name = metric._name
    words = name.split("_")
    assert words[0] == "bihuan"
    assert name == name.lower()
    assert not set(NOT_BASE_UNITS) & set(words)
    assert metric._documentation
    assert "total" not in words, "the client writes _total after counters itself"
    if isinstance(metric, Histogram):
        assert words[-1] == "seconds"
    if isinstance(metric, Gauge):
        assert words[-1] in UNITS
    assert set(metric._labelnames) <= LABELS, "a new label: can it hold an id of a person, a task or an event?"


def exposition() -> str:
    """Every metric with a sample, as the admin port shows it."""
    registry = CollectorRegistry()
    for metric in ALL:
        registry.register(metric)
        child = metric.labels(*("x" for _ in metric._labelnames)) if metric._labelnames else metric
        if isinstance(child, Counter):
            child.inc(0)
        elif isinstance(child, Histogram):
            child.observe(0)
    return generate_latest(registry).decode()


def test_prometheus_own_check_has_nothing_to_say() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not here (Debian package prometheus)")
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=exposition(), capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")
