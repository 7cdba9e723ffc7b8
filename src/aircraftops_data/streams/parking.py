"""Parking records and letting them go again, as plans: none overtakes another of its item, and none is lost."""

from __future__ import annotations

from typing import Any
from zlib import decompress
from zlib import error as ZlibError

from aircraftops_data.core.asking import finding, query_reading
from aircraftops_data.core.commit import commit, write
from aircraftops_data.core.context import Context
from aircraftops_data.core.intents import Create, Put
from aircraftops_data.core.reading import chunk
from aircraftops_data.core.targets import deleting, updating
from aircraftops_data.core.writes import Intent
from aircraftops_data.errors import (
    AlreadyExistsError,
    ContentionError,
    CorruptItemError,
    LockLostError,
    NotFoundError,
    TransactionConflictError,
)
from aircraftops_data.request import Plan
from aircraftops_data.streams.change import AnyRecord
from aircraftops_data.streams.parked import (
    REMEMBERED,
    Failures,
    Held,
    HeldState,
    Parked,
    ParkedPart,
    is_in_line,
    item_of,
    items_of,
    reason_of,
)

# As many held items are read in one go; where there are more, only those a batch is about.
LISTED = 200


def failed_again(stream: str, record: AnyRecord, context: Context) -> Plan[int]:
    """Count one more failure of a record; how many there are. 1 read unit and 1 write unit."""
    key: dict[str, Any] = {"stream": stream, "place": record.place, "order": record.order}
    found = yield from finding(Failures, key, context, consistent=True, expired=False)
    count = 1 if found is None else found.count + 1
    yield from write(Put(Failures(**key, count=count, expires_at=context.clock.now() + REMEMBERED)), context)
    return count


def held_at(stream: str, place: str, context: Context) -> Plan[Held | None]:
    """What is held of an item, or was lately. 1 read unit."""
    return (yield from finding(Held, {"stream": stream, "place": place}, context, consistent=True, expired=False))


def first_held(stream: str, context: Context) -> Plan[tuple[list[Held], bool]]:
    """The first items that are held or were lately, and whether these are all. 1 read unit per 4 KB, at least 1."""
    found = yield from chunk(query_reading(Held.primary(stream=stream), consistent=True), context, None, LISTED)
    return found.found.whole(), found.next is None


def parked(stream: str, record: AnyRecord, cause: Exception | None, context: Context) -> Plan[bool]:
    """Park a record, whole or not at all; said again it changes nothing.

    Behind others (`cause` None) only while these are there: False where they have been replayed meanwhile, and nothing
    is parked; nor is what was itself replayed or discarded meanwhile. 2 write units per KB of the record and 2 more,
    1 read unit.
    """
    whole, more = items_of(stream, record, reason_of(record, cause), context.clock.now())
    for attempt in range(context.retry.attempts):
        held = yield from held_at(stream, record.place, context)
        if held is not None and held.is_through(record):
            return True
        if cause is None and (held is None or held.state is HeldState.CLEARED):
            return False
        try:
            yield from commit([Create(whole), _one_more(held, whole, record), *map(Put, more)], context)
        except TransactionConflictError as refused:
            if isinstance(refused.reasons[0], AlreadyExistsError):
                return True
            yield from context.back_off(attempt, _contended)
        else:
            return True
    raise AssertionError("back_off raises on the last attempt")


def _contended(tries: int) -> ContentionError:
    return ContentionError(f"Gave up after {tries} tries: others kept changing what is held", retryable=True)


def _one_more(held: Held | None, whole: Parked, record: AnyRecord) -> Intent[Any]:
    """What is held of an item, with one record more; on the condition that it is as it was seen."""
    order = whole.order if is_in_line(record) else ""
    first = {"count": 1, "reason": whole.reason, "parked_at": whole.parked_at, "first": order}
    if held is None:
        own = {"stream": whole.stream, "place": whole.place, "table": record.table, "item": item_of(record)}
        return Create(Held.model_validate({**own, **first}))
    if held.state is HeldState.OPEN:
        return updating(held, set={"count": held.count + 1})
    return updating(held, set={**first, "state": HeldState.OPEN, "expires_at": None})


def next_parked(stream: str, place: str, context: Context) -> Plan[Parked | None]:
    """The first record that is parked of an item; None where there is none. 1 read unit per 4 KB of it."""
    query = Parked.primary(stream=stream, place=place)
    found = yield from chunk(query_reading(query, consistent=True), context, None, 1)
    return next(iter(found.found.whole()), None)


def body_of(record: Parked, context: Context) -> Plan[str]:
    """A parked record as it came, as JSON text. 1 read unit per 4 KB of what one item does not hold.

    Raises CorruptItemError where a part of it is missing or damaged.
    """
    packed = record.body
    for number in range(1, record.parts):
        key = {**record.identity(), "number": number}
        part = yield from finding(ParkedPart, key, context, consistent=True, expired=False)
        packed += b"" if part is None else part.body
    try:
        return decompress(packed).decode()
    except (ZlibError, UnicodeDecodeError) as error:
        problem = "the body of a parked record is damaged @ body"
        raise CorruptItemError(problem, entity="Parked", problems=(problem,)) from error


def let_go(record: Parked, fence: Intent[Any], context: Context) -> Plan[bool]:
    """Take a record out of the quarantine for good; whether it was the last of its item.

    Only by who holds the lock that the fence is of. 4 write units, and 2 per KB of the record. Raises LockLostError,
    NotFoundError where nothing is held.
    """
    for attempt in range(context.retry.attempts):
        held = yield from held_at(record.stream, record.place, context)
        if held is None or held.state is HeldState.CLEARED:
            raise NotFoundError("Nothing of this item is held", entity="Held", identity={"place": record.place})
        try:
            yield from commit([fence, *_deleted(record), _one_less(held, record, context)], context)
        except TransactionConflictError as refused:
            lost = next((reason for reason in refused.reasons if isinstance(reason, LockLostError)), None)
            if lost is not None:
                raise lost from refused
            yield from context.back_off(attempt, _contended)
        else:
            return held.count == 1
    raise AssertionError("back_off raises on the last attempt")


def _deleted(record: Parked) -> list[Intent[Any]]:
    own = record.identity()
    return [deleting(Parked, **own), *(deleting(ParkedPart, **own, number=number) for number in range(1, record.parts))]


def _one_less(held: Held, record: Parked, context: Context) -> Intent[Any]:
    """What is held of an item, with one record less; cleared with the last. Its version must be the one seen."""
    # Without a sequence number its order is a time, which is above the sequence numbers of all that is to come.
    through = max(held.through, record.order) if record.order.isdigit() else held.through
    if held.count > 1:
        return updating(held, set={"count": held.count - 1, "through": through})
    forgotten = context.clock.now() + REMEMBERED
    return updating(held, set={"count": 0, "through": through, "state": HeldState.CLEARED, "expires_at": forgotten})
