"""Expiry: from its second on an item is gone for every reader, unless it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_entities import AHEAD, LOGBOOK, Entry, entry, half_as_many, put_raw, raw_entry, stored, titles, watched

from aircraftops_data import CoreTable, Entity, PrimaryKey, Table
from aircraftops_data.errors import CorruptItemError, InvalidValueError, NotFoundError
from aircraftops_data.testing import ManualClock

Connect = Callable[..., CoreTable]
Reader = Callable[[CoreTable], list[str]]

KEY: dict[str, Any] = {"book": "b", "kind": "LINE", "title": "t"}


@pytest.fixture
def core(connect: Connect, clock: ManualClock) -> CoreTable:
    """A logbook."""
    return connect(LOGBOOK, clock=clock)


def found(entity: Entry | None) -> list[str]:
    return [] if entity is None else [entity.title]


# Every way to read, and how to ask it for what has expired: what it finds, by title.
READERS: dict[str, tuple[Reader, Reader]] = {
    "find": (
        lambda core: found(core.find(Entry, **KEY)),
        lambda core: found(core.find(Entry, include_expired=True, **KEY)),
    ),
    "get_many": (
        lambda core: [one.title for one in core.get_many(Entry, [KEY]) if one],
        lambda core: [one.title for one in core.get_many(Entry, [KEY], include_expired=True) if one],
    ),
    "query": (
        lambda core: titles(core.query(Entry.primary(book="b"))),
        lambda core: titles(core.query(Entry.primary(book="b")).include_expired()),
    ),
    "query by index": (
        lambda core: titles(core.query(Entry.by_station(station="KSFO"))),
        lambda core: titles(core.query(Entry.by_station(station="KSFO")).include_expired()),
    ),
    "page": (
        lambda core: titles(core.query(Entry.primary(book="b")).page()),
        lambda core: titles(core.query(Entry.primary(book="b")).include_expired().page()),
    ),
    "first": (
        lambda core: found(core.query(Entry.primary(book="b")).first()),
        lambda core: found(core.query(Entry.primary(book="b")).include_expired().first()),
    ),
    "count": (
        lambda core: ["t"] * core.query(Entry.primary(book="b")).count(),
        lambda core: ["t"] * core.query(Entry.primary(book="b")).include_expired().count(),
    ),
    "count by index": (
        lambda core: ["t"] * core.query(Entry.by_station(station="KSFO")).count(),
        lambda core: ["t"] * core.query(Entry.by_station(station="KSFO")).include_expired().count(),
    ),
    "count of a filter": (
        lambda core: ["t"] * core.query(Entry.primary(book="b")).where(Entry.f.number == 0).count(),
        lambda core: ["t"] * core.query(Entry.primary(book="b")).where(Entry.f.number == 0).include_expired().count(),
    ),
    "collection": (
        lambda core: titles(core.collection(Entry, book="b")[Entry]),
        lambda core: titles(core.collection(Entry, book="b", include_expired=True)[Entry]),
    ),
    "scan": (
        lambda core: titles(core.scan(Entry, segments=2)),
        lambda core: titles(core.scan(Entry, segments=2).include_expired()),
    ),
    "count of a scan": (
        lambda core: ["t"] * core.scan(Entry).count(),
        lambda core: ["t"] * core.scan(Entry).include_expired().count(),
    ),
    "projection": (
        lambda core: [one.title for one in core.query(Entry.primary(book="b")).project("title")],
        lambda core: [one.title for one in core.query(Entry.primary(book="b")).include_expired().project("title")],
    ),
}


def seen(core: CoreTable, *, asking: bool = False) -> dict[str, list[str]]:
    """What every reader finds."""
    return {name: ways[asking](core) for name, ways in READERS.items()}


def all_see(titles_seen: list[str]) -> dict[str, list[str]]:
    """Every reader finding the same."""
    return dict.fromkeys(READERS, titles_seen)


def test_an_item_is_there_until_its_second_and_gone_from_it_on(core: CoreTable, clock: ManualClock) -> None:
    stored(core, [entry("b", "t", station="KSFO", expires_at=clock.now() + timedelta(seconds=60))])
    clock.advance(59.999)
    assert seen(core) == all_see(["t"])
    clock.advance(0.001)
    assert seen(core) == all_see([])
    assert seen(core, asking=True) == all_see(["t"])
    clock.advance(timedelta(days=400))
    assert seen(core) == all_see([])
    with pytest.raises(NotFoundError):
        core.get(Entry, **KEY)
    assert core.get(Entry, include_expired=True, **KEY).title == "t"
    with pytest.raises(NotFoundError):
        core.query(Entry.primary(book="b")).one()
    assert core.query(Entry.primary(book="b")).include_expired().one().title == "t"


def test_an_item_without_expiry_stays(core: CoreTable, clock: ManualClock) -> None:
    stored(core, [entry("b", "t", station="KSFO")])
    clock.advance(timedelta(days=36500))
    assert seen(core) == all_see(["t"])


@pytest.mark.parametrize("written", [{"NULL": True}, {"N": "99999999999"}])
def test_an_expiry_of_others_that_has_not_come_hides_nothing(core: CoreTable, written: dict[str, Any]) -> None:
    index = {"GSI1PK": {"S": "STATION#KSFO"}, "GSI1SK": {"S": "ENTRY#000000#t"}}
    put_raw(core, LOGBOOK, raw_entry("b", "t", delete_at=written, number={"N": "0"}, **index))
    assert seen(core) == all_see(["t"])


@pytest.mark.parametrize("written", [{"S": "soon"}, {"N": "1735689600000000000"}, {"BOOL": True}])
def test_an_expiry_that_is_none_is_a_problem_of_its_item(core: CoreTable, written: dict[str, Any]) -> None:
    put_raw(core, LOGBOOK, raw_entry("b", "t", delete_at=written))
    with pytest.raises(CorruptItemError, match="@ expires_at"):
        core.get(Entry, **KEY)
    assert core.query(Entry.primary(book="b")).on_corrupt("skip").all() == []


@half_as_many
@given(st.lists(st.integers(-3, 3), max_size=8), st.floats(0, 0.999))
def test_readers_agree_on_every_second(
    core: CoreTable, clock: ManualClock, offsets: list[int], fraction: float
) -> None:
    now = (clock.now() + timedelta(seconds=1)).replace(microsecond=0)
    clock.set(now + timedelta(seconds=fraction))
    lent = [
        entry("agreed", f"t{place}", expires_at=now + timedelta(seconds=offset)) for place, offset in enumerate(offsets)
    ]
    stored(core, lent)
    live = [f"t{place}" for place, offset in enumerate(offsets) if offset > 0]
    query = core.query(Entry.primary(book="agreed"))
    assert titles(query) == titles(query.page(limit=100)) == live
    assert query.count() == len(live)
    assert query.include_expired().count() == len(offsets)
    core.delete_many(lent)


def test_fractions_of_a_second_are_cut(core: CoreTable, clock: ManualClock) -> None:
    created = core.create(entry("b", "t", expires_at=clock.now() + timedelta(seconds=1.9)))
    assert created.expires_at == AHEAD + timedelta(seconds=1)
    assert core.get(Entry, **KEY) == created
    clock.advance(1)
    assert core.find(Entry, **KEY) is None


def test_the_expiry_is_stored_as_seconds_under_the_name_of_the_table(core: CoreTable, clock: ManualClock) -> None:
    core.create(entry("b", "t", expires_at=datetime(2101, 1, 1, 1, tzinfo=UTC)))
    core, recorder = watched(core)
    core.query(Entry.primary(book="b")).all()
    item = core.runner.transport.send(recorder.requests[0])["Items"][0]
    assert item["delete_at"] == {"N": str(int(datetime(2101, 1, 1, 1, tzinfo=UTC).timestamp()))}
    assert "expires_at" not in item


LEDGER = Table("Ledger")


class Line(Entity, table=LEDGER, entity_type="line"):
    """On a table without expiry."""

    number: int

    primary = PrimaryKey("LINE#{number:4}", "LINE")


def test_a_table_without_expiry_hides_nothing_and_takes_none(connect: Connect, clock: ManualClock) -> None:
    core = connect(LEDGER, clock=clock)
    core.create(Line(number=1))
    clock.advance(timedelta(days=36500))
    assert core.get(Line, number=1).number == 1
    assert core.scan(Line).count() == 1
    with pytest.raises(InvalidValueError, match="Ledger has no TTL attribute"):
        core.create(Line(number=2, expires_at=clock.now()))
