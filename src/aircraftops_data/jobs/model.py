"""What JobsTable holds of a job: the job itself, its ticket, and the items beside it.

A job's ticket stands in a partition of its queue, priority and shard, sorted by the next moment anyone must look at
the job: when it may run, or when its lease runs out. One query of the tickets that are due finds ready jobs and dead
workers alike. All items beside a job are a function of the job (`companions`), so that they can never disagree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from aircraftops_data.jobs.states import JobState
from aircraftops_data.model.declarations import Index, PrimaryKey
from aircraftops_data.model.entity import Entity, UtcDatetime
from aircraftops_data.model.quantities import Count, Shard
from aircraftops_data.model.schema import GSI1, JOBS

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
DEFAULT_QUEUE = "default"


class Priority(StrEnum):
    """The band a job waits in; a higher one is always looked at first."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class LeaseLoss(StrEnum):
    """What becomes of a job whose worker let the lease run out."""

    RETRY = "retry"
    """Another worker runs it at once; the attempt counts."""
    FAIL = "fail"
    """It is dead: running it twice would do harm."""
    HOLD = "hold"
    """It waits until somebody has looked at it and releases it."""


class OnFailure(StrEnum):
    """What becomes of a job when a parent of it fails."""

    CANCEL = "cancel"
    RUN = "run"
    HOLD = "hold"


class UniqueUntil(StrEnum):
    """How long a job keeps others of its unique key away."""

    START = "start"
    FINISH = "finish"
    PERIOD = "period"


class Place(StrEnum):
    """Where a payload or result lies that does not fit into the job's item."""

    ITEM = "item"
    OBJECT = "object"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Progress(_Value):
    """How far a running job has come."""

    done: Count = 0
    total: Count | None = None
    message: Annotated[str, StringConstraints(max_length=200)] | None = None


class Failure(_Value):
    """How an attempt ended that did not succeed."""

    attempt: Count
    at: UtcDatetime
    worker: str | None = None
    error: str
    """The error's class, or "lease lost"."""
    message: str = ""


class Limit(_Value):
    """At most `most` jobs of this key run at a time."""

    key: Name
    most: Annotated[int, Field(ge=1, le=1000)]


class Job(Entity, table=JOBS, entity_type="job"):
    """A piece of work, from the moment it is asked for until some time after it has ended."""

    id: Name
    kind: Name
    queue: Name = DEFAULT_QUEUE
    priority: Priority = Priority.NORMAL
    shard: Shard = 0
    state: JobState
    fence: Count = 0
    """Rises by one with each claim; what a holder writes is refused unless it knows the latest."""
    attempt: Count = 0
    """The attempts used; a snooze gives its own back."""
    max_attempts: Annotated[int, Field(ge=1)] = 20
    run_at: UtcDatetime | None = None
    """When it was asked to run; None: at once."""
    due_at: UtcDatetime | None = None
    """Where its ticket stands; None exactly when the job has ended."""
    lease_until: UtcDatetime | None = None
    worker: str | None = None
    on_lease_lost: LeaseLoss = LeaseLoss.RETRY
    lease_losses: Count = 0
    deadline_at: UtcDatetime | None = None
    cancel_requested_at: UtcDatetime | None = None
    finished_at: UtcDatetime | None = None
    held: Annotated[str, StringConstraints(max_length=200)] | None = None
    """Why it is held; only `release` lets it go on."""
    workflow: Name | None = None
    tags: frozenset[Name] = frozenset()
    trace_id: Name | None = None
    unique_key: Name | None = None
    unique_until: UniqueUntil | None = None
    unique_expires_at: UtcDatetime | None = None
    limit: Limit | None = None
    slot: Count | None = None
    """Which of its limit's places it has; only while it runs."""
    payload: str | None = None
    payload_place: Place | None = None
    result: str | None = None
    result_place: Place | None = None
    progress: Progress | None = None
    failures: list[Failure] = []
    """The latest ten."""

    primary = PrimaryKey("JOB#{id}", "JOB")
    in_workflow = Index(GSI1, "WORKFLOW#{workflow}", "JOB#{id}")

    @property
    def status(self) -> str:
        """The coarse name others know: PENDING, PROCESSING, COMPLETED or FAILED."""
        return self.state.status


class Ticket(Entity, table=JOBS, entity_type="ticket"):
    """Says when anyone must look at a live job next. Every live job has exactly one, an ended job none."""

    queue: Name
    priority: Priority
    shard: Shard
    due_at: UtcDatetime
    job_id: Name

    primary = PrimaryKey("TICKETS#{queue}#{priority}#{shard:2}", "{due_at}#{job_id}")


class Reservation(Entity, table=JOBS, entity_type="reservation"):
    """Keeps other jobs with the same unique key away."""

    kind: Name
    key: Name
    job_id: Name

    primary = PrimaryKey("JOB_KEY#{kind}#{key}", "JOB_KEY")


class Slot(Entity, table=JOBS, entity_type="slot"):
    """One of the places of a concurrency limit, taken by a running job."""

    key: Name
    number: Count
    job_id: Name

    primary = PrimaryKey("LIMIT#{key}", "SLOT#{number:4}")


class DeadJob(Entity, table=JOBS, entity_type="dead_job"):
    """The entry of a dead job in the list of its queue and day."""

    queue: Name
    day: date
    finished_at: UtcDatetime
    job_id: Name
    kind: Name
    error: str = ""

    primary = PrimaryKey("DEAD#{queue}#{day}", "{finished_at}#{job_id}")


class Body(Entity, table=JOBS, entity_type="job_body"):
    """A payload or result too large for the job's own item, which every heartbeat writes."""

    job_id: Name
    name: Name
    text: str

    primary = PrimaryKey("JOB#{job_id}", "BODY#{name}")


class Child(Entity, table=JOBS, entity_type="job_child"):
    """An edge of a workflow, found from the parent: this job waits for it."""

    parent_id: Name
    job_id: Name
    on_failure: OnFailure

    primary = PrimaryKey("JOB#{parent_id}", "CHILD#{job_id}")


class Parent(Entity, table=JOBS, entity_type="job_parent"):
    """The same edge, found from the child; it is there until the parent has ended as the child needs it to."""

    job_id: Name
    parent_id: Name
    on_failure: OnFailure

    primary = PrimaryKey("JOB#{job_id}", "PARENT#{parent_id}")


class Tally(Entity, table=JOBS, entity_type="workflow_tally"):
    """A part of a workflow's counts; parts are several so that many jobs can end at the same time."""

    workflow: Name
    part: Shard
    jobs: int = 0
    succeeded: int = 0
    cancelled: int = 0
    dead: int = 0
    expired: int = 0

    primary = PrimaryKey("WORKFLOW#{workflow}", "TALLY#{part:2}")


@dataclass(frozen=True, slots=True)
class WorkflowStatus:
    """How many jobs a workflow has, and how they ended."""

    jobs: int
    succeeded: int
    cancelled: int
    dead: int
    expired: int

    @classmethod
    def of(cls, parts: Iterable[Tally]) -> WorkflowStatus:
        """The sum of the parts it is kept in."""
        known = list(parts)
        return cls(*(sum(getattr(part, name) for part in known) for name in cls.__slots__))

    @property
    def ended(self) -> int:
        """How many have ended."""
        return self.succeeded + self.cancelled + self.dead + self.expired

    @property
    def live(self) -> int:
        """How many have not."""
        return self.jobs - self.ended


class Queue(Entity, table=JOBS, entity_type="queue"):
    """What is set for a queue as a whole. Shards can only become more: tickets may stand in every one there was."""

    name: Name
    shards: Annotated[int, Field(ge=1, le=100)] = 1
    paused_at: UtcDatetime | None = None

    primary = PrimaryKey("QUEUES", "QUEUE#{name}")


class QueueDay(Entity, table=JOBS, entity_type="queue_day"):
    """What went wrong in a queue on a day."""

    queue: Name
    day: date
    lease_losses: int = 0

    primary = PrimaryKey("QUEUE#{queue}", "DAY#{day}")


def companions(job: Job) -> Iterator[Entity]:
    """The items beside a job, as its state wants them."""
    if job.due_at is not None:
        yield Ticket(queue=job.queue, priority=job.priority, shard=job.shard, due_at=job.due_at, job_id=job.id)
    if job.unique_key is not None and _keeps_away(job):
        yield Reservation(kind=job.kind, key=job.unique_key, job_id=job.id, expires_at=job.unique_expires_at)
    if job.limit is not None and job.slot is not None:
        yield Slot(key=job.limit.key, number=job.slot, job_id=job.id)
    if job.state is JobState.DEAD and job.finished_at is not None:
        error = job.failures[-1].error if job.failures else ""
        yield DeadJob(**_listed(job, job.finished_at), kind=job.kind, error=error, expires_at=job.expires_at)


def _listed(job: Job, at: datetime) -> dict[str, Any]:
    return {"queue": job.queue, "day": at.date(), "finished_at": at, "job_id": job.id}


def _keeps_away(job: Job) -> bool:
    if job.unique_until is UniqueUntil.PERIOD:
        return True
    return job.state.live and not (job.unique_until is UniqueUntil.START and job.fence > 0)
