"""The service under test."""

from collections.abc import AsyncIterator

import pytest

from bihuan_chassis.testing import RunningService, running
from notify.app import app


@pytest.fixture
async def notify(postgres_server: str) -> AsyncIterator[RunningService]:
    async with running(app, postgres_server) as service:
        yield service
