"""The service under test."""

from collections.abc import AsyncIterator

import pytest

from bihuan_chassis.testing import RunningService, running
from goals.app import app


@pytest.fixture
async def goals(postgres_server: str) -> AsyncIterator[RunningService]:
    async with running(app, postgres_server) as service:
        yield service
