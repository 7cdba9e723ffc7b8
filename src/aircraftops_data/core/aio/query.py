"""Readings bound to an engine: lazy to iterate, paged, counted; nothing is sent until asked."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Self, TypeVar, cast

from aircraftops_data.consumed import Consumed
from aircraftops_data.core.aio.crew import collect
from aircraftops_data.core.aio.run import AsyncRunner, all_ahead, read_ahead
from aircraftops_data.core.narrowing import Narrowing, only, projected
from aircraftops_data.core.partial import Partial
from aircraftops_data.core.reading import Chunk, Gathered, Page, ReadPolicy, chunk, count, page
from aircraftops_data.errors import CorruptItemError
from aircraftops_data.model.conditions import FieldPath
from aircraftops_data.model.definition import Item
from aircraftops_data.model.entity import Entity
from aircraftops_data.request import Request

T = TypeVar("T")
E = TypeVar("E", bound=Entity)


class AsyncResults(AsyncIterator[T]):
    """What an iteration finds, item by item; `consumed` and `corrupt` grow as parts are read.

    A loop left early ends what is read ahead once this is gone; `async with` or `aclose` end it at once.
    """

    def __init__(self, chunks: AsyncGenerator[Chunk[T]], policy: ReadPolicy) -> None:
        self._gathered = Gathered[T](policy)
        # The generator must not hold this object: a loop that is left early would not end it, nor its tasks.
        self._items = _flat(chunks, self._gathered)

    @property
    def consumed(self) -> Consumed:
        """What the parts read so far have cost."""
        return self._gathered.consumed

    @property
    def corrupt(self) -> list[CorruptItemError]:
        """The items that did not fit, where the policy is to collect them."""
        return self._gathered.corrupt

    async def __anext__(self) -> T:
        return await anext(self._items)

    async def all(self) -> list[T]:
        """All that is left, as a list."""
        return await collect(self._items)

    async def aclose(self) -> None:
        """Read nothing more; what is being read ahead is given up."""
        await self._items.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


async def _flat(chunks: AsyncGenerator[Chunk[T]], gathered: Gathered[T]) -> AsyncGenerator[T]:
    async with aclosing(chunks):
        async for part in chunks:
            gathered.consumed += part.consumed
            found = part.found
            for value in cast("list[T]", found.values) if found.clean else gathered.sifted(found.values):
                yield value


@dataclass(frozen=True)
class AsyncReadable(Narrowing[T], Generic[T]):
    """A reading that can be run: iterate it, page through it, count it, or narrow it further."""

    runner: AsyncRunner = field(repr=False)

    def request(self) -> Request:
        """The first request this would send, to look at; nothing is sent."""
        return self.reading.request(self.runner.context, None, None)

    def __aiter__(self) -> AsyncResults[T]:
        segments = self.reading.segments
        parts = (
            read_ahead(self._chunk, _following)
            if segments == 1
            else all_ahead(self._segment_chunk, _following, segments)
        )
        return AsyncResults(parts, self.reading.on_corrupt)

    async def _chunk(self, start: Item | None) -> Chunk[T]:
        return await self.runner.run(chunk(self.reading, self.runner.context, start, None))

    async def _segment_chunk(self, place: tuple[int, Item | None]) -> Chunk[T]:
        segment, start = place
        source = replace(self.reading.source, segment=(segment, self.reading.segments))
        reading = replace(self.reading, source=source)
        return await self.runner.run(chunk(reading, self.runner.context, start, None))

    async def page(self, limit: int = 50, cursor: str | None = None) -> Page[T]:
        """Up to `limit` items (1 to 1000) from the cursor on; fewer only at the end.

        A page that ends exactly at the last item still has a cursor; the page behind it is empty. Raises
        InvalidCursorError for a cursor that is damaged or of another query.
        """
        scope = self.reading.scope(self.runner.context)
        start = self.runner.cursors.read(cursor, scope)
        found, following = await self.runner.run(page(self.reading, self.runner.context, start, limit))
        return replace(found, cursor=self.runner.cursors.write(following, scope))

    async def first(self) -> T | None:
        """The first item; None where there is none."""
        found = (await self.page(limit=1)).items
        return found[0] if found else None

    async def one(self) -> T:
        """The only item. Raises NotFoundError where there is none, NotUniqueError where there are several."""
        return only((await self.page(limit=2)).items, self.reading)

    async def count(self) -> int:
        """How many items match; costs what reading them would, but sends none of them."""
        return await self.runner.run(count(self.reading, self.runner.context))

    async def all(self) -> list[T]:
        """Every item, as a list."""
        return await aiter(self).all()


def _following(part: Chunk[Any]) -> Item | None:
    return part.next


@dataclass(frozen=True)
class AsyncQuery(AsyncReadable[E]):
    """A query or scan of one entity."""

    def project(self, *fields: FieldPath | str) -> AsyncReadable[Partial[E]]:
        """Only these fields (none named: all the index carries), as `Partial`s; the cost in units stays the same.

        Raises InvalidInputError for a field the entity lacks or the index does not carry.
        """
        return AsyncReadable(projected(self.reading, fields), self.runner)
