"""The service: settings and wiring."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from bihuan_chassis import Settings, service
from bihuan_chassis.calendar import warm_up
from bihuan_contracts import topics
from goals import api
from goals.files import on_file_attached
from goals.handlers import (
    CONCESSION_ENDS,
    on_card_answered,
    on_concession_ends,
    on_consent_changed,
    on_impact_assessed,
    on_person_changed,
    on_test_reported,
)
from goals.requests import on_customer_orders


@asynccontextmanager
async def _warm(_: Settings) -> AsyncIterator[None]:
    await asyncio.to_thread(warm_up, datetime.now(UTC).date())
    yield


app = service(
    "goals",
    hears={
        topics.IMPACTS: on_impact_assessed,
        topics.CONSENTS: on_consent_changed,
        topics.TEST_REPORTS: on_test_reported,
        topics.CARD_ANSWERS: on_card_answered,
        topics.FILES: on_file_attached,
        topics.PEOPLE: on_person_changed,
        topics.CUSTOMER_ORDERS: on_customer_orders,
    },
    api=api.routes,
    gather=0.01,  # where workers share a process, the notice of a change goes out first
    timers={CONCESSION_ENDS: on_concession_ends},
    lifespan=_warm,
)
