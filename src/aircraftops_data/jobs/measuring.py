"""How much of a queue is due, and for how long: what tells whether its workers keep up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from aircraftops_data.core.asking import query_reading
from aircraftops_data.core.context import Context
from aircraftops_data.core.reading import chunk
from aircraftops_data.jobs.model import Priority, Queue, Ticket
from aircraftops_data.request import Plan

COUNTED = 100


@dataclass(frozen=True, slots=True)
class Measure:
    """The due tickets of one partition of a queue. A running job's ticket is among them for a moment now and then."""

    priority: Priority
    shard: int
    depth: int
    """How many are due."""
    complete: bool
    """Whether all were counted; otherwise there may be more."""
    oldest_due_age: timedelta
    """How long the first has been due; nothing where none is."""
    oldest_id: str | None
    """The first one's job."""


def measure(queue: Queue, context: Context, most: int = COUNTED) -> Plan[list[Measure]]:
    """What is due in each partition of a queue, up to `most` in each, a moment behind.

    1 read unit for each empty partition, and for 8 KB of due tickets (about 30).
    """
    found: list[Measure] = []
    for priority in Priority:
        for shard in range(queue.shards):
            found.append((yield from measured(queue.name, priority, shard, context, most)))
    return found


def measured(queue: str, priority: Priority, shard: int, context: Context, most: int) -> Plan[Measure]:
    """The same for one partition."""
    now = context.clock.now()
    pattern = Ticket.primary(queue=queue, priority=priority, shard=shard).at_most(due_at=now)
    page = yield from chunk(query_reading(pattern), context, None, most)
    tickets = cast("list[Ticket]", page.found.values)
    oldest, job_id = (now - tickets[0].due_at, tickets[0].job_id) if tickets else (timedelta(), None)
    return Measure(priority, shard, len(tickets), page.next is None, oldest, job_id)


def summed(measures: Iterable[Measure]) -> tuple[timedelta, int]:
    """The age of the oldest of all, and how many there are."""
    known = list(measures)
    return max((each.oldest_due_age for each in known), default=timedelta()), sum(each.depth for each in known)
