"""Traces across HTTP, outbox and Kafka: W3C trace context in, through the outbox row, and out."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from bihuan_chassis.settings import Settings

_PROPAGATOR = TraceContextTextMapPropagator()
_TRACER = trace.get_tracer("bihuan")


def configure(settings: Settings) -> None:
    """Export spans when a collector is named; otherwise trace ids are only passed on."""
    if settings.otlp_endpoint is None:
        return
    provider = TracerProvider(resource=Resource.create({"service.name": f"bihuan-{settings.service}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{settings.otlp_endpoint}/v1/traces")))
    trace.set_tracer_provider(provider)


def new_traceparent() -> str:
    """A trace of its own for what nobody traced so far."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


@contextmanager
def span(name: str, traceparent: str | None, *, links: int = 0) -> Iterator[str | None]:
    """Work under `traceparent`; yields the trace context to pass on. Costs nothing when spans are not exported."""
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        yield traceparent
        return
    parent = _PROPAGATOR.extract({"traceparent": traceparent}) if traceparent else None
    with _TRACER.start_as_current_span(name, context=parent, attributes={"bihuan.events": links}):
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier)
        yield carrier.get("traceparent", traceparent)
