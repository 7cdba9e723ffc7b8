# Generated from core/aio/query.py by tools/twins.py; edit that.
"""Readings bound to an engine: lazy to iterate, paged, counted; nothing is sent until asked."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Self, TypeVar, cast

from aircraftops_data.consumed import Consumed
from aircraftops_data.core.crew import collect
from aircraftops_data.core.narrowing import Narrowing, only, projected
from aircraftops_data.core.partial import Partial
from aircraftops_data.core.reading import Chunk, Gathered, Page, ReadPolicy, chunk, count, page
from aircraftops_data.core.run import Runner, all_ahead, read_ahead
from aircraftops_data.errors import CorruptItemError
from aircraftops_data.model.conditions import FieldPath
from aircraftops_data.model.definition import Item
from aircraftops_data.model.entity import Entity
from aircraftops_data.request import Request

T = TypeVar("T")
E = TypeVar("E", bound=Entity)


class Results(Iterator[T]):
    """What an iteration finds, item by item; `consumed` and `corrupt` grow as parts are read.

    A loop left early ends what is read ahead once this is gone; `with` or `close` end it at once.
    """

    def __init__(self, chunks: Generator[Chunk[T]], policy: ReadPolicy) -> None:
        self._gathered = Gathered[T](policy)
        # The generator must not hold this object: a loop that is left early would not end it, nor its threads.
        self._items = _flat(chunks, self._gathered)

    @property
    def consumed(self) -> Consumed:
        """What the parts read so far have cost."""
        return self._gathered.consumed

    @property
    def corrupt(self) -> list[CorruptItemError]:
        """The items that did not fit, where the policy is to collect them."""
        return self._gathered.corrupt

    def __next__(self) -> T:
        return next(self._items)

    def all(self) -> list[T]:
        """All that is left, as a list."""
        return collect(self._items)

    def close(self) -> None:
        """Read nothing more; what is being read ahead is given up."""
        self._items.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _flat(chunks: Generator[Chunk[T]], gathered: Gathered[T]) -> Generator[T]:
    with closing(chunks):
        for part in chunks:
            gathered.consumed += part.consumed
            found = part.found
            yield from cast("list[T]", found.values) if found.clean else gathered.sifted(found.values)


@dataclass(frozen=True)
class Readable(Narrowing[T], Generic[T]):
    """A reading that can be run: iterate it, page through it, count it, or narrow it further."""

    runner: Runner = field(repr=False)

    def request(self) -> Request:
        """The first request this would send, to look at; nothing is sent."""
        return self.reading.request(self.runner.context, None, None)

    def __iter__(self) -> Results[T]:
        segments = self.reading.segments
        parts = (
            read_ahead(self._chunk, _following)
            if segments == 1
            else all_ahead(self._segment_chunk, _following, segments)
        )
        return Results(parts, self.reading.on_corrupt)

    def _chunk(self, start: Item | None) -> Chunk[T]:
        return self.runner.run(chunk(self.reading, self.runner.context, start, None))

    def _segment_chunk(self, place: tuple[int, Item | None]) -> Chunk[T]:
        segment, start = place
        source = replace(self.reading.source, segment=(segment, self.reading.segments))
        reading = replace(self.reading, source=source)
        return self.runner.run(chunk(reading, self.runner.context, start, None))

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
        found = (self.page(limit=1)).items
        return found[0] if found else None

    def one(self) -> T:
        """The only item. Raises NotFoundError where there is none, NotUniqueError where there are several."""
        return only((self.page(limit=2)).items, self.reading)

    def count(self) -> int:
        """How many items match; costs what reading them would, but sends none of them."""
        return self.runner.run(count(self.reading, self.runner.context))

    def all(self) -> list[T]:
        """Every item, as a list."""
        return iter(self).all()


def _following(part: Chunk[Any]) -> Item | None:
    return part.next


@dataclass(frozen=True)
class Query(Readable[E]):
    """A query or scan of one entity."""

    def project(self, *fields: FieldPath | str) -> Readable[Partial[E]]:
        """Only these fields (none named: all the index carries), as `Partial`s; the cost in units stays the same.

        Raises InvalidInputError for a field the entity lacks or the index does not carry.
        """
        return Readable(projected(self.reading, fields), self.runner)
