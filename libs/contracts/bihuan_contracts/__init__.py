"""Events and topics of Bihuan: the only thing that its services and other applications share.

from bihuan_contracts import topics, open_record
from bihuan_contracts.plm import BomReleased
"""

from bihuan_contracts.envelope import Opened, Refused, SealedRecord, open_record, seal
from bihuan_contracts.event import Choice, Event, Key, Money, Part, Text, Version
from bihuan_contracts.topic import Topic

__all__ = [
    "Choice",
    "Event",
    "Key",
    "Money",
    "Opened",
    "Part",
    "Refused",
    "SealedRecord",
    "Text",
    "Topic",
    "Version",
    "open_record",
    "seal",
]
