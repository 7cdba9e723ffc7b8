"""A live view of a table's stream: what changes while somebody looks, without leases and without anything written."""

from __future__ import annotations

from collections.abc import Callable, Generator

from aircraftops_data.clock import Clock
from aircraftops_data.core.run import run
from aircraftops_data.errors import InvalidInputError, StoreError
from aircraftops_data.request import Transport
from aircraftops_data.streams.change import AnyRecord
from aircraftops_data.streams.polling.given import Decoder, Raw
from aircraftops_data.streams.polling.reading import Missing, Page, Reading, latest_of
from aircraftops_data.streams.polling.shards import Lineage, Shard, Stream, shards_of, streams_of
from aircraftops_data.streams.polling.state import Origin

OnMissing = Callable[[str], None]
_IDLE_SECONDS = 1.0
# Pages without records, one after the other, that are taken for the end of what there is.
_QUIET = 3


def tail(
    streams: Transport,
    decoder: Decoder,
    table: str,
    clock: Clock,
    *,
    origin: Origin = Origin.LATEST,
    once: bool = False,
    missing: OnMissing,
) -> Generator[AnyRecord]:
    """The changes of a table (its physical name) as they come; parents before children, else shards side by side.

    With `once` it ends when there are no more just now. `missing` is told of a shard whose records were trimmed before
    they were read, which is read on from what is left. Raises InvalidInputError where the table has no stream.
    """
    found = run(streams_of(table), streams, clock)
    if not found:
        raise InvalidInputError(f"Table {table} has no stream")
    view = _View(streams, clock, found[-1], origin, missing)
    quiet = 0
    while True:
        view.find()
        before = view.read
        for raw in view.records():
            yield decoder.record(raw, table)
        quiet = 0 if view.read > before else quiet + 1
        if once and quiet >= _QUIET:
            return
        if quiet and not once:
            clock.sleep(_IDLE_SECONDS)


class _View:
    """The shards of a stream as one who looks on reads them."""

    def __init__(self, streams: Transport, clock: Clock, stream: Stream, origin: Origin, missing: OnMissing) -> None:
        self._streams = streams
        self._clock = clock
        self._arn = stream.arn
        self._missing = missing
        listed = run(shards_of(stream.arn), streams, clock)
        latest = None if origin is Origin.TRIM_HORIZON else run(latest_of(stream.arn, listed), streams, clock)
        self._initial = {shard.id: shard for shard in listed}
        self._latest = latest or {}
        self._skipped = frozenset[str]() if latest is None else frozenset(self._initial) - latest.keys()
        self._begun: dict[str, Shard] = {}
        self._ended: set[str] = set()
        self._open: dict[str, Reading] = {}
        self._settled = False
        self.read = 0
        """How many records were read."""

    def find(self) -> None:
        """Begin with the shards that may be read now, unless nothing can have changed."""
        if self._settled:
            return
        listed = run(shards_of(self._arn), self._streams, self._clock)
        lineage = Lineage(listed, self._begun.values(), self._ended, self._initial.values(), self._skipped)
        for shard in lineage.readable():
            if shard.id not in self._begun:
                first = None if shard.id in self._initial else shard.first
                self._begun[shard.id] = shard
                self._open[shard.id] = Reading(self._arn, shard.id, iterator=self._latest.get(shard.id), first=first)
        self._settled = True

    def records(self) -> Generator[Raw]:
        """The records of one page of each shard."""
        for name, reading in list(self._open.items()):
            try:
                page = run(reading.page(), self._streams, self._clock)
            except StoreError as error:
                if not error.retryable:
                    raise
                page = Page((), ended=False)
            if isinstance(page, Missing):
                self._missing(name)
                self._open[name] = Reading(self._arn, name, anew=True)
                continue
            yield from page.records
            self._note(name, page)

    def _note(self, name: str, page: Page) -> None:
        self.read += len(page.records)
        if page.ended:
            self._ended.add(name)
            del self._open[name]
        if page.ended or not page.records:
            self._settled = False
