"""JSON lines on standard output, with trace ids; floods of the same library message are thinned out."""

import logging
import sys
import time
from typing import Any

import structlog
from opentelemetry import trace

from bihuan_chassis import tracing

_EVERY_SECONDS = 10.0
_BURST = 5
_LINKED = 20


class FloodLimit(logging.Filter):
    """At most a handful of equal messages in ten seconds: aiokafka logs thousands during an outage."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        key = (record.name, str(record.msg))
        since, count = self._seen.get(key, (float("-inf"), 0))
        now = time.monotonic()
        if now - since > _EVERY_SECONDS:
            since, count = now, 0
        self._seen[key] = (since, count + 1)
        return count < _BURST


def configure(service: str, level: str) -> None:
    """One JSON object a line; logs of libraries in the same form."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        _add_trace,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    handler.addFilter(FloodLimit())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for noisy in ("aiokafka", "httpx", "httpcore", "sqlalchemy", "alembic", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(service=service)


def _add_trace(_: Any, __: str, event: Any) -> Any:
    """Whose span it is and its ids; a batch that works for several traces names them too."""
    around = tracing.around()
    if around is None:
        return event
    context = trace.get_current_span().get_span_context()
    event["service"] = around.service
    event["trace_id"], event["span_id"] = format(context.trace_id, "032x"), format(context.span_id, "016x")
    if around.links:
        event["linked_traces"] = list(dict.fromkeys(map(tracing.trace_id_of, around.links[:_LINKED])))
    return event
