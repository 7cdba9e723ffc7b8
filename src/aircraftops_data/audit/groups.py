"""Work of many threads done by one of them at a time, together. Its twin is `audit.aio.groups`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Lock
from typing import Generic, TypeAlias, TypeVar

from aircraftops_data.errors import StoreError

S = TypeVar("S")
T = TypeVar("T")
Together: TypeAlias = Callable[[list[S]], list[T | Exception]]
"""Does several pieces of work: for each what it came to, or what went wrong with it."""


class Groups(Generic[S, T]):
    """Who comes while others are at it waits; then one does all that has come together meanwhile, up to `most`.

    Who is interrupted takes back what nobody has begun. What was begun and not ended is a StoreError for the others.
    """

    def __init__(self, work: Together[S, T], most: int) -> None:
        self._work = work
        self._most = most
        self._waiting: deque[tuple[S, Future[T]]] = deque()
        self._turn = Lock()

    def do(self, pieces: Sequence[S]) -> list[T]:
        """What the pieces came to, in order. Raises what went wrong with the first that failed."""
        mine: list[Future[T]] = [Future() for _ in pieces]
        self._waiting.extend(zip(pieces, mine, strict=True))
        try:
            with self._turn:
                while not all(future.done() for future in mine):
                    self._next()
        except BaseException:
            for future in mine:
                future.cancel()
            raise
        return [future.result() for future in mine]

    def _next(self) -> None:
        group: list[tuple[S, Future[T]]] = []
        try:
            while self._waiting and len(group) < self._most:
                piece, future = self._waiting.popleft()
                if future.set_running_or_notify_cancel():
                    group.append((piece, future))
            for (_, future), outcome in zip(group, self._outcomes(group), strict=True):
                if isinstance(outcome, Exception):
                    future.set_exception(outcome)
                else:
                    future.set_result(outcome)
        finally:
            # Whoever waits must not wait for ever, also where this thread is being ended.
            for _, future in group:
                if not future.done():
                    future.set_exception(StoreError("Whoever did it was stopped; nobody knows how far", retryable=True))

    def _outcomes(self, group: Sequence[tuple[S, Future[T]]]) -> Sequence[T | Exception]:
        try:
            return self._work([piece for piece, _ in group])
        except Exception as error:  # noqa: BLE001 - everyone in the group gets it
            return [error] * len(group)
