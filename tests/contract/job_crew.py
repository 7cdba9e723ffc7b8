"""Worker processes that are killed, stopped and lied to; what they did is written down in the table itself."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from multiprocessing.process import BaseProcess
from random import Random
from time import monotonic, sleep
from typing import Any, TypeVar

from aircraftops_data import CoreTable, Entity, PrimaryKey
from aircraftops_data.clock import Retry
from aircraftops_data.core.writes import Intent
from aircraftops_data.errors import ConflictError, StoreError, TimeoutError, TransactionConflictError
from aircraftops_data.jobs import Claim, Job, JobOptions, Priority, steps
from aircraftops_data.jobs import claim as claim_module
from aircraftops_data.jobs.jobs import Jobs
from aircraftops_data.model.schema import CORE
from aircraftops_data.request import Request, Response, Transport
from aircraftops_data.testing import local_session
from forked import FORKED

Crowd = TypeVar("Crowd", bound="Processes")
QUEUE = "crash"
LEASE = timedelta(seconds=1)
OPTIONS = JobOptions(margin=timedelta(milliseconds=200), slot_wait=timedelta(seconds=1))


class Written(Entity, table=CORE, entity_type="written"):
    """A line of a job's journal: who wrote it, and with which token."""

    job_id: str
    number: int
    token: int
    what: str
    worker: str

    primary = PrimaryKey("JOURNAL#{job_id}", "LINE#{number:8}")


class Latest(Entity, table=CORE, entity_type="latest_token"):
    """The token a job's journal was last written with, and how many lines it has."""

    job_id: str
    token: int = 0
    lines: int = 0

    primary = PrimaryKey("JOURNAL#{job_id}", "LATEST")


class Gate(Entity, table=CORE, entity_type="crew_gate"):
    """Once it is there, those who wait for it go on."""

    job_id: str

    primary = PrimaryKey("JOURNAL#{job_id}", "GATE")


@dataclass(frozen=True)
class Task:
    """What a job is to do besides writing its journal."""

    errs: int = 0
    """How many of its attempts fail."""
    together: bool = False
    """Whether it completes in the transaction that writes its last line."""
    waits: bool = False
    """Whether it goes on only once there is a gate."""


@dataclass(frozen=True)
class Shift:
    """What a worker process is told: where the tables are, who it is, what shall go wrong."""

    endpoint: str
    prefix: str
    worker: str
    lost_replies: float = 0.0
    fenced: bool = True

    def core(self) -> CoreTable:
        """The tables, through a connection of this process's own."""
        retry = Retry(attempts=8, first_seconds=0.01, most_seconds=0.2)
        given: dict[str, Any] = {"endpoint_url": self.endpoint, "prefix": self.prefix, "retry": retry}
        core = CoreTable.connect(session=local_session(), transport="direct", **given)
        return CoreTable(Lossy(core.runner.transport, self.lost_replies), core.context)


class Lossy:
    """A transport that now and then keeps an answer to itself, once the engine has done what was asked."""

    def __init__(self, inner: Transport, share: float) -> None:
        self._inner = inner
        self._share = share
        self._random = Random()

    def send(self, request: Request) -> Response:
        """The response, or no answer though all was done."""
        if self._random.random() >= self._share:
            return self._inner.send(request)
        with suppress(ConflictError):
            self._inner.send(request)
        raise TimeoutError("no answer", operation=request.operation, code="ReadTimeoutError", retryable=True)


def work(shift: Shift) -> None:
    """Run one job after another until none lives any more."""
    if not shift.fenced:
        _unfence()
    core = shift.core()
    jobs = Jobs(core, options=OPTIONS)
    claimer = jobs.claimer(shift.worker, LEASE)
    while True:
        try:
            claims = jobs.claims(claimer, QUEUE)
            for claim in claims:
                _run(core, claim, shift)
            if not claims and not _any_live(jobs):
                return
        except StoreError:
            # Nobody knows what became of it; if it holds a job, the lease runs out.
            continue


def _any_live(jobs: Jobs) -> bool:
    sleep(0.02)
    return any(jobs.waiting(QUEUE, priority).first() is not None for priority in Priority)


def _unfence() -> None:
    """Take away whatever refuses a late holder, in this process."""

    def let(*_: object) -> None:
        """Refuse nobody."""

    steps.refuse_late = let
    claim_module.refuse_late = let
    Claim._holds = lambda self: Job.f.fence >= 0  # type: ignore[method-assign]


def _run(core: CoreTable, claim: Claim, shift: Shift) -> None:
    """The job: two lines in its journal, a heartbeat between them, and its completion."""
    task = Task(**claim.payload)
    try:
        append(core, claim, "began", shift.worker, claim.fence())
        while task.waits and core.find(Gate, job_id=claim.id, consistent=True) is None:
            sleep(0.02)
        # Long enough that most of what happens to a worker happens in the middle of a job.
        sleep(0.1)
        claim.heartbeat()
        if claim.job.attempt <= task.errs:
            claim.fail(ArithmeticError("this attempt was to fail"), retry_in=timedelta(milliseconds=50))
            return
        append(core, claim, "did", shift.worker, claim.fence())
        if task.together:
            append(core, claim, "completed", shift.worker, claim.completion())
        claim.complete()
    except ConflictError:
        # Another has it, or it has ended.
        return


def append(core: CoreTable, claim: Claim, what: str, worker: str, carried: Intent[Any]) -> None:
    """A line of the job's journal, in one transaction with what the claim has it carry. Raises ConflictError."""
    while True:
        latest = core.get(Latest, job_id=claim.id, consistent=True)
        line = Written(job_id=claim.id, number=latest.lines + 1, token=claim.token, what=what, worker=worker)
        try:
            with core.transaction() as tx:
                tx.add(carried)
                tx.update(latest, set={"token": claim.token, "lines": line.number})
                tx.create(line)
        except TransactionConflictError as refused:
            if refused.reasons[0] is not None:
                raise
        else:
            return


# What the journals show


def violations(lines: Sequence[Written]) -> list[str]:
    """What a job's journal shows that may not be, in its own order."""
    found: list[str] = []
    highest = 0
    for place, line in enumerate(lines):
        if line.number != place + 1:
            found.append(f"line {place + 1} is number {line.number}")
        if line.token < highest:
            found.append(f"token {line.token} wrote {line.what!r} after token {highest}")
        if line.what == "began" and line.token == highest:
            found.append(f"token {line.token} began twice")
        if line.what == "completed" and place + 1 < len(lines):
            found.append(f"{len(lines) - place - 1} lines follow its completion under token {line.token}")
        highest = max(highest, line.token)
    return found


def journals(core: CoreTable) -> dict[str, list[Written]]:
    """The journals of all jobs, each in its own order."""
    found: dict[str, list[Written]] = {}
    for line in core.scan(Written).consistent():
        found.setdefault(line.job_id, []).append(line)
    return {job_id: sorted(lines, key=lambda line: line.number) for job_id, lines in found.items()}


# Processes, and what happens to them


class Crew:
    """Worker processes; whoever is killed is followed by another."""

    def __init__(self, shift: Shift, size: int, seed: int = 0, task: Callable[[Any], None] = work) -> None:
        self._shift = shift
        self._task = task
        self._random = Random(seed)
        self._hired = 0
        self.processes = [self.hire() for _ in range(size)]
        self.killed = self.stopped = 0

    def hire(self) -> BaseProcess:
        """One more worker."""
        self._hired += 1
        return started(self._task, replace(self._shift, worker=f"w{self._hired}"))

    def harm(self, place: int | None = None) -> None:
        """Kill one, or stop one for longer or shorter than a lease; any, or the one at this place."""
        place = self._random.randrange(len(self.processes)) if place is None else place
        process = self.processes[place]
        if not process.is_alive():
            self.processes[place] = self.hire()
        elif self._random.random() < 0.4:
            process.kill()
            process.join()
            self.killed += 1
            self.processes[place] = self.hire()
            sleep(LEASE.total_seconds() / 2)
        else:
            stop(process)
            self.stopped += 1
            sleep(self._random.uniform(0.5, 2.5) * LEASE.total_seconds())
            go_on(process)

    def dismiss(self) -> None:
        """End all that are left."""
        for process in self.processes:
            process.kill()
            process.join()


def stop(process: BaseProcess) -> None:
    """Stop a process where it stands."""
    assert process.pid is not None
    os.kill(process.pid, signal.SIGSTOP)


def go_on(process: BaseProcess) -> None:
    """Let a stopped process go on."""
    assert process.pid is not None
    os.kill(process.pid, signal.SIGCONT)


@dataclass
class Processes:
    """Processes at the same thing, by the names they go by; whoever is killed is followed by another."""

    shift: Shift
    task: Callable[[Any], None]
    letter: str
    random: Random
    processes: dict[str, BaseProcess] = field(default_factory=dict[str, BaseProcess])
    hired: int = 0
    killed: int = 0
    stopped: int = 0

    def hire(self) -> None:
        """One more."""
        self.hired += 1
        shift = replace(self.shift, worker=f"{self.letter}{self.hired}")
        self.processes[shift.worker] = started(self.task, shift)

    def harm_one(self, worker: str, deadly: float, nap: tuple[float, float]) -> None:
        """Kill one, so often, or stop it for a time between so many seconds."""
        process = self.processes[worker]
        if self.random.random() < deadly:
            process.kill()
            process.join()
            del self.processes[worker]
            self.killed += 1
            self.hire()
            return
        stop(process)
        self.stopped += 1
        sleep(self.random.uniform(*nap))
        go_on(process)

    def dismiss(self) -> None:
        """End all that are left."""
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.join()


def started(work: Callable[[Any], None], shift: Shift) -> BaseProcess:
    """A process at work."""
    process = FORKED.Process(target=work, args=(shift,), daemon=True)
    process.start()
    return process


@contextmanager
def hired(crew: Crowd, size: int) -> Iterator[Crowd]:
    """So many processes, which do not outlive the block."""
    try:
        for _ in range(size):
            crew.hire()
        yield crew
    finally:
        crew.dismiss()


@contextmanager
def crew(shift: Shift, size: int, task: Callable[[Any], None] = work) -> Iterator[Crew]:
    """A crew that does not outlive the block."""
    hired = Crew(shift, size, seed=size, task=task)
    try:
        yield hired
    finally:
        hired.dismiss()


def until(holds: Callable[[], bool], patience_seconds: float) -> None:
    """Wait until something holds."""
    deadline = monotonic() + patience_seconds
    while not holds():
        assert monotonic() < deadline, "this took too long"
        sleep(0.02)
