"""Processes that contend for one lock, are killed, stopped and lied to; what they wrote under it is in the table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from random import Random
from time import monotonic, sleep

from job_crew import Gate, Latest, Processes, Shift, Written, hired, journals

from aircraftops_data import CoreTable
from aircraftops_data.coordination import Lock, LockOptions, Locks
from aircraftops_data.errors import ConflictError, NotFoundError, StoreError, TransactionConflictError

NAME = "tape"
LEASE = timedelta(seconds=0.5)
OPTIONS = LockOptions(margin=timedelta(seconds=0.2), poll=timedelta(seconds=0.3))
PATIENCE = timedelta(seconds=60)
LOST = 3


def contend(shift: Shift) -> None:
    """Take the lock, write twice and give it back, again and again until killed."""
    core, random = shift.core(), Random()
    locks = Locks(core, options=OPTIONS)
    while True:
        try:
            with locks.hold(NAME, lease=LEASE, wait=PATIENCE, owner=shift.worker) as lock:
                append(core, lock, "began", shift)
                sleep(random.uniform(0, 0.1))
                append(core, lock, "did", shift)
        except (ConflictError, StoreError):
            # Another has it, or nobody knows.
            continue


def stand(shift: Shift) -> None:
    """Take the lock, write, and write once more when there is a gate, whatever happened in between.

    Exits with LOST where it is told that the lock was lost.
    """
    core = shift.core()
    try:
        with Locks(core, options=OPTIONS).hold(NAME, lease=LEASE, wait=PATIENCE, owner=shift.worker) as lock:
            append(core, lock, "began", shift)
            while core.find(Gate, job_id=NAME, consistent=True) is None:
                sleep(0.02)
            append(core, lock, "did", shift)
    except ConflictError:
        raise SystemExit(LOST) from None


def append(core: CoreTable, lock: Lock, what: str, shift: Shift) -> None:
    """A line of the journal, in one transaction with the fence where there are fences. Raises ConflictError."""
    while True:
        latest = core.get(Latest, job_id=NAME, consistent=True)
        line = Written(job_id=NAME, number=latest.lines + 1, token=lock.token, what=what, worker=shift.worker)
        try:
            with core.transaction() as tx:
                tx.update(latest, set={"token": lock.token, "lines": line.number})
                tx.create(line)
                if shift.fenced:
                    tx.add(lock.fence())
        except TransactionConflictError as refused:
            if shift.fenced and refused.reasons[2] is not None:
                raise
        else:
            return


def journal(core: CoreTable) -> list[Written]:
    """What was written under the lock, in order."""
    return journals(core).get(NAME, [])


class Contenders(Processes):
    """Processes that contend for the lock."""

    def harm(self, locks: Locks) -> None:
        """Kill the one who has the lock, or any, or stop it for longer or shorter than a lease."""
        seconds = LEASE.total_seconds()
        self.harm_one(self._whom(locks), 0.3, (0.5 * seconds, 4 * seconds))

    def _whom(self, locks: Locks) -> str:
        workers = sorted(self.processes)
        try:
            owner = locks.get(NAME).owner
        except NotFoundError:
            owner = None
        of_any = owner not in workers or self.random.random() < 0.2
        return self.random.choice(workers) if owner is None or of_any else owner


def contenders(shift: Shift, size: int) -> AbstractContextManager[Contenders]:
    """So many processes, which do not outlive the block."""
    return hired(Contenders(shift, contend, "w", Random(7)), size)


def patience(seconds: float) -> Iterator[None]:
    """Goes on for so long, then fails."""
    deadline = monotonic() + seconds
    while monotonic() < deadline:
        yield
    raise AssertionError("this took too long")
