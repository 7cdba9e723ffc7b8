# Generated from jobs/aio/worker.py by tools/twins.py; edit that.
"""The worker: claims jobs of its queues and runs their handlers, until it is told to stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from aircraftops_data.core.signals import signals_to
from aircraftops_data.errors import AircraftOpsDataError, InvalidInputError
from aircraftops_data.jobs.claim import Claim
from aircraftops_data.jobs.crew import Handler
from aircraftops_data.jobs.jobs import LEASE, Jobs
from aircraftops_data.jobs.measuring import measure, summed
from aircraftops_data.jobs.model import Job, Queue
from aircraftops_data.jobs.push import SqsQueue, job_id_of, records_of, visible_in
from aircraftops_data.jobs.shift import Held, Shift
from aircraftops_data.jobs.sources import Polling, Pushed, Source
from aircraftops_data.jobs.working import (
    Hooks,
    Pace,
    Poll,
    check_queues,
    tell,
    tell_poll_failed,
    worker_identity,
)

H = TypeVar("H", bound=Handler)
GRACE = timedelta(seconds=30)
MEASURE_EVERY = timedelta(minutes=1)
TICK_EVERY = timedelta(seconds=10)


class Worker:
    """Runs jobs: `concurrency` at a time, each under a lease that is renewed while its handler runs.

    What a handler returns is the job's result; what it raises fails the attempt. `Snooze` puts the job off. With
    `messages` the jobs are those that messages of SQS tell of, and `queues` may be empty. It ticks for the schedules
    too, every `tick_every` (1 read unit; None: never): of all workers that do, one enqueues each slot.
    """

    def __init__(
        self,
        jobs: Jobs,
        queues: Sequence[str] = (),
        *,
        concurrency: int = 1,
        lease: timedelta = LEASE,
        grace: timedelta = GRACE,
        poll: Poll | None = None,
        hooks: Hooks | None = None,
        worker_id: str | None = None,
        measure_every: timedelta | None = MEASURE_EVERY,
        tick_every: timedelta | None = TICK_EVERY,
        messages: SqsQueue | None = None,
    ) -> None:
        if concurrency < 1:
            raise InvalidInputError("A worker runs at least one job at a time")
        self.id = worker_id or worker_identity(jobs.context.chance)
        """By default the host's name, the process id and a nonce."""
        self._queues = check_queues(queues, messages is None)
        self._jobs = jobs
        self._concurrency = concurrency
        self._lease = lease
        self._grace = grace
        self._poll = poll or Poll()
        self._hooks = hooks or Hooks()
        self._measure_every = measure_every
        self._tick_every = tick_every
        self._claimer = jobs.claimer(self.id, lease)
        self._handlers: dict[str, Handler] = {}
        self._failed = partial(tell_poll_failed, self._hooks)
        self._source: Source = Polling(jobs, self._claimer, self._queues, self._failed)
        if messages is not None:
            self._source = Pushed(jobs, self._claimer, messages, self._poll.most, self._failed)
        self._pace = Pace(self._poll, jobs.context.chance)
        self._ring: Callable[[], None] = _nobody_rests
        self._stopping = False
        self._signals = 0
        self._leaving: BaseException | None = None

    def handles(self, kind: str) -> Callable[[H], H]:
        """A decorator: this handles the jobs of a kind. Raises InvalidInputError for a second handler."""
        if kind in self._handlers:
            raise InvalidInputError(f"There is a handler for {kind!r} already")

        def keep(handler: H) -> H:
            self._handlers[kind] = handler
            return handler

        return keep

    # Running

    def run(self, *, until_idle: bool = False) -> None:
        """Run jobs until stopped, or with `until_idle` until none is due and none runs.

        In the main thread SIGTERM and SIGINT stop it as `stop` does, and a second one at once. What a handler has
        raised to end the process is raised when all is done. Failures of the engine are told to the hooks and waited
        out.
        """
        with signals_to(self._signalled):
            self._run(until_idle)
        self._leave_at_last()

    def _run(self, until_idle: bool) -> None:
        with self._shift() as shift:
            self._ring = shift.hands.ring
            if self._measure_every is not None and type(self._hooks).measured is not Hooks.measured:
                shift.hands.every(self._measure_every.total_seconds(), self._measure)
            if self._tick_every is not None:
                shift.hands.every(self._tick_every.total_seconds(), self._tick)
            try:
                self._claim_on(shift, until_idle)
            except BaseException as error:
                # Whoever is cancelled or interrupted does not wait for others.
                self._signals += 0 if isinstance(error, Exception) else 2
                raise
            finally:
                shift.drain(self._grace, self._hurried)
                self._begin_anew()

    def stop(self) -> None:
        """Claim no more, let what runs finish within the grace, release the rest. May be called from anywhere."""
        self._stopping = True
        self._ring()

    def _signalled(self) -> None:
        self._signals += 1
        self.stop()

    def _hurried(self) -> bool:
        return self._signals > 1

    def _left(self, error: BaseException) -> None:
        self._leaving = error
        self.stop()

    def _begin_anew(self) -> None:
        self._ring, self._stopping, self._signals = _nobody_rests, False, 0

    def _leave_at_last(self) -> None:
        leaving, self._leaving = self._leaving, None
        if leaving is not None:
            raise leaving

    def _shift(self) -> Shift:
        return Shift(self._jobs, self._handlers, self._hooks, self._lease, self._left)

    def _claim_on(self, shift: Shift, until_idle: bool) -> None:
        while not self._stopping:
            nothing_runs, free = not shift, self._concurrency - len(shift)
            claims = self._claims(free) if free else []
            for claim in claims or ():
                self._begin(shift, claim)
            if until_idle and nothing_runs and claims == []:
                return
            shift.hands.rest(self._pace.pause() if len(shift) < self._concurrency else None)

    def _claims(self, count: int) -> list[Claim] | None:
        """Claims to begin with; None where nobody knows whether there are any."""
        try:
            claims = self._source.claims(count)
        except InvalidInputError:
            raise
        except AircraftOpsDataError as error:
            self._failed(error)
            return None
        if claims != []:
            self._pace.reset()
        return claims

    def _begin(self, shift: Shift, claim: Claim) -> None:
        if self._stopping:
            shift.give_back(claim)
            self._put_by(claim)
            return
        shift.hands.start(partial(self._work, shift), shift.take(claim))

    def _work(self, shift: Shift, held: Held) -> None:
        try:
            shift.work(held)
            self._put_by(held.claim)
        finally:
            shift.drop(held)
            shift.hands.ring()

    def _put_by(self, claim: Claim) -> None:
        try:
            self._source.done(claim)
        except AircraftOpsDataError as error:
            self._failed(error)

    def _tick(self) -> None:
        """Enqueue what schedules ask for; of all workers that tick, one enqueues each slot."""
        try:
            if self._jobs.tick():
                self._ring()
        except AircraftOpsDataError as error:
            self._failed(error)

    def _measure(self) -> None:
        for name in self._queues:
            try:
                queue = self._jobs.core.find(Queue, name=name) or Queue(name=name)
                found = self._jobs.run(measure(queue, self._jobs.context))
            except AircraftOpsDataError as error:
                self._failed(error)
                continue
            tell(self._hooks.measured, name, *summed(found))

    # Messages

    def handle(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Run the jobs an SQS event of Lambda tells of, one after the other; the messages that are not done with.

        A job that ends, has ended or is gone is done with. Give the answer back to Lambda with
        ReportBatchItemFailures set, and the other messages are shown again. Raises InvalidMessageError for another
        event.
        """
        failures: list[dict[str, str]] = []
        with self._shift() as shift:
            for message_id, body in records_of(event):
                if self._leaving is not None or not self._is_done_with(shift, body):
                    failures.append({"itemIdentifier": message_id})
        self._stopping = False
        self._leave_at_last()
        return {"batchItemFailures": failures}

    def _is_done_with(self, shift: Shift, body: Any) -> bool:
        try:
            job = self._worked_on(shift, job_id_of(body))
        except AircraftOpsDataError as error:
            self._failed(error)
            return False
        now, margin = self._jobs.context.clock.now(), self._jobs.options.margin
        return visible_in(job, now, margin, self._poll.most) is None

    def _worked_on(self, shift: Shift, job_id: str) -> Job | None:
        """A job as it is after this worker had its turn, if it could have one."""
        claim = self._jobs.claim_by_id(job_id, self._claimer)
        if claim is None:
            return self._jobs.find(job_id)
        held = shift.take(claim)
        try:
            shift.work(held)
        finally:
            shift.drop(held)
        return claim.job


def _nobody_rests() -> None:
    """Nobody waits to be woken."""
