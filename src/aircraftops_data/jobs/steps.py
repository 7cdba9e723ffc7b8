"""What becomes of a job, as pure functions: a job and an instant in, the changed job out, or a typed refusal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from aircraftops_data.errors import JobStateError, LeaseLostError
from aircraftops_data.jobs.model import Failure, Job, LeaseLoss, Progress, UniqueUntil
from aircraftops_data.jobs.options import JobOptions
from aircraftops_data.jobs.states import ENDED, JobState, refuse_move

Step = Callable[[Job, datetime], Job]
"""What a transition makes of a job at an instant. The same job back means: nothing to do."""
OpenStep = Callable[..., Job]
"""A step that must still be told more: the options, or the token of the holder."""

_FAILURES_KEPT = 10
_MESSAGE_LIMIT = 200


def moved(job: Job, state: JobState, now: datetime, options: JobOptions, **changes: Any) -> Job:
    """The job in another state, with what goes with that. Raises JobStateError."""
    refuse_move(job.id, job.state, state)
    if state is not JobState.RUNNING:
        changes |= {"lease_until": None, "slot": None}
    if state in ENDED:
        changes |= {"due_at": None, "finished_at": now, "expires_at": _kept_until(job, state, now, options)}
    return job.model_copy(update={"state": state, **changes})


def _kept_until(job: Job, state: JobState, now: datetime, options: JobOptions) -> datetime:
    kept = now + (options.dead_retention if state is JobState.DEAD else options.retention)
    # A job whose key keeps others away can be asked for until it no longer does.
    period = job.unique_expires_at if job.unique_until is UniqueUntil.PERIOD else None
    return kept if period is None else max(kept, period)


def waiting(job: Job, run_at: datetime | None, now: datetime, options: JobOptions, **changes: Any) -> Job:
    """The job waiting to run: from `run_at` on, or now."""
    later = run_at is not None and run_at > now
    state, due_at = (JobState.SCHEDULED, run_at) if later else (JobState.AVAILABLE, now)
    return moved(job, state, now, options, due_at=due_at, **changes)


# What a claimer does with a job whose ticket is due


def lease_is_lost(job: Job, now: datetime, options: JobOptions) -> bool:
    """Whether a running job's lease ran out, whatever the clocks show."""
    return job.lease_until is not None and job.lease_until + options.margin <= now


def looked_at(job: Job, now: datetime, *, worker: str, lease: timedelta, slot: int | None, options: JobOptions) -> Job:
    """What becomes of a job when a worker comes to look at it: most often that worker claims it.

    Raises JobStateError where the job is not due: another was here before.
    """
    if job.due_at is None or job.due_at > now or job.state is JobState.BLOCKED:
        raise JobStateError("The job is not due", job_id=job.id, state=job.state)
    if job.state is JobState.RUNNING:
        if not lease_is_lost(job, now, options):
            assert job.lease_until is not None
            return job.model_copy(update={"due_at": job.lease_until + options.margin})
        job = _with_loss(job, now)
        ended = _ended_by_loss(job, now, options)
        if ended is not None:
            return ended
    if job.deadline_at is not None and job.deadline_at <= now:
        return moved(job, JobState.EXPIRED, now, options)
    if job.limit is not None and slot is None:
        return job.model_copy(update={"due_at": now + options.slot_wait})
    return _claimed(job, now, worker, lease, slot, options)


def _claimed(job: Job, now: datetime, worker: str, lease: timedelta, slot: int | None, options: JobOptions) -> Job:
    until = now + lease
    changes: dict[str, Any] = {"worker": worker, "lease_until": until, "due_at": until + options.margin, "slot": slot}
    counts = {"fence": job.fence + 1, "attempt": job.attempt + 1}
    return moved(job, JobState.RUNNING, now, options, **changes, **counts)


def _with_loss(job: Job, now: datetime) -> Job:
    lost = Failure(attempt=job.attempt, at=now, worker=job.worker, error="lease lost")
    changes = {"lease_losses": job.lease_losses + 1, "failures": _with(job, lost)}
    return job.model_copy(update=changes)


def _ended_by_loss(job: Job, now: datetime, options: JobOptions) -> Job | None:
    if job.cancel_requested_at is not None:
        return moved(job, JobState.CANCELLED, now, options)
    if job.on_lease_lost is LeaseLoss.HOLD:
        return on_hold(job, now, options, "its lease was lost")
    if job.on_lease_lost is LeaseLoss.FAIL or job.attempt >= job.max_attempts:
        return moved(job, JobState.DEAD, now, options)
    return None


def on_hold(job: Job, now: datetime, options: JobOptions, reason: str) -> Job:
    """The job, blocked until somebody releases it."""
    return moved(job, JobState.BLOCKED, now, options, held=reason, due_at=later_check(job, now, options))


def later_check(job: Job, now: datetime, options: JobOptions) -> datetime:
    """When a blocked job is looked at next: the longer it waits, the more rarely; at its deadline in any case."""
    waited = now - (job.created_at or now)
    due = now + min(max(options.recheck, waited / 4), 60 * options.recheck)
    return due if job.deadline_at is None or job.deadline_at <= now else min(due, job.deadline_at)


def _with(job: Job, failure: Failure) -> list[Failure]:
    return [*job.failures, failure][-_FAILURES_KEPT:]


# What a holder does with its job


def refuse_late(job: Job, token: int) -> None:
    """Raise LeaseLostError unless the job still runs under this fencing token."""
    if job.state is not JobState.RUNNING or job.fence != token:
        raise LeaseLostError(
            f"The lease of token {token} is over: the job is {job.state} under token {job.fence}",
            job_id=job.id,
            state=job.state,
            token=token,
            existing=job,
        )


def completed(
    job: Job, now: datetime, *, token: int, options: JobOptions, outcome: Mapping[str, Any], again: bool
) -> Job:
    """The job succeeded. Told so `again` by the same holder, it stays as it is. Raises LeaseLostError."""
    if again and job.state is JobState.SUCCEEDED and job.fence == token:
        return job
    refuse_late(job, token)
    return moved(job, JobState.SUCCEEDED, now, options, **outcome)


def failed(
    job: Job, now: datetime, *, token: int, error: Exception, retry_in: timedelta | None, options: JobOptions
) -> Job:
    """An attempt failed: the job is tried again after `retry_in`, or for None or without attempts left is dead.

    A cancellation that was asked for comes first; a job that could only be tried after its deadline expires.
    Raises LeaseLostError.
    """
    refuse_late(job, token)
    failure = Failure(
        attempt=job.attempt,
        at=now,
        worker=job.worker,
        error=type(error).__name__,
        message=_storable(str(error))[:_MESSAGE_LIMIT],
    )
    job = job.model_copy(update={"failures": _with(job, failure)})
    if job.cancel_requested_at is not None:
        return moved(job, JobState.CANCELLED, now, options)
    if retry_in is None or job.attempt >= job.max_attempts:
        return moved(job, JobState.DEAD, now, options)
    due_at = now + retry_in
    if job.deadline_at is not None and job.deadline_at <= due_at:
        return moved(job, JobState.EXPIRED, now, options)
    return moved(job, JobState.RETRYABLE, now, options, due_at=due_at)


def _storable(text: str) -> str:
    """A text with what has no UTF-8 form written out, as in names of files that are no UTF-8."""
    return text.encode(errors="backslashreplace").decode()


def snoozed(job: Job, now: datetime, *, token: int, delay: timedelta, options: JobOptions) -> Job:
    """The job runs again later, and this attempt does not count. Raises LeaseLostError."""
    refuse_late(job, token)
    if job.cancel_requested_at is not None:
        return moved(job, JobState.CANCELLED, now, options)
    return waiting(job, now + delay, now, options, attempt=job.attempt - 1)


def stopped(job: Job, now: datetime, *, token: int, options: JobOptions) -> Job:
    """The holder gave up because it was asked to cancel. Raises LeaseLostError."""
    refuse_late(job, token)
    return moved(job, JobState.CANCELLED, now, options)


def telling(step: Step, progress: Progress | None) -> Step:
    """A step of a holder that leaves behind how far it has come."""

    def told(job: Job, now: datetime) -> Job:
        after = step(job, now)
        return after if after is job else after.model_copy(update={"progress": progress})

    return told


def beating(lease: timedelta, now: datetime, progress: Progress | None) -> dict[str, Any]:
    """The fields a heartbeat sets: one blind write of the job's own item, its ticket stays where it is."""
    fields: dict[str, Any] = {"lease_until": now + lease}
    return fields if progress is None else {**fields, "progress": progress}


# What others do with a job


def cancelled(job: Job, now: datetime, *, options: JobOptions) -> Job:
    """A waiting job is cancelled at once, a running one is asked to stop. Raises JobStateError for an ended one."""
    if job.state is JobState.CANCELLED:
        return job
    if job.state is JobState.RUNNING:
        return job if job.cancel_requested_at is not None else job.model_copy(update={"cancel_requested_at": now})
    return moved(job, JobState.CANCELLED, now, options)


def redriven(job: Job, now: datetime, *, options: JobOptions) -> Job:
    """A job that ended without success, to be run again with all its attempts. Raises JobStateError."""
    if job.state not in ENDED:
        raise JobStateError("Only a job that has ended can be redriven", job_id=job.id, state=job.state)
    undone = ("expires_at", "finished_at", "cancel_requested_at", "deadline_at", "held")
    return waiting(job, None, now, options, attempt=0, **dict.fromkeys(undone))


def released(job: Job, now: datetime, *, options: JobOptions) -> Job:
    """A blocked job that may run; any other stays as it is. One that lost its last attempt has one more."""
    if job.state is not JobState.BLOCKED:
        return job
    return waiting(job, job.run_at, now, options, held=None, attempt=min(job.attempt, job.max_attempts - 1))


def rechecked(job: Job, now: datetime, *, options: JobOptions) -> Job:
    """A blocked job, to be looked at again later."""
    if job.state is not JobState.BLOCKED:
        return job
    if job.deadline_at is not None and job.deadline_at <= now:
        return moved(job, JobState.EXPIRED, now, options)
    return job.model_copy(update={"due_at": later_check(job, now, options)})
