"""The work on one shard under its lease: a page, what takes it, a checkpoint, the next page. Steps, without waits."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, TypeVar

from aircraftops_data.core.run import run
from aircraftops_data.request import Plan, Transport
from aircraftops_data.streams.change import AnyRecord
from aircraftops_data.streams.locking import Lock
from aircraftops_data.streams.polling.reading import MOST_RECORDS, Missing, Reading, is_since
from aircraftops_data.streams.polling.shards import Shard, Stream
from aircraftops_data.streams.polling.state import Group, Origin, ShardState, StreamStart

if TYPE_CHECKING:
    from aircraftops_data.streams.router import Router

T = TypeVar("T")
LOG = logging.getLogger("aircraftops_data.streams")


class Step(Enum):
    """What one step came to."""

    READ = auto()
    """Something was dealt with; there may be more."""
    QUIET = auto()
    """There was nothing just now."""
    FAILED = auto()
    """A record was not dealt with; the next step takes it again."""
    OVER = auto()
    """The shard is read to its end, or a gap keeps it from being read on."""


@dataclass(frozen=True)
class Desk:
    """What the works of one poller share."""

    group: Group
    streams: Transport
    router: Router
    table: str
    """The physical name of the table."""
    limit: int = MOST_RECORDS

    def run(self, plan: Plan[T]) -> T:
        """What a plan of reading the stream comes to."""
        return run(plan, self.streams, self.group.core.context.clock)


def reading_of(stream: Stream, start: StreamStart, shard: Shard, state: ShardState, limit: int) -> Reading:
    """The reading of a shard from where its group stands."""
    initial = start.initial.get(shard.id)
    return Reading(
        stream.arn,
        shard.id,
        after=state.place,
        iterator=None if initial is None or state.place is not None else initial.latest,
        first=shard.first,
        anew=state.reads_anew,
        limit=limit,
    )


class ShardWork:
    """One shard in hand. A step that raises StoreError may be made again; after any other error it is over."""

    def __init__(self, desk: Desk, stream: Stream, start: StreamStart, shard: Shard, lock: Lock) -> None:
        self._desk = desk
        self._clock = desk.group.core.context.clock
        self._start = start
        self._lock = lock
        self.shard = shard
        self.state = desk.group.claim(stream, shard, lock)
        self._reading = reading_of(stream, start, shard, self.state, desk.limit)
        self._rest: Sequence[AnyRecord] = ()
        self._done: AnyRecord | None = None
        self._ended = False
        self._quiet_at: datetime | None = None
        self.records = 0
        """How many were dealt with."""
        self.failures = 0
        """How many times in a row the same record, or the same request, has failed."""
        self.error: Exception | None = None
        """What the last step failed with."""
        self.leaving = False
        """Whether it is to be given back: the poller stops, or another should have it."""

    def __repr__(self) -> str:
        return f"<shard {self.shard.id} under token {self._lock.token}>"

    @property
    def over(self) -> bool:
        """Whether there is nothing to do: it is read to its end, or a gap stands."""
        return self.state.ended or self.state.stands

    @property
    def lag(self) -> timedelta:
        """How long ago it was that everything was dealt with, as far as that is known; nothing where nothing is."""
        at = self._quiet_at or next((each.at for each in self._rest), None) or self.state.at
        return timedelta() if at is None else self._clock.now() - at

    def step(self) -> Step:
        """Read a page, or take what is left of one. Raises StoreError, LockLostError, ConditionFailedError."""
        if self.over:
            return Step.OVER
        self._lock.check()
        self._save()
        if self._rest:
            return self._take()
        return self._end() if self._ended else self._read()

    def beat(self) -> None:
        """Renew the lease."""
        self._lock.beat()

    def leave(self) -> None:
        """Give the shard back; where that fails, its lease runs out."""
        try:
            self._lock.release()
        except Exception as error:  # noqa: BLE001 - whatever it is, the shard is in hand no more
            LOG.warning("A shard could not be given back: %r: %s", self, error)

    def _read(self) -> Step:
        page = self._desk.run(self._reading.page())
        if isinstance(page, Missing):
            return self._stand()
        decode, table = self._desk.router.decoder.record, self._desk.table
        self._rest = self._wanted([decode(raw, table) for raw in page.records])
        self._ended, self.failures = page.ended, 0
        self._quiet_at = None if page.records else self._clock.now()
        if self._rest:
            return self._take()
        if page.ended:
            return self._end()
        return Step.READ if page.records else Step.QUIET

    def _wanted(self, found: list[AnyRecord]) -> list[AnyRecord]:
        """Not what came before the beginning, where the iterator that stood there has expired unused."""
        began = self._start.created_at
        if began is None or self.shard.id not in self._start.initial or self._start.origin is Origin.TRIM_HORIZON:
            return found
        return [each for each in found if is_since(began, each.at)]

    def _take(self) -> Step:
        taken = self._desk.router.take(self._rest, self._late)
        self._lock.check()
        self._done = self._numbered(self._rest[: taken.done]) or self._done
        self._rest = self._rest[taken.done :]
        self.records += taken.done
        self.error = taken.error
        failed = taken.error is not None
        self.failures = (0 if taken.done else self.failures) + failed
        if taken.failed is not None and failed:
            where = f"record {taken.failed.sequence} of {self.shard.id}"
            LOG.warning("It is tried again, for it failed: %s", where, exc_info=taken.error)
        self._save()
        return Step.FAILED if failed else Step.READ

    def _late(self) -> bool:
        """Whether the rest of a page is left to whoever reads on. Raises LockLostError."""
        self._lock.check()
        return self.leaving

    def _numbered(self, done: Sequence[AnyRecord]) -> AnyRecord | None:
        """The last that has a place."""
        return next((each for each in reversed(done) if each.sequence is not None), None)

    def _save(self) -> None:
        """Write down what is done. Raises StoreError, and then it is still to be written."""
        done = self._done
        if done is not None and done.sequence is not None:
            self.state = self._desk.group.advance(self.state, self._lock, done.sequence, done.at)
            self._done = None

    def _end(self) -> Step:
        kept = self.shard.id in self._start.initial
        self.state = self._desk.group.end(self.state, self._lock, kept=kept)
        return Step.OVER

    def _stand(self) -> Step:
        self.state = self._desk.group.note_gap(self.state, self._lock)
        LOG.error("Records of shard %s were trimmed unread; it stands until that is acknowledged", self.shard.id)
        return Step.OVER
