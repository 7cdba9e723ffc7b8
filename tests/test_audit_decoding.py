"""Only the bytes that encoding an item gives are read as an item, and as that one."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aircraftops_data.audit.encoding import decode_item, encode_item
from aircraftops_data.errors import CorruptItemError
from aircraftops_data.model.definition import Item
from aircraftops_data.model.numbers import number_text
from audit_items import items, meaning
from strategies import numbers


def _item(*attributes: bytes) -> bytes:
    return b"M" + len(attributes).to_bytes(4, "big") + b"".join(attributes)


def _text(text: bytes) -> bytes:
    return b"S" + len(text).to_bytes(4, "big") + text


def _number(text: bytes) -> bytes:
    return b"N" + len(text).to_bytes(4, "big") + text


def _set(tag: bytes, *members: bytes) -> bytes:
    return tag + len(members).to_bytes(4, "big") + b"".join(members)


A, B = _text(b"a"), _text(b"b")
NOT_CANONICAL = {
    "nothing": b"",
    "a value that is no item": A,
    "an unknown tag": _item(A + b"X"),
    "the tag of a type in lower case": _item(A + b"m\x00\x00\x00\x00"),
    "more after the item": _item() + b"\x00",
    "an item after the item": _item() * 2,
    "an end within the count": b"M\x00\x00",
    "an end within a text": _item(A + b"S\x00\x00\x00\x02x"),
    "a length past any end": _item(A + b"S\xff\xff\xff\xff"),
    "a count past any end": _item(A + b"L\xff\xff\xff\xff"),
    "names out of order": _item(B + A, A + A),
    "a name twice": _item(A + A, A + A),
    "a name twice with two values": _item(A + A, A + B),
    "a name that is a number": _item(_number(b"1E0") + A),
    "a text that is not UTF-8": _item(A + _text(b"\xff")),
    "a text with a surrogate": _item(A + _text(b"\xed\xa0\x80")),
    "a text with a long form": _item(A + _text(b"\xc0\x80")),
    "a set out of order": _item(A + _set(b"s", B, A)),
    "a set with a member twice": _item(A + _set(b"s", A, A)),
    "a set of nothing": _item(A + _set(b"s")),
    "a set of another type": _item(A + _set(b"n", A)),
    "a set of sets": _item(A + _set(b"s", _set(b"s", A))),
    "a bool of 2": _item(A + b"?\x02"),
    "nested without end": _item(A + b"L\x00\x00\x00\x01" * 100_000),
    **{
        f"the number {number!r}": _item(A + _number(number.encode()))
        for number in (
            *(
                "",
                "1",
                "10E0",
                "01E0",
                "1E+0",
                "1E00",
                "1E-0",
                "+1E0",
                "-0",
                "0E0",
                "00",
                "1e0",
                "1.5E0",
                " 1E0",
                "1E0 ",
            ),
            *("E0", "-", "NaN", "Infinity", "1E126", "1E-131", "1" * 39 + "E0", "1E" + "9" * 5000, "1_1E0", "\u0661E0"),
        )
    },
}


@pytest.mark.parametrize("what", NOT_CANONICAL)
def test_bytes_that_are_the_encoding_of_no_item_are_refused(what: str) -> None:
    with pytest.raises(CorruptItemError, match="not the encoding of an item"):
        decode_item(NOT_CANONICAL[what])


def _decoded(data: bytes) -> Item | None:
    try:
        return decode_item(data)
    except CorruptItemError:
        return None


@given(items())
def test_what_is_encoded_is_read_back(item: Item) -> None:
    assert meaning({"M": decode_item(encode_item(item))}) == meaning({"M": item})


@given(numbers())
def test_a_number_is_read_back_as_the_library_writes_it(value: int | Decimal) -> None:
    assert decode_item(encode_item({"a": {"N": str(value)}})) == {"a": {"N": number_text(value)}}


@given(items(), st.data())
def test_bytes_with_one_changed_are_another_item_or_none(item: Item, data: st.DataObject) -> None:
    whole = bytearray(encode_item(item))
    index = data.draw(st.integers(0, len(whole) - 1))
    whole[index] ^= data.draw(st.integers(1, 255))
    found = _decoded(bytes(whole))
    assert found is None or (encode_item(found) == whole and meaning({"M": found}) != meaning({"M": item}))


@given(items(), st.data())
def test_bytes_cut_short_or_made_longer_are_no_item(item: Item, data: st.DataObject) -> None:
    whole = encode_item(item)
    assert _decoded(whole[: data.draw(st.integers(0, len(whole) - 1))]) is None
    assert _decoded(whole + data.draw(st.binary(min_size=1, max_size=8))) is None


@given(
    st.binary(max_size=40) | st.lists(st.sampled_from([A, B, _item(), b"M", b"L\x00\x00\x00\x01", b"0"])).map(b"".join)
)
def test_bytes_are_the_encoding_of_the_item_they_decode_to(data: bytes) -> None:
    found = _decoded(data)
    assert found is None or encode_item(found) == data
