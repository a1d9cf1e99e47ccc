"""Routes for people who test: a report typed in by hand travels the same topic as those of test systems (G5)."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import Field

from bihuan_chassis.http import Body, Caller, Reply, Role, Tx, allow, invalid, router
from bihuan_contracts import Key, Version
from bihuan_contracts.qa import Measurement, TestReported, Verdict
from intake import store

routes = router(tags=["reports"])


class MeasurementIn(Body):
    metric: Annotated[str, Field(min_length=1, max_length=120)]
    value: Decimal
    unit: Annotated[str | None, Field(max_length=20)] = None


class ReportIn(Body):
    """A person's test report on a task or card, or on a module alone."""

    task: UUID | None = None
    product: Key | None = None
    module: Key
    module_version: Version
    verdict: Verdict
    criterion: UUID | None = None
    criterion_version: Annotated[int | None, Field(ge=1)] = None
    measurements: Annotated[tuple[MeasurementIn, ...], Field(max_length=100)] = ()
    title: Annotated[str, Field(max_length=200)] = ""
    attachments: Annotated[tuple[UUID, ...], Field(max_length=20)] = ()


class Reported(Reply):
    report: str


@routes.post("/test-reports", status_code=201, dependencies=[allow(Role.TEST_ENGINEER, Role.EMPLOYEE)])
async def report_test(body: ReportIn, tx: Tx, caller: Caller) -> Reported:
    """Measured values and a verdict; who tested is who is signed in."""
    if body.verdict is Verdict.UNKNOWN:
        raise invalid("verdict", "unknown", "请选择通过或不通过", "Choose passed or failed")
    number = await store.next_report(tx)
    tx.announce(_report(body, number, caller.id, tx))
    return Reported(report=number)


def _report(body: ReportIn, number: str, person: str, tx: Tx) -> TestReported:
    return TestReported(
        report=number,
        module=body.module,
        module_version=body.module_version,
        verdict=body.verdict,
        product=body.product,
        task=body.task,
        criterion=body.criterion,
        criterion_version=body.criterion_version,
        measurements=tuple(Measurement(metric=m.metric, value=m.value, unit=m.unit) for m in body.measurements),
        title=body.title,
        tested_by=person,
        tested_at=tx.now,
        attachments=body.attachments,
    )
