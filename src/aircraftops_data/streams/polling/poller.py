"""The poller: reads the stream of a table without Lambda, each shard under a lease, until it is told to stop."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from threading import Event
from typing import TYPE_CHECKING

from aircraftops_data.clock import Retry
from aircraftops_data.core.durations import positive
from aircraftops_data.core.hands import Hands
from aircraftops_data.core.process import this_process
from aircraftops_data.core.signals import signals_to
from aircraftops_data.core.table import CoreTable
from aircraftops_data.errors import (
    AircraftOpsDataError,
    ConditionFailedError,
    InvalidInputError,
    LockHeldError,
    LockLostError,
    StoreError,
)
from aircraftops_data.model.schema import CORE, Table
from aircraftops_data.request import Transport
from aircraftops_data.streams.locking import Locks
from aircraftops_data.streams.polling.looking import Look, look_at
from aircraftops_data.streams.polling.reading import MOST_RECORDS
from aircraftops_data.streams.polling.shards import Shard
from aircraftops_data.streams.polling.sharing import shares, should_give
from aircraftops_data.streams.polling.state import Group, Origin, ShardState
from aircraftops_data.streams.polling.work import LOG, Desk, ShardWork, Step

if TYPE_CHECKING:
    from aircraftops_data.streams.router import Router

_RETRY = Retry(first_seconds=0.2, most_seconds=30.0)


@dataclass(frozen=True, slots=True)
class PollerOptions:
    """How a poller goes about it; all pollers of a name should agree."""

    origin: Origin = Origin.TRIM_HORIZON
    """Where the first poller of a name begins; afterwards it says nothing."""
    concurrency: int = 8
    """How many shards it reads at a time."""
    limit: int = MOST_RECORDS
    """The records of a page: of so many at most some are handled again after a crash. 1 to 1000."""
    lease: timedelta = timedelta(seconds=30)
    """How long a shard is held by a poller that died; renewed each third of it, for 1 write unit."""
    idle: timedelta = timedelta(seconds=0.5)
    """The pause after a page without records; each page asked for is a request of DynamoDB Streams."""
    look: timedelta = timedelta(seconds=10)
    """How often to look for new shards, and for those of others that died."""
    retry: Retry = _RETRY
    """The waits before a record that failed is taken again, which is done without end; `drain` gives up by it."""
    grace: timedelta = timedelta(seconds=30)
    """How long what runs may go on when the poller is told to stop."""
    quiet: int = 3
    """How many pages without records, one after the other, `drain` takes for the end of what there is."""

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MOST_RECORDS or self.concurrency < 1 or self.quiet < 1:
            raise InvalidInputError(f"A poller reads one shard at least, in pages of 1 to {MOST_RECORDS} records")
        for length, what in ((self.lease, "A lease"), (self.idle, "A pause"), (self.look, "A round")):
            positive(length, what)


@dataclass(frozen=True, slots=True)
class Drained:
    """What `drain` came to."""

    shards: int = 0
    """How many it read."""
    ended: int = 0
    """How many of those to their end."""
    records: int = 0
    """How many records were dealt with."""
    gaps: tuple[ShardState, ...] = ()
    """The shards that stand, for somebody must acknowledge first that records are missing."""


class Poller:
    """Reads the stream of a table for a router: each shard once, parents before children, under a lease.

    Pollers of one `name` share the shards, in as many processes as you like; what the name has read is remembered in
    JobsTable. A checkpoint is written after the router has dealt with records, so after a crash some come again. Where
    records were trimmed unread, the shard stands until `acknowledge`: see `gaps`.
    """

    def __init__(
        self,
        core: CoreTable,
        router: Router,
        *,
        streams: Transport,
        locks: Locks,
        name: str,
        table: Table = CORE,
        options: PollerOptions | None = None,
        worker_id: str | None = None,
    ) -> None:
        self.options = options or PollerOptions()
        self.id = worker_id or f"{this_process()}-{core.context.chance.identifier(32)}"
        """By default the host's name, the process id and a nonce."""
        self.works: dict[str, ShardWork] = {}
        """The shards in hand, by id."""
        self._context = core.context
        self._locks = locks
        self._desk = Desk(Group(core, name), streams, router, core.context.names[table], self.options.limit)
        self._hands: Hands | None = None
        self._over = Event()
        self._stopping = False
        self._signals = 0
        self._leaving: BaseException | None = None

    @property
    def lag(self) -> timedelta:
        """How far it is behind, in the shard in hand that is furthest behind: the age of the record at hand, or else of
        the last dealt with, or of the last page without any. It also grows while a shard cannot be read."""
        return max((work.lag for work in list(self.works.values())), default=timedelta())

    # Shards in hand

    def look(self) -> list[ShardWork]:
        """Look what is to be read now, and take as many shards as are this poller's share. Raises InvalidInputError.

        `run` does it each round, and makes the steps of all works side by side; a test may do both by hand.
        """
        found = look_at(self._desk, self.options.origin)
        others = [each for each in found.pollers if each.worker != self.id]
        group, holds, capacity = self._desk.group, len(self.works), self.options.concurrency
        mine = group.report(self.id, holds, capacity, 3 * self.options.look)
        share = shares(len(found.ready), [*others, mine])
        if should_give(share, self.id, holds, others):
            for work in list(self.works.values())[:1]:
                work.leaving = True
        return list(self._take_some(found, share[self.id]))

    def _take_some(self, found: Look, most: int) -> Iterator[ShardWork]:
        """Take shards until there are so many in hand; what fails is logged, for those taken are in hand."""
        for shard in self._free(found):
            if len(self.works) >= most:
                return
            try:
                work = self._taken(found, shard)
            except AircraftOpsDataError as error:
                LOG.warning("Shard %s could not be taken", shard.id, exc_info=error)
                continue
            if work is not None:
                yield work

    def _free(self, found: Look, but: Collection[str] = ()) -> list[Shard]:
        """The shards that may be another's or nobody's; in any order, so that pollers seldom ask for the same."""
        free = [shard for shard in found.ready if shard.id not in self.works and shard.id not in but]
        self._context.chance.random.shuffle(free)
        return free

    def _taken(self, found: Look, shard: Shard) -> ShardWork | None:
        """A shard in hand; None where it is another's, or nothing is to be done."""
        name = lock_name(self._desk.group.name, shard.id)
        try:
            lock = self._locks.acquire(name, lease=self.options.lease, owner=self.id)
        except LockHeldError:
            return None
        try:
            work = ShardWork(self._desk, found.stream, found.start, shard, lock)
        except BaseException:
            lock.release()
            raise
        if work.over:
            work.leave()
            return None
        self.works[shard.id] = work
        return work

    def _leave(self, work: ShardWork) -> None:
        work.leave()
        self.works.pop(work.shard.id, None)

    # All there is

    def drain(self) -> Drained:
        """Read all there is now, shard by shard; those of other pollers are left to them.

        Raises what a record failed with that still fails after the tries of the options.
        """
        report, seen = Drained(), set[str]()
        while True:
            found, before = look_at(self._desk, self.options.origin), report
            for shard in self._free(found, seen):
                work = self._taken(found, shard)
                if work is None:
                    continue
                seen.add(shard.id)
                try:
                    with self._kept(work):
                        self._drain(work)
                finally:
                    self._leave(work)
                ended = report.ended + work.state.ended
                report = Drained(report.shards + 1, ended, report.records + work.records)
            if report is before:
                return replace(report, gaps=found.gaps)

    def _drain(self, work: ShardWork) -> None:
        quiet = 0
        while quiet < self.options.quiet:
            match work.step():
                case Step.OVER:
                    return
                case Step.QUIET:
                    quiet += 1
                case Step.FAILED:
                    if work.error is not None and work.failures >= self.options.retry.attempts:
                        raise work.error
                    self._context.clock.sleep(self._back_off(work.failures))
                case Step.READ:
                    quiet = 0

    @contextmanager
    def _kept(self, work: ShardWork) -> Generator[None]:
        """The lease is renewed meanwhile."""
        with Hands() as hands:
            hands.every(self.options.lease.total_seconds() / 3, work.beat)
            yield

    def _back_off(self, failures: int) -> float:
        return self._context.chance.jitter(self.options.retry.ceiling(failures - 1))

    # Until it is stopped

    def run(self) -> None:
        """Read until stopped. In the main thread SIGTERM and SIGINT stop it as `stop` does, a second one at once.

        Failures of the engine are logged and waited out. Raises InvalidInputError where the table has no stream.
        """
        with signals_to(self._signalled), Hands() as hands:
            self._hands = hands
            try:
                self._rounds(hands)
            finally:
                self._finish(hands)
        leaving, self._leaving = self._leaving, None
        if leaving is not None:
            raise leaving

    def stop(self) -> None:
        """Take no more; what runs is finished within the grace, written down and given back. From anywhere."""
        self._stopping = True
        hands = self._hands
        if hands is not None:
            hands.ring()

    def _signalled(self) -> None:
        self._signals += 1
        self.stop()

    def _rounds(self, hands: Hands) -> None:
        while not self._stopping:
            try:
                for work in self.look():
                    hands.start(partial(self._work, hands, self._over), work)
            except InvalidInputError:
                raise
            except AircraftOpsDataError as error:
                LOG.warning("Looking for shards failed; it is done again", exc_info=error)
            if not self._stopping:
                hands.rest(self.options.look.total_seconds())

    def _finish(self, hands: Hands) -> None:
        """Wait for what runs, and begin anew when asked to."""
        for work in list(self.works.values()):
            work.leaving = True
        self._over.set()
        clock = self._context.clock
        until = clock.monotonic() + self.options.grace.total_seconds()
        while self.works and self._signals < 2 and (left := until - clock.monotonic()) > 0:
            hands.rest(left)
        try:
            self._desk.group.leave(self.id)
        except AircraftOpsDataError as error:
            LOG.warning("The other pollers could not be told that this one left", exc_info=error)
        self._hands, self._stopping, self._signals = None, False, 0
        self._over = Event()

    def _work(self, hands: Hands, over: Event, work: ShardWork) -> None:
        """One shard, in a thread of its own, until it is over, lost, or to be given back."""
        try:
            with self._kept(work):
                while not work.leaving and (pause := self._step(work)) is not None:
                    over.wait(pause)
        except (LockLostError, ConditionFailedError):
            LOG.warning("The lease was lost: %r", work)
        except Exception:  # noqa: BLE001 - told; others flow
            LOG.exception("It is given up, and taken again later: %r", work)
        except BaseException as error:  # noqa: BLE001 - a handler ends the process: raised by `run`
            self._leaving = error
            self.stop()
        finally:
            self._leave(work)
            # Children may be read now, or somebody waits for the last.
            if work.over or over.is_set():
                hands.ring()

    def _step(self, work: ShardWork) -> float | None:
        """One step; the seconds to wait before the next, None for none."""
        try:
            step = work.step()
        except StoreError as error:
            work.failures += 1
            LOG.warning("Reading goes on after a while: %r", work, exc_info=error)
            return self._back_off(work.failures)
        pauses = {Step.READ: 0.0, Step.QUIET: self.options.idle.total_seconds(), Step.OVER: None}
        return self._back_off(work.failures) if step is Step.FAILED else pauses[step]


def lock_name(group: str, shard: str) -> str:
    """The lock by which a poller of a group holds a shard."""
    return f"STREAM/{group}/{shard}"
