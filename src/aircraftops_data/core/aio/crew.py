"""What tasks do for the asyncio core: work side by side, and inputs one by one. Its twin is `core.crew`."""

from __future__ import annotations

import asyncio
from asyncio import Task
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Generic, Self, TypeAlias, TypeVar

S = TypeVar("S")
T = TypeVar("T")

Inputs: TypeAlias = AsyncIterable[T] | Iterable[T]
Running: TypeAlias = Task[T]
Work: TypeAlias = Callable[[S], Coroutine[Any, Any, T]]


class AsyncCrew:
    """Tasks for one piece of work, `size` of them at work at a time. Leaving it cancels them all and waits for them.

    Not a TaskGroup: that would cancel whoever iterates a generator which holds one.
    """

    def __init__(self, size: int) -> None:
        self._free = asyncio.Semaphore(size)
        self._tasks: set[Task[Any]] = set()

    def start(self, work: Work[S, T], value: S) -> Running[T]:
        """Set to work, in the caller's context."""
        task = asyncio.create_task(self._in_turn(work, value), name="aircraftops")
        self._tasks.add(task)
        task.add_done_callback(self._end)
        return task

    async def _in_turn(self, work: Work[S, T], value: S) -> T:
        async with self._free:
            return await work(value)

    def _end(self, task: Task[Any]) -> None:
        self._tasks.discard(task)
        # Asked for here, so that asyncio does not complain of errors nobody waits for any more.
        if not task.cancelled():
            task.exception()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


async def result(running: Running[T]) -> T:
    """What it came to. Raises what it raised."""
    return await running


async def finished(running: Sequence[Running[T]]) -> list[Running[T]]:
    """Those that are done, in order; waits until at least one is."""
    done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    return [each for each in running if each in done]


async def collect(items: AsyncIterator[T]) -> list[T]:
    """All that is left, as a list."""
    return [item async for item in items]


class AsyncFeed(Generic[T]):
    """Inputs, taken as they are needed. A source that raises ends them; `failure` is what it raised.

    A generator that is not read to its end is closed.
    """

    def __init__(self, source: Inputs[T]) -> None:
        self._source = source
        self.failure: Exception | None = None

    async def values(self) -> AsyncGenerator[T]:
        """The inputs."""
        try:
            if isinstance(self._source, AsyncIterable):
                async with _ending(aiter(self._source)) as values:
                    async for value in values:
                        yield value
            else:
                for value in self._source:
                    yield value
        except Exception as error:  # noqa: BLE001 - raised again once what was taken has been dealt with
            self.failure = error


@asynccontextmanager
async def _ending(values: AsyncIterator[T]) -> AsyncGenerator[AsyncIterator[T]]:
    """Closes what can be closed, such as a query that reads ahead."""
    try:
        yield values
    finally:
        aclose = getattr(values, "aclose", None)
        if aclose is not None:
            await aclose()
