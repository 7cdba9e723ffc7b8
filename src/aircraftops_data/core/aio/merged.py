"""Merged queries bound to an engine: several key queries read as one listing; nothing is sent until asked."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from aircraftops_data.core.aio.query import AsyncResults
from aircraftops_data.core.aio.run import AsyncRunner
from aircraftops_data.core.merging import Groups, Merge, merged_count, merged_page, position_of, scope_of
from aircraftops_data.core.narrowing import Narrowing
from aircraftops_data.core.reading import PAGE_LIMIT, Chunk, Page

T = TypeVar("T")

# An iteration reads so many items first, of all queries together, and then ever more, up to the longest page.
_FIRST = 100


@dataclass(frozen=True)
class AsyncMerged(Narrowing[T], Generic[T]):
    """Several queries as one listing: iterate it, page through it, count it, or narrow it further."""

    groups: Groups
    runner: AsyncRunner = field(repr=False)

    def __aiter__(self) -> AsyncResults[T]:
        return AsyncResults(self._parts(), self.reading.on_corrupt)

    async def _parts(self) -> AsyncGenerator[Chunk[T]]:
        merge, most = Merge(self.reading, self.groups, self.runner.context), _FIRST
        while not merge.ended:
            yield await self.runner.run(merge.part(most))
            most = min(2 * most, PAGE_LIMIT)

    async def page(self, limit: int = 50, cursor: str | None = None) -> Page[T]:
        """Up to `limit` items (1 to 1000) from the cursor on; fewer only at the end.

        A page that ends exactly at the last item may still have a cursor; the page behind it is empty. Raises
        InvalidCursorError for a cursor that is damaged or of another listing.
        """
        context, cursors = self.runner.context, self.runner.cursors
        scope = scope_of(self.reading, self.groups, context)
        start = position_of(cursors.read(cursor, scope), self.reading, self.groups)
        found, following = await self.runner.run(merged_page(self.reading, self.groups, context, start, limit))
        return replace(found, cursor=cursors.write(None if following is None else following.item(), scope))

    async def first(self) -> T | None:
        """The first item; None where there is none."""
        found = (await self.page(limit=1)).items
        return found[0] if found else None

    async def count(self) -> int:
        """How many items match; costs what reading them would, but sends none of them."""
        return await self.runner.run(merged_count(self.reading, self.groups, self.runner.context))

    async def all(self) -> list[T]:
        """Every item, as a list."""
        return await aiter(self).all()
