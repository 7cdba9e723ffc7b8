"""A live view of a table's stream: what changes while somebody looks, without leases and without anything written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator
from typing import TypeVar

from aircraftops_data.clock import Clock
from aircraftops_data.core.run import run
from aircraftops_data.errors import InvalidInputError, StoreError
from aircraftops_data.request import Plan, Transport
from aircraftops_data.streams.change import AnyRecord
from aircraftops_data.streams.decoding import Decoder
from aircraftops_data.streams.polling.reading import Missing, Page, Raw, Reading, is_since, latest_of
from aircraftops_data.streams.polling.shards import Lineage, Shard, Stream, shards_of, streams_of
from aircraftops_data.streams.polling.state import Origin

T = TypeVar("T")
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
    they were read, which is read on from what is left. A stream that is switched off is followed by the table's next.
    Raises InvalidInputError where the table has no stream, with `once` StoreError; else what passes is waited out.
    """
    found = run(streams_of(table), streams, clock)
    if not found:
        raise InvalidInputError(f"Table {table} has no stream, or is not there")
    began, view = clock.now(), _View(streams, clock, found[-1], missing, once=once)
    view.begin(origin)
    quiet = 0
    while True:
        quiet += 1
        for raw in view.records():
            quiet = 0
            record = decoder.record(raw, table)
            if origin is Origin.TRIM_HORIZON or is_since(began, record.at):
                yield record
        if view.over:
            later = (each for each in view.asked(streams_of(table)) or () if each.label > view.stream.label)
            view = next((_View(streams, clock, each, missing, once=once) for each in later), view)
        if once and quiet >= _QUIET:
            return
        if quiet and not once:
            clock.sleep(_IDLE_SECONDS)


class _View:
    """The shards of a stream as one who looks on reads them: all there are."""

    def __init__(self, streams: Transport, clock: Clock, stream: Stream, missing: OnMissing, *, once: bool) -> None:
        self._streams = streams
        self._clock = clock
        self.stream = stream
        self._missing = missing
        self._once = once
        self._initial: dict[str, Shard] = {}
        self._latest: dict[str, str] = {}
        self._skipped: Collection[str] = ()
        self._begun: dict[str, Shard] = {}
        self._ended: set[str] = set()
        self._open: dict[str, Reading] = {}
        self._settled = False
        self.over = False
        """Whether it is read to the end, which only a stream that is switched off has."""

    def begin(self, origin: Origin) -> None:
        """Begin with the first stream of all: what is gone of it by now is none of ours."""
        listed = run(shards_of(self.stream.arn), self._streams, self._clock)
        self._initial = {shard.id: shard for shard in listed}
        if origin is Origin.LATEST:
            self._latest = run(latest_of(self.stream.arn, listed), self._streams, self._clock)
            self._skipped = self._initial.keys() - self._latest.keys()

    def asked(self, plan: Plan[T]) -> T | None:
        """What a plan comes to; None where it fails now and need not another time, which is waited for."""
        try:
            return run(plan, self._streams, self._clock)
        except StoreError as error:
            if self._once or not error.retryable:
                raise
            return None

    def _find(self) -> None:
        """Begin with the shards that may be read now, unless nothing can have changed."""
        listed = None if self._settled else self.asked(shards_of(self.stream.arn))
        if listed is None:
            return
        lineage = Lineage(listed, self._begun.values(), self._ended, self._initial.values(), self._skipped)
        for shard in lineage.readable():
            if shard.id not in self._begun:
                # Of what there was at the beginning, all that is left.
                anew = shard.id in self._initial and shard.id not in self._latest
                self._begun[shard.id] = shard
                iterator = self._latest.get(shard.id)
                self._open[shard.id] = Reading(
                    self.stream.arn, shard.id, iterator=iterator, first=shard.first, anew=anew
                )
        self._settled, self.over = True, lineage.over

    def records(self) -> Generator[Raw]:
        """The records of one page of each shard."""
        self._find()
        for name, reading in list(self._open.items()):
            page = self.asked(reading.page()) or Page((), ended=False)
            if isinstance(page, Missing):
                self._missing(name)
                self._open[name] = Reading(self.stream.arn, name, anew=True)
                continue
            yield from page.records
            self._note(name, page)

    def _note(self, name: str, page: Page) -> None:
        if page.ended:
            self._ended.add(name)
            del self._open[name]
        if page.ended or not page.records:
            self._settled = False
