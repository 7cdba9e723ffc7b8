"""Work of many tasks done by one of them at a time, together. Its twin is `audit.groups`."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
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
        mine: list[Future[T]] = [loop.create_future() for _ in pieces]
        self._waiting.extend(zip(pieces, mine, strict=True))
        try:
            async with self._turn:
                while not all(future.done() for future in mine):
                    await self._next(mine)
        except asyncio.CancelledError:
            for future in mine:
                future.cancel()
            raise
        return [future.result() for future in mine]

    async def _next(self, mine: Sequence[Future[T]]) -> None:
        """Do the next group. Where nothing waits, mine is under way yet: whoever began it was cancelled."""
        group: list[tuple[S, Future[T]]] = []
        while self._waiting and len(group) < self._most:
            piece, future = self._waiting.popleft()
            if not future.cancelled():
                group.append((piece, future))
        if group:
            await asyncio.shield(asyncio.create_task(self._together(group), name="aircraftops"))
        else:
            await asyncio.wait([future for future in mine if not future.done()])

    async def _together(self, group: list[tuple[S, Future[T]]]) -> None:
        try:
            for (_, future), outcome in zip(group, await self._outcomes(group), strict=True):
                if future.cancelled():
                    continue
                if isinstance(outcome, Exception):
                    future.set_exception(outcome)
                    # Asked for here, so that asyncio does not complain of those whose caller was cancelled.
                    future.exception()
                else:
                    future.set_result(outcome)
        finally:
            # Whoever waits must not wait for ever, also where this task was cancelled.
            for _, future in group:
                future.cancel()

    async def _outcomes(self, group: Sequence[tuple[S, Future[T]]]) -> Sequence[T | Exception]:
        try:
            return await self._work([piece for piece, _ in group])
        except Exception as error:  # noqa: BLE001 - everyone in the group gets it
            return [error] * len(group)
