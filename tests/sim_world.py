"""A world in virtual time: machines that run programs against one engine, and a schedule that decides what befalls
them.

A program is a coroutine over the asyncio API. Its requests and waits come out here instead of at an event loop, so
nothing is sent and nobody waits. The schedule is asked what becomes of each of them, and which of two things that are
due comes first; 0 always is what happens when nothing goes wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random
from types import coroutine
from typing import Any

from aircraftops_data.clock import Chance, Retry
from aircraftops_data.core.aio.table import AsyncCoreTable
from aircraftops_data.core.context import Context
from aircraftops_data.errors import AircraftOpsDataError, ContentionError, ThrottledError, TimeoutError
from aircraftops_data.request import Effect, Request, Response, Wait
from aircraftops_data.testing.clock import START
from sim_engine import MemoryEngine
from sim_schedule import Schedule

ONE_WAY_SECONDS = 0.005
TIMEOUT_SECONDS = 0.2
Program = Coroutine[Effect, Any, None]


@coroutine
def _asked(effect: Effect) -> Generator[Effect, Any, Any]:
    """What the world answers."""
    return (yield effect)


@dataclass
class MachineClock:
    """A machine's clocks: a monotonic one of its own rate and origin, and one on the wall that is wrong or stands."""

    true: Callable[[], float]
    rate: float = 1.0
    origin: float = 0.0
    wrong_by: timedelta = timedelta()
    stands: bool = False
    lost: float = 0.0
    """Seconds that the monotonic clock did not count, for the machine was suspended."""

    def monotonic(self) -> float:
        """Seconds since an instant that means nothing to other machines."""
        return self.origin + (self.true() - self.lost) * self.rate

    def now(self) -> datetime:
        """What the clock on the wall shows."""
        return START + self.wrong_by + timedelta(seconds=0 if self.stands else self.true())

    def sleep(self, seconds: float) -> None:
        """Nothing here blocks."""
        raise AssertionError("a program is asynchronous")

    async def sleep_async(self, seconds: float) -> None:
        """The world is told how long."""
        await _asked(Wait(seconds))


class _Line:
    """The transport of every machine."""

    async def send(self, request: Request) -> Response:
        """The world is told what was asked."""
        response: Response = await _asked(request)
        return response


@dataclass(eq=False)
class Machine:
    """Runs one program or several, all of which stop and die together."""

    name: str
    clock: MachineClock
    core: AsyncCoreTable
    alive: bool = True
    paused_until: float = 0.0


@dataclass(order=True)
class Event:
    """What is due at an instant, on a machine (None: in the network)."""

    due: float
    number: int
    machine: Machine | None = field(compare=False)
    happen: Callable[[], None] = field(compare=False)


class World:
    """True time, the engine, the machines, and what is due. `watch` is called after every event."""

    def __init__(self, schedule: Schedule, *, short_seconds: float, long_seconds: float) -> None:
        self.now = 0.0
        self.engine = MemoryEngine(lambda: self.now)
        self.watch: Callable[[], None] = lambda: None
        self.log: list[str] = []
        self.suspends = False
        """Whether a machine that stops is suspended, its monotonic clock with it."""
        self.schedule = schedule
        self.delays = (short_seconds, long_seconds)
        self._events: list[Event] = []
        self._numbers = 0
        self._machines = 0

    def machine(self, name: str, **clock: Any) -> Machine:
        """A machine whose clocks are told by the keywords of MachineClock."""
        self._machines += 1
        made = MachineClock(lambda: self.now, **clock)
        context = Context(clock=made, chance=Chance(Random(self._machines)), retry=Retry(attempts=3, first_seconds=0.2))
        return Machine(name, made, AsyncCoreTable(_Line(), context))

    def start(self, machine: Machine, program: Callable[[Machine], Program], after_seconds: float = 0.0) -> None:
        """Have a machine run a program, from so many seconds on."""
        self.at(after_seconds, machine, lambda: _Doing(self, machine, program(machine)).resume(None))

    def run(self, seconds: float) -> None:
        """Let everything happen that is due until so many seconds from the beginning."""
        try:
            while self._events and min(self._events).due <= seconds:
                self._happen(self._next())
        except Exception as error:
            error.add_note("\n".join(self.log))
            raise

    def _happen(self, event: Event) -> None:
        machine = event.machine
        if machine is not None and event.due < machine.paused_until:
            event.due = machine.paused_until
            return
        self._events.remove(event)
        self.now = max(self.now, event.due)
        if machine is None or machine.alive:
            event.happen()
            self.watch()

    def _next(self) -> Event:
        """The first that is due, or the first of another machine before it."""
        first = min(self._events)
        others = [event for event in self._events if event.machine is not first.machine]
        if not others:
            return first
        second = min(others)
        close = second.due - first.due <= self.delays[0]
        return second if close and self.schedule.choose(2) else first

    def at(self, seconds: float, machine: Machine | None, happen: Callable[[], None]) -> None:
        """Let something happen so many seconds from now, if the machine lives then."""
        self._numbers += 1
        self._events.append(Event(self.now + seconds, self._numbers, machine, happen))

    def tell(self, machine: Machine, what: str) -> None:
        """Write down what happened, for whoever looks into a schedule that failed."""
        self.log.append(f"{self.now:8.3f} {machine.name}: {what}")

    def befall(self, doing: _Doing, effect: Effect) -> None:
        """Decide what becomes of what a program asked for."""
        if isinstance(effect, Wait):
            self._wait(doing, effect)
            return
        fates = {"Query": _QUERIES, "GetItem": _READS}.get(effect.operation, _WRITES)
        # The engine here knows no other way to read.
        assert fates is _WRITES or effect.parameters["ConsistentRead"], "a read that may be stale"
        name = list(fates)[self.schedule.choose(len(fates))]
        self.tell(doing.machine, f"{effect.operation} {name}")
        fates[name](doing, effect, *self.delays)

    def _wait(self, doing: _Doing, wait: Wait) -> None:
        ready = partial(doing.resume, None)
        true_seconds = wait.seconds / doing.machine.clock.rate
        fate = self.schedule.choose(len(_WAITS))
        self.tell(doing.machine, f"waits {wait.seconds:.3f} {_WAITS[fate]}")
        if _WAITS[fate] == "killed":
            doing.machine.alive = False
        elif _WAITS[fate] == "paused":
            doing.pause(true_seconds + self.delays[1], ready)
        else:
            self.at(true_seconds, doing.machine, ready)


_WAITS = ("", "paused", "killed")


@dataclass(frozen=True, eq=False)
class _Doing:
    """A program of a machine that has asked for something, or has not begun."""

    world: World
    machine: Machine
    program: Program

    def resume(self, answer: object) -> None:
        """Let the program have what it asked for, or the error that came of it."""
        try:
            if isinstance(answer, AircraftOpsDataError):
                effect = self.program.throw(answer)
            else:
                effect = self.program.send(answer)
        except StopIteration:
            return
        self.world.befall(self, effect)

    def later(self, seconds: float, happen: Callable[[], None]) -> None:
        """On this machine."""
        self.world.at(seconds, self.machine, happen)

    def abroad(self, seconds: float, happen: Callable[[], None]) -> None:
        """In the network, whatever becomes of the machine."""
        self.world.at(seconds, None, happen)

    def pause(self, seconds: float, happen: Callable[[], None]) -> None:
        """The machine does nothing for so long, whatever it runs."""
        self.machine.paused_until = self.world.now + seconds

        def over() -> None:
            if self.world.suspends:
                self.machine.clock.lost += seconds
            happen()

        self.later(seconds, over)

    def answered(self, request: Request) -> Response | AircraftOpsDataError:
        """What the engine makes of the request, now."""
        try:
            answer: Response | AircraftOpsDataError = self.world.engine.send(request)
        except AircraftOpsDataError as error:
            answer = error
        what = type(answer).__name__ if isinstance(answer, AircraftOpsDataError) else "done"
        self.world.tell(self.machine, f"  {request.operation}: {what}")
        return answer

    def unheard(self, request: Request) -> None:
        """The engine gets the request; what it answers gets lost."""
        self.answered(request)

    def reach(self, request: Request, reply_seconds: float = ONE_WAY_SECONDS) -> None:
        """The engine gets the request, and the machine its answer after so long."""
        answer = self.answered(request)
        self.later(reply_seconds, partial(self.resume, answer))

    def no_answer(self, request: Request) -> None:
        """The machine gives up waiting for an answer."""
        error = TimeoutError("no answer", operation=request.operation, code="ReadTimeoutError", retryable=True)
        self.later(TIMEOUT_SECONDS, partial(self.resume, error))


# What becomes of a request: (the program, its request, a short delay, one longer than any lease)
_Fate = Callable[[_Doing, Request, float, float], None]


def _plain(doing: _Doing, request: Request, short: float, long: float) -> None:
    doing.abroad(ONE_WAY_SECONDS, partial(doing.reach, request))


def _lost(doing: _Doing, request: Request, short: float, long: float) -> None:
    doing.no_answer(request)


def _reply_lost(doing: _Doing, request: Request, short: float, long: float) -> None:
    doing.abroad(ONE_WAY_SECONDS, partial(doing.unheard, request))
    doing.no_answer(request)


def _slow(doing: _Doing, request: Request, short: float, long: float) -> None:
    doing.abroad(short, partial(doing.reach, request))


def _paused_before(doing: _Doing, request: Request, short: float, long: float) -> None:
    doing.pause(long, partial(doing.reach, request))


def _paused_after(share: float) -> _Fate:
    """The machine stops before it hears the answer, for this share of a long delay."""

    def fate(doing: _Doing, request: Request, short: float, long: float) -> None:
        def answered() -> None:
            doing.pause(share * long, partial(doing.resume, doing.answered(request)))

        doing.abroad(ONE_WAY_SECONDS, answered)

    return fate


def _strays(seconds_of: Callable[[float, float], float]) -> _Fate:
    """The machine hears nothing; the engine gets the request after all, when nobody thinks of it any more."""

    def fate(doing: _Doing, request: Request, short: float, long: float) -> None:
        doing.abroad(seconds_of(short, long), partial(doing.unheard, request))
        doing.no_answer(request)

    return fate


def _twice(doing: _Doing, request: Request, short: float, long: float) -> None:
    _plain(doing, request, short, long)
    doing.abroad(long, partial(doing.unheard, request))


def _killed_before(doing: _Doing, request: Request, short: float, long: float) -> None:
    doing.machine.alive = False


def _killed_after(doing: _Doing, request: Request, short: float, long: float) -> None:
    doing.machine.alive = False
    doing.abroad(ONE_WAY_SECONDS, partial(doing.unheard, request))


def _throttled(doing: _Doing, request: Request, short: float, long: float) -> None:
    error = ThrottledError("throttled", operation=request.operation, code="ThrottlingException", retryable=True)
    doing.later(ONE_WAY_SECONDS, partial(doing.resume, error))


def _conflicting(doing: _Doing, request: Request, short: float, long: float) -> None:
    error = ContentionError("conflict", code="TransactionConflictException", retryable=True)
    doing.later(ONE_WAY_SECONDS, partial(doing.resume, error))


def _torn(first: int) -> _Fate:
    """A query reads item by item: some as they were before others wrote, some as they were after.

    Source: DynamoDB Developer Guide, "Isolation levels for DynamoDB transactions" (Query is read-committed).
    """

    def fate(doing: _Doing, request: Request, short: float, long: float) -> None:
        def begin() -> None:
            early = doing.answered(request)
            doing.abroad(3 * short, partial(end, early))

        def end(early: Any) -> None:
            seen = {repr(item["SK"]): item for item in early["Items"]}
            late: Any = doing.answered(request)
            items = [
                seen.get(repr(item["SK"]), item) if place % 2 == first else item
                for place, item in enumerate(late["Items"])
            ]
            doing.later(ONE_WAY_SECONDS, partial(doing.resume, {**late, "Items": items}))

        doing.abroad(ONE_WAY_SECONDS, begin)

    return fate


_READS: dict[str, _Fate] = {
    "": _plain,
    "lost": _lost,
    "slow": _slow,
    "paused before": _paused_before,
    "paused after": _paused_after(1),
    "paused after, less": _paused_after(0.65),
    "killed": _killed_before,
    "throttled": _throttled,
}
_QUERIES = {**_READS, "torn": _torn(0), "torn the other way": _torn(1)}
_WRITES = {
    **_READS,
    "reply lost": _reply_lost,
    "strays": _strays(lambda short, long: short),
    "strays for long": _strays(lambda short, long: long),
    "twice": _twice,
    "killed after": _killed_after,
    "conflict": _conflicting,
}
