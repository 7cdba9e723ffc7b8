"""A job in the hands of a worker: prove to be alive, tell progress, and end it one way or another."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from aircraftops_data.core.commit import write
from aircraftops_data.core.intents import Check
from aircraftops_data.core.targets import updating
from aircraftops_data.core.update import Update
from aircraftops_data.errors import CancelRequestedError, ConditionFailedError, LeaseLostError
from aircraftops_data.jobs.asking import progress_of
from aircraftops_data.jobs.content import Content
from aircraftops_data.jobs.model import Job, Progress
from aircraftops_data.jobs.states import JobState
from aircraftops_data.jobs.steps import OpenStep, beating, completed, failed, refuse_late, snoozed, stopped, telling
from aircraftops_data.jobs.transition import RESULT, Transition

if TYPE_CHECKING:
    from aircraftops_data.jobs.aio.jobs import AsyncJobs


class AsyncClaim:
    """A claimed job. Every call is refused with LeaseLostError once the lease was given on: `token` fences them all.

    `payload` is the job's payload as its kind has it. `job` is the job as last known.
    """

    def __init__(self, jobs: AsyncJobs, job: Job, payload: Any, lease: timedelta) -> None:
        self._jobs = jobs
        self._lease = lease
        self._told_at: datetime | None = None
        self._progress = job.progress
        self.job = job
        self.payload = payload
        self.token = job.fence
        """The fencing token: higher than that of any claim of this job before."""

    @property
    def id(self) -> str:
        """The job's id."""
        return self.job.id

    @property
    def cancel_requested(self) -> bool:
        """Whether, by the last heartbeat, somebody asked for the job to be cancelled."""
        return self.job.cancel_requested_at is not None

    def __repr__(self) -> str:
        return f"<claim of {self.job.kind} {self.id}, token {self.token}>"

    def fence(self) -> Check:
        """That this claim still holds, for a transaction of other writes to carry: `tx.add(claim.fence())`.

        2 write units. The transaction fails with ConditionFailedError once another holds the job or it has ended.
        """
        return Check(Job.definition(), {"id": self.id}, self._holds())

    def completion(self, result: Any = None) -> Transition:
        """The completion as an action of a transaction, so that it and what the job wrote are one.

        `complete` afterwards, with nothing, tells the children; the worker does it by itself. Where the job has
        succeeded already, as after a transaction whose answer was lost, LeaseLostError keeps what else is in the
        transaction from being written twice. A result that only a bucket could hold raises ItemTooLargeError.
        """
        return self._completing(self._jobs.result_content(self.job, result, objects=False), again=False)

    def check(self) -> None:
        """Stop a holder that should: LeaseLostError once the lease is over by this clock, CancelRequestedError."""
        refuse_late(self.job, self.token)
        until = self.job.lease_until
        if until is not None and self._jobs.context.clock.now() >= until:
            raise LeaseLostError("The lease has run out", job_id=self.id, state=self.job.state, token=self.token)
        if self.cancel_requested:
            raise CancelRequestedError("The job is to be cancelled", job_id=self.id, state=self.job.state)

    async def heartbeat(self) -> bool:
        """Renew the lease from now; whether somebody asked for the job to be cancelled. 1 write unit, 2 in a workflow.

        Raises LeaseLostError.
        """
        now = self._jobs.context.clock.now()
        try:
            self._know(await self._jobs.run(write(self._beat(now, self._progress), self._jobs.context)))
        except ConditionFailedError as refused:
            self._know(refused.existing)
            refuse_late(refused.existing or self.job, self.token)
            raise
        self._told_at = now
        return self.cancel_requested

    async def progress(self, done: int, total: int | None = None, message: str | None = None) -> None:
        """Tell how far it has come: a heartbeat, but no more often than the options say; the last is never lost.

        The next attempt finds it in `claim.job.progress`. Raises LeaseLostError, InvalidValueError.
        """
        self._progress = progress_of(done, total, message)
        now = self._jobs.context.clock.now()
        if self._told_at is None or now - self._told_at >= self._jobs.options.progress_every:
            await self.heartbeat()

    def progress_action(self, done: int, total: int | None = None, message: str | None = None) -> Update[Job]:
        """Progress as an action of a transaction, so that it and what the job wrote are one; it renews the lease too.

        2 write units. It fences like `fence`, whose place it takes: one transaction acts on an item once. `progress`
        afterwards, with the same, so that later heartbeats tell no less.
        """
        return self._beat(self._jobs.context.clock.now(), progress_of(done, total, message))

    async def complete(self, result: Any = None) -> Job:
        """The job succeeded. 4 write units, 8 in a workflow; said again it changes nothing. Raises LeaseLostError."""
        if self.job.state is JobState.SUCCEEDED:
            return await self._jobs.end(self._completing(Content(None, None), again=True))
        found = self._jobs.result_content(self.job, result, objects=self._jobs.objects is not None)
        await self._jobs.store_object(self.id, RESULT, found)
        return await self._jobs.end(self._completing(found, again=True))

    async def fail(self, error: Exception, retry_in: timedelta | None = None) -> Job:
        """This attempt failed: the job is tried again after a back-off, or is dead. 6 write units.

        The back-off is `retry_in`, or else exponential with full jitter by the kind's policy. An error of a class the
        policy calls fatal, or an attempt that was the last, leaves the job dead. Raises LeaseLostError.
        """
        delay = self._jobs.back_off(self.job, error) if retry_in is None else retry_in
        return await self._jobs.end(self._transition(partial(failed, error=error, retry_in=delay)))

    async def snooze(self, delay: timedelta) -> Job:
        """Run it again after `delay`; no attempt is used. 6 write units. Raises LeaseLostError."""
        return await self._jobs.end(self._transition(partial(snoozed, delay=delay)))

    async def release(self) -> Job:
        """Give it back as it was, to be run by whoever comes first; no attempt is used. Raises LeaseLostError."""
        return await self.snooze(timedelta())

    async def stop(self) -> Job:
        """End it as cancelled, as somebody asked. 4 write units. Raises LeaseLostError."""
        return await self._jobs.end(self._transition(stopped))

    def _beat(self, now: datetime, progress: Progress | None) -> Update[Job]:
        return updating(Job, id=self.id, set=beating(self._lease, now, progress), where=self._holds())

    def _holds(self) -> Any:
        return (Job.f.fence == self.token) & (Job.f.state == JobState.RUNNING)

    def _completing(self, found: Content, *, again: bool) -> Transition:
        outcome = {"result": found.inline, "result_place": found.place}
        return self._transition(partial(completed, outcome=outcome, again=again), found)

    def _transition(self, step: OpenStep, body: Content | None = None) -> Transition:
        options = self._jobs.options
        bodies = () if body is None else body.bodies(self.id, RESULT)
        whole = telling(partial(step, token=self.token, options=options), self._progress)
        return Transition(self.job, whole, bodies, options.tally_parts, self._know)

    def _know(self, job: Job | None) -> None:
        """Keep the latest that is known: answers may come in another order than they were made."""
        if job is not None and job.version >= self.job.version:
            self.job = job
