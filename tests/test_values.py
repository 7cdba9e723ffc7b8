"""Values and numbers as DynamoDB holds them: both ways without loss, or a clear refusal."""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, HttpUrl, SecretBytes, SecretStr, TypeAdapter

from aircraftops_data.errors import CorruptItemError, InvalidValueError
from aircraftops_data.model.numbers import number_text, number_value
from aircraftops_data.translation.values import decode_value, encode_value, item_size
from strategies import Deck, Step, numbers, plain_values, stored_values, texts, zoned

# Numbers


@given(numbers())
def test_a_number_is_read_back_as_it_was(number: int | Decimal) -> None:
    assert number_value(number_text(number)) == number


@given(st.integers(1 - 10**38, 10**38 - 1))
def test_a_whole_number_of_38_digits_is_read_back_as_an_int(number: int) -> None:
    found = number_value(number_text(number))
    assert type(found) is int
    assert found == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_read_back_as_it_was_or_refused(number: float) -> None:
    if number != 0 and not 1e-130 <= abs(number) < 1e126:
        with pytest.raises(InvalidValueError):
            number_text(number)
        return
    assert float(number_value(number_text(number))) == number


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0, "0"),
        (-7, "-7"),
        (True, "1"),
        (Step.ON, "10"),
        (10**38 - 1, "9" * 38),
        (10**125, "1E+125"),
        (-(10**125), "-1E+125"),
        (int("9" * 38 + "0" * 88), "9." + "9" * 37 + "E+125"),
        (0.1, "0.1"),
        (1e-7, "1E-7"),
        (Decimal("1E-130"), "1E-130"),
        (Decimal("1.10"), "1.1"),
        (Decimal("0.000"), "0"),
        (Decimal("0." + "3" * 38), "0." + "3" * 38),
    ],
)
def test_how_a_number_is_written(number: Any, written: str) -> None:
    assert number_text(number) == written or Decimal(number_text(number)) == Decimal(written)


@pytest.mark.parametrize(
    "number",
    [
        float("nan"),
        float("inf"),
        float("-inf"),
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        10**38 + 1,
        -(10**38) - 1,
        10**126,
        int("9" * 39),
        Decimal("9" * 39),
        Decimal("1E+126"),
        Decimal("1E-131"),
        Decimal("1.1E-140"),
        Decimal("0." + "1" * 39),
        1e126,
        1e-131,
        5e-324,
        pytest.param(10**5000, id="an int of 5001 digits"),
    ],
)
def test_a_number_dynamodb_would_round_is_refused(number: Any) -> None:
    with pytest.raises(InvalidValueError):
        number_text(number)
    with pytest.raises(InvalidValueError):
        encode_value(number)


# Values


@given(plain_values())
def test_a_value_is_read_back_as_it_was(value: Any) -> None:
    stored = encode_value(value)
    assert decode_value(stored) == value
    assert encode_value(decode_value(stored)) == stored


@given(stored_values())
def test_a_stored_value_is_written_back_as_it_was(stored: dict[str, Any]) -> None:
    assert canonical(encode_value(decode_value(stored))) == canonical(stored)


def canonical(stored: dict[str, Any]) -> Any:
    """A stored value with numbers by value and sets without order."""
    ((kind, value),) = stored.items()
    match kind:
        case "N":
            return Decimal(value)
        case "NS":
            return kind, {Decimal(number) for number in value}
        case "SS" | "BS":
            return kind, set(value)
        case "L":
            return kind, [canonical(inner) for inner in value]
        case "M":
            return kind, {name: canonical(inner) for name, inner in value.items()}
        case _:
            return kind, value


class Engine(BaseModel):
    """A model inside a value."""

    model: str
    thrust: Decimal | None = None


def kind(value: Any) -> str:
    """What a test of a value is called: sets and objects print differently in every process."""
    return type(value).__name__


ID = UUID("12345678-1234-5678-1234-567812345678")


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("", {"S": ""}),
        ("\U0001f6e9", {"S": "\U0001f6e9"}),
        (True, {"BOOL": True}),
        (None, {"NULL": True}),
        (5, {"N": "5"}),
        (2.5, {"N": "2.5"}),
        (b"", {"B": b""}),
        (bytearray(b"a"), {"B": b"a"}),
        (memoryview(b"a"), {"B": b"a"}),
        ([], {"L": []}),
        ((), {"L": []}),
        (deque([1]), {"L": [{"N": "1"}]}),
        ((1, "a"), {"L": [{"N": "1"}, {"S": "a"}]}),
        ({}, {"M": {}}),
        (OrderedDict(a=1), {"M": {"a": {"N": "1"}}}),
        ({"a": None}, {"M": {"a": {"NULL": True}}}),
        ({"b", "a"}, {"SS": ["a", "b"]}),
        (frozenset({2, 1, Decimal("1.5")}), {"NS": ["1", "1.5", "2"]}),
        ({b"b", b"a"}, {"BS": [b"a", b"b"]}),
        ({""}, {"SS": [""]}),
        ({ID}, {"SS": [str(ID)]}),
        (set(), {"L": []}),
        (Deck.ODD, {"S": "A#B%"}),
        (Step.BACK, {"N": "-1"}),
        (ID, {"S": "12345678-1234-5678-1234-567812345678"}),
        (date(2026, 11, 21), {"S": "2026-11-21"}),
        (time(7, 30), {"S": "07:30:00"}),
        (timedelta(hours=-1), {"S": "-PT1H"}),
        (datetime(2026, 11, 21, 9, tzinfo=timezone(timedelta(hours=2))), {"S": "2026-11-21T07:00:00.000000Z"}),
        (Engine(model="CFM56"), {"M": {"model": {"S": "CFM56"}, "thrust": {"NULL": True}}}),
        (HttpUrl("https://example.com/a"), {"S": "https://example.com/a"}),
        (IPv4Address("10.0.0.1"), {"S": "10.0.0.1"}),
        (Path("a/b"), {"S": "a/b"}),
    ],
    ids=kind,
)
def test_how_a_value_is_stored(value: Any, stored: dict[str, Any]) -> None:
    assert encode_value(value) == stored


@given(zoned(), zoned())
def test_instants_are_stored_so_that_text_order_is_time_order(one: datetime, other: datetime) -> None:
    stored = [encode_value(instant)["S"] for instant in (one, other)]
    assert (stored[0] < stored[1]) == (one < other)
    assert datetime.fromisoformat(stored[0]) == one


@given(st.timedeltas() | st.timedeltas(timedelta(days=-2), timedelta(days=2)))
def test_a_duration_is_read_back_to_the_microsecond(span: timedelta) -> None:
    assert TypeAdapter(timedelta).validate_python(decode_value(encode_value(span))) == span


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        Decimal("Infinity"),
        datetime(2026, 1, 1),  # noqa: DTZ001 - a naive one on purpose
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=3))),
        object(),
        lambda: None,
        {1: "a"},
        {"": "a"},
        {None: "a"},
        {"a": {2: 3}},
        {"a", 1},
        {1, b"a"},
        {None},
        {True},
        {(1, 2)},
        {frozenset({1})},
        SecretStr("owner"),
        SecretBytes(b"owner"),
        [SecretStr("owner")],
    ],
    ids=kind,
)
def test_what_dynamodb_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(InvalidValueError) as caught:
        encode_value({"a": [value]})
    assert "owner" not in str(caught.value)


@pytest.mark.parametrize(
    "members",
    [{Deck.UPPER, "UPPER"}, {0.1, Decimal("0.1")}, {ID, str(ID)}],
    ids=["an enum and its value", "a float and its decimal", "a uuid and its text"],
)
def test_members_of_a_set_with_one_stored_form_are_stored_once(members: set[Any]) -> None:
    ((_, stored),) = encode_value(members).items()
    assert len(stored) == 1


@given(texts(), st.sampled_from([{}, {"S": "a", "N": "1"}, {"X": "a"}, {"N": "a"}, {"N": ""}, {"N": None}]))
def test_what_is_no_stored_value_is_corrupt(name: str, broken: dict[str, Any]) -> None:
    for stored in (broken, {"L": [broken]}, {"M": {name: broken}}):
        with pytest.raises(CorruptItemError):
            decode_value(stored)


@pytest.mark.parametrize(
    "broken",
    ["text", None, [], 5, {"L": None}, {"L": 5}, {"M": []}, {"M": None}, {"NS": ["a"]}, {"NS": None}, {"SS": 5}],
)
def test_whatever_else_is_given_is_corrupt(broken: Any) -> None:
    with pytest.raises(CorruptItemError):
        decode_value(broken)


# Sizes: DynamoDB Developer Guide, "DynamoDB item sizes and formats"


@pytest.mark.parametrize(
    ("stored", "size_bytes"),
    [
        ({"S": ""}, 0),
        ({"S": "abc"}, 3),
        ({"S": "é\u2028\U0001f6e9"}, 2 + 3 + 4),
        ({"B": b"abc"}, 3),
        ({"BOOL": False}, 1),
        ({"NULL": True}, 1),
        ({"N": "0"}, 1),
        ({"N": "7"}, 2),
        ({"N": "27"}, 2),
        ({"N": "-27"}, 3),
        ({"N": "123"}, 3),
        ({"N": "1200"}, 2),
        ({"N": "0.0012"}, 2),
        ({"N": "1E+125"}, 2),
        ({"N": "-1.2E-7"}, 3),
        ({"N": "9" * 38}, 20),
        ({"SS": ["ab", "c"]}, 3),
        ({"NS": ["1", "234"]}, 5),
        ({"BS": [b"ab", b"c"]}, 3),
        ({"L": []}, 3),
        ({"M": {}}, 3),
        ({"L": [{"S": "ab"}, {"NULL": True}]}, 3 + (1 + 2) + (1 + 1)),
        ({"M": {"k": {"S": "ab"}}}, 3 + (1 + 1 + 2)),
        ({"M": {"é": {"L": [{"BOOL": True}]}}}, 3 + 1 + 2 + (3 + 1 + 1)),
    ],
    ids=str,
)
def test_the_size_of_a_value_is_what_the_guide_says(stored: dict[str, Any], size_bytes: int) -> None:
    assert item_size({"name": stored}) == len("name") + size_bytes
    assert item_size({"é": stored}) == 2 + size_bytes


@given(st.dictionaries(texts(), stored_values(), max_size=4), st.dictionaries(texts(), stored_values(), max_size=4))
def test_sizes_add_up(one: dict[str, Any], other: dict[str, Any]) -> None:
    rest = {name: value for name, value in other.items() if name not in one}
    assert item_size(one | rest) == item_size(one) + item_size(rest)
    assert item_size({"": {"M": one}}) == 3 + len(one) + item_size(one)
    assert item_size({"": {"L": list(one.values())}}) == 3 + len(one) + sum(item_size({"": v}) for v in one.values())


def test_text_without_a_utf8_form_has_no_size() -> None:
    for item in ({"a": {"S": "\ud800"}}, {"\ud800": {"S": "a"}}, {"a": {"L": [{"S": "\udfff"}]}}):
        with pytest.raises(InvalidValueError, match="surrogate"):
            item_size(item)


def test_text_without_a_utf8_form_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="surrogate"):
        encode_value("\ud800")


def test_the_ends_of_time_are_stored_in_utc() -> None:
    assert encode_value(datetime.min.replace(tzinfo=UTC)) == {"S": "0001-01-01T00:00:00.000000Z"}
    assert encode_value(datetime.max.replace(tzinfo=UTC)) == {"S": "9999-12-31T23:59:59.999999Z"}


def test_negative_zero_is_zero() -> None:
    for zero in (-0.0, Decimal("-0"), Decimal("-0.00"), Decimal("0E+200"), Decimal("0E-200")):
        assert math.isclose(Decimal(number_text(zero)), 0)
        assert number_text(zero) == "0"
