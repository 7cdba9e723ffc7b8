"""The quarantine of a router: records that keep failing are parked whole, and those of the same item behind them."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from aircraftops_data.core.table import CoreTable
from aircraftops_data.errors import AircraftOpsDataError, InvalidInputError, NotFoundError
from aircraftops_data.request import Plan
from aircraftops_data.streams.change import AnyRecord, Poison
from aircraftops_data.streams.locking import LEASE, WAIT, Lock, Locks
from aircraftops_data.streams.parked import Held, HeldState, Parked
from aircraftops_data.streams.parking import body_of, failed_again, first_held, held_at, let_go, next_parked, parked

if TYPE_CHECKING:
    from aircraftops_data.streams.router import Router

LOG = logging.getLogger("aircraftops_data")
ATTEMPTS = 3

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of the records of one item."""

    place: str
    handled: int
    error: Exception | None
    """Why the next one stays where it is, and those behind it; None where none is left."""


class Quarantine:
    """What a stream's router could not deal with, in JobsTable. `attempts` is how often it tries before it parks.

    One name for each router: records are replayed to the router that parked them. Safe to share between threads.
    Raises InvalidKeyError for a name of other than 1 to 100 letters, digits, dots, dashes and underscores.
    """

    def __init__(self, core: CoreTable, name: str, *, attempts: int = ATTEMPTS) -> None:
        if attempts < 1:
            raise InvalidInputError("A record is tried at least once")
        self._core = core
        self._places = Held.primary(stream=name)
        self.name = name
        self.attempts = attempts

    def _run(self, plan: Plan[T]) -> T:
        return self._core.runner.run(plan)

    # For the router

    def among(self, records: Collection[AnyRecord]) -> dict[str, Held]:
        """What is held of the items that these records are of, or was lately, by place.

        1 read unit where nothing is held; where a lot is, at most 1 for each item the records are of.
        """
        context = self._core.context
        found, complete = self._run(first_held(self.name, context))
        if complete:
            return {held.place: held for held in found}
        keys = [{"stream": self.name, "place": place} for place in sorted({record.place for record in records})]
        return {held.place: held for held in self._core.get_many(Held, keys, consistent=True) if held is not None}

    def used_up(self, record: AnyRecord) -> bool:
        """Count a failure of this record; whether it was the last that is allowed. A poison has one attempt."""
        if isinstance(record, Poison) or self.attempts == 1:
            return True
        return self._run(failed_again(self.name, record, self._core.context)) >= self.attempts

    def park(self, record: AnyRecord, error: Exception) -> Held | None:
        """Park a record that failed; what is held of its item then. 2 write units per KB of it and 2 more."""
        self._run(parked(self.name, record, error, self._core.context))
        LOG.warning("Parked in quarantine %s: a record of %s, %s", self.name, record.place, type(error).__name__)
        return self.held(record.place)

    def park_behind(self, record: AnyRecord) -> bool:
        """Park a record behind others of its item; False where these have been replayed meanwhile."""
        return self._run(parked(self.name, record, None, self._core.context))

    # For people

    def all(self) -> Iterator[Held]:
        """The items whose records are held, in no order. 1 read unit per 4 KB."""
        held = self._core.query(self._places).consistent()
        return (each for each in held if each.state is HeldState.OPEN)

    def held(self, place: str) -> Held | None:
        """What is held of an item, or was until lately. 1 read unit."""
        return self._run(held_at(self.name, place, self._core.context))

    def records(self, place: str) -> Iterator[Parked]:
        """The records parked of an item, the first first. 1 read unit per 4 KB."""
        return iter(self._core.query(Parked.primary(stream=self.name, place=place)).consistent())

    def body(self, record: Parked) -> str:
        """A parked record as it came, as JSON text. Raises CorruptItemError where a part of it is missing."""
        return self._run(body_of(record, self._core.context))

    def replay(
        self, router: Router, locks: Locks, place: str | None = None, *, wait: timedelta = WAIT
    ) -> list[Replayed]:
        """Give what is parked to the router again, in order: of one item, or of all.

        An item whose next record fails again keeps it, and all behind it. Nothing overtakes: what comes in meanwhile
        is parked behind, until the last is handled. A lock for each item keeps two from replaying it at once; one that
        a replay has left which died is free after `wait`. Raises NotFoundError where nothing is held of the one.
        """
        if place is not None and self._next(place) is None:
            raise _none_held(place)
        places = [each.place for each in self.all()] if place is None else [place]
        return [self._replayed(router, locks, each, wait) for each in places]

    def _replayed(self, router: Router, locks: Locks, place: str, wait: timedelta) -> Replayed:
        handled = 0
        try:
            with locks.hold(self._lock_name(place), lease=LEASE, wait=wait) as lock:
                while (record := self._next(place)) is not None:
                    lock.check()
                    body = self.body(record)
                    try:
                        router.run(body)
                    except Exception as error:
                        LOG.warning("A record of %s cannot be replayed", place, exc_info=error)
                        return Replayed(place, handled, error)
                    self._let_go(record, lock)
                    handled += 1
        except AircraftOpsDataError as error:
            return Replayed(place, handled, error)
        return Replayed(place, handled, None)

    def discard(self, locks: Locks, place: str, *, whole: bool = False, wait: timedelta = WAIT) -> int:
        """Throw the first record of an item away, or with `whole` all of them; how many these were.

        What is left is parked still, and comes by `replay`. Raises NotFoundError where nothing is held, LockHeldError
        while somebody replays it.
        """
        discarded = 0
        with locks.hold(self._lock_name(place), lease=LEASE, wait=wait) as lock:
            while (whole or not discarded) and (record := self._next(place)) is not None:
                lock.check()
                self._let_go(record, lock)
                discarded += 1
        if not discarded:
            raise _none_held(place)
        return discarded

    def _next(self, place: str) -> Parked | None:
        return self._run(next_parked(self.name, place, self._core.context))

    def _let_go(self, record: Parked, lock: Lock) -> None:
        self._run(let_go(record, lock.fence(), self._core.context))

    def _lock_name(self, place: str) -> str:
        return f"quarantine/{self.name}/{place}"


def _none_held(place: str) -> NotFoundError:
    return NotFoundError("Nothing of this item is held", entity="Held", identity={"place": place})
