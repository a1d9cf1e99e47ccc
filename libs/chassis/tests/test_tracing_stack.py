"""One trace from a request over the outbox and Kafka to what another service logs; spans where a collector is named."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
import structlog
from given_stores import Broker, measure_of, receipt, record, until, working
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bihuan_chassis import Settings, Transaction, http, service, tracing
from bihuan_chassis.batch import Batches, PermanentError
from bihuan_chassis.database import Connection
from bihuan_chassis.description import Subscription
from bihuan_chassis.transaction import Surroundings
from bihuan_contracts import Text, Topic, topics
from bihuan_contracts.erp import GoodsReceived
from bihuan_contracts.performance import MetricMeasured

Lines = Callable[[], list[dict[str, Any]]]

CALLER = f"00-{'a' * 32}-{'b' * 16}-01"
OTHER = f"00-{'c' * 32}-{'d' * 16}-01"

log = structlog.get_logger()
routes = http.router()


@routes.post("/measures", status_code=202, dependencies=[http.allow_anonymous()])
async def measure(tx: http.Tx) -> None:
    log.info("measure.asked")
    tx.announce(measure_of(receipt()))


@routes.post("/failures", dependencies=[http.allow_anonymous()])
async def fail() -> None:
    raise KeyError("a bug in the endpoint")


async def on_measured(measures: Sequence[MetricMeasured], _: Transaction) -> None:
    log.info("measure.heard", measures=len(measures))


@asynccontextmanager
async def asking(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of a service's api, as uvicorn would run it."""
    app = service("asking", api=[routes]).api(settings.model_copy(update={"service": "asking"}))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://asking/api/asking") as client,
    ):
        yield client


def named(lines: list[dict[str, Any]], event: str) -> dict[str, Any]:
    [found] = [line for line in lines if line["event"] == event]
    return found


@pytest.mark.stack
async def test_a_request_is_followed_into_the_logs_of_another_service(
    settings: Settings, kafka_server: str, broker: Broker, metrics: Topic, lines: Lines
) -> None:
    await broker.create(metrics)
    settings = settings.model_copy(update={"kafka": kafka_server})
    heard: list[dict[str, Any]] = []

    async def logged() -> bool:
        heard.extend(lines())
        return any(line["event"] == "measure.heard" for line in heard)

    async with asking(settings) as client, working(settings, metrics, "hearing", on_measured):
        answer = await client.post("/measures", headers={"traceparent": CALLER})
        assert answer.status_code == 202
        await until(logged)
        [sent] = await broker.read(metrics, 1)

    asked, said = named(heard, "measure.asked"), named(heard, "measure.heard")
    assert (asked["service"], asked["trace_id"]) == ("asking", "a" * 32)
    assert (said["service"], said["trace_id"]) == ("hearing", "a" * 32)
    assert len({asked["span_id"], said["span_id"], "b" * 16}) == 3, "each has a span of its own"
    assert dict(sent.headers)["traceparent"].decode() == f"00-{'a' * 32}-{asked['span_id']}-01"


class Collector:
    """What an OpenTelemetry collector would have been sent."""

    def __init__(self) -> None:
        self.spans: dict[str, list[Any]] = defaultdict(list)
        collector = self

        class _Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.path == "/v1/traces"
                request = ExportTraceServiceRequest()
                request.ParseFromString(self.rfile.read(int(self.headers["content-length"])))
                for resource in request.resource_spans:
                    [name] = [a.value.string_value for a in resource.resource.attributes if a.key == "service.name"]
                    collector.spans[name] += [span for scope in resource.scope_spans for span in scope.spans]
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    tracing.close()
    made.stop()


@pytest.mark.stack
async def test_spans_are_sent_to_the_collector_that_is_named(
    settings: Settings, kafka_server: str, broker: Broker, metrics: Topic, lines: Lines, collector: Collector
) -> None:
    await broker.create(metrics)
    settings = settings.model_copy(update={"kafka": kafka_server, "otlp_endpoint": collector.address})
    for name in ("asking", "hearing"):
        tracing.configure(settings.model_copy(update={"service": name}))

    async def logged() -> bool:
        return any(line["event"] == "measure.heard" for line in lines())

    async with asking(settings) as client, working(settings, metrics, "hearing", on_measured):
        await client.post("/measures", headers={"traceparent": CALLER})
        await client.post("/failures?who=10231")
        await until(logged)
    await asyncio.to_thread(tracing.close)

    [asked, failed] = collector.spans["bihuan-asking"]
    [heard] = collector.spans["bihuan-hearing"]
    assert (asked.name, asked.parent_span_id.hex()) == ("POST /measures", "b" * 16)
    assert (heard.name, heard.parent_span_id) == (f"process {metrics.name}", asked.span_id)
    assert {asked.trace_id.hex(), heard.trace_id.hex()} == {"a" * 32}
    assert failed.status.code == 2, "an error"
    assert not failed.parent_span_id
    assert "10231" not in str(failed), "a path or query may hold what somebody has typed"
    assert "a bug" not in str(failed)


@pytest.mark.flow
async def test_a_request_that_breaks_is_found_by_its_trace(settings: Settings, lines: Lines) -> None:
    async with asking(settings) as client:
        answer = await client.post("/failures", headers={"traceparent": CALLER})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert answer.headers["x-content-type-options"] == "nosniff"
    failed = named(lines(), "request.failed")
    assert (failed["trace_id"], failed["service"]) == ("a" * 32, "asking")
    assert "a bug in the endpoint" in failed["exception"]


@pytest.mark.flow
@pytest.mark.parametrize("given", ["", "no trace", f"00-{'0' * 32}-{'b' * 16}-01", f"ff-{'a' * 32}-{'b' * 16}-01", "ä"])
async def test_what_is_no_trace_begins_a_new_one(settings: Settings, lines: Lines, given: str) -> None:
    async with asking(settings) as client:
        await client.post("/measures", headers={b"traceparent": given.encode("latin-1")})
    asked = named(lines(), "measure.asked")
    assert len(asked["trace_id"]) == 32
    assert asked["trace_id"] not in {"0" * 32, "a" * 32}


@pytest.mark.flow
async def test_a_batch_of_several_traces_keeps_them_apart(
    settings: Settings, connection: Connection, lines: Lines
) -> None:
    """One span works for all of them and names them; what follows from one event goes on in that event's trace."""

    async def handler(receipts: Sequence[GoodsReceived], tx: Transaction) -> None:
        if any(received.item == "unfit" for received in receipts):
            raise PermanentError("unfit", Text(zh="没有这个物料", en="no such item"))
        log.info("receipts.heard")
        for received, event in zip(tx.received, receipts, strict=True):
            tx.announce(measure_of(event), cause=received.id)

    async def connect() -> Connection:
        return connection

    traces = [CALLER, OTHER, None, "no trace"]
    given = [
        record(
            receipt(line=line).model_dump_json().encode(), headers=[("traceparent", trace.encode())] if trace else []
        )
        for line, trace in enumerate(traces, 1)
    ]
    batches = Batches(Subscription("stores", (topics.RECEIPTS,), handler), Surroundings(settings), connect)
    await batches.handle(given)
    said = named(lines(), "receipts.heard")
    assert said["linked_traces"] == ["a" * 32, "c" * 32]
    own = f"00-{said['trace_id']}-{said['span_id']}-01"
    rows = await connection.raw.fetch("select traceparent from outbox order by id")
    assert [row["traceparent"] for row in rows] == [CALLER, OTHER, own, own]

    await batches.handle(
        [
            record(receipt(item="unfit")),
            record(
                receipt(line=9, item="unfit").model_dump_json().encode(), headers=[("traceparent", CALLER.encode())]
            ),
        ]
    )
    dead = [line for line in lines() if line["event"] == "event.dead"]
    assert [line["trace_id"] == "a" * 32 for line in dead] == [False, True]
