"""The parts of `make bench`, in the order in which they run: a new subject is a module of its own and a line here."""

from collections.abc import Awaitable, Callable, Sequence

from bench.boards import boards
from bench.chain import chain
from bench.changes import large_change
from bench.estimates import estimates
from bench.goals import goals
from bench.history import history
from bench.pages import pages
from bench.relays import relays
from bench.rows import Row
from bench.rules import rules
from bench.workers import affected, throughput
from bihuan_tools.instance import Instance

Part = Callable[[Instance], Awaitable[Sequence[Row]]]
"""Measures on a running instance that all parts share; named on the command line by its function."""

PARTS: tuple[Part, ...] = (
    chain,
    boards,
    pages,
    relays,
    throughput,
    affected,
    history,
    goals,
    rules,
    estimates,
    large_change,
)
