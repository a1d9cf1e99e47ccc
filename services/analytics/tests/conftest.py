"""analytics under test."""

from collections.abc import AsyncIterator

import pytest
from given_analytics import NOW

from analytics.app import app
from bihuan_chassis.testing import RunningService, running


@pytest.fixture
async def analytics(postgres_server: str) -> AsyncIterator[RunningService]:
    async with running(app, postgres_server) as service:
        service.now = NOW
        yield service
