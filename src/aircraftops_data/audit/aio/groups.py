"""Work of many tasks done by one of them at a time, together. Its twin is `audit.groups`."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Generic, TypeAlias, TypeVar

S = TypeVar("S")
T = TypeVar("T")
Together: TypeAlias = Callable[[list[S]], Coroutine[Any, Any, list[T | Exception]]]
"""Does several pieces of work: for each what it came to, or what went wrong with it."""


class AsyncGroups(Generic[S, T]):
    """Who comes while others are at it waits; then one does all that has come together meanwhile, up to `most`.

    Who is cancelled takes back what nobody has begun; what has begun is done.
    """

    def __init__(self, work: Together[S, T], most: int) -> None:
        self._work = work
        self._most = most
        self._waiting: deque[tuple[S, Future[T]]] = deque()
        self._turn = asyncio.Lock()

    async def do(self, pieces: Sequence[S]) -> list[T]:
        """What the pieces came to, in order. Raises what went wrong with the first that failed."""
        loop = asyncio.get_running_loop()
        mine: list[tuple[S, Future[T]]] = [(piece, loop.create_future()) for piece in pieces]
        self._waiting.extend(mine)
        try:
            async with self._turn:
                while not all(future.done() for _, future in mine):
                    group = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
                    await asyncio.shield(asyncio.create_task(self._together(group), name="aircraftops"))
        except asyncio.CancelledError:
            for piece in mine:
                with suppress(ValueError):
                    self._waiting.remove(piece)
            raise
        return [future.result() for _, future in mine]

    async def _together(self, group: list[tuple[S, Future[T]]]) -> None:
        outcomes: list[T | Exception]
        try:
            outcomes = await self._work([piece for piece, _ in group])
        except Exception as error:  # noqa: BLE001 - everyone in the group gets it
            outcomes = [error] * len(group)
        for (_, future), outcome in zip(group, outcomes, strict=True):
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
                # Asked for here, so that asyncio does not complain of those whose caller was cancelled.
                future.exception()
            else:
                future.set_result(outcome)
