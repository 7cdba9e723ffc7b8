"""Changes of every mode, made or undone in every way, and what must hold of them once that is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from change_journal import (
    ChangeCall,
    assert_sound,
    call,
    count,
    declared,
    keys_called,
    make_tallies,
    steps_of,
    tallies,
)

from aircraftops_data import CoreTable
from aircraftops_data.clock import Chance, Retry
from aircraftops_data.coordination import Change, ChangeContext, ChangeOptions, Changes, ChangeState, LockOptions
from aircraftops_data.core.context import Context
from aircraftops_data.errors import (
    AircraftOpsDataError,
    ChangeFailedError,
    ChangeStoppedError,
    ConflictError,
    InvalidInputError,
)
from aircraftops_data.model.schema import CORE, JOBS
from aircraftops_data.request import Plan, Request, Response, Transport, Wait
from aircraftops_data.testing import ManualClock
from faults import Fault, Send, lost_reply, lost_request, passing, throttled
from sweeping import Anew

CHUNKS = 3
WHY = "a test"


class Crash(BaseException):
    """Nothing catches it, as nothing catches SIGKILL."""


class Interrupt(BaseException):
    """Nothing catches it, but all is left in order, as with Ctrl-C."""


class At:
    """A transport that meets a fault at some request, and perhaps at those behind it; after a crash it is dead."""

    def __init__(self, inner: Transport, fault: Fault = passing, place: int = 0, times: int = 1) -> None:
        self._inner = inner
        self._fault = fault
        self._places = range(place, place + times)
        self._dead = False
        self.sent: list[str] = []
        self.done: list[tuple[int, str]] = []
        """What the engine did: the numbers of the requests that came back, and what they were."""

    def send(self, request: Request) -> Response:
        """The response, or what the fault makes of it."""
        if self._dead:
            raise Crash
        place = len(self.sent)
        self.sent.append(request.operation)
        try:
            response = (self._fault if place in self._places else passing)(request, self._inner.send)
        except Crash:
            self._dead = True
            raise
        self.done.append((place, request.operation))
        return response


def crash_before(request: Request, send: Send) -> Response:
    """It dies before anything is sent."""
    raise Crash


def crash_after(request: Request, send: Send) -> Response:
    """It dies when the engine has done what was asked."""
    with suppress(ConflictError):
        send(request)
    raise Crash


def interrupted_after(request: Request, send: Send) -> Response:
    """Somebody presses Ctrl-C while the answer is on its way."""
    with suppress(ConflictError):
        send(request)
    raise Interrupt


FAULTS: dict[str, tuple[Fault, int]] = {
    "reply lost": (lost_reply, 1),
    "replies lost until it gives up": (lost_reply, 3),
    "request lost": (lost_request, 1),
    "requests lost until it gives up": (lost_request, 3),
    "throttled": (throttled, 3),
    "dead before it": (crash_before, 1),
    "dead after it": (crash_after, 1),
    "interrupted after it": (interrupted_after, 1),
}
FOR_READS = ("request lost", "throttled", "dead before it")
"""A reply to a read that is lost is as good as a request."""
PASSING = ("reply lost", "request lost")
"""After these nobody need know that anything went wrong."""


@dataclass
class World:
    """Changes of a scope of their own, what they write, and who makes them."""

    core: CoreTable
    clock: ManualClock
    name: str = field(default_factory=lambda: Chance().identifier())
    errs: set[str] = field(default_factory=set[str])
    """Which functions fail, once each."""

    def at(self, fault: Fault = passing, place: int = 0, times: int = 1) -> At:
        """A way to the engine that meets a fault."""
        return At(self.core.runner.transport, fault, place, times)

    def maker(self, transport: Transport | None = None, clock: ManualClock | None = None, **retry: Any) -> Changes:
        """Somebody who makes changes, over a connection of theirs."""
        quick = {"attempts": 3, "first_seconds": 0.05, "most_seconds": 1.0, **retry}
        context = replace(self.core.context, clock=clock or self.clock, retry=Retry(**quick))
        core = CoreTable(transport or self.core.runner.transport, context)
        return Changes(core, options=ChangeOptions(scope=self.name))

    def other(self) -> Changes:
        """Somebody else, who looks at a held lock now and then."""
        changes = self.maker(clock=ManualClock(), first_seconds=5.0, most_seconds=20.0)
        changes._locks.options = LockOptions(poll=timedelta(seconds=20))
        return changes

    def prepare(self) -> None:
        """The tallies, all at nothing."""
        make_tallies(self.core, [*self.places("atomic"), *self.places("chunked")])

    def places(self, mode: str) -> list[str]:
        """The tallies of a change."""
        return [f"{self.name}-{mode}-{number}" for number in range(CHUNKS if mode == "chunked" else 1)]

    def change(self, mode: str, **options: Any) -> Change:
        """A change that is made so, and how it is undone."""
        function = {"atomic": self._atomic, "chunked": self._chunk, "external": self._external}[mode]
        return declared(
            mode, lambda c: function(c, mode, 1), lambda c: function(c, mode, -1), mode=mode, order=mode, **options
        )

    def _atomic(self, context: ChangeContext, id: str, by: int) -> None:
        (place,) = self.places("atomic")
        count(context, place, by)
        self._err(id, by)

    def _chunk(self, context: ChangeContext, id: str, by: int) -> None:
        number = int(context.cursor or 0)
        count(context, self.places("chunked")[number], by)
        if number == 1:
            self._err(id, by)
        context.go_on(str(number + 1) if number + 1 < CHUNKS else None, done=1, total=CHUNKS)

    def planned(self) -> Change:
        """A change in chunks by a plan, which does no I/O of its own."""
        made = Change("chunked", plan=self._plan, mode="chunked", source="chunked")
        made.rolls_back(lambda c: self._chunk(c, "chunked", -1))
        return made

    def _plan(self, chunk: Any, context: Context) -> Plan[None]:
        yield Wait(0.001)
        self._chunk(chunk, "chunked", 1)

    def _external(self, context: ChangeContext, id: str, by: int) -> None:
        call(context, f"{self.name}{by:+}")
        self._err(id, by)

    def _err(self, id: str, by: int) -> None:
        what = f"{id}{by:+}"
        if what in self.errs:
            self.errs.remove(what)
            raise ArithmeticError("this was to fail once")

    def probe(self, context: ChangeContext) -> bool:
        """Whether it was called with this key."""
        found = context.core.query(ChangeCall.primary(place=f"{self.name}+1")).consistent()
        return any(one.key == context.idempotency_key for one in found)

    def made(self, mode: str) -> list[int]:
        """How often each part of a change counts."""
        return tallies(self.core, self.places(mode))

    def calls(self, by: int = 1) -> dict[str, int]:
        """How often each key was called with."""
        return dict(keys_called(self.core, f"{self.name}{by:+}"))


@dataclass(frozen=True)
class Case:
    """Changes, and what is done with them."""

    declare: Callable[[World], list[Change]]
    errs: Sequence[str] = ()
    """Which functions fail the first time."""
    undoes: bool = False
    """Whether they are made in peace first, and then undone."""

    def prepared(self, anew: Anew) -> tuple[World, list[Change]]:
        """A world of which nothing is known yet."""
        world = World(anew(CORE, JOBS), ManualClock(), errs=set(self.errs))
        world.prepare()
        changes = self.declare(world)
        if self.undoes:
            world.other().apply(changes)
        return world, changes

    def go(self, maker: Changes, changes: list[Change]) -> None:
        """Make them, or undo them."""
        if not self.undoes:
            maker.apply(changes)
        for change in changes if self.undoes else ():
            maker.roll_back(change, reason=WHY)

    def finish(self, world: World, changes: list[Change]) -> None:
        """Go on until it is done, each time by another who does what the errors ask for."""
        for _ in range(5):
            try:
                self.go(world.other(), changes)
            except ChangeFailedError:
                continue
            except ChangeStoppedError as stopped:
                (change,) = (one for one in changes if one.id == stopped.change_id)
                world.other().roll_back(change, reason=WHY)
            except InvalidInputError:
                assert self.undoes
                return
            else:
                return
        raise AssertionError("this does not come to an end")


def _one(mode: str, **options: Any) -> Callable[[World], list[Change]]:
    return lambda world: [world.change(mode, **options)]


def _bare(mode: str, **options: Any) -> Callable[[World], list[Change]]:
    def changes(world: World) -> list[Change]:
        change = world.change(mode, **options)
        change.rollback = None
        return [change]

    return changes


def _probed(world: World) -> list[Change]:
    change = world.change("external", recovery="probe")
    change.probes(world.probe)
    return [change]


def _all(world: World) -> list[Change]:
    return [world.change("atomic"), world.change("chunked"), world.change("external", recovery="retry")]


CASES = {
    "atomic": Case(_one("atomic")),
    "atomic, without a rollback": Case(_bare("atomic")),
    "chunked": Case(_one("chunked")),
    "chunked, without a rollback": Case(_bare("chunked")),
    "chunked, by a plan": Case(lambda world: [world.planned()]),
    "chunked, and a chunk fails": Case(_one("chunked"), ["chunked+1"]),
    "external": Case(_one("external", recovery="retry")),
    "external, without a rollback": Case(_bare("external", recovery="retry")),
    "external, with a probe": Case(_probed),
    "external, it fails": Case(_bare("external", recovery="retry"), ["external+1"]),
    "external, it fails and is rolled back": Case(_one("external", recovery="retry"), ["external+1"]),
    "all three": Case(_all),
    "atomic, undone": Case(_one("atomic"), undoes=True),
    "chunked, undone": Case(_one("chunked"), undoes=True),
    "chunked, and undoing it fails": Case(_one("chunked"), ["chunked-1"], undoes=True),
    "external, undone": Case(_one("external", recovery="retry"), undoes=True),
}


def requests_of(anew: Anew, case: Case) -> list[str]:
    """The requests it takes when nothing goes wrong."""
    world, changes = case.prepared(anew)
    transport = world.at()
    with suppress(ChangeFailedError):
        case.go(world.maker(transport), changes)
    return transport.sent


def failure(case: Case, maker: Changes, changes: list[Change]) -> BaseException | None:
    """What making them raises."""
    try:
        case.go(maker, changes)
    except (AircraftOpsDataError, Crash, Interrupt) as error:
        return error
    return None


def assert_done_once(case: Case, world: World, changes: list[Change], *, exactly: bool) -> None:
    """The effects are what they should be, and the history is; external calls are counted `exactly` or at least."""
    entries = assert_sound(world.other(), None if case.undoes else changes)
    records = {record.id: record for record in world.other().records()}
    for change in changes:
        state = ChangeState.ROLLED_BACK if case.undoes else ChangeState.APPLIED
        assert records[change.id].state is state
        ends = steps_of(entries, change.id)
        assert ends.count(("applied", "apply")) == 1
        assert ends[-1] == (str(state), "roll_back" if case.undoes else "apply")
        if change.mode == "external":
            _assert_called(case, world, records[change.id].generation, exactly=exactly)
        else:
            assert world.made(change.id) == [int(not case.undoes)] * len(world.places(change.id))
    latest = records[changes[-1].id]
    assert (latest.chunks, latest.done) == ((CHUNKS, CHUNKS) if latest.mode == "chunked" else (0, 0))


def _assert_called(case: Case, world: World, generation: int, *, exactly: bool) -> None:
    """At least once with the key of the generation that stands, and never with any that is not of a generation."""
    calls, undone = world.calls(), world.calls(-1)
    made = f"{world.name}:external:{generation - case.undoes}"
    assert calls[made] >= 1
    assert calls.keys() <= {f"{world.name}:external:{number}" for number in range(generation + 1)}
    assert undone.keys() <= {f"{world.name}:external:{number}:undo" for number in range(generation)}
    if case.undoes:
        assert undone[f"{made}:undo"] >= 1
    if exactly and not case.errs:
        assert set((calls | undone).values()) == {1}
