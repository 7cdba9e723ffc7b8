"""Projected reads: parts of an entity, typed, and never mistaken for the whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from reading_entities import (
    LOGBOOK,
    SHELF,
    Entry,
    Part,
    Place,
    State,
    Unreachable,
    entries,
    entry,
    in_small_pages,
    put_raw,
    raw_entry,
    stored,
    watched,
)

from aircraftops_data import CoreTable, Entity, Partial
from aircraftops_data.errors import CorruptItemError, InvalidInputError, WrongEntityTypeError
from aircraftops_data.testing import ManualClock

Connect = Callable[..., CoreTable]


@pytest.fixture
def core(connect: Connect, clock: ManualClock) -> CoreTable:
    """A logbook and a shelf."""
    return connect(LOGBOOK, SHELF, clock=clock)


def part() -> Part:
    """A part with something in every field."""
    return Part(
        shelf="s",
        serial="1",
        mass=Decimal("1.50"),
        state=State.USED,
        received_at=datetime(2025, 1, 1, tzinfo=UTC),
        labels={"x", "y"},
        notes=["first", "second"],
        place=Place(rack="r", level=2),
    )


def test_a_part_has_what_was_asked_for_in_the_types_of_its_fields(core: CoreTable) -> None:
    core.create(part())
    found = core.query(Part.primary(shelf="s")).project("mass", Part.f.state, "received_at", "labels", "place").one()
    assert isinstance(found, Partial)
    assert not isinstance(found, Entity)
    assert found.entity is Part
    whole = part()
    for name in ("mass", "state", "received_at", "labels", "place", "shelf", "serial"):
        assert getattr(found, name) == found[name] == getattr(whole, name)
        assert type(found[name]) is type(getattr(whole, name))


def test_asking_a_part_for_another_field_is_an_error(core: CoreTable) -> None:
    core.create(part())
    found = core.query(Part.primary(shelf="s")).project("state").one()
    with pytest.raises(AttributeError, match=r"'mass' was not read; this part of a Part has .*'state'"):
        found.mass
    with pytest.raises(KeyError):
        found["mass"]
    assert "mass" not in found
    assert set(found) == {"state", "shelf", "serial"}


def test_a_part_cannot_be_written_back(core: CoreTable) -> None:
    core.create(part())
    found = core.query(Part.primary(shelf="s")).project("state").one()
    with pytest.raises((AttributeError, TypeError)):
        core.put(found)  # type: ignore[type-var]


def test_places_inside_a_field_are_given_as_they_are(core: CoreTable) -> None:
    core.create(part())
    query = core.query(Part.primary(shelf="s"))
    assert query.project(Part.f.place.rack).one().place == {"rack": "r"}
    assert query.project(Part.f.place.rack, "place").one().place == Place(rack="r", level=2)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["local"], indirect=True)
def test_an_element_of_a_list_is_given_in_a_list(core: CoreTable) -> None:
    core.create(part())
    assert core.query(Part.primary(shelf="s")).project(Part.f.notes[1]).one().notes == ["second"]


def test_what_is_not_stored_reads_as_its_default(core: CoreTable) -> None:
    core.create(Part(shelf="s", serial="bare"))
    found = core.query(Part.primary(shelf="s")).project("mass", "labels", "notes", "cycles").one()
    assert (found.mass, found.labels, found.notes, found.cycles) == (None, set(), [], 0)
    assert (found.shelf, found.serial) == ("s", "bare")


def test_only_what_was_asked_for_and_what_reading_needs_is_sent(core: CoreTable) -> None:
    core, recorder = watched(core)
    core.query(Entry.by_station(station="KSFO")).where(Entry.f.number > 1).project("title").all()
    (request,) = recorder.requests
    names = request.parameters["ExpressionAttributeNames"]
    asked = {names[place] for place in request.parameters["ProjectionExpression"].split(", ")}
    assert asked == {"title", "PK", "SK", "GSI1PK", "GSI1SK", "entity_type", "delete_at"}


def test_a_projection_without_fields_has_them_all(core: CoreTable) -> None:
    created = core.create(entry("b", "t", number=7))
    found = core.query(Entry.primary(book="b")).project().one()
    assert {**found, "expires_at": None} == dict(created)


@pytest.mark.parametrize("fields", [("colour",), ("title", "PK")])
def test_a_field_nobody_declared_cannot_be_projected(fields: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInputError, match=f"Entry has no field {fields[-1]!r}"):
        CoreTable(Unreachable()).query(Entry.primary(book="b")).project(*fields)


def test_a_projected_query_filters_by_other_fields_and_turns_around(core: CoreTable) -> None:
    stored(core, entries("b", 6))
    query = core.query(Entry.primary(book="b")).where(Entry.f.number > 2)
    assert [one.title for one in query.project("title")] == ["t0003", "t0004", "t0005"]
    assert [one.title for one in query.project("title").newest_first()] == ["t0005", "t0004", "t0003"]
    assert [one.title for one in query.project("title").where(Entry.f.number < 5)] == ["t0003", "t0004"]
    assert query.project("title").count() == 3


@pytest.mark.parametrize("by_index", [False, True])
def test_a_projected_query_pages_like_the_whole_one(core: CoreTable, by_index: bool) -> None:
    core, _ = in_small_pages(core, 4)
    stored(core, entries("b", 11, station="KSFO"))
    keyed = Entry.by_station(station="KSFO") if by_index else Entry.primary(book="b")
    query = core.query(keyed).where(Entry.f.number != 5)
    page = query.project("number").page(limit=3)
    numbers = [one.number for one in page]
    while page.cursor is not None:
        page = query.project("number").page(limit=3, cursor=page.cursor)
        numbers += [one.number for one in page]
    assert numbers == [one.number for one in query.project("number")] == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10]


def test_a_projected_query_still_tells_types(core: CoreTable) -> None:
    put_raw(core, LOGBOOK, raw_entry("b", "t", entity_type={"S": "remark"}))
    with pytest.raises(WrongEntityTypeError):
        core.query(Entry.primary(book="b")).project("title").all()


def test_a_projected_query_still_hides_what_has_expired(core: CoreTable, clock: ManualClock) -> None:
    core.create(entry("b", "t", expires_at=clock.now() + timedelta(minutes=1)))
    query = core.query(Entry.primary(book="b")).project("title")
    assert [one.title for one in query] == ["t"]
    clock.advance(60)
    assert query.all() == []
    assert [one.title for one in query.include_expired()] == ["t"]


def test_a_field_asked_for_must_fit_and_others_need_not(core: CoreTable) -> None:
    put_raw(core, LOGBOOK, raw_entry("b", "t", number={"S": "many"}))
    query = core.query(Entry.primary(book="b"))
    assert query.project("title").one().title == "t"
    with pytest.raises(CorruptItemError) as refused:
        query.project("number").all()
    (problem,) = refused.value.problems
    assert problem.endswith("@ number")
    assert "many" not in str(refused.value)
    assert query.project("number").on_corrupt("skip").all() == []


def test_a_part_shows_what_it_holds() -> None:
    shown = Partial(Entry, {"title": "t", "number": 7})
    assert repr(shown) == "Partial[Entry](title='t', number=7)"
    assert len(shown) == 2
