"""Stored items that do not fit their entity: told as such, with `problem @ path`, and never with what they hold."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, StringConstraints, ValidationError, field_validator

from aircraftops_data import GSI1, Entity, Index, PrimaryKey, Table, upgrader
from aircraftops_data.core.partial import Partial, partial_of
from aircraftops_data.errors import CorruptItemError, UnknownEntityTypeError, WrongEntityTypeError
from aircraftops_data.model.definition import Item
from aircraftops_data.model.entity import UtcDatetime
from aircraftops_data.translation.codec import codec_of, is_expired
from strategies import Deck, stored_values, texts
from throwaway import declare

SHELF = Table("Shelf", indexes=(GSI1,), ttl_attribute="delete_at")
NOW = datetime(2026, 11, 21, 7, tzinfo=UTC)
SECRET = "Amelia Earhart"
T = TypeVar("T")


class Part(BaseModel):
    """A model inside an entity."""

    serial: Annotated[str, StringConstraints(max_length=9)]
    hours: Decimal


class Cat(BaseModel):
    """One kind of a union told by its tag."""

    kind: Literal["cat"] = "cat"
    lives: int


class Dog(BaseModel):
    """The other kind."""

    kind: Literal["dog"] = "dog"
    tricks: list[str]


class Log(Entity, table=SHELF, entity_type="log"):
    """Nested enough for mistakes to have places."""

    id: str
    number: int
    at: UtcDatetime
    deck: Deck
    code: Annotated[str, StringConstraints(pattern="^[A-Z]*$")] = ""
    parts: list[Part] = []
    by_name: dict[str, Part] = {}
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    tags: set[str] = set()
    group: str | None = None

    primary = PrimaryKey("LOG#{id}", "LOG")
    by_group = Index(GSI1, "GROUP#{group}", "AT#{at}")


class Other(Entity, table=SHELF, entity_type="other"):
    """Another entity in the same table."""

    id: str
    primary = PrimaryKey("OTHER#{id}", "OTHER")


def stored() -> Item:
    """A sound item with a value in every field."""
    part = Part(serial="S1", hours=Decimal("1.5"))
    log = Log(
        id="1",
        number=5,
        at=NOW,
        deck=Deck.UPPER,
        parts=[part],
        by_name={"left": part},
        pet=Cat(lives=9),
        tags={"a"},
        group="g",
        expires_at=NOW,
        created_at=NOW,
        updated_at=NOW,
        version=3,
    )
    return deepcopy(codec_of(Log.definition()).item(log))


def read(item: Item) -> Log:
    """The entity of an item."""
    found: Log = codec_of(Log.definition()).entity(item)
    return found


# Any damage at all


@st.composite
def damaged(draw: st.DrawFn) -> Item:
    """A sound item of which one to three values, at any depth, are replaced, retyped, dropped or added to."""
    item = stored()
    for _ in range(draw(st.integers(1, 3))):
        holder: dict[str, Any] = item
        while holder and draw(st.booleans()):
            inner = holder[draw(st.sampled_from(sorted(holder)))]
            nested = [part for part in _inside(inner) if part]
            if not nested:
                break
            holder = draw(st.sampled_from(nested))
        name = draw(st.sampled_from(sorted(holder)) | texts()) if holder else draw(texts())
        value = draw(st.none() | stored_values(4))
        if value is None:
            holder.pop(name, None)
        else:
            holder[name] = value
    return item


def _inside(value: Any) -> list[dict[str, Any]]:
    """The maps directly inside a stored value."""
    if not isinstance(value, dict):
        return []
    found = [value["M"]] if isinstance(value.get("M"), dict) else []
    return found + [inner["M"] for inner in value.get("L", []) if isinstance(inner.get("M"), dict)]


def attempted(reading: Callable[[Item], T], item: Item) -> T | CorruptItemError:
    """What was read, or that the item is corrupt; any other error is raised."""
    try:
        return reading(item)
    except CorruptItemError as error:
        return error


def parts(item: Item) -> Partial[Log]:
    """The fields of an item one by one."""
    return partial_of(Log, item, list(Log.model_fields), typed=True)


@given(damaged())
def test_a_damaged_item_is_read_or_corrupt_and_nothing_else(item: Item) -> None:
    found = attempted(read, item)
    if isinstance(found, CorruptItemError):
        assert found.entity == "Log"
        assert found.problems or isinstance(found, UnknownEntityTypeError | WrongEntityTypeError)
    else:
        assert isinstance(found, Log)


@given(damaged())
def test_a_part_of_a_damaged_item_is_read_or_corrupt_and_nothing_else(item: Item) -> None:
    found = attempted(parts, item)
    assert found.entity == "Log" if isinstance(found, CorruptItemError) else found.entity is Log


@given(st.sampled_from(sorted(stored())), stored_values(4))
def test_any_value_in_any_attribute_is_read_or_corrupt(name: str, value: dict[str, Any]) -> None:
    without = {key: held for key, held in stored().items() if key != name}
    for item in ({**stored(), name: value}, without):
        assert isinstance(attempted(read, item), Log | CorruptItemError)


@given(stored_values(4))
def test_whether_an_item_has_expired_can_always_be_told(value: dict[str, Any]) -> None:
    assert is_expired({**stored(), "delete_at": value}, SHELF, NOW) in (True, False)


@pytest.mark.parametrize(
    ("attribute", "value", "place"),
    [
        ("number", {"S": "many"}, "number"),
        ("number", {"NULL": True}, "number"),
        ("number", {"N": "1.5"}, "number"),
        ("number", {"X": "1"}, "number"),
        ("number", {"N": "one"}, "number"),
        ("number", {}, "number"),
        ("at", {"S": "2026-11-21T07:00:00"}, "at"),
        ("at", {"S": "yesterday"}, "at"),
        ("deck", {"S": "MIDDLE"}, "deck"),
        ("code", {"S": "abc"}, "code"),
        ("parts", {"S": "none"}, "parts"),
        ("parts", {"L": [{"M": {"serial": {"S": "1"}}}]}, "parts.0.hours"),
        ("parts", {"L": [{"M": {"serial": {"S": "1" * 10}, "hours": {"N": "1"}}}]}, "parts.0.serial"),
        ("by_name", {"M": {"left": {"S": "x"}}}, "by_name.left"),
        ("pet", {"M": {"kind": {"S": "cow"}}}, "pet"),
        ("pet", {"M": {"kind": {"S": "dog"}}}, "pet.dog.tricks"),
        ("tags", {"NS": ["1"]}, "tags"),
        ("delete_at", {"S": "soon"}, "expires_at"),
        ("delete_at", {"N": "1790000000000"}, "expires_at"),
        ("delete_at", {"N": "1E+30"}, "expires_at"),
        ("version", {"S": "three"}, "version"),
        ("created_at", {"S": "then"}, "created_at"),
    ],
)
def test_a_problem_is_told_with_its_place(attribute: str, value: dict[str, Any], place: str) -> None:
    with pytest.raises(CorruptItemError) as caught:
        read({**stored(), attribute: value})
    assert any(problem.rpartition(" @ ")[2].startswith(place) for problem in caught.value.problems)
    assert caught.value.key == {"PK": {"S": "LOG#1"}, "SK": {"S": "LOG"}}
    assert "Log" in str(caught.value)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(CorruptItemError) as caught:
        read({**stored(), "number": {"S": "x"}, "deck": {"S": "x"}})
    assert [problem.rpartition(" @ ")[2] for problem in caught.value.problems] == ["number", "deck"]


def test_attributes_nobody_declared_are_passed_over() -> None:
    assert read({**stored(), "added_by_others": {"S": "x"}}) == read(stored())


# Nothing of what an item holds is told


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("number", {"S": SECRET}),
        ("at", {"S": SECRET}),
        ("deck", {"S": SECRET}),
        ("code", {"S": SECRET}),
        ("parts", {"L": [{"M": {"serial": {"S": SECRET}, "hours": {"S": SECRET}}}]}),
        ("by_name", {"M": {"left": {"S": SECRET}}}),
        ("pet", {"M": {"kind": {"S": SECRET}}}),
        ("tags", {"L": [{"M": {"a": {"S": SECRET}}}]}),
        ("delete_at", {"S": SECRET}),
        ("version", {"S": SECRET}),
    ],
)
def test_what_an_item_holds_is_in_no_message_and_no_traceback(attribute: str, value: dict[str, Any]) -> None:
    for reading in (read, parts):
        with pytest.raises(CorruptItemError) as caught:
            reading({**stored(), attribute: value})
        assert SECRET not in str(caught.value)
        assert SECRET not in repr(caught.value.problems)
        assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_what_an_entity_is_made_of_is_not_shown_when_it_is_refused() -> None:
    with pytest.raises(ValidationError) as caught:
        Log(id="1", number=SECRET, at=NOW, deck=Deck.UPPER, pet={"kind": "cat", "lives": SECRET})  # type: ignore[arg-type]
    assert SECRET not in str(caught.value)


# Types


def test_an_item_of_another_entity_is_told_from_one_nobody_declared() -> None:
    other = codec_of(Other.definition()).item(Other(id="1"))
    with pytest.raises(WrongEntityTypeError, match=r"Expected Log .* found entity type 'other'") as wrong:
        read(other)
    assert (wrong.value.entity, wrong.value.found) == ("Log", "other")
    for found, item in (("ghost", {**stored(), "entity_type": {"S": "ghost"}}), (None, {"PK": {"S": "x"}})):
        with pytest.raises(UnknownEntityTypeError) as unknown:
            read(item)
        assert unknown.value.found == found


def test_a_table_without_types_takes_every_item_for_what_it_is_asked_as() -> None:
    plain = declare(Table("Plain", typed=False), {"id": str}, PrimaryKey("P#{id}", "P"))
    item: Item = {"PK": {"S": "P#1"}, "SK": {"S": "P"}, "id": {"S": "1"}}
    assert codec_of(plain.definition()).entity(item).id == "1"
    assert "entity_type" not in codec_of(plain.definition()).item(plain(id="1"))


def test_a_foreign_key_that_does_not_parse_is_corrupt() -> None:
    plain = declare(Table("Plain", typed=False), {"id": str}, PrimaryKey("P#{id}", "P"))
    for key in ({"S": "Q#1"}, {"S": "P#1#2"}, {"S": "P#%41"}, {"N": "1"}):
        with pytest.raises(CorruptItemError, match="@ PK"):
            codec_of(plain.definition()).entity({"PK": key, "SK": {"S": "P"}})


# Schema versions


class Plane(Entity, table=SHELF, entity_type="plane", schema_version=3):
    """Had `name` in version 1 and `label` in version 2."""

    id: str
    title: str
    length: int = 0

    primary = PrimaryKey("PLANE#{id}", "PLANE")

    @upgrader(1)
    def _label(values: dict[str, Any]) -> dict[str, Any]:
        return {**values, "label": values.pop("name")}

    @upgrader(2)
    def _title(values: dict[str, Any]) -> dict[str, Any]:
        return {**values, "title": values["label"].upper(), "length": len(values["label"])}


def plane(**attributes: Any) -> Item:
    """A stored plane."""
    return {"PK": {"S": "PLANE#1"}, "SK": {"S": "PLANE"}, "entity_type": {"S": "plane"}, "id": {"S": "1"}, **attributes}


@pytest.mark.parametrize(
    "item",
    [
        plane(name={"S": "concorde"}),
        plane(name={"S": "concorde"}, schema_version={"N": "1"}),
        plane(label={"S": "concorde"}, schema_version={"N": "2"}),
        plane(title={"S": "CONCORDE"}, length={"N": "8"}, schema_version={"N": "3"}),
    ],
)
def test_an_item_of_any_version_is_read_as_the_current_one(item: Item) -> None:
    found = codec_of(Plane.definition()).entity(item)
    assert (found.title, found.length) == ("CONCORDE", 8)


def test_items_are_written_at_the_current_version() -> None:
    assert codec_of(Plane.definition()).item(Plane(id="1", title="A"))["schema_version"] == {"N": "3"}
    assert "schema_version" not in stored()


def test_an_item_of_a_later_version_is_corrupt_to_this_code() -> None:
    with pytest.raises(CorruptItemError, match="schema version 4, this code knows 3"):
        codec_of(Plane.definition()).entity(plane(title={"S": "A"}, schema_version={"N": "4"}))


@pytest.mark.parametrize("version", ["0", "-1", "1.5", "99999999999999999999"])
def test_a_version_that_never_was_is_corrupt(version: str) -> None:
    with pytest.raises(CorruptItemError):
        codec_of(Plane.definition()).entity(plane(name={"S": "concorde"}, schema_version={"N": version}))


@given(stored_values(4))
def test_any_value_for_a_version_is_read_or_corrupt(value: dict[str, Any]) -> None:
    item = plane(name={"S": "concorde"}, schema_version=value)
    assert isinstance(attempted(codec_of(Plane.definition()).entity, item), Plane | CorruptItemError)


def test_an_upgrader_that_fails_is_told_without_what_it_saw() -> None:
    with pytest.raises(CorruptItemError, match="upgrader from version 1: KeyError") as caught:
        codec_of(Plane.definition()).entity(plane(nickname={"S": SECRET}))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("result", [None, [], 5, "text", [("a", 1, 2)]])
def test_an_upgrader_that_returns_no_fields_is_corrupt(result: Any) -> None:
    class Bad(Entity, table=Table("Bad"), entity_type="bad", schema_version=2):
        id: str
        primary = PrimaryKey("BAD#{id}", "BAD")

        @upgrader(1)
        def _nothing(values: dict[str, Any]) -> Any:
            return result

    with pytest.raises(CorruptItemError):
        codec_of(Bad.definition()).entity({**plane(), "entity_type": {"S": "bad"}})


def test_a_rule_of_the_entity_that_fails_is_a_problem_of_the_item() -> None:
    class Strict(Entity, table=Table("Strict"), entity_type="strict"):
        id: str
        primary = PrimaryKey("S#{id}", "S")

        @field_validator("id")
        @classmethod
        def _never(cls, value: str) -> str:
            raise ValueError("an id is never right")

    item: Item = {"PK": {"S": "S#1"}, "SK": {"S": "S"}, "entity_type": {"S": "strict"}, "id": {"S": "1"}}
    with pytest.raises(CorruptItemError, match="an id is never right @ id"):
        codec_of(Strict.definition()).entity(item)
