"""A whole table as snapshots of its items, read by a parallel scan."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import cast

from aircraftops_data.core.context import Context, send
from aircraftops_data.core.cursor import plain_key, stored_key
from aircraftops_data.core.reading import Reading, Source
from aircraftops_data.core.run import Runner
from aircraftops_data.model.definition import Item
from aircraftops_data.model.schema import Table
from aircraftops_data.streams.decoding import Decoder
from aircraftops_data.streams.source import Page
from aircraftops_data.translation.codec import is_expired, primary_key


class TableScan:
    """Everything in a table but what has expired, in segments; strongly consistent: 1 read unit per 4 KB."""

    def __init__(self, table: Table, decoder: Decoder, context: Context, segments: int, page: int) -> None:
        self._table = table
        self._decoder = decoder
        self._context = context
        self._page = page
        self._named = context.names[table]
        self.parts = segments

    @property
    def name(self) -> str:
        """The table, and in how many segments it is read: a cursor is of one segment."""
        return f"scan of {self._named} in {self.parts}"

    def pages(self, part: int, cursor: str | None, runner: Runner) -> Iterator[Page]:
        """The pages of a segment. Raises StoreError."""
        source = Source(self._table, segment=(part, self.parts))
        reading = Reading[Item](source, dict, consistent=True)
        start = None if cursor is None else stored_key(json.loads(cursor))
        while True:
            request = reading.request(self._context, start, self._page)
            response = runner.run(send(request, self._context))
            now = self._context.clock.now()
            items = cast("list[Item]", response["Items"])
            current = [item for item in items if not is_expired(item, self._table, now)]
            start = cast("Item | None", response.get("LastEvaluatedKey"))
            records = [self._decoder.item(item, self._named) for item in current]
            yield Page(records, partial(self._behind, current), None if start is None else _text(start))
            if start is None:
                return

    def _behind(self, items: list[Item], count: int) -> str:
        return _text(primary_key(items[count - 1], self._table))


def _text(key: Item) -> str:
    return json.dumps(plain_key(key), separators=(",", ":"), sort_keys=True)
