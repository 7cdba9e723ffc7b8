"""What is asked for with a job, checked and turned into the job that will be stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, TypedDict

from pydantic import ValidationError

from aircraftops_data.core.context import Context
from aircraftops_data.core.intents import valid
from aircraftops_data.errors import InvalidInputError, InvalidValueError
from aircraftops_data.jobs.content import Content
from aircraftops_data.jobs.enqueueing import After
from aircraftops_data.jobs.model import Job, LeaseLoss, Limit, OnFailure, Priority, Progress, Queue, UniqueUntil
from aircraftops_data.jobs.options import JobOptions, Kind
from aircraftops_data.jobs.states import JobState
from aircraftops_data.jobs.steps import later_check
from aircraftops_data.jobs.transition import part_of
from aircraftops_data.model.fields import problems

Moment = datetime | timedelta
"""An instant, or how long from now."""


class How(TypedDict, total=False):
    """What may be said of a job besides its kind and payload."""

    queue: str
    priority: Priority | Literal["high", "normal", "low"]
    run_at: Moment
    deadline: Moment
    """A job that has not begun an attempt by then expires instead."""
    max_attempts: int
    unique: str
    """No second job of this kind and key while there is one; the first is given back instead."""
    unique_until: UniqueUntil | Literal["start", "finish"] | timedelta
    """How long the key keeps others away: until the job starts, until it has ended (default), or a period from now."""
    workflow: str
    parents: Sequence[Job | str | After]
    """Jobs of the same workflow this one waits for."""
    limit: Limit | tuple[str, int]
    """At most so many jobs of this key run at a time."""
    tags: Iterable[str]
    trace_id: str
    on_lease_lost: LeaseLoss | Literal["retry", "fail", "hold"]
    id: str
    """Ids are made, in the order of time; one that is given must be new."""


def edges_of(how: How) -> list[After]:
    """The parents asked for, each once. Raises InvalidInputError, also for a wish that nobody knows."""
    unknown = sorted(set(how) - How.__annotations__.keys())
    if unknown:
        raise InvalidInputError(f"A job has no {unknown[0]!r}; it has {', '.join(How.__annotations__)}")
    parents = how.get("parents", ())
    edges = [parent if isinstance(parent, After) else After(parent) for parent in parents]
    for edge in edges:
        if edge.on_failure not in list(OnFailure):
            known = ", ".join(OnFailure)
            raise InvalidInputError(f"What the failure of a parent means is one of {known}, not {edge.on_failure!r}")
    ids = [edge.parent_id for edge in edges]
    if len(set(ids)) != len(ids):
        raise InvalidInputError("A parent is given twice")
    if ids and "workflow" not in how:
        raise InvalidInputError("A job that waits for parents belongs to their workflow; name it")
    return edges


def instant(moment: Moment | None, now: datetime) -> datetime | None:
    """The instant meant. Raises InvalidInputError for a naive datetime."""
    if isinstance(moment, timedelta):
        return now + moment
    if moment is not None and moment.utcoffset() is None:
        raise InvalidInputError("A datetime without a time zone names no instant; give it one (for example UTC)")
    return moment


def job_of(
    kind: Kind, payload: Content, how: How, queue: Queue, job_id: str, context: Context, options: JobOptions
) -> Job:
    """The job asked for, as it will be stored. Raises InvalidInputError, InvalidValueError."""
    now = context.clock.now()
    run_at, deadline = instant(how.get("run_at"), now), instant(how.get("deadline"), now)
    if deadline is not None and deadline <= max(now, run_at or now):
        raise InvalidInputError("The deadline is before the job could run")
    fields: dict[str, Any] = {
        "id": job_id,
        "kind": kind.name,
        "queue": queue.name,
        "priority": how.get("priority", Priority.NORMAL),
        "shard": part_of(job_id, queue.shards),
        "max_attempts": how.get("max_attempts", kind.retry.attempts),
        "run_at": run_at,
        "deadline_at": deadline,
        "on_lease_lost": how.get("on_lease_lost", kind.on_lease_lost),
        "workflow": how.get("workflow"),
        "tags": frozenset(how.get("tags", ())),
        "trace_id": how.get("trace_id"),
        "limit": limit_fields(how.get("limit")),
        "payload": payload.inline,
        "payload_place": payload.place,
        **_unique(how, now),
        **_beginning(how, run_at, now),
    }
    job: Job = valid(Job.definition(), fields)
    blocked = job.state is JobState.BLOCKED
    return job.model_copy(update={"due_at": later_check(job, now, options)}) if blocked else job


def _beginning(how: How, run_at: datetime | None, now: datetime) -> dict[str, Any]:
    """The first state, and when to look at the job."""
    if how.get("parents"):
        return {"state": JobState.BLOCKED}
    if run_at is not None and run_at > now:
        return {"state": JobState.SCHEDULED, "due_at": run_at}
    return {"state": JobState.AVAILABLE, "due_at": now}


def _unique(how: How, now: datetime) -> dict[str, Any]:
    if "unique" not in how:
        if "unique_until" in how:
            raise InvalidInputError("unique_until says nothing without a unique key")
        return {}
    until = how.get("unique_until", UniqueUntil.FINISH)
    if isinstance(until, timedelta):
        period = {"unique_until": UniqueUntil.PERIOD, "unique_expires_at": now + until}
        return {"unique_key": how["unique"], **period}
    if until == UniqueUntil.PERIOD:
        raise InvalidInputError("A period is given as a timedelta")
    return {"unique_key": how["unique"], "unique_until": until}


def limit_fields(given: Limit | tuple[str, int] | None) -> Any:
    """A limit that is given as a pair, as its fields."""
    return {"key": given[0], "most": given[1]} if isinstance(given, tuple) else given


def progress_of(done: int, total: int | None, message: str | None) -> Progress:
    """How far a job has come, checked. Raises InvalidValueError."""
    try:
        return Progress(done=done, total=total, message=message)
    except ValidationError as error:
        found = problems(error)
        raise InvalidValueError(f"Progress: {'; '.join(found)}", problems=found) from None
