"""The repositories of the domain on a little made-up fleet, method by method."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_entities import half_as_many

from aircraftops_data import (
    Aircraft,
    AircraftOps,
    AircraftType,
    ImageMetadata,
    MaintenanceEvent,
    Operator,
    Registration,
)
from aircraftops_data.entities.values import ImageState, MaintenanceKind
from aircraftops_data.errors import (
    AlreadyExistsError,
    InvalidKeyError,
    NotFoundError,
    UniqueConflictError,
    VersionConflictError,
)


@pytest.fixture
def ops(aircraft_ops: AircraftOps) -> AircraftOps:
    """Four airframes of two operators, two types, and what belongs to them."""
    aircraft_ops.core.put_many(
        [
            aircraft("a00001", "N1", "B738", "XAA"),
            aircraft("a00002", "N2", "B738", "XAA"),
            aircraft("a00003", "N3", "A320", "XAA"),
            aircraft("a00004", "N4", "B738", "XBB"),
            aircraft("a00005", None, None, None),
        ]
    ).raise_if_failed()
    others: list[Any] = [
        AircraftType(designator="B738", manufacturer="MADE-UP WORKS", model="M-8", description_code="L2J"),
        AircraftType(designator="A320", manufacturer="OTHER WORKS", description_code="L2J"),
        AircraftType(designator="C172", manufacturer="MADE-UP WORKS", description_code="L1P"),
        Operator(icao="XAA", name="Made-up Air", iata="X1", callsign="MADEUP", country="US"),
        Operator(icao="XBB", name="Invented Air", iata="X1", callsign="INVENTED", country="US"),
        Operator(icao="XCC", name="Nowhere Air", iata="X2", callsign="INVENTED", country="CA", active=False),
    ]
    aircraft_ops.core.put_many(others).raise_if_failed()
    return aircraft_ops


def aircraft(icao24: str, registration: str | None, typecode: str | None, operator: str | None) -> Aircraft:
    """An airframe of the made-up fleet."""
    return Aircraft(icao24=icao24, registration=registration, typecode=typecode, operator=operator)


def addresses(found: Iterable[Aircraft]) -> list[str]:
    """What tells airframes apart."""
    return [one.icao24 for one in found]


def test_aircraft_by_address(ops: AircraftOps) -> None:
    assert ops.aircraft.get("A00001").registration == "N1"
    assert ops.aircraft.find("a00009") is None
    with pytest.raises(NotFoundError, match="No Aircraft at this key"):
        ops.aircraft.get("a00009")
    with pytest.raises(InvalidKeyError):
        ops.aircraft.get("not hexadecimal")


def test_aircraft_by_registration(ops: AircraftOps) -> None:
    found = ops.aircraft.by_registration("n3")
    assert found is not None
    assert found.icao24 == "a00003"
    assert ops.aircraft.by_registration("N9") is None


def test_the_fleet_of_an_operator_by_type_and_registration(ops: AircraftOps) -> None:
    assert addresses(ops.aircraft.operated_by("XAA")) == ["a00003", "a00001", "a00002"]
    assert addresses(ops.aircraft.operated_by("xaa", typecode="b738")) == ["a00001", "a00002"]
    assert addresses(ops.aircraft.operated_by("XAA").newest_first()) == ["a00002", "a00001", "a00003"]
    assert ops.aircraft.operated_by("XAA", typecode="B73X").all() == []


def test_aircraft_of_a_type(ops: AircraftOps) -> None:
    assert addresses(ops.aircraft.of_type("B738")) == ["a00001", "a00002", "a00004"]
    assert ops.aircraft.of_type("B739").first() is None


def test_a_repository_writes_too(ops: AircraftOps) -> None:
    with pytest.raises(AlreadyExistsError):
        ops.aircraft.create(aircraft("a00001", "N8", None, None))
    with pytest.raises(UniqueConflictError):
        ops.aircraft.create(aircraft("a00008", "N1", None, None))
    first = ops.aircraft.get("a00004")
    second = ops.aircraft.update(first, operator="XAA", where=Aircraft.f.operator == "XBB")
    assert "a00004" in addresses(ops.aircraft.operated_by("XAA"))
    assert ops.aircraft.operated_by("XBB").all() == []
    with pytest.raises(VersionConflictError):
        ops.aircraft.replace(first)
    third = ops.aircraft.replace(second.model_copy(update={"operator": None}))
    assert ops.aircraft.put(third).version == 4
    assert ops.aircraft.delete(ops.aircraft.get("a00004")) is not None
    assert ops.aircraft.find("a00004") is None
    assert ops.aircraft.by_registration("N4") is None


def test_types_by_designator_maker_and_description(ops: AircraftOps) -> None:
    assert ops.types.get("b738").model == "M-8"
    assert [one.designator for one in ops.types.made_by("MADE-UP WORKS")] == ["B738", "C172"]
    assert [one.designator for one in ops.types.described_as("l2j")] == ["A320", "B738"]
    with pytest.raises(NotFoundError):
        ops.types.get("ZZZZ")


def test_operators_by_their_designators_callsign_and_country(ops: AircraftOps) -> None:
    assert ops.operators.by_icao("xaa").name == "Made-up Air"
    assert [one.icao for one in ops.operators.by_iata("x1")] == ["XAA", "XBB"]
    assert [one.icao for one in ops.operators.by_callsign("invented")] == ["XBB", "XCC"]
    assert [one.icao for one in ops.operators.in_country("us")] == ["XAA", "XBB"]
    assert ops.operators.by_iata("X9").all() == []
    with pytest.raises(NotFoundError, match="No Operator"):
        ops.operators.by_icao("XZZ")


def image(image_id: str, icao24: str, state: ImageState = ImageState.PENDING) -> ImageMetadata:
    """What is known of a made-up image."""
    return ImageMetadata(image_id=image_id, icao24=icao24, state=state)


def test_images_by_aircraft_id_and_state(ops: AircraftOps) -> None:
    ops.images.create(image("i2", "a00001"))
    ops.images.create(image("i1", "a00001", ImageState.PROCESSED))
    ops.images.create(image("i3", "a00002"))
    assert [one.image_id for one in ops.images.of_aircraft("A00001")] == ["i1", "i2"]
    assert [one.image_id for one in ops.images.in_state(ImageState.PENDING)] == ["i2", "i3"]
    assert ops.images.get("a00001", "i1").state is ImageState.PROCESSED
    found = ops.images.by_id("i3")
    assert found is not None
    assert found.icao24 == "a00002"
    assert ops.images.by_id("i9") is None
    ops.images.update(found, state=ImageState.REJECTED, rejected_because="made up")
    assert [one.image_id for one in ops.images.in_state(ImageState.PENDING)] == ["i2"]


def maintenance_event(event_id: str, day: date, kind: MaintenanceKind, icao24: str = "a00001") -> MaintenanceEvent:
    """Something that never happened."""
    return MaintenanceEvent(event_id=event_id, icao24=icao24, occurred_on=day, kind=kind)


def test_maintenance_by_aircraft_and_by_kind_over_time(ops: AircraftOps) -> None:
    work, accident = MaintenanceKind.WORK_ORDER, MaintenanceKind.ACCIDENT
    days = [date(2025, 1, 1) + timedelta(days=number) for number in range(5)]
    for number, day in enumerate(days):
        ops.maintenance.create(maintenance_event(f"w{number}", day, work))
    ops.maintenance.create(maintenance_event("x", days[2], accident))
    ops.maintenance.create(maintenance_event("y", days[2], work, "a00002"))

    def ids(found: Iterable[MaintenanceEvent]) -> list[str]:
        return [one.event_id for one in found]

    of_kind = ops.maintenance.of_kind
    assert ids(ops.maintenance.of_aircraft("a00001")) == ["w0", "w1", "w2", "x", "w3", "w4"]
    assert ids(of_kind(work)) == ["w0", "w1", "w2", "y", "w3", "w4"]
    assert ids(of_kind(work, since=days[1], until=days[3])) == ["w1", "w2", "y", "w3"]
    assert ids(of_kind(work, since=days[3])) == ["w3", "w4"]
    assert ids(of_kind(work, until=days[1])) == ["w0", "w1"]
    assert ids(of_kind(accident, since=days[2], until=days[2])) == ["x"]
    assert ids(of_kind(MaintenanceKind.INCIDENT)) == []


def test_everything_about_an_airframe_by_one_query(ops: AircraftOps) -> None:
    ops.registry.create(held("N1", "a00001", date(2020, 1, 1)))
    ops.images.create(image("i1", "a00001"))
    ops.maintenance.create(maintenance_event("w", date(2025, 1, 1), MaintenanceKind.WORK_ORDER))
    group = ops.aircraft.everything_about("A00001")
    assert group.aircraft.registration == "N1"
    assert [one.mark for one in group[Registration]] == ["N1"]
    assert [one.image_id for one in group.image] == ["i1"]
    assert [one.event_id for one in group.maintenance_event] == ["w"]
    assert group.unknown == []


# Who held a mark


def held(mark: str, icao24: str, since: date, until: date | None = None, owner: str | None = None) -> Registration:
    """A registration from a day on, up to the day before another."""
    return Registration(mark=mark, icao24=icao24, held_from=since, held_until=until, owner_id=owner)


def holder(ops: AircraftOps, mark: str, day: date) -> str | None:
    """The airframe that held a mark on a day."""
    found = ops.registry.current(mark, on=day)
    return None if found is None else found.icao24


def test_a_reused_mark_belongs_to_who_held_it_that_day(ops: AircraftOps) -> None:
    ops.registry.create(held("N7", "a00001", date(2000, 1, 1), date(2010, 1, 1)))
    ops.registry.create(held("N7", "a00002", date(2012, 6, 1), date(2020, 1, 1)))
    ops.registry.create(held("N7", "a00003", date(2020, 1, 1)))
    days = {
        date(1999, 12, 31): None,
        date(2000, 1, 1): "a00001",
        date(2009, 12, 31): "a00001",
        date(2010, 1, 1): None,
        date(2012, 5, 31): None,
        date(2012, 6, 1): "a00002",
        date(2019, 12, 31): "a00002",
        date(2020, 1, 1): "a00003",
        date(2999, 1, 1): "a00003",
    }
    assert {day: holder(ops, "n7", day) for day in days} == days
    assert holder(ops, "N70", date(2020, 1, 1)) is None
    assert [one.icao24 for one in ops.registry.holders("N7")] == ["a00001", "a00002", "a00003"]


def test_a_registration_inside_another_does_not_hide_it(ops: AircraftOps) -> None:
    ops.registry.create(held("N7", "a00001", date(2000, 1, 1), date(2020, 1, 1)))
    ops.registry.create(held("N7", "a00002", date(2010, 1, 1), date(2012, 1, 1)))
    assert holder(ops, "N7", date(2011, 1, 1)) == "a00002"
    assert holder(ops, "N7", date(2015, 1, 1)) == "a00001"


def test_a_registration_undone_the_same_day_holds_on_no_day(ops: AircraftOps) -> None:
    ops.registry.create(held("N7", "a00001", date(2020, 1, 1)))
    ops.registry.create(held("N7", "a00002", date(2020, 1, 1), date(2020, 1, 1)))
    assert holder(ops, "N7", date(2020, 1, 1)) == "a00001"


spans = st.lists(st.tuples(st.integers(0, 9), st.none() | st.integers(0, 9)), max_size=5)


@half_as_many
@given(spans=spans, day=st.integers(0, 10))
def test_somebody_is_found_whenever_somebody_held_it(
    ops: AircraftOps, spans: list[tuple[int, int | None]], day: int
) -> None:
    start = date(2020, 1, 1)
    lent = [
        held("N7", f"a0000{place}", start + timedelta(since), None if until is None else start + timedelta(until))
        for place, (since, until) in enumerate(spans)
        if until is None or since <= until
    ]
    ops.core.put_many(lent).raise_if_failed()
    today = start + timedelta(day)
    holders = [one for one in lent if one.holds_on(today)]
    found = ops.registry.current("N7", on=today)
    if found is None:
        assert holders == []
    else:
        assert found.held_from == max(one.held_from for one in holders)
        assert found.holds_on(today)
    ops.core.delete_many(lent).raise_if_failed()


def test_the_history_of_an_airframe_is_oldest_first(ops: AircraftOps) -> None:
    for mark, year in (("N9", 2015), ("N7", 2001), ("C-GMYL", 2008)):
        ops.registry.create(held(mark, "a00001", date(year, 1, 1), date(year + 5, 1, 1), "o1"))
    ops.registry.create(held("N6", "a00002", date(2003, 1, 1), None, "o1"))
    assert [one.mark for one in ops.registry.history("A00001")] == ["N7", "C-GMYL", "N9"]
    assert [one.mark for one in ops.registry.owned_by("o1")] == ["N7", "N6", "C-GMYL", "N9"]
    assert ops.registry.owned_by("o2").all() == []
