"""Changes sent in requests of bounded size, each entry's answer looked at, and those that failed sent again."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from aircraftops_data.clock import Chance, Clock, Retry, SystemClock
from aircraftops_data.errors import InvalidInputError, RequestRefusedError, StoreError, UnprocessedItemsError
from aircraftops_data.streams.change import Change
from aircraftops_data.streams.sinks.sink import Refused

T = TypeVar("T")
Outcomes = Sequence[Exception | None]
"""What became of each entry of a request, in its order: None for one that was taken."""


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """A change as it is sent, and what that counts for of a request's bytes."""

    value: T
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Generic[T]):
    """How changes are sent to one service."""

    prepare: Callable[[Change[Any]], Entry[T]]
    """A change as an entry no larger than a request. Raises InvalidInputError for one that cannot be sent."""
    send: Callable[[Sequence[T]], Outcomes]
    """Send a request. Raises StoreError where it failed as a whole, RequestRefusedError for an entry's fault."""
    most: int
    most_bytes: int
    ordered: bool
    """Whether a change waits until those before it of the same place are taken; if not, they go together."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often an entry is sent, and how long to wait in between."""

    retry: Retry = field(default_factory=Retry)
    clock: Clock = field(default_factory=SystemClock)
    chance: Chance = field(default_factory=Chance)

    def wait(self, tries: int) -> None:
        """Wait after so many tries, with full jitter."""
        self.clock.sleep(self.chance.jitter(self.retry.ceiling(tries - 1)))


def deliver(changes: Sequence[Change[Any]], request: Request[T], patience: Patience) -> list[Refused]:
    """Send changes; those refused, and those behind one of them, which may have been taken unless `ordered`.

    An entry is sent `attempts` times at most; after as many requests in a row that took nothing and refused nothing,
    all that is left is refused, or StoreError raised if nothing at all was taken. Raises StoreError too where another
    try would not help (no permission, no such queue), and what `prepare` raises but InvalidInputError.
    """
    places = [change.place for change in changes]
    return _closed(changes, places, _Delivery(changes, places, request, patience).run())


def _closed(changes: Sequence[Change[Any]], places: Sequence[str], failed: Mapping[int, Exception]) -> list[Refused]:
    """The refused, with those behind them."""
    refused: list[Refused] = []
    blocked: set[str] = set()
    for number, (change, place) in enumerate(zip(changes, places, strict=True)):
        if number in failed or place in blocked:
            blocked.add(place)
            refused.append(Refused(change, failed.get(number) or _behind()))
    return refused


def _behind() -> UnprocessedItemsError:
    return UnprocessedItemsError("An earlier change of the same item was refused", retryable=True)


class _Delivery(Generic[T]):
    """One write under way: changes by their numbers, those of a place in line behind each other."""

    def __init__(
        self, changes: Sequence[Change[Any]], places: Sequence[str], request: Request[T], patience: Patience
    ) -> None:
        self._changes = changes
        self._request = request
        self._patience = patience
        # Unless they are to wait for each other, each is a line of its own.
        self._names: Sequence[str | int] = places if request.ordered else range(len(places))
        self._lines: dict[str | int, deque[int]] = {}
        for number in range(len(places)):
            self._lines.setdefault(self._names[number], deque()).append(number)
        self._ready: dict[int, Entry[T]] = {}
        self._tries = Counter[int]()
        self._failed: dict[int, Exception] = {}
        self._taken = 0
        self._idle = 0

    def run(self) -> Mapping[int, Exception]:
        """Those refused, and why."""
        while numbers := self._chosen():
            outcomes = self._attempt(numbers)
            for number, error in zip(numbers, outcomes, strict=True):
                self._settle(number, error)
            self._idle = self._idle + 1 if all(_may_pass(error) for error in outcomes) else 0
            if self._idle == self._patience.retry.attempts:
                self._give_up(outcomes[-1])
            elif left := [self._tries[number] for number in numbers if number in self._ready]:
                self._patience.wait(max(left))
        return self._failed

    def _chosen(self) -> list[int]:
        """The next request: the first of each line, as many as it holds."""
        chosen: list[int] = []
        left = self._request.most_bytes
        for number in [line[0] for line in self._lines.values()]:
            if (entry := self._entry(number)) is None:
                continue
            left -= entry.size_bytes
            if chosen and left < 0:
                break
            chosen.append(number)
            if len(chosen) == self._request.most:
                break
        return chosen

    def _entry(self, number: int) -> Entry[T] | None:
        """A change as it is sent; None for one that cannot be."""
        if number not in self._ready:
            try:
                self._ready[number] = self._request.prepare(self._changes[number])
            except InvalidInputError as error:
                self._refuse(number, error)
                return None
        return self._ready[number]

    def _attempt(self, numbers: Sequence[int]) -> Outcomes:
        try:
            return self._request.send([self._ready[number].value for number in numbers])
        except RequestRefusedError as error:
            if len(numbers) == 1:
                return [error]
            # The fault of one is found by halves, and the others go.
            middle = len(numbers) // 2
            return [*self._attempt(numbers[:middle]), *self._attempt(numbers[middle:])]
        except StoreError as error:
            if not error.retryable:
                raise
            return [error] * len(numbers)

    def _settle(self, number: int, error: Exception | None) -> None:
        self._tries[number] += 1
        if error is None:
            self._taken += 1
            self._leave(number)
        elif not _may_pass(error) or self._tries[number] == self._patience.retry.attempts:
            self._refuse(number, error)

    def _leave(self, number: int) -> None:
        """Let the next in line come forward."""
        del self._ready[number]
        line = self._lines[self._names[number]]
        line.popleft()
        if not line:
            del self._lines[self._names[number]]

    def _refuse(self, number: int, error: Exception) -> None:
        """Refuse a change, and with it all that is in line behind."""
        self._failed[number] = error
        self._ready.pop(number, None)
        del self._lines[self._names[number]]

    def _give_up(self, error: Exception | None) -> None:
        """Refuse what is left; raise the error if nothing was taken."""
        assert error is not None
        if not self._taken:
            raise error
        for number in [line[0] for line in self._lines.values()]:
            self._refuse(number, error)


def _may_pass(error: Exception | None) -> bool:
    return isinstance(error, StoreError) and error.retryable
