"""Jobs as they are: what their kinds say, what they carry, and all that only looks at them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, TypeVar

from aircraftops_data.core.aio.query import AsyncQuery
from aircraftops_data.core.aio.table import AsyncCoreTable
from aircraftops_data.core.context import Context
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.jobs.content import RESULT_INLINE_BYTES, Content, content, from_text, object_key, to_text
from aircraftops_data.jobs.health import HealthLimits, QueueHealth, health
from aircraftops_data.jobs.looking import Corrupt, live_jobs, states_named
from aircraftops_data.jobs.model import (
    Body,
    Child,
    DeadJob,
    Job,
    Parent,
    Place,
    Queue,
    Tally,
    Ticket,
    WorkflowStatus,
)
from aircraftops_data.jobs.options import JobOptions, Kind
from aircraftops_data.jobs.queues import KnownQueues, queue_named
from aircraftops_data.jobs.states import JobState
from aircraftops_data.jobs.transition import PAYLOAD, RESULT
from aircraftops_data.request import Plan
from aircraftops_data.transports.objects import AsyncObjects

T = TypeVar("T")


class AsyncJobViews:
    """Looks at jobs; `AsyncJobs` is this and all that changes them."""

    def __init__(
        self,
        core: AsyncCoreTable,
        *,
        kinds: Iterable[Kind] = (),
        options: JobOptions | None = None,
        objects: AsyncObjects | None = None,
    ) -> None:
        self.core = core
        self.options = options or JobOptions()
        self.objects = objects
        self._kinds = {kind.name: kind for kind in kinds}
        self._queues = KnownQueues()

    @property
    def context(self) -> Context:
        """Names, clock, chance and retry policy."""
        return self.core.context

    async def run(self, plan: Plan[T]) -> T:
        """Drive a plan to its end."""
        return await self.core.runner.run(plan)

    # Kinds

    def register(self, kind: Kind) -> Kind:
        """Say what holds for all jobs of a kind. Raises InvalidInputError for a kind that is registered already."""
        if self._kinds.get(kind.name, kind) != kind:
            raise InvalidInputError(f"Kind {kind.name!r} is registered already, as something else")
        self._kinds[kind.name] = kind
        return kind

    def kind(self, name: str) -> Kind:
        """What holds for jobs of a kind; the defaults for one nobody registered."""
        return self._kinds.get(name) or Kind(name)

    # Payloads and results

    def result_content(self, job: Job, result: Any, *, objects: bool) -> Content:
        """A result as it will be stored. Raises InvalidValueError, ItemTooLargeError."""
        text = to_text(self.kind(job.kind).result, result, "The result")
        return content(text, "The result", objects=objects, inline_bytes=RESULT_INLINE_BYTES)

    async def store_object(self, job_id: str, name: str, found: Content) -> None:
        """Put into the bucket what belongs there; the rest goes with the job."""
        if found.place is Place.OBJECT:
            await self.store_text(object_key(job_id, name), found.text)

    async def payload(self, job: Job) -> Any:
        """A job's payload, as its kind has it. Raises CorruptItemError, ObjectStoreError."""
        text = await self._text(job, PAYLOAD, job.payload, job.payload_place)
        return from_text(self.kind(job.kind).payload, text, "The payload")

    async def result(self, job: Job) -> Any:
        """A job's result, as its kind has it; None before it succeeded. Raises CorruptItemError, ObjectStoreError."""
        text = await self._text(job, RESULT, job.result, job.result_place)
        return None if text is None else from_text(self.kind(job.kind).result, text, "The result")

    async def _text(self, job: Job, name: str, inline: str | None, place: Place | None) -> str | None:
        if place is None:
            return inline
        if place is Place.ITEM:
            return (await self.core.get(Body, job_id=job.id, name=name, consistent=True)).text
        return await self.object_text(object_key(job.id, name), name)

    async def store_text(self, key: str, text: str | None) -> None:
        """Put a text into the bucket. Raises ObjectStoreError."""
        if self.objects is not None:
            await self.objects.put(key, (text or "").encode(), "application/json")

    async def object_text(self, key: str, name: str) -> str:
        """What lies in the bucket. Raises InvalidInputError without one, ObjectStoreError."""
        if self.objects is None:
            raise InvalidInputError(f"The {name} lies in a bucket; set AIRCRAFTOPS_JOBS_BUCKET or give `objects`")
        return (await self.objects.get(key)).decode()

    # Looking

    async def get(self, job_id: str) -> Job:
        """A job, as it is now. 1 read unit. Raises NotFoundError."""
        return await self.core.get(Job, id=job_id, consistent=True)

    async def find(self, job_id: str) -> Job | None:
        """A job, as it is now; None where there is none."""
        return await self.core.find(Job, id=job_id, consistent=True)

    def in_workflow(self, workflow: str) -> AsyncQuery[Job]:
        """The jobs of a workflow in the order they were asked for (through an index: a moment behind)."""
        return self.core.query(Job.in_workflow(workflow=workflow))

    async def workflow(self, workflow: str) -> WorkflowStatus:
        """How many jobs a workflow has, and how many have ended how: exact, at 1 read unit whatever their number."""
        return WorkflowStatus.of(await self.core.query(Tally.primary(workflow=workflow)).consistent().all())

    def waiting(self, queue: str, priority: str, shard: int = 0) -> AsyncQuery[Ticket]:
        """The tickets of a queue's partition, next due first: every live job has one."""
        return self.core.query(Ticket.primary(queue=queue, priority=priority, shard=shard)).consistent()

    def dead(self, queue: str, day: date) -> AsyncQuery[DeadJob]:
        """The jobs of a queue that died on a day (UTC), oldest first."""
        return self.core.query(DeadJob.primary(queue=queue, day=day)).consistent()

    def queues(self) -> AsyncQuery[Queue]:
        """The queues that were ever used."""
        return self.core.query(Queue.primary()).consistent()

    async def live(
        self, queue: str, *states: JobState | str, limit: int = 100, corrupt: Corrupt | None = None
    ) -> list[Job]:
        """The first live jobs of a queue in these states (none named: in any): by priority, then by when they are due.

        1 read unit for each job looked at, 1 for 16 tickets. Jobs whose items do not fit are told in `corrupt`, by
        their ids; without it they raise CorruptItemError. Raises InvalidInputError for a state there is not.
        """
        met: Corrupt = {} if corrupt is None else corrupt
        settings = await self.run(queue_named(queue, self.context)) or Queue(name=queue)
        found = await self.run(live_jobs(settings, states_named(states), self.context, limit, met))
        if corrupt is None and met:
            raise next(iter(met.values()))
        return found

    def parents(self, job_id: str) -> AsyncQuery[Parent]:
        """The edges to the parents a job still waits for."""
        return self.core.query(Parent.primary(job_id=job_id)).consistent()

    def children(self, job_id: str) -> AsyncQuery[Child]:
        """The edges to the jobs that still wait for this one."""
        return self.core.query(Child.primary(parent_id=job_id)).consistent()

    async def health(self, queue: str, limits: HealthLimits | None = None) -> QueueHealth:
        """How a queue is: what is due, what runs, what went wrong, and `warnings` of what is beyond the limits.

        For each priority and shard 1 read unit, 1 more for 32 tickets; 1 for each of the first 100 jobs due later;
        about 2 for the rest.
        """
        settings = await self.run(queue_named(queue, self.context)) or Queue(name=queue)
        return await self.run(health(settings, self.context, limits or HealthLimits()))
