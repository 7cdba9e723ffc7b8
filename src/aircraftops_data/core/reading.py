"""Queries and scans as values, and the plans that read their pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar, cast

from aircraftops_data.clock import Clock
from aircraftops_data.consumed import Consumed, consumed_of
from aircraftops_data.core.context import Context, send
from aircraftops_data.errors import CorruptItemError, InvalidInputError
from aircraftops_data.model.conditions import Attribute, BeginsWith, Between, Comparison, Condition, Stored
from aircraftops_data.model.declarations import KeyQuery, SortCondition
from aircraftops_data.model.definition import AttributeValue, EntityDefinition, Item, ItemView
from aircraftops_data.model.schema import SecondaryIndex, Table
from aircraftops_data.request import Plan, Reader, Request
from aircraftops_data.translation.codec import codec_of, is_expired
from aircraftops_data.translation.expressions import encode_operand, expressed
from aircraftops_data.translation.readers import ReadItem, ReadItems, entities_of, reader_of

T = TypeVar("T")
ReadPolicy = Literal["raise", "skip", "collect"]
PAGE_LIMIT = 1000


@dataclass(frozen=True)
class Source:
    """Where a reading reads: a partition (with a condition on its sort key) or a whole table, directly or by index."""

    table: Table
    index: SecondaryIndex | None = None
    partition: tuple[str, AttributeValue] | None = None
    sort: tuple[str, SortCondition] | None = None
    segment: tuple[int, int] | None = None

    @property
    def operation(self) -> str:
        """Query for a partition, Scan for a table."""
        return "Scan" if self.partition is None else "Query"

    def key_condition(self) -> Condition:
        """The key condition of a query."""
        if self.partition is None:
            raise InvalidInputError("A scan has no key condition")
        name, value = self.partition
        whole: Condition = Comparison("=", Attribute(name), Stored(value))
        return whole if self.sort is None else whole & _sort_condition(*self.sort)

    def needed(self) -> set[str]:
        """The attributes that reading on, and telling types and expiry, take: of those the index carries."""
        table, index = self.table, self.index
        keys = {attribute.name for attribute in (*table.attributes, *(() if index is None else index.attributes))}
        wanted = ({table.managed.entity_type} if table.typed else set[str]()) | {table.ttl_attribute or ""} - {""}
        return keys | {name for name in wanted if self.carries(name)}

    def carries(self, attribute: str) -> bool:
        """Whether items read here have this attribute: an index may carry only some."""
        if self.index is None or self.index.projection == "ALL":
            return True
        keys = {known.name for known in (*self.table.attributes, *self.index.attributes)}
        return attribute in keys or (self.index.projection != "KEYS_ONLY" and attribute in self.index.projection)

    @property
    def sort_name(self) -> str:
        """The sort key's attribute. Raises InvalidInputError where there is none."""
        key = self.table.sort_key if self.index is None else self.index.sort_key
        if key is None:
            raise InvalidInputError("There is no sort key")
        return key.name

    def key_names(self) -> list[str]:
        """The attributes of the key from which reading goes on."""
        attributes = (*self.table.attributes, *(() if self.index is None else self.index.attributes))
        return [attribute.name for attribute in attributes]

    def cursor_key(self, item: Item) -> Item:
        """The key from which reading goes on after this item."""
        return {name: item[name] for name in self.key_names()}


def _sort_condition(name: str, sort: SortCondition) -> Condition:
    operands = [Stored(value) for value in sort.values]
    if sort.operator == "begins_with":
        return BeginsWith(Attribute(name), operands[0])
    if sort.operator == "BETWEEN":
        return Between(Attribute(name), operands[0], operands[1])
    return Comparison(cast("Any", sort.operator), Attribute(name), operands[0])


def source_of(query: KeyQuery[Any]) -> Source:
    """Where a key query reads."""
    sort = query.key.sort
    return Source(
        query.definition.table,
        query.key.index,
        (query.key.partition.attribute.name, query.partition),
        None if sort is None or query.sort is None else (sort.attribute.name, query.sort),
    )


@dataclass(frozen=True)
class Reading(Generic[T]):
    """What is read, how, and what each item becomes. A value: nothing happens until a plan of it is run."""

    source: Source
    decode: Callable[[Item], T]
    definition: EntityDefinition | None = None
    filter: Condition | None = None
    projection: tuple[Attribute, ...] | None = None
    newest_first: bool = False
    consistent: bool = False
    include_expired: bool = False
    on_corrupt: ReadPolicy = "raise"
    segments: int = 1
    reader: Reader | None = None
    """What reads a response straight into what `decode` makes of its items, where something can."""
    refusal: str | None = None
    """Why no whole item can be read here: the index carries only some attributes."""

    def request(self, context: Context, start: Item | None, limit: int | None, *, count: bool = False) -> Request:
        """The request of one page of the engine's; `limit` is how many items it looks at, before any filter.

        Raises InvalidInputError where whole entities are asked of an index that carries only parts.
        """
        if self.refusal is not None and not count:
            raise InvalidInputError(self.refusal)
        encode = encode_operand if self.definition is None else codec_of(self.definition).operand
        parameters: dict[str, Any] = {
            "TableName": context.names[self.source.table],
            "ReturnConsumedCapacity": "INDEXES",
        }
        if self.source.index is not None:
            parameters["IndexName"] = self.source.index.name
        parameters |= self._options(start, limit)
        parameters |= expressed(
            encode,
            KeyConditionExpression=None if self.source.partition is None else self.source.key_condition(),
            FilterExpression=self._filter(context.clock, count=count),
            ProjectionExpression=None if count or self.projection is None else self._projected(self.projection),
        )
        if count:
            parameters["Select"] = "COUNT"
        return Request(self.source.operation, parameters, None if count else self.reader)

    def scope(self, context: Context) -> str:
        """What a cursor is bound to: table, index, key condition and direction."""
        source = self.source
        index = "" if source.index is None else source.index.name
        return repr((context.names[source.table], index, source.partition, source.sort, self.newest_first))

    def _options(self, start: Item | None, limit: int | None) -> dict[str, Any]:
        options: dict[str, Any] = {}
        if self.consistent:
            options["ConsistentRead"] = True
        if self.newest_first:
            options["ScanIndexForward"] = False
        if limit is not None:
            options["Limit"] = limit
        if start is not None:
            options["ExclusiveStartKey"] = start
        if self.source.segment is not None:
            options["Segment"], options["TotalSegments"] = self.source.segment
        return options

    def _filter(self, clock: Clock, *, count: bool) -> Condition | None:
        """The caller's filter; where only a count comes back, the engine must leave expired items out as well."""
        ttl = self.source.table.ttl_attribute
        if not count or ttl is None or self.include_expired:
            return self.filter
        fresh = ~Comparison("<=", Attribute(ttl), Stored({"N": str(int(clock.now().timestamp()))}))
        return fresh if self.filter is None else self.filter & fresh

    def _projected(self, wanted: tuple[Attribute, ...]) -> list[Attribute]:
        """What was asked for, and what reading on and telling types and expiry needs."""
        needed = self.source.needed()
        if self.definition is not None and self.definition.schema_version > 1:
            needed.add(self.source.table.managed.schema_version)
        whole = {attribute.name for attribute in wanted if not attribute.path}
        inner = [attribute for attribute in wanted if attribute.path and attribute.name not in whole]
        return [*(Attribute(name) for name in sorted(needed | whole)), *inner]


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some of what a reading finds: `items` in order, the `cursor` of what follows (None: nothing), what it cost."""

    items: list[T]
    cursor: str | None = None
    consumed: Consumed = field(default_factory=Consumed)
    corrupt: list[CorruptItemError] = field(default_factory=list[CorruptItemError])

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True)
class Found(Generic[T]):
    """What the items of a response decode to, or why they do not, in order; expired items are left out."""

    values: list[T | CorruptItemError]
    positions: Sequence[int]
    """Where in the response each of the values was."""
    clean: bool
    """Whether every item decoded."""

    def whole(self) -> list[T]:
        """The values, where there is none that did not decode. Raises CorruptItemError."""
        for value in () if self.clean else self.values:
            if isinstance(value, CorruptItemError):
                raise value
        return cast("list[T]", self.values)


@dataclass(frozen=True)
class Chunk(Generic[T]):
    """One response of the engine: what it found, the items themselves, and where it stopped."""

    found: Found[T]
    items: Sequence[Item]
    next: Item | None
    consumed: Consumed
    looked_at: int = 0
    """How many items the engine read for it; those that a filter or their expiry left out are counted."""

    def item(self, index: int) -> Item:
        """The item behind one of the values found."""
        return self.items[self.found.positions[index]]


def chunk(reading: Reading[T], context: Context, start: Item | None, limit: int | None) -> Plan[Chunk[T]]:
    """Read one of the engine's pages; expired items are left out."""
    request = reading.request(context, start, limit)
    response = yield from send(request, context)
    items = cast("Sequence[Item]", response.get("Items", ()))
    now = None if reading.include_expired or reading.source.table.ttl_attribute is None else context.clock.now()
    whole = isinstance(items, ReadItems) and all(items.entities)
    found = _read(cast("ReadItems", items).entities, now) if whole else _decoded(reading, items, now)
    last = cast("Item | None", response.get("LastEvaluatedKey"))
    looked_at = int(response.get("ScannedCount", len(items)))
    return Chunk(found, items, last, consumed_of(request.operation, response), looked_at)


def _read(entities: list[Any], now: datetime | None) -> Found[Any]:
    """All items were read in one pass: the hot path, nothing is done for each but what must be."""
    if now is None or not any(entity.expires_at for entity in entities):
        return Found(entities, range(len(entities)), clean=True)
    kept = [i for i, entity in enumerate(entities) if is_current(entity, now)]
    return Found([entities[i] for i in kept], kept, clean=True)


def _decoded(reading: Reading[T], items: Sequence[Item], now: datetime | None) -> Found[T]:
    values: list[T | CorruptItemError] = []
    kept: list[int] = []
    for position, entity in enumerate(entities_of(items)):
        if not _gone(entity, items, position, reading.source.table, now):
            values.append(decoded(reading.decode, items[position]) if entity is None else entity)
            kept.append(position)
    return Found(values, kept, clean=not any(isinstance(value, CorruptItemError) for value in values))


def _gone(entity: Any, items: Sequence[Item], position: int, table: Table, now: datetime | None) -> bool:
    """Whether the expiry of an item has passed by `now`."""
    if now is None or entity is not None:
        return not is_current(entity, now)
    return is_expired(items[position], table, now)


def decoded(decode: Callable[[Item], T], item: Item) -> T | CorruptItemError:
    """What an item decodes to, or why it does not."""
    try:
        return decode(item)
    except CorruptItemError as error:
        return error


class Gathered(Generic[T]):
    """What a reading has brought so far, by its policy for items that do not fit."""

    def __init__(self, policy: ReadPolicy) -> None:
        self._policy = policy
        self.items: list[T] = []
        self.corrupt: list[CorruptItemError] = []
        self.consumed = Consumed()

    def take(self, found: Found[T], limit: int) -> int:
        """Keep values up to so many items in all; how many were looked at for it. Raises CorruptItemError."""
        room = limit - len(self.items)
        if found.clean:
            self.items += cast("list[T]", found.values[:room])
            return min(room, len(found.values))
        for taken, value in enumerate(found.values):
            if len(self.items) == limit:
                return taken
            self.items.extend(self.sifted([value]))
        return len(found.values)

    def sifted(self, values: Iterable[T | CorruptItemError]) -> Iterator[T]:
        """The values that fit; with those that do not it does what the policy says. Raises CorruptItemError."""
        for value in values:
            if not isinstance(value, CorruptItemError):
                yield value
            elif self._policy == "raise":
                raise value
            elif self._policy == "collect":
                self.corrupt.append(value)


def page(reading: Reading[T], context: Context, start: Item | None, limit: int) -> Plan[tuple[Page[T], Item | None]]:
    """Exactly `limit` items, or all that are left, and the key to go on from.

    Where items are left out (by a filter, their expiry, the read policy), twice as many are looked at each time, so
    that a rare match costs few requests. Raises InvalidInputError unless 1 <= limit <= 1000.
    """
    gathered, wanted = Gathered[T](reading.on_corrupt), checked_limit(limit)
    while True:
        part = yield from chunk(reading, context, start, wanted)
        gathered.consumed += part.consumed
        before = len(gathered.items)
        start = _taken(part, gathered, limit, reading)
        if start is None or len(gathered.items) == limit:
            return Page(gathered.items, None, gathered.consumed, gathered.corrupt), start
        left_out = len(gathered.items) - before < part.looked_at
        wanted = min(2 * wanted, PAGE_LIMIT) if left_out else limit - len(gathered.items)


def checked_limit(limit: int) -> int:
    """How many items a page takes. Raises InvalidInputError unless 1 <= limit <= 1000."""
    if limit not in range(1, PAGE_LIMIT + 1):
        raise InvalidInputError(f"A page takes 1 to {PAGE_LIMIT} items, not {limit}")
    return limit


def _taken(part: Chunk[T], gathered: Gathered[T], limit: int, reading: Reading[T]) -> Item | None:
    """Take from a chunk until the limit is reached; the key to go on from."""
    taken = gathered.take(part.found, limit)
    rest = taken < len(part.found.values)
    return reading.source.cursor_key(part.item(taken - 1)) if rest else part.next


def count(reading: Reading[Any], context: Context) -> Plan[int]:
    """How many items match, without reading them out; costs what reading them would."""
    found, start = 0, None
    while True:
        request = reading.request(context, start, None, count=True)
        response = yield from send(request, context)
        found += int(response["Count"])
        start = response.get("LastEvaluatedKey")
        if start is None:
            return found


def get(definition: EntityDefinition, key: Item, context: Context, *, consistent: bool, expired: bool) -> Plan[Any]:
    """One entity by its primary key; None where there is none."""
    parameters: dict[str, Any] = {"TableName": context.names[definition.table], "Key": key}
    if consistent:
        parameters["ConsistentRead"] = True
    parameters["ReturnConsumedCapacity"] = "INDEXES"
    response = yield from send(Request("GetItem", parameters, reader_of(definition)), context)
    item = cast("ItemView | None", response.get("Item"))
    return None if item is None else readable(definition, item, None if expired else context.clock.now())


def readable(definition: EntityDefinition, item: ItemView, now: datetime | None) -> Any:
    """The entity of an item, unless its expiry has passed by `now`."""
    entity = item.entity if isinstance(item, ReadItem) else None
    if entity is None:
        expired = now is not None and is_expired(item, definition.table, now)
        return None if expired else codec_of(definition).entity(item)
    return entity if is_current(entity, now) else None


def is_current(entity: Any, now: datetime | None) -> bool:
    """Whether the expiry of an entity has not passed by `now`; always where that is None."""
    return now is None or entity.expires_at is None or entity.expires_at > now
