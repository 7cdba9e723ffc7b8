"""Typed key components: one written form a value, byte order is value order, anything else is refused."""

from __future__ import annotations

import enum
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Annotated, Any, Literal, NewType, Optional
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AwareDatetime, Field

from aircraftops_data.errors import DefinitionError, InvalidKeyError
from aircraftops_data.model.encoders import encoder_for
from aircraftops_data.model.entity import UtcDatetime
from aircraftops_data.model.keys import KeyTemplate
from strategies import KINDS, Deck, Kind, Step, texts


def template_of(annotation: Any, spec: str = "", text: str = "LOG#{value}#{tail}") -> KeyTemplate:
    """A template whose `value` is of this type."""
    return KeyTemplate.of(
        text, lambda name, _: encoder_for(annotation, spec) if name == "value" else encoder_for(str, "")
    )


def key_of(kind: Kind, value: Any, tail: str = "") -> str:
    """The key of a value of this kind."""
    key = template_of(kind.annotation, kind.spec).build({"value": value, "tail": tail})
    assert key is not None
    return key


kinds = pytest.mark.parametrize("kind", KINDS, ids=str)


@kinds
@given(data=st.data())
def test_a_value_is_read_back_from_its_key(kind: Kind, data: st.DataObject) -> None:
    value, tail = data.draw(kind.values), data.draw(texts())
    parsed = template_of(kind.annotation, kind.spec).parse(key_of(kind, value, tail))
    assert (kind.order(parsed["value"]), parsed["tail"]) == (kind.order(value), tail)


@kinds
@given(data=st.data())
def test_byte_order_is_value_order(kind: Kind, data: st.DataObject) -> None:
    one, other = data.draw(kind.values), data.draw(kind.values)
    keys = [key_of(kind, value).encode() for value in (one, other)]
    assert (keys[0] < keys[1]) == (kind.order(one) < kind.order(other))
    assert (keys[0] == keys[1]) == (kind.order(one) == kind.order(other))


@kinds
@given(data=st.data())
def test_parse_takes_only_the_one_written_form(kind: Kind, data: st.DataObject) -> None:
    key = key_of(kind, data.draw(kind.values))
    place, piece = data.draw(st.integers(0, len(key))), data.draw(st.sampled_from("0 1+-_.\nTZa\u0661\uff11{"))
    replaced = data.draw(st.booleans())
    spoiled = key[:place] + piece + key[place + replaced :]
    try:
        parsed = template_of(kind.annotation, kind.spec).parse(spoiled)
    except InvalidKeyError:
        return
    assert template_of(kind.annotation, kind.spec).build(parsed) == spoiled


@pytest.mark.parametrize(
    ("annotation", "spec", "value", "written"),
    [
        (int, "10", 42, "0000000042"),
        (int, "4", 0, "0000"),
        (int, "4", -1, "-9998"),
        (int, "4", -9999, "-0000"),
        (int, "4.2", 42, "4200"),
        (Decimal, "6.2", Decimal("12.5"), "001250"),
        (Decimal, "6.2", Decimal("-0.01"), "-999998"),
        (float, "6.2", 12.5, "001250"),
        (datetime, "", datetime(2026, 11, 21, 7, tzinfo=UTC), "2026-11-21T07:00:00.000000Z"),
        (datetime, "", datetime(2026, 11, 21, 7, tzinfo=timezone(timedelta(hours=2))), "2026-11-21T05:00:00.000000Z"),
        (datetime, "", datetime(33, 1, 2, tzinfo=UTC), "0033-01-02T00:00:00.000000Z"),
        (date, "", date(987, 1, 2), "0987-01-02"),
        (bool, "", True, "1"),
        (bool, "", False, "0"),
        (Deck, "", Deck.UPPER, "UPPER"),
        (Deck, "", Deck.ODD, "A%23B%25"),
        (Step, "2", Step.BACK, "-98"),
        (UUID, "", UUID("12345678-1234-5678-1234-56789ABCDEF0"), "12345678-1234-5678-1234-56789abcdef0"),
    ],
)
def test_how_a_value_is_written(annotation: Any, spec: str, value: Any, written: str) -> None:
    assert template_of(annotation, spec, "LOG#{value}").build({"value": value}) == f"LOG#{written}"


class NoOffset(tzinfo):
    """A time zone that does not say how far it is from UTC."""

    def utcoffset(self, dt: datetime | None) -> None:
        return None

    def dst(self, dt: datetime | None) -> None:
        return None

    def tzname(self, dt: datetime | None) -> None:
        return None


@pytest.mark.parametrize(
    ("annotation", "spec", "value"),
    [
        (int, "3", 1000),
        (int, "3", -1000),
        pytest.param(int, "3", 10**400, id="int of 401 digits"),
        (int, "3", 1.5),
        (int, "3", "7"),
        (int, "3", True),
        (int, "3", None.__class__),
        (Decimal, "6.2", Decimal("0.001")),
        (Decimal, "6.2", Decimal("10000")),
        (Decimal, "6.2", Decimal("NaN")),
        (Decimal, "6.2", Decimal("sNaN")),
        (Decimal, "6.2", Decimal("-Infinity")),
        (Decimal, "6.2", Decimal("1E+400")),
        (Decimal, "6.2", Decimal("1E-400")),
        (Decimal, "6.2", Decimal("0." + 60 * "0" + "1")),
        (Decimal, "6.2", Decimal("1." + 60 * "0" + "1")),
        (float, "6.2", float("nan")),
        (float, "6.2", float("inf")),
        (float, "6.2", 0.001),
        (datetime, "", datetime(2026, 1, 1)),  # noqa: DTZ001 - a naive one on purpose
        (datetime, "", datetime(2026, 1, 1, tzinfo=NoOffset())),
        (datetime, "", datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=3)))),
        (datetime, "", datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-3)))),
        (datetime, "", "2026-01-01T00:00:00.000000Z"),
        (datetime, "", date(2026, 1, 1)),
        (date, "", datetime(2026, 1, 1, tzinfo=UTC)),
        (date, "", "2026-01-01"),
        (bool, "", 1),
        (bool, "", "1"),
        (UUID, "", "not a uuid"),
        (UUID, "", 5),
        (Deck, "", "not a deck"),
        (Deck, "", Step.ON),
        (Step, "2", 5),
        (Step, "2", Deck.UPPER),
    ],
)
def test_a_value_without_a_written_form_is_refused(annotation: Any, spec: str, value: Any) -> None:
    with pytest.raises(InvalidKeyError, match="'value'") as caught:
        template_of(annotation, spec).build({"value": value, "tail": ""})
    assert caught.value.component == "value"


@pytest.mark.parametrize(
    ("annotation", "spec", "part"),
    [
        (int, "3", "42"),
        (int, "3", "0042"),
        (int, "3", "+42"),
        (int, "3", "4_2"),
        (int, "3", " 42"),
        (int, "3", "042\n"),
        (int, "3", "\u0660\u0664\u0662"),
        (int, "3", "-"),
        (int, "3", "--42"),
        (int, "3", "-1000"),
        (int, "3", ""),
        pytest.param(int, "3", "4" * 5000, id="int of 5000 digits"),
        (Decimal, "6.2", "12.50"),
        (datetime, "", "2026-11-21T07:00:00Z"),
        (datetime, "", "2026-11-21T07:00:00.000000+00:00"),
        (datetime, "", "2026-11-21 07:00:00.000000Z"),
        (datetime, "", "2026-11-21T07:00:00.000000z"),
        (datetime, "", "2026-11-21T07:00:00.000000"),
        (datetime, "", "20261121T070000.000000Z"),
        (datetime, "", "2026-11-21T07:00:00.000000Z\n"),
        (date, "", "20261121"),
        (date, "", "2026-W47-6"),
        (date, "", "2026-11-21T00:00:00"),
        (bool, "", "2"),
        (bool, "", "true"),
        (bool, "", ""),
        (Deck, "", "upper"),
        (Deck, "", "A#B%"),
        (Step, "2", "07"),
        (UUID, "", "12345678-1234-5678-1234-56789ABCDEF0"),
        (UUID, "", "12345678123456781234567812345678"),
        (UUID, "", "{12345678-1234-5678-1234-567812345678}"),
    ],
)
def test_another_way_to_write_a_value_does_not_parse(annotation: Any, spec: str, part: str) -> None:
    with pytest.raises(InvalidKeyError):
        template_of(annotation, spec).parse(f"LOG#{part}#")


def test_a_refused_value_is_not_quoted_in_the_message() -> None:
    for annotation, spec, value in ((int, "3", 123456), (Decimal, "6.2", Decimal("0.123456"))):
        with pytest.raises(InvalidKeyError) as caught:
            template_of(annotation, spec).build({"value": value, "tail": ""})
        assert "123456" not in str(caught.value)


# Which types can be components


TailNumber = NewType("TailNumber", str)


class Mixed(enum.Enum):
    """An enum whose values are of two types."""

    ONE = 1
    TWO = "two"


@pytest.mark.parametrize(
    ("annotation", "spec", "value"),
    [
        (Annotated[str, Field(max_length=3)], "", "a"),
        (str | None, "", "a"),
        (Optional[str], "", "a"),  # noqa: UP045 - both spellings are in use
        (Annotated[str, Field(max_length=3)] | None, "", "a"),
        (TailNumber, "", "a"),
        (TailNumber | None, "", "a"),
        (Literal["a", "b"], "", "a"),
        (Literal[1, 2], "1", 1),
        (AwareDatetime, "", datetime(2026, 1, 1, tzinfo=UTC)),
        (UtcDatetime, "", datetime(2026, 1, 1, tzinfo=UTC)),
        (UtcDatetime | None, "", datetime(2026, 1, 1, tzinfo=UTC)),
        (Annotated[int, Field(ge=0)] | None, "3", 5),
    ],
)
def test_a_type_is_seen_through_what_wraps_it(annotation: Any, spec: str, value: Any) -> None:
    template = template_of(annotation, spec)
    assert template.parse(template.build({"value": value, "tail": ""}) or "")["value"] == value


@pytest.mark.parametrize(
    ("annotation", "spec", "why"),
    [
        (int, "", "width"),
        (Decimal, "", "width"),
        (Decimal, "6", "scale"),
        (float, "6", "scale"),
        (int, "0", "width"),
        (Step, "", "width"),
        (str, "10", "width is for numbers"),
        (date, "10", "width is for numbers"),
        (Deck, "10", "width is for numbers"),
        (bytes, "", "bytes"),
        (list[str], "", "list"),
        (dict[str, str], "", "dict"),
        (set[str], "", "set"),
        (Any, "", "cannot be a key component"),
        (object, "", "object"),
        (str | int, "", "one type"),
        (Literal["a", 1], "", "one type"),
        (Mixed, "", "mixes"),
    ],
)
def test_a_type_that_has_no_order_in_bytes_is_refused(annotation: Any, spec: str, why: str) -> None:
    with pytest.raises(DefinitionError, match=why):
        encoder_for(annotation, spec)
