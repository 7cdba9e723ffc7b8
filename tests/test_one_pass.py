"""Reading in one pass and reading attribute by attribute are the same: for any entity, any item, any damage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Optional
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    WrapValidator,
    field_validator,
    model_validator,
)

from aircraftops_data import GSI1, GSI2, Entity, Index, PrimaryKey, Table, upgrader
from aircraftops_data.errors import AircraftOpsDataError
from aircraftops_data.model.definition import Item
from aircraftops_data.model.entity import UtcDatetime
from aircraftops_data.request import Request
from aircraftops_data.translation.codec import codec_of
from aircraftops_data.translation.readers import ReadItem, ReadItems, reader_of
from aircraftops_data.translation.values import encode_value
from aircraftops_data.wire import body_of
from strategies import Deck, Step, numbers, stored_values, texts, zoned
from throwaway import declare

NOW = datetime(2026, 11, 21, 7, tzinfo=UTC)


class Point(BaseModel):
    """A model of plain values."""

    lat: float
    lon: float
    name: str | None = None


class Strange(BaseModel):
    """A model with an alias, extra values refused, and a rule over two fields."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["strange"] = "strange"
    first: Annotated[int, Field(alias="eins")] = 1
    second: Deck | None = Deck.UPPER

    @model_validator(mode="after")
    def _in_order(self) -> Strange:
        if self.first == 13:
            raise ValueError("unlucky")
        return self


class Open(BaseModel):
    """A model that keeps what it does not know."""

    model_config = ConfigDict(extra="allow")

    known: int = 0


class Named(BaseModel):
    """A model whose fields and default are named like parts of a schema."""

    metadata: IPv4Address
    ref: Annotated[dict[str, Any], Field(default={"ref": 1, "metadata": 2, "serialization": 3})]
    serialization: int = 0


class Loose(BaseModel):
    """A model that takes any map, and any map of maps."""

    known: int = 0
    more: dict[str, Point] = {}


class Tree(BaseModel):
    """A model that holds itself."""

    value: int
    left: Optional[Tree] = None  # noqa: UP045 - the name must be looked up late


class Shouted(BaseModel):
    """A model that looks at its input first."""

    text: str

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"text": value} if isinstance(value, str) else value


def shout(value: Any) -> Any:
    """Sees whatever the input is."""
    return value.upper() if isinstance(value, str) else value


def around(value: Any, inner: Callable[[Any], Any]) -> Any:
    """Sees the input and what becomes of it."""
    return inner(value if value != "" else "empty")


@dataclass(frozen=True)
class Kind:
    """A type a field can have, and Python values of it as they are stored."""

    annotation: Any
    values: st.SearchStrategy[Any]


def _model(model: Any, values: st.SearchStrategy[Any]) -> Kind:
    return Kind(model, values)


points = st.builds(dict, lat=numbers(), lon=st.integers(-180, 180), name=st.none() | texts())
stranges = st.builds(dict, eins=st.sampled_from([1, 13]), second=st.sampled_from(["UPPER", "odd", None]))
trees = st.recursive(
    st.builds(dict, value=st.integers(0, 9)), lambda inner: st.builds(dict, value=st.integers(0, 9), left=inner)
)

LEAVES = [
    Kind(str, texts()),
    Kind(int, st.integers(-(10**37), 10**37) | st.just(Decimal("1E+30"))),
    Kind(float, numbers()),
    Kind(Decimal, numbers()),
    Kind(bool, st.booleans()),
    Kind(bytes, st.binary(max_size=6)),
    Kind(date, st.dates().map(str)),
    Kind(datetime, zoned()),
    Kind(UtcDatetime, zoned() | st.just("2026-11-21T07:00:00+01:00")),
    Kind(time, st.times().map(str)),
    Kind(timedelta, st.timedeltas(timedelta(0), timedelta(days=9))),
    Kind(UUID, st.uuids()),
    Kind(Deck, st.sampled_from(["UPPER", "A#B%", "nowhere"])),
    Kind(Step, st.sampled_from([-1, 0, 10, 11])),
    Kind(Literal["a", "b"], st.sampled_from(["a", "b", "c"])),
    Kind(Literal[1, 2], st.sampled_from([1, 2, 3])),
    Kind(Literal[1, "a", None], st.sampled_from([1, "a", None])),
    Kind(Any, stored_values(3)),
    Kind(IPv4Address, st.ip_addresses(v=4).map(str)),
    Kind(PurePosixPath, st.just("/a/b")),
    Kind(int | str, st.integers(0, 9) | st.sampled_from(["1", "x"])),
    Kind(str | datetime, texts() | st.just("2026-11-21T07:00:00Z")),
    Kind(date | int, st.just("2026-11-21") | st.integers(0, 99)),
    Kind(Annotated[int, Field(ge=0, le=9)], st.integers(-3, 12)),
    Kind(Annotated[int, Field(strict=True)], st.integers(0, 9)),
    Kind(Annotated[datetime, Field(strict=True)], st.just("2026-11-21T07:00:00Z")),
    Kind(Annotated[str, StringConstraints(pattern="^[A-Z]*$", to_upper=True)], texts()),
    Kind(Annotated[Decimal, Field(max_digits=4, decimal_places=2)], numbers()),
    Kind(Annotated[str, AfterValidator(str.strip)], texts()),
    Kind(Annotated[str, BeforeValidator(shout)], texts()),
    Kind(Annotated[int, BeforeValidator(shout)], st.integers(0, 9)),
    Kind(Annotated[str, WrapValidator(around)], st.just("") | texts()),
    Kind(Annotated[int | None, AfterValidator(lambda value: value or 7)], st.none() | st.integers(0, 2)),
    Kind(Point, points),
    Kind(Strange, stranges),
    Kind(Open, st.just({"known": 1, "more": "x"})),
    Kind(Loose, st.just({"known": 1, "more": {}}) | st.just({"S": 1, "NULL": True})),
    Kind(Named, st.builds(dict, metadata=st.ip_addresses(v=4).map(str))),
    Kind(Named | int, st.builds(dict, metadata=st.ip_addresses(v=4).map(str)) | st.integers()),
    Kind(Tree, trees),
    Kind(Shouted, st.just("x") | st.just({"text": "y"})),
    Kind(Annotated[Strange | Open, Field(union_mode="left_to_right")], stranges | st.just({"known": 2})),
]


def _list(of: Kind) -> Kind:
    return Kind(list[of.annotation], st.lists(of.values, max_size=3))  # type: ignore[name-defined]


def _tuple(of: Kind) -> Kind:
    return Kind(tuple[of.annotation, ...], st.lists(of.values, max_size=3))  # type: ignore[name-defined]


def _dict(of: Kind) -> Kind:
    return Kind(dict[str, of.annotation], st.dictionaries(texts().filter(bool), of.values, max_size=3))  # type: ignore[name-defined]


def _optional(of: Kind) -> Kind:
    return Kind(Optional[of.annotation], st.none() | of.values)  # noqa: UP045 - made while it runs


SETS = [
    Kind(set[str], st.sets(texts(), max_size=3)),
    Kind(frozenset[int], st.sets(st.integers(0, 99), max_size=3)),
    Kind(set[bytes], st.sets(st.binary(max_size=3), max_size=3)),
    Kind(set[Deck], st.sets(st.sampled_from(["UPPER", "LOWER"]), max_size=2)),
    Kind(Annotated[set[Decimal], Field(max_length=2)], st.sets(st.integers(0, 99), max_size=3)),
    Kind(set[str] | None, st.none() | st.sets(texts(), max_size=3)),
]

kinds = st.recursive(
    st.sampled_from(LEAVES + SETS),
    lambda inner: st.builds(lambda of, around: around(of), inner, st.sampled_from([_list, _tuple, _dict, _optional])),
    max_leaves=3,
)


@st.composite
def entities(draw: st.DrawFn) -> tuple[Any, dict[str, Kind]]:
    """An entity class with some fields of any kinds, and the kinds."""
    fields = {f"field{i}": kind for i, kind in enumerate(draw(st.lists(kinds, min_size=1, max_size=4)))}
    typed, ttl = draw(st.booleans()), draw(st.sampled_from(["delete_at", None]))
    table = Table("Shelf", indexes=(GSI1, GSI2), ttl_attribute=ttl, typed=typed)
    body = {name: None for name in fields if draw(st.sampled_from([True, False, False]))}
    annotations = {"id": str, "group": str | None, **{name: kind.annotation for name, kind in fields.items()}}
    index = Index(GSI1, "GROUP#{group}", "ID#{id}")
    return declare(table, annotations, PrimaryKey("ID#{id}", "ID"), group=None, by_group=index, **body), fields


@st.composite
def items(draw: st.DrawFn, entity: Any, fields: dict[str, Kind]) -> Item:
    """An item of the entity, sound or with some damage: values of other types, NULLs, attributes missing or more."""
    table = entity.definition().table
    item: Item = {"PK": {"S": "ID#1"}, "SK": {"S": "ID"}, "id": {"S": "1"}, "version": {"N": "3"}}
    item |= {"created_at": {"S": "2026-11-21T07:00:00.000000Z"}, "updated_at": {"S": "2026-11-21T08:00:00.000000Z"}}
    item |= {"entity_type": {"S": entity.definition().entity_type}} if table.typed else {}
    for name, kind in fields.items():
        value = draw(kind.values)
        item[name] = value if kind.annotation is Any else encode_value(value)
    damage = st.sampled_from([*item, "group", "GSI1PK", "delete_at", "schema_version", "field0", "other"])
    for name in draw(st.lists(damage, max_size=2) if draw(st.booleans()) else st.just([])):
        change = draw(st.sampled_from(["gone", "null", "other", "epoch"]))
        if change == "gone":
            item.pop(name, None)
        else:
            other = draw(stored_values(3)) if change == "other" else {"N": "1795244400"}
            item[name] = {"NULL": True} if change == "null" else other
    return item


def outcome(read: Callable[[], Any]) -> Any:
    """What came of it, in full: also the types inside, and the words of an error."""
    try:
        entity = read()
    except AircraftOpsDataError as error:
        return type(error), str(error)
    return type(entity), spelled(entity)


def spelled(value: Any) -> Any:
    """A value with the types of everything in it; sets in a fixed order."""
    if isinstance(value, BaseModel):
        extra = value.__pydantic_extra__ or {}
        return type(value), {name: spelled(inner) for name, inner in {**dict(value), **extra}.items()}
    if isinstance(value, dict):
        return type(value), [(spelled(name), spelled(inner)) for name, inner in value.items()]
    if isinstance(value, set | frozenset):
        return type(value), sorted(repr(spelled(inner)) for inner in value)
    if isinstance(value, list | tuple):
        return type(value), [spelled(inner) for inner in value]
    return type(value), repr(value)


@given(st.data())
def test_reading_in_one_pass_and_attribute_by_attribute_agree(data: st.DataObject) -> None:
    entity, fields = data.draw(entities())
    codec = codec_of(entity.definition())
    reader = reader_of(entity.definition())
    for item in data.draw(st.lists(items(entity, fields), min_size=1, max_size=3)):
        slow = outcome(lambda item=item: codec.slow_entity(item))
        assert outcome(lambda item=item: codec.entity(item)) == slow
        response = None if reader is None else reader.read(body_of(Request("GetItem", {"Item": item})))
        assert response is None or outcome(lambda found=response: codec.entity(found["Item"])) == slow
        assert response is None or dict(response["Item"]) == item


@pytest.mark.parametrize("place", range(len(LEAVES + SETS)))
@given(data=st.data())
def test_a_field_of_any_kind_reads_alike_alone_in_lists_and_in_maps(place: int, data: st.DataObject) -> None:
    kind = (LEAVES + SETS)[place]
    entity, shapes = _every_shape(place)
    codec = codec_of(entity.definition())
    item: Item = {"id": {"S": "1"}, "entity_type": {"S": entity.definition().entity_type}}
    for name, shape in shapes.items():
        value = data.draw(shape.values)
        item[name] = value if kind.annotation is Any and name == "alone" else encode_value(value)
    reader = reader_of(entity.definition())
    assert reader is not None
    slow = outcome(lambda: codec.slow_entity(item))
    assert outcome(lambda: codec.entity(item)) == slow
    response = reader.read(body_of(Request("Query", {"Items": [item, item]})))
    if response is not None:
        read = response["Items"]
        assert isinstance(read, ReadItems)
        found = [codec.entity(item) if one is None else one for one in read.entities] if slow[0] is entity else []
        assert all(outcome(lambda one=one: one) == slow for one in found)
        assert slow[0] is entity or read.entities == [None, None]


SHAPES: dict[int, tuple[Any, dict[str, Kind]]] = {}


def _every_shape(place: int) -> tuple[Any, dict[str, Kind]]:
    """An entity that holds a kind in every way; declared once."""
    if place not in SHAPES:
        kind = (LEAVES + SETS)[place]
        shapes = {"alone": kind, "maybe": _optional(kind), "many": _list(kind), "named": _dict(kind)}
        annotations = {"id": str, **{name: shape.annotation for name, shape in shapes.items()}}
        table = Table(f"Shapes{place}", indexes=(GSI1,), ttl_attribute=None)
        SHAPES[place] = declare(table, annotations, PrimaryKey("ID#{id}", "ID")), shapes
    return SHAPES[place]


PLAIN = [str, int, float, Decimal, bool, bytes, date, datetime, UtcDatetime, time, timedelta, UUID, Deck, Step, Point]
PLAIN += [Strange, Literal["a"], list[str], list[Point], dict[str, int], set[str], frozenset[int], list[list[int]]]
EXAMPLES: list[Any] = ["x", 1, 1.5, Decimal("1.5"), True, b"x", date(2026, 1, 1), NOW, NOW, time(1), timedelta(1)]
EXAMPLES += [UUID(int=1), Deck.UPPER, Step.ON, Point(lat=1, lon=2), Strange(), "a", ["x"], [Point(lat=1, lon=2)]]
EXAMPLES += [{"a": 1}, {"x"}, frozenset({1}), [[1]]]


@pytest.mark.parametrize(
    ("annotation", "value"), list(zip(PLAIN, EXAMPLES, strict=True)), ids=map(str, range(len(PLAIN)))
)
def test_the_usual_types_take_the_one_pass(annotation: Any, value: Any) -> None:
    table = Table("Usual", indexes=(GSI1,), ttl_attribute="delete_at")
    entity = declare(table, {"id": str, "value": annotation, "maybe": annotation | None}, PrimaryKey("ID#{id}", "ID"))
    one = entity(id="1", value=value, maybe=None, expires_at=NOW)
    assert read_in_one_pass(entity, codec_of(entity.definition()).item(one)) == one


def read_in_one_pass(entity: Any, item: Item) -> Any:
    """The entity as one pass reads it; None where it does not."""
    reader = reader_of(entity.definition())
    assert reader is not None
    response = reader.read(body_of(Request("GetItem", {"Item": item})))
    assert response is None or isinstance(response["Item"], ReadItem)
    return None if response is None else response["Item"].entity


class Versioned(Entity, table=Table("Versioned", indexes=(GSI1,)), entity_type="versioned", schema_version=2):
    """Has been stored in an older shape too."""

    id: str
    name: str = ""
    primary = PrimaryKey("ID#{id}", "ID")

    @upgrader(1)
    def _renamed(values: dict[str, Any]) -> dict[str, Any]:
        return {**values, "name": values.get("title", "")}


def test_only_items_of_the_current_schema_version_are_read_in_one_pass() -> None:
    item = codec_of(Versioned.definition()).item(Versioned(id="1", name="new"))
    assert read_in_one_pass(Versioned, item) == Versioned(id="1", name="new")
    old = {name: value for name, value in item.items() if name not in ("schema_version", "name")}
    assert read_in_one_pass(Versioned, {**old, "title": {"S": "old"}}) is None
    assert codec_of(Versioned.definition()).entity({**old, "title": {"S": "old"}}).name == "old"
    assert read_in_one_pass(Versioned, {**item, "schema_version": {"N": "3"}}) is None


class Looking(Entity, table=Table("Looking", indexes=(GSI1,)), entity_type="looking"):
    """Has a rule that is told how it is called."""

    id: str
    mode: str = ""
    primary = PrimaryKey("ID#{id}", "ID")

    @field_validator("mode")
    @classmethod
    def _told(cls, value: str, info: ValidationInfo) -> str:
        return f"{value}{info.mode}"


class Early(Entity, table=Table("Early", indexes=(GSI1,)), entity_type="early"):
    """Has a rule that sees the whole input."""

    id: str
    primary = PrimaryKey("ID#{id}", "ID")

    @model_validator(mode="before")
    @classmethod
    def _first(cls, value: Any) -> Any:
        return value


@pytest.mark.parametrize("entity", [Looking, Early])
def test_a_rule_that_would_see_the_wire_form_keeps_an_entity_on_the_slow_way(entity: type[Entity]) -> None:
    assert reader_of(entity.definition()) is None


def test_null_is_nothing() -> None:
    reader = reader_of(Versioned.definition())
    assert reader is not None
    assert reader.read(b'{"Item": null}') is None
    response = reader.read(b'{"Items": [], "LastEvaluatedKey": null}')
    assert response is not None
    assert list(response) == ["Items"]


def test_a_response_keeps_what_the_engine_says_around_the_items() -> None:
    key = {"id": {"B": b"\x00\xff"}}
    told = {"Count": 1, "ScannedCount": 2, "LastEvaluatedKey": key, "ConsumedCapacity": {"CapacityUnits": 0.5}}
    reader = reader_of(Versioned.definition())
    assert reader is not None
    response = reader.read(body_of(Request("Query", {"Items": [], **told})))
    assert response is not None
    assert {name: response[name] for name in told} == told


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"<html>", b'{"Items": {}}', b'{"LastEvaluatedKey": 1}', b"\xff"])
def test_a_body_that_is_no_response_is_not_read(body: bytes) -> None:
    reader = reader_of(Versioned.definition())
    assert reader is not None
    assert reader.read(body) is None


def test_a_tree_of_models_is_read_like_any_other_value() -> None:
    entity = declare(Table("Trees", indexes=(GSI1,)), {"id": str, "tree": Tree}, PrimaryKey("ID#{id}", "ID"))
    one = entity(id="1", tree=Tree(value=1, left=Tree(value=2)))
    assert read_in_one_pass(entity, codec_of(entity.definition()).item(one)) == one
