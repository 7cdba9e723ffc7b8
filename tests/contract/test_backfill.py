"""A backfill gives every item to the router, whatever stops it and however often it is run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pyarrow.parquet as parquet
import pytest

from aircraftops_data import Aircraft, CoreTable, Entity, PrimaryKey, Progress
from aircraftops_data.coordination import Locks
from aircraftops_data.core.pace import Rate
from aircraftops_data.errors import ConflictError, InvalidInputError, LockHeldError, LockLostError, ThrottledError
from aircraftops_data.model.schema import CORE, JOBS
from aircraftops_data.request import Request, Response
from aircraftops_data.streams import Cause, Change, Operation, Quarantine, Router
from aircraftops_data.streams import backfill as backfills
from aircraftops_data.streams.backfill import Backfill
from aircraftops_data.streams.sinks.parquet import ParquetSink
from aircraftops_data.testing import ManualClock
from aircraftops_data.transports.folder import FolderStore
from backfilling import ALONE, Taking, address, fleet
from faults import At, Send, lost_reply

Anew = Callable[..., CoreTable]
memory = pytest.mark.parametrize("engine", ["memory"], indirect=True)
everywhere = pytest.mark.parametrize(
    "engine",
    ["memory", *(pytest.param(name, marks=pytest.mark.slow) for name in ("moto", "local", "local-direct"))],
    indirect=True,
)


class Buoy(Entity, table=CORE, entity_type="backfill_buoy"):
    """An entity that the router does not know."""

    id: str
    depth: int = 0

    primary = PrimaryKey("BACKFILLBUOY#{id}", "BUOY")


class Crash(BaseException):
    """The process is gone."""


def killed(request: Request, send: Send) -> Response:
    """The process is gone before the request."""
    raise Crash


def killed_after(request: Request, send: Send) -> Response:
    """The process is gone once the request was done."""
    send(request)
    raise Crash


def backfill(core: CoreTable, router: Any, **options: Any) -> Backfill:
    return Backfill(core, router, "search", CORE, **{"segments": 2, "page": 3, "locks": ALONE, **options})


@everywhere
def test_every_item_is_given_once_as_a_snapshot_and_again_under_another_name_only(anew: Anew) -> None:
    core, router = anew(CORE, JOBS), Taking()
    expected = fleet(core, 25)
    core.put(Buoy(id="1"))
    report = backfill(core, router).run()
    assert (report.finished, report.done, list(report.failed)) == (True, 26, [])
    assert router.given == {**expected, str({"S": "BACKFILLBUOY#1"}): 1}
    assert {(change.operation, change.cause) for change in router.changes} == {(Operation.INSERT, Cause.SNAPSHOT)}
    found = [change.new for change in router.changes if change.entity is Aircraft]
    assert sorted(found, key=lambda each: each.icao24) == [core.get(Aircraft, icao24=name) for name in sorted(expected)]
    assert backfill(core, router).run().done == 26
    assert len(router.changes) == 26
    Backfill(core, router, "again", CORE, locks=ALONE, segments=1).run()
    assert len(router.changes) == 52


@memory
def test_an_empty_table_is_finished_at_once(anew: Anew) -> None:
    report = backfill(anew(CORE, JOBS), Taking()).run()
    assert (report.finished, report.done, len(report.parts)) == (True, 0, 2)


@memory
def test_what_has_expired_is_not_given(anew: Anew, clock: ManualClock) -> None:
    core, router = anew(CORE, JOBS, clock=clock), Taking()
    for number in range(8):
        core.put(Aircraft(icao24=address(number), expires_at=clock.now() + timedelta(hours=1 + number % 2 * 5)))
    clock.advance(timedelta(hours=2))
    assert backfill(core, router).run().done == 4
    assert router.given == Counter(address(number) for number in (1, 3, 5, 7))


@memory
def test_progress_is_told_after_each_page_and_goes_on_in_the_next_run(anew: Anew, clock: ManualClock) -> None:
    core, told = anew(CORE, JOBS, clock=clock), list[Progress]()
    fleet(core, 10)
    router = Taking(failing={address(5)})
    stopped = backfill(core, router, segments=1).run(told.append)
    assert [(each.done, each.failed) for each in told] == [(3, 0), (5, 1)]
    assert (stopped.finished, stopped.done) == (False, 5)
    router.failing.clear()
    backfill(core, router, segments=1).run(told.append)
    assert [(each.done, each.failed) for each in told[2:]] == [(8, 0), (10, 0)]
    assert router.given == Counter(address(number) for number in range(10))


@everywhere
def test_a_record_that_keeps_failing_stops_its_part_and_the_next_run_begins_with_it(
    anew: Anew, clock: ManualClock
) -> None:
    core, router = anew(CORE, JOBS, clock=clock), Taking(failing={address(7)})
    expected = fleet(core, 20)
    report = backfill(core, router).run()
    (failed,) = report.failed
    assert failed.failed is not None
    assert failed.failed.keys["PK"] == {"S": f"AIRCRAFT#{address(7)}"}
    assert isinstance(failed.error, ValueError)
    assert len(clock.slept) == 2
    assert [part.finished for part in report.parts].count(True) == 1
    assert address(7) not in router.given
    router.failing.clear()
    router.changes, before = [], router.changes
    assert backfill(core, router).run().finished
    assert router.changes[0].identity == {"icao24": address(7)}
    assert router.given + Counter(change.identity["icao24"] for change in before) == expected


@memory
@pytest.mark.parametrize("fault", [killed, killed_after], ids=["before", "after"])
def test_a_crash_at_any_request_leaves_nothing_out(anew: Anew, fault: Any) -> None:
    place = 0
    while True:
        core, router = anew(CORE, JOBS), Taking()
        expected = fleet(core, 8)
        transport = At(core.runner.transport)
        transport.plan(fault, place, 1)
        watched = CoreTable(transport, core.context)
        try:
            backfill(watched, router, segments=1).run()
        except Crash:
            assert backfill(core, router, segments=1).run().finished
            assert router.given.keys() == expected.keys()
            # No more than one page is given once more.
            assert router.given.total() <= 8 + 3
            assert sum(part.done for part in backfill(core, router, segments=1).parts()) == 8
            place += 1
        else:
            assert place == len(transport.sent) > 6
            return


@memory
def test_a_lost_answer_is_none_of_its_business(anew: Anew) -> None:
    for place in range(7):
        core, router = anew(CORE, JOBS, clock=ManualClock()), Taking()
        expected = fleet(core, 8)
        transport = At(core.runner.transport)
        transport.plan(lost_reply, place, 1)
        assert backfill(CoreTable(transport, core.context), router, segments=1).run().finished
        assert router.given == expected


@memory
def test_an_error_of_the_engine_stops_a_part_and_is_reported(anew: Anew) -> None:
    core, router = anew(CORE, JOBS), Taking()
    expected = fleet(core, 8)

    def refused(request: Request, send: Send) -> Response:
        raise ThrottledError("throttled", operation="Scan", code="ThrottlingException", retryable=False)

    transport = At(core.runner.transport)
    transport.plan(refused, 3, 1)
    report = backfill(CoreTable(transport, core.context), router, segments=1).run()
    assert [type(part.error) for part in report.failed] == [ThrottledError]
    assert (report.done, report.finished) == (3, False)
    assert backfill(core, router, segments=1).run().finished
    assert router.given == expected


@memory
def test_while_a_run_is_at_work_another_gives_nothing(anew: Anew, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfills, "WAIT", timedelta())
    core, first, second = anew(CORE, JOBS), Taking(), Taking()
    expected = fleet(core, 7)

    def met() -> None:
        with pytest.raises(LockHeldError):
            backfill(core, second, segments=1, locks=Locks(core)).run()

    first.meanwhile = met
    assert backfill(core, first, segments=1, locks=Locks(core)).run().finished
    assert (first.given, second.given) == (expected, Counter())
    assert backfill(core, second, segments=1, locks=Locks(core)).run().finished


@memory
def test_a_run_that_stood_still_for_longer_than_its_lease_gives_nothing_more(anew: Anew, clock: ManualClock) -> None:
    core, frozen, other = anew(CORE, JOBS, clock=clock), Taking(), Taking()
    expected = fleet(core, 7)

    def overtaken() -> None:
        if len(frozen.pages) == 1:
            assert backfill(core, other, segments=1, locks=Locks(core)).run().finished

    frozen.meanwhile = overtaken
    with pytest.raises(LockLostError):
        backfill(core, frozen, segments=1, locks=Locks(core)).run()
    assert (frozen.pages, other.given) == ([3], expected)


@everywhere
def test_of_two_runs_at_once_the_slower_stops_and_nothing_is_left_out(anew: Anew) -> None:
    core, faster = anew(CORE, JOBS), Taking()
    expected = fleet(core, 20)
    slower = Taking()

    def overtaken() -> None:
        if len(slower.pages) == 2:
            assert backfill(core, faster, segments=1).run().finished

    slower.meanwhile = overtaken
    report = backfill(core, slower, segments=1).run()
    assert [type(part.error) for part in report.failed] != []
    assert all(isinstance(part.error, ConflictError) for part in report.failed)
    assert (report.done, slower.given.total(), faster.given.total()) == (3, 6, 17)
    assert (slower.given + faster.given).keys() == expected.keys()
    assert sum(part.done for part in backfill(core, slower, segments=1).parts()) == 20


@memory
def test_of_two_runs_that_begin_at_once_one_goes_on(anew: Anew) -> None:
    core, faster, slower = anew(CORE, JOBS), Taking(), Taking()
    expected = fleet(core, 7)
    slower.meanwhile = lambda: len(slower.pages) == 1 and backfill(core, faster, segments=1).run()
    report = backfill(core, slower, segments=1).run()
    assert [isinstance(part.error, ConflictError) for part in report.failed] == [True]
    assert faster.given == expected


@memory
def test_another_number_of_segments_is_refused(anew: Anew) -> None:
    core = anew(CORE, JOBS)
    backfill(core, Taking()).run()
    with pytest.raises(InvalidInputError, match="another source"):
        backfill(core, Taking(), segments=3).run()
    for options in ({"segments": 0}, {"page": 0}, {"page": 1001}):
        with pytest.raises(InvalidInputError):
            backfill(core, Taking(), **options)


@memory
def test_an_exception_of_anything_else_stops_the_run(anew: Anew) -> None:
    core, router = anew(CORE, JOBS), Taking()
    fleet(core, 20)

    def broken() -> None:
        raise RuntimeError("a bug")

    router.meanwhile = broken
    with pytest.raises(RuntimeError, match="a bug"):
        backfill(core, router).run()


@pytest.mark.parametrize("engine", [pytest.param("local", marks=pytest.mark.slow)], indirect=True)
def test_a_rate_is_kept_and_what_it_cost_is_told(anew: Anew, clock: ManualClock) -> None:
    core, told = anew(CORE, JOBS, clock=clock), list[Progress]()
    fleet(core, 20)
    began = clock.now()
    backfill(core, Taking(), segments=1, page=2).run(told.append, Rate(1))
    consumed = told[-1].consumed
    assert consumed.write_units == pytest.approx(len(told))
    assert consumed.read_units >= 10
    # The last request is not waited for, and the first goes at once.
    assert clock.now() - began >= timedelta(seconds=consumed.read_units + consumed.write_units - 4)


@pytest.mark.parametrize("engine", [pytest.param("local-direct", marks=pytest.mark.slow)], indirect=True)
def test_items_that_are_there_throughout_are_given_while_a_writer_goes_on(anew: Anew) -> None:
    core, router = anew(CORE, JOBS), Taking()
    expected = fleet(core, 200)
    over = list[bool]()

    def writing() -> None:
        number = 0
        while not over:
            core.put(Aircraft(icao24=address(number % 200), operator="UAL"))
            core.put(Aircraft(icao24=address(1000 + number)))
            core.delete(Aircraft, icao24=address(1000 + number - 5))
            number += 1

    writer = Thread(target=writing)
    writer.start()
    try:
        report = backfill(core, router, segments=4, page=7).run()
    finally:
        over.append(True)
        writer.join()
    assert report.finished
    assert expected.keys() <= router.given.keys()
    assert max(router.given.values()) == 1


@memory
def test_a_record_that_fails_once_is_given_again_at_once(anew: Anew, clock: ManualClock) -> None:
    core, router = anew(CORE, JOBS, clock=clock), Taking(failing={address(1)})
    expected = fleet(core, 3)
    clock.sleep = lambda seconds: router.failing.clear()  # type: ignore[method-assign]
    assert backfill(core, router, segments=1).run().finished
    assert (router.given, router.pages) == (expected, [3, 2])


@memory
def test_the_quarantine_of_a_router_takes_what_keeps_failing_and_the_rest_goes_on(
    anew: Anew, clock: ManualClock, tmp_path: Path
) -> None:
    core = anew(CORE, JOBS, clock=clock)
    expected = fleet(core, 12)
    quarantine, given = Quarantine(core, "search"), list[str]()
    router = Router(quarantine=quarantine)

    @router.on(Aircraft)
    def handle(change: Change[Aircraft]) -> None:
        if change.identity["icao24"] in (address(2), address(7)):
            raise ValueError("broken")
        given.append(change.identity["icao24"])

    router.into(ParquetSink(FolderStore(tmp_path), Aircraft), Aircraft)
    report = Backfill(core, router, "search", CORE, locks=ALONE, page=5).run()
    assert (report.finished, report.done) == (True, 12)
    failing = {address(2), address(7)}
    assert set(given) == expected.keys() - failing
    rows = parquet.read_table(tmp_path).to_pylist()
    assert Counter(row["icao24"] for row in rows) == Counter(expected.keys() - failing)


@memory
def test_a_change_that_the_sink_refuses_is_parked_alone(anew: Anew, clock: ManualClock, tmp_path: Path) -> None:
    core = anew(CORE, JOBS, clock=clock)
    for number in range(6):
        core.put(Buoy(id=str(number), depth=2**63 if number in (1, 4) else number))
    router = Router(quarantine=Quarantine(core, "files", attempts=1))
    router.into(ParquetSink(FolderStore(tmp_path), Buoy), Buoy)
    report = Backfill(core, router, "files", CORE, locks=ALONE, segments=1).run()
    assert (report.finished, report.done) == (True, 6)
    rows = parquet.read_table(tmp_path).to_pylist()
    assert sorted(row["id"] for row in rows) == ["0", "2", "3", "5"]


@memory
def test_snapshots_go_into_parquet_files_however_often_they_are_given(anew: Anew, tmp_path: Path) -> None:
    core, sink = anew(CORE, JOBS), ParquetSink(FolderStore(tmp_path), Aircraft)
    expected = fleet(core, 10)
    for name in ("first", "second"):
        router = Taking()
        assert Backfill(core, router, name, CORE, locks=ALONE, segments=1, page=4).run().finished
        for begin in range(0, 10, 4):
            assert sink.write(router.changes[begin : begin + 4]) == []
    rows = parquet.read_table(tmp_path).to_pylist()
    assert Counter(row["icao24"] for row in rows) == expected
    assert {(row["_operation"], row["_cause"], row["_event_id"], row["_version"]) for row in rows} == {
        ("insert", "snapshot", None, 1)
    }
