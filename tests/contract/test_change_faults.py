"""Between here and the engine things go wrong, at each request of each way to make or undo changes: done until it is
done, each effect is there once, and the history tells all of it in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
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

from aircraftops_data import AsyncCoreTable, CoreTable
from aircraftops_data.clock import Chance, Retry
from aircraftops_data.coordination import Change, ChangeContext, ChangeOptions, Changes, ChangeState, LockOptions
from aircraftops_data.coordination.aio.changes import AsyncChanges
from aircraftops_data.core.context import Context
from aircraftops_data.errors import (
    AircraftOpsDataError,
    ChangeFailedError,
    ChangeStoppedError,
    ConflictError,
    InvalidInputError,
    LockLostError,
    StoreError,
)
from aircraftops_data.model.schema import CORE, JOBS
from aircraftops_data.request import AsyncTransport, Plan, Request, Response, Transport, Wait
from aircraftops_data.testing import ManualClock, local_session
from aircraftops_data.transports.aio import async_direct_transport
from faults import READS, Fault, Send, lost_reply, lost_request, passing, throttled

pytestmark = pytest.mark.parametrize("engine", [pytest.param("local-direct", marks=pytest.mark.slow)], indirect=True)

Connect = Callable[..., CoreTable]
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

    def prepared(self, core: CoreTable) -> tuple[World, list[Change]]:
        """A world of which nothing is known yet."""
        world = World(core, ManualClock(), errs=set(self.errs))
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


@pytest.fixture
def core(connect: Connect) -> CoreTable:
    """Both tables."""
    return connect(CORE, JOBS)


def by_name(table: dict[str, Any]) -> list[Any]:
    return [pytest.param(value, id=name) for name, value in table.items()]


def requests_of(core: CoreTable, case: Case) -> list[str]:
    """The requests it takes when nothing goes wrong."""
    world, changes = case.prepared(core)
    transport = At(core.runner.transport)
    with suppress(ChangeFailedError):
        case.go(world.maker(transport), changes)
    return transport.sent


@pytest.mark.parametrize("case", by_name(CASES))
def test_whatever_goes_wrong_at_any_request_each_effect_is_there_once(core: CoreTable, case: Case) -> None:
    sent = requests_of(core, case)
    for name, (fault, times) in FAULTS.items():
        for place in (place for place, what in enumerate(sent) if what not in READS or name in FOR_READS):
            world, changes = case.prepared(core)
            raised = _failure(case, world.maker(At(core.runner.transport, fault, place, times)), changes)
            allowed = (ChangeFailedError,) if name in PASSING else (ChangeFailedError, StoreError, Crash, Interrupt)
            assert raised is None or isinstance(raised, allowed), (name, place, raised)
            assert_sound(world.other())
            case.finish(world, changes)
            assert_done_once(case, world, changes, exactly=raised is None)


def _failure(case: Case, maker: Changes, changes: list[Change]) -> BaseException | None:
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


def test_a_task_that_is_cancelled_at_any_request_leaves_all_in_order(core: CoreTable, client: Any) -> None:
    """The lock is given back on the way; only an acquisition nobody heard of stays until its lease is over."""

    async def made(world: World, place: int) -> tuple[bool, list[str]]:
        transport = Cancelling(async_direct_transport(client=client), place)
        maker = AsyncChanges(AsyncCoreTable(transport, core.context), options=ChangeOptions(scope=world.name))
        try:
            await maker.apply(_in_asyncio(world))
        except asyncio.CancelledError:
            return False, transport.sent
        return True, transport.sent

    done, place = False, 0
    while not done:
        world = World(core, ManualClock())
        world.prepare()
        done, sent = asyncio.run(made(world, place))
        assert_sound(world.other())
        held = place == sent.index("TransactWriteItems") if "TransactWriteItems" in sent else False
        other = world.other()
        other.options = replace(other.options, wait=timedelta(minutes=1) if held else timedelta())
        other.apply([world.change("chunked")])
        assert_done_once(CASES["chunked"], world, [world.change("chunked")], exactly=False)
        place += 1
    assert place > 8


class Cancelling:
    """An asyncio transport whose user is cancelled when the engine has done what the request of this number asks."""

    def __init__(self, inner: AsyncTransport, place: int) -> None:
        self._inner = inner
        self._place = place
        self.sent: list[str] = []

    async def send(self, request: Request) -> Response:
        """The response, for who is still there."""
        self.sent.append(request.operation)
        last = len(self.sent) == self._place + 1
        response = await self._inner.send(request)
        if last:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(0)
        return response


def _in_asyncio(world: World) -> list[Change]:
    """The chunked change, by a coroutine."""

    async def chunk(context: Any) -> None:
        world._chunk(context, "chunked", 1)

    return [Change("chunked", chunk, mode="chunked", source="chunked")]


# What people say

Say = Callable[[Changes], object]


def _nothing(source: str) -> Change:
    return Change("it", lambda context: None, source=source)


SAYING: dict[str, tuple[Say, Say, str]] = {
    "resolve": (
        lambda maker: maker.apply([_nothing("now")]),
        lambda maker: maker.resolve("it", "rolled_back", reason=WHY),
        "rolled_back",
    ),
    "accept": (
        lambda maker: maker.apply([_nothing("before")]),
        lambda maker: maker.accept(_nothing("now"), reason=WHY),
        "applied",
    ),
    "baseline": (
        lambda maker: None,
        lambda maker: maker.baseline([_nothing("now")], reason=WHY),
        "baselined",
    ),
}


@pytest.mark.parametrize(("before", "say", "state"), SAYING.values(), ids=SAYING)
def test_what_a_person_says_is_entered_whatever_goes_wrong(core: CoreTable, before: Say, say: Say, state: str) -> None:
    """Said again it is entered again, or refused as what is so already."""
    world = World(core, ManualClock())
    before(world.other())
    say(world.maker(transport := At(core.runner.transport)))
    for fault, times in FAULTS.values():
        for place in range(len(transport.sent)):
            world = World(core, ManualClock())
            before(world.other())
            with suppress(StoreError, Crash, Interrupt):
                say(world.maker(At(core.runner.transport, fault, place, times)))
            with suppress(InvalidInputError):
                say(world.other())
            said = [entry.state for entry in assert_sound(world.other()) if entry.reason == WHY]
            assert 1 <= len(said) <= 2
            assert set(said) == {state}
            assert [record.checksum for record in world.other().records()] == [_nothing("now").checksum]


# Another in between


@pytest.mark.parametrize("case", by_name(CASES))
def test_who_is_late_at_any_request_writes_nothing_any_more(core: CoreTable, case: Case) -> None:
    """Its own clock stands still meanwhile, so that it knows of nothing; the fence alone refuses it."""
    sent = requests_of(core, case)
    taken = _places_of_the_lock(case, core)
    for place in range(len(sent)):
        world, changes = case.prepared(core)
        found: list[int] = []

        def another(request: Request, send: Send) -> Response:
            case.finish(world, changes)  # noqa: B023
            found.append(len(world.other().history().all()))  # noqa: B023
            return send(request)

        late = At(core.runner.transport, another, place)
        raised = _failure(case, world.maker(late), changes)
        if any(start < place < release for start, release in taken):
            # Who reads that it is undone already is told so first.
            assert isinstance(raised, (LockLostError, InvalidInputError) if case.undoes else LockLostError), place
            assert [what for number, what in late.done if number >= place and what not in (*READS, "PutItem")] == []
        else:
            assert not isinstance(raised, StoreError), (place, raised)
        assert len(world.other().history().all()) == found[0], place
        assert_done_once(case, world, changes, exactly=False)


@pytest.mark.parametrize("name", ["all three", "external, it fails and is rolled back", "chunked, undone"])
def test_a_request_that_arrives_when_its_sender_has_given_up_does_no_harm(core: CoreTable, name: str) -> None:
    """It comes right after the lock was given back, or when another has done all that was left."""
    case = CASES[name]
    sent = requests_of(core, case)
    for place in (place for place, what in enumerate(sent) if what not in READS):
        for at_once in (True, False):
            world, changes = case.prepared(core)
            under_way: list[Request] = []

            def delayed(request: Request, send: Send) -> Response:
                under_way.append(request)  # noqa: B023
                return lost_request(request, send)

            _failure(case, world.maker(At(core.runner.transport, delayed, place, 3)), changes)
            assert under_way == [under_way[0]] * 3
            if at_once:
                _arrive(core, under_way[0])
            case.finish(world, changes)
            history = world.other().history().all()
            if not at_once:
                _arrive(core, under_way[0])
            assert world.other().history().all() == history
            assert_done_once(case, world, changes, exactly=False)


def _arrive(core: CoreTable, request: Request) -> None:
    with suppress(ConflictError):
        core.runner.transport.send(request)


def _places_of_the_lock(case: Case, core: CoreTable) -> list[tuple[int, int]]:
    """From which request to which the lock is held: it is taken by a transaction behind a look, released by a write."""
    world, changes = case.prepared(core)
    transport = At(core.runner.transport)
    maker, held = world.maker(transport), list[tuple[int, int]]()
    obtained = maker._locks.obtained

    def watched(*given: Any) -> Any:
        lock = obtained(*given)
        start, release = len(transport.sent) - 1, lock.release

        def released() -> None:
            held.append((start, len(transport.sent)))
            release()

        lock.release = released  # type: ignore[method-assign]
        return lock

    maker._locks.obtained = watched  # type: ignore[method-assign]
    with suppress(ChangeFailedError):
        case.go(maker, changes)
    return held


TABLES: dict[str, dict[str, str]] = {
    "the table of jobs": {},
    "one of their own": {"history_table": "own", "lock_table": "own"},
    "two": {"history_table": "history", "lock_table": "locks"},
    "one for the locks": {"lock_table": "locks"},
}


@pytest.mark.usefixtures("connect")
@pytest.mark.parametrize("tables", by_name(TABLES))
def test_makers_that_begin_at_once_make_the_tables_and_each_change_once(
    fresh_names: str, local_endpoint: str, tables: dict[str, str]
) -> None:
    options = ChangeOptions(**{which: fresh_names + name for which, name in tables.items()})  # type: ignore[arg-type]
    calls: list[str] = []
    change = Change("it", lambda context: calls.append("it"), source="it")

    def apply(_: int) -> list[str]:
        given: dict[str, Any] = {"endpoint_url": local_endpoint, "prefix": fresh_names, "transport": "direct"}
        with CoreTable.connect(session=local_session(), **given) as core:
            return [record.id for record in Changes(core, options=options).apply([change])]

    with ThreadPoolExecutor(5) as makers:
        assert sorted(makers.map(apply, range(5))) == [[], [], [], [], ["it"]]
    assert calls == ["it"]
