"""Finding a job to run: one query for the tickets that are due, a look at the job, one transaction to claim it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import cast

from aircraftops_data.clock import Retry
from aircraftops_data.core.asking import finding, query_reading
from aircraftops_data.core.commit import write
from aircraftops_data.core.context import Context
from aircraftops_data.core.reading import chunk
from aircraftops_data.core.targets import deleting
from aircraftops_data.errors import (
    AlreadyExistsError,
    ContentionError,
    CorruptItemError,
    JobStateError,
    NotFoundError,
    StoreError,
)
from aircraftops_data.jobs.edges import revisit, settle
from aircraftops_data.jobs.model import Job, Priority, Queue, Slot, Ticket
from aircraftops_data.jobs.options import JobOptions
from aircraftops_data.jobs.states import ENDED, JobState
from aircraftops_data.jobs.steps import looked_at
from aircraftops_data.jobs.transition import Transition
from aircraftops_data.request import Plan

# Who loses a race for a job goes on to the next one rather than wait for this.
_NO_RETRY = Retry(attempts=1)
_CANDIDATES = 10
_WIDEST = 64
_PAGES = 10
_STILL_EMPTY = timedelta(seconds=1)


@dataclass
class Spread:
    """How many due tickets a claimer chooses among: more while others are faster, so that claimers keep apart."""

    width: int = 1

    def lost(self) -> None:
        """Another was faster."""
        self.width = min(2 * self.width, _WIDEST)

    def won(self) -> None:
        """Nobody was."""
        self.width = max(1, self.width - 1)


Partition = tuple[str, Priority, int]
"""A queue, a priority and a shard: where tickets stand together."""


@dataclass
class Empties:
    """The partitions that had nothing due a moment ago; they are looked into last, where no other has."""

    _seen_at: dict[Partition, datetime] = field(default_factory=dict[Partition, datetime])

    def saw(self, partition: Partition, tickets: Sequence[Ticket], now: datetime) -> None:
        """Remember what a look has found."""
        self._seen_at.pop(partition, None)
        if not tickets:
            self._seen_at[partition] = now

    def last(self, partitions: Iterable[Partition], now: datetime) -> list[Partition]:
        """The partitions as they are to be looked into."""
        return sorted(partitions, key=lambda each: each in self._seen_at and now - self._seen_at[each] < _STILL_EMPTY)


@dataclass(frozen=True)
class Claimer:
    """Who looks for jobs, and how."""

    worker: str
    lease: timedelta
    options: JobOptions
    spread: Spread = field(default_factory=Spread)
    empties: Empties = field(default_factory=Empties)
    corrupt: dict[str, CorruptItemError] = field(default_factory=dict[str, CorruptItemError])
    """The due jobs met so far that do not fit, or something they depend on, by id; nobody can claim them."""

    def claim(self, queue: Queue, context: Context, count: int = 1) -> Plan[list[Job]]:
        """The first `count` jobs that can be had, in the order of priorities; fewer where there are no more.

        A partition that was empty up to a second ago is looked into only where the others leave something to be
        wished: so a busy queue of many shards costs few reads, and a job of a higher priority waits a second at most.
        1 read unit for each of the queue's shards and priorities that is looked into; then for each job 1 read unit
        and 6 write units. Where the engine fails once some are claimed, those are what there is.
        """
        found: list[Job] = []
        try:
            for partition in self.empties.last(_partitions(queue, context), context.clock.now()):
                yield from self._from_partition(partition, context, found, count)
                if len(found) == count:
                    break
        except StoreError:
            if not found:
                raise
        return found

    def _from_partition(self, partition: Partition, context: Context, found: list[Job], count: int) -> Plan[None]:
        for _ in range(_PAGES):
            # What nobody can claim stays where it is; the others are behind it.
            width = max(self.spread.width, count, _CANDIDATES) + len(self.corrupt)
            tickets = yield from due_tickets(*partition, context, width)
            self.empties.saw(partition, tickets, context.clock.now())
            for ticket in self._order(tickets, context):
                job = yield from self._look_at(ticket, context)
                if job is not None:
                    found.append(job)
                if len(found) == count:
                    return
            if len(tickets) < width:
                return

    def _order(self, tickets: Sequence[Ticket], context: Context) -> Iterator[Ticket]:
        """The oldest first; while others are about, from anywhere in the first few on."""
        start = context.chance.random.randrange(min(self.spread.width, len(tickets))) if tickets else 0
        yield from (*tickets[start:], *tickets[:start])

    def _look_at(self, ticket: Ticket, context: Context) -> Plan[Job | None]:
        """The job of a ticket, claimed; None where it was not to be had, and then the ticket is moved or gone."""
        self.corrupt.pop(ticket.job_id, None)
        try:
            return (yield from self._met(ticket, context))
        except CorruptItemError as error:
            # Its ticket stays where it is, so that the job can be mended; the others behind it are not kept waiting.
            self.corrupt[ticket.job_id] = error
            return None

    def _met(self, ticket: Ticket, context: Context) -> Plan[Job | None]:
        job = yield from finding(Job, {"id": ticket.job_id}, context, consistent=True, expired=True)
        if job is None:
            # Somebody deleted the job by hand; a transition would have taken the ticket along.
            yield from write(deleting(Ticket, **ticket.identity()), context)
            return None
        if job.state is JobState.BLOCKED and job.due_at == ticket.due_at:
            yield from revisit(job, context, self.options)
            return None
        return (yield from self.take(job, context))

    def take(self, job: Job, context: Context) -> Plan[Job | None]:
        """Claim this job; None where it is not to be had. What else is to be done with a job that is due is done."""
        after = yield from self._changed(job, context)
        if after is None:
            self.spread.lost()
            return None
        if after.state in ENDED:
            yield from settle(after, context, self.options)
        if after.state is not JobState.RUNNING or after.fence == job.fence:
            return None
        self.spread.won()
        return after

    def _changed(self, job: Job, context: Context) -> Plan[Job | None]:
        """What became of the job; None where another was faster."""
        slot = yield from self._slot_for(job, context)
        step = partial(looked_at, worker=self.worker, lease=self.lease, slot=slot, options=self.options)
        transition = Transition(job, step, parts=self.options.tally_parts)
        try:
            return (yield from write(transition, replace(context, retry=_NO_RETRY)))
        except (JobStateError, ContentionError, AlreadyExistsError, NotFoundError):
            return None

    def _slot_for(self, job: Job, context: Context) -> Plan[int | None]:
        """A place of the job's limit: its own, or the first that is free."""
        if job.limit is None or job.slot is not None:
            return job.slot
        reading = query_reading(Slot.primary(key=job.limit.key), consistent=True)
        taken = yield from chunk(reading, context, None, None)
        numbers = {cast("Slot", slot).number for slot in taken.found.whole()}
        if len(numbers) >= job.limit.most:
            return None
        return next(number for number in range(job.limit.most) if number not in numbers)


def _partitions(queue: Queue, context: Context) -> Iterator[Partition]:
    """All partitions of a queue by priority; within each, every claimer's round begins at another shard."""
    start = context.chance.random.randrange(queue.shards) if queue.shards > 1 else 0
    for priority in Priority:
        for step in range(queue.shards):
            yield queue.name, priority, (start + step) % queue.shards


def due_tickets(queue: str, priority: Priority, shard: int, context: Context, limit: int) -> Plan[list[Ticket]]:
    """The tickets of a partition that are due, the oldest first. 1 read unit per 4 KB."""
    pattern = Ticket.primary(queue=queue, priority=priority, shard=shard).at_most(due_at=context.clock.now())
    found = yield from chunk(query_reading(pattern, consistent=True), context, None, limit)
    return [ticket for ticket in found.found.values if isinstance(ticket, Ticket)]
