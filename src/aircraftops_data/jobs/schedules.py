"""Schedules: jobs that are asked for again and again, by whichever process looks at the clock first.

Nobody leads. Every process may tick; a slot is one transaction that moves the schedule on from the state that was seen
and enqueues the job under an id made of the schedule's name and the slot, so that each slot has one job.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Annotated, Any, Literal, TypedDict, cast

from pydantic import Field, StringConstraints

from aircraftops_data.core.asking import finding, query_reading
from aircraftops_data.core.commit import commit, write
from aircraftops_data.core.context import Context
from aircraftops_data.core.intents import Create, Replace, valid
from aircraftops_data.core.reading import chunk
from aircraftops_data.core.targets import updating
from aircraftops_data.errors import (
    AircraftOpsDataError,
    AlreadyExistsError,
    ContentionError,
    CorruptItemError,
    NotFoundError,
    TransactionConflictError,
    VersionConflictError,
)
from aircraftops_data.jobs.asking import How, limit_fields
from aircraftops_data.jobs.cron import slot_after
from aircraftops_data.jobs.enqueueing import Enqueue, Enqueued
from aircraftops_data.jobs.model import Job, LeaseLoss, Limit, Name, Priority, UniqueUntil
from aircraftops_data.model.declarations import PrimaryKey
from aircraftops_data.model.definition import Item
from aircraftops_data.model.entity import Entity, UtcDatetime
from aircraftops_data.model.schema import JOBS
from aircraftops_data.request import Plan

GRACE = timedelta(minutes=1)
"""A slot no older than this was not missed."""
MOST_AT_ONCE = 100
"""How many slots of a schedule one tick enqueues; the rest are for the next."""


class Misfire(StrEnum):
    """What becomes of the slots that passed while nobody ticked."""

    SKIP = "skip"
    """They are passed over; only slots of the last minute run."""
    ONCE = "once"
    """One job for all of them; it bears the time of the first."""
    ALL = "all"
    """One job for each, oldest first, at most 100 a tick; none is lost."""


class Repeating(TypedDict, total=False):
    """What may be said of the jobs of a schedule besides their kind and payload; the words are those of `enqueue`."""

    queue: str
    priority: Priority | Literal["high", "normal", "low"]
    deadline: timedelta
    """How long after it was enqueued a job may still begin."""
    max_attempts: int
    unique: str
    """No second job of this kind and key while there is one; the slot then passes without a job."""
    unique_until: UniqueUntil | Literal["start", "finish"]
    limit: Limit | tuple[str, int]
    tags: Iterable[str]
    on_lease_lost: LeaseLoss | Literal["retry", "fail", "hold"]


class Schedule(Entity, table=JOBS, entity_type="schedule"):
    """A job to be asked for at every instant a cron expression names."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=150)]
    cron: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    timezone: Name = "UTC"
    misfire: Misfire = Misfire.ONCE
    next_at: UtcDatetime
    """The next slot; it is due once this has passed."""
    last_at: UtcDatetime | None = None
    """The latest slot that ran."""
    last_job_id: Name | None = None
    """The id of its job, unless one of the same unique key was there: then there is no job of this id."""
    paused_at: UtcDatetime | None = None
    kind: Name
    payload: str | None = None
    """As JSON text."""
    queue: Name | None = None
    priority: Priority = Priority.NORMAL
    deadline: timedelta | None = None
    max_attempts: Annotated[int, Field(ge=1)] | None = None
    unique: Name | None = None
    unique_until: UniqueUntil | None = None
    limit: Limit | None = None
    tags: frozenset[Name] = frozenset()
    on_lease_lost: LeaseLoss | None = None

    primary = PrimaryKey("SCHEDULES", "SCHEDULE#{name}")

    def how(self, slot: datetime) -> How:
        """What is asked for with the job of a slot; its id is the same whoever asks."""
        wishes = {name: getattr(self, name) for name in Repeating.__annotations__}
        given = {name: value for name, value in wishes.items() if value is not None}
        return cast("How", {**given, "id": f"{self.name}@{slot.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"})

    def after(self, moment: datetime) -> datetime:
        """The first slot after a moment. Raises InvalidInputError, MissingExtraError."""
        return slot_after(self.cron, self.timezone, moment)


def schedule_of(fields: dict[str, Any], how: Repeating, now: datetime) -> Schedule:
    """The schedule asked for, its first slot the next one from now. Raises InvalidInputError, InvalidValueError."""
    given = {**fields, **how, "limit": limit_fields(how.get("limit")), "next_at": now}
    asked: Schedule = valid(Schedule.definition(), given)
    return asked.model_copy(update={"next_at": asked.after(now)})


# What becomes of a schedule, as pure functions


@dataclass(frozen=True, slots=True)
class Due:
    """The slot to enqueue a job for (None: none), and the one the schedule goes on to."""

    slot: datetime | None
    next_at: datetime


def due(schedule: Schedule, now: datetime) -> Iterator[Due]:
    """What is to be done about a schedule at an instant, step after step: slots strictly rise, none comes twice."""
    slot = schedule.next_at
    if slot > now or schedule.paused_at is not None:
        return
    if schedule.misfire is Misfire.ONCE:
        yield Due(slot, schedule.after(now))
        return
    if schedule.misfire is Misfire.SKIP and slot < now - GRACE:
        slot = schedule.after(now - GRACE - timedelta.resolution)
        if slot > now:
            yield Due(None, slot)
    while slot <= now:
        following = schedule.after(slot)
        yield Due(slot, following)
        slot = following


Step = Callable[[Schedule, datetime], Schedule]
"""What is made of a schedule at an instant. The same one back means: nothing to do."""


def changed(before: Schedule, now: datetime, asked: Schedule) -> Schedule:
    """The schedule as it is asked for now; with the same times as before it goes on where that was."""
    same = (asked.cron, asked.timezone) == (before.cron, before.timezone)
    kept = ("last_at", "last_job_id", "paused_at", "version", "created_at", "updated_at")
    fields = {name: getattr(before, name) for name in kept}
    after = asked.model_copy(update={**fields, "next_at": before.next_at if same else asked.after(now)})
    return before if after == before else after


def paused(before: Schedule, now: datetime) -> Schedule:
    """The schedule, at rest."""
    return before if before.paused_at is not None else before.model_copy(update={"paused_at": now})


def resumed(before: Schedule, now: datetime) -> Schedule:
    """The schedule at work again, from its next slot on; those of the pause are no misfires."""
    if before.paused_at is None:
        return before
    return before.model_copy(update={"paused_at": None, "next_at": before.after(now)})


# Plans

Asking = Callable[[Schedule, datetime], Enqueue]
"""How the job of a slot is asked for."""


def evolve_schedule(name: str, step: Step, context: Context, first: Schedule | None = None) -> Plan[Schedule]:
    """Take a step, from wherever the schedule is by then; without one make the `first`, or raise NotFoundError."""
    for attempt in range(context.retry.attempts):
        before = yield from finding(Schedule, {"name": name}, context, consistent=True, expired=True)
        if before is None and first is None:
            raise NotFoundError("There is no such schedule", entity="Schedule", identity={"name": name})
        after = cast("Schedule", first) if before is None else step(before, context.clock.now())
        if after is before:
            return after
        try:
            return cast("Schedule", (yield from write(Create(after) if before is None else Replace(after), context)))
        except (AlreadyExistsError, VersionConflictError, NotFoundError):
            # Another ticked or changed it since it was read.
            yield from context.back_off(attempt, _contended)
    raise AssertionError("back_off raises on the last attempt")


def _contended(tries: int) -> ContentionError:
    return ContentionError(f"Gave up after {tries} tries: others kept changing the schedule", retryable=True)


def tick(asking: Asking, context: Context) -> Plan[list[Job]]:
    """Enqueue what is due of every schedule. Where one cannot be, the others still are; then its error is raised."""
    now, jobs, errors = context.clock.now(), list[Job](), list[AircraftOpsDataError]()
    for schedule in (yield from _schedules(context, errors)):
        try:
            yield from _run(schedule, now, asking, context, jobs)
        except AircraftOpsDataError as error:
            errors.append(error)
    if errors:
        raise errors[0]
    return jobs


def _schedules(context: Context, errors: list[AircraftOpsDataError]) -> Plan[list[Schedule]]:
    reading = query_reading(Schedule.primary(), consistent=True)
    found: list[Schedule | CorruptItemError] = []
    start: Item | None = None
    while True:
        page = yield from chunk(reading, context, start, None)
        found += page.found.values
        start = page.next
        if start is None:
            break
    errors += [one for one in found if isinstance(one, CorruptItemError)]
    return [one for one in found if not isinstance(one, CorruptItemError)]


def _run(schedule: Schedule, now: datetime, asking: Asking, context: Context, jobs: list[Job]) -> Plan[None]:
    """Enqueue what is due of a schedule, until another process turns out to be at it."""
    for step in islice(due(schedule, now), MOST_AT_ONCE):
        try:
            enqueued = yield from _move_on(schedule, step, asking, context)
        except (VersionConflictError, NotFoundError):
            # What is left is that one's, or if the schedule was changed, for the next tick.
            return
        if enqueued is not None and enqueued.job is not None:
            jobs.append(enqueued.job)
        schedule = schedule.model_copy(update={"version": schedule.version + 1})


def _move_on(schedule: Schedule, step: Due, asking: Asking, context: Context) -> Plan[Enqueued | None]:
    """Move a schedule on, and enqueue the job of the slot, as one. Raises VersionConflictError, NotFoundError.

    The version stands for the `next_at` that was seen, and for the times and the pause it was worked out from.
    """
    if step.slot is None:
        yield from write(updating(schedule, set={"next_at": step.next_at}), context)
        return None
    enqueue = asking(schedule, step.slot)
    move = updating(schedule, set={"next_at": step.next_at, "last_at": step.slot, "last_job_id": enqueue.job_id})
    try:
        _, enqueued = yield from commit([move, enqueue], context)
    except TransactionConflictError as cancelled:
        lost, refused = cancelled.reasons
        if lost is not None or not isinstance(refused, AlreadyExistsError):
            raise (lost or refused) from cancelled.__cause__
        # The slot has its job: a clock ahead of the others enqueued it before the schedule was set back.
        yield from write(move, context)
        return None
    return cast("Enqueued", enqueued)
