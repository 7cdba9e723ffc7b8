"""Reading in one pass and reading attribute by attribute are the same: for any entity, any item, any damage."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import VERSION, ValidationInfo, field_validator, model_validator

from aircraftops_data import GSI1, Entity, PrimaryKey, Table, upgrader
from aircraftops_data.model.definition import Item
from aircraftops_data.model.entity import UtcDatetime
from aircraftops_data.request import Request
from aircraftops_data.translation.codec import codec_of
from aircraftops_data.translation.readers import ReadItem, ReadItems, reader_of
from aircraftops_data.translation.schemas import available
from aircraftops_data.translation.values import encode_value
from aircraftops_data.wire import body_of
from kinds import LEAVES, SETS, Kind, Point, Strange, Tree, entities, every_shape, outcome
from strategies import Deck, Step, stored_values
from throwaway import declare

needs_one_pass = pytest.mark.skipif(not available(), reason="pydantic before 2.13 cannot build such a schema")
NOW = datetime(2026, 11, 21, 7, tzinfo=UTC)


@st.composite
def items(draw: st.DrawFn, entity: Any, fields: dict[str, Kind]) -> Item:
    """An item of the entity, sound or with some damage: values of other types, NULLs, attributes missing or more."""
    table = entity.definition().table
    item: Item = {"PK": {"S": "ID#1"}, "SK": {"S": "ID"}, "id": {"S": "1"}, "version": {"N": "3"}}
    item |= {"created_at": {"S": "2026-11-21T07:00:00.000000Z"}, "updated_at": {"S": "2026-11-21T08:00:00.000000Z"}}
    item |= {"entity_type": {"S": entity.definition().entity_type}} if table.typed else {}
    for name, kind in fields.items():
        value = draw(kind.values)
        attribute = entity.definition().attributes[name]
        item[attribute] = value if kind.annotation is Any else encode_value(value)
    damage = st.sampled_from([*item, "group", "GSI1PK", "delete_at", "schema_version", "field0", "other"])
    for name in draw(st.lists(damage, max_size=2) if draw(st.booleans()) else st.just([])):
        change = draw(st.sampled_from(["gone", "null", "other", "epoch"]))
        if change == "gone":
            item.pop(name, None)
        else:
            other = draw(stored_values(3)) if change == "other" else {"N": "1795244400"}
            item[name] = {"NULL": True} if change == "null" else other
    return item


def test_a_pydantic_that_can_reads_in_one_pass_and_an_older_one_never() -> None:
    # Any later one that cannot would make everything slow without a word.
    release = tuple(int(part) for part in VERSION.split(".")[:2])
    assert available() == (release >= (2, 13))
    assert (reader_of(Versioned.definition()) is not None) == available()


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


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("place", range(len(LEAVES + SETS)))
@given(data=st.data())
def test_a_field_of_any_kind_reads_alike_alone_in_lists_and_in_maps(
    place: int, alone: bool, data: st.DataObject
) -> None:
    kind = (LEAVES + SETS)[place]
    entity, shapes = every_shape(place, alone=alone)
    codec = codec_of(entity.definition())
    item: Item = {"id": {"S": "1"}, "entity_type": {"S": entity.definition().entity_type}}
    for name, shape in shapes.items():
        value = data.draw(shape.values)
        item[name] = value if kind.annotation is Any and name == "alone" else encode_value(value)
    reader = reader_of(entity.definition())
    slow = outcome(lambda: codec.slow_entity(item))
    assert outcome(lambda: codec.entity(item)) == slow
    response = None if reader is None else reader.read(body_of(Request("Query", {"Items": [item, item]})))
    if response is not None:
        read = response["Items"]
        assert isinstance(read, ReadItems)
        found = [codec.entity(item) if one is None else one for one in read.entities] if slow[0] is entity else []
        assert all(outcome(lambda one=one: one) == slow for one in found)
        assert slow[0] is entity or read.entities == [None, None]


PLAIN = [str, int, float, Decimal, bool, bytes, date, datetime, UtcDatetime, time, timedelta, UUID, Deck, Step, Point]
PLAIN += [Strange, Literal["a"], list[str], list[Point], dict[str, int], set[str], frozenset[int], list[list[int]]]
EXAMPLES: list[Any] = ["x", 1, 1.5, Decimal("1.5"), True, b"x", date(2026, 1, 1), NOW, NOW, time(1), timedelta(1)]
EXAMPLES += [UUID(int=1), Deck.UPPER, Step.ON, Point(lat=1, lon=2), Strange(), "a", ["x"], [Point(lat=1, lon=2)]]
EXAMPLES += [{"a": 1}, {"x"}, frozenset({1}), [[1]]]


@needs_one_pass
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


@needs_one_pass
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


@needs_one_pass
def test_null_is_nothing() -> None:
    reader = reader_of(Versioned.definition())
    assert reader is not None
    assert reader.read(b'{"Item": null}') is None
    response = reader.read(b'{"Items": [], "LastEvaluatedKey": null}')
    assert response is not None
    assert list(response) == ["Items"]


@needs_one_pass
def test_a_response_keeps_what_the_engine_says_around_the_items() -> None:
    key = {"id": {"B": b"\x00\xff"}}
    told = {"Count": 1, "ScannedCount": 2, "LastEvaluatedKey": key, "ConsumedCapacity": {"CapacityUnits": 0.5}}
    reader = reader_of(Versioned.definition())
    assert reader is not None
    response = reader.read(body_of(Request("Query", {"Items": [], **told})))
    assert response is not None
    assert {name: response[name] for name in told} == told


@needs_one_pass
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"<html>", b'{"Items": {}}', b'{"LastEvaluatedKey": 1}', b"\xff"])
def test_a_body_that_is_no_response_is_not_read(body: bytes) -> None:
    reader = reader_of(Versioned.definition())
    assert reader is not None
    assert reader.read(body) is None


@needs_one_pass
def test_a_tree_of_models_is_read_like_any_other_value() -> None:
    entity = declare(Table("Trees", indexes=(GSI1,)), {"id": str, "tree": Tree}, PrimaryKey("ID#{id}", "ID"))
    one = entity(id="1", tree=Tree(value=1, left=Tree(value=2)))
    assert read_in_one_pass(entity, codec_of(entity.definition()).item(one)) == one
