"""Pages and iteration: nothing lost, nothing twice, nothing read ahead of its time, every unit accounted for."""

from __future__ import annotations

import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_entities import (
    LOGBOOK,
    Entry,
    Failing,
    Remark,
    Unreachable,
    entries,
    entry,
    half_as_many,
    in_small_pages,
    put_raw,
    raw_entry,
    remark,
    stored,
    through,
    titles,
    unused_name,
    watched,
)

from aircraftops_data import CoreTable, metered
from aircraftops_data.consumed import total
from aircraftops_data.core.query import Readable
from aircraftops_data.core.reading import ReadPolicy
from aircraftops_data.errors import CorruptItemError, InvalidCursorError, InvalidInputError, ThrottledError
from aircraftops_data.request import Request, Response
from aircraftops_data.testing import ManualClock

Connect = Callable[..., CoreTable]


@pytest.fixture
def core(connect: Connect, clock: ManualClock) -> CoreTable:
    """A logbook, shared by all examples of a test."""
    return connect(LOGBOOK, clock=clock)


def pages(query: Readable[Any], limit: int) -> list[Any]:
    """All pages of a query, each cursor given to the next."""
    found = [query.page(limit)]
    while found[-1].cursor is not None:
        found.append(query.page(limit, found[-1].cursor))
    return found


def concatenated(query: Readable[Any], limit: int) -> list[Any]:
    """What all pages hold, one after the other."""
    return [one for page in pages(query, limit) for one in page]


# What an item is to a query: in it, expired, unreadable, or left out by a filter.
kinds_of_items = st.lists(st.sampled_from(["kept", "kept", "kept", "expired", "corrupt", "other"]), max_size=9)


def mixed_book(core: CoreTable, kinds: list[str]) -> str:
    """A book whose items are of these kinds, in this order; gives its name."""
    book = unused_name()
    gone = {"N": str(int(core.context.clock.now().timestamp()))}
    items = [
        raw_entry(
            book,
            f"t{place:04}",
            number={"S": "none"} if kind == "corrupt" else {"N": str(place)},
            load={"S": kind},
            delete_at=gone if kind == "expired" else None,
            GSI1PK={"S": f"STATION#{book}"},
            GSI1SK={"S": f"ENTRY#{place:06}#t{place:04}"},
        )
        for place, kind in enumerate(kinds)
    ]
    put_raw(core, LOGBOOK, *items)
    return book


@half_as_many
@given(
    kinds=kinds_of_items,
    limit=st.integers(1, 6),
    engine_pages=st.integers(1, 6),
    policy=st.sampled_from(["skip", "collect"]),
    by_index=st.booleans(),
    newest_first=st.booleans(),
    filtered=st.booleans(),
)
def test_pages_of_any_size_make_up_the_whole(
    core: CoreTable,
    kinds: list[str],
    limit: int,
    engine_pages: int,
    policy: ReadPolicy,
    by_index: bool,
    newest_first: bool,
    filtered: bool,
) -> None:
    book = mixed_book(core, kinds)
    small, _ = in_small_pages(core, engine_pages)
    query = small.query(Entry.by_station(station=book) if by_index else Entry.primary(book=book)).on_corrupt(policy)
    query = query.newest_first() if newest_first else query
    query = query.where(Entry.f.load != "other") if filtered else query
    wanted = {"kept"} if filtered else {"kept", "other"}
    expected = [place for place, kind in enumerate(kinds) if kind in wanted][:: -1 if newest_first else 1]
    assert [one.number for one in query] == expected
    found = pages(query, limit)
    assert [one.number for page in found for one in page] == expected
    assert all(len(page) == limit for page in found[:-1])
    assert sum(len(page.corrupt) for page in found) == (kinds.count("corrupt") if policy == "collect" else 0)
    core.delete_many(entries(book, len(kinds)))


def test_an_item_behind_a_page_does_not_disturb_it(core: CoreTable) -> None:
    book = mixed_book(core, ["other", "other", "other", "kept", "corrupt", "kept"])
    query = core.query(Entry.primary(book=book)).where(Entry.f.load != "other")
    page = query.page(limit=1)
    assert [one.number for one in page] == [3]
    with pytest.raises(CorruptItemError):
        query.page(limit=1, cursor=page.cursor)


def test_big_items_are_read_over_the_limit_of_a_megabyte(core: CoreTable) -> None:
    stored(core, entries("b", 8, load="x" * 300_000))
    core, recorder = watched(core)
    query = core.query(Entry.primary(book="b"))
    assert titles(query) == [f"t{number:04}" for number in range(8)]
    assert len(recorder.requests) > 1
    assert titles(concatenated(query, 5)) == titles(query)
    assert titles(query.newest_first().page(limit=8)) == titles(query)[::-1]
    assert query.count() == 8


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_page_takes_one_to_a_thousand_items(limit: int) -> None:
    query = CoreTable(Unreachable()).query(Entry.primary(book="b"))
    with pytest.raises(InvalidInputError, match=f"1 to 1000 items, not {limit}"):
        query.page(limit=limit)


def test_a_page_of_a_thousand_is_taken(core: CoreTable) -> None:
    stored(core, entries("b", 3))
    page = core.query(Entry.primary(book="b")).page(limit=1000)
    assert (len(page), page.cursor) == (3, None)


def test_nothing_found_is_an_empty_page_without_a_cursor(core: CoreTable) -> None:
    query = core.query(Entry.primary(book="none"))
    page = query.page()
    assert (page.items, page.cursor, page.corrupt) == ([], None, [])
    assert query.all() == []


def test_a_rare_match_takes_few_requests(core: CoreTable) -> None:
    stored(core, entries("b", 600))
    core, recorder = watched(core)
    query = core.query(Entry.primary(book="b")).where(Entry.f.number == 599)
    assert titles(query.page(limit=1)) == ["t0599"]
    assert len(recorder.requests) <= 11


@pytest.mark.parametrize("kind", ["expired", "corrupt"])
def test_a_live_item_behind_others_takes_few_requests(core: CoreTable, kind: str) -> None:
    core, recorder = watched(core)
    book = mixed_book(core, [kind] * 120 + ["kept"])
    recorder.requests.clear()
    found = core.query(Entry.primary(book=book)).on_corrupt("skip").first()
    assert found is not None
    assert found.number == 120
    assert len(recorder.requests) <= 9


def test_a_page_without_a_filter_reads_no_more_than_it_gives(core: CoreTable) -> None:
    stored(core, entries("b", 30))
    core, recorder = watched(core)
    core.query(Entry.primary(book="b")).page(limit=7)
    assert [request.parameters["Limit"] for request in recorder.requests] == [7]


def test_a_page_the_engine_cuts_short_asks_only_for_what_is_missing(core: CoreTable) -> None:
    stored(core, entries("b", 30))
    small, recorder = in_small_pages(core, 4)
    assert len(small.query(Entry.primary(book="b")).page(limit=9)) == 9
    assert [request.parameters["Limit"] for request in recorder.requests] == [9, 5, 1]


def cursor_of(core: CoreTable, **options: Any) -> str:
    """The cursor of a first page."""
    cursor = core.query(Entry.primary(book="b", **options)).page(limit=1).cursor
    assert cursor is not None
    return cursor


def test_a_cursor_is_url_safe_text(core: CoreTable) -> None:
    stored(core, [entry("b", title) for title in ("??>>~~ü", "é/+&#%", "x")])
    for limit in (1, 2):
        cursor = core.query(Entry.primary(book="b")).page(limit=limit).cursor
        assert cursor is not None
        assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert concatenated(core.query(Entry.primary(book="b")), 1) == core.query(Entry.primary(book="b")).all()


def test_a_cursor_of_another_query_is_refused(core: CoreTable, connect: Connect) -> None:
    stored(core, entries("b", 3, station="KSFO") + entries("c", 3))
    stored(core, [remark("b", minute) for minute in range(3)])
    cursor = cursor_of(core)
    others: list[Readable[Any]] = [
        core.query(Entry.primary(book="c")),
        core.query(Entry.primary(book="b")).newest_first(),
        core.query(Entry.primary(book="b", kind="LINE")),
        core.query(Entry.primary(book="b").at_least(kind="A")),
        core.query(Remark.primary(book="b")),
        core.query(Entry.by_station(station="KSFO")),
        core.scan(Entry),
        connect(LOGBOOK).query(Entry.primary(book="b")),
    ]
    for other in others:
        with pytest.raises(InvalidCursorError):
            other.page(cursor=cursor)


DAMAGES: list[Callable[[str], Any]] = [
    lambda cursor: "",
    lambda cursor: "nonsense!",
    lambda cursor: "é" * 40,
    lambda cursor: cursor[:-1],
    lambda cursor: cursor[1:],
    lambda cursor: cursor + "AAAA",
    lambda cursor: cursor + "=",
    lambda cursor: cursor.swapcase(),
    lambda cursor: cursor.encode(),
    lambda cursor: 7,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_cursor_is_refused_unsent(damage: Callable[[str], Any]) -> None:
    asked = Entry.primary(book="b")
    cursor = CoreTable(OnePage()).query(asked).page(limit=1).cursor
    assert cursor is not None
    with pytest.raises(InvalidCursorError):
        CoreTable(Unreachable()).query(asked).page(cursor=damage(cursor))


class OnePage:
    """A transport whose every answer is one entry, with more behind it."""

    def send(self, request: Request) -> Response:
        """The answer."""
        item = raw_entry("b", "t")
        return {"Items": [item], "LastEvaluatedKey": {"PK": item["PK"], "SK": item["SK"]}}


def test_a_cursor_goes_on_in_another_process_with_the_same_secret(core: CoreTable) -> None:
    stored(core, entries("b", 3))
    first, second, other = (
        CoreTable(core.runner.transport, core.context, secret) for secret in (b"one", b"one", b"two")
    )
    cursor = cursor_of(first)
    assert titles(second.query(Entry.primary(book="b")).page(cursor=cursor)) == ["t0001", "t0002"]
    for stranger in (other, core):
        with pytest.raises(InvalidCursorError):
            stranger.query(Entry.primary(book="b")).page(cursor=cursor)


def test_a_signed_cursor_cannot_be_turned_to_another_key(core: CoreTable) -> None:
    stored(core, entries("b", 3))
    signed = CoreTable(core.runner.transport, core.context, b"secret")
    raw = urlsafe_b64decode(cursor_of(signed) + "==")
    assert b"t0000" in raw
    forged = urlsafe_b64encode(raw.replace(b"t0000", b"t0001")).rstrip(b"=").decode()
    with pytest.raises(InvalidCursorError):
        signed.query(Entry.primary(book="b")).page(cursor=forged)


def test_a_cursor_stays_good_when_its_item_is_gone(core: CoreTable) -> None:
    stored(core, entries("b", 4))
    page = core.query(Entry.primary(book="b")).page(limit=2)
    core.delete(page.items[-1])
    assert titles(core.query(Entry.primary(book="b")).page(cursor=page.cursor)) == ["t0002", "t0003"]


def test_what_an_iteration_consumed_is_what_its_requests_cost(core: CoreTable) -> None:
    stored(core, entries("b", 9))
    small, recorder = in_small_pages(core, 4)
    found = iter(small.query(Entry.primary(book="b")))
    with metered() as meter:
        assert len(list(found)) == 9
    assert found.consumed == meter.consumed
    assert found.consumed.requests == len(recorder.requests) == 3
    assert found.consumed.read_units > 0


def test_what_pages_consumed_is_what_their_requests_cost(core: CoreTable) -> None:
    stored(core, entries("b", 9))
    with metered() as meter:
        found = pages(core.query(Entry.primary(book="b")).where(Entry.f.number > 3), 2)
    assert total(page.consumed for page in found) == meter.consumed


def test_no_page_is_asked_for_before_the_first_is_used_up(core: CoreTable) -> None:
    stored(core, entries("b", 12))
    small, recorder = in_small_pages(core, 4)
    found = iter(small.query(Entry.primary(book="b")))
    assert titles([next(found) for _ in range(4)]) == ["t0000", "t0001", "t0002", "t0003"]
    assert len(recorder.requests) == 1


def threads() -> list[str]:
    """The threads this library runs just now."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("aircraftops")]


@pytest.mark.parametrize("taken", [0, 4, 5, 13])
def test_breaking_off_reads_at_most_one_page_ahead_and_leaves_no_thread(core: CoreTable, taken: int) -> None:
    stored(core, entries("b", 40))
    small, recorder = in_small_pages(core, 4)
    found = iter(small.query(Entry.primary(book="b")))
    for _ in range(taken):
        next(found)
    del found
    assert threads() == []
    begun = -(-taken // 4)
    assert begun <= len(recorder.requests) <= begun + (begun > 1)


def test_from_the_second_page_on_the_next_one_is_read_ahead(core: CoreTable) -> None:
    stored(core, entries("b", 12))
    third = threading.Event()

    def note(request: Request) -> None:
        if request.parameters.get("ExclusiveStartKey", {}).get("SK") == {"S": "ENTRY#LINE#t0007"}:
            third.set()

    small, _ = in_small_pages(through(core, Failing(core.runner.transport, note)), 4)
    found = iter(small.query(Entry.primary(book="b")))
    for _ in range(5):
        next(found)
    assert third.wait(timeout=10)
    assert len(list(found)) == 7


@pytest.mark.parametrize("page", [0, 1, 2])
def test_an_error_surfaces_when_its_page_is_reached(core: CoreTable, page: int) -> None:
    stored(core, entries("b", 12))
    asked: list[Request] = []

    def throttle(request: Request) -> ThrottledError | None:
        asked.append(request)
        return ThrottledError("Too many", retryable=True) if len(asked) == page + 1 else None

    small, _ = in_small_pages(through(core, Failing(core.runner.transport, throttle)), 4)
    seen: list[Entry] = []
    with pytest.raises(ThrottledError):
        seen.extend(small.query(Entry.primary(book="b")))
    assert len(asked) == page + 1
    assert threads() == []


def test_an_item_expiring_during_an_iteration_is_hidden_from_then_on(core: CoreTable, clock: ManualClock) -> None:
    stored(core, entries("b", 8, expires_at=clock.now() + timedelta(minutes=1)))
    small, _ = in_small_pages(core, 4)
    found = iter(small.query(Entry.primary(book="b")))
    next(found)
    clock.advance(60)
    assert len(list(found)) == 3
