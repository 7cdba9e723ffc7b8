"""One batch of records on its way: to the functions record by record, then to the sinks, or into the quarantine."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from aircraftops_data.errors import (
    ContentionError,
    LockHeldError,
    LockLostError,
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
_AWAY = StoreError | ConnectionError | TimeoutError | MissingExtraError
_TAKEN = OnceInProgressError | LockHeldError | LockLostError

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


@dataclass(frozen=True, eq=False)
class _Through:
    """A change that the functions are through with, and the sinks that want it."""

    index: int
    change: Change[Any]
    outlets: Sequence[Outlet]

    @cached_property
    def place(self) -> str:
        """Asked for only where something fails: it is a digest."""
        return self.change.place

    def withheld(self, refused: _Refusals) -> bool:
        """Whether a sink refused it, or what precedes it of its item."""
        first = refused.get(self.place) if refused else None
        return first is not None and first[0] <= self.index


_Refusals = dict[str, tuple[int, Exception]]
"""By place, the first change that a sink refused and that is to be parked, and why."""
_Stop = tuple[int, Exception | None]
"""How many records are done, and why no more; None where there was no time left, or none are left."""


class Batch:
    """A batch under way. `late` says when there is no time for another record.

    What is parked may be replayed or discarded at any moment, and then counts as what all before it was dealt with: so
    nothing is parked before the sinks have all that precedes it of its item.
    """

    def __init__(self, routes: Routes, quarantine: Quarantine | None, late: Late) -> None:
        self._routes = routes
        self._quarantine = quarantine
        self._late = late
        self._held: dict[str, Held] = {}
        self._seen: set[tuple[str, int | None]] = set()
        self._through: list[_Through] = []
        self._parked = 0

    def take(self, records: Sequence[AnyRecord]) -> Taken:
        """Deal with the records in order, up to the first that fails."""
        try:
            self._held = {} if self._quarantine is None else self._quarantine.among(records)
        except Exception as failure:  # noqa: BLE001 - whatever it is, it is in the answer
            return Taken(0, records[0] if records else None, failure)
        done, error = self._settled(*self._functions(records))
        return Taken(done, records[done] if done < len(records) else None, error, self._parked)

    # Functions

    def _functions(self, records: Sequence[AnyRecord]) -> _Stop:
        for index, record in enumerate(records):
            if self._late():
                return index, None
            stop = None if self._came_before(record) else self._unless_dealt_with(index, record)
            if stop is not None:
                return stop
        return len(records), None

    def _came_before(self, record: AnyRecord) -> bool:
        """Whether the same record came earlier in the batch: a delivery may bring one twice."""
        if record.event_id is None:
            return False
        known = (record.event_id, record.sequence)
        if known in self._seen:
            return True
        self._seen.add(known)
        return False

    def _unless_dealt_with(self, index: int, record: AnyRecord) -> _Stop | None:
        """None where the functions are through with a record, or it is parked; else how far all is done, and why."""
        try:
            held = self._held.get(record.place) if self._held else None
            if held is not None and held.is_through(record):
                return None
            if held is not None and held.count > 0:
                stop = self._unless_settled(index, record.place)
                if stop is not None or self._put_behind(record):
                    return stop
            outlets = self._routes.give(record)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises: the record has failed, nothing else
            return (
                self._unless_used_up(index, record, error)
                or self._unless_settled(index, record.place)
                or self._unless_parked(index, record, error)
            )
        if outlets and not isinstance(record, Poison):
            self._through.append(_Through(index, record, outlets))
        return None

    # The quarantine

    def _unless_used_up(self, index: int, record: AnyRecord, error: Exception) -> _Stop | None:
        """None where a record that failed is to be parked; else why all stops before it."""
        try:
            parkable = self._quarantine is not None and not is_passing(error) and self._quarantine.used_up(record)
        except Exception as failure:  # noqa: BLE001 - whatever counting raises: it is not counted
            return index, _beside(failure, error)
        return None if parkable else (index, error)

    def _unless_parked(self, index: int, record: AnyRecord, error: Exception | None) -> _Stop | None:
        """None where a record is parked now, without an error behind others; else why it is not."""
        try:
            if error is None or self._quarantine is None:
                if self._put_behind(record):
                    return None
                raise ContentionError("What was parked of this item was replayed at the same moment", retryable=True)
            held = self._quarantine.park(record, error)
        except Exception as failure:  # noqa: BLE001 - whatever parking raises: the record is not parked
            return index, _beside(failure, error)
        if held is not None:
            self._held[record.place] = held
        self._parked += 1
        return None

    def _put_behind(self, record: AnyRecord) -> bool:
        """Park a record whose item is held, unless that has just been cleared."""
        if self._quarantine is None or not self._quarantine.park_behind(record):
            return False
        self._parked += 1
        return True

    # Sinks

    def _unless_settled(self, index: int, place: str) -> _Stop | None:
        """Have the sinks given all before a record, if that is of its item; None where they have it."""
        if not any(each.place == place for each in self._through):
            return None
        stop = self._settled(index, None)
        return None if stop[0] == index else stop

    def _settled(self, done: int, error: Exception | None) -> _Stop:
        """Give the sinks what the functions are through with, then park what they refuse; how far all is done, and why.

        What a sink refuses, and what is behind it, no other is given.
        """
        through, self._through = self._through, []
        refused: _Refusals = {}
        for outlet in self._routes.outlets:
            given = [
                each for each in through if each.index < done and outlet in each.outlets and not each.withheld(refused)
            ]
            if not given:
                continue
            try:
                answer = written(outlet.sink, [each.change for each in given], self._late)
            except Exception as failure:  # noqa: BLE001 - whatever a sink raises: its batch is written again
                done, error = given[0].index, failure
            else:
                done, error = self._unless_withheld(given, answer, refused) or (done, error)
        return self._unless_put_away(through, refused, done) or (done, error)

    def _unless_withheld(
        self, given: Sequence[_Through], answer: Sequence[Refused], refused: _Refusals
    ) -> _Stop | None:
        """Note what a sink refused, or stop before the first that is not to be parked."""
        reasons = {id(each.change): each.error for each in answer}
        for each in given if reasons else ():
            reason = reasons.get(id(each.change))
            if reason is None or each.withheld(refused):
                continue
            if refused and self._late():
                return each.index, None
            stop = self._unless_used_up(each.index, each.change, reason)
            if stop is not None:
                return stop
            refused[each.place] = each.index, reason
        return None

    def _unless_put_away(self, through: Sequence[_Through], refused: _Refusals, done: int) -> _Stop | None:
        """Park what sinks refused, and what is behind it; or stop before the first that cannot be parked."""
        parked = self._parked
        for each in through if refused else ():
            if each.index >= done or not each.withheld(refused):
                continue
            if self._parked > parked and self._late():
                return each.index, None
            first, reason = refused[each.place]
            stop = self._unless_parked(each.index, each.change, reason if each.index == first else None)
            if stop is not None:
                return stop
        return None


def _beside(failure: Exception, error: Exception | None) -> Exception:
    """What went wrong while a record was parked, which says what that had failed with."""
    if error is not None:
        failure.add_note(f"while a record was parked that had failed with {type(error).__name__}")
    return failure


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

    What AWS or the network does, a permission that lacks, a table or a package that is not there, a lock that another
    holds or whose lease has ended.
    """
    return not error.missing if isinstance(error, ObjectStoreError) else isinstance(error, _AWAY | _TAKEN)
