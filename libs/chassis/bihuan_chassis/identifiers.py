"""Identifiers: UUIDv7, made by a C library; the same type that asyncpg reads and writes fastest."""

from uuid import UUID

import uuid_utils
from asyncpg.pgproto.pgproto import UUID as FastUUID  # noqa: N811 - a C subclass of uuid.UUID


def new_id() -> UUID:
    """A time-ordered id."""
    fast: UUID = FastUUID(uuid_utils.uuid7().bytes)
    return fast


def parse_id(text: str) -> UUID:
    """Read a canonical UUID text; ValueError when it is none."""
    fast: UUID = FastUUID(text)
    return fast
