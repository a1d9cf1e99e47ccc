"""Everything that is counted, in base units: `bihuan_*`. Labels never hold ids of people, tasks or events."""

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call]

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_AGES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 600, 3600)

EVENTS_HANDLED = Counter(
    "bihuan_events_handled",
    "Events by outcome: handled, duplicate, refused, failed",
    ["service", "topic", "outcome"],
)
HANDLING_SECONDS = Histogram(
    "bihuan_event_handling_seconds", "Time of one batch transaction", ["service", "topic"], buckets=_FAST
)
EVENT_AGE_SECONDS = Histogram(
    "bihuan_event_age_seconds", "From the event's time to its handling", ["service", "topic"], buckets=_AGES
)
CONSUMER_LAG = Gauge("bihuan_consumer_lag_records", "Records not handled yet", ["service", "topic"])
REDELIVERED = Counter("bihuan_redelivered_events", "Events that had been handled before", ["service", "topic"])
LAST_PROGRESS = Gauge(
    "bihuan_last_progress_timestamp_seconds",
    "When the consumer last finished a batch or found none",
    ["service", "topic"],
)
REBALANCES = Counter("bihuan_rebalances", "Times the partitions were dealt anew", ["service", "topic"])
WAITS = Counter("bihuan_outage_waits", "Pauses because a server was away", ["service", "server"])
OUTBOX_PENDING = Gauge("bihuan_outbox_pending_events", "Announced events not sent yet", ["service"])
OUTBOX_OLDEST = Gauge("bihuan_outbox_oldest_seconds", "Age of the oldest event not sent yet", ["service"])
OUTBOX_SENT = Counter("bihuan_outbox_sent_events", "Events acknowledged by the broker", ["service"])
OUTBOX_SET_ASIDE = Counter("bihuan_outbox_set_aside_events", "Events the broker will never take", ["service"])
DEAD_LETTERS = Counter("bihuan_dead_letters", "Records that could not be handled", ["service", "topic", "code"])
DEAD_LETTERS_OPEN = Gauge("bihuan_dead_letters_open", "Dead letters waiting for a decision", ["service"])
TIMERS_FIRED = Counter("bihuan_timers_fired", "Timers that became due", ["service", "kind"])
TIMER_DELAY_SECONDS = Histogram("bihuan_timer_delay_seconds", "From due to fired", ["service", "kind"], buckets=_AGES)
LIVE_LOST = Counter("bihuan_live_lost_messages", "Live updates that Redis did not take")
CLOCK_SKEW = Gauge("bihuan_clock_skew_seconds", "How far this machine's clock is ahead of the database", ["service"])
LOOP_LAG = Gauge("bihuan_event_loop_lag_seconds", "How late the event loop woke up last")
HTTP_REQUESTS = Counter("bihuan_http_requests", "Requests", ["service", "method", "route", "status"])
HTTP_SECONDS = Histogram(
    "bihuan_http_request_duration_seconds", "Time to the response", ["service", "method", "route"], buckets=_FAST
)
BUILD_INFO = Gauge("bihuan_build_info", "Which build runs; always 1", ["service", "version"])
