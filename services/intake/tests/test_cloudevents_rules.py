"""I2: every invalid case of the CloudEvents conformance suite is refused with its reason, every valid one parsed."""

import json
from pathlib import Path

import pytest

from intake.domain.cloudevents import Bad, parse


def test_every_valid_case_is_parsed(samples: Path) -> None:
    for case in json.loads((samples / "cloudevents/valid-events.json").read_text())["tests"]:
        parse(case["event"])


def test_every_invalid_case_is_refused_naming_the_attribute(samples: Path) -> None:
    for case in json.loads((samples / "cloudevents/invalid-events.json").read_text())["tests"]:
        with pytest.raises(Bad) as refused:
            parse(case["event"])
        assert refused.value.code in {"missing_attribute", "bad_attribute"}, case["id"]
        assert refused.value.field, case["id"]


@pytest.mark.parametrize("event", [None, [], "text", 5, {"specversion": "0.3", "id": "1", "source": "/a", "type": "t"}])
def test_what_is_no_event_is_refused(event: object) -> None:
    with pytest.raises(Bad):
        parse(event)
