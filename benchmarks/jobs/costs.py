"""What the calls of jobs cost in request units: stories of jobs, gone through call by call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from aircraftops_data import CoreTable
from aircraftops_data.jobs import Claim, Job, Jobs
from benchmarks.results import Bill
from benchmarks.telling import Teller, Ticking

SMALL = {"airframe": "N172AB", "check": "A"}
LARGE = {"text": "x" * 10_000}


class JobTeller(Teller):
    """One queue."""

    def __init__(self, core: CoreTable, clock: Ticking, queue: str, shards: int = 1) -> None:
        super().__init__(core)
        self.jobs = Jobs(self.core)
        self._clock = clock
        self._queue = queue
        self._shards = shards
        self.pass_time(1)

    def enqueue(self, call: str = "enqueue", payload: Any = SMALL, **how: Any) -> Job:
        """Ask for a job."""
        return self.tell(call, lambda: self.jobs.enqueue("check", payload, queue=self._queue, **how))

    def poll(self, call: str) -> Claim | None:
        """Look for a job."""
        return self.tell(call, lambda: self.jobs.claim(self._queue, worker="w1"))

    def claim(self, call: str = "claim") -> Claim:
        """Claim what is there to be claimed."""
        claim = self.poll(call)
        assert claim is not None
        return claim

    def complete(self, claim: Claim, call: str = "complete") -> None:
        """End a job well."""
        self.tell(call, lambda: claim.complete({"checked": 12}))

    def pass_time(self, seconds: float) -> None:
        """Let time pass; at its end what is set for the queue is known, so that nobody has to read it."""
        self._clock.advance(timedelta(seconds=seconds))
        self.jobs.reshard(self._queue, self._shards)


Story = Callable[[JobTeller], None]


def simple(teller: JobTeller) -> None:
    """The whole life of a job that asks for nothing special."""
    teller.enqueue()
    claim = teller.claim()
    teller.tell("heartbeat", claim.heartbeat)
    teller.complete(claim)


def fenced(teller: JobTeller) -> None:
    """A job whose completion is one with what it wrote."""
    teller.enqueue()
    claim = teller.claim()

    def check() -> None:
        with teller.core.transaction() as tx:
            tx.add(claim.fence())

    def together() -> None:
        with teller.core.transaction() as tx:
            tx.add(claim.completion({"checked": 12}))

    teller.tell("fence, in a transaction", check)
    teller.tell("completion, in a transaction", together)


def unique(teller: JobTeller) -> None:
    """A job of a unique key; the second one asked for is the first."""
    teller.enqueue(unique="N172AB")
    teller.enqueue("enqueue again", unique="N172AB")
    teller.complete(teller.claim())


def workflow(teller: JobTeller) -> None:
    """A workflow of two jobs, one after the other."""
    parent = teller.enqueue("enqueue the parent", workflow="flow")
    teller.enqueue("enqueue the child", workflow=parent.workflow, parents=[parent])
    claim = teller.claim("claim the parent")
    teller.tell("heartbeat", claim.heartbeat)
    teller.complete(claim, "complete the parent, release the child")
    teller.complete(teller.claim("claim the child"), "complete the child")


def blocked(teller: JobTeller) -> None:
    """A job whose parent runs much later, so that it is looked at meanwhile."""
    parent = teller.enqueue("enqueue the parent", workflow="later", run_at=timedelta(hours=1))
    teller.enqueue("enqueue the child", workflow=parent.workflow, parents=[parent])
    teller.pass_time(90)
    teller.poll("look at the child, find nothing else")
    teller.poll("poll")


def large(teller: JobTeller) -> None:
    """A payload of 10 KB."""
    teller.enqueue(payload=LARGE)
    claim = teller.claim()
    teller.tell("heartbeat", claim.heartbeat)
    teller.complete(claim)


def retried(teller: JobTeller) -> None:
    """A job that fails once, and then not."""
    teller.enqueue()
    claim = teller.claim()
    teller.tell("fail", lambda: claim.fail(ValueError("no such airframe"), retry_in=timedelta()))
    teller.complete(teller.claim("claim again"))


def dead(teller: JobTeller) -> None:
    """A job that fails for good, and is run again by hand."""
    job = teller.enqueue(max_attempts=1)
    claim = teller.claim()
    teller.tell("fail for good", lambda: claim.fail(ValueError("no such airframe")))
    teller.tell("redrive", lambda: teller.jobs.redrive(job.id))


def put_off(teller: JobTeller) -> None:
    """A job that is snoozed, and then cancelled."""
    job = teller.enqueue()
    claim = teller.claim()
    teller.tell("snooze", lambda: claim.snooze(timedelta(minutes=5)))
    teller.tell("cancel", lambda: teller.jobs.cancel(job.id))


def limited(teller: JobTeller) -> None:
    """Two jobs of which one may run at a time."""
    for call in ("enqueue", "enqueue the second"):
        teller.enqueue(call, limit=("airframe N172AB", 1))
    claim = teller.claim()
    teller.poll("put off the second")
    teller.complete(claim)


def long_running(teller: JobTeller) -> None:
    """A job that outlives its first lease: its ticket is moved on once; then its worker is gone, another takes over."""
    teller.enqueue()
    claim = teller.claim()
    teller.pass_time(50)
    teller.tell("heartbeat", claim.heartbeat)
    teller.pass_time(20)
    teller.poll("re-park, find nothing else")
    teller.pass_time(60)
    teller.claim("take over after a lost lease")


def idle(teller: JobTeller) -> None:
    """A queue with nothing to do."""
    teller.poll("poll")


STORIES: Mapping[str, tuple[Story, int]] = {
    "A simple job": (simple, 1),
    "With a fence": (fenced, 1),
    "With a unique key": (unique, 1),
    "A workflow of two": (workflow, 1),
    "Waiting long for its parent": (blocked, 1),
    "A payload of 10 KB": (large, 1),
    "Failed once": (retried, 1),
    "Failed for good, redriven": (dead, 1),
    "Snoozed, cancelled": (put_off, 1),
    "With a concurrency limit of 1": (limited, 1),
    "Longer than its lease": (long_running, 1),
    "Idle, 1 shard": (idle, 1),
    "Idle, 8 shards": (idle, 8),
}
"""What is told, and on how many shards."""


def told(name: str, core: CoreTable, clock: Ticking) -> list[Bill]:
    """The bills of one story. The core's context has this clock, and nobody else is at work on its table."""
    story, shards = STORIES[name]
    teller = JobTeller(core, clock, f"{name} {core.context.chance.identifier()}", shards)
    story(teller)
    return teller.bills
