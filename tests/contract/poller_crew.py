"""Poller processes that are killed, stopped and lied to; what they make of a table's stream is in another table."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from threading import Thread
from time import sleep
from typing import Any

from job_crew import Gate, Processes, Shift, hired

from aircraftops_data import CORE, CoreTable, Entity, PrimaryKey, Table
from aircraftops_data.clock import Retry, SystemClock
from aircraftops_data.coordination import LockOptions, Locks, locks
from aircraftops_data.coordination.fencing import Guard
from aircraftops_data.core.run import run
from aircraftops_data.errors import AlreadyExistsError, ConditionFailedError, NotFoundError, StoreError
from aircraftops_data.model.conditions import FieldPath
from aircraftops_data.request import Request, Response, Transport
from aircraftops_data.streams import Change, Router
from aircraftops_data.streams.change import AnyRecord
from aircraftops_data.streams.decoding import Decoder
from aircraftops_data.streams.polling import state as states
from aircraftops_data.streams.polling.gaps import Group
from aircraftops_data.streams.polling.poller import Poller, PollerOptions
from aircraftops_data.streams.polling.reading import Page, Reading
from aircraftops_data.streams.polling.shards import shards_of, streams_of
from aircraftops_data.streams.polling.state import ShardState
from aircraftops_data.testing import local_session
from aircraftops_data.transports.streams import streams_transport

NAME = "mirror"
LEASE = timedelta(seconds=0.6)
LOCK_OPTIONS = LockOptions(margin=timedelta(seconds=0.2), poll=timedelta(seconds=0.3))
OPTIONS = PollerOptions(
    lease=LEASE,
    look=timedelta(seconds=0.2),
    idle=timedelta(seconds=0.05),
    limit=20,
    retry=Retry(first_seconds=0.02, most_seconds=0.2),
    grace=timedelta(seconds=5),
    quiet=2,
)
LOST = 3
MIRROR = Table("MirrorTable", stream="NEW_IMAGE")


class Tank(Entity, table=CORE, entity_type="crew_tank"):
    """Something that changes while it is polled."""

    name: str
    litres: int

    primary = PrimaryKey("CREW_TANK#{name}", "TANK")


class Copy(Entity, table=MIRROR, entity_type="crew_copy"):
    """What a sink made of a tank's changes; it takes none that is older than what it has."""

    name: str
    litres: int | None = None
    """None where the tank is gone."""
    sequence: int

    primary = PrimaryKey("COPY#{name}", "COPY")


@dataclass(frozen=True)
class Polling(Shift):
    """What a poller process is told; where it writes down what it was given."""

    journal: str = ""

    def poller(self, core: CoreTable) -> Poller:
        """A poller over these tables."""
        if not self.fenced:
            _unguard()
        return Poller(
            core,
            mirroring(core, Path(self.journal) / self.worker),
            streams=stream_of(self.endpoint),
            locks=Locks(core, options=LOCK_OPTIONS),
            name=NAME,
            options=OPTIONS,
            worker_id=self.worker,
        )


def stream_of(endpoint: str) -> Transport:
    """DynamoDB Streams, where the tables are."""
    return streams_transport(local_session(), endpoint_url=endpoint)


def mirroring(core: CoreTable, journal: Path) -> Router:
    """A router that copies tanks, and writes down each change it is given."""
    router = Router()

    @router.on(Tank)
    def copy(change: Change[Tank]) -> None:
        with journal.open("a") as lines:
            lines.write(f"{change.sequence}\n")
        sleep(0.005)
        mirror(core, change)

    return router


def mirror(core: CoreTable, change: Change[Any]) -> None:
    """Keep what a change tells, unless something newer is kept."""
    tank, sequence = change.new or change.old, change.sequence or 0
    fields = {"litres": None if change.new is None else tank.litres, "sequence": sequence}
    while True:
        try:
            core.update(Copy, name=tank.name, set=fields, where=Copy.f.sequence < sequence)
        except NotFoundError:
            # Who stands still right here must not put the copy of another back.
            with suppress(AlreadyExistsError):
                core.create(Copy(name=tank.name, sequence=0))
        except ConditionFailedError:
            return
        else:
            return


def _unguard() -> None:
    """Take away whatever refuses a late holder, in this process."""
    states.not_back = lambda place: ShardState.f.name.exists()
    locks.guard = lambda field, token: Guard({field.field: token}, FieldPath.exists(ShardState.f.name))


# What processes do


def poll(shift: Polling) -> None:
    """Poll until killed, or told to stop."""
    while True:
        try:
            shift.poller(shift.core()).run()
        except StoreError:
            continue
        return


class Standing:
    """A transport that stands still at the first checkpoint until there is a gate, and says so by another."""

    def __init__(self, core: CoreTable) -> None:
        self._core = core
        self._stood = False

    def send(self, request: Request) -> Response:
        """The response, late."""
        if not self._stood and ":" in str(request.parameters) and _moves(request):
            self._stood = True
            self._core.create(Gate(job_id="stands"))
            while self._core.find(Gate, job_id="go on", consistent=True) is None:
                sleep(0.02)
        return self._core.runner.transport.send(request)


def _moves(request: Request) -> bool:
    names = request.parameters.get("ExpressionAttributeNames", {})
    return request.operation == "UpdateItem" and "checkpoint" in names.values() and "at" in names.values()


def stand(shift: Polling) -> None:
    """Read a page, and stand still where its checkpoint is written. Exits with LOST where that is refused."""
    core = shift.core()
    poller = shift.poller(CoreTable(Standing(core), core.context))
    (work,) = poller.look()
    try:
        work.step()
    except ConditionFailedError:
        raise SystemExit(LOST) from None


# What is seen of it afterwards


def changes_of(core: CoreTable, endpoint: str, table: Table, *entities: type[Entity]) -> list[Change[Any]]:
    """Every change of a table's items there is in its streams, in order; DynamoDB Local has one shard a stream."""
    clock, streams, decoder = SystemClock(), stream_of(endpoint), Decoder(entities)
    found: list[AnyRecord] = []
    for stream in run(streams_of(core.context.names[table]), streams, clock):
        for shard in sorted(run(shards_of(stream.arn), streams, clock), key=lambda shard: shard.first or 0):
            reading = Reading(stream.arn, shard.id)
            while isinstance(page := run(reading.page(), streams, clock), Page) and page.records:
                found += [decoder.record(raw, core.context.names[table]) for raw in page.records]
    return [each for each in found if isinstance(each, Change) and each.entity in entities]


def backwards(places: Sequence[tuple[str, int]]) -> list[str]:
    """Where something of a name went back."""
    highest: dict[str, int] = {}
    found: list[str] = []
    for name, place in places:
        if place < highest.get(name, place):
            found.append(f"{name} went from {highest[name]} back to {place}")
        highest[name] = place
    return found


def checkpoints(core: CoreTable, endpoint: str, jobs: Table) -> list[tuple[str, int]]:
    """Each checkpoint there was, as it was written, by shard; the beginning is 0."""
    written = [change.new for change in changes_of(core, endpoint, jobs, ShardState) if change.new is not None]
    return [(state.shard, state.place or 0) for state in written]


def delivered(journal: Path) -> list[int]:
    """The sequence numbers that were handed to any process."""
    return [int(line) for each in journal.iterdir() for line in each.read_text().splitlines()]


# Processes, and what happens to them


class Writer:
    """Writes tanks at random, from `with` to its end."""

    def __init__(self, core: CoreTable, keys: int) -> None:
        self._core = core
        self._random = Random(3)
        self._keys = keys
        self._over = False
        self._thread = Thread(target=self._write, daemon=True)
        self.writes = 0

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self._thread.join()

    def _write(self) -> None:
        while not self._over:
            self.write()
            sleep(0.01)

    def write(self) -> None:
        """One more."""
        name = f"t{self._random.randrange(self._keys)}"
        self.writes += 1
        if self._random.random() < 0.15:
            self._core.delete(Tank, name=name)
        else:
            self._core.put(Tank(name=name, litres=self.writes))


class Pollers(Processes):
    """Poller processes."""

    def harm(self, core: CoreTable) -> None:
        """Kill the one that holds the shard, or any, or stop it for longer or shorter than its lease."""
        seconds = LEASE.total_seconds()
        self.harm_one(self._whom(core), 0.5, (0.5 * seconds, 3 * seconds))

    def _whom(self, core: CoreTable) -> str:
        workers = sorted(self.processes)
        holders = {lock.owner for lock in Locks(core).all() if lock.owner is not None}
        holding = [worker for worker in workers if worker in holders]
        return self.random.choice(workers if not holding or self.random.random() < 0.2 else holding)


def pollers(shift: Polling, size: int) -> AbstractContextManager[Pollers]:
    """So many processes, which do not outlive the block."""
    return hired(Pollers(shift, poll, "p", Random(11)), size)


def caught_up(core: CoreTable) -> bool:
    """Whether the copies are as the tanks are."""
    tanks = {tank.name: tank.litres for tank in core.scan(Tank).consistent()}
    copies = {copy.name: copy.litres for copy in core.scan(Copy).consistent() if copy.litres is not None}
    return tanks == copies


def standing_still(core: CoreTable) -> Sequence[ShardState]:
    """Shards that stand at a gap."""
    return [state for state in Group(core, NAME).standing().shards if state.stands]
