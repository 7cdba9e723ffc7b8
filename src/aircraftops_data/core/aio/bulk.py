"""Many at once: streams of inputs read and written side by side, taken as they are needed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Generic, TypeAlias, TypeVar

from aircraftops_data.consumed import Consumed, metered
from aircraftops_data.core.aio.crew import AsyncCrew, AsyncFeed, Inputs, Running, finished, result
from aircraftops_data.core.aio.run import AsyncRunner, side_by_side, waiting_room
from aircraftops_data.core.batch import Failure, Report, batch_write
from aircraftops_data.core.commit import write
from aircraftops_data.core.lookup import Lookup, Window
from aircraftops_data.core.packing import Packing, Progress, Unit
from aircraftops_data.core.reading import Chunk
from aircraftops_data.errors import AircraftOpsDataError
from aircraftops_data.model.definition import Item
from aircraftops_data.model.entity import Entity

E = TypeVar("E", bound=Entity)
OnProgress: TypeAlias = Callable[[Progress], object]


async def look_up(
    lookup: Lookup[E], identities: Inputs[Mapping[str, Any]], runner: AsyncRunner, concurrency: int
) -> AsyncGenerator[Chunk[E | None]]:
    """The answers to identities, in their order. What the source raises is raised when all that was asked is given."""

    async def read(window: Window) -> tuple[Window, list[Sequence[Item]], Consumed]:
        with metered() as meter:
            items = await runner.run(lookup.read(window))
        return window, items, meter.consumed

    feed = AsyncFeed(identities)
    async with (
        aclosing(_windows(lookup, feed)) as windows,
        aclosing(side_by_side(read, windows, concurrency)) as parts,
    ):
        async for window, items, consumed in parts:
            yield lookup.answers(window, items, consumed)
    if feed.failure is not None:
        raise feed.failure


async def _windows(lookup: Lookup[Any], feed: AsyncFeed[Mapping[str, Any]]) -> AsyncGenerator[Window]:
    window = lookup.window()
    async with aclosing(feed.values()) as identities:
        async for identity in identities:
            window.add(identity)
            if window.full:
                yield window
                window = lookup.window()
    if window.places and feed.failure is None:
        yield window


async def write_all(
    entities: Inputs[E], packing: Packing[E], runner: AsyncRunner, concurrency: int, told: OnProgress | None
) -> Report[E]:
    """Write a stream. What the source raises ends it: what is under way is finished, and nothing more is sent."""
    feed = AsyncFeed(entities)
    async with AsyncCrew(concurrency) as crew, aclosing(feed.values()) as values:
        pipeline = AsyncPipeline(crew, packing, runner, waiting_room(concurrency), told)
        async for entity in values:
            await pipeline.send(packing.take(entity))
        if feed.failure is None:
            await pipeline.send(packing.rest())
        await pipeline.finish()
    if feed.failure is not None:
        feed.failure.add_note(f"{packing.report.done} were written before the source failed")
        raise feed.failure
    return packing.report


class AsyncPipeline(Generic[E]):
    """Units on their way to the engine, a bounded number of them, none that could overtake another of the same item."""

    def __init__(
        self, crew: AsyncCrew, packing: Packing[E], runner: AsyncRunner, room: int, told: OnProgress | None
    ) -> None:
        self._crew = crew
        self._packing = packing
        self._runner = runner
        self._room = room
        self._told = told
        self._last: Progress | None = None
        self._running: list[Running[tuple[Unit[E], Report[E]]]] = []

    async def send(self, unit: Unit[E] | None) -> None:
        """Start it as soon as there is room and none of its items is being written."""
        if unit is None:
            return
        while len(self._running) >= self._room or not self._packing.may_go(unit):
            await self._settle()
        self._packing.start(unit)
        self._running.append(self._crew.start(self._write, unit))
        if any(running.done() for running in self._running):
            await self._settle()

    async def finish(self) -> None:
        """Wait for all that is under way."""
        while self._running:
            await self._settle()
        self._tell()

    async def _settle(self) -> None:
        for done in await finished(self._running):
            self._running.remove(done)
            self._packing.settle(*await result(done))
            self._tell()

    def _tell(self) -> None:
        progress = self._packing.progress
        if self._told is not None and progress.inputs and progress != self._last:
            self._last = progress
            self._told(progress)

    async def _write(self, unit: Unit[E]) -> tuple[Unit[E], Report[E]]:
        context = self._runner.context
        if unit.intent is None:
            return unit, await self._runner.run(batch_write(list(unit.writes.values()), context))
        (entity,) = unit.entities
        with metered() as meter:
            try:
                await self._runner.run(write(unit.intent, context))
            except AircraftOpsDataError as error:
                return unit, Report(0, [Failure(entity, error)], meter.consumed)
        return unit, Report(1, [], meter.consumed)
