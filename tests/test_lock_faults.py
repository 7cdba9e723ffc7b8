"""Between a lock's holder and the engine things go wrong, at each request of each call: it took effect once, or it was
refused and can be said again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from aircraftops_data import JOBS, CoreTable
from aircraftops_data.clock import Chance, Retry
from aircraftops_data.coordination import Lock, Locks, LockState, locking
from aircraftops_data.core.context import Context
from aircraftops_data.errors import (
    AircraftOpsDataError,
    ConflictError,
    LockHeldError,
    LockLostError,
    StoreError,
    TimeoutError,
)
from aircraftops_data.request import Request, Response
from aircraftops_data.testing import ManualClock
from faults import FAULTS, At, Send, before, kind_of, lost_reply, lost_request, passing
from sim_engine import MemoryEngine

NAME = "tape"
LEASE = timedelta(seconds=10)
LONG = timedelta(minutes=2)


@dataclass
class World:
    """An engine, another's way to it, and one where things go wrong."""

    clock: ManualClock = field(default_factory=ManualClock)
    seed: int = 7

    def __post_init__(self) -> None:
        engine = MemoryEngine(self.clock.monotonic)
        self.transport = At(engine)
        self.engine = engine
        self.other = Locks(CoreTable(engine, self._context()))
        self.locks = Locks(CoreTable(self.transport, self._context()))
        self.held: Any = None

    def _context(self) -> Context:
        self.seed += 1
        return Context(clock=self.clock, chance=Chance(Random(self.seed)), retry=Retry(attempts=4))

    def take(self) -> None:
        """Have the lock, in peace."""
        self.held = self.locks.acquire(NAME, lease=LEASE)

    def seen(self) -> tuple[int, str, str | None]:
        """The lock as anybody finds it; its token says how often it was taken or released by force."""
        found = [item for item in self.engine.items(JOBS.name) if item["entity_type"]["S"] == "lock"]
        if not found:
            return 0, "", None
        owner = found[0].get("owner", {}).get("S")
        return int(found[0]["token"]["N"]), found[0]["state"]["S"], owner


@dataclass(frozen=True)
class Case:
    """A call, and what there is before it."""

    prepare: Callable[[World], object]
    call: Callable[[World], Any]
    done: tuple[type[AircraftOpsDataError], ...] = ()
    """What says, to who asks again, that it was done before."""


def acquire(world: World) -> Lock:
    """Take the lock, as long as it may take."""
    return world.locks.acquire(NAME, lease=LEASE, wait=LONG, owner="me")


def leave(world: World) -> None:
    """A lock that was held and is free."""
    world.other.acquire(NAME).release()


CASES = {
    "acquire, a new lock": Case(lambda world: None, acquire),
    "acquire, a free lock": Case(leave, acquire),
    "acquire, a lock left behind": Case(lambda world: world.other.acquire(NAME, lease=LEASE), acquire),
    "heartbeat": Case(World.take, lambda world: world.held.heartbeat()),
    "release": Case(World.take, lambda world: world.held.release()),
    "release by force": Case(World.take, lambda world: world.locks.release(NAME, world.held.token), (LockLostError,)),
}
cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def prepared(case: Case) -> World:
    """A world in which all is well so far."""
    world = World()
    case.prepare(world)
    world.transport.plan(passing, 0, 0)
    return world


def called(case: Case, world: World) -> tuple[AircraftOpsDataError | None, Any]:
    """What was raised, and what was given."""
    try:
        return None, case.call(world)
    except AircraftOpsDataError as error:
        return error, None


@cases
def test_a_call_takes_effect_once_or_is_refused_and_can_be_said_again(case: Case) -> None:
    world = prepared(case)
    without = world.seen()
    case.call(world)
    after, sent = world.seen(), list(world.transport.sent)
    assert sent
    for name, (fault, times, kinds) in FAULTS.items():
        for place in (place for place, operation in enumerate(sent) if kind_of(operation) in kinds):
            world = prepared(case)
            world.transport.plan(fault, place, times)
            raised, found = called(case, world)
            world.transport.plan(passing, 0, 0)
            assert world.seen() in ((without, after) if raised else (after,)), (name, place)
            if raised:
                assert isinstance(raised, StoreError)
                again, found = called(case, world)
                assert again is None or isinstance(again, case.done), (name, place)
                assert world.seen()[1:] == after[1:], (name, place)
            if isinstance(found, Lock):
                works(world, found)


def works(world: World, lock: Lock) -> None:
    """The lock that was given is held, by its token, and can be kept and given back."""
    assert world.seen()[:2] == (lock.token, LockState.HELD)
    lock.check()
    lock.heartbeat()
    lock.release()
    assert world.seen()[:2] == (lock.token, LockState.FREE)


def release_by_force(world: World) -> None:
    """As an operator does who has just looked."""
    world.other.release(NAME, world.seen()[0])


def take_by_force(world: World) -> None:
    """As one who cannot wait."""
    release_by_force(world)
    world.other.acquire(NAME)


OTHERS: dict[str, Callable[[World], object]] = {
    "takes it": lambda world: world.other.acquire(NAME),
    "takes it and gives it back": lambda world: world.other.acquire(NAME).release(),
    "releases it by force": release_by_force,
    "releases it by force and takes it": take_by_force,
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
@cases
def test_another_may_come_in_between_anywhere(case: Case, other: Callable[[World], object]) -> None:
    world = prepared(case)
    case.call(world)
    for place in range(len(world.transport.sent)):
        world = prepared(case)

        def interfere(world: World = world) -> None:
            with suppress(AircraftOpsDataError):
                other(world)

        world.transport.plan(before(interfere), place, 1)
        raised, found = called(case, world)
        assert raised is None or isinstance(raised, ConflictError), place
        if isinstance(found, Lock):
            works(world, found)
        if isinstance(raised, LockLostError):
            assert world.seen()[0] > world.held.token


# What was found out by the simulation


def test_who_began_to_give_a_lock_back_holds_it_no_more() -> None:
    """Nobody knows whether it is free by now, whatever a heartbeat says."""
    world = prepared(CASES["release"])
    world.transport.plan(lost_request, 0, 3)
    with pytest.raises(TimeoutError):
        world.held.release()
    world.held.heartbeat()
    with pytest.raises(LockLostError):
        world.held.check()
    world.held.release()
    assert world.seen()[:2] == (1, LockState.FREE)


def test_a_release_that_was_not_answered_is_not_called_a_loss_when_it_is_said_again() -> None:
    world = prepared(CASES["release"])
    world.transport.plan(lost_reply, 0, 3)
    with pytest.raises(TimeoutError):
        world.held.release()
    assert world.seen()[:2] == (1, LockState.FREE)
    world.held.release()


def test_a_look_that_another_acquisition_tears_takes_nothing_from_the_living() -> None:
    """The beat is read before another takes the lock of one that died, its token after."""
    world = World()
    world.other.acquire(NAME, lease=LEASE)
    with pytest.raises(ConflictError):
        world.locks.acquire(NAME)
    heir = Locks(world.other.core)
    with pytest.raises(ConflictError):
        heir.acquire(NAME)
    world.clock.advance(LONG)
    taken: list[Lock] = []

    def torn(request: Request, send: Send) -> Response:
        old = {repr(item["SK"]): item for item in send(request)["Items"] if item["SK"]["S"] == "BEAT"}
        taken.append(heir.acquire(NAME))
        answer = send(request)
        return {**answer, "Items": [old.get(repr(item["SK"]), item) for item in answer["Items"]]}

    world.transport.plan(torn, 0, 1)
    with pytest.raises(ConflictError):
        world.locks.acquire(NAME)
    works(world, taken[0])


def test_an_acquisition_heard_of_too_late_is_renewed_before_it_is_given() -> None:
    world = prepared(CASES["acquire, a free lock"])

    def late(request: Request, send: Send) -> Response:
        answer = send(request)
        world.clock.advance(LEASE)
        return answer

    world.transport.plan(late, 1, 1)
    works(world, acquire(world))


def test_of_locks_that_others_hold_no_more_are_remembered_than_may_be_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    monkeypatch.setattr(locking, "_WATCHED", 3)
    for number in range(10):
        world.other.acquire(f"{NAME}-{number}")
        with pytest.raises(LockHeldError):
            world.locks.acquire(f"{NAME}-{number}")
    assert list(world.locks._sightings._since) == [f"{NAME}-{number}" for number in (7, 8, 9)]
