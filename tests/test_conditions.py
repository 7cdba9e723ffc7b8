"""Conditions: values that compare and print, refuse to be a bool, and name everything by placeholder when sent."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, HttpUrl, PlainSerializer

from aircraftops_data import Entity, PrimaryKey, Table
from aircraftops_data.errors import InvalidInputError, InvalidValueError
from aircraftops_data.model.conditions import Attribute, Condition, FieldPath, Stored
from aircraftops_data.model.entity import UtcDatetime
from aircraftops_data.translation.codec import codec_of
from aircraftops_data.translation.expressions import Changes, expressed
from strategies import Deck, names, plain_values, texts


class Plane(Entity, table=Table("Planes", ttl_attribute="ttl"), entity_type="plane"):
    """Has fields that are DynamoDB's reserved words, and one of each sort."""

    id: str
    name: str = ""
    size: int = 0
    status: Deck = Deck.UPPER
    year: int | None = None
    comment: Annotated[str, Field(alias="user-comment")] = ""
    url: Annotated[HttpUrl, PlainSerializer(str)] | None = None
    weight: Annotated[Decimal, PlainSerializer(lambda weight: f"{weight.normalize():f} kg")] = Decimal(0)
    seen_at: UtcDatetime | None = None
    legs: list[dict[str, Any]] = []
    tags: set[str] = set()

    primary = PrimaryKey("PLANE#{id}", "PLANE")


f: Any = Plane.f
NOW = datetime(2026, 11, 21, 7, tzinfo=UTC)

PRINTED: dict[str, Condition] = {
    "year = 1999": f.year == 1999,
    "year <> 1999": f.year != 1999,
    "year < 1999": f.year < 1999,
    "year <= 1999": f.year <= 1999,
    "year > 1999": f.year > 1999,
    "year >= 1999": f.year >= 1999,
    "name = 'a'": f.name == "a",
    "user-comment = 'a'": f.comment == "a",
    "ttl > 5": f.expires_at > 5,
    "year BETWEEN 1 AND 9": f.year.between(1, 9),
    "year IN (1, 2)": f.year.is_in(1, 2),
    "attribute_exists(year)": f.year.exists(),
    "(NOT attribute_exists(year))": f.year.does_not_exist(),
    "begins_with(name, 'B')": f.name.starts_with("B"),
    "contains(tags, 'x')": f.tags.contains("x"),
    "size(tags) > 3": f.tags.size() > 3,
    "size(tags) = size(name)": f.tags.size() == f.name.size(),
    "year < size": f.year < f["size"],
    "legs[0].from = 'KSFO'": f.legs[0]["from"] == "KSFO",
    "legs[0].to[2] = 'KSFO'": f.legs[0].to[2] == "KSFO",
    "(year = 1 AND name = 'a')": (f.year == 1) & (f.name == "a"),
    "(year = 1 OR name = 'a')": (f.year == 1) | (f.name == "a"),
    "(NOT year = 1)": ~(f.year == 1),
    "((year = 1 OR year = 2) AND (NOT name = 'a'))": ((f.year == 1) | (f.year == 2)) & ~(f.name == "a"),
}
every = pytest.mark.parametrize("text", PRINTED)


@every
def test_how_a_condition_prints(text: str) -> None:
    assert str(PRINTED[text]) == text


@every
def test_a_condition_is_itself_after_pickling_and_copying(text: str) -> None:
    condition = PRINTED[text]
    assert pickle.loads(pickle.dumps(condition)) == condition
    assert copy.deepcopy(condition) == condition


def test_conditions_are_equal_when_they_ask_the_same() -> None:
    for one, condition in PRINTED.items():
        assert [text for text, other in PRINTED.items() if other == condition] == [one]
    assert (f.year == 1) == (Plane.f.year == 1)
    assert hash(f.year == 1) == hash(Plane.f.year == 1)
    assert (f.year == 1) & (f.year == 2) != (f.year == 2) & (f.year == 1)


@every
def test_a_condition_is_no_bool(text: str) -> None:
    with pytest.raises(TypeError, match="&"):
        bool(PRINTED[text])


@pytest.mark.parametrize(
    "dropping",
    [
        lambda: (f.year == 1) and (f.name == "a"),
        lambda: (f.year == 1) or (f.name == "a"),
        lambda: not (f.year > 1),
        lambda: 1 < f.year < 5,
        lambda: f.year in [1, 2],
        lambda: 1 if f.year == 1 else 2,
    ],
    ids=["and", "or", "not", "a chain", "in", "if"],
)
def test_python_words_that_would_drop_a_part_are_refused(dropping: Callable[[], object]) -> None:
    with pytest.raises(TypeError, match="&"):
        dropping()


def test_a_condition_is_frozen() -> None:
    with pytest.raises(AttributeError):
        (f.year == 1).operator = "<>"


def test_a_field_the_entity_lacks_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Plane has no field 'colour'"):
        f.colour
    with pytest.raises(AttributeError, match="Plane has no field 'colour'"):
        f["colour"]


def test_the_fields_are_listed() -> None:
    assert {"id", "year", "expires_at", "version"} <= set(dir(f))


def test_a_field_path_prints_as_it_is_written_and_is_no_key_of_a_dict() -> None:
    assert repr(f.legs[0]["from"]) == "Plane.f.legs[0].from"
    with pytest.raises(TypeError, match="unhashable"):
        hash(f.year)


# What is sent


def rendered(condition: Condition) -> tuple[str, dict[str, str], dict[str, Any]]:
    """The expression with its names and values, as Plane's own codec writes them."""
    found = expressed(codec_of(Plane.definition()).operand, ConditionExpression=condition)
    text = found["ConditionExpression"]
    return text, found.get("ExpressionAttributeNames", {}), found.get("ExpressionAttributeValues", {})


@every
def test_names_and_values_are_sent_by_placeholder_alone(text: str) -> None:
    expression, held, values = rendered(PRINTED[text])
    left = re.sub(r"#\d+|:\d+|\[\d+\]", "", expression)
    words = set(re.findall(r"[A-Za-z_]+", left))
    assert words <= {"AND", "OR", "NOT", "BETWEEN", "IN", "attribute_exists", "attribute_not_exists"} | {
        "begins_with",
        "contains",
        "size",
    }
    assert set(re.findall(r"#\d+", expression)) == set(held)
    assert set(re.findall(r":\d+", expression)) == set(values)


@pytest.mark.parametrize(
    ("condition", "expression", "held", "values"),
    [
        (f.name == "a", "#0 = :0", {"#0": "name"}, {":0": {"S": "a"}}),
        (f.comment != "a", "#0 <> :0", {"#0": "user-comment"}, {":0": {"S": "a"}}),
        (f.status == Deck.ODD, "#0 = :0", {"#0": "status"}, {":0": {"S": "A#B%"}}),
        (f.year.between(1, 9), "#0 BETWEEN :0 AND :1", {"#0": "year"}, {":0": {"N": "1"}, ":1": {"N": "9"}}),
        (f.year.is_in(1, 2), "#0 IN (:0, :1)", {"#0": "year"}, {":0": {"N": "1"}, ":1": {"N": "2"}}),
        (f.year.does_not_exist(), "attribute_not_exists (#0)", {"#0": "year"}, {}),
        (f.name.starts_with("B"), "begins_with (#0, :0)", {"#0": "name"}, {":0": {"S": "B"}}),
        (f.tags.contains("x"), "contains (#0, :0)", {"#0": "tags"}, {":0": {"S": "x"}}),
        (f.tags.size() > 3, "size (#0) > :0", {"#0": "tags"}, {":0": {"N": "3"}}),
        (f.year < f["size"], "#0 < #1", {"#0": "year", "#1": "size"}, {}),
        (f.legs[0]["from"] == "K", "#0[0].#1 = :0", {"#0": "legs", "#1": "from"}, {":0": {"S": "K"}}),
        (f.legs[0]["a.b"] == "K", "#0[0].#1 = :0", {"#0": "legs", "#1": "a.b"}, {":0": {"S": "K"}}),
        (f.expires_at > NOW, "#0 > :0", {"#0": "ttl"}, {":0": {"N": str(int(NOW.timestamp()))}}),
        (f.url == HttpUrl("https://a.b/"), "#0 = :0", {"#0": "url"}, {":0": {"S": "https://a.b/"}}),
        (f.size == Decimal("1.50"), "#0 = :0", {"#0": "size"}, {":0": {"N": "1.5"}}),
        (f.name == Stored({"S": "as it is"}), "#0 = :0", {"#0": "name"}, {":0": {"S": "as it is"}}),
        (f.tags == {"a"}, "#0 = :0", {"#0": "tags"}, {":0": {"SS": ["a"]}}),
    ],
    ids=str,
)
def test_what_a_condition_is_sent_as(
    condition: Condition, expression: str, held: dict[str, str], values: dict[str, Any]
) -> None:
    assert rendered(condition) == (expression, held, values)


def test_an_instant_is_compared_in_the_form_it_is_stored_in() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=-5)))
    assert rendered(f.seen_at > elsewhere)[2] == {":0": {"S": "2026-11-21T07:00:00.000000Z"}}
    with pytest.raises(InvalidValueError):
        rendered(f.seen_at > NOW.replace(tzinfo=None))


def test_an_expiry_is_compared_with_an_instant_that_names_one() -> None:
    with pytest.raises(InvalidValueError):
        rendered(f.expires_at > NOW.replace(tzinfo=None))


def test_an_operand_is_serialized_as_its_field_is_where_it_can_be() -> None:
    assert rendered(f.weight == Decimal("1E+3"))[2] == {":0": {"S": "1000 kg"}}
    assert rendered(f.weight == "1000 kg")[2] == {":0": {"S": "1000 kg"}}


@given(st.lists(names(), min_size=1, max_size=4), plain_values(4))
def test_any_name_and_any_value_is_sent_by_placeholder(path: list[str], value: Any) -> None:
    place = Attribute(path[0], tuple(path[1:]))
    condition = FieldPath(Plane, "legs", place) != value
    if value is None or any("[" in name or "]" in name for name in path):
        with pytest.raises(InvalidInputError):
            rendered(condition)
        return
    expression, held, values = rendered(condition)
    assert re.fullmatch(r"#\d+(\.#\d+)* <> :0", expression)
    assert [held[place] for place in re.findall(r"#\d+", expression)] == path
    assert len(values) == 1


def joined(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    """Two conditions with AND or OR, or one negated."""
    both = st.tuples(inner, inner)
    return both.map(lambda two: two[0] & two[1]) | both.map(lambda two: two[0] | two[1]) | inner.map(lambda one: ~one)


@given(st.recursive(texts().map(lambda text: f.name == text), joined, max_leaves=12))
def test_a_combination_is_sent_with_each_value_once(condition: Condition) -> None:
    expression, held, values = rendered(condition)
    assert expression.count("(") == expression.count(")")
    assert held == {"#0": "name"}
    assert len(values) == len(re.findall(r":\d+", expression)) == str(condition).count("name = ")


@pytest.mark.parametrize(
    "condition",
    [f.year == None, f.year != None, f.year.between(None, 5), f.year.between(5, None), f.year.is_in(1, None)],  # noqa: E711
    ids=str,
)
def test_nothing_equals_none(condition: Condition) -> None:
    with pytest.raises(InvalidValueError, match="does_not_exist"):
        rendered(condition)


@pytest.mark.parametrize("count", [0, 101])
def test_in_takes_1_to_100_values(count: int) -> None:
    with pytest.raises(InvalidInputError, match="1 to 100"):
        rendered(f.year.is_in(*range(count)))


def test_in_takes_100_values() -> None:
    assert len(rendered(f.year.is_in(*range(100)))[2]) == 100


@pytest.mark.parametrize("path", [f.legs[-1], f.legs[""], f.legs["a[0]"], f.legs["]"]], ids=repr)
def test_a_place_expressions_cannot_name_is_refused(path: Any) -> None:
    with pytest.raises(InvalidInputError):
        rendered(path == 1)
    with pytest.raises(InvalidInputError):
        expressed(ProjectionExpression=[path.attribute])


def test_what_is_no_condition_is_refused() -> None:
    for wrong in ("year = 1", True, f.year):
        with pytest.raises(InvalidInputError, match="is not a condition"):
            expressed(ConditionExpression=wrong)
        with pytest.raises((InvalidInputError, TypeError)):
            rendered((f.year == 1) & wrong)


# Updates and projections


def test_an_update_names_everything_by_placeholder() -> None:
    changes = Changes(
        set={"name": {"S": "a"}, "a.b": {"N": "1"}},
        remove=["size"],
        add={"tags": {"SS": ["x"]}},
        set_if_absent={"created_at": {"S": "t"}},
        count=["version"],
        shift=[("former", "name")],
    )
    found = expressed(UpdateExpression=changes)
    assert found["UpdateExpression"] == (
        "SET #0 = :0, #1 = :1, #2 = if_not_exists (#2, :2), #3 = if_not_exists (#3, :3) + :4, "
        "#4 = if_not_exists (#0, :5) REMOVE #5 ADD #6 :6"
    )
    assert list(found["ExpressionAttributeNames"].values()) == [
        *("name", "a.b", "created_at", "version", "former", "size", "tags")
    ]
    assert list(found["ExpressionAttributeValues"].values()) == [
        *({"S": "a"}, {"N": "1"}, {"S": "t"}, {"N": "0"}, {"N": "1"}, {"S": "a"}, {"SS": ["x"]})
    ]


def test_the_expressions_of_one_request_share_names_and_keep_values_apart() -> None:
    found = expressed(
        UpdateExpression=Changes({"name": {"S": "new"}}),
        ConditionExpression=f.name == "old",
        ProjectionExpression=[Attribute("name"), Attribute("legs", (0, "from"))],
    )
    assert found["UpdateExpression"] == "SET #0 = :0"
    assert found["ConditionExpression"] == "#0 = :1"
    assert found["ProjectionExpression"] == "#0, #1[0].#2"
    assert found["ExpressionAttributeValues"] == {":0": {"S": "new"}, ":1": {"S": "old"}}


def test_without_names_and_values_no_parameters_are_sent() -> None:
    assert expressed(ConditionExpression=None) == {}
