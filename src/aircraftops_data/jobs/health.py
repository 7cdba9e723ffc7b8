"""How queues are: what is due and for how long, what runs, what went wrong, and what of that needs somebody to look."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import product
from typing import cast

from aircraftops_data.core.asking import finding, query_reading
from aircraftops_data.core.context import Context
from aircraftops_data.core.reading import chunk, count
from aircraftops_data.jobs.looking import Corrupt, fitting
from aircraftops_data.jobs.measuring import Measure, measured
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
class PartitionHealth:
    """The tickets of a queue in one priority and shard."""

    due: Measure
    """What is due and nobody has claimed, up to `DEPTH_BOUND`."""
    later: int
    """Jobs to be looked at later, up to `DEPTH_BOUND`: running ones, and those that wait for their time or parents."""
    writes_per_second: float
    """Write units: a rough estimate, see `estimated_writes`."""

    @property
    def write_share(self) -> float:
        """The estimated writes as a share of what a partition takes."""
        return self.writes_per_second / PARTITION_WRITE_UNITS


def _partition(
    queue: str, priority: Priority, shard: int, context: Context
) -> Plan[tuple[PartitionHealth, list[Ticket]]]:
    """How a partition is, and its tickets that are due later."""
    now = context.clock.now()
    due = yield from measured(queue, priority, shard, context, DEPTH_BOUND)
    pattern = Ticket.primary(queue=queue, priority=priority, shard=shard).at_least(due_at=now - RECENT)
    found = yield from chunk(query_reading(pattern), context, None, DEPTH_BOUND)
    around = cast("list[Ticket]", found.found.values)
    later = [ticket for ticket in around if ticket.due_at > now]
    return PartitionHealth(due, len(later), estimated_writes(around, now)), later


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
    CORRUPT = "corrupt"


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
    partitions: tuple[PartitionHealth, ...]
    running: tuple[Job, ...] = field(repr=False)
    """The running jobs, of the first `LOOKED_AT` tickets of each partition that are due later."""
    dead_today: int
    dead_yesterday: int
    lease_losses_today: int
    lease_losses_yesterday: int
    corrupt: tuple[str, ...] = ()
    """The ids of the jobs looked at whose items do not fit."""
    limits: HealthLimits = HealthLimits()

    def depth(self, priority: Priority | None = None) -> int:
        """How many jobs are due, of one priority or of all; of more than 1000 in a partition, 1000."""
        return sum(due.depth for due in self._due(priority))

    def oldest_due_age(self, priority: Priority | None = None) -> timedelta:
        """For how long the first of them has been due; nothing where none is."""
        return max(due.oldest_due_age for due in self._due(priority))

    def complete(self, priority: Priority | None = None) -> bool:
        """Whether all due jobs were counted; otherwise there may be more."""
        return all(due.complete for due in self._due(priority))

    @property
    def later(self) -> int:
        """Jobs to be looked at later: running ones, and those that wait for their time or their parents."""
        return sum(partition.later for partition in self.partitions)

    @property
    def warnings(self) -> list[HealthWarning]:
        """What is beyond the limits."""
        return [*self._waiting(), *self._lost(), *self._crowded(), *self._corrupted()]

    def _due(self, priority: Priority | None) -> list[Measure]:
        return [partition.due for partition in self.partitions if priority in (None, partition.due.priority)]

    def _waiting(self) -> Iterator[HealthWarning]:
        for priority in Priority:
            oldest = max(self._due(priority), key=lambda due: due.oldest_due_age)
            seconds = oldest.oldest_due_age.total_seconds()
            if oldest.oldest_due_age > self.limits.oldest_due_age:
                paused = "" if self.queue.paused_at is None else " (the queue is paused)"
                text = f"{priority} job {oldest.oldest_id} has been due for {seconds:.0f} s{paused}"
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
                where = f"shard {partition.due.shard} of {partition.due.priority}"
                text = (
                    f"{where} takes about {partition.write_share:.0%} of the writes a partition can; reshard the queue"
                )
                yield HealthWarning(Concern.WRITE_LIMIT, text)

    def _corrupted(self) -> Iterator[HealthWarning]:
        for job_id in self.corrupt:
            yield HealthWarning(Concern.CORRUPT, f"the item of job {job_id} does not fit; nobody can run it")


def health(queue: Queue, context: Context, limits: HealthLimits) -> Plan[QueueHealth]:
    """How a queue is.

    For each partition 1 read unit, and 1 more for 32 tickets; 1 for each job looked at; about 2 for dead and losses.
    """
    now = context.clock.now()
    today, yesterday = now.date(), (now - timedelta(days=1)).date()
    partitions: list[PartitionHealth] = []
    running: list[Job] = []
    corrupt: Corrupt = {}
    for priority, shard in product(Priority, range(queue.shards)):
        partition, later = yield from _partition(queue.name, priority, shard, context)
        partitions.append(partition)
        looked_at = yield from fitting([ticket.job_id for ticket in later[:LOOKED_AT]], context, corrupt)
        running += [job for job in looked_at if job.state is JobState.RUNNING]
    return QueueHealth(
        queue=queue,
        at=now,
        partitions=tuple(partitions),
        running=tuple(running),
        dead_today=(yield from _dead(queue, today, context)),
        dead_yesterday=(yield from _dead(queue, yesterday, context)),
        lease_losses_today=(yield from _losses(queue, today, context)),
        lease_losses_yesterday=(yield from _losses(queue, yesterday, context)),
        corrupt=tuple(corrupt),
        limits=limits,
    )


def _dead(queue: Queue, day: date, context: Context) -> Plan[int]:
    return count(query_reading(DeadJob.primary(queue=queue.name, day=day)), context)


def _losses(queue: Queue, day: date, context: Context) -> Plan[int]:
    identity = {"queue": queue.name, "day": day}
    found = yield from finding(QueueDay, identity, context, consistent=False, expired=True)
    return 0 if found is None else found.lease_losses
