"""Random histories of jobs against a plain model; the whole table is looked at after every single write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from job_items import Register, clear, steady, watched
from job_model import Model, ModelJob, Refused

from aircraftops_data import CoreTable
from aircraftops_data.errors import (
    AircraftOpsDataError,
    ConditionFailedError,
    TransactionConflictError,
)
from aircraftops_data.jobs import After, Claim, Job, JobOptions, Kind
from aircraftops_data.jobs.jobs import Jobs
from aircraftops_data.jobs.model import Parent
from aircraftops_data.model.schema import JOBS
from aircraftops_data.testing import ManualClock
from aircraftops_data.testing.clock import START
from sweeping import Anew
from twofold import twofold

LEASE = timedelta(seconds=30)
QUEUES = ("a", "b")
MOST_LIVE = 8
SECONDS = st.sampled_from([0, 1, 5, 15, 30, 36, 61, 300, 3600]).map(lambda seconds: timedelta(seconds=seconds))
WAITS = (timedelta(), timedelta(seconds=20))
PLACE = st.integers(0, 1000)
LARGE = "x" * 400


class Fatal(Exception):
    """What no other attempt can mend."""


@dataclass
class Held:
    """A claim that was made once, in whatever state it is by now."""

    claim: Claim
    job: ModelJob


HOW = st.fixed_dictionaries(
    {"queue": st.sampled_from(QUEUES)},
    optional={
        "priority": st.sampled_from(["high", "normal", "low"]),
        "run_at": st.sampled_from([timedelta(seconds=10), timedelta(seconds=90)]),
        "deadline": st.sampled_from([timedelta(seconds=95), timedelta(seconds=400)]),
        "max_attempts": st.integers(1, 3),
        "on_lease_lost": st.sampled_from(["retry", "fail", "hold"]),
        "limit": st.just(("tape", 1)),
    },
)
UNIQUE = st.fixed_dictionaries(
    {"unique": st.just("x")},
    optional={"unique_until": st.sampled_from(["start", "finish", timedelta(seconds=120)])},
)
WORKFLOW = st.fixed_dictionaries({"workflow": st.sampled_from(["w", "v"])})
EDGES = st.lists(st.tuples(PLACE, st.sampled_from(["cancel", "run", "hold"])), max_size=2)


class History(RuleBasedStateMachine):
    """Jobs of one table, and what they should be."""

    core: CoreTable
    clock: ManualClock
    seed: int | None = None

    def __init__(self) -> None:
        super().__init__()
        core, self.transport = watched(self.fresh())
        self.core = steady(core, self.seed)
        self.jobs = Jobs(self.core, kinds=[Kind("kind", fatal=(Fatal,))], options=JobOptions())
        self.model = Model(self.jobs.options, self.clock.now())
        self.held: list[Held] = []

    def fresh(self) -> CoreTable:
        """Empty tables."""
        raise NotImplementedError

    # Asking

    @initialize(how=HOW)
    def begin(self, how: dict[str, Any]) -> None:
        """There are always two jobs, and one of them is claimed."""
        self.enqueue(how, {}, {"workflow": "w"}, [], False)
        self.enqueue({"queue": "a"}, {}, {"workflow": "w"}, [], False)
        self.claim(1, "one")

    @precondition(lambda self: len(list(self.model.live())) < MOST_LIVE)
    @rule(how=HOW, unique=st.just({}) | UNIQUE, workflow=st.just({}) | WORKFLOW, edges=EDGES, large=st.booleans())
    def enqueue(
        self, how: dict[str, Any], unique: dict[str, Any], workflow: dict[str, Any], edges: list[Any], large: bool
    ) -> None:
        """Ask for a job, with whatever may be said of one."""
        there = [job for job in self.model.jobs.values() if workflow and job.workflow == workflow["workflow"]]
        parents = {there[place % len(there)].id: policy for place, policy in edges} if there else {}
        asked = {**how, **unique, **workflow}
        edges_asked = [After(parent, policy) for parent, policy in parents.items()]
        other = self.model.holder(unique["unique"]) if unique else None
        job = self.jobs.enqueue("kind", LARGE if large else 1, **asked, parents=edges_asked)
        if other is not None:
            assert job.id == other.id
        else:
            self.model.enqueue(self._asked(job, asked, parents))

    def _asked(self, job: Job, how: dict[str, Any], parents: dict[str, str]) -> ModelJob:
        now = self.model.now
        given = {name: how[name] for name in ("max_attempts", "on_lease_lost", "workflow", "unique") if name in how}
        asked = ModelJob(job.id, how["queue"], how.get("priority", "normal"), now, parents=parents, **given)
        asked.run_at = now + how["run_at"] if "run_at" in how else None
        asked.deadline_at = now + how["deadline"] if "deadline" in how else None
        asked.unique_until = how.get("unique_until", "finish")
        asked.limit = "tape" if "limit" in how else None
        asked.max_attempts = how.get("max_attempts", 20)
        return asked

    # Claiming

    @rule(count=st.integers(1, 3), worker=st.sampled_from(["one", "other"]))
    def claim(self, count: int, worker: str) -> None:
        """Claim what is due, in the order the model says."""
        claims = self.jobs.claims(self.jobs.claimer(worker, LEASE), *QUEUES, count=count)
        expected: list[ModelJob] = []
        for queue in QUEUES:
            if len(expected) < count:
                expected += self.model.claim(queue, count - len(expected), LEASE)
        assert [(claim.id, claim.token) for claim in claims] == [(job.id, job.fence) for job in expected]
        self.held += [Held(claim, job) for claim, job in zip(claims, expected, strict=True)]

    @precondition(lambda self: self.model.jobs)
    @rule(place=PLACE)
    def claim_by_id(self, place: int) -> None:
        """Claim one job that somebody told of."""
        job = self._any(place)
        claim = self.jobs.claim_by_id(job.id, self.jobs.claimer("one", LEASE))
        assert (claim is not None) == (job.queue not in self.model.paused and self.model.look(job, LEASE))
        if claim is not None:
            self.held.append(Held(claim, job))

    # What holders do, in time and late

    def _holder(self, place: int) -> Held:
        """Any claim there ever was, the later ones more often."""
        return self.held[-1 - min(place % len(self.held), place % 3 if place % 2 else place % len(self.held))]

    @precondition(lambda self: self.held)
    @rule(place=PLACE, act=st.integers(0, 6), choice=st.integers(0, 5))
    def a_holder_acts(self, place: int, act: int, choice: int) -> None:
        """Whatever a holder may do, in time or late."""
        acts = (
            self.complete,
            self.fail,
            self.snooze,
            self.stop,
            self.heartbeat,
            self.write_under_the_fence,
            self.complete_in_a_transaction,
        )
        acts[act](self._holder(place), choice)

    def complete(self, held: Held, choice: int) -> None:
        """It succeeded."""
        self._same(
            lambda: held.claim.complete(LARGE if choice % 2 else None),
            lambda: self.model.complete(held.job, held.claim.token),
        )

    def fail(self, held: Held, choice: int) -> None:
        """It failed, for now or for good."""
        retry_in = (None, *WAITS)[choice % 3]
        error = Fatal() if retry_in is None else ValueError()
        self._same(
            lambda: held.claim.fail(error, retry_in),
            lambda: self.model.fail(held.job, held.claim.token, retry_in),
        )

    def snooze(self, held: Held, choice: int) -> None:
        """Not now; with no delay it is given back."""
        delay = WAITS[choice % 2]
        self._same(
            lambda: held.claim.snooze(delay) if delay else held.claim.release(),
            lambda: self.model.snooze(held.job, held.claim.token, delay),
        )

    def stop(self, held: Held, choice: int) -> None:
        """It gives up."""
        self._same(held.claim.stop, lambda: self.model.stop(held.job, held.claim.token))

    def heartbeat(self, held: Held, choice: int) -> None:
        """It proves to be alive."""

        def expected() -> None:
            self.model.hold(held.job, held.claim.token)
            held.job.lease_until = self.model.now + LEASE

        asked = self._same(held.claim.heartbeat, expected)
        assert asked is None or asked == held.job.cancel_requested

    def write_under_the_fence(self, held: Held, choice: int) -> None:
        """It writes something in a transaction that carries its fence."""
        try:
            with self.core.transaction() as tx:
                tx.add(held.claim.fence())
                tx.put(Register(job_id=held.job.id, token=held.claim.token))
        except TransactionConflictError as refused:
            assert isinstance(refused.reasons[0], ConditionFailedError)
            with pytest.raises(Refused):
                self.model.hold(held.job, held.claim.token)
        else:
            self.model.hold(held.job, held.claim.token)

    def complete_in_a_transaction(self, held: Held, choice: int) -> None:
        """It succeeds together with what it writes; never twice."""

        def write() -> None:
            with self.core.transaction() as tx:
                tx.put(Register(job_id=held.job.id, token=held.claim.token))
                tx.add(held.claim.completion())
            held.claim.complete()

        def expected() -> None:
            self.model.hold(held.job, held.claim.token)
            self.model.complete(held.job, held.claim.token)

        self._same(write, expected)

    # What others do

    def _any(self, place: int) -> ModelJob:
        jobs = list(self.model.jobs.values())
        return jobs[place % len(jobs)]

    @precondition(lambda self: self.model.jobs)
    @rule(place=PLACE, act=st.integers(0, 2))
    def another_acts(self, place: int, act: int) -> None:
        """Whatever may be done from outside."""
        (self.cancel, self.redrive, self.release)[act](place)

    def cancel(self, place: int) -> None:
        """Somebody wants it no more."""
        job = self._any(place)
        self._same(lambda: self.jobs.cancel(job.id), lambda: self.model.cancel(job))

    def redrive(self, place: int) -> None:
        """Somebody wants it once more."""
        job = self._any(place)
        self._same(lambda: self.jobs.redrive(job.id), lambda: self.model.redrive(job))

    def release(self, place: int) -> None:
        """Somebody lets it run whatever it waits for."""
        blocked = [job for job in self.model.jobs.values() if job.state == "blocked"]
        job = blocked[place % len(blocked)] if blocked else self._any(place)
        self._same(lambda: self.jobs.release(job.id), lambda: self.model.release(job))

    @rule(queue=st.sampled_from(QUEUES), choice=st.integers(0, 5))
    def pause(self, queue: str, choice: int) -> None:
        """A queue is paused, or more often goes on."""
        paused = choice == 5
        (self.jobs.pause if paused else self.jobs.resume)(queue)
        (self.model.paused.add if paused else self.model.paused.discard)(queue)

    @rule(by=SECONDS)
    def wait(self, by: timedelta) -> None:
        """Time goes by."""
        self.clock.advance(by)
        self.model.now = self.clock.now()

    @precondition(lambda self: any(True for _ in self.model.live()))
    @rule(place=PLACE, claimed=st.booleans())
    def wait_for(self, place: int, claimed: bool) -> None:
        """Time goes by until the very moment somebody must look at a job, or just about."""
        live = list(self.model.live())
        job = live[place % len(live)]
        moments = [at for at in (job.due_at, job.lease_until) if at is not None and at > self.model.now]
        if moments:
            self.clock.set(moments[place % len(moments)])
            self.model.now = self.clock.now()
        if claimed:
            self.claim(1, "one")

    # What must hold

    def _same(self, real: Callable[[], Any], expected: Callable[[], object]) -> Any:
        """Both do it, or both refuse it in the same way."""
        name, found = None, None
        try:
            found = real()
        except AircraftOpsDataError as refused:
            name = type(refused).__name__
        try:
            expected()
        except Refused as refused:
            assert name == refused.args[0]
        else:
            assert name is None
        return found

    @invariant()
    def every_job_is_as_the_model_has_it(self) -> None:
        """Field by field, as the table has them."""
        found = self.transport.items.jobs
        assert found.keys() == self.model.jobs.keys()
        for job_id, job in self.model.jobs.items():
            assert _seen(found[job_id]) == _modelled(job)
        edges = sorted((edge.job_id, edge.parent_id) for edge in self.transport.items.all(Parent))
        assert edges == sorted((job.id, parent) for job in self.model.jobs.values() for parent in job.parents)


def _seen(job: Job) -> tuple[Any, ...]:
    times = (job.due_at, job.lease_until, job.deadline_at)
    counts = (job.fence, job.attempt, len(job.failures), job.lease_losses)
    return str(job.state), *times, *counts, job.cancel_requested_at is not None, job.held is not None


def _modelled(job: ModelJob) -> tuple[Any, ...]:
    times = (job.due_at, job.lease_until, job.deadline_at)
    counts = (job.fence, job.attempt, min(job.failures, 10), job.lease_losses)
    return job.state, *times, *counts, job.cancel_requested, job.held


def settled(examples: int, steps: int) -> settings:
    """So many histories of so many steps."""
    quiet = list(HealthCheck)
    return settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=quiet, print_blob=True
    )


@pytest.mark.parametrize(
    ("engine", "much"),
    [
        pytest.param("moto", settled(3, 40), id="moto"),
        pytest.param("memory", settled(40, 50), id="memory"),
        pytest.param("local", settled(15, 50), marks=pytest.mark.slow, id="local"),
    ],
    indirect=["engine"],
)
def test_jobs_do_what_the_model_says_and_the_table_is_sound_after_every_write(
    anew: Anew, engine: str, clock: ManualClock, much: settings
) -> None:
    """Where DynamoDB Local is the engine, the one in memory must give the same answers beside it."""

    class Here(History):
        seed = 0 if engine == "memory" else None

        def fresh(self) -> CoreTable:
            self.clock = clock
            clock.set(START, backwards=True)
            core = anew(JOBS, clock=clock)
            clear(core)
            return twofold(core) if engine == "local" else core

    run_state_machine_as_test(Here, settings=much)
