"""Entities and their stored items: nothing is lost on the way there and back, and what does not fit is corrupt."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, HttpUrl, PlainSerializer, computed_field

from aircraftops_data import GSI1, GSI2, Entity, Index, KeyAttribute, PrimaryKey, Table, Unique
from aircraftops_data.errors import InvalidKeyError, InvalidValueError, ItemTooLargeError
from aircraftops_data.model.definition import Item
from aircraftops_data.model.entity import UtcDatetime
from aircraftops_data.translation.codec import EntityCodec, check_size, codec_of
from aircraftops_data.translation.values import item_size
from strategies import Deck, Step, numbers, plain_values, texts, zoned
from throwaway import declare

SHELF = Table("Shelf", indexes=(GSI1, GSI2), ttl_attribute="delete_at")
NOW = datetime(2026, 11, 21, 7, tzinfo=UTC)


class Engine(BaseModel):
    """A model inside an entity."""

    serial: str
    thrust: Decimal | None = None
    parts: list[str] = []
    fitted_on: date | None = None


class Jet(BaseModel):
    """One kind of a union told by its tag."""

    kind: Literal["jet"] = "jet"
    bypass: Decimal


class Prop(BaseModel):
    """The other kind."""

    kind: Literal["prop"] = "prop"
    blades: int


class Everything(Entity, table=SHELF, entity_type="everything"):
    """Has a field of every type an entity can have."""

    id: str
    text: str
    whole: int
    exact: Decimal
    real: float
    flag: bool
    raw: bytes
    day: date
    at: UtcDatetime
    clock: time
    span: timedelta
    uid: UUID
    deck: Deck
    step: Step
    engine: Engine
    engines: list[Engine]
    by_place: dict[str, Engine]
    propulsion: Annotated[Jet | Prop, Field(discriminator="kind")]
    several: int | str | list[int]
    pair: tuple[int, str]
    tags: set[str]
    codes: frozenset[int]
    blobs: set[bytes]
    abstract: AbstractSet[str]
    anything: Any = None
    maybe: str | None = None
    renamed: Annotated[str, Field(alias="otherName")] = "unnamed"
    group: str | None = None

    primary = PrimaryKey("EVERYTHING#{id}", "EVERYTHING")
    by_group = Index(GSI1, "GROUP#{group}", "AT#{at}#{whole:40}")


def durations() -> st.SearchStrategy[timedelta]:
    """Spans of time, mostly short."""
    return st.timedeltas(timedelta(days=-10000), timedelta(days=10000))


def reals() -> st.SearchStrategy[float]:
    """Floats DynamoDB can hold."""
    return st.floats(1e-130, 1e125) | st.floats(-1e125, -1e-130) | st.just(0.0)


exact = numbers().map(Decimal)
engines = st.builds(Engine, thrust=st.none() | exact, serial=texts(), parts=st.lists(texts(), max_size=2))
everything = st.builds(
    Everything,
    id=texts(),
    text=texts(),
    whole=st.integers(1 - 10**38, 10**38 - 1),
    exact=exact,
    real=reals(),
    raw=st.binary(max_size=8),
    at=zoned(),
    span=durations(),
    engine=engines,
    engines=st.lists(engines, max_size=2),
    by_place=st.dictionaries(texts().filter(bool), engines, max_size=2),
    propulsion=st.builds(Jet, bypass=exact) | st.builds(Prop, blades=st.integers(0, 9)),
    several=st.integers(-9, 9) | texts() | st.lists(st.integers(-9, 9), max_size=3),
    pair=st.tuples(st.integers(-9, 9), texts()),
    tags=st.sets(texts(), max_size=3),
    codes=st.frozensets(st.integers(-99, 99), max_size=3),
    blobs=st.sets(st.binary(max_size=3), max_size=3),
    abstract=st.sets(texts(), max_size=2),
    anything=plain_values(5),
    maybe=st.none() | texts(),
    group=st.none() | texts(),
    expires_at=st.none() | zoned(),
    version=st.integers(0, 9),
    created_at=st.none() | st.just(NOW),
    updated_at=st.none() | st.just(NOW),
)


def codec(entity: type[Entity]) -> EntityCodec[Any]:
    """The codec of an entity class."""
    return codec_of(entity.definition())


@given(everything)
def test_an_entity_is_read_back_as_it_was(one: Everything) -> None:
    found = codec(Everything).entity(codec(Everything).item(one))
    assert found == one
    assert [type(value) for name, value in found if name != "anything"] == [
        type(value) for name, value in one if name != "anything"
    ]


@given(everything)
def test_an_item_is_written_back_as_it_was(one: Everything) -> None:
    item = codec(Everything).item(one)
    assert codec(Everything).item(codec(Everything).entity(item)) == item


@given(everything)
def test_an_item_holds_its_keys_and_marks(one: Everything) -> None:
    item = codec(Everything).item(one)
    assert item["PK"] == {"S": Everything.primary(id=one.id).partition["S"]}
    assert item["entity_type"] == {"S": "everything"}
    assert item["version"] == {"N": str(one.version)}
    assert ("GSI1PK" in item) == ("GSI1SK" in item) == (one.group is not None)
    assert item.get("GSI1PK") == (None if one.group is None else Everything.by_group(group=one.group).partition)


@given(everything, st.data())
def test_each_field_alone_is_written_as_in_the_whole_item(one: Everything, data: st.DataObject) -> None:
    item, attributes = codec(Everything).item(one), Everything.definition().attributes
    for name in set(attributes) - {"version", "created_at", "updated_at"}:
        assert codec(Everything).field(name, getattr(one, name)) == item.get(attributes[name])


@given(everything)
def test_a_condition_on_a_field_compares_with_what_is_stored(one: Everything) -> None:
    item = codec(Everything).item(one)
    for name in ("at", "real", "deck", "uid", "engine", "renamed", "clock"):
        place = getattr(Everything.f, name).attribute
        assert codec(Everything).operand(place, getattr(one, name)) == item[place.name]


# None, empty and default


class Missing(Entity, table=SHELF, entity_type="missing"):
    """Every way a field can be without a value."""

    id: str
    absent: str | None = None
    null: str | None
    stated: str | None = "stated"
    made: list[str] | None = Field(default_factory=list)
    tags: set[str] = set()
    named: frozenset[str] = frozenset({"named"})
    maybe_tags: set[str] | None = None
    inside: dict[str, str | None] = {}

    primary = PrimaryKey("MISSING#{id}", "MISSING")


@pytest.mark.parametrize("field", ["absent", "null", "stated", "made", "maybe_tags"])
def test_none_is_read_back_as_none_whatever_the_default(field: str) -> None:
    one = Missing(**{"id": "1", "null": "x", field: None})
    item = codec(Missing).item(one)
    assert getattr(codec(Missing).entity(item), field) is None


def test_none_is_stored_only_where_its_absence_would_be_read_as_something_else() -> None:
    item = codec(Missing).item(Missing(id="1", null=None, stated=None, made=None))
    assert {name: item.get(name) for name in ("absent", "null", "stated", "made", "maybe_tags")} == {
        "absent": None,
        "null": {"NULL": True},
        "stated": {"NULL": True},
        "made": {"NULL": True},
        "maybe_tags": None,
    }


def test_an_empty_set_is_stored_as_nothing_and_read_back_empty() -> None:
    one = Missing(id="1", null=None, named=frozenset())
    item = codec(Missing).item(one)
    assert "named" not in item
    assert codec(Missing).entity(item) == one


def test_an_empty_set_where_none_is_allowed_too_is_refused() -> None:
    with pytest.raises(InvalidValueError, match=r"Missing\.maybe_tags.*no empty set"):
        codec(Missing).item(Missing(id="1", null=None, maybe_tags=set()))


def test_empty_text_lists_and_maps_are_stored_as_they_are() -> None:
    one = Missing(id="1", null="", made=[], inside={"a": None, "b": ""})
    item = codec(Missing).item(one)
    assert (item["null"], item["made"]) == ({"S": ""}, {"L": []})
    assert item["inside"] == {"M": {"a": {"NULL": True}, "b": {"S": ""}}}
    assert codec(Missing).entity(item) == one


def test_a_field_that_is_not_stored_has_its_default() -> None:
    item = codec(Missing).item(Missing(id="1", null="x", stated="y"))
    del item["stated"]
    assert codec(Missing).entity(item).stated == "stated"


# Names


class Renamed(Entity, table=SHELF, entity_type="renamed"):
    """Two fields that bear each other's names in the item, and one with a name of its own."""

    id: str
    kind: int = Field(alias="type")
    type: str = Field(alias="kind")
    url: Annotated[HttpUrl, PlainSerializer(str)] = Field(alias="source-url")

    primary = PrimaryKey("RENAMED#{id}", "RENAMED")


def test_aliases_are_the_stored_names() -> None:
    given_by_alias = {"id": "1", "type": 5, "kind": "x", "source-url": "https://example.com/"}
    one = Renamed.model_validate(given_by_alias, by_alias=True, by_name=False)
    assert (one.kind, one.type) == (5, "x")
    item = codec(Renamed).item(one)
    assert {name: item[name] for name in given_by_alias} == {
        "id": {"S": "1"},
        "type": {"N": "5"},
        "kind": {"S": "x"},
        "source-url": {"S": "https://example.com/"},
    }
    assert codec(Renamed).entity(item) == one


def test_a_computed_field_is_not_stored() -> None:
    class Box(Entity, table=Table("Boxes"), entity_type="box"):
        id: str
        side: int

        primary = PrimaryKey("BOX#{id}", "BOX")

        @computed_field
        def area(self) -> int:
            return self.side**2

    box = Box(id="1", side=3)
    assert "area" not in codec(Box).item(box)
    assert codec(Box).entity(codec(Box).item(box)) == box


# Keys


class Sparse(Entity, table=SHELF, entity_type="sparse"):
    """Has two indexes that it may not have an entry in."""

    id: str
    op: str | None = None
    kind: str | None = None

    primary = PrimaryKey("SPARSE#{id}", "SPARSE")
    by_op = Index(GSI1, "OP#{op}", "KIND#{kind}#{id}")
    by_kind = Index(GSI2, "KIND#{kind}", "SPARSE#{id}")
    unique = Unique("op")


@pytest.mark.parametrize(
    ("op", "kind", "present"),
    [
        (None, None, set()),
        ("UAL", None, set()),
        (None, "B738", {"GSI2PK", "GSI2SK"}),
        ("UAL", "B738", {"GSI1PK", "GSI1SK", "GSI2PK", "GSI2SK"}),
    ],
)
def test_an_index_key_is_whole_or_absent(op: str | None, kind: str | None, present: set[str]) -> None:
    item = codec(Sparse).item(Sparse(id="1", op=op, kind=kind))
    assert {name for name in item if name.startswith("GSI")} == present


def test_a_key_that_is_too_long_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(InvalidKeyError, match="GSI1SK"):
        codec(Sparse).item(Sparse(id="1" * 1024, op="UAL", kind="B738"))


def test_a_component_that_only_the_key_holds_is_read_from_it() -> None:
    foreign = Table("Foreign", KeyAttribute("pk"), KeyAttribute("sk"), typed=False)
    reading = declare(foreign, {"meter": str, "day": date, "watts": int}, PrimaryKey("METER#{meter}", "DAY#{day}"))
    item: Item = {"pk": {"S": "METER#m%231"}, "sk": {"S": "DAY#2026-11-21"}, "watts": {"N": "5"}}
    found = codec(reading).entity(item)
    assert (found.meter, found.day, found.watts) == ("m#1", date(2026, 11, 21), 5)


# Sizes


class Big(Entity, table=Table("Big"), entity_type="big"):
    """As large as a test wants it, and in a table without expiry."""

    id: str
    text: str

    primary = PrimaryKey("BIG#{id}", "BIG")


def test_an_item_of_400_kb_is_taken_and_one_byte_more_is_refused() -> None:
    limit = 400 * 1024
    rest = item_size(codec(Big).item(Big(id="1", text="")))
    item = codec(Big).item(Big(id="1", text="é" * ((limit - rest) // 2) + "x" * ((limit - rest) % 2)))
    assert item_size(check_size(item, "Big")) == limit
    with pytest.raises(ItemTooLargeError, match=f"Big.*{limit + 1}") as caught:
        check_size({**item, "": {"S": "x"}}, "Big")
    assert (caught.value.size_bytes, caught.value.limit_bytes) == (limit + 1, limit)


# What cannot be stored

ODD = PrimaryKey("ODD#{id}", "ODD")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("real", float("nan")),
        ("real", float("inf")),
        ("real", 1e-200),
        ("exact", Decimal("1E+126")),
        ("exact", Decimal("0." + "1" * 39)),
        ("whole", 10**39 + 1),
        ("anything", object()),
        ("anything", {1: "a"}),
        ("anything", {"a", 1}),
        ("anything", [datetime(2026, 1, 1)]),  # noqa: DTZ001 - a naive one on purpose
        ("anything", "\ud800"),
        ("anything", {"a": ["\ud800"]}),
    ],
)
def test_a_field_dynamodb_cannot_hold_is_refused_by_name(field: str, value: Any) -> None:
    odd = declare(Table("Odd"), {"id": str, "real": float, "exact": Decimal, "whole": int, "anything": Any}, ODD)
    with pytest.raises(InvalidValueError, match=field) as caught:
        codec(odd).item(odd(**{"id": "1", "real": 0, "exact": 0, "whole": 0, "anything": None, field: value}))
    assert caught.value.problems[0].endswith(f"@ {field}")


def test_expiry_needs_a_ttl_attribute() -> None:
    with pytest.raises(InvalidValueError, match="no TTL attribute"):
        codec(Big).item(Big(id="1", text="", expires_at=NOW))


def test_expiry_is_stored_in_whole_seconds() -> None:
    one = Missing(id="1", null=None, expires_at=NOW + timedelta(milliseconds=999))
    assert one.expires_at == NOW
    assert codec(Missing).item(one)["delete_at"] == {"N": str(int(NOW.timestamp()))}
