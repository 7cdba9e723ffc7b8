"""The three kinds of job: plan, chunk and report. Each may be stopped anywhere, and run again to the same end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from aircraftops_data import Aircraft, AircraftOps, Entity
from aircraftops_data.audit import AuditEvent
from aircraftops_data.clock import Retry
from aircraftops_data.errors import AlreadyExistsError, TransactionConflictError, UniqueConflictError
from aircraftops_data.jobs import After, Claim, Job, Jobs, Kind, OnFailure
from ingestion.accounts import FileAccount, Report, Tally, in_order
from ingestion.files import Folder, chunked
from ingestion.judging import Looked, Outcome, Quarantined, Repeats, Stored, judge, mark_taken
from ingestion.lines import LineError
from ingestion.quarantine import QuarantinedLine

QUEUE = TENANT = "ingest"
PLAN, CHUNK, REPORT = "ingest.plan", "ingest.chunk", "ingest.report"
LINES_A_CHUNK = 150
# A line gives up to four actions: its registration, its aircraft, the aircraft's mark, the mark it had before.
LINES_A_BATCH = 20


class FilesChangedError(Exception):
    """The files are no longer those of the plan."""


class _Payload(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PlanOf(_Payload):
    """The run to plan."""

    run: str


class ChunkOf(_Payload):
    """The lines to read, and which of them say again what an earlier line says."""

    run: str
    file: str
    first: int
    last: int
    repeats: Repeats = {}


class ReportOf(_Payload):
    """How many lines each file has, and how many chunks there are."""

    run: str
    lines: dict[str, int]
    chunks: int


_RETRY = Retry(attempts=20, first_seconds=0.5, most_seconds=60.0)
_FATAL = (FilesChangedError, LineError)
KINDS = (
    Kind(PLAN, payload=PlanOf, queue=QUEUE, retry=_RETRY, fatal=_FATAL),
    Kind(CHUNK, payload=ChunkOf, result=Tally, queue=QUEUE, retry=_RETRY, fatal=_FATAL),
    Kind(REPORT, payload=ReportOf, result=Report, queue=QUEUE, retry=_RETRY),
)


class Ingestion:
    """A folder's files on their way into CoreTable. `told` hears what happens, a line at a time."""

    def __init__(
        self,
        ops: AircraftOps,
        folder: Folder,
        told: Callable[[str], object] = str,
        *,
        jobs: Jobs | None = None,
        lines_a_chunk: int = LINES_A_CHUNK,
        lines_a_batch: int = LINES_A_BATCH,
    ) -> None:
        self.core = ops.core
        self.audit = ops.audit
        self.jobs = jobs or ops.jobs
        self.folder = folder
        self.handlers: dict[str, Callable[[Claim], Any]] = {PLAN: self.plan, CHUNK: self.chunk, REPORT: self.report}
        self._told = told
        self._lines_a_chunk = lines_a_chunk
        self._lines_a_batch = lines_a_batch
        for kind in KINDS:
            self.jobs.register(kind)

    @property
    def run(self) -> str:
        """The run of these files, which is the name of its workflow."""
        return self.folder.run

    def start(self) -> bool:
        """Ask for the run; False where somebody did before."""
        return self._ask(PLAN, PlanOf(run=self.run), f"{self.run}.plan")

    def result(self) -> Report | None:
        """The report of the run; None as long as there is none."""
        job = self.jobs.find(f"{self.run}.report")
        return None if job is None else self.jobs.result(job)

    def _ask(self, kind: str, payload: _Payload, job_id: str, parents: Sequence[After] = ()) -> bool:
        """Ask for a job by its name, which makes it safe to ask twice; whether it is new."""
        try:
            self.jobs.enqueue(kind, payload, id=job_id, workflow=self.run, parents=parents)
        except AlreadyExistsError:
            return False
        return True

    # ingest.plan

    def plan(self, claim: Claim) -> None:
        """Look through the files once and ask for their chunks, and for the report behind them."""
        self._refuse_other_files(claim.payload.run)
        looked, numbers, repeats = Looked(), dict[str, list[int]](), dict[str, Repeats]()
        for file in self.folder.formats:
            said = list(self.folder.said(file))
            numbers[file] = [one.line for one in said]
            repeats[file] = looked.look(file, said)
        chunks = self._chunks(numbers, repeats)
        lines = {file: len(found) for file, found in numbers.items()}
        self._told(f"planned: {sum(lines.values())} lines of {len(lines)} files, in {len(chunks)} chunks")
        for number in range(_done(claim), len(chunks)):
            with self.core.transaction() as transaction:
                chunk_id = self._chunk_id(number)
                transaction.add(self.jobs.enqueue_action(CHUNK, chunks[number], id=chunk_id, workflow=self.run))
                transaction.add(claim.progress_action(number + 1, len(chunks)))
            claim.progress(number + 1, len(chunks))
        after = tuple(After(self._chunk_id(number), OnFailure.RUN) for number in range(len(chunks)))
        self._ask(REPORT, ReportOf(run=self.run, lines=lines, chunks=len(chunks)), f"{self.run}.report", after)

    def _chunks(self, numbers: dict[str, list[int]], repeats: dict[str, Repeats]) -> list[ChunkOf]:
        """The chunks of all files."""
        return [
            ChunkOf(
                run=self.run,
                file=file,
                first=first,
                last=last,
                repeats={line: found for line, found in repeats[file].items() if first <= line <= last},
            )
            for file, lines in numbers.items()
            for first, last in chunked(lines, self._lines_a_chunk)
        ]

    def _chunk_id(self, number: int) -> str:
        return f"{self.run}.chunk-{number:03}"

    def _refuse_other_files(self, run: str) -> None:
        if run != self.run:
            raise FilesChangedError("The files are not those that were planned; start a run of their own")

    # ingest.chunk

    def chunk(self, claim: Claim) -> Tally:
        """Read the lines of a chunk and write them in batches, from where the last claim of it came to."""
        asked: ChunkOf = claim.payload
        self._refuse_other_files(asked.run)
        said = self.folder.said(asked.file, asked.first, asked.last)
        outcomes = [judge(one, asked.repeats, self.folder.earlier) for one in said]
        name = f"{asked.file}, lines {asked.first} to {asked.last}"
        done = _done(claim)
        if claim.job.attempt > 1:
            self._told(f"{name}: goes on at {done} of {len(outcomes)}")
        for start in range(done, len(outcomes), self._lines_a_batch):
            batch = outcomes[start : start + self._lines_a_batch]
            self._write(claim, asked, batch, start + len(batch), len(outcomes))
        tally = Tally.of(outcomes, self._in_quarantine(asked))
        self._told(f"{name}: {tally.stored} stored, {tally.unchanged} unchanged, {tally.quarantined} in quarantine")
        return tally

    def _write(self, claim: Claim, asked: ChunkOf, batch: list[Outcome], done: int, total: int) -> None:
        """Write a batch, the event that tells of it, and how far the job has come; nothing once the lease is lost."""
        writes = [(outcome, entity) for outcome in batch for entity in _entities(asked, outcome)]
        known = self._known([entity for _, entity in writes if isinstance(entity, Aircraft)])
        try:
            with self.core.transaction() as transaction:
                for _, entity in writes:
                    new = isinstance(entity, Aircraft) and entity.icao24 not in known
                    transaction.create(entity) if new else transaction.put(entity)
                transaction.add(self.audit.action(self._event(claim, asked, batch)))
                transaction.add(claim.progress_action(done, total))
        except TransactionConflictError as conflict:
            taken = [
                outcome.line
                for (outcome, _), reason in zip(writes, conflict.reasons, strict=False)
                if isinstance(reason, UniqueConflictError)
            ]
            if not taken:
                raise
            self._write(claim, asked, [_without_mark(one) if one.line in taken else one for one in batch], done, total)
        else:
            claim.progress(done, total)

    def _event(self, claim: Claim, asked: ChunkOf, batch: list[Outcome]) -> AuditEvent:
        counts = {"stored": Stored, "quarantined": Quarantined}
        return self.audit.event(
            actor="service:ingestion",
            action="register.import",
            resource=f"file:{asked.file}",
            tenant=TENANT,
            correlation_id=asked.run,
            details={
                "job": claim.job.id,
                "lines": [batch[0].line, batch[-1].line],
                **{name: sum(isinstance(one, kind) for one in batch) for name, kind in counts.items()},
            },
        )

    def _known(self, aircraft: list[Aircraft]) -> set[str]:
        """Which of these are stored; all are asked for at once. A put reads what it replaces, to free its mark."""
        stored = self.core.get_many(Aircraft, [one.identity() for one in aircraft], consistent=True)
        return {one.icao24 for one in stored if one is not None}

    def _in_quarantine(self, asked: ChunkOf) -> set[int]:
        of_file = QuarantinedLine.primary(run=asked.run, file=asked.file)
        chunk = of_file.between(line=(asked.first, asked.last))
        return {item.line for item in self.core.query(chunk).consistent()}

    # ingest.report

    def report(self, claim: Claim) -> Report:
        """Balance the accounts. A chunk that failed for good leaves lines that nobody read, and the report says so."""
        asked: ReportOf = claim.payload
        tallies: dict[str, list[Tally]] = {file: [] for file in asked.lines}
        ids = [{"id": self._chunk_id(number)} for number in range(asked.chunks)]
        for job in self.core.get_many(Job, ids, consistent=True):
            if job is not None and (tally := self.jobs.result(job)) is not None:
                tallies[self.jobs.payload(job).file].append(tally)
        quarantine = {file: self.quarantined(file) for file in asked.lines}
        files = [
            FileAccount.of(file, planned, tallies[file], len(quarantine[file])) for file, planned in asked.lines.items()
        ]
        return Report.of(asked.run, files, in_order(quarantine))

    def quarantined(self, file: str) -> list[QuarantinedLine]:
        """The lines of a file that were not taken, in order."""
        return self.core.query(QuarantinedLine.primary(run=self.run, file=file)).consistent().all()


def _done(claim: Claim) -> int:
    """How far an earlier claim of the job came."""
    return claim.job.progress.done if claim.job.progress else 0


def _entities(asked: ChunkOf, outcome: Outcome) -> tuple[Entity, ...]:
    """What is written for a line."""
    if isinstance(outcome, Stored):
        return outcome.entities
    if isinstance(outcome, Quarantined):
        return (QuarantinedLine(run=asked.run, file=asked.file, line=outcome.line, reasons=outcome.reasons),)
    return ()


def _without_mark(outcome: Outcome) -> Quarantined:
    return Quarantined(outcome.line, (mark_taken("an aircraft that is not of these files carries it"),))
