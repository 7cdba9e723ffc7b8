"""Merged queries on the engines: one listing of several stations, in pages and whole, forwards and backwards."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from reading_entities import (
    LOGBOOK,
    Entry,
    entry,
    in_small_pages,
    put_raw,
    raw_entry,
    remark,
    stored,
    watched,
)

from aircraftops_data import CoreTable, Merged, metered
from aircraftops_data.core.reading import Page
from aircraftops_data.errors import CorruptItemError, InvalidCursorError, InvalidInputError
from aircraftops_data.model.declarations import KeyQuery
from aircraftops_data.testing import ManualClock

Connect = Callable[..., CoreTable]
STATIONS = ("EDDF", "KSFO", "RJTT")
# As months are: every number of one decade lies before those of the next.
DECADES = ((0, 9), (10, 19), (20, 29))


@pytest.fixture
def core(connect: Connect, clock: ManualClock) -> CoreTable:
    """A logbook."""
    return connect(LOGBOOK, clock=clock)


def by_decade() -> list[list[KeyQuery[Entry]]]:
    """A group a decade, of a query a station."""
    return [[Entry.by_station(station=name).between(number=decade) for name in STATIONS] for decade in DECADES]


def scattered(core: CoreTable) -> list[Entry]:
    """Entries at stations by chance; numbers come several times, some of them with the same title in another book."""
    chance = Random(7)
    put = [
        entry(f"book{place}", f"t{chance.randrange(2)}", number=chance.randrange(30), station=chance.choice(STATIONS))
        for place in range(70)
    ]
    stored(core, [*put, *(remark("book0", minute, station="EDDF") for minute in range(5))])
    # Of equal sort keys in one partition of an index, which come first is the engine's to say.
    return sorted(put, key=lambda one: (one.number, one.title, STATIONS.index(one.station or "")))


def places(found: Any) -> list[tuple[int, str, str | None]]:
    """What entries are sorted by, and their stations."""
    return [(one.number, one.title, one.station) for one in found]


def pages(listing: Merged[Entry], limit: int) -> list[Page[Entry]]:
    """All pages of a listing, each cursor given to the next."""
    found = [listing.page(limit)]
    while found[-1].cursor is not None:
        found.append(listing.page(limit, found[-1].cursor))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("newest_first", [False, True])
def test_several_queries_are_one_listing_in_pages_of_any_size(core: CoreTable, newest_first: bool) -> None:
    expected = scattered(core)[:: -1 if newest_first else 1]
    listing = core.merged(by_decade())
    listing = listing.newest_first() if newest_first else listing
    assert places(listing) == places(expected)
    assert len({one.book for one in listing}) == 70
    assert listing.count() == 70
    assert places([listing.first()]) == places(expected[:1])
    for limit in (1, 4, 7, 100):
        given = [one for page in pages(listing, limit) for one in page]
        assert places(given) == places(expected)
        assert len({one.book for one in given}) == 70


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_filter_and_engine_pages_of_any_size_change_nothing_of_the_order(core: CoreTable, newest_first: bool) -> None:
    expected = [one for one in scattered(core) if one.title == "t1"][:: -1 if newest_first else 1]
    for size in (1, 3):
        small, _ = in_small_pages(core, size)
        listing = small.merged(by_decade()).where(Entry.f.title == "t1")
        listing = listing.newest_first() if newest_first else listing
        assert places(listing.all()) == places(expected)
        assert places(one for page in pages(listing, 5) for one in page) == places(expected)


@pytest.mark.parametrize("newest_first", [False, True])
def test_books_are_merged_by_the_primary_key_and_by_what_their_titles_begin_with(
    core: CoreTable, newest_first: bool
) -> None:
    books = ("a", "b", "c")
    kept = [entry(books[place % 3], f"x{place:02}") for place in range(20)]
    stored(core, [*kept, *(entry(book, title) for book in books for title in ("w", "y")), remark("a")])
    queries = [Entry.primary(book=book, kind="LINE").starts_with(title="x") for book in books]
    listing = core.merged([queries]).consistent()
    listing = listing.newest_first() if newest_first else listing
    titles = [one.title for one in kept][:: -1 if newest_first else 1]
    for limit in (1, 3, 50):
        assert [one.title for page in pages(listing, limit) for one in page] == titles


def test_expired_items_are_left_out_unless_asked_for(core: CoreTable, clock: ManualClock) -> None:
    stored(core, [entry("a", f"t{place}", expires_at=clock.now() if place % 3 else None) for place in range(9)])
    stored(core, [entry("b", f"t{place}", kind="NOTE", expires_at=clock.now()) for place in range(9)])
    listing = core.merged([[Entry.primary(book="a", kind="LINE"), Entry.primary(book="b", kind="NOTE")]])
    assert [one.title for page in pages(listing, 2) for one in page] == ["t0", "t3", "t6"]
    assert listing.count() == 3
    assert len([one for page in pages(listing.include_expired(), 4) for one in page]) == 18


def test_items_that_do_not_fit_are_dealt_with_as_the_policy_says(core: CoreTable) -> None:
    numbers: dict[str, Any] = {"number": {"S": "none"}}
    put_raw(core, LOGBOOK, *(raw_entry("a", f"t{place}", **(numbers if place == 2 else {})) for place in range(4)))
    put_raw(core, LOGBOOK, *(raw_entry("b", f"t{place}") for place in range(4)))
    listing = core.merged([[Entry.primary(book="a"), Entry.primary(book="b")]])
    assert [one.title for one in listing.page(4)] == ["t0", "t0", "t1", "t1"]
    with pytest.raises(CorruptItemError):
        listing.all()
    collected = pages(listing.on_corrupt("collect"), 3)
    assert [one.title for page in collected for one in page] == ["t0", "t0", "t1", "t1", "t2", "t3", "t3"]
    assert sum(len(page.corrupt) for page in collected) == 1


def test_a_page_costs_what_it_says(core: CoreTable) -> None:
    scattered(core)
    seen, recorder = watched(core)
    with metered() as meter:
        page = seen.merged(by_decade()).page(5)
    assert meter.consumed == page.consumed
    assert page.consumed.requests == len(recorder.requests)
    # The first decade's stations alone.
    assert {request.parameters["Limit"] for request in recorder.requests[:3]} == {3}


def test_a_cursor_is_of_its_own_listing(core: CoreTable) -> None:
    scattered(core)
    listing = core.merged(by_decade())
    cursor = listing.page(5).cursor
    for other in (listing.newest_first(), core.merged(by_decade()[1:]), core.query(by_decade()[0][0])):
        with pytest.raises(InvalidCursorError):
            other.page(5, cursor)


def test_queries_of_several_orders_are_refused(core: CoreTable) -> None:
    with pytest.raises(InvalidInputError, match="one entity and one key"):
        core.merged([[Entry.by_station(station="EDDF")], [Entry.by_day(book="a")]])
    assert core.merged([[], []]).all() == []
