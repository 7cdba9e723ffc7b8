"""Costs in request units, as DynamoDB bills them: what each read and write takes, and who is told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from reading_entities import LOGBOOK, Entry, entries, entry, in_small_pages, stored

from aircraftops_data import Consumed, CoreTable, metered
from aircraftops_data.errors import NotFoundError

# moto bills differently.
pytestmark = [pytest.mark.slow, pytest.mark.parametrize("engine", ["local", "local-async"], indirect=True)]

Connect = Callable[..., CoreTable]

KEY: dict[str, Any] = {"book": "b", "kind": "LINE", "title": "t"}


@pytest.fixture
def core(connect: Connect) -> CoreTable:
    """A logbook: every entry is in GSI2, those with a station in GSI1 too."""
    return connect(LOGBOOK)


def cost(work: Callable[[], object]) -> tuple[float, float]:
    """The read and write units that some work takes."""
    with metered() as meter:
        work()
    return meter.consumed.read_units, meter.consumed.write_units


def test_one_item_costs_half_a_unit_or_one_when_consistent(core: CoreTable) -> None:
    core.create(entry("b", "t"))
    assert cost(lambda: core.get(Entry, **KEY)) == (0.5, 0)
    assert cost(lambda: core.get(Entry, consistent=True, **KEY)) == (1, 0)
    assert cost(lambda: core.find(Entry, book="b", kind="LINE", title="none")) == (0.5, 0)


@pytest.mark.parametrize(("size", "units"), [(3000, 0.5), (5000, 1.0), (9000, 1.5)])
def test_an_item_costs_by_every_4_kilobytes_begun(core: CoreTable, size: int, units: float) -> None:
    core.create(entry("b", "t", load="x" * size))
    assert cost(lambda: core.get(Entry, **KEY)) == (units, 0)


def test_an_item_that_is_not_there_costs_too(core: CoreTable) -> None:
    with metered() as meter, pytest.raises(NotFoundError):
        core.get(Entry, **KEY)
    assert (meter.consumed.read_units, meter.consumed.requests) == (0.5, 1)


def test_many_items_cost_as_many_single_ones_and_each_only_once(core: CoreTable) -> None:
    stored(core, entries("b", 3))
    keys = [{"book": "b", "kind": "LINE", "title": f"t000{number}"} for number in (0, 1, 0, 1)]
    assert cost(lambda: core.get_many(Entry, keys).all()) == (1, 0)
    assert cost(lambda: core.get_many(Entry, keys, consistent=True).all()) == (2, 0)


def test_a_query_costs_by_the_bytes_it_looks_at_together(core: CoreTable) -> None:
    stored(core, entries("b", 12))
    query = core.query(Entry.primary(book="b"))
    assert cost(query.all) == (0.5, 0)
    assert cost(query.consistent().all) == (1, 0)
    stored(core, entries("big", 6, load="x" * 2000))
    assert cost(core.query(Entry.primary(book="big")).all) == (2, 0)


def test_a_filter_a_projection_and_a_count_cost_what_reading_it_all_does(core: CoreTable) -> None:
    stored(core, entries("b", 6, load="x" * 2000))
    query = core.query(Entry.primary(book="b"))
    whole = cost(query.all)
    assert whole == (2, 0)
    assert cost(query.where(Entry.f.number == 1).all) == whole
    assert cost(query.project("number").all) == whole
    assert cost(query.count) == whole
    assert cost(core.query(Entry.primary(book="b", kind="LINE", title="t0001")).all) == (0.5, 0)


def test_a_scan_costs_the_whole_table(core: CoreTable) -> None:
    stored(core, entries("b", 6, load="x" * 2000))
    assert cost(core.scan(Entry).all) == cost(core.scan(Entry).where(Entry.f.number == 1).all) == (2, 0)


def test_units_are_told_by_table_and_index(core: CoreTable) -> None:
    name = core.context.names[LOGBOOK]
    with metered() as meter:
        core.create(entry("b", "t", station="KSFO"))
    assert meter.consumed.by_index == {name: 1, f"{name}/GSI1": 1, f"{name}/GSI2": 1}
    page = core.query(Entry.by_station(station="KSFO")).page()
    assert page.consumed == Consumed(0.5, 0, 1, {f"{name}/GSI1": 0.5})


def test_every_index_an_item_enters_moves_in_or_leaves_costs(core: CoreTable) -> None:
    assert cost(lambda: core.create(entry("b", "t"))) == (0, 2)

    def update(**changes: Any) -> Callable[[], object]:
        return lambda: core.update(Entry, set=changes, **KEY)

    assert cost(update(station="KSFO")) == (1, 3)
    assert cost(update(station="KJFK")) == (1, 4)
    assert cost(update(station=None)) == (0, 3)
    assert cost(lambda: core.delete(Entry, **KEY)) == (0, 2)


def test_a_write_costs_by_every_kilobyte_begun(core: CoreTable) -> None:
    assert cost(lambda: core.create(entry("b", "t", load="x" * 2500))) == (0, 6)


def test_a_transaction_costs_double(core: CoreTable) -> None:
    def work() -> None:
        with core.transaction() as tx:
            tx.create(entry("b", "t"))
            tx.create(entry("b", "u", station="KSFO"))

    assert cost(work) == (0, 10)


def test_a_report_and_an_iteration_tell_what_they_took(core: CoreTable) -> None:
    with metered() as meter:
        report = core.put_many(entries("b", 30))
    assert report.consumed == meter.consumed
    assert (report.consumed.write_units, report.consumed.requests) == (60, 2)
    found = iter(core.query(Entry.primary(book="b")))
    with metered() as meter:
        list(found)
    assert found.consumed == meter.consumed
    assert core.collection(Entry, book="b").consumed == meter.consumed


def test_meters_may_stand_inside_each_other(core: CoreTable) -> None:
    core.create(entry("b", "t"))
    with metered() as outer:
        core.get(Entry, **KEY)
        with metered() as inner:
            core.get(Entry, consistent=True, **KEY)
        with metered() as idle:
            pass
        core.get(Entry, **KEY)
    core.get(Entry, **KEY)
    assert (outer.consumed.read_units, inner.consumed.read_units, idle.consumed) == (2, 1, Consumed())
    assert (outer.consumed.requests, inner.consumed.requests) == (3, 1)


def test_a_meter_ends_with_its_block_also_by_an_error(core: CoreTable) -> None:
    with metered() as outer:
        with pytest.raises(ZeroDivisionError), metered() as inner:
            core.find(Entry, **KEY)
            raise ZeroDivisionError
        core.find(Entry, **KEY)
    assert (outer.consumed.requests, inner.consumed.requests) == (2, 1)


def test_threads_of_ones_own_have_meters_of_their_own(core: CoreTable) -> None:
    together = threading.Barrier(4)

    def work(requests: int) -> int:
        with metered() as meter:
            together.wait(timeout=10)
            for _ in range(requests):
                core.find(Entry, **KEY)
        return meter.consumed.requests

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, [1, 2, 3, 4])) == [1, 2, 3, 4]


def test_what_the_library_does_in_threads_is_counted(core: CoreTable) -> None:
    small, recorder = in_small_pages(core, 4)
    with metered() as meter:
        report = small.put_many(entries("b", 120), concurrency=4)
        found = small.query(Entry.primary(book="b")).all()
        scanned = small.scan(Entry, segments=3).all()
        many = small.get_many(Entry, [one.identity() for one in found], concurrency=2).all()
    assert len(found) == len(scanned) == len(many) == 120
    assert meter.consumed.requests == len(recorder.requests)
    assert meter.consumed.write_units == report.consumed.write_units == 240


def test_one_meter_may_be_fed_by_many_threads(core: CoreTable) -> None:
    lent = entries("b", 300)
    stored(core, lent)
    with metered() as meter:
        core.get_many(Entry, [one.identity() for one in lent], concurrency=3).all()
    assert (meter.consumed.read_units, meter.consumed.requests) == (150, 3)


def test_tasks_inherit_the_meter_they_were_started_under(core: CoreTable) -> None:
    async def work() -> None:
        await asyncio.gather(*(asyncio.to_thread(lambda: core.find(Entry, **KEY)) for _ in range(3)))

    with metered() as meter:
        asyncio.run(work())
    assert meter.consumed.requests == 3
