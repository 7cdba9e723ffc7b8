# Generated from jobs/aio/sources.py by tools/twins.py; edit that.
"""Where a worker has its claims from: by looking for jobs that are due, or by messages that tell of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Protocol

from aircraftops_data.errors import AircraftOpsDataError
from aircraftops_data.jobs.claim import Claim
from aircraftops_data.jobs.claiming import Claimer
from aircraftops_data.jobs.crew import aside
from aircraftops_data.jobs.jobs import Jobs
from aircraftops_data.jobs.model import Job
from aircraftops_data.jobs.push import Message, SqsQueue, job_id_of, visible_in


class Source(Protocol):
    """Gives claims."""

    def claims(self, count: int) -> list[Claim] | None:
        """Up to `count` claims; none where there is nothing to do, None where there may be more. Raises StoreError."""
        ...

    def done(self, claim: Claim) -> None:
        """The worker has done with a claim it had from here. Raises StoreError."""
        ...


class Polling:
    """Claims of jobs that are due in some queues."""

    def __init__(
        self, jobs: Jobs, claimer: Claimer, queues: Sequence[str], failed: Callable[[Exception], None]
    ) -> None:
        self._jobs = jobs
        self._claimer = claimer
        self._queues = queues
        self._failed = failed
        self._corrupt: set[str] = set()

    def claims(self, count: int) -> list[Claim]:
        """Up to `count` claims; jobs that cannot be read are told of once. Raises StoreError."""
        found = self._jobs.claims(self._claimer, *self._queues, count=count)
        for job_id in self._claimer.corrupt.keys() - self._corrupt:
            self._corrupt.add(job_id)
            self._failed(self._claimer.corrupt[job_id])
        return found

    def done(self, claim: Claim) -> None:
        """Nothing: the job says it all."""


class Pushed:
    """Claims of jobs that messages tell of; `least` is how soon one that is due and could not be had is shown again.

    A message that says nothing is left to the queue's own redrive policy.
    """

    def __init__(
        self,
        jobs: Jobs,
        claimer: Claimer,
        queue: SqsQueue,
        least: timedelta,
        failed: Callable[[Exception], None],
    ) -> None:
        self._jobs = jobs
        self._claimer = claimer
        self._queue = queue
        self._least = least
        self._failed = failed
        self._messages: dict[tuple[str, int], Message] = {}

    def claims(self, count: int) -> list[Claim] | None:
        """Up to `count` claims; other messages are dealt with, and for nothing but such None. Raises StoreError."""
        found: list[Claim] = []
        messages = aside(self._queue.receive, count, self._jobs.context.clock.now())
        for message in messages:
            try:
                claim = self._claim(message)
            except AircraftOpsDataError as error:
                self._failed(error)
                continue
            if claim is not None:
                found.append(claim)
        return found if found or not messages else None

    def _claim(self, message: Message) -> Claim | None:
        job_id = job_id_of(message.body)
        claim = self._jobs.claim_by_id(job_id, self._claimer)
        if claim is None:
            self._put_by(message, self._jobs.find(job_id))
            return None
        self._messages[claim.id, claim.token] = message
        return claim

    def done(self, claim: Claim) -> None:
        """Delete the message of a job that has ended; show that of another again when it is due. Raises StoreError."""
        message = self._messages.pop((claim.id, claim.token))
        self._put_by(message, claim.job)

    def _put_by(self, message: Message, job: Job | None) -> None:
        now = self._jobs.context.clock.now()
        delay = visible_in(job, now, self._jobs.options.margin, self._least)
        aside(self._queue.put_by, message, delay, now)
