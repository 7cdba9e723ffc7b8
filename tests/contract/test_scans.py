"""Scans: the whole table, one entity of it, in one go or in segments side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading_entities import (
    LOGBOOK,
    Entry,
    Failing,
    Remark,
    Unreachable,
    entries,
    entry,
    in_small_pages,
    put_raw,
    raw_entry,
    remark,
    stored,
    through,
    titles,
    watched,
)

from aircraftops_data import CoreTable, metered
from aircraftops_data.errors import CorruptItemError, InvalidInputError, ThrottledError
from aircraftops_data.request import Request
from aircraftops_data.testing import ManualClock

Connect = Callable[..., CoreTable]


@pytest.fixture
def core(connect: Connect, clock: ManualClock) -> CoreTable:
    """A logbook with 20 entries in as many partitions, among remarks and items of strangers."""
    core = connect(LOGBOOK, clock=clock)
    stored(core, [entry(f"b{number:02}", f"t{number:02}", number=number) for number in range(20)])
    stored(core, [remark(f"b{minute:02}", minute) for minute in range(5)])
    put_raw(
        core, LOGBOOK, raw_entry("b00", "ghost", entity_type={"S": "ghost"}), raw_entry("x", "bare", entity_type=None)
    )
    return core


EVERY_TITLE = [f"t{number:02}" for number in range(20)]


@settings(max_examples=10)
@given(segments=st.integers(1, 7), engine_pages=st.integers(2, 30))
def test_a_scan_finds_every_item_of_the_entity_once(core: CoreTable, segments: int, engine_pages: int) -> None:
    small, _ = in_small_pages(core, engine_pages)
    found = small.scan(Entry, segments=segments).all()
    assert {type(one) for one in found} == {Entry}
    assert sorted(titles(found)) == EVERY_TITLE


def test_nothing_is_sent_until_a_scan_is_iterated(core: CoreTable) -> None:
    core, recorder = watched(core)
    found = iter(core.scan(Entry, segments=3))
    assert recorder.requests == []
    assert len(list(found)) == 20
    assert recorder.operations == ["Scan"] * 3
    assert {(one.parameters["Segment"], one.parameters["TotalSegments"]) for one in recorder.requests} == {
        (0, 3),
        (1, 3),
        (2, 3),
    }


def test_the_segments_are_read_side_by_side(core: CoreTable) -> None:
    together = threading.Barrier(3, timeout=10)

    def meet(_: Request) -> None:
        together.wait()

    meeting = through(core, Failing(core.runner.transport, meet))
    assert sorted(titles(meeting.scan(Entry, segments=3))) == EVERY_TITLE


def test_every_entity_is_scanned_for_by_itself(core: CoreTable) -> None:
    assert len(core.scan(Remark, segments=2).all()) == 5
    assert core.scan(Remark).count() == 5
    assert core.scan(Entry).count() == 20


def test_a_scan_is_filtered_and_projected(core: CoreTable) -> None:
    query = core.scan(Entry, segments=2).where(Entry.f.number >= 15)
    assert sorted(titles(query)) == EVERY_TITLE[15:]
    assert query.count() == 5
    core, recorder = watched(core)
    parts = core.scan(Entry, segments=2).where(Entry.f.number >= 15).project("number").all()
    assert sorted(part.number for part in parts) == [15, 16, 17, 18, 19]
    assert {request.parameters.get("TotalSegments") for request in recorder.requests} == {2}


@pytest.mark.parametrize("limit", [1, 7, 100])
def test_pages_of_a_scan_make_up_the_whole(core: CoreTable, limit: int) -> None:
    query = core.scan(Entry)
    page = query.page(limit)
    found = list(page)
    while page.cursor is not None:
        page = query.page(limit, page.cursor)
        found += page
    assert sorted(titles(found)) == EVERY_TITLE


def test_first_and_one_of_a_scan(core: CoreTable) -> None:
    assert isinstance(core.scan(Remark).first(), Remark)
    assert core.scan(Entry).where(Entry.f.number == 17).one().title == "t17"
    assert core.scan(Entry).where(Entry.f.number == 99).first() is None


def test_a_scan_can_be_consistent(core: CoreTable) -> None:
    core, recorder = watched(core)
    core.scan(Entry, segments=2).consistent().all()
    assert [request.parameters["ConsistentRead"] for request in recorder.requests] == [True, True]


def test_an_error_in_one_segment_surfaces(core: CoreTable) -> None:
    def throttle(request: Request) -> ThrottledError | None:
        return ThrottledError("Too many", retryable=True) if request.parameters.get("Segment") == 1 else None

    failing = through(core, Failing(core.runner.transport, throttle))
    with pytest.raises(ThrottledError, match="Too many"):
        failing.scan(Entry, segments=4).all()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("aircraftops")] == []


def test_an_item_that_does_not_fit_goes_by_the_read_policy(core: CoreTable) -> None:
    put_raw(core, LOGBOOK, raw_entry("w", "wrong", number={"S": "x"}))
    scan = core.scan(Entry, segments=3)
    with pytest.raises(CorruptItemError, match="@ number"):
        scan.all()
    assert sorted(titles(scan.on_corrupt("skip"))) == EVERY_TITLE
    found = iter(scan.on_corrupt("collect"))
    assert len(list(found)) == 20
    assert [error.key["PK"] for error in found.corrupt] == [{"S": "BOOK#w"}]


def test_a_scan_hides_what_has_expired_unless_asked(core: CoreTable, clock: ManualClock) -> None:
    stored(core, entries("old", 3, expires_at=clock.now()) + entries("new", 1, expires_at=clock.now() + timedelta(1)))
    scan = core.scan(Entry, segments=2)
    assert (len(scan.all()), scan.count()) == (21, 21)
    assert (len(scan.include_expired().all()), scan.include_expired().count()) == (24, 24)


def test_what_a_scan_consumed_is_what_its_requests_cost(core: CoreTable) -> None:
    found = iter(core.scan(Entry, segments=3))
    with metered() as meter:
        list(found)
    assert found.consumed == meter.consumed
    assert found.consumed.requests == 3


@pytest.mark.parametrize("segments", [0, -1])
def test_a_scan_has_at_least_one_segment(segments: int) -> None:
    with pytest.raises(InvalidInputError, match="at least one segment"):
        CoreTable(Unreachable()).scan(Entry, segments=segments)


def test_a_scan_has_no_order_to_turn_round() -> None:
    with pytest.raises(InvalidInputError):
        CoreTable(Unreachable()).scan(Entry).newest_first().all()
