"""What the calls of locks and changes cost in request units: stories, gone through call by call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from aircraftops_data import JOBS, CoreTable, metered
from aircraftops_data.clock import Chance
from aircraftops_data.consumed import Consumed, Meter
from aircraftops_data.coordination import Change, ChangeContext, Changes, Lock, Locks
from aircraftops_data.coordination.ready import backfill, upgrade
from aircraftops_data.errors import LockHeldError
from benchmarks.locks.entities import BEFORE, Gauge, IndexedTool, UpgradedTool, tool
from benchmarks.results import Bill
from benchmarks.telling import Teller, Ticking

NAME = "reindex"
LEASE = timedelta(seconds=30)
ITEMS = 1000
CHUNK = 50
# A page that is full does not know that it was the last.
CHUNKS = ITEMS // CHUNK + 1
TABLES = (JOBS, BEFORE)
"""What is to be there, fresh for each story."""
_BEGUN = "look, take the lock, begin"


class Even(Chance):
    """Has everybody wait as long as they do on average."""

    def jitter(self, ceiling: float) -> float:
        """Half of the ceiling."""
        return ceiling / 2


class LockTeller(Teller):
    """Two processes with their locks, and the changes of the first; one clock."""

    def __init__(self, core: CoreTable, clock: Ticking) -> None:
        super().__init__(CoreTable(core.runner.transport, replace(core.context, chance=Even())))
        self.locks, self.others = Locks(self.core), Locks(self.core)
        self.changes = Changes(self.core)
        self.clock = clock

    def take(self, call: str, locks: Locks, **terms: Any) -> Lock | None:
        """Ask for the lock; None where it is held."""

        def taking() -> Lock | None:
            with suppress(LockHeldError):
                return locks.acquire(NAME, lease=LEASE, **terms)
            return None

        return self.tell(call, taking)

    def held(self) -> Lock:
        """The lock, held, and not for the first time."""
        self.locks.acquire(NAME, lease=LEASE).release()
        return self.locks.acquire(NAME, lease=LEASE)

    def make(self, change: Callable[[Lap], Change], last: str) -> None:
        """Apply a change, not the first one ever, and keep the bill of each part; what the last one is of."""
        self.know_lock()
        with metered() as meter:
            lap = Lap(meter, self.bills)
            self.changes.apply([change(lap)])
            lap(last)

    def know_lock(self) -> None:
        """Have had the lock of changes once."""
        self.locks.acquire(self.changes.options.lock_name).release()


class Lap:
    """Told that a part of a call is over, it keeps the bill of that part."""

    def __init__(self, meter: Meter, bills: list[Bill]) -> None:
        self._meter = meter
        self._bills = bills
        self._before = Consumed()

    def __call__(self, part: str) -> None:
        """That part is over."""
        now, before = self._meter.consumed, self._before
        read, written = now.read_units - before.read_units, now.write_units - before.write_units
        self._bills.append(Bill(call=part, read_units=read, write_units=written))
        self._before = now


Story = Callable[[LockTeller], None]


# Locks


def first_ever(teller: LockTeller) -> None:
    """A lock that never was."""
    lock = teller.take("acquire", teller.locks)
    assert lock is not None
    teller.tell("release", lock.release)


def uncontended(teller: LockTeller) -> None:
    """A lock nobody else wants."""
    teller.held().release()
    lock = teller.take("acquire", teller.locks)
    assert lock is not None
    teller.tell("release", lock.release)


def kept(teller: LockTeller) -> None:
    """What its holder does with it."""
    lock, core = teller.held(), teller.core
    gauge = core.create(Gauge(name="fuel"))
    guard = lock.guard(Gauge.f.token)

    def fence() -> None:
        with core.transaction() as tx:
            tx.add(lock.fence())

    def fenced_write() -> None:
        with core.transaction() as tx:
            tx.add(lock.fence())
            tx.update(Gauge, name="fuel", add={"value": 1})

    teller.tell("heartbeat", lock.heartbeat)
    teller.tell("check, on this side alone", lock.check)
    teller.tell("fence, in a transaction", fence)
    teller.tell("fence and a write, in a transaction", fenced_write)
    teller.tell("a write", lambda: core.update(Gauge, name=gauge.name, add={"value": 1}))
    teller.tell(
        "a write, guarded",
        lambda: core.update(Gauge, name=gauge.name, add={"value": 1}, set={**guard.set}, where=guard.where),
    )


def wanted(teller: LockTeller) -> None:
    """A lock another wants and does not get."""
    teller.held()
    teller.take("asked for once", teller.others)
    teller.take("waited for, 10 s", teller.others, wait=timedelta(seconds=10))


def abandoned(teller: LockTeller) -> None:
    """A lock whose holder died, followed by who waits for it."""
    teller.held()
    patience = teller.locks.options.patience(LEASE)
    assert (
        teller.take(f"waited for, with a lease of {LEASE.seconds} s", teller.others, wait=patience + LEASE) is not None
    )


def asked_again(teller: LockTeller) -> None:
    """A lock whose holder died, followed by who asks for it now and again."""
    teller.held()
    teller.take("asked for", teller.others)
    teller.clock.advance(teller.locks.options.patience(LEASE))
    assert teller.take("asked for again after the lease", teller.others) is not None


def revoked(teller: LockTeller) -> None:
    """A lock an operator takes away."""
    lock = teller.held()
    teller.tell("look who has it", lambda: teller.others.get(NAME))
    teller.tell("release by force", lambda: teller.others.release(NAME, lock.token))


# Changes


def atomic(teller: LockTeller) -> None:
    """A change of one write."""

    def change(lap: Lap) -> Change:
        def one(context: ChangeContext) -> None:
            lap(_BEGUN)
            context.tx.create(Gauge(name="fuel"))

        return Change("atomic", one, source="1 gauge")

    teller.make(change, "commit with 1 write, release")


def chunked(teller: LockTeller) -> None:
    """A change of 100 writes, 50 at a time."""

    def change(lap: Lap) -> Change:
        def half(context: ChangeContext) -> None:
            first = context.cursor is None
            lap(_BEGUN if first else f"chunk of {CHUNK} writes")
            for number in range(CHUNK):
                context.tx.create(Gauge(name=f"{'left' if first else 'right'} {number}"))
            context.go_on("right" if first else None, done=CHUNK)

        return Change("chunked", half, mode="chunked", source="100 gauges")

    teller.make(change, f"last chunk of {CHUNK} writes, release")


def external(teller: LockTeller) -> None:
    """A change made elsewhere."""

    def change(lap: Lap) -> Change:
        return Change("external", lambda _: lap(_BEGUN), mode="external", source="somewhere")

    teller.make(change, "record that it was made, release")


def nothing_to_do(teller: LockTeller) -> None:
    """Changes that are all made."""
    made = [Change(f"{number}", lambda _: None, source="nothing") for number in range(10)]
    teller.changes.apply(made)
    teller.tell("apply 10 changes", lambda: teller.changes.apply(made))


def _ready_made(teller: LockTeller, change: Change) -> None:
    """One of many items, page by page."""
    teller.know_lock()
    written = teller.core.put_many(tool(number) for number in range(ITEMS))
    assert not written.failed
    (made,) = teller.tell(f"apply, in {CHUNKS} chunks", lambda: teller.changes.apply([change]), ITEMS)
    assert (made.done, made.chunks) == (ITEMS, CHUNKS)


STORIES: Mapping[str, Story] = {
    "A lock that never was": first_ever,
    "A lock nobody else wants": uncontended,
    "While it is held": kept,
    "A lock that is held": wanted,
    "Its holder died, somebody waits": abandoned,
    "Its holder died, somebody asks again": asked_again,
    "Taken away by an operator": revoked,
    "An atomic change": atomic,
    "A chunked change": chunked,
    "An external change": external,
    "Nothing to do": nothing_to_do,
    "Backfill of 1,000 items": lambda teller: _ready_made(teller, backfill("ready", IndexedTool)),
    "Upgrade of 1,000 items": lambda teller: _ready_made(teller, upgrade("ready", UpgradedTool)),
}
"""What is told."""


def told(name: str, core: CoreTable, clock: Ticking) -> list[Bill]:
    """The bills of one story. The core's context has this clock; its `TABLES` are fresh, and nobody else's."""
    teller = LockTeller(core, clock)
    STORIES[name](teller)
    return teller.bills
