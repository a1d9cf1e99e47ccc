"""What a topic is: one event type, its key, and how the log keeps it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

from bihuan_contracts.event import Event


@dataclass(frozen=True)
class Topic:
    """One Kafka topic.

    A compacted topic carries the full current state of one aggregate with its `version`: consumers keep the
    highest version they have seen. Any other topic carries facts, idempotent by event id.
    `major` is the version that ends the name; a breaking change is a new topic.
    """

    name: str
    event: type[Event]
    key: Callable[[Any], str]
    partitions: int
    retention: timedelta | None
    """None: kept for ever."""
    compacted: bool
    owner: str
    """The service that writes it; `intake` for what upstream systems may also write themselves."""
    description: str

    @cached_property
    def major(self) -> int:
        return int(self.name.rsplit(".v", 1)[1])

    @cached_property
    def type(self) -> str:
        """The CloudEvents type: `bihuan.plm.bom-released.v1`."""
        words = re.sub(r"(?<!^)(?=[A-Z])", "-", self.event.__name__).lower()
        return f"bihuan.{self.name.split('.', 1)[0]}.{words}.v{self.major}"

    def __str__(self) -> str:
        return self.name
