"""Between here and the engine things go wrong, at each request of each call: it took effect once, or not at all, and
nothing is ever half done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from job_items import Items, assert_sound, clear, steady, watched

from aircraftops_data import CoreTable
from aircraftops_data.errors import AircraftOpsDataError, StoreError
from aircraftops_data.jobs import After, Claim, Job, JobState, OnFailure
from aircraftops_data.jobs.jobs import Jobs
from aircraftops_data.model.schema import JOBS
from aircraftops_data.testing import ManualClock
from faults import FAULTS, At, before, kind_of, passing, throttled
from sweeping import Anew, by_name, swept

# Every case at every request: together more than the fast lane has time for.
pytestmark = pytest.mark.slow

LARGE = "x" * 1000
HOUR = timedelta(hours=1)


@dataclass
class World:
    """A table, the others' way to it, and one where things go wrong."""

    core: CoreTable
    clock: ManualClock
    quiet: Jobs
    jobs: Jobs
    transport: At
    made: dict[str, Any] = field(default_factory=dict[str, Any])

    def job(self, kind: str, **how: Any) -> Job:
        """A job made in peace."""
        job = self.quiet.enqueue(kind, id=kind, **how)
        self.made[kind] = job
        return job

    def claim(self, kind: str, **how: Any) -> Claim:
        """A job made and claimed in peace, in the hands of one to whom things will happen."""
        self.job(kind, queue=kind, **how)
        claim = self.jobs.claim(kind, worker="w1")
        assert claim is not None
        self.made[kind] = claim
        return claim

    def seen(self) -> list[tuple[Any, ...]]:
        """What became of all jobs, once time has gone by and others have looked after those that wait."""
        self.clock.advance(2 * HOUR)
        for _ in range(3):
            self.quiet.claims(self.quiet.claimer("later"), "children", count=20)
        items = Items.of(self.core)
        assert_sound(items, self.clock.now())
        return sorted(_seen(job) for job in items.jobs.values())


def _seen(job: Job) -> tuple[Any, ...]:
    progress = None if job.progress is None else job.progress.done
    return job.kind, str(job.state), job.fence, job.attempt, len(job.failures), job.payload, job.result, progress


@dataclass(frozen=True)
class Case:
    """A call, and what there is before it."""

    prepare: Callable[[World], object]
    call: Callable[[World], Any]
    again: bool = False
    """Whether it may be said again when nobody knows what became of it."""
    may_miss: bool = False
    """Whether it may come back with nothing, for another try."""


def _family(world: World, claim: Claim) -> None:
    parents = {"queue": "children", "workflow": "w"}
    children = {policy: world.job(policy, parents=[After(claim.job, policy)], **parents) for policy in OnFailure}
    world.job("grandchild", parents=[children[OnFailure.CANCEL]], **parents)


def _parent(world: World) -> None:
    _family(world, world.claim("parent", workflow="w"))


def _ended_parents(world: World) -> None:
    for kind in ("one", "two"):
        world.claim(kind, workflow="w")
    world.made["one"].complete()


def _dead(world: World, **how: Any) -> None:
    world.claim("job", max_attempts=1, **how).fail(ValueError())


def _untold(world: World) -> None:
    """A blocked job whose parent ended without telling it."""
    claim = world.claim("parent", workflow="w")
    world.job("child", queue="waiting", parents=[claim.job], workflow="w")
    world.clock.advance(HOUR)
    world.transport.plan(throttled, 1, 99)
    with pytest.raises(StoreError):
        claim.complete()


def _lost(world: World) -> None:
    world.claim("job", limit=("tape", 1))
    world.clock.advance(HOUR)


def _enqueue(world: World, **how: Any) -> Job:
    return world.jobs.enqueue("new", **how)


def _claimed(queue: str) -> Callable[[World], Claim | None]:
    return lambda world: world.jobs.claim(queue, worker="w2")


def _held(call: Callable[[Claim], Any], kind: str = "job") -> Callable[[World], Any]:
    return lambda world: call(world.made[kind])


def _nothing(world: World) -> None:
    """Nothing is there."""


CASES = {
    "enqueue": Case(_nothing, _enqueue),
    "enqueue a large payload": Case(_nothing, lambda world: _enqueue(world, payload=LARGE)),
    "enqueue with a key": Case(_nothing, lambda world: _enqueue(world, unique="key"), again=True),
    "enqueue with a key that is taken": Case(
        lambda world: world.quiet.enqueue("new", unique="key"), lambda world: _enqueue(world, unique="key"), again=True
    ),
    "enqueue with parents": Case(
        _ended_parents,
        lambda world: _enqueue(
            world, workflow="w", queue="children", parents=[world.made["one"].id, world.made["two"].id]
        ),
    ),
    "enqueue with a parent that has ended": Case(
        _ended_parents, lambda world: _enqueue(world, workflow="w", queue="children", parents=[world.made["one"].id])
    ),
    "claim": Case(lambda world: world.job("job"), _claimed("default"), may_miss=True),
    "claim under a limit": Case(
        lambda world: world.job("job", limit=("tape", 1), unique="key"), _claimed("default"), may_miss=True
    ),
    "claim of a lost lease": Case(_lost, _claimed("job"), may_miss=True),
    "claim that finds a lost job": Case(
        lambda world: (world.claim("job", on_lease_lost="fail"), world.clock.advance(HOUR)),
        _claimed("job"),
        may_miss=True,
    ),
    "claim that finds a child nobody told": Case(_untold, _claimed("waiting"), may_miss=True),
    "heartbeat": Case(lambda world: world.claim("job"), _held(lambda claim: claim.heartbeat()), again=True),
    "progress": Case(lambda world: world.claim("job"), _held(lambda claim: claim.progress(5)), again=True),
    "complete": Case(lambda world: world.claim("job"), _held(lambda claim: claim.complete("done")), again=True),
    "complete with a large result": Case(
        lambda world: world.claim("job", unique="key", limit=("tape", 1)),
        _held(lambda claim: claim.complete(LARGE)),
        again=True,
    ),
    "the end of a parent": Case(_parent, _held(lambda claim: claim.complete(), "parent"), again=True),
    "the failure of a parent": Case(_parent, _held(lambda claim: claim.stop(), "parent")),
    "fail": Case(lambda world: world.claim("job"), _held(lambda claim: claim.fail(ValueError(), HOUR))),
    "snooze": Case(lambda world: world.claim("job", limit=("tape", 1)), _held(lambda claim: claim.snooze(HOUR))),
    "cancel": Case(
        lambda world: world.job("job", unique="key"), lambda world: world.jobs.cancel(world.made["job"].id), again=True
    ),
    "cancel what runs": Case(
        lambda world: world.claim("job"), lambda world: world.jobs.cancel(world.made["job"].id), again=True
    ),
    "redrive": Case(
        lambda world: _dead(world, unique="key", payload=LARGE), lambda world: world.jobs.redrive(world.made["job"].id)
    ),
    "release": Case(
        lambda world: _family(world, world.claim("parent", workflow="w")),
        lambda world: world.jobs.release(world.made["hold"].id),
    ),
    "pause": Case(lambda world: world.job("job"), lambda world: world.jobs.pause("default"), again=True),
}


PASSING = ("reply lost", "request lost")
"""After these nobody need know that anything went wrong."""


@contextmanager
def prepared(anew: Anew, clock: ManualClock, case: Case, *, looking: bool = False) -> Iterator[World]:
    """A world for a case, on an empty table; `looking` at it after every write."""
    core = anew(JOBS, clock=clock)
    clear(core)
    looked_at = watched(steady(core))[0] if looking else steady(core)
    transport = At(looked_at.runner.transport)
    jobs = Jobs(type(core)(transport, looked_at.context))
    world = World(core, clock, Jobs(looked_at), jobs, transport)
    case.prepare(world)
    transport.plan(passing, 0, 0)
    yield world


def undisturbed(anew: Anew, clock: ManualClock, case: Case) -> tuple[list[Any], list[Any], list[str]]:
    """What is so without the call, and after it; and the requests it takes."""
    with prepared(anew, clock, case) as world:
        without = world.seen()
    with prepared(anew, clock, case) as world:
        case.call(world)
        sent = list(world.transport.sent)
        return without, world.seen(), sent


@swept(CASES, "claim under a limit", "enqueue with parents", "redrive")
def test_a_call_takes_effect_once_or_not_at_all(anew: Anew, clock: ManualClock, case: Case) -> None:
    without, after, sent = undisturbed(anew, clock, case)
    for name, (fault, times, kinds) in FAULTS.items():
        for place in (place for place, operation in enumerate(sent) if kind_of(operation) in kinds):
            with prepared(anew, clock, case) as world:
                world.transport.plan(fault, place, times)
                raised, found = _called(case, world)
                world.transport.plan(passing, 0, 0)
                assert_sound(Items.of(world.core), clock.now())
                if raised and case.again:
                    assert _called(case, world)[0] is None
                left = world.seen()
            assert raised is None or name not in PASSING, (name, place)
            unknown = (raised is not None and not case.again) or (found is None and case.may_miss)
            assert left in ((without, after) if unknown else (after,)), (name, place)


def _called(case: Case, world: World) -> tuple[AircraftOpsDataError | None, Any]:
    try:
        return None, case.call(world)
    except AircraftOpsDataError as error:
        return error, None


OTHERS: dict[str, Callable[[World, Job], object]] = {
    "cancels it": lambda world, job: world.quiet.cancel(job.id),
    "redrives it": lambda world, job: world.quiet.redrive(job.id),
    "releases it": lambda world, job: world.quiet.release(job.id),
    "claims it when its lease is over": lambda world, job: (
        world.clock.advance(HOUR),
        world.quiet.claim_by_id(job.id, world.quiet.claimer("other")),
    ),
    "takes its key": lambda world, job: world.quiet.enqueue("new", unique="key"),
}


@pytest.mark.parametrize("other", by_name(OTHERS))
@swept(CASES, "claim under a limit", "complete with a large result")
def test_another_may_come_in_between_anywhere(
    anew: Anew, clock: ManualClock, case: Case, other: Callable[[World, Job], object]
) -> None:
    """Every write on the way is looked at; who is told of success finds it in the table."""
    _, _, sent = undisturbed(anew, clock, case)
    for place in range(len(sent)):
        with prepared(anew, clock, case, looking=True) as world:

            def interfere() -> None:
                for job in Items.of(world.core).jobs.values():
                    # Whether the other succeeds does not matter here.
                    with suppress(AircraftOpsDataError):
                        other(world, job)

            world.transport.plan(before(interfere), place, 1)
            raised, found = _called(case, world)
            assert not isinstance(raised, StoreError)
            if isinstance(found, Claim):
                assert world.quiet.get(found.id).fence >= found.token
            if isinstance(found, Job) and found.state is not JobState.BLOCKED:
                assert world.quiet.get(found.id).version >= found.version
