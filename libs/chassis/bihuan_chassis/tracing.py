"""Traces across HTTP, outbox and Kafka: one span a request or batch, its context on through the outbox row.

Where no collector is named the spans are ids only: log lines carry them and events pass them on, for microseconds.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from bihuan_chassis.settings import Settings

__all__ = [
    "Around",
    "Span",
    "SpanKind",
    "StatusCode",
    "around",
    "close",
    "configure",
    "span",
    "trace_id_of",
    "traceparent",
]

_CONTEXT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)")
_LINKS = 100
_EXPORT_SECONDS = 5

_PROPAGATOR = TraceContextTextMapPropagator()
_IDS = RandomIdGenerator()
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_TRACERS: dict[str, Tracer] = {}
_CLOSING: list[Callable[[], None]] = []


class Around(NamedTuple):
    """What log lines say beside the ids: whose span it is, and which other traces it works for."""

    service: str
    links: Sequence[str]


_AROUND: ContextVar[Around | None] = ContextVar("around", default=None)


def configure(settings: Settings) -> None:
    """Export this service's spans where a collector is named."""
    if settings.otlp_endpoint is None:
        return
    # Only here: with what it needs it is a tenth of a second and 10 MB that most processes never use.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    exporter = OTLPSpanExporter(f"{settings.otlp_endpoint.rstrip('/')}/v1/traces", timeout=_EXPORT_SECONDS)
    resource = Resource.create({"service.name": f"bihuan-{settings.service}"})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _TRACERS[settings.service] = provider.get_tracer("bihuan")
    _CLOSING.append(provider.shutdown)


def close() -> None:
    """Export what is left, and stop exporting."""
    _TRACERS.clear()
    while _CLOSING:
        _CLOSING.pop()()


@contextmanager
def span(
    service: str,
    name: str,
    parent: str | None = None,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    links: Sequence[str] = (),
    attributes: Mapping[str, str | int] | None = None,
) -> Iterator[Span]:
    """Work of `service` under the W3C context `parent`; a trace of its own where that is missing or malformed.

    `links` are contexts of other traces that the same work is for. Of an error only the kind is exported: its words
    may be somebody's own.
    """
    tracer = _TRACERS.get(service)
    if tracer is None:
        opened: Span = NonRecordingSpan(_below(_context_of(parent)))
    else:
        opened = tracer.start_span(
            name,
            contexts.Context() if parent is None else _PROPAGATOR.extract({"traceparent": parent}, contexts.Context()),
            kind,
            attributes,
            [Link(context) for context in map(_context_of, links[:_LINKS]) if context is not None],
        )
    token = contexts.attach(trace.set_span_in_context(opened))
    outside = _AROUND.set(Around(service, links))
    try:
        yield opened
    except BaseException as error:
        opened.set_status(Status(StatusCode.ERROR, type(error).__name__))
        raise
    finally:
        _AROUND.reset(outside)
        contexts.detach(token)
        opened.end()


def _context_of(given: str | None) -> SpanContext | None:
    if given is None:
        return None
    found = _PROPAGATOR.extract({"traceparent": given}, contexts.Context())
    context = trace.get_current_span(found).get_span_context()
    return context if context.is_valid else None


def _below(parent: SpanContext | None) -> SpanContext:
    if parent is None:
        return SpanContext(_IDS.generate_trace_id(), _IDS.generate_span_id(), is_remote=False, trace_flags=_SAMPLED)
    return SpanContext(parent.trace_id, _IDS.generate_span_id(), is_remote=False, trace_flags=parent.trace_flags)


def traceparent() -> str | None:
    """The context of the current span, to pass on; None outside of any."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def trace_id_of(given: str | None) -> str | None:
    """The trace that a W3C context belongs to; None for what is none: anything may stand in a foreign header."""
    found = _CONTEXT.match(given) if given else None
    return found[1] if found else None


def around() -> Around | None:
    return _AROUND.get()
