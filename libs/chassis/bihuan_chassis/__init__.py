"""What every service needs and none is about: database, inbox, outbox, timers, HTTP, sign-in checks, metrics."""

from bihuan_chassis.live import Live
from bihuan_chassis.service import Service, service
from bihuan_chassis.settings import Settings
from bihuan_chassis.timers import Timer
from bihuan_chassis.transaction import Received, Transaction, writing

__all__ = ["Live", "Received", "Service", "Settings", "Timer", "Transaction", "service", "writing"]
