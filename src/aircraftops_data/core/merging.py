"""Several key queries as one listing in the order of their sort keys: the plans that read it, and where it stands.

The queries of a group interleave; a group is read once those before it are exhausted. All queries share one sort key,
so one sort value is a position in all of them.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from aircraftops_data.consumed import Consumed
from aircraftops_data.core.asking import query_reading
from aircraftops_data.core.context import Context
from aircraftops_data.core.reading import (
    PAGE_LIMIT,
    Chunk,
    Found,
    Gathered,
    Page,
    Reading,
    Source,
    checked_limit,
    chunk,
    count,
    source_of,
)
from aircraftops_data.errors import CorruptItemError, InvalidCursorError, InvalidInputError
from aircraftops_data.model.declarations import KeyQuery, SortCondition, order_of
from aircraftops_data.model.definition import AttributeValue, Item
from aircraftops_data.model.schema import Table
from aircraftops_data.request import Plan

T = TypeVar("T")
Groups = tuple[tuple[Source, ...], ...]

# No attribute of a key has an empty name, so this one cannot meet any beside it in a cursor.
_PLACE = ""
# What a reading of no query at all is made of; nothing reads it.
_NOWHERE = Source(Table("Nowhere"), partition=("", {"S": ""}))


def merging(groups: Sequence[Sequence[KeyQuery[Any]]]) -> tuple[Reading[Any], Groups]:
    """How the queries are read, and where each of them reads; groups without queries are left out.

    Raises InvalidInputError unless all are of one entity and one key, which has a sort key.
    """
    queries = [query for group in groups for query in group]
    if not queries:
        return Reading(_NOWHERE, lambda item: item), ()
    first = queries[0]
    if any(query.definition is not first.definition or query.key != first.key for query in queries):
        raise InvalidInputError("Only queries of one entity and one key can be merged")
    if first.key.sort is None:
        raise InvalidInputError(f"{first.definition.name}.{first.key.name} has no sort key to merge by")
    return query_reading(first), tuple(tuple(map(source_of, group)) for group in groups if group)


# Positions


@dataclass(frozen=True)
class Position:
    """Behind the item with this key, of a stream of a group; before all of the group where there is no key.

    Groups and streams are numbered as they are read: from the last one where the newest comes first.
    """

    group: int = 0
    stream: int = 0
    key: Item | None = None

    def item(self) -> Item:
        """What a cursor holds."""
        return {_PLACE: {"group": self.group, "stream": self.stream}, **(self.key or {})}


def position_of(item: Item | None, reading: Reading[Any], groups: Groups) -> Position:
    """The position a cursor held. Raises InvalidCursorError where there is no such place in this listing."""
    if item is None:
        return Position()
    place, key = item.get(_PLACE, {}), {name: value for name, value in item.items() if name != _PLACE}
    position = Position(place.get("group", -1), place.get("stream", -1), key or None)
    sources = dict(enumerate(_as_read(reading, groups))).get(position.group, ())
    source = dict(enumerate(sources)).get(position.stream)
    if source is None or (key and key.keys() != set(source.key_names())):
        raise InvalidCursorError("The cursor is of no place in this listing")
    return position


def _as_read(reading: Reading[Any], groups: Groups) -> Groups:
    """Where the newest comes first all is turned round, so that items of equal sort keys are as well."""
    return tuple(group[::-1] for group in groups[::-1]) if reading.newest_first else groups


def scope_of(reading: Reading[Any], groups: Groups, context: Context) -> str:
    """What a cursor is bound to: table, index, all key conditions and the direction."""
    return repr([[replace(reading, source=source).scope(context) for source in group] for group in groups])


# What is left of a query behind a position


@dataclass(frozen=True)
class _Span:
    """The sort values from `low` to `high` (None: no end), both included, `without` some."""

    low: AttributeValue | None = None
    high: AttributeValue | None = None
    without: tuple[AttributeValue, ...] = ()

    def beyond(self, value: AttributeValue, *, newest_first: bool, passed: bool) -> _Span:
        """What is left of it from a value on, in the order of reading; that value itself only if not `passed`."""
        without = (*self.without, value) if passed else self.without
        if newest_first:
            high = value if self.high is None else min(self.high, value, key=order_of)
            return _Span(self.low, high, without)
        low = value if self.low is None else max(self.low, value, key=order_of)
        return _Span(low, self.high, without)

    @property
    def empty(self) -> bool:
        """Whether no value can be in it."""
        if self.low is None or self.high is None:
            return False
        low, high = order_of(self.low), order_of(self.high)
        return low > high or (low == high and low in map(order_of, self.without))

    def condition(self) -> SortCondition:
        """The key condition of all of it, and of what it is without: DynamoDB takes one condition on a sort key."""
        if self.low is not None and self.high is not None:
            return SortCondition("BETWEEN", (self.low, self.high))
        bound, operator = (self.high, "<=") if self.low is None else (self.low, ">=")
        assert bound is not None
        return SortCondition(operator, (bound,))


def _beginning(prefix: AttributeValue) -> _Span:
    """The text that begins with a prefix: up to the least text behind all of that, and without it."""
    text = prefix["S"].rstrip(chr(0x10FFFF))
    if not text:
        return _Span(prefix)
    # Surrogates are no characters and have no UTF-8.
    code = ord(text[-1]) + 1
    behind = {"S": text[:-1] + chr(0xE000 if code == 0xD800 else code)}
    return _Span(prefix, behind, (behind,))


def _span_of(source: Source) -> _Span:
    if source.sort is None:
        return _Span()
    operator, values = source.sort[1].operator, source.sort[1].values
    if operator == "begins_with":
        return _beginning(values[0])
    return _Span(None if operator == "<=" else values[0], None if operator == ">=" else values[-1])


# Reading


@dataclass(frozen=True, slots=True)
class _Entry(Generic[T]):
    """One item read and not given yet."""

    order: Any
    value: T | CorruptItemError
    item: Item


class _Stream(Generic[T]):
    """One query of a group, read as far as it was needed."""

    def __init__(
        self, reading: Reading[T], number: int, start: Item | None = None, without: tuple[AttributeValue, ...] = ()
    ) -> None:
        self.number = number
        self.entries = deque[_Entry[T]]()
        self.ended = False
        self._reading = reading
        self._start = start
        self._without = frozenset(map(order_of, without))
        self._wanted = 0
        self._rare = False

    def read(self, context: Context, share: int, most: int) -> Plan[Consumed]:
        """Read on until there is an item to give, or none is left: its share first, then twice as much each time.

        More than `most` items are only looked at where some are left out, so that a rare match costs few requests.
        """
        consumed = Consumed()
        while not self.entries and not self.ended:
            twice = min(2 * self._wanted, PAGE_LIMIT if self._rare else most)
            self._wanted = twice or min(share, most)
            part = yield from chunk(self._reading, context, self._start, self._wanted)
            consumed += part.consumed
            self._keep(part)
        return consumed

    def _keep(self, part: Chunk[T]) -> None:
        name = self._reading.source.sort_name
        for place, value in enumerate(part.found.values):
            item = part.item(place)
            order = order_of(item[name])
            if order not in self._without:
                self.entries.append(_Entry(order, value, item))
        self._start, self.ended = part.next, part.next is None
        self._rare = not part.found.clean or len(self.entries) < part.looked_at


class Merge(Generic[T]):
    """One run through merged queries from a position on; keeps what was read of each query and not given yet."""

    def __init__(self, reading: Reading[T], groups: Groups, context: Context, position: Position | None = None) -> None:
        self._reading = reading
        self._context = context
        self._groups = _as_read(reading, groups)
        self._position = position or Position()
        # The streams of the group that have an item in hand, in the order of these, and those that must be read first.
        self._ready: list[_Stream[T]] = []
        self._waiting = deque(self._opened())
        self.consumed = Consumed()

    @property
    def ended(self) -> bool:
        """Whether there is no further item."""
        return self._position.group == len(self._groups)

    @property
    def position(self) -> Position | None:
        """Behind the last item given; None where it is known that nothing follows."""
        if self._ready or self._waiting:
            return self._position
        following = Position(self._position.group + 1)
        return following if following.group < len(self._groups) else None

    def next(self, most: int) -> Plan[T | CorruptItemError | None]:
        """The next item, or why it does not fit; None at the end. `most` is how many are likely to be asked for yet."""
        while not self.ended:
            yield from self._read(most)
            if self._ready:
                return self._taken()
            self._position = Position(self._position.group + 1)
            self._waiting = deque(self._opened())
        return None

    def part(self, most: int) -> Plan[Chunk[T]]:
        """What can be given up to the next request, at least one item unless it is the end."""
        values: list[T | CorruptItemError] = []
        self.consumed = Consumed()
        while not values or (self._ready and not self._waiting):
            value = yield from self.next(most)
            if value is None:
                break
            values.append(value)
        clean = not any(isinstance(value, CorruptItemError) for value in values)
        return Chunk(Found(values, range(len(values)), clean), (), None, self.consumed)

    def _opened(self) -> Iterator[_Stream[T]]:
        """The streams of the group the position is in, each from there on."""
        position = self._position
        for number, source in enumerate(() if self.ended else self._groups[position.group]):
            if position.key is None or number == position.stream:
                yield _Stream(replace(self._reading, source=source), number, position.key)
                continue
            # Of equal sort keys those of the streams before this one have been given.
            passed, newest_first = number < position.stream, self._reading.newest_first
            at = position.key[source.sort_name]
            span = _span_of(source).beyond(at, newest_first=newest_first, passed=passed)
            if not span.empty:
                rest = replace(source, sort=(source.sort_name, span.condition()))
                yield _Stream(replace(self._reading, source=rest), number, None, span.without)

    def _read(self, most: int) -> Plan[None]:
        while self._waiting:
            # One more than an even share: a query with nothing in hand must be asked before the next item is known.
            share = -(-most // (len(self._ready) + len(self._waiting))) + 1
            self.consumed += yield from self._waiting[0].read(self._context, share, most)
            self._put_in_order(self._waiting.popleft())

    def _put_in_order(self, stream: _Stream[T]) -> None:
        """Among those with an item in hand, or those that must be read, or nowhere where nothing is left of it."""
        if stream.entries:
            insort(self._ready, stream, key=self._place)
        elif not stream.ended:
            self._waiting.append(stream)

    def _place(self, stream: _Stream[T]) -> tuple[Any, int]:
        """Where a stream is in order; of equal sort keys the first stream is next, at whichever end that is taken."""
        return stream.entries[0].order, -stream.number if self._reading.newest_first else stream.number

    def _taken(self) -> T | CorruptItemError:
        stream = self._ready.pop(-1 if self._reading.newest_first else 0)
        entry = stream.entries.popleft()
        key = self._reading.source.cursor_key(entry.item)
        self._position = Position(self._position.group, stream.number, key)
        self._put_in_order(stream)
        return entry.value


def merged_page(
    reading: Reading[T], groups: Groups, context: Context, position: Position, limit: int
) -> Plan[tuple[Page[T], Position | None]]:
    """Exactly `limit` items, or all that are left, and the position to go on from.

    Of each of k queries about `limit` / k items are read first, then as many as are missing. Raises InvalidInputError
    unless 1 <= limit <= 1000.
    """
    gathered, merge = Gathered[T](reading.on_corrupt), Merge(reading, groups, context, position)
    left = checked_limit(limit)
    while left and not merge.ended:
        value = yield from merge.next(left)
        gathered.items.extend(gathered.sifted(() if value is None else [value]))
        left = limit - len(gathered.items)
    return Page(gathered.items, None, merge.consumed, gathered.corrupt), merge.position


def merged_count(reading: Reading[Any], groups: Groups, context: Context) -> Plan[int]:
    """How many items match, without reading them out; costs what reading them would."""
    found = 0
    for source in (source for group in groups for source in group):
        found += yield from count(replace(reading, source=source), context)
    return found
