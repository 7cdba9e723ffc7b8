"""The chunks of ready-made changes: a scan read on until there is enough to write, and where it goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from aircraftops_data.coordination.chunk import Chunk
from aircraftops_data.core.context import Context, send
from aircraftops_data.core.cursor import plain_key, stored_key
from aircraftops_data.core.provisioning import describe
from aircraftops_data.core.reading import Reading
from aircraftops_data.core.writes import Intent
from aircraftops_data.model.definition import Item
from aircraftops_data.model.schema import Table
from aircraftops_data.request import Plan
from aircraftops_data.translation.codec import is_expired, primary_key

Writes = Sequence[Intent[Any] | None]
"""What each item of a page needs written; None for one that is right."""
Finding = Callable[[Sequence[Item], Context], Plan[Writes]]

# A page is 1 MB at most, and a transaction 4 MB.
_PAGES_WITH_WRITES = 3
# How much is read before where it stands is committed, where nothing needs a write.
_PAGES = 20
_WIDEST = 1000


@dataclass(frozen=True, slots=True)
class _Page:
    """The beginning of a response: items that have not expired, how many were looked at, and where the rest begins."""

    items: list[Item]
    looked_at: int
    following: Item | None

    def up_to(self, writes: Writes, most: int, table: Table) -> _Page:
        """As much of the page as needs so many writes at most; the rest is read again."""
        needed = [place for place, intent in enumerate(writes) if intent is not None]
        if len(needed) <= most:
            return self
        count = needed[most]
        return _Page(self.items[:count], count, primary_key(self.items[count - 1], table))


def gather(reading: Reading[Any], find: Finding, most: int, chunk: Chunk, context: Context) -> Plan[None]:
    """Fill a chunk with what the next items need written, up to so many writes, and tell it where the next begins.

    Where nothing needs a write, pages grow: a few items among many others take few requests and few commits.
    """
    table = reading.source.table
    start = None if chunk.cursor is None else stored_key(json.loads(chunk.cursor))
    total = (yield from _estimate(table, context)) if start is None else None
    done, room, limit, pages = 0, most, most, 0
    for _ in range(_PAGES):
        whole = yield from _page(reading, start, limit, context)
        writes = yield from find(whole.items, context)
        page = whole.up_to(writes, room, table)
        needed = [intent for intent in writes[: len(page.items)] if intent is not None]
        for intent in needed:
            chunk.tx.add(intent)
        start, done, room, pages = page.following, done + page.looked_at, room - len(needed), pages + bool(needed)
        if start is None or room == 0 or pages == _PAGES_WITH_WRITES:
            break
        limit = room if needed else min(2 * limit, _WIDEST)
    chunk.go_on(None if start is None else _text(start), done=done, total=total)


def _page(reading: Reading[Any], start: Item | None, limit: int, context: Context) -> Plan[_Page]:
    response = yield from send(reading.request(context, start, limit), context)
    now = context.clock.now()
    items = cast("list[Item]", response["Items"])
    current = [item for item in items if not is_expired(item, reading.source.table, now)]
    return _Page(current, int(response["ScannedCount"]), response.get("LastEvaluatedKey"))


def _estimate(table: Table, context: Context) -> Plan[int | None]:
    """How many items a table had when the engine last counted them, which it does every few hours."""
    description = yield from describe(table, context)
    return None if description is None else int(description.get("ItemCount", 0))


def _text(key: Item) -> str:
    return json.dumps(plain_key(key), separators=(",", ":"), sort_keys=True)
