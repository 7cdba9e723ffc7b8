# Generated from core/aio/run.py by tools/twins.py; edit that.
"""Running plans against a transport: one by one, side by side, or ahead of who reads, with bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from aircraftops_data.clock import Clock
from aircraftops_data.consumed import record
from aircraftops_data.core.context import Context
from aircraftops_data.core.crew import Crew, Running, Work, finished, result
from aircraftops_data.core.cursor import Cursors
from aircraftops_data.core.pace import Limiter, Rate, limiter_of, paced
from aircraftops_data.errors import AircraftOpsDataError
from aircraftops_data.request import Effect, Plan, Response, Transport, Wait

T = TypeVar("T")
S = TypeVar("S")


def run(plan: Plan[T], transport: Transport, clock: Clock) -> T:
    """Drive a plan to its end: send what it asks for, wait where it says so, and hand errors back to it."""
    step: Callable[[], Effect] = partial(next, plan)
    while True:
        try:
            effect = step()
        except StopIteration as ended:
            return ended.value  # type: ignore[no-any-return]
        try:
            answer = _done(effect, transport, clock)
        except AircraftOpsDataError as error:
            step = partial(plan.throw, error)
        else:
            step = partial(plan.send, answer)


def _done(effect: Effect, transport: Transport, clock: Clock) -> Response | None:
    if isinstance(effect, Wait):
        clock.sleep(effect.seconds)
        return None
    response = transport.send(effect)
    record(effect.operation, response)
    return response


@dataclass(frozen=True)
class Runner:
    """Runs plans: a transport, the context plans need, how cursors are written, and a pace to keep if any."""

    transport: Transport
    context: Context
    cursors: Cursors = field(default_factory=Cursors)
    limiter: Limiter | None = None

    def run(self, plan: Plan[T]) -> T:
        """Drive a plan to its end. Raises what the plan raises."""
        steady = plan if self.limiter is None else paced(plan, self.limiter, self.context.clock)
        return run(steady, self.transport, self.context.clock)

    def at(self, rate: Rate | Limiter | None) -> Runner:
        """The same at a rate; as it is for None."""
        return self if rate is None else replace(self, limiter=limiter_of(rate))

    def close(self) -> None:
        """Close the transport's connections, where it has any to close."""
        close = getattr(self.transport, "close", None)
        if close is not None:
            close()


def waiting_room(concurrency: int) -> int:
    """How many may be started and not yet taken: twice those at work, so that none has to wait for the next."""
    return 2 * concurrency if concurrency > 1 else 1


def side_by_side(work: Work[S, T], inputs: Iterable[S], concurrency: int) -> Generator[T]:
    """The results of `work` in the order of `inputs`, which are taken as they are needed: at most 2 x `concurrency`
    are held. After an error nothing more is started."""
    with Crew(concurrency) as crew:
        running: deque[Running[T]] = deque()
        for value in inputs:
            running.append(crew.start(work, value))
            while running and (len(running) >= waiting_room(concurrency) or running[0].done()):
                yield result(running.popleft())
        while running:
            yield result(running.popleft())


def read_ahead(read: Work[S | None, T], following: Callable[[T], S | None]) -> Generator[T]:
    """Parts, each read on from where the one before it ended. Whoever reads on past the first is likely to go on: from
    the second on, the next is already being read while one is looked at."""
    part = read(None)
    yield part
    start = following(part)
    if start is None:
        return
    # One who looks and one who reads.
    with Crew(2) as crew:
        ahead: Running[T] | None = crew.start(read, start)
        while ahead is not None:
            part = result(ahead)
            start = following(part)
            ahead = None if start is None else crew.start(read, start)
            yield part


def all_ahead(read: Work[tuple[int, S | None], T], following: Callable[[T], S | None], count: int) -> Generator[T]:
    """The parts of `count` readings side by side, in the order they come in; each reads one part ahead and no more."""
    with Crew(count) as crew:
        places: dict[Running[T], int] = {crew.start(read, (place, None)): place for place in range(count)}
        while places:
            for done in finished(list(places)):
                place, part = places.pop(done), result(done)
                start = following(part)
                if start is not None:
                    places[crew.start(read, (place, start))] = place
                yield part
