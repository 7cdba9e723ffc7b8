"""What is compared: the paths, and the contenders that can go them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from itertools import cycle
from typing import Any, Literal, Protocol, TypeVar

from benchmarks import sample

T = TypeVar("T")
Work = Callable[[], Any]
"""One turn of a path; what it returns is looked at once, to see that the work was done."""
PathName = Literal["page", "get", "put", "encode", "write_many", "get_many", "get_async", "decode_stream"]

CONCURRENCY = 32
ASYNC_GETS = 640
BATCH = 100


@dataclass(frozen=True)
class Path:
    """One thing to do: what it is called, how many items one turn deals with, and whether its wall time counts."""

    name: PathName
    title: str
    items: int = 1
    wall: bool = False


PATHS = (
    Path("page", f"Query page of {sample.FLEET} to entities", sample.FLEET),
    Path("get", "Get one"),
    Path("put", "Put one"),
    Path("encode", "Entity to DynamoDB JSON bytes"),
    Path("write_many", f"Bulk write of {sample.FLEET}", sample.FLEET),
    Path("get_many", f"Batch get of {BATCH}", BATCH),
    Path("get_async", f"Async get, {CONCURRENCY} at once", ASYNC_GETS, wall=True),
    Path("decode_stream", f"Stream event of {BATCH} records to entities", BATCH),
)


class Contender(Protocol):
    """A library in the hands of an ordinary user: connected, its model declared, ready to go the paths it can."""

    name: str

    def paths(self) -> Mapping[PathName, Work]:
        """The paths it can go. One it cannot is absent."""
        ...

    def close(self) -> None:
        """Give up connections."""
        ...


BLOCKING: tuple[PathName, ...] = ("page", "get", "put", "write_many", "get_many")
"""What a client that waits for its answers can do."""


def works(contender: object, *names: PathName) -> dict[PathName, Work]:
    """The paths a contender goes by methods of their names."""
    return {name: getattr(contender, name) for name in names}


def numbers() -> cycle[int]:
    """The airframes in turn, without end: no two requests in a row ask for the same."""
    return cycle(range(sample.FLEET))


class Loop:
    """An event loop that stays open between turns, so that connections do too."""

    def __init__(self, factory: Callable[[], asyncio.AbstractEventLoop] | None) -> None:
        self._runner = asyncio.Runner(loop_factory=factory)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it to its end in this loop."""
        return self._runner.run(work)

    def gets(self, get: Callable[[], Awaitable[T]]) -> list[T]:
        """Many gets, never more than `CONCURRENCY` under way."""
        return self.run(_at_once(get))

    def close(self) -> None:
        """Close the loop."""
        self._runner.close()


async def _at_once(get: Callable[[], Awaitable[T]]) -> list[T]:
    waiting, found = iter(range(ASYNC_GETS)), list[T]()

    async def worker() -> None:
        for _ in waiting:
            found.append(await get())

    async with asyncio.TaskGroup() as group:
        for _ in range(CONCURRENCY):
            group.create_task(worker())
    return found
