"""intake under test."""

import json
from collections.abc import AsyncIterator

import pytest
from given_intake import SECRET

from bihuan_chassis.testing import RunningService, running
from intake.app import app


@pytest.fixture
async def intake(postgres_server: str) -> AsyncIterator[RunningService]:
    environ = {"BIHUAN_WEBHOOK_SECRETS": json.dumps({"plm": [SECRET]})}
    async with running(app, postgres_server, environ) as service:
        yield service
