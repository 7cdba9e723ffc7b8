"""What jobs should do, in plain words: no table, no versions, one thing after another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aircraftops_data.jobs import JobOptions

ENDED = frozenset({"succeeded", "cancelled", "dead", "expired"})
PRIORITIES = ("high", "normal", "low")


class Refused(Exception):
    """The model says no: the name of the error the real one must raise."""


@dataclass
class ModelJob:
    """A job as the model knows it."""

    id: str
    queue: str
    priority: str
    created_at: datetime
    state: str = "available"
    due_at: datetime | None = None
    run_at: datetime | None = None
    deadline_at: datetime | None = None
    lease_until: datetime | None = None
    fence: int = 0
    attempt: int = 0
    max_attempts: int = 3
    failures: int = 0
    lease_losses: int = 0
    on_lease_lost: str = "retry"
    cancel_requested: bool = False
    held: bool = False
    unique: str | None = None
    unique_until: str | timedelta = "finish"
    limit: str | None = None
    workflow: str | None = None
    parents: dict[str, str] = field(default_factory=dict[str, str])
    """Those it still waits for, and what if they fail."""
    progress: int | None = None
    register: int | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing becomes of it any more."""
        return self.state in ENDED


@dataclass
class Model:
    """All jobs, and what may be done with them."""

    options: JobOptions
    now: datetime
    jobs: dict[str, ModelJob] = field(default_factory=dict[str, ModelJob])
    paused: set[str] = field(default_factory=set[str])

    # Asking

    def holder(self, key: str) -> ModelJob | None:
        """The job that keeps others of its unique key away."""
        return next((job for job in self.jobs.values() if job.unique == key and self._keeps_away(job)), None)

    def _keeps_away(self, job: ModelJob) -> bool:
        if isinstance(job.unique_until, timedelta):
            return self.now < job.created_at + job.unique_until
        return not job.ended and not (job.unique_until == "start" and job.fence > 0)

    def enqueue(self, job: ModelJob) -> None:
        """A new job; one that waits for parents looks at them at once."""
        self.jobs[job.id] = job
        if job.parents:
            job.state, job.due_at = "blocked", self._later(job)
            self.revisit(job)
        else:
            self._wait(job, job.run_at)

    # Claiming

    def claim(self, queue: str, count: int, lease: timedelta) -> list[ModelJob]:
        """Go through the due tickets, in order, until enough are claimed."""
        claimed: list[ModelJob] = []
        for priority in PRIORITIES if queue not in self.paused else ():
            for job, due_at in self._due(queue, priority):
                if job.state == "blocked" and job.due_at == due_at:
                    self.revisit(job)
                elif self.look(job, lease):
                    claimed.append(job)
                if len(claimed) == count:
                    return claimed
        return claimed

    def _due(self, queue: str, priority: str) -> list[tuple[ModelJob, datetime]]:
        found = [
            (job.due_at, job.id)
            for job in self.jobs.values()
            if (job.queue, job.priority) == (queue, priority) and job.due_at is not None and job.due_at <= self.now
        ]
        return [(self.jobs[job_id], due_at) for due_at, job_id in sorted(found)]

    def look(self, job: ModelJob, lease: timedelta) -> bool:
        """What a claimer makes of a job; whether it has it then."""
        if job.ended or job.state == "blocked" or job.due_at is None or job.due_at > self.now:
            return False
        if job.state == "running":
            assert job.lease_until is not None
            if job.lease_until + self.options.margin > self.now:
                job.due_at = job.lease_until + self.options.margin
                return False
            job.lease_losses += 1
            job.failures += 1
            if self._ended_by_loss(job):
                return False
        if job.deadline_at is not None and job.deadline_at <= self.now:
            self.end(job, "expired")
            return False
        if job.limit is not None and job.state != "running" and self._taken(job.limit):
            job.due_at = self.now + self.options.slot_wait
            return False
        job.state, job.fence, job.attempt = "running", job.fence + 1, job.attempt + 1
        job.lease_until = self.now + lease
        job.due_at = job.lease_until + self.options.margin
        return True

    def _ended_by_loss(self, job: ModelJob) -> bool:
        if job.cancel_requested:
            self.end(job, "cancelled")
        elif job.on_lease_lost == "hold":
            job.state, job.held, job.lease_until, job.due_at = "blocked", True, None, self._later(job)
        elif job.on_lease_lost == "fail" or job.attempt >= job.max_attempts:
            self.end(job, "dead")
        else:
            return False
        return True

    def _taken(self, limit: str) -> bool:
        """Every limit here is of one job."""
        return any(job.limit == limit and job.state == "running" for job in self.jobs.values())

    # What a holder does

    def hold(self, job: ModelJob, token: int) -> None:
        """Refuse a late holder."""
        if job.state != "running" or job.fence != token:
            raise Refused("LeaseLostError")

    def complete(self, job: ModelJob, token: int) -> None:
        """Once only, though it may be said again."""
        if (job.state, job.fence) != ("succeeded", token):
            self.hold(job, token)
            self.end(job, "succeeded")

    def fail(self, job: ModelJob, token: int, retry_in: timedelta | None) -> None:
        """Again later, or never."""
        self.hold(job, token)
        job.failures += 1
        if job.cancel_requested:
            self.end(job, "cancelled")
        elif retry_in is None or job.attempt >= job.max_attempts:
            self.end(job, "dead")
        elif job.deadline_at is not None and job.deadline_at <= self.now + retry_in:
            self.end(job, "expired")
        else:
            job.state, job.due_at, job.lease_until = "retryable", self.now + retry_in, None

    def snooze(self, job: ModelJob, token: int, delay: timedelta) -> None:
        """Later, and no attempt is used."""
        self.hold(job, token)
        if job.cancel_requested:
            self.end(job, "cancelled")
        else:
            job.attempt -= 1
            self._wait(job, self.now + delay)

    def stop(self, job: ModelJob, token: int) -> None:
        """Given up."""
        self.hold(job, token)
        self.end(job, "cancelled")

    # What others do

    def cancel(self, job: ModelJob) -> None:
        """At once, or when its holder hears of it."""
        if job.ended and job.state != "cancelled":
            raise Refused("JobStateError")
        if job.state == "running":
            job.cancel_requested = True
        else:
            # Said again of one that was cancelled, its children hear of it again.
            self.end(job, "cancelled")

    def redrive(self, job: ModelJob) -> None:
        """From the beginning, with its key where it still keeps others away."""
        if job.state not in ENDED - {"succeeded"}:
            raise Refused("JobStateError")
        needs_key = job.unique_until == "finish" or (job.unique_until == "start" and job.fence == 0)
        if job.unique is not None and needs_key and self.holder(job.unique) is not None:
            raise Refused("AlreadyExistsError")
        job.attempt, job.deadline_at, job.cancel_requested, job.held = 0, None, False, False
        self._wait(job, None)

    def release(self, job: ModelJob) -> None:
        """Whatever it waits for."""
        if job.state != "blocked":
            raise Refused("JobStateError")
        job.parents.clear()
        self._free(job)

    # Workflows

    def end(self, job: ModelJob, state: str) -> None:
        """Nothing becomes of it any more; its children hear of it."""
        job.state, job.due_at, job.lease_until = state, None, None
        for child in [other for other in self.jobs.values() if job.id in other.parents]:
            self._tell(child, job)

    def _tell(self, child: ModelJob, parent: ModelJob) -> None:
        policy = child.parents[parent.id]
        if parent.state == "succeeded" or policy == "run":
            del child.parents[parent.id]
            if child.state == "blocked" and not child.held and not child.parents:
                self._free(child)
        elif policy == "cancel" or child.ended:
            del child.parents[parent.id]
            if child.state == "blocked":
                self.end(child, "cancelled")

    def revisit(self, job: ModelJob) -> None:
        """Look whether the parents have ended."""
        for parent in [self.jobs[parent_id] for parent_id in sorted(job.parents)]:
            if parent.ended:
                self._tell(job, parent)
        if job.state == "blocked" and not job.held and not job.parents:
            self._free(job)
        if job.state == "blocked":
            if job.deadline_at is not None and job.deadline_at <= self.now:
                self.end(job, "expired")
            else:
                job.due_at = self._later(job)

    def _free(self, job: ModelJob) -> None:
        job.held, job.attempt = False, min(job.attempt, job.max_attempts - 1)
        self._wait(job, job.run_at)

    def _wait(self, job: ModelJob, run_at: datetime | None) -> None:
        later = run_at is not None and run_at > self.now
        job.state, job.due_at = ("scheduled", run_at) if later else ("available", self.now)
        job.lease_until = None

    def _later(self, job: ModelJob) -> datetime:
        recheck = self.options.recheck
        due_at = self.now + min(max(recheck, (self.now - job.created_at) / 4), 60 * recheck)
        if job.deadline_at is None or job.deadline_at <= self.now:
            return due_at
        return min(due_at, job.deadline_at)

    def live(self) -> Iterator[ModelJob]:
        """Those of which something may become."""
        return (job for job in self.jobs.values() if not job.ended)
