"""One batch of records on its way: to the functions record by record, then to the sinks, or into the quarantine."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from aircraftops_data.errors import (
    ContentionError,
    MissingExtraError,
    ObjectStoreError,
    OnceInProgressError,
    PoisonRecordError,
    StoreError,
)
from aircraftops_data.streams.change import AnyRecord, Cause, Change, Poison
from aircraftops_data.streams.sinks.sink import Refused, Sink
from aircraftops_data.streams.subscription import Subscription

if TYPE_CHECKING:
    # It brings the core along, which reading a stream does without.
    from aircraftops_data.streams.parked import Held
    from aircraftops_data.streams.quarantine import Quarantine

LOG = logging.getLogger("aircraftops_data")
_ONCE_KEY_LIMIT = 200

Late = Callable[[], bool]
"""Whether there is no time for another record."""
Once = Callable[[str, Callable[[Any], None]], object]
"""Runs a function for a key, unless it was: `ops.jobs.once`. Raises OnceInProgressError while another runs it."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch: the first `done` records are dealt with, handled or parked or wanted by nobody."""

    done: int
    failed: AnyRecord | None = None
    """The record that is to be delivered again, and all behind it; None where all are done."""
    error: Exception | None = None
    """Why; None where there was no time left."""
    parked: int = 0


@dataclass(frozen=True, slots=True)
class Receiver:
    """A function and what it wants."""

    name: str
    subscription: Subscription
    function: Callable[[Any], object]


@dataclass(frozen=True, slots=True, eq=False)
class Outlet:
    """A sink and what it wants."""

    sink: Sink
    subscriptions: tuple[Subscription, ...]

    def wants(self, change: Change[Any]) -> bool:
        """Whether the sink is to be given this."""
        return any(each.wants(change) for each in self.subscriptions)


@dataclass(frozen=True, slots=True)
class Routes:
    """Where changes go, and how."""

    name: str
    receivers: Sequence[Receiver]
    outlets: Sequence[Outlet]
    once: Once | None

    def give(self, record: AnyRecord) -> list[Outlet]:
        """Run the functions that want a record; the sinks that do. Raises what they raise, PoisonRecordError."""
        if isinstance(record, Poison):
            raise PoisonRecordError(f"A record cannot be read: {record.reason}")
        for receiver in self.receivers:
            if receiver.subscription.wants(record):
                self._run(receiver, record)
        return [outlet for outlet in self.outlets if outlet.wants(record)]

    def _run(self, receiver: Receiver, change: Change[Any]) -> None:
        def work(_: object) -> None:
            receiver.function(change)

        if self.once is None or change.cause is Cause.SNAPSHOT:
            work(None)
        else:
            self.once(self._key(receiver, change), work)

    def _key(self, receiver: Receiver, change: Change[Any]) -> str:
        # What writes to Kinesis may write a record twice, at places of the stream that differ.
        known = change.order if change.sequence is not None else change.event_id or change.order
        key = f"stream/{self.name}/{receiver.name}/{change.place}/{known}"
        return key if len(key) <= _ONCE_KEY_LIMIT else f"stream/{sha256(key.encode()).hexdigest()}"


@dataclass(slots=True, eq=False)
class _Through:
    """A change that the functions are through with, and the sinks that have yet to be given it."""

    index: int
    change: Change[Any]
    place: str
    outlets: list[Outlet]


_Stop = tuple[int, Exception | None]
"""How many records are done, and why no more; None where there was no time left, or none are left."""


class Batch:
    """A batch under way. `late` says when there is no time for another record."""

    def __init__(self, routes: Routes, quarantine: Quarantine | None, late: Late) -> None:
        self._routes = routes
        self._quarantine = quarantine
        self._late = late
        self._held: dict[str, Held] = {}
        self._seen: set[tuple[str, int | None]] = set()
        self._through: list[_Through] = []
        self._withheld: dict[str, int] = {}
        self._parked = 0

    def take(self, records: Sequence[AnyRecord]) -> Taken:
        """Deal with the records in order, up to the first that fails."""
        try:
            self._held = {} if self._quarantine is None else self._quarantine.among(records)
        except Exception as failure:  # noqa: BLE001 - whatever it is, it is in the answer
            return Taken(0, records[0] if records else None, failure)
        done, error = self._sinks(*self._functions(records))
        return Taken(done, records[done] if done < len(records) else None, error, self._parked)

    # Functions

    def _functions(self, records: Sequence[AnyRecord]) -> _Stop:
        for index, record in enumerate(records):
            if self._late():
                return index, None
            try:
                self._give(index, record)
            except Exception as error:  # noqa: BLE001 - whatever a handler raises: the record has failed, nothing else
                stop = self._unless_parked(index, record, error)
                if stop is not None:
                    return stop
        return len(records), None

    def _give(self, index: int, record: AnyRecord) -> None:
        if self._came_before(record) or self._put_behind(record):
            return
        outlets = self._routes.give(record)
        if outlets and not isinstance(record, Poison):
            self._through.append(_Through(index, record, record.place, outlets))

    def _came_before(self, record: AnyRecord) -> bool:
        """Whether the same record came earlier in the batch: a delivery may bring one twice."""
        if record.event_id is None:
            return False
        known = (record.event_id, record.sequence)
        if known in self._seen:
            return True
        self._seen.add(known)
        return False

    def _put_behind(self, record: AnyRecord) -> bool:
        """Park a record whose item is held, unless that has just been cleared."""
        held = self._held.get(record.place) if self._held else None
        if held is None or self._quarantine is None:
            return False
        if held.is_through(record):
            return True
        if held.count == 0 or not self._quarantine.park_behind(record):
            return False
        self._parked += 1
        return True

    # The quarantine

    def _unless_parked(self, index: int, record: AnyRecord, error: Exception) -> _Stop | None:
        """None where the record is parked now; else how far all is done, and why no further."""
        try:
            if self._quarantine is None or is_passing(error) or not self._quarantine.used_up(record):
                return index, error
            stop = self._written_before(index, record.place)
            if stop is not None:
                return stop
            held = self._quarantine.park(record, error)
        except Exception as failure:  # noqa: BLE001 - whatever parking raises: the record is not parked
            failure.add_note(f"while a record was parked that had failed with {type(error).__name__}")
            return index, failure
        if held is not None:
            self._held[record.place] = held
        self._parked += 1
        return None

    def _written_before(self, index: int, place: str) -> _Stop | None:
        """Write what sinks have yet to be given of an item, and all up to there; None where that is done.

        What is parked may be replayed or discarded at any moment, and then counts as what all before it was dealt with.
        """
        if not any(each.place == place and each.outlets for each in self._through if each.index < index):
            return None
        done, error = self._sinks(index, None)
        return None if done == index else (done, error)

    # Sinks

    def _sinks(self, done: int, error: Exception | None) -> _Stop:
        """Write the changes of the records that went through; how far that is done, and why no further."""
        for outlet in self._routes.outlets:
            given = [each for each in self._through if each.index < done and outlet in each.outlets]
            if not given:
                continue
            try:
                refused = written(outlet.sink, [each.change for each in given], self._late)
            except Exception as failure:  # noqa: BLE001 - whatever a sink raises: its batch is written again
                done, error = given[0].index, failure
                continue
            for each in given:
                each.outlets.remove(outlet)
            done, error = self._without(refused, done) or (done, error)
        return done, error

    def _without(self, refused: Sequence[Refused], done: int) -> _Stop | None:
        """Park what a sink refused, and what is behind it; or stop before the first that cannot be parked."""
        reasons = {id(each.change): each.error for each in refused}
        parked = self._parked
        for each in [*self._through] if reasons else ():
            if each.index >= done:
                break
            behind = self._withheld.get(each.place, each.index) < each.index
            reason = None if behind else reasons.get(id(each.change))
            if not behind and reason is None:
                continue
            if self._parked > parked and self._late():
                return each.index, None
            stop = self._behind(each) if reason is None else self._unless_parked(each.index, each.change, reason)
            if stop is not None:
                return stop
            self._withheld.setdefault(each.place, each.index)
            self._through.remove(each)
        return None

    def _behind(self, each: _Through) -> _Stop | None:
        """None where a change is parked behind another that its sink refused; else why it is not."""
        try:
            if self._quarantine is not None and self._quarantine.park_behind(each.change):
                self._parked += 1
                return None
        except Exception as failure:  # noqa: BLE001 - whatever parking raises: the change is not parked
            return each.index, failure
        replayed = ContentionError("What was parked of this item was replayed at the same moment", retryable=True)
        return each.index, replayed


def written(sink: Sink, changes: Sequence[Change[Any]], late: Late) -> list[Refused]:
    """What a sink refuses of these changes; where it raises, those that make it so, found by halving the batch.

    Once one is found and it is late, the others count as refused for want of time. Raises what may pass by itself, and
    what `late` does.
    """
    # Who may do no more is told here; where there is merely no time, what functions are through with is written still.
    late()
    try:
        return list(sink.write(changes))
    except Exception as error:
        if is_passing(error):
            raise
        if len(changes) == 1:
            return [Refused(changes[0], error)]
    half = len(changes) // 2
    refused = written(sink, changes[:half], late)
    if refused and late():
        return [*refused, *(Refused(change, TimeoutError("No time is left to write it")) for change in changes[half:])]
    places = {each.change.place: each.error for each in refused}
    behind = [Refused(change, places[change.place]) for change in changes[half:] if change.place in places]
    rest = [change for change in changes[half:] if change.place not in places]
    return [*refused, *behind, *(written(sink, rest, late) if rest else ())]


def is_passing(error: Exception) -> bool:
    """Whether an error says nothing of the record but of what is around it: then no attempt is counted.

    What AWS or the network does, a permission that lacks, a table or a package that is not there: it fails for every
    record.
    """
    if isinstance(error, ObjectStoreError):
        return not error.missing
    return isinstance(error, StoreError | ConnectionError | TimeoutError | OnceInProgressError | MissingExtraError)
