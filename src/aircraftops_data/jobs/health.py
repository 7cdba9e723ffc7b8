"""How queues are: what is due and for how long, what runs, what went wrong, and what of that needs somebody to look."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import cast

from aircraftops_data.core.asking import finding, query_reading
from aircraftops_data.core.context import Context
from aircraftops_data.core.reading import chunk, count
from aircraftops_data.jobs.claiming import due_tickets
from aircraftops_data.jobs.edges import jobs_of
from aircraftops_data.jobs.model import DeadJob, Job, Priority, Queue, QueueDay, Ticket
from aircraftops_data.jobs.states import JobState
from aircraftops_data.request import Plan

DEPTH_BOUND = 1000
"""No more tickets than this are counted in a partition."""
LOOKED_AT = 100
"""How many jobs of a partition are looked at for whether they run."""
# Source: DynamoDB Developer Guide, "Best practices for designing and using partition keys effectively".
PARTITION_WRITE_UNITS = 1000
"""Write units a second that one partition takes."""
# Put 2; claimed: deleted 2, put 2; ended: deleted 2.
JOB_WRITE_UNITS = 8
"""Write units in its ticket's partition that a job takes in its life."""
RECENT = timedelta(seconds=10)
"""The time whose new tickets tell the rate of writing."""


@dataclass(frozen=True, slots=True)
class PartitionMeasure:
    """The tickets of a queue in one priority and shard."""

    priority: Priority
    shard: int
    depth: int
    """Jobs that are due and nobody has claimed, up to `DEPTH_BOUND`."""
    oldest_due_age: timedelta | None
    """For how long the first of them has been due; None where none is."""
    later: int
    """Jobs to be looked at later, up to `DEPTH_BOUND`: running ones, and those that wait for their time or parents."""
    writes_per_second: float
    """Write units: a rough estimate, see `estimated_writes`."""

    @property
    def write_share(self) -> float:
        """The estimated writes as a share of what a partition takes."""
        return self.writes_per_second / PARTITION_WRITE_UNITS


def measure(queue: Queue, context: Context) -> Plan[list[PartitionMeasure]]:
    """Measure all partitions of a queue. For each: 1 read unit for 16 due tickets, 1 for 32 others, 1.5 at least."""
    return [measured for measured, _ in (yield from _partitions(queue, context))]


def _partitions(queue: Queue, context: Context) -> Plan[list[tuple[PartitionMeasure, list[Ticket]]]]:
    """Each partition's measure, with the tickets that are due later."""
    found: list[tuple[PartitionMeasure, list[Ticket]]] = []
    for priority in Priority:
        for shard in range(queue.shards):
            found.append((yield from _partition(queue.name, priority, shard, context)))
    return found


def _partition(
    queue: str, priority: Priority, shard: int, context: Context
) -> Plan[tuple[PartitionMeasure, list[Ticket]]]:
    now = context.clock.now()
    due = yield from due_tickets(queue, priority, shard, context, DEPTH_BOUND)
    pattern = Ticket.primary(queue=queue, priority=priority, shard=shard).at_least(due_at=now - RECENT)
    found = yield from chunk(query_reading(pattern), context, None, DEPTH_BOUND)
    around = cast("list[Ticket]", found.found.values)
    later = [ticket for ticket in around if ticket.due_at > now]
    age = now - due[0].due_at if due else None
    return PartitionMeasure(priority, shard, len(due), age, len(later), estimated_writes(around, now)), later


def estimated_writes(tickets: Sequence[Ticket], now: datetime) -> float:
    """Write units a second in the partition of these tickets, from how many of them were written in the last seconds.

    Rough: each ticket written within `RECENT` is taken for a job whose whole life of 8 write units passes in that
    time. That is true of a queue in balance whose jobs run for seconds. While a queue only fills, 2 of the 8 have been
    written so far, and it says too much; jobs that have ended since have left no ticket, and it says too little: at
    the worst nothing, for jobs that end at once. Of more than 1000 tickets the rest is not seen.
    """
    recent = sum(1 for ticket in tickets if ticket.created_at is not None and ticket.created_at > now - RECENT)
    return JOB_WRITE_UNITS * recent / RECENT.total_seconds()


@dataclass(frozen=True, slots=True)
class HealthLimits:
    """What is still well; more than this is warned of."""

    oldest_due_age: timedelta = timedelta(minutes=5)
    dead: int = 0
    """Of today and yesterday together, as are the lease losses."""
    lease_losses: int = 0
    write_share: float = 0.7
    """Of the writes a partition takes."""


class Concern(StrEnum):
    """What a warning is about."""

    OLDEST_DUE_AGE = "oldest_due_age"
    DEAD = "dead"
    LEASE_LOSSES = "lease_losses"
    WRITE_LIMIT = "write_limit"


@dataclass(frozen=True, slots=True)
class HealthWarning:
    """Something somebody should look at."""

    concern: Concern
    message: str


@dataclass(frozen=True)
class QueueHealth:
    """How a queue is at an instant."""

    queue: Queue
    at: datetime
    partitions: tuple[PartitionMeasure, ...]
    running: tuple[Job, ...] = field(repr=False)
    """The running jobs, of the first `LOOKED_AT` tickets of each partition that are due later."""
    dead_today: int
    dead_yesterday: int
    lease_losses_today: int
    lease_losses_yesterday: int
    limits: HealthLimits = HealthLimits()

    def depth(self, priority: Priority | None = None) -> int:
        """How many jobs are due, of one priority or of all; of more than 1000 in a partition, 1000."""
        return sum(partition.depth for partition in self._of(priority))

    def oldest_due_age(self, priority: Priority | None = None) -> timedelta | None:
        """For how long the first of them has been due; None where none is."""
        return max((p.oldest_due_age for p in self._of(priority) if p.oldest_due_age is not None), default=None)

    def bounded(self, priority: Priority | None = None) -> bool:
        """Whether there may be more due jobs than were counted."""
        return any(partition.depth == DEPTH_BOUND for partition in self._of(priority))

    @property
    def later(self) -> int:
        """Jobs to be looked at later: running ones, and those that wait for their time or their parents."""
        return sum(partition.later for partition in self.partitions)

    @property
    def warnings(self) -> list[HealthWarning]:
        """What is beyond the limits."""
        return [*self._waiting(), *self._lost(), *self._crowded()]

    def _of(self, priority: Priority | None) -> list[PartitionMeasure]:
        return [partition for partition in self.partitions if priority in (None, partition.priority)]

    def _waiting(self) -> Iterator[HealthWarning]:
        for priority in Priority:
            age = self.oldest_due_age(priority)
            if age is not None and age > self.limits.oldest_due_age:
                paused = " (the queue is paused)" if self.queue.paused_at is not None else ""
                text = f"a {priority} job has been due for {age.total_seconds():.0f} s{paused}"
                yield HealthWarning(Concern.OLDEST_DUE_AGE, text)

    def _lost(self) -> Iterator[HealthWarning]:
        dead, losses = self.dead_today + self.dead_yesterday, self.lease_losses_today + self.lease_losses_yesterday
        if dead > self.limits.dead:
            yield HealthWarning(Concern.DEAD, f"jobs that died since yesterday: {dead}")
        if losses > self.limits.lease_losses:
            yield HealthWarning(
                Concern.LEASE_LOSSES, f"leases lost since yesterday, by workers that died or hung: {losses}"
            )

    def _crowded(self) -> Iterator[HealthWarning]:
        for partition in self.partitions:
            if partition.write_share > self.limits.write_share:
                where = f"shard {partition.shard} of {partition.priority}"
                text = (
                    f"{where} takes about {partition.write_share:.0%} of the writes a partition can; reshard the queue"
                )
                yield HealthWarning(Concern.WRITE_LIMIT, text)


def health(queue: Queue, context: Context, limits: HealthLimits) -> Plan[QueueHealth]:
    """How a queue is. What `measure` takes, 1 read unit for each job looked at, about 2 for the dead and the losses."""
    now = context.clock.now()
    today, yesterday = now.date(), (now - timedelta(days=1)).date()
    found = yield from _partitions(queue, context)
    running: list[Job] = []
    for _, later in found:
        looked_at = yield from jobs_of([ticket.job_id for ticket in later[:LOOKED_AT]], context)
        running += [job for job in looked_at if job is not None and job.state is JobState.RUNNING]
    return QueueHealth(
        queue=queue,
        at=now,
        partitions=tuple(measured for measured, _ in found),
        running=tuple(running),
        dead_today=(yield from _dead(queue, today, context)),
        dead_yesterday=(yield from _dead(queue, yesterday, context)),
        lease_losses_today=(yield from _losses(queue, today, context)),
        lease_losses_yesterday=(yield from _losses(queue, yesterday, context)),
        limits=limits,
    )


def _dead(queue: Queue, day: date, context: Context) -> Plan[int]:
    return count(query_reading(DeadJob.primary(queue=queue.name, day=day)), context)


def _losses(queue: Queue, day: date, context: Context) -> Plan[int]:
    identity = {"queue": queue.name, "day": day}
    found = yield from finding(QueueDay, identity, context, consistent=False, expired=True)
    return 0 if found is None else found.lease_losses
