"""Running plans against a transport: one by one, side by side, or ahead of who reads, with bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from aircraftops_data.clock import Clock
from aircraftops_data.consumed import record
from aircraftops_data.core.aio.crew import AsyncCrew, Running, Work, finished, result
from aircraftops_data.core.context import Context
from aircraftops_data.core.cursor import Cursors
from aircraftops_data.core.pace import Limiter, Rate, limiter_of, paced
from aircraftops_data.errors import AircraftOpsDataError
from aircraftops_data.request import AsyncTransport, Effect, Plan, Response, Wait

T = TypeVar("T")
S = TypeVar("S")


async def run(plan: Plan[T], transport: AsyncTransport, clock: Clock) -> T:
    """Drive a plan to its end: send what it asks for, wait where it says so, and hand errors back to it."""
    step: Callable[[], Effect] = partial(next, plan)
    while True:
        try:
            effect = step()
        except StopIteration as ended:
            return ended.value  # type: ignore[no-any-return]
        try:
            answer = await _done(effect, transport, clock)
        except AircraftOpsDataError as error:
            step = partial(plan.throw, error)
        else:
            step = partial(plan.send, answer)


async def _done(effect: Effect, transport: AsyncTransport, clock: Clock) -> Response | None:
    if isinstance(effect, Wait):
        await clock.sleep_async(effect.seconds)
        return None
    response = await transport.send(effect)
    record(effect.operation, response)
    return response


@dataclass(frozen=True)
class AsyncRunner:
    """Runs plans: a transport, the context plans need, how cursors are written, and a pace to keep if any."""

    transport: AsyncTransport
    context: Context
    cursors: Cursors = field(default_factory=Cursors)
    limiter: Limiter | None = None

    async def run(self, plan: Plan[T]) -> T:
        """Drive a plan to its end. Raises what the plan raises."""
        steady = plan if self.limiter is None else paced(plan, self.limiter, self.context.clock)
        return await run(steady, self.transport, self.context.clock)

    def at(self, rate: Rate | Limiter | None) -> AsyncRunner:
        """The same at a rate; as it is for None."""
        return self if rate is None else replace(self, limiter=limiter_of(rate))

    async def aclose(self) -> None:
        """Close the transport's connections, where it has any to close."""
        aclose = getattr(self.transport, "aclose", None)
        if aclose is not None:
            await aclose()


def waiting_room(concurrency: int) -> int:
    """How many may be started and not yet taken: twice those at work, so that none has to wait for the next."""
    return 2 * concurrency if concurrency > 1 else 1


async def side_by_side(work: Work[S, T], inputs: AsyncIterable[S], concurrency: int) -> AsyncGenerator[T]:
    """The results of `work` in the order of `inputs`, which are taken as they are needed: at most 2 x `concurrency`
    are held. After an error nothing more is started."""
    async with AsyncCrew(concurrency) as crew:
        running: deque[Running[T]] = deque()
        async for value in inputs:
            running.append(crew.start(work, value))
            while running and (len(running) >= waiting_room(concurrency) or running[0].done()):
                yield await result(running.popleft())
        while running:
            yield await result(running.popleft())


async def read_ahead(read: Work[S | None, T], following: Callable[[T], S | None]) -> AsyncGenerator[T]:
    """Parts, each read on from where the one before it ended. Whoever reads on past the first is likely to go on: from
    the second on, the next is already being read while one is looked at."""
    part = await read(None)
    yield part
    start = following(part)
    if start is None:
        return
    # One who looks and one who reads.
    async with AsyncCrew(2) as crew:
        ahead: Running[T] | None = crew.start(read, start)
        while ahead is not None:
            part = await result(ahead)
            start = following(part)
            ahead = None if start is None else crew.start(read, start)
            yield part


async def all_ahead(
    read: Work[tuple[int, S | None], T], following: Callable[[T], S | None], count: int
) -> AsyncGenerator[T]:
    """The parts of `count` readings side by side, in the order they come in; each reads one part ahead and no more."""
    async with AsyncCrew(count) as crew:
        places: dict[Running[T], int] = {crew.start(read, (place, None)): place for place in range(count)}
        while places:
            for done in await finished(list(places)):
                place, part = places.pop(done), await result(done)
                start = following(part)
                if start is not None:
                    places[crew.start(read, (place, start))] = place
                yield part
