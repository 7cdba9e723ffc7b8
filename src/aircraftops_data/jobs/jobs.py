# Generated from jobs/aio/jobs.py by tools/twins.py; edit that.
"""Jobs: ask for them, claim them, and set right what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Literal, TypeVar, Unpack

from aircraftops_data.core.commit import write
from aircraftops_data.core.crew import Work
from aircraftops_data.core.durations import positive
from aircraftops_data.core.query import Query
from aircraftops_data.errors import AircraftOpsDataError, ConflictError, NotFoundError, StoreError
from aircraftops_data.jobs.asking import How, edges_of, job_of
from aircraftops_data.jobs.claim import Claim
from aircraftops_data.jobs.claiming import Claimer
from aircraftops_data.jobs.content import Content, content, to_text
from aircraftops_data.jobs.edges import check_parents, let_go, revisit, settle
from aircraftops_data.jobs.enqueueing import After, Enqueue
from aircraftops_data.jobs.looking import Redriven
from aircraftops_data.jobs.model import (
    DeadJob,
    Job,
    Queue,
)
from aircraftops_data.jobs.once import KEEP
from aircraftops_data.jobs.queues import change_queue
from aircraftops_data.jobs.schedules import (
    Misfire,
    Repeating,
    Schedule,
    changed,
    evolve_schedule,
    paused,
    resumed,
    schedule_of,
    tick,
)
from aircraftops_data.jobs.states import ENDED
from aircraftops_data.jobs.steps import OpenStep, cancelled, redriven
from aircraftops_data.jobs.transition import PAYLOAD, Transition
from aircraftops_data.jobs.turn import Turn, run_once
from aircraftops_data.jobs.views import JobViews

T = TypeVar("T")
LEASE = timedelta(minutes=1)


class Jobs(JobViews):
    """Durable jobs on JobsTable. Safe to share between threads; a claim belongs to one worker.

    `kinds` says once what holds for all jobs of a kind; `objects` is a bucket for payloads and results no item holds.
    """

    # Asking

    def enqueue(self, kind: str, payload: Any = None, **how: Unpack[How]) -> Job:
        """Ask for a job; the job as stored, or that of the same unique key which is there already.

        4 write units; 2 more for a unique key and for each KB of a payload over 256 bytes, 4 for a workflow and each
        parent. 1 read unit for a unique key; 3 for a job with parents, and 2 for each of them. Raises
        InvalidValueError, ItemTooLargeError, NotFoundError (a parent), AlreadyExistsError (an `id`).
        """
        edges = edges_of(how)
        queue = self.run(self._queues.read(self._queue_of(kind, how), self.context))
        text = self._payload_content(kind, payload, objects=self.objects is not None)
        self.run(check_parents([edge.parent_id for edge in edges], how.get("workflow"), self.context))
        asked = self._asked(kind, text, how, edges, queue)
        self.store_object(asked.job_id, PAYLOAD, text)
        self.run(asked.first_edges(self.context))
        enqueued = self.run(write(asked, self.context))
        if enqueued.job is None:
            return self.get(enqueued.job_id)
        if not edges:
            return enqueued.job
        # A parent may have ended before it could know of this child. The job is there, and said to be there, even
        # where this cannot be found out now: its own ticket has it looked at.
        with suppress(StoreError):
            self.run(revisit(enqueued.job, self.context, self.options))
            return self.get(enqueued.job_id)
        return enqueued.job

    def enqueue_action(self, kind: str, payload: Any = None, **how: Unpack[How]) -> Enqueue:
        """A job as an action of any transaction: both happen, or neither. In the results it leaves an `Enqueued`.

        Nothing is sent for it before: a payload goes into the table or raises ItemTooLargeError, and parents that
        ended already are found out about within the `recheck` of the options.
        """
        queue = self._queues.last(self._queue_of(kind, how))
        return self._asked(kind, self._payload_content(kind, payload, objects=False), how, edges_of(how), queue)

    def _queue_of(self, kind: str, how: How) -> str:
        return how.get("queue", self.kind(kind).queue)

    def _payload_content(self, kind: str, payload: Any, *, objects: bool) -> Content:
        return content(to_text(self.kind(kind).payload, payload, "The payload"), "The payload", objects=objects)

    def _asked(self, kind: str, text: Content, how: How, edges: Sequence[After], queue: Queue) -> Enqueue:
        job_id = how.get("id") or self.context.chance.ordered_identifier(self.context.clock.now())
        job = job_of(self.kind(kind), text, how, queue, job_id, self.context, self.options)
        return Enqueue(job, text.bodies(job.id, PAYLOAD), edges, self.options.tally_parts)

    # Claiming

    def claimer(self, worker: str, lease: timedelta = LEASE) -> Claimer:
        """One who claims; a worker keeps its own, which learns how many others there are."""
        return Claimer(worker, positive(lease, "A lease"), self.options)

    def claim(self, *queues: str, worker: str, lease: timedelta = LEASE) -> Claim | None:
        """Claim the first job that is due, of the first of these queues that has one; None where none has.

        1 read unit for each shard and priority looked into, 1 for the job; 6 write units for the claim.
        """
        claims = self.claims(self.claimer(worker, lease), *queues)
        return claims[0] if claims else None

    def claims(self, claimer: Claimer, *queues: str, count: int = 1) -> list[Claim]:
        """Up to `count` claims, by a claimer that is kept: the first queue goes before the others.

        A job whose payload cannot be had is not among them: that attempt has failed, and the job says why. Where the
        engine fails once there are some, those are what there is.
        """
        claims: list[Claim] = []
        try:
            for name in queues:
                self._claim_from(name, claimer, claims, count)
                if len(claims) >= count:
                    break
        except StoreError:
            # What is claimed is not to be lost: without a holder it would only run once its lease has run out.
            if not claims:
                raise
        return claims

    def _claim_from(self, name: str, claimer: Claimer, claims: list[Claim], count: int) -> None:
        queue = self.run(self._queues.read(name, self.context))
        if queue.paused_at is None:
            for job in self.run(claimer.claim(queue, self.context, count - len(claims))):
                claims += self._claimed(claimer, job)

    def claim_by_id(self, job_id: str, claimer: Claimer) -> Claim | None:
        """Claim this very job, of which a message told; None where it is not due, paused, or another has it."""
        found = self.core.find(Job, id=job_id, consistent=True)
        if found is None or (self.run(self._queues.read(found.queue, self.context))).paused_at is not None:
            return None
        job = self.run(claimer.take(found, self.context))
        claims = [] if job is None else self._claimed(claimer, job)
        return claims[0] if claims else None

    def _claimed(self, claimer: Claimer, job: Job) -> list[Claim]:
        claim = Claim(self, job, None, claimer.lease)
        try:
            claim.payload = self.payload(job)
        except (AircraftOpsDataError, ValueError) as error:
            # Where not even that can be told, the lease runs out; the jobs claimed beside this one are in good hands.
            with suppress(StoreError, ConflictError):
                claim.fail(error)
            return []
        return [claim]

    def back_off(self, job: Job, error: Exception) -> timedelta | None:
        """How long to wait before the next attempt, by the kind's policy; None for never."""
        kind = self.kind(job.kind)
        if isinstance(error, kind.fatal):
            return None
        return timedelta(seconds=self.context.chance.jitter(kind.retry.ceiling(max(job.attempt - 1, 0))))

    def end(self, transition: Transition) -> Job:
        """Commit a transition, and tell the children of a job it ended."""
        job = self.run(write(transition, self.context))
        if job.state in ENDED:
            self.run(settle(job, self.context, self.options))
        return job

    # Setting right

    def cancel(self, job_id: str) -> Job:
        """Cancel a job: at once where it waits; where it runs its holder is asked, by its next heartbeat.

        Raises NotFoundError, JobStateError where it has ended otherwise.
        """
        return self._step(job_id, cancelled)

    def redrive(self, job_id: str) -> Job:
        """Run a job again that ended without success, with all its attempts and no deadline.

        Raises NotFoundError, JobStateError; AlreadyExistsError where another job holds its unique key.
        """
        return self._step(job_id, redriven)

    def redrive_dead(self, queue: str, day: date) -> list[Redriven]:
        """Run all jobs of a queue again that died on a day (UTC); what became of each, refusals among them."""
        return [self._redriven(dead) for dead in self.dead(queue, day).all()]

    def _redriven(self, dead: DeadJob) -> Redriven:
        try:
            self.redrive(dead.job_id)
        except (NotFoundError, ConflictError) as refused:
            return Redriven(dead, refused)
        return Redriven(dead, None)

    def release(self, job_id: str) -> Job:
        """Let a blocked job run, whatever it waited for. Raises NotFoundError, JobStateError."""
        return self.run(let_go(self.get(job_id), self.context, self.options))

    def _step(self, job_id: str, step: OpenStep) -> Job:
        whole = partial(step, options=self.options)
        return self.end(Transition(self.get(job_id), whole, parts=self.options.tally_parts))

    def pause(self, queue: str) -> Queue:
        """Let nobody claim from a queue; what runs, runs on. Others learn of it within five seconds."""
        return self._change(queue, paused=True)

    def resume(self, queue: str) -> Queue:
        """Let a queue be claimed from again."""
        return self._change(queue, paused=False)

    def reshard(self, queue: str, shards: int) -> Queue:
        """Spread a queue over more partitions: 125 jobs a second for each, in each priority. Never fewer.

        Raises InvalidInputError.
        """
        return self._change(queue, shards=shards)

    def _change(self, queue: str, **settings: Any) -> Queue:
        changed = self.run(change_queue(queue, self.context, **settings))
        return self._queues.keep(changed, self.context.clock.now())

    # Once per key

    def once(
        self,
        key: str,
        work: Work[Turn, T],
        *,
        result: Any = None,
        lease: timedelta = LEASE,
        keep: timedelta = KEEP,
        wait: timedelta | None = None,
    ) -> T:
        """Run `work(turn)` once for this key; whoever asks again within `keep` is given its result instead.

        `jobs.once(f"charge-{order}", lambda turn: charge(order, turn.token), result=Receipt)`. `result` is what its
        JSON stands for: a pydantic model, or anything pydantic has a schema for; all callers get it as it was stored.
        While another is at work: OnceInProgressError, or its result once it is there, for up to `wait`. Where the work
        raises, the error goes on, and the next caller runs it again. Where its `lease` ran out (`turn.heartbeat()`
        renews it) the next caller runs it too, and the late one gets LeaseLostError: `turn.token` and `turn.fence()`
        keep what it writes elsewhere out. So the result is one; the work is at least once.

        First: 1 read unit and 2 write units (1 per KB of the result); again: 1 read unit per 4 KB. A result over 398 KB
        goes to the bucket, if there is one. Raises InvalidValueError and ItemTooLargeError for one that cannot be kept.
        """
        return run_once(self, key, work, result, lease, keep, wait or timedelta())

    # Schedules

    def schedule(
        self,
        name: str,
        *,
        cron: str,
        kind: str,
        payload: Any = None,
        timezone: str = "UTC",
        misfire: Misfire | Literal["skip", "once", "all"] = Misfire.ONCE,
        **how: Unpack[Repeating],
    ) -> Schedule:
        """Ask for a job at every instant a cron expression names; or change what was asked for under this name.

        `schedule("nightly", cron="0 3 * * *", kind="registry.ingest", timezone="Europe/Berlin")`. Somebody must `tick`.
        The next slot is worked out anew when `cron` or `timezone` change; about both see `jobs.cron.slot_after`.
        `misfire` says what becomes of slots that pass while nobody ticks. 1 read unit, and 1 write unit (and one more
        per KB of payload) unless it is so already. Raises InvalidInputError, InvalidValueError, ItemTooLargeError;
        MissingExtraError without the extra `cron`.
        """
        text = self._payload_content(kind, payload, objects=False).text
        times = {"name": name, "cron": cron, "timezone": timezone, "misfire": misfire}
        asked = schedule_of({**times, "kind": kind, "payload": text}, how, self.context.clock.now())
        self._scheduled(asked, asked.next_at)  # raises where no such job can be asked for
        return self.run(evolve_schedule(name, partial(changed, asked=asked), self.context, asked))

    def schedules(self) -> Query[Schedule]:
        """The schedules, by name. 1 read unit per 4 KB, a dozen of them."""
        return self.core.query(Schedule.primary()).consistent()

    def unschedule(self, name: str) -> Schedule | None:
        """Delete a schedule, and return it; None where there was none. The jobs it enqueued stay. 1 write unit."""
        return self.core.delete(Schedule, name=name)

    def pause_schedule(self, name: str) -> Schedule:
        """Let a schedule rest. 1 read and 1 write unit. Raises NotFoundError."""
        return self.run(evolve_schedule(name, paused, self.context))

    def resume_schedule(self, name: str) -> Schedule:
        """Let a schedule go on from its next slot; those of the pause are not made up for. Raises NotFoundError."""
        return self.run(evolve_schedule(name, resumed, self.context))

    def tick(self) -> list[Job]:
        """Enqueue the jobs of all slots that are due, each once however many processes tick; the jobs of this call.

        To be called every few seconds, by all workers or by some. 1 read unit per dozen schedules; for each slot what
        the job takes and 2 write units. A slot that meets a job of its unique key passes without one of its own. An
        error of one schedule is raised when all others have had their turn.
        """
        return self.run(tick(self._scheduled, self.context))

    def _scheduled(self, schedule: Schedule, slot: datetime) -> Enqueue:
        how = schedule.how(slot)
        payload = content(schedule.payload, "The payload", objects=False)
        return self._asked(schedule.kind, payload, how, (), self._queues.last(self._queue_of(schedule.kind, how)))
