"""Readings bound to an engine: lazy to iterate, paged, counted; nothing is sent until asked."""

from __future__ import annotations

import contextvars
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Self, TypeVar, cast

from aircraftops_data.consumed import Consumed
from aircraftops_data.core.context import Context
from aircraftops_data.core.cursor import Cursors
from aircraftops_data.core.partial import Partial, partial_of
from aircraftops_data.core.reading import (
    Chunk,
    Gathered,
    Page,
    Reading,
    ReadPolicy,
    Source,
    chunk,
    count,
    decoded,
    page,
)
from aircraftops_data.core.run import run, side_by_side
from aircraftops_data.errors import CorruptItemError, InvalidInputError, NotFoundError, NotUniqueError
from aircraftops_data.model.conditions import Attribute, Condition, FieldPath
from aircraftops_data.model.definition import Item
from aircraftops_data.model.entity import Entity
from aircraftops_data.request import Plan, Request, Transport
from aircraftops_data.translation.codec import codec_of, type_of

T = TypeVar("T")
E = TypeVar("E", bound=Entity)


@dataclass(frozen=True)
class Runner:
    """Runs plans: a transport, the context plans need, and how cursors are written."""

    transport: Transport
    context: Context
    cursors: Cursors = field(default_factory=Cursors)

    def run(self, plan: Plan[T]) -> T:
        """Drive a plan to its end. Raises what the plan raises."""
        return run(plan, self.transport, self.context.clock)


class Results(Iterator[T]):
    """What an iteration finds, item by item; `consumed` and `corrupt` grow as pages are read."""

    def __init__(self, chunks: Iterator[Chunk[T]], policy: ReadPolicy) -> None:
        self._gathered = Gathered[T](policy)
        # The generator must not hold this object: a loop that is left early would not end it, nor its thread.
        self._items = _flat(chunks, self._gathered)

    @property
    def consumed(self) -> Consumed:
        """What the pages read so far have cost."""
        return self._gathered.consumed

    @property
    def corrupt(self) -> list[CorruptItemError]:
        """The items that did not fit, where the policy is to collect them."""
        return self._gathered.corrupt

    def __next__(self) -> T:
        return next(self._items)


def _flat(chunks: Iterator[Chunk[T]], gathered: Gathered[T]) -> Iterator[T]:
    for part in chunks:
        gathered.consumed += part.consumed
        found = part.found
        yield from cast("list[T]", found.values) if found.clean else gathered.sifted(found.values)


@dataclass(frozen=True)
class Readable(Generic[T]):
    """A reading that can be run: iterate it, page through it, count it, or narrow it further."""

    reading: Reading[T]
    runner: Runner = field(repr=False)

    def where(self, condition: Condition) -> Self:
        """Only items for which this holds; the engine reads (and bills) the others all the same."""
        held = self.reading.filter
        return self._with(filter=condition if held is None else held & condition)

    def newest_first(self) -> Self:
        """In falling order of the sort key. Raises InvalidInputError for a scan, which has no order."""
        if self.reading.source.partition is None:
            raise InvalidInputError("A scan has no order to turn round")
        return self._with(newest_first=True)

    def consistent(self) -> Self:
        """Read what is written now, at twice the read units. Raises InvalidInputError for a global index."""
        index = self.reading.source.index
        if index is not None and not index.local:
            raise InvalidInputError(f"{index.name} is a global index; those have no consistent reads")
        return self._with(consistent=True)

    def include_expired(self) -> Self:
        """Items whose expiry has passed too, as long as DynamoDB has not deleted them."""
        return self._with(include_expired=True)

    def on_corrupt(self, policy: ReadPolicy) -> Self:
        """What becomes of items that do not fit: "raise" (default), "skip", or "collect" in `.corrupt`."""
        return self._with(on_corrupt=policy)

    def _with(self, **options: Any) -> Self:
        return replace(self, reading=replace(self.reading, **options))

    def request(self) -> Request:
        """The first request this would send, to look at; nothing is sent."""
        return self.reading.request(self.runner.context, None, None)

    def __iter__(self) -> Results[T]:
        chunks = self._chunks() if self.reading.segments == 1 else self._waves()
        return Results(chunks, self.reading.on_corrupt)

    def _chunks(self) -> Iterator[Chunk[T]]:
        """Pages as they are needed. Whoever reads on past the first is likely to go on: from the second page on, the
        next is already being read while one is looked at."""
        part = self._chunk(None)
        yield part
        if part.next is None:
            return
        with ThreadPoolExecutor(1, thread_name_prefix="aircraftops-prefetch") as pool:
            ahead = self._ahead(pool, part.next)
            while ahead is not None:
                part = ahead.result()
                ahead = self._ahead(pool, part.next)
                yield part

    def _waves(self) -> Iterator[Chunk[T]]:
        """A scan in segments, wave after wave: every segment that goes on reads its next page, all at once."""
        total = self.reading.segments
        waiting: list[tuple[int, Item | None]] = [(segment, None) for segment in range(total)]
        while waiting:
            parts = list(side_by_side(self._segment_chunk, waiting, len(waiting)))
            yield from parts
            waiting = [(s, part.next) for (s, _), part in zip(waiting, parts, strict=True) if part.next is not None]

    def _segment_chunk(self, place: tuple[int, Item | None]) -> Chunk[T]:
        segment, start = place
        source = replace(self.reading.source, segment=(segment, self.reading.segments))
        reading = replace(self.reading, source=source)
        return self.runner.run(chunk(reading, self.runner.context, start, None))

    def _ahead(self, pool: ThreadPoolExecutor, start: Item | None) -> Future[Chunk[T]] | None:
        return None if start is None else pool.submit(contextvars.copy_context().run, self._chunk, start)

    def _chunk(self, start: Item | None) -> Chunk[T]:
        return self.runner.run(chunk(self.reading, self.runner.context, start, None))

    def page(self, limit: int = 50, cursor: str | None = None) -> Page[T]:
        """Up to `limit` items (1 to 1000) from the cursor on; fewer only at the end.

        A page that ends exactly at the last item still has a cursor; the page behind it is empty. Raises
        InvalidCursorError for a cursor that is damaged or of another query.
        """
        scope = self.reading.scope(self.runner.context)
        start = self.runner.cursors.read(cursor, scope)
        found, following = self.runner.run(page(self.reading, self.runner.context, start, limit))
        return replace(found, cursor=self.runner.cursors.write(following, scope))

    def first(self) -> T | None:
        """The first item; None where there is none."""
        found = self.page(limit=1).items
        return found[0] if found else None

    def one(self) -> T:
        """The only item. Raises NotFoundError where there is none, NotUniqueError where there are several."""
        found = self.page(limit=2).items
        name = self._name()
        if not found:
            raise NotFoundError(f"No {name} matches", entity=name)
        if len(found) > 1:
            raise NotUniqueError(f"More than one {name} matches", entity=name)
        return found[0]

    def _name(self) -> str:
        return "item" if self.reading.definition is None else self.reading.definition.name

    def count(self) -> int:
        """How many items match; costs what reading them would, but sends none of them."""
        return self.runner.run(count(self.reading, self.runner.context))

    def all(self) -> list[T]:
        """Every item, as a list."""
        return list(self)


@dataclass(frozen=True)
class Query(Readable[E]):
    """A query or scan of one entity."""

    def project(self, *fields: FieldPath | str) -> Readable[Partial[E]]:
        """Only these fields (none named: all the index carries), as `Partial`s; the cost in units stays the same.

        Raises InvalidInputError for a field the entity lacks or the index does not carry.
        """
        definition = self.reading.definition
        assert definition is not None
        entity = cast("type[E]", definition.entity)
        attributes = tuple(_attribute(entity, named) for named in fields)
        for attribute in attributes:
            if not self.reading.source.carries(attribute.name):
                raise InvalidInputError(f"The index does not carry {attribute.name!r}")
        asked = _asked(entity, attributes, self.reading.source)
        typed = self.reading.source.carries(definition.table.managed.entity_type)

        def decode(item: Item) -> Any:
            return partial_of(entity, item, asked, typed=typed)

        projected: Reading[Any] = replace(
            self.reading, projection=attributes or None, decode=decode, reader=None, refusal=None
        )
        return Readable(projected, self.runner)


def _asked(entity: type[Entity], attributes: tuple[Attribute, ...], source: Source) -> list[str]:
    """The fields asked for as a whole: those named, and those of the keys; all that the index carries if none is."""
    definition = entity.definition()
    if not attributes:
        return [name for name, stored in definition.attributes.items() if source.carries(stored)]
    keyed = definition.primary.components
    whole = {attribute.name for attribute in attributes if not attribute.path}
    return [name for name, stored in definition.attributes.items() if stored in whole or name in keyed]


def _attribute(entity: type[Entity], named: FieldPath | str) -> Attribute:
    if isinstance(named, FieldPath):
        return named.attribute
    attributes = entity.definition().attributes
    if named not in attributes:
        raise InvalidInputError(f"{entity.__name__} has no field {named!r}")
    return Attribute(attributes[named])


class Collection(Mapping[type[Entity], list[Any]]):
    """What one partition holds, by entity: `group[Image]` is a list, `group.aircraft` the entity asked for."""

    def __init__(self, anchor: type[Entity], items: Results[Item], policy: ReadPolicy) -> None:
        self._anchor = anchor
        self._found: dict[type[Entity], list[Any]] = {}
        self.unknown: list[Item] = []
        self.corrupt: list[CorruptItemError] = []
        for item in items:
            self._sort_in(item, policy)
        self.consumed = items.consumed

    def _sort_in(self, item: Item, policy: ReadPolicy) -> None:
        table = self._anchor.definition().table
        definition = table.entities.get(type_of(item, table) or "")
        if definition is None:
            self.unknown.append(item)
            return
        gathered = Gathered[Any](policy)
        value = decoded(codec_of(definition).entity, item)
        self._found.setdefault(definition.entity, []).extend(gathered.sifted([value]))
        self.corrupt += gathered.corrupt

    def __getitem__(self, entity: type[E]) -> list[E]:
        return self._found.get(entity, [])

    def __iter__(self) -> Iterator[type[Entity]]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __contains__(self, entity: object) -> bool:
        return any(entity is found for found in self._found)

    def first(self, entity: type[E]) -> E | None:
        """The first of an entity in the partition; None where there is none."""
        found = self[entity]
        return found[0] if found else None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        definition = self._anchor.definition()
        if name == definition.entity_type:
            return self.first(self._anchor)
        other = definition.table.entities.get(name)
        if other is None:
            raise AttributeError(f"No entity type {name!r} in {definition.table.name}")
        return self[other.entity]
