"""Tables of others: their key names and types, their items, their narrow indexes, and what must be left to them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from foreign_entities import (
    BLOBS,
    FLIGHTS,
    PEOPLE,
    RELEASES,
    SAMPLES,
    Account,
    Blob,
    Flight,
    Order,
    Release,
    Sample,
    Team,
    crew,
    flight,
)
from hypothesis import given
from hypothesis import strategies as st
from reading_entities import Unreachable, half_as_many, in_small_pages, on_loan, put_raw, stored

from aircraftops_data import CoreTable, Partial, Table
from aircraftops_data.errors import (
    CorruptItemError,
    InvalidCursorError,
    InvalidInputError,
    InvalidKeyError,
    VersionConflictError,
)
from aircraftops_data.request import Request

Connect = Callable[..., CoreTable]


@pytest.fixture
def core(connect: Connect) -> CoreTable:
    """The tables of others."""
    return connect(FLIGHTS, SAMPLES, BLOBS, PEOPLE)


def raw(core: CoreTable, table: Table, **key: dict[str, Any]) -> dict[str, Any]:
    """The item as it is stored."""
    parameters = {"TableName": core.context.names[table], "Key": key, "ConsistentRead": True}
    return dict(core.runner.transport.send(Request("GetItem", parameters)).get("Item", {}))


FLIGHT = {
    "flightId": {"S": "F1"},
    "route": {"S": "SFO-JFK"},
    "departs": {"N": "1770000000"},
    "gateName": {"S": "B7"},
    "crewSize": {"N": "6"},
}


def test_an_item_of_others_is_read_by_its_own_names(core: CoreTable) -> None:
    put_raw(core, FLIGHTS, FLIGHT)
    expected = flight("F1", route="SFO-JFK", departs=1_770_000_000, gate_name="B7", crew_size=6)
    assert core.get(Flight, flight_id="F1") == expected
    assert core.get_many(Flight, [{"flight_id": "F0"}, {"flight_id": "F1"}]).all() == [None, expected]
    assert core.query(Flight.primary(flight_id="F1")).one() == expected
    assert core.scan(Flight).where(Flight.f.gate_name == "B7").one() == expected
    assert core.find(Flight, flight_id="f1") is None


def test_what_we_write_has_their_names_and_no_more_than_is_needed(core: CoreTable) -> None:
    core.create(flight("F1", route="SFO-JFK", departs=5, gate_name="B7"))
    item = raw(core, FLIGHTS, flightId={"S": "F1"})
    kept = {"version", "created_at", "updated_at", "write_id"}
    assert set(item) - kept == {"flightId", "route", "departs", "gateName", "crewSize"}
    assert item["departs"] == {"N": "5"}


@pytest.mark.parametrize("write", ["update", "put", "replace"])
def test_attributes_only_others_know_stay(core: CoreTable, write: str) -> None:
    theirs = {"meals": {"L": [{"S": "fish"}, {"NULL": True}]}, "seats": {"NS": ["1", "2"]}, "paid": {"BOOL": False}}
    put_raw(core, FLIGHTS, {**FLIGHT, **theirs})
    flight = core.get(Flight, flight_id="F1")
    changed = flight.model_copy(update={"gate_name": None})
    changes: dict[str, Callable[[], Flight]] = {
        "update": lambda: core.update(Flight, flight_id="F1", set={"gate_name": None}),
        "put": lambda: core.put(changed),
        "replace": lambda: core.replace(changed),
    }
    assert changes[write]().gate_name is None
    item = raw(core, FLIGHTS, flightId={"S": "F1"})
    assert {name: item[name] for name in theirs} == theirs
    assert "gateName" not in item
    assert core.get(Flight, flight_id="F1").route == "SFO-JFK"


def test_a_map_inside_keeps_the_names_of_others(core: CoreTable) -> None:
    put_raw(core, FLIGHTS, {**FLIGHT, "crew": {"M": {"headCount": {"N": "6"}}}})
    flight = core.get(Flight, flight_id="F1")
    assert flight.crew == crew(6)
    core.replace(flight)
    assert raw(core, FLIGHTS, flightId={"S": "F1"})["crew"] == {"M": {"headCount": {"N": "6"}}}
    assert core.get(Flight, flight_id="F1").crew == flight.crew


def test_an_item_without_a_version_has_version_0(core: CoreTable) -> None:
    put_raw(core, FLIGHTS, FLIGHT)
    first = core.get(Flight, flight_id="F1")
    assert (first.version, first.created_at, first.updated_at) == (0, None, None)
    second = core.update(first, set={"crew_size": 7})
    assert second.version == 1
    with pytest.raises(VersionConflictError):
        core.update(first, set={"crew_size": 8})
    assert core.get(Flight, flight_id="F1").crew_size == 7


def test_nulls_and_odd_numbers_of_others_are_read(core: CoreTable) -> None:
    put_raw(core, FLIGHTS, {**FLIGHT, "departs": {"N": "1.77E9"}, "crewSize": {"N": "6.0"}, "crew": {"NULL": True}})
    flight = core.get(Flight, flight_id="F1")
    assert (flight.departs, flight.crew_size, flight.crew) == (1_770_000_000, 6, None)
    put_raw(core, SAMPLES, sample(1, level={"N": "0.1"}), sample(2, level={"N": "1E+2"}), sample(3))
    assert [one.level for one in core.query(Sample.primary(device_id="d"))] == [0.1, 100.0, None]


def test_a_null_where_a_value_must_be_does_not_fit(core: CoreTable) -> None:
    put_raw(
        core, FLIGHTS, {"flightId": {"S": "F1"}, "route": {"S": "r"}, "departs": {"N": "1"}, "crewSize": {"NULL": True}}
    )
    with pytest.raises(CorruptItemError, match="@ crewSize"):
        core.get(Flight, flight_id="F1")


# Narrow indexes


def flights(core: CoreTable, count: int) -> None:
    """Flights on one route, at one gate."""
    stored(core, [flight(f"F{n}", route="SFO-JFK", departs=n, gate_name="B7", crew_size=n) for n in range(count)])


def test_a_keys_only_index_gives_the_keys_as_parts(core: CoreTable) -> None:
    flights(core, 3)
    found = core.query(Flight.by_route(route="SFO-JFK").at_least(departs=1)).project().all()
    assert all(isinstance(part, Partial) for part in found)
    assert [dict(part) for part in found] == [{"flight_id": f"F{n}", "route": "SFO-JFK", "departs": n} for n in (1, 2)]
    assert core.query(Flight.by_route(route="SFO-JFK")).count() == 3


def test_an_index_gives_what_it_carries_and_nothing_else(core: CoreTable) -> None:
    flights(core, 1)
    part = core.query(Flight.by_gate(gate_name="B7")).project("crew_size", "departs").one()
    assert dict(part) == {"flight_id": "F0", "gate_name": "B7", "crew_size": 0, "departs": 0}
    everything = core.query(Flight.by_gate(gate_name="B7")).project().one()
    assert set(everything) == {"flight_id", "gate_name", "departs", "crew_size"}


@pytest.mark.parametrize(
    ("query", "field"),
    [(Flight.by_route(route="r"), "gate_name"), (Flight.by_gate(gate_name="B7"), "route")],
    ids=["keys only", "include"],
)
def test_a_narrow_index_refuses_what_it_does_not_carry(query: Any, field: str) -> None:
    core = CoreTable(Unreachable())
    for whole in (core.query(query).all, core.query(query).first, core.query(query).one, core.query(query).page):
        with pytest.raises(InvalidInputError, match=r"carries only .* of a Flight; .*project"):
            whole()
    with pytest.raises(InvalidInputError, match="does not carry"):
        core.query(query).project(field)


def test_parts_of_a_narrow_index_are_paged(core: CoreTable) -> None:
    flights(core, 7)
    small, _ = in_small_pages(core, 3)
    query = small.query(Flight.by_route(route="SFO-JFK")).project("departs").newest_first()
    page = query.page(limit=2)
    found = [part.departs for part in page]
    while page.cursor is not None:
        page = query.page(limit=2, cursor=page.cursor)
        found += [part.departs for part in page]
    assert found == [part.departs for part in query] == [6, 5, 4, 3, 2, 1, 0]


# Numbers and bytes as keys


def sample(at: int, **attributes: dict[str, Any]) -> dict[str, Any]:
    """A sample as its device writes it: only the key tells device and time."""
    return {"device": {"S": "d"}, "ts": {"N": str(at)}, **attributes}


def test_components_only_the_key_holds_are_read_from_it(core: CoreTable) -> None:
    put_raw(core, SAMPLES, sample(-5), sample(10), sample(2, kind={"S": "k"}))
    found = core.query(Sample.primary(device_id="d")).all()
    assert [(one.device_id, one.at) for one in found] == [("d", Decimal(n)) for n in (-5, 2, 10)]
    assert core.get(Sample, device_id="d", at=10) == Sample(device_id="d", at=Decimal(10))
    assert core.get_many(Sample, [{"device_id": "d", "at": Decimal("10.0")}]).all()[0] == found[2]
    part = core.query(Sample.primary(device_id="d")).project("kind").newest_first().first()
    assert part is not None
    assert dict(part) == {"device_id": "d", "at": 10, "kind": None}


values = st.decimals(min_value=-100, max_value=100, places=1)


@half_as_many
@given(st.lists(values, unique=True, max_size=8), st.lists(values, min_size=2, max_size=2).map(sorted))
def test_numbers_as_sort_keys_are_ordered_and_bounded_by_value(
    core: CoreTable, moments: list[Decimal], bounds: list[Decimal]
) -> None:
    low, high = bounds
    query = Sample.primary(device_id="d")
    with on_loan(core, [Sample(device_id="d", at=at, level=float(at)) for at in moments]):
        for keyed in (query.between(at=(low, high)), Sample.by_level(device_id="d").between(level=(low, high))):
            assert [one.at for one in core.query(keyed)] == sorted(at for at in moments if low <= at <= high)
        assert [one.at for one in core.query(query.at_least(at=low))] == sorted(at for at in moments if at >= low)
        assert [one.at for one in core.query(query.at_most(at=low))] == sorted(at for at in moments if at <= low)
        assert core.query(Sample.primary(device_id="d", at=low)).count() == (low in moments)
        assert [one.at for one in core.query(query).newest_first()] == sorted(moments, reverse=True)


def test_a_number_has_no_beginning() -> None:
    with pytest.raises(InvalidKeyError, match="'at' is not text"):
        Sample.primary(device_id="d").starts_with(at="1")


def test_a_query_over_numbers_is_paged(core: CoreTable) -> None:
    stored(core, [Sample(device_id="d", at=Decimal(n) / 10) for n in range(-3, 4)])
    query = core.query(Sample.primary(device_id="d"))
    page = query.page(limit=2)
    found = [one.at for one in page]
    while page.cursor is not None:
        page = query.page(limit=2, cursor=page.cursor)
        found += [one.at for one in page]
    assert found == [Decimal(n) / 10 for n in range(-3, 4)]


def test_local_indexes_are_read_consistently_and_give_what_they_carry(core: CoreTable) -> None:
    stored(core, [Sample(device_id="d", at=Decimal(n), kind=f"k{n % 2}", level=9 - n) for n in range(4)])
    by_level = core.query(Sample.by_level(device_id="d").at_most(level=7)).consistent()
    assert [one.at for one in by_level] == [3, 2]
    by_kind = core.query(Sample.by_kind(device_id="d", kind="k1")).consistent()
    assert [(part.at, part.level) for part in by_kind.project("level")] == [(1, 8.0), (3, 6.0)]
    with pytest.raises(InvalidInputError, match="project"):
        by_kind.all()


def test_a_cursor_of_one_index_is_refused_by_another(core: CoreTable) -> None:
    stored(core, [Sample(device_id="d", at=Decimal(n), level=n) for n in range(3)])
    cursor = core.query(Sample.by_level(device_id="d")).page(limit=1).cursor
    assert cursor is not None
    with pytest.raises(InvalidCursorError):
        core.query(Sample.primary(device_id="d")).page(cursor=cursor)


def test_bytes_as_keys(core: CoreTable) -> None:
    parts = [bytes([n]) for n in (0, 35, 127, 128, 255)]
    put_raw(core, BLOBS, *({"digest": {"B": b"\x00\xff"}, "part": {"B": part}} for part in parts))
    query = core.query(Blob.primary(digest=b"\x00\xff"))
    assert [one.part for one in query] == parts
    assert core.get(Blob, digest=b"\x00\xff", part=b"\x80").part == b"\x80"
    identities = [{"digest": b"\x00\xff", "part": part} for part in (b"\xff", b"?", b"#")]
    assert [one and one.part for one in core.get_many(Blob, identities)] == [b"\xff", None, b"#"]
    between = Blob.primary(digest=b"\x00\xff").between(part=(b"#", b"\x80"))
    assert [one.part for one in core.query(between)] == [b"#", b"\x7f", b"\x80"]


def test_bytes_as_keys_go_through_a_cursor(core: CoreTable) -> None:
    stored(core, [Blob(digest=b"\x00\xff", part=bytes([n])) for n in range(126, 131)])
    query = core.query(Blob.primary(digest=b"\x00\xff"))
    page = query.page(limit=2)
    found = [one.part for one in page]
    while page.cursor is not None:
        page = query.page(limit=2, cursor=page.cursor)
        found += [one.part for one in page]
    assert found == [bytes([n]) for n in range(126, 131)]


# Untyped tables and unescaped keys


def person(name: str, sort_key: str, **attributes: dict[str, Any]) -> dict[str, Any]:
    """An item as others write it."""
    return {"pk": {"S": f"USER#{name}"}, "sk": {"S": sort_key}, **attributes}


def test_keys_of_others_are_taken_as_they_are(core: CoreTable) -> None:
    put_raw(core, PEOPLE, person("ann 100%", "ACCOUNT"), person("ann 100%", "ORDER#7%"))
    assert core.get(Account, name="ann 100%").name == "ann 100%"
    assert core.query(Order.primary(name="ann 100%").starts_with(number="7")).one().number == "7%"
    core.create(Order(name="ann 100%", number="8%"))
    assert raw(core, PEOPLE, pk={"S": "USER#ann 100%"}, sk={"S": "ORDER#8%"})["number"] == {"S": "8%"}


def test_a_separator_in_an_unescaped_component_is_refused() -> None:
    core = CoreTable(Unreachable())
    for wrong in (
        lambda: core.get(Account, name="ann#ACCOUNT"),
        lambda: Order.primary(name="ann").starts_with(number="7#"),
        lambda: core.create(Order(name="ann", number="#")),
    ):
        with pytest.raises(InvalidKeyError, match="'#'"):
            wrong()


def test_an_untyped_item_carries_no_type(core: CoreTable) -> None:
    core.create(Account(name="ann"))
    assert "entity_type" not in raw(core, PEOPLE, pk={"S": "USER#ann"}, sk={"S": "ACCOUNT"})
    put_raw(core, PEOPLE, person("bob", "ACCOUNT", entity_type={"S": "something of theirs"}))
    assert core.get(Account, name="bob") == Account(name="bob")


def test_a_scan_of_an_untyped_table_goes_by_the_keys(core: CoreTable) -> None:
    stored(core, [Account(name="ann"), Account(name="bob")])
    stored(core, [Order(name="ann", number="1")])
    stored(core, [Team(name="ann"), Team(name="UP")])
    put_raw(core, PEOPLE, person("cid", "NOTE#1"), {"pk": {"S": "LOG"}, "sk": {"S": "ACCOUNT"}})
    assert sorted(one.name for one in core.scan(Account)) == ["ann", "bob"]
    assert [one.number for one in core.scan(Order, segments=2)] == ["1"]
    assert sorted(one.name for one in core.scan(Team)) == ["UP", "ann"]
    assert core.scan(Account).count() == 2


def test_what_the_library_keeps_goes_by_the_names_of_the_table(connect: Connect) -> None:
    core = connect(RELEASES)
    put_raw(core, RELEASES, {"id": {"S": "r"}, "version": {"S": "2.0-beta"}, "_t": {"S": "release"}})
    found = core.get(Release, id="r")
    assert (found.label, found.version) == ("2.0-beta", 0)
    core.replace(found)
    item = raw(core, RELEASES, id={"S": "r"})
    assert set(item) >= {"id", "version", "_t", "_v", "_created", "_updated", "_w"}
    assert (item["version"], item["_v"]) == ({"S": "2.0-beta"}, {"N": "1"})
