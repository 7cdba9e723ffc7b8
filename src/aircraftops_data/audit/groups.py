"""Work of many threads done by one of them at a time, together. Its twin is `audit.aio.groups`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Lock
from typing import Generic, TypeAlias, TypeVar

S = TypeVar("S")
T = TypeVar("T")
Together: TypeAlias = Callable[[list[S]], list[T | Exception]]
"""Does several pieces of work: for each what it came to, or what went wrong with it."""


class Groups(Generic[S, T]):
    """Who comes while others are at it waits; then one does all that has come together meanwhile, up to `most`."""

    def __init__(self, work: Together[S, T], most: int) -> None:
        self._work = work
        self._most = most
        self._waiting: deque[tuple[S, Future[T]]] = deque()
        self._turn = Lock()

    def do(self, pieces: Sequence[S]) -> list[T]:
        """What the pieces came to, in order. Raises what went wrong with the first that failed."""
        mine: list[tuple[S, Future[T]]] = [(piece, Future()) for piece in pieces]
        self._waiting.extend(mine)
        with self._turn:
            while not all(future.done() for _, future in mine):
                self._together([self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))])
        return [future.result() for _, future in mine]

    def _together(self, group: list[tuple[S, Future[T]]]) -> None:
        try:
            for (_, future), outcome in zip(group, self._work([piece for piece, _ in group]), strict=True):
                if isinstance(outcome, Exception):
                    future.set_exception(outcome)
                else:
                    future.set_result(outcome)
        except BaseException as error:
            # Whoever waits must not wait for ever, also where this thread is being ended.
            for _, future in group:
                future.set_exception(error)
            if not isinstance(error, Exception):
                raise
