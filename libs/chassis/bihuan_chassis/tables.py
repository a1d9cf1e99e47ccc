"""The chassis' own tables in each service's database."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

PARTS = 16
"""Hash partitions of the outbox: one relay lane owns a part at a time, which keeps the order per key."""

metadata = MetaData()
_NOW = text("now()")

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("part", SmallInteger, nullable=False),
    Column("topic", Text, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("key", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("time", DateTime(timezone=True), nullable=False),
    Column("traceparent", Text),
    Column("source", Text),
)

outbox_set_aside = Table(
    "outbox_set_aside",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("topic", Text, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("key", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=_NOW),
)

inbox_consumers = Table(
    "inbox_consumers",
    metadata,
    Column("id", SmallInteger, Identity(), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
)

inbox = Table(
    "inbox",
    metadata,
    Column("event_id", Uuid, primary_key=True),
    Column("consumer", SmallInteger, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Index("inbox_by_time", "at", postgresql_using="brin"),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("consumer", Text, primary_key=True),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("key", LargeBinary),
    Column("value", LargeBinary),
    # Header values need not be text, so they are kept as they came.
    Column("header_names", ARRAY(Text), nullable=False),
    Column("header_values", ARRAY(LargeBinary), nullable=False),
    Column("record_time", DateTime(timezone=True), nullable=False),
    Column("code", Text, nullable=False),
    Column("field", Text),
    Column("reason", Text, nullable=False),
    Column("traceparent", Text),
    Column("attempts", Integer, nullable=False, server_default="1"),
    Column("state", String(12), nullable=False, server_default="open"),
    Column("first_seen", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("last_seen", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("resolution", Text),
    Column("resolved_by", Text),
    Index("dead_letters_by_state", "state", "last_seen"),
)

timers = Table(
    "timers",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("payload", JSONB, nullable=False, server_default="{}"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Index("timers_by_due_time", "due_at"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("caller", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request_hash", LargeBinary, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("media_type", Text),
    Column("body", LargeBinary, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Index("idempotency_keys_by_time", "at"),
)
