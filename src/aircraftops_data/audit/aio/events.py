"""Listings of events: lazy, merged over months and shards, paged by cursors that stay good while events come in."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from typing import Self

from aircraftops_data.audit.identity import ID
from aircraftops_data.audit.listing import Pattern, Span
from aircraftops_data.audit.model import AuditEvent
from aircraftops_data.core.aio.merged import AsyncMerged
from aircraftops_data.core.aio.table import AsyncCoreTable
from aircraftops_data.core.reading import Page, ReadPolicy
from aircraftops_data.errors import InvalidCursorError
from aircraftops_data.model.conditions import Condition
from aircraftops_data.model.schema import AUDIT_EVENTS

_ID = "id"


@dataclass(frozen=True)
class AsyncEvents:
    """Events in the order in which they occurred; nothing is sent until asked.

    Those whose expiry has passed are left out. 0.5 read units per 4 KB, and for each month and shard that is looked
    into; what is found through an index is a moment behind.
    """

    core: AsyncCoreTable
    name: str
    """What is listed; a cursor is bound to it."""
    pattern: Pattern
    span: Span
    condition: Condition | None = None
    newest: bool = False
    policy: ReadPolicy = "raise"

    def newest_first(self) -> Self:
        """The latest event first."""
        return replace(self, newest=True)

    def where(self, condition: Condition) -> Self:
        """Only events for which this holds; the others are read, and billed, all the same."""
        return replace(self, condition=condition if self.condition is None else self.condition & condition)

    def on_corrupt(self, policy: ReadPolicy) -> Self:
        """What becomes of items that do not fit: "raise" (default), "skip", or "collect" in a page's `.corrupt`."""
        return replace(self, policy=policy)

    async def __aiter__(self) -> AsyncGenerator[AuditEvent]:
        async for event in await self._merged(self.span):
            yield event

    async def page(self, limit: int = 50, cursor: str | None = None) -> Page[AuditEvent]:
        """Up to `limit` events (1 to 1000) from the cursor on; fewer only at the end.

        A cursor stays good while months pass and events come in; one of newest first meets none that came later.
        Raises InvalidCursorError for a cursor that is damaged or of another listing.
        """
        found = await (await self._merged(self._behind(cursor))).page(limit)
        last = {_ID: {"S": found.items[-1].id}} if found.cursor is not None and found.items else None
        return replace(found, cursor=self.core.runner.cursors.write(last, self._scope))

    def _behind(self, cursor: str | None) -> Span:
        last = self.core.runner.cursors.read(cursor, self._scope)
        if last is None:
            return self.span
        identifier = last.get(_ID, {}).get("S", "")
        if ID.fullmatch(identifier) is None:
            raise InvalidCursorError("The cursor is of no place in this listing")
        return self.span.beyond(identifier, newest_first=self.newest)

    @property
    def _scope(self) -> str:
        return repr((self.core.context.names[AUDIT_EVENTS], self.name, self.span, self.newest))

    async def first(self) -> AuditEvent | None:
        """The first event; None where there is none."""
        found = (await self.page(limit=1)).items
        return found[0] if found else None

    async def count(self) -> int:
        """How many events there are; costs what reading them would."""
        return await (await self._merged(self.span)).count()

    async def all(self) -> list[AuditEvent]:
        """Every event, as a list."""
        return await (await self._merged(self.span)).all()

    async def _merged(self, span: Span) -> AsyncMerged[AuditEvent]:
        groups = [] if span.empty else await self.core.runner.run(self.pattern(span, self.core.context))
        merged = self.core.merged(groups).on_corrupt(self.policy)
        merged = merged if self.condition is None else merged.where(self.condition)
        return merged.newest_first() if self.newest else merged
