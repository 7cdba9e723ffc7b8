"""The ingestion example comes to the same end wherever it was stopped, and every line is accounted for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from aircraftops_data import Aircraft, AircraftOps, CoreTable
from aircraftops_data.clock import Chance
from aircraftops_data.core.context import Context
from aircraftops_data.errors import ConflictError, LeaseLostError, TransactionConflictError
from aircraftops_data.request import Request, Response
from aircraftops_data.testing import ManualClock
from faults import Fault, Send, faulty
from ingesting import few_lines, small_steps, state
from ingestion.accounts import Report, Tally
from ingestion.files import Folder
from ingestion.running import LEASE, work
from ingestion.work import CHUNK, QUEUE, FilesChangedError, Ingestion
from sim_engine import MemoryEngine

pytestmark = pytest.mark.slow

WRITES = ("TransactWriteItems", "UpdateItem", "PutItem", "DeleteItem")


class Stopped(BaseException):
    """What no handler can catch, as a worker that is no more."""


@pytest.fixture
def fresh(engine: str, clock: ManualClock, request: pytest.FixtureRequest) -> Callable[[], AircraftOps]:
    """Makes an `AircraftOps` with tables of its own."""
    if engine == "memory":
        return lambda: AircraftOps(CoreTable(MemoryEngine(), Context(clock=clock)))
    client = request.getfixturevalue("client")

    def make() -> AircraftOps:
        ops = AircraftOps.connect(client=client, prefix=f"t{Chance().identifier()}-", clock=clock)
        ops.create_tables()
        return ops

    return make


@pytest.fixture(params=["moto", "local"])
def engine(request: pytest.FixtureRequest) -> str:
    """One transport is enough: the example has none of its own."""
    return str(request.param)


def run(ingestion: Ingestion) -> Report:
    """Run it to its end by one worker."""
    ingestion.start()
    work(ingestion, concurrency=1)
    report = ingestion.result()
    assert report is not None
    return report


def test_a_run_stores_its_lines_and_balances(fresh: Callable[[], AircraftOps], tmp_path: Path) -> None:
    ops = fresh()
    report = run(small_steps(ops, few_lines(tmp_path)))
    assert report.balanced
    found = {one.file: (one.planned, one.stored, one.unchanged, one.quarantined) for one in report.files}
    assert found == {
        "faa_register.csv": (8, 5, 0, 3),
        "faa_deregistered.csv": (2, 2, 0, 0),
        "plane_alert_aircraft.csv": (3, 2, 0, 1),
        "tar1090_aircraft.csv": (3, 1, 0, 2),
        "openflights_airlines.dat": (4, 3, 0, 1),
    }
    assert [one.serial_number for one in ops.registry.holders("N1")] == ["121", "058B-5472"]


def test_quarantine_is_found_by_file_in_the_order_of_lines(fresh: Callable[[], AircraftOps], tmp_path: Path) -> None:
    ingestion = small_steps(fresh(), few_lines(tmp_path))
    run(ingestion)
    found = ingestion.quarantined("faa_register.csv")
    assert [(one.line, [reason.kind.value for reason in one.reasons]) for one in found] == [
        (5, ["unreadable"]),
        (6, ["shifted"]),
        (7, ["shifted"]),
    ]


def test_running_it_again_asks_for_nothing_and_changes_nothing(
    fresh: Callable[[], AircraftOps], tmp_path: Path
) -> None:
    ops = fresh()
    first = run(small_steps(ops, few_lines(tmp_path)))
    before = state(ops)
    again = small_steps(ops, few_lines(tmp_path))
    assert not again.start()
    assert run(again) == first
    assert state(ops) == before


def stopping_at(number: int, send_first: bool) -> Fault:
    """The worker is no more at its write of this number: before it, or after the engine has answered it."""
    numbers = count(1)

    def fault(request: Request, send: Send) -> Response:
        now = next(numbers)
        if now < number:
            return send(request)
        if now == number and send_first:
            with suppress(ConflictError):
                send(request)
        raise Stopped

    return fault


def driven(ingestion: Ingestion) -> None:
    """Work in this thread alone, so that what stops it leaves nobody who could put things in order."""
    jobs = ingestion.jobs
    claimer = jobs.claimer("the only one", LEASE)
    ingestion.start()
    while jobs.workflow(ingestion.run).live:
        for claim in jobs.claims(claimer, QUEUE):
            claim.complete(ingestion.handlers[claim.job.kind](claim))
        jobs.context.clock.sleep(1)


def stopped_at(ops: AircraftOps, folder: Folder, fault: Fault) -> bool:
    """Run it until the fault stops it; whether it did."""
    core, transport = faulty(ops.core)
    for operation in WRITES:
        transport.always(operation, fault)
    try:
        driven(small_steps(AircraftOps(core), folder))
    except Stopped:
        return True
    return False


@pytest.mark.parametrize("engine", ["memory"])
@pytest.mark.parametrize("send_first", [False, True], ids=["before a write", "after a write"])
def test_stopped_at_any_write_it_comes_to_the_same_end(
    fresh: Callable[[], AircraftOps], clock: ManualClock, tmp_path: Path, send_first: bool
) -> None:
    """Real processes are killed in test_ingestion_kills.py."""
    folder = few_lines(tmp_path, "faa_deregistered.csv", "openflights_airlines.dat")
    whole = fresh()
    report, want = run(small_steps(whole, folder)), state(whole)
    for number in count(1):
        ops = fresh()
        if not stopped_at(ops, folder, stopping_at(number, send_first)):
            break
        clock.advance(2 * LEASE)
        driven(again := small_steps(ops, folder))
        assert (again.result(), state(ops)) == (report, want), f"stopped at write {number}"
    assert number > 20


def test_a_handler_that_raises_at_every_batch_is_tried_again_from_there(
    fresh: Callable[[], AircraftOps], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = few_lines(tmp_path)
    whole = fresh()
    report, want = run(small_steps(whole, folder)), state(whole)
    ops, raised = fresh(), set[object]()
    ingestion = small_steps(ops, folder)
    write = ingestion._write

    def failing_once(*arguments: Any) -> None:
        place = (arguments[1].file, arguments[1].first, arguments[3])
        if place not in raised:
            raised.add(place)
            raise RuntimeError("this batch, this time")
        write(*arguments)

    monkeypatch.setattr(ingestion, "_write", failing_once)
    assert (run(ingestion), state(ops)) == (report, want)
    assert len(raised) == 8
    failures = [len(job.failures) for job in ops.jobs.in_workflow(ingestion.run) if job.kind == CHUNK]
    assert sum(failures) == len(raised)


def test_a_worker_that_lost_its_lease_writes_no_batch(
    fresh: Callable[[], AircraftOps], clock: ManualClock, tmp_path: Path
) -> None:
    ops = fresh()
    ingestion = small_steps(ops, few_lines(tmp_path))
    ingestion.start()
    ingestion.plan(ops.jobs.claim("ingest", worker="planner"))  # type: ignore[arg-type]
    late = next(claim for claim in ops.jobs.claims(ops.jobs.claimer("late", LEASE), "ingest", count=9) if claim)
    clock.advance(2 * LEASE)
    before = state(ops)
    taken = ops.jobs.claims(ops.jobs.claimer("other", LEASE), "ingest", count=9)
    assert late.id in [claim.id for claim in taken]
    with pytest.raises(TransactionConflictError):
        ingestion.chunk(late)
    with pytest.raises(LeaseLostError):
        late.heartbeat()
    assert state(ops) == before


def test_a_mark_that_an_aircraft_of_other_files_carries_puts_the_line_in_quarantine(
    fresh: Callable[[], AircraftOps], tmp_path: Path
) -> None:
    ops = fresh()
    ops.aircraft.create(Aircraft(icao24="abcdef", registration="N1"))
    ingestion = small_steps(ops, few_lines(tmp_path))
    report = run(ingestion)
    assert report.balanced
    (line,) = ingestion.quarantined("faa_deregistered.csv")
    assert [str(reason) for reason in line.reasons] == [
        "mark taken: registration: an aircraft that is not of these files carries it"
    ]


def test_an_aircraft_that_is_stored_already_is_replaced(fresh: Callable[[], AircraftOps], tmp_path: Path) -> None:
    ops = fresh()
    ops.aircraft.create(Aircraft(icao24="a00001", registration="N2", serial_number="9"))
    assert run(small_steps(ops, few_lines(tmp_path))).balanced
    assert ops.aircraft.get("a00001").serial_number == "121"
    assert ops.aircraft.by_registration("N2") is None


def test_files_that_change_under_a_run_are_refused(fresh: Callable[[], AircraftOps], tmp_path: Path) -> None:
    ops = fresh()
    small_steps(ops, folder := few_lines(tmp_path)).start()
    (tmp_path / "tar1090_aircraft.csv").write_text("icao24,registration,typecode,flags\n")
    changed = small_steps(ops, Folder(tmp_path, folder.formats))
    claim = ops.jobs.claim("ingest", worker="one")
    assert claim is not None
    with pytest.raises(FilesChangedError):
        changed.plan(claim)


def test_a_chunk_that_fails_for_good_leaves_accounts_that_do_not_balance(
    fresh: Callable[[], AircraftOps], tmp_path: Path
) -> None:
    ops = fresh()
    ingestion = small_steps(ops, few_lines(tmp_path))
    whole = ingestion.handlers[CHUNK]

    def failing(claim: Any) -> Any:
        if claim.payload.file == "tar1090_aircraft.csv":
            raise FilesChangedError("an error that is fatal")
        return whole(claim)

    ingestion.handlers[CHUNK] = failing
    report = run(ingestion)
    assert not report.balanced
    (lost,) = [one for one in report.files if not one.balanced]
    assert (lost.file, lost.planned, lost.read) == ("tar1090_aircraft.csv", 3, 0)


def test_accounts_with_a_line_too_few_do_not_balance() -> None:
    tally = Tally(lines=3, stored=1, unchanged=1, quarantined=1)
    assert _account(3, [tally], 1).balanced
    assert not _account(4, [tally], 1).balanced
    assert not _account(3, [tally], 0).balanced
    assert not _account(3, [tally, tally], 1).balanced


def _account(planned: int, tallies: list[Tally], in_quarantine: int) -> Any:
    from ingestion.accounts import FileAccount

    return FileAccount.of("a", planned, tallies, in_quarantine)
