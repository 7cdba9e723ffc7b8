"""Looking at what there is: queues as they are set, and the live jobs of one, by its tickets."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from aircraftops_data.core.asking import finding, query_reading
from aircraftops_data.core.batch import GET_LIMIT
from aircraftops_data.core.context import Context
from aircraftops_data.core.reading import chunk
from aircraftops_data.errors import AircraftOpsDataError, CorruptItemError, InvalidInputError
from aircraftops_data.jobs.edges import jobs_of
from aircraftops_data.jobs.model import DeadJob, Job, Priority, Queue, Ticket
from aircraftops_data.jobs.states import JobState
from aircraftops_data.model.declarations import KeyQuery
from aircraftops_data.model.definition import Item
from aircraftops_data.request import Plan


@dataclass(frozen=True, slots=True)
class Redriven:
    """What became of a dead job that was to run again."""

    dead: DeadJob
    refused: AircraftOpsDataError | None
    """Why it does not; None where it does."""


def states_named(names: Iterable[JobState | str]) -> frozenset[JobState]:
    """States by their names. Raises InvalidInputError."""
    try:
        return frozenset(map(JobState, names))
    except ValueError as error:
        raise InvalidInputError(f"{error}; the states are {', '.join(JobState)}") from None


Corrupt = dict[str, CorruptItemError]
"""Jobs whose items do not fit, by id, and why."""


def live_jobs(
    queue: Queue, states: Collection[JobState], context: Context, limit: int, corrupt: Corrupt
) -> Plan[list[Job]]:
    """The first live jobs of a queue in these states (none named: in any): by priority, then by when they are due.

    Those whose items do not fit are told in `corrupt`. 1 read unit for each job looked at, and 1 for 16 tickets; each
    shard is looked into for up to `limit` jobs.
    """
    found: list[Job] = []
    for priority in Priority:
        together: list[Job] = []
        for shard in range(queue.shards):
            tickets = Ticket.primary(queue=queue.name, priority=priority, shard=shard)
            together += yield from _of_partition(tickets, states, context, limit - len(found), corrupt)
        found += sorted(together, key=_due)[: limit - len(found)]
        if len(found) == limit:
            break
    return found


def _due(job: Job) -> tuple[datetime, str]:
    assert job.due_at is not None
    return job.due_at, job.id


def _of_partition(
    pattern: KeyQuery[Ticket], states: Collection[JobState], context: Context, limit: int, corrupt: Corrupt
) -> Plan[list[Job]]:
    found: list[Job] = []
    start: Item | None = None
    reading = query_reading(pattern, consistent=True)
    while True:
        part = yield from chunk(reading, context, start, GET_LIMIT if states else min(limit, GET_LIMIT))
        tickets = cast("list[Ticket]", part.found.values)
        jobs = yield from fitting([ticket.job_id for ticket in tickets], context, corrupt)
        found += [job for job in jobs if job.state.live and (not states or job.state in states)]
        start = part.next
        if start is None or len(found) >= limit:
            return found[:limit]


def fitting(ids: Sequence[str], context: Context, corrupt: Corrupt) -> Plan[list[Job]]:
    """The jobs there are of up to 100 ids; those whose items do not fit are told in `corrupt`."""
    try:
        found = yield from jobs_of(ids, context)
    except CorruptItemError:
        return (yield from _one_by_one(ids, context, corrupt))
    return [job for job in found if job is not None]


def _one_by_one(ids: Sequence[str], context: Context, corrupt: Corrupt) -> Plan[list[Job]]:
    found: list[Job] = []
    for job_id in ids:
        try:
            job = yield from finding(Job, {"id": job_id}, context, consistent=True, expired=True)
        except CorruptItemError as error:
            corrupt[job_id] = error
            continue
        if job is not None:
            found.append(job)
    return found
