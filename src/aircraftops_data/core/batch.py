"""Batches: many keys or items a request, nothing asked twice, order kept, what was left undone told exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any, Generic, TypeVar, cast

from aircraftops_data.consumed import Consumed, consumed_of
from aircraftops_data.core.context import Context, send
from aircraftops_data.errors import (
    AircraftOpsDataError,
    ContentionError,
    InvalidInputError,
    RequestRefusedError,
    StoreError,
    ThrottledError,
    UnprocessedItemsError,
)
from aircraftops_data.model.definition import AttributeValue, EntityDefinition, Item
from aircraftops_data.model.schema import Table
from aircraftops_data.request import Plan, Reader, Request, Response
from aircraftops_data.translation.readers import reader_of

T = TypeVar("T")
GET_LIMIT = 100
WRITE_LIMIT = 25
Place = tuple[Any, ...]


@dataclass(frozen=True)
class Failure(Generic[T]):
    """One input that was not written, and why."""

    entity: T
    error: AircraftOpsDataError


@dataclass
class Report(Generic[T]):
    """What a bulk write did: how many were `done`, which `failed` and why, and what it cost."""

    done: int = 0
    failed: list[Failure[T]] = field(default_factory=list[Failure[T]])
    consumed: Consumed = field(default_factory=Consumed)

    def include(self, part: Report[T]) -> None:
        """Add the failures and the cost of a part; the one who counts the inputs says how many are done."""
        self.failed += part.failed
        self.consumed += part.consumed

    def fail(self, writes: Iterable[BatchWrite[T]], error: AircraftOpsDataError) -> None:
        """None of these was written."""
        self.failed += [Failure(entity, error) for write in writes for entity in write.entities]

    def raise_if_failed(self) -> None:
        """Raise the first failure, noting how many there are."""
        if self.failed:
            error = self.failed[0].error
            error.add_note(f"{len(self.failed)} of {len(self.failed) + self.done} were not written")
            raise error


def place_of(key: Item, table: Table) -> Place:
    """The primary key as a value to compare keys by; numbers by value, as DynamoDB does."""
    return tuple(_comparable(key[attribute.name]) for attribute in table.attributes)


def _comparable(stored: AttributeValue) -> Any:
    return Decimal(stored["N"]) if "N" in stored else next(iter(stored.items()))


def checked(concurrency: int) -> int:
    """The number of requests side by side. Raises InvalidInputError for less than one."""
    if concurrency < 1:
        raise InvalidInputError("At least one request at a time is needed to get anything done")
    return concurrency


def batch_get(
    definition: EntityDefinition, keys: Sequence[Item], context: Context, *, consistent: bool
) -> Plan[list[Sequence[Item]]]:
    """The items of an entity at up to 100 different keys, in no order, by response.

    Raises UnprocessedItemsError when the tries run out.
    """
    name, reader = context.names[definition.table], reader_of(definition)
    return (yield from batch_get_from(name, keys, context, consistent=consistent, reader=reader))


def batch_get_from(
    name: str, keys: Sequence[Item], context: Context, *, consistent: bool, reader: Reader | None = None
) -> Plan[list[Sequence[Item]]]:
    """The same for items of any kind, in the table of this physical name."""
    found: list[Sequence[Item]] = []
    left = list(keys)
    for attempt in range(context.retry.attempts):
        asked = {name: {"Keys": left, "ConsistentRead": consistent}}
        request = Request("BatchGetItem", {"RequestItems": asked, "ReturnConsumedCapacity": "INDEXES"}, reader)
        response, busy = yield from _taken(request, context)
        if response is not None:
            found.append(cast("Sequence[Item]", response.get("Responses", {}).get(name, ())))
            unprocessed = cast("dict[str, dict[str, Any]]", response.get("UnprocessedKeys") or {})
            left = cast("list[Item]", unprocessed.get(name, {}).get("Keys", []))
        if not left:
            break
        yield from context.back_off(attempt, _unprocessed(left, busy))
    return found


def _taken(request: Request, context: Context) -> Plan[tuple[Response | None, StoreError | None]]:
    """The response; or none, and why, where the engine is too busy to take any part of a batch just now."""
    try:
        response = yield from send(request, context)
    except (ThrottledError, ContentionError) as busy:
        return None, busy
    return response, None


def _unprocessed(keys: Sequence[Item], busy: StoreError | None) -> Callable[[int], StoreError]:
    def give_up(tries: int) -> StoreError:
        error = UnprocessedItemsError(f"{len(keys)} keys were left after {tries} tries", keys=keys, retryable=True)
        error.__cause__ = busy
        return error

    return give_up


@dataclass(frozen=True)
class BatchWrite(Generic[T]):
    """One input of a bulk write, ready to send: a put of an item or the delete of a key."""

    entity: T
    table: Table
    key: Item
    item: Item | None = None
    superseded: tuple[T, ...] = ()
    """Earlier inputs with the same key; they share this one's fate."""

    @property
    def entities(self) -> tuple[T, ...]:
        """Every input this write stands for."""
        return (*self.superseded, self.entity)

    @cached_property
    def place(self) -> Place:
        """Which item it writes."""
        return (self.table.name, *place_of(self.key, self.table))

    @property
    def request(self) -> dict[str, Any]:
        """Its part of a BatchWriteItem."""
        return {"DeleteRequest": {"Key": self.key}} if self.item is None else {"PutRequest": {"Item": self.item}}


def batch_write(writes: Sequence[BatchWrite[T]], context: Context) -> Plan[Report[T]]:
    """Write up to 25 different items. What the engine leaves is tried again; what is left then is reported.

    One item that the engine refuses would take the others along: a refused batch is sent again item by item.
    """
    waiting = {(context.names[write.table], write.place): write for write in writes}
    report = Report[T]()
    try:
        for attempt in range(context.retry.attempts):
            waiting, busy = yield from _write_once(waiting, report, context)
            if not waiting:
                break
            yield from context.back_off(attempt, _unprocessed([write.key for write in waiting.values()], busy))
    except RequestRefusedError as error:
        if len(waiting) > 1:
            for write in waiting.values():
                report.include((yield from batch_write([write], context)))
        else:
            report.fail(waiting.values(), error)
    except AircraftOpsDataError as error:
        report.fail(waiting.values(), error)
    report.done = sum(len(write.entities) for write in writes) - len(report.failed)
    return report


_Waiting = dict[tuple[str, Place], BatchWrite[T]]


def _write_once(
    waiting: _Waiting[T], report: Report[T], context: Context
) -> Plan[tuple[_Waiting[T], StoreError | None]]:
    asked: dict[str, list[Any]] = {}
    for (name, _), write in waiting.items():
        asked.setdefault(name, []).append(write.request)
    request = Request("BatchWriteItem", {"RequestItems": asked, "ReturnConsumedCapacity": "INDEXES"})
    response, busy = yield from _taken(request, context)
    if response is None:
        return waiting, busy
    report.consumed += consumed_of(request.operation, response)
    left = cast("dict[str, list[dict[str, Any]]]", response.get("UnprocessedItems") or {})
    tables = {context.names[write.table]: write.table for write in waiting.values()}
    places = {(name, _place(entry, tables[name])) for name, entries in left.items() for entry in entries}
    return {place: write for place, write in waiting.items() if place in places}, None


def _place(entry: dict[str, Any], table: Table) -> Place:
    key = entry["PutRequest"]["Item"] if "PutRequest" in entry else entry["DeleteRequest"]["Key"]
    return (table.name, *place_of(key, table))
