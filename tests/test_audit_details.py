"""What an event may say: plain values as they read back, of a size and a depth, and refusals that show no value."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, SecretStr

from aircraftops_data.audit.details import DETAILS_BYTES, details_of, payload_text
from aircraftops_data.errors import InvalidValueError, ItemTooLargeError
from aircraftops_data.translation.values import decode_value, encode_value, item_size
from strategies import Deck, names, numbers, texts, zoned


class Place(BaseModel):
    """A model that details may hold."""

    airport: str = Field(alias="icao")
    gate: int | None = None


def leaves() -> st.SearchStrategy[Any]:
    """Single values of every kind."""
    return (
        texts()
        | numbers()
        | st.integers(-(10**9), 10**9).map(lambda thousandths: thousandths / 1000)
        | st.booleans()
        | st.none()
        | st.binary(max_size=8)
        | zoned()
        | st.dates()
        | st.uuids()
        | st.sampled_from(Deck)
        | st.sets(st.text("abc", max_size=3), max_size=3)
        | st.sets(st.integers(-9, 9), max_size=3)
        | st.builds(lambda gate: Place(icao="KJFK", gate=gate), st.integers(0, 9))
    )


def maps() -> st.SearchStrategy[dict[str, Any]]:
    """Maps of everything, in one another."""
    inner = st.recursive(
        leaves(),
        lambda part: st.lists(part, max_size=3) | st.tuples(part) | st.dictionaries(names(), part, max_size=3),
        max_leaves=8,
    )
    return st.dictionaries(names(), inner, max_size=4)


@given(maps())
def test_details_are_what_reading_them_back_gives(value: dict[str, Any]) -> None:
    details = details_of(value, depth=30, most_bytes=400_000)
    assert decode_value(encode_value(details)) == details
    assert details == decode_value(encode_value(value))
    assert details_of(details, depth=30, most_bytes=400_000) == details


def test_each_kind_of_value_becomes_its_plain_form() -> None:
    instant = datetime(2026, 11, 21, 9, 30, tzinfo=timezone(timedelta(hours=2)))
    given_values = {
        "number": 1.5,
        "whole": 2.0,
        "instant": instant,
        "day": date(2026, 11, 21),
        "id": UUID(int=1),
        "deck": Deck.UPPER,
        "pair": (1, None),
        "set": {"b", "a"},
        "bytes": bytearray(b"x"),
        "model": Place(icao="KJFK"),
    }
    assert details_of(given_values) == {
        "number": Decimal("1.5"),
        "whole": 2,
        "instant": "2026-11-21T07:30:00.000000Z",
        "day": "2026-11-21",
        "id": "00000000-0000-0000-0000-000000000001",
        "deck": "UPPER",
        "pair": [1, None],
        "set": {"a", "b"},
        "bytes": b"x",
        "model": {"icao": "KJFK", "gate": None},
    }


def test_a_model_is_written_by_its_aliases_and_nothing_as_an_empty_map() -> None:
    assert details_of(Place(icao="KJFK", gate=4)) == {"icao": "KJFK", "gate": 4}
    assert details_of(None) == {}
    assert details_of({}) == {}


class Kept(Enum):
    """An enum with a value that nothing can hold."""

    ODD = object()


LOOP: list[Any] = []
LOOP.append(LOOP)
PRIVATE = "do-not-show-7f3a"

REFUSED = {
    "not a number": ({"a": {"b": [1, float("nan")]}}, "a.b.1"),
    "infinity": ({"a": Decimal("Infinity")}, "a"),
    "39 digits": ({"a": 10**38 + 1}, "a"),
    "no time zone": ({"a": datetime(2026, 1, 1)}, "a"),  # noqa: DTZ001 - this is what is refused
    "an empty key": ({"a": {"": PRIVATE}}, "a"),
    "a key that is no text": ({"a": [{1: PRIVATE}]}, "a.0"),
    "a key without UTF-8": ({"a": {"\ud800": PRIVATE}}, "a"),
    "text without UTF-8": ({"a": PRIVATE + "\ud800"}, "a"),
    "a mixed set": ({"a": {1, PRIVATE}}, "a"),
    "a secret": ({"a": SecretStr(PRIVATE)}, "a"),
    "a function": ({"a": {"b": len}}, "a.b"),
    "an enum of objects": ({"a": Kept.ODD}, "a"),
    "a list in itself": ({"a": LOOP}, "a.0.0.0.0.0.0.0"),
    "a list": ([PRIVATE], "(details)"),
    "text": (PRIVATE, "(details)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_stored_is_refused_with_its_place_and_without_its_value(name: str) -> None:
    value, place = REFUSED[name]
    with pytest.raises(InvalidValueError) as caught:
        details_of(value)
    assert caught.value.problems[0].endswith(f" @ {place}")
    assert PRIVATE not in f"{caught.value} {caught.value.problems}"


def nested(levels: int, leaf: Any) -> dict[str, Any]:
    """A map so many levels deep."""
    return {"a": leaf if levels == 1 else nested(levels - 1, leaf)}


@pytest.mark.parametrize("leaf", [1, "text", {"x"}, None])
def test_maps_lie_as_deep_as_allowed_and_no_deeper(leaf: Any) -> None:
    assert details_of(nested(8, leaf)) == nested(8, leaf)
    with pytest.raises(InvalidValueError, match=r"@ a\.a\.a\.a\.a\.a\.a\.a$"):
        details_of(nested(9, leaf))


@given(st.integers(1, 6), st.integers(1, 6))
def test_the_depth_counts_lists_and_what_is_written_as_a_map(levels: int, depth: int) -> None:
    value: Any = Place(icao="KJFK")
    for _ in range(levels - 1):
        value = [value]
    if levels + 1 <= depth:
        assert "a" in details_of({"a": value}, depth=depth)
    else:
        with pytest.raises(InvalidValueError):
            details_of({"a": value}, depth=depth)


@dataclass
class Leg:
    """A dataclass that details may hold."""

    stops: list[list[str]]


def test_a_dataclass_counts_as_the_map_it_is_written_as() -> None:
    value = {"leg": Leg([["KJFK"]])}
    assert details_of(value, depth=4) == {"leg": {"stops": [["KJFK"]]}}
    with pytest.raises(InvalidValueError, match=r"@ leg\.stops\.0$"):
        details_of(value, depth=3)


@given(maps())
def test_the_size_is_counted_as_dynamodb_counts_it(value: dict[str, Any]) -> None:
    size = item_size(encode_value(value)["M"])
    details_of(value, depth=30, most_bytes=size)
    with pytest.raises(ItemTooLargeError) as caught:
        details_of(value, depth=30, most_bytes=size - 1)
    assert (caught.value.size_bytes, caught.value.limit_bytes) == (size, size - 1)


def test_details_over_16_kb_are_refused() -> None:
    details_of({"a": "x" * (DETAILS_BYTES - 1)})
    with pytest.raises(ItemTooLargeError):
        details_of({"a": "x" * DETAILS_BYTES})


# Payloads


def documents() -> st.SearchStrategy[Any]:
    """JSON values."""
    leaf = st.text(max_size=8) | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()
    return st.recursive(leaf, lambda part: st.lists(part) | st.dictionaries(st.text(max_size=4), part), max_leaves=6)


@given(documents())
def test_a_payload_reads_back_as_what_was_given(value: Any) -> None:
    text = payload_text(value)
    assert text is not None
    assert json.loads(text) == value


def test_a_payload_may_be_a_model_or_hold_one_and_is_nothing_for_none() -> None:
    assert payload_text(None) is None
    assert payload_text(Place(icao="KJFK")) == '{"icao":"KJFK","gate":null}'
    assert payload_text({"at": datetime(2026, 1, 1, tzinfo=UTC), "é": [Place(icao="K")]}) == (
        '{"at":"2026-01-01T00:00:00Z","é":[{"icao":"K","gate":null}]}'
    )


@pytest.mark.parametrize(
    "value",
    [float("nan"), [float("inf")], PRIVATE + "\ud800", {PRIVATE: len}, LOOP, PRIVATE.encode() + b"\xff"],
    ids=["nan", "inf", "surrogate", "function", "loop", "bytes"],
)
def test_what_has_no_json_form_is_refused_without_being_shown(value: Any) -> None:
    with pytest.raises(InvalidValueError) as caught:
        payload_text(value)
    assert PRIVATE not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_payload_is_measured_in_utf_8() -> None:
    assert payload_text("é" * 10, most_bytes=22) == f'"{"é" * 10}"'
    with pytest.raises(ItemTooLargeError) as caught:
        payload_text("é" * 10, most_bytes=21)
    assert caught.value.size_bytes == 22


def test_a_secret_in_a_model_is_masked_in_its_payload() -> None:
    class Login(BaseModel):
        password: SecretStr

    assert payload_text(Login(password=SecretStr(PRIVATE))) == '{"password":"**********"}'
