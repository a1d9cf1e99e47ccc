"""I2: machines may sign what they send instead of signing in (Standard Webhooks)."""

import base64
import json
import time
from typing import Any

import pytest
from given_intake import SECRET, STRUCTURED, event, outbox

from bihuan_chassis.settings import SettingsError
from bihuan_chassis.testing import RunningService
from intake.domain.signatures import sign
from intake.settings import Settings

OTHER = "whsec_" + base64.b64encode(b"another secret, of another system").decode()


async def post(
    intake: RunningService, body: bytes, *, source: str = "plm", secret: str = SECRET, at: float = 0, **headers: Any
) -> Any:
    now = int(time.time() + at)
    signed = {
        "webhook-id": "m-1", "webhook-timestamp": str(now), "webhook-signature": sign(secret, "m-1", now, body),
        "Content-Type": STRUCTURED, **headers,
    }  # fmt: skip
    return await intake.client(None).post(f"/webhooks/{source}", content=body, headers=signed)


BODY = json.dumps(event()).encode()


@pytest.mark.flow
async def test_a_signed_event_is_taken(intake: RunningService) -> None:
    """I2"""
    assert (await post(intake, BODY)).json()["accepted"] == 1
    assert len(await outbox(intake)) == 1


@pytest.mark.flow
async def test_one_of_several_signatures_is_enough(intake: RunningService) -> None:
    """I2: while a secret is exchanged both are sent."""
    now = int(time.time())
    both = f"{sign(OTHER, 'm-1', now, BODY)} {sign(SECRET, 'm-1', now, BODY)}"
    headers: dict[str, Any] = {"webhook-timestamp": str(now), "webhook-signature": both}
    assert (await post(intake, BODY, **headers)).status_code == 202


@pytest.mark.flow
@pytest.mark.parametrize(
    "forged",
    [
        {"secret": OTHER},
        {"source": "nobody"},
        {"at": -301},
        {"at": 301},
        {"webhook-id": "m-2"},
        {"webhook-id": ""},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "v1,é".encode("latin-1")},
        {"webhook-timestamp": "soon"},
    ],
)
async def test_what_is_not_signed_is_not_taken(forged: dict[str, Any], intake: RunningService) -> None:
    """I2: another secret, a source without one, too old, or changed."""
    answer = await post(intake, BODY, **forged)
    assert answer.status_code == 401
    assert answer.json()["code"] == "bad_signature"
    assert await outbox(intake) == []


@pytest.mark.flow
async def test_a_changed_body_is_not_taken(intake: RunningService) -> None:
    """I2"""
    now = int(time.time())
    headers: dict[str, Any] = {"webhook-timestamp": str(now), "webhook-signature": sign(SECRET, "m-1", now, BODY)}
    assert (await post(intake, BODY + b" ", **headers)).status_code == 401


@pytest.mark.parametrize("secrets", ["[]", "x", '{"plm": "one"}', '{"plm": ["short"]}', '{"plm": ["whsec_%%%"]}'])
def test_secrets_that_cannot_be_used_stop_the_start(secrets: str) -> None:
    """I2"""
    with pytest.raises(SettingsError, match="WEBHOOK_SECRETS"):
        Settings.load("intake", {"BIHUAN_DATABASE": "postgresql://x/y", "BIHUAN_WEBHOOK_SECRETS": secrets})
