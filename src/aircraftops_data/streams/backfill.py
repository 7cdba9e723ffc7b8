"""Backfill: what is stored already, given to the same handlers and sinks that are given its changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event
from threading import Lock as Mutex
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, StringConstraints

from aircraftops_data.consumed import Meter, metered
from aircraftops_data.core.asking import every
from aircraftops_data.core.crew import Crew, result
from aircraftops_data.core.pace import Limiter, Rate
from aircraftops_data.core.packing import Progress
from aircraftops_data.errors import AircraftOpsDataError, InvalidInputError
from aircraftops_data.model.declarations import PrimaryKey
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.quantities import Count
from aircraftops_data.model.schema import JOBS, Table
from aircraftops_data.streams.change import Record
from aircraftops_data.streams.exports import Export
from aircraftops_data.streams.locking import LEASE, WAIT, Lock, Locks
from aircraftops_data.streams.scanning import TableScan
from aircraftops_data.streams.source import Page, Records
from aircraftops_data.transports.objects import Objects

if TYPE_CHECKING:
    from aircraftops_data.core.table import CoreTable
    from aircraftops_data.streams.router import Router

OnProgress = Callable[[Progress], object]
_PAGE = 1000


class BackfillPart(Entity, table=JOBS, entity_type="backfill_part"):
    """How far one part of a backfill has come."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=180)]
    part: Annotated[int, Field(ge=0, le=999_999)]
    source: str
    """What is read; cursors of one source mean nothing to another."""
    cursor: str | None = None
    done: Count = 0
    """How many records were dealt with."""
    finished: bool = False

    primary = PrimaryKey("BACKFILL#{name}", "PART#{part:6}")


@dataclass(frozen=True, slots=True)
class PartReport:
    """Where one part stands after a run, and why it did not go on."""

    part: int
    done: int
    """How many records were dealt with, by this run and those before it."""
    finished: bool
    failed: Record | None = None
    """The record that stopped it; the next run begins with it."""
    error: Exception | None = None
    """What stopped it; a ConflictError where another run has taken over."""


@dataclass(frozen=True, slots=True)
class BackfillReport:
    """What a run came to."""

    parts: Sequence[PartReport]

    @property
    def done(self) -> int:
        """How many records were dealt with, by this run and those before it."""
        return sum(part.done for part in self.parts)

    @property
    def failed(self) -> Sequence[PartReport]:
        """The parts that something stopped."""
        return [part for part in self.parts if part.error is not None]

    @property
    def finished(self) -> bool:
        """Whether all has been dealt with."""
        return all(part.finished for part in self.parts)


class Backfill:
    """Gives every item of a table to a router, as an insert whose cause is `Cause.SNAPSHOT`.

    Safe while live changes flow where handlers and sinks take only what is newer than what they have: a snapshot may
    come after a later change. Begin with the live changes, so that none falls between.

    Where it stands is in JobsTable under its name. A page counts as dealt with when the router has dealt with all of
    it; run again, each part goes on behind the last such page (or record, where one failed), so after a crash up to a
    page of each part is given once more. A name whose parts are finished does nothing. One run of a name at a time: it
    holds a lock of `locks` (`ops.locks`), and looks whether it still does before each page.

    A record that fails is given again, with pauses, `attempts` times in all before its part stops. Where the router's
    quarantine parks it by then, the part goes on.

    1 read unit per 4 KB of the whole table (expired items are read, and left out), 1 write unit a page of up to `page`
    items or 1 MB, and what the lock and the handlers do. Raises InvalidInputError unless segments and page are 1 to
    1000.
    """

    def __init__(
        self,
        core: CoreTable,
        router: Router,
        name: str,
        table: Table | Export,
        *,
        locks: Locks,
        segments: int = 4,
        page: int = _PAGE,
        attempts: int = 3,
    ) -> None:
        if not (1 <= segments <= 1000 and 1 <= page <= 1000 and attempts >= 1):
            raise InvalidInputError("A backfill has 1 to 1000 segments, pages of 1 to 1000 items, and an attempt")
        self._attempts = attempts
        self._core = core
        self._router = router
        self._name = name
        self._locks = locks
        self._threads = segments
        self._source = (
            table if isinstance(table, Export) else TableScan(table, router.decoder, core.context, segments, page)
        )

    @classmethod
    def from_export(
        cls,
        core: CoreTable,
        router: Router,
        name: str,
        objects: Objects,
        prefix: str,
        table: Table,
        *,
        locks: Locks,
        segments: int = 4,
        page: int = _PAGE,
        attempts: int = 3,
    ) -> Self:
        """A backfill from an export of the table to S3 (DynamoDB JSON), full or incremental; costs no read units.

        `prefix` is the folder of the manifests. `segments` data files are read side by side. The manifests are read at
        once; where a file is not what they say, its part stops with CorruptItemError. Of an incremental export each
        line is given as the change it tells. What was removed since the export comes back in a sink that has forgotten
        the removal. Raises ObjectStoreError, CorruptItemError, InvalidInputError.
        """
        export = Export(objects, prefix, table, router.decoder, core.context.clock, page)
        return cls(core, router, name, export, locks=locks, segments=segments, page=page, attempts=attempts)

    def run(self, progress: OnProgress | None = None, rate: Rate | Limiter | None = None) -> BackfillReport:
        """Go on until all is dealt with, or each part is finished or stopped. `rate` limits the request units a second.

        `progress` is told after each page: `done` counts earlier runs too, `failed` the parts that stopped, `consumed`
        is what this run and its handlers consumed. A part stops at a record that keeps failing, and at an error of this
        library; the others go on. Any other exception stops the run. Raises LockHeldError where another is at work
        after 30 seconds, by when the lock of one that died is free; LockLostError where this one lost it, StoreError,
        InvalidInputError where the name was begun with another source or number of segments.
        """
        with self._locks.hold(f"backfill/{self._name}", lease=LEASE, wait=WAIT) as lock:
            return self._run(lock, progress, rate)

    def _run(self, lock: Lock, progress: OnProgress | None, rate: Rate | Limiter | None) -> BackfillReport:
        core = self._core.paced(rate)
        parts = self.parts()
        with metered() as meter, Crew(self._threads) as crew:
            run = _Run(core, self._router, self._source, self._attempts, lock, meter, progress)
            run.begin(parts)
            try:
                running = [crew.start(run.part, part) for part in parts]
                return BackfillReport([result(each) for each in running])
            except BaseException:
                run.stop.set()
                raise

    def parts(self) -> list[BackfillPart]:
        """Where each part stands. 1 read unit per 4 KB. Raises InvalidInputError as `run` does."""
        known = self._core.runner.run(every(BackfillPart.primary(name=self._name), self._core.context))
        others = {part.source for part in known} - {self._source.name}
        if others:
            raise InvalidInputError(f"Backfill {self._name!r} was begun with another source: {others.pop()}")
        found = {part.part: part for part in known}
        return [
            found.get(number) or BackfillPart(name=self._name, part=number, source=self._source.name)
            for number in range(self._source.parts)
        ]


@dataclass
class _Run:
    """One run, in several threads."""

    core: CoreTable
    router: Router
    source: TableScan | Export
    attempts: int
    lock: Lock
    meter: Meter
    told: OnProgress | None
    stop: Event = field(default_factory=Event)
    _done: dict[int, int] = field(default_factory=dict[int, int])
    _failed: int = 0
    _mutex: Mutex = field(default_factory=Mutex)

    def begin(self, parts: Sequence[BackfillPart]) -> None:
        """Note where the parts stand."""
        self._done = {part.part: part.done for part in parts}

    def part(self, part: BackfillPart) -> PartReport:
        """Go on with a part until it ends or something stops it."""
        report = PartReport(part.part, part.done, part.finished)
        try:
            for page in () if part.finished else self.source.pages(part.part, part.cursor, self.core.runner):
                if self.stop.is_set():
                    break
                done, why = self._given(page.records)
                part = self._stored(part, page, done)
                report = PartReport(part.part, part.done, part.finished, *why)
                self._tell(report)
                if report.error is not None:
                    break
        except AircraftOpsDataError as error:
            report = PartReport(part.part, part.done, part.finished, None, error)
            self._tell(report)
        except BaseException:
            self.stop.set()
            raise
        return report

    def _given(self, records: Records) -> tuple[int, tuple[Record | None, Exception | None]]:
        """Give a page to the router; how many of it that dealt with, and what failed as often as is tried."""
        done, failures = 0, 0
        while done < len(records):
            self.lock.check()
            outcome = self.router.take(records[done:])
            done += outcome.done
            # Another record than before is tried anew.
            failures = 1 if outcome.done else failures + 1
            if done < len(records) and failures >= self.attempts:
                return done, (outcome.failed, outcome.error or InvalidInputError("The router did not take a record"))
            if outcome.error is not None:
                self.core.context.clock.sleep(self.core.context.pause(failures - 1))
        return done, (None, None)

    def _stored(self, part: BackfillPart, page: Page, done: int) -> BackfillPart:
        """The part as it stands now. Raises ConflictError where another run has brought it on meanwhile."""
        if not done and page.records:
            return part
        cursor = page.next if done == len(page.records) else page.behind(done)
        changes = {"cursor": cursor, "done": part.done + done, "finished": cursor is None}
        reached = part.model_copy(update=changes)
        return self.core.replace(reached) if part.version else self.core.create(reached)

    def _tell(self, report: PartReport) -> None:
        with self._mutex:
            self._done[report.part] = report.done
            self._failed += report.error is not None
            if self.told is not None:
                self.told(Progress(sum(self._done.values()), self._failed, self.meter.consumed))
