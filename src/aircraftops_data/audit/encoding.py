"""Items as bytes, one form for each: what the hashes of audit chains are taken of (encoding version 1).

A value is one tag byte and what it says follows; lengths and counts take 4 bytes, big-endian.

    S  b"S" length, UTF-8           SS  b"s" count, the members as S
    N  b"N" length, number          NS  b"n" count, the members as N
    B  b"B" length, bytes           BS  b"b" count, the members as B
    BOOL  b"?" 0x00 or 0x01         L   b"L" count, the members
    NULL  b"0"                      M   b"M" count, for each attribute its name as S and its value

A set's members are sorted by their encoded bytes, a map's attributes by the UTF-8 of their names; an item is a map.
A number is "0", or its digits without zeros at either end, "E" and an exponent: 100 is "1E2", -0.5 is "-5E-1".
Every length stands before what it counts, so two items have the same bytes only if DynamoDB holds them to be the same.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from struct import Struct
from typing import Any, cast

from aircraftops_data.errors import CorruptItemError, UnsupportedAlgorithmError
from aircraftops_data.model.definition import AttributeValue, Item, ItemView
from aircraftops_data.model.numbers import number_text
from aircraftops_data.wire import binary_of

ENCODING_VERSION = 1
# What is hashed or signed begins with what it is, so that none can be passed off as another (RFC 6962, section 2.1).
LEAF = b"\x00"
NODE = b"\x01"
BLOCK = b"\x02"
CHECKPOINT = b"\x03"

Hasher = Callable[[bytes], bytes]
HASHERS: Mapping[str, Hasher] = {
    "sha256": lambda data: hashlib.sha256(data).digest(),
    "sha512": lambda data: hashlib.sha512(data).digest(),
    "sha3_256": lambda data: hashlib.sha3_256(data).digest(),
    "blake2b": lambda data: hashlib.blake2b(data).digest(),
}
"""From data to its hash, by the name of the algorithm: 32 bytes, or 64 of sha512 and blake2b."""


def hasher(algorithm: str) -> Hasher:
    """How an algorithm takes the hash of bytes. Raises UnsupportedAlgorithmError, which names those there are."""
    try:
        return HASHERS[algorithm]
    except (KeyError, TypeError):
        known = ", ".join(HASHERS)
        message = f"{algorithm!r} is no hash algorithm of audit chains; they have {known}"
        raise UnsupportedAlgorithmError(message, algorithm=algorithm) from None


# Hashes


def leaf_hash(item: ItemView, algorithm: str) -> bytes:
    """The leaf of an event's stored item. Raises CorruptItemError, UnsupportedAlgorithmError."""
    return hasher(algorithm)(LEAF + encode_item(item))


def leaf_hash_of(data: bytes, algorithm: str) -> bytes:
    """The leaf of an item that is encoded already. Raises UnsupportedAlgorithmError."""
    return hasher(algorithm)(LEAF + data)


def block_hash(item: ItemView, algorithm: str) -> bytes:
    """The hash of a block's stored item, its attribute `hash` left out. Raises as `leaf_hash`."""
    held = {name: stored for name, stored in item.items() if name != "hash"}
    return hasher(algorithm)(BLOCK + encode_item(held))


# Encoding

# Never with the cause: what Python says of a text it cannot encode holds the text.
_NO_VALUE = (ValueError, KeyError, AttributeError, TypeError, ArithmeticError, RecursionError)


def encode_item(item: ItemView) -> bytes:
    """The bytes of an item, all its attributes; the same for every spelling of a number and every order of a set.

    Binary values may be bytes, bytearray, memoryview, or base64 text as in DynamoDB's JSON. Raises CorruptItemError for
    what DynamoDB could not hold.
    """
    try:
        return _map(item)
    except _NO_VALUE:
        raise CorruptItemError("An item holds what is none of DynamoDB's values; it has no encoding") from None


def encoded(stored: AttributeValue) -> bytes:
    """The bytes of one attribute value, as they are in an item's. Raises CorruptItemError."""
    try:
        return _value(stored)
    except _NO_VALUE:
        raise CorruptItemError("A value is none of DynamoDB's; it has no encoding") from None


_head = Struct(">cI").pack


def _value(stored: AttributeValue) -> bytes:
    ((kind, value),) = stored.items()
    return _ENCODERS[kind](value)


def _map(members: ItemView) -> bytes:
    # Python orders text by code points, and so does UTF-8.
    parts = [_head(b"M", len(members))]
    add = parts.append
    for name in sorted(members.keys()):
        ((kind, value),) = members[name].items()
        add(_name(name))
        add(_ENCODERS[kind](value))
    return b"".join(parts)


def _text(value: str) -> bytes:
    data = value.encode()
    return _head(b"S", len(data)) + data


# The attributes of an entity have the same names in every item; and most numbers are few: versions, counts, flags.
_name = lru_cache(1024)(_text)


_BUFFERS: tuple[type[Any], ...] = (bytearray, memoryview)


def _binary(value: Any) -> bytes:
    data = bytes(value) if isinstance(value, _BUFFERS) else binary_of(value)
    return _head(b"B", len(data)) + data


@lru_cache(1024)
def _number(value: str) -> bytes:
    data = _canonical(value).encode()
    return _head(b"N", len(data)) + data


_NUMBER = re.compile(r"([+-]?)(?=\.?\d)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?", re.ASCII).fullmatch


def _canonical(value: str) -> str:
    found = _NUMBER(value)
    if found is None:
        raise ValueError("Not a number")
    sign, whole, fraction, exponent = found.groups()
    written = (whole + fraction).lstrip("0")
    digits = written.rstrip("0")
    power = int(exponent or 0) - len(fraction) + len(written) - len(digits)
    if not digits:
        return "0"
    if len(digits) > 38 or not -130 <= power + len(digits) - 1 <= 125:
        raise ValueError("Not a number that DynamoDB can hold")
    return f"{'-' if sign == '-' else ''}{digits}E{power}"


def _bool(value: object) -> bytes:
    if value is not True and value is not False:
        raise TypeError("Not a bool")
    return b"?\x01" if value else b"?\x00"


def _null(value: object) -> bytes:
    if value is not True:
        raise TypeError("Not a null")
    return b"0"


def _list(value: object) -> bytes:
    members = _members(value)
    return _head(b"L", len(members)) + b"".join([_value(inner) for inner in members])


def _set_of(tag: bytes, member: Callable[[Any], bytes]) -> Callable[[object], bytes]:
    def encode(value: object) -> bytes:
        given = _members(value)
        members = sorted({member(inner) for inner in given})
        if not members or len(members) != len(given):
            raise ValueError("A set has members, and none twice")
        return _head(tag, len(members)) + b"".join(members)

    return encode


def _members(value: Any) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise TypeError("Not a list")
    return cast("Sequence[Any]", value)


_ENCODERS: dict[str, Callable[[Any], bytes]] = {
    "S": _text,
    "N": _number,
    "B": _binary,
    "BOOL": _bool,
    "NULL": _null,
    "L": _list,
    "M": _map,
    "SS": _set_of(b"s", _text),
    "NS": _set_of(b"n", _number),
    "BS": _set_of(b"b", _binary),
}


# Decoding


def decode_item(data: bytes) -> Item:
    """The item of these bytes: numbers as DynamoDB writes them, sets in the order of the encoding.

    Raises CorruptItemError for bytes that `encode_item` gives for no item.
    """
    try:
        item: Item = _Decoder(data).value()["M"]
        canonical = _map(item) == data
    except _NO_VALUE:
        canonical = False
    if not canonical:
        raise CorruptItemError("These bytes are not the encoding of an item")
    return item  # pyright: ignore[reportPossiblyUnboundVariable]


class _Decoder:
    """Reads what the tags say. Whether that is canonical, or ends too early, shows when it is encoded again."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def value(self) -> AttributeValue:
        """The value that begins here. Raises ValueError, KeyError."""
        kind, read = _TAGS[self._take(1)]
        return {kind: read(self)}

    def _take(self, count: int) -> bytes:
        start, self._at = self._at, self._at + count
        return self._data[start : self._at]

    def _count(self) -> int:
        return int.from_bytes(self._take(4), "big")

    def binary(self) -> bytes:
        """What a length and bytes say."""
        return self._take(self._count())

    def text(self) -> str:
        """The same as text."""
        return self.binary().decode()

    def number(self) -> str:
        """A number as DynamoDB writes it."""
        return number_text(Decimal(self.text()))

    def flag(self) -> bool:
        """The byte of a bool."""
        return self._take(1) == b"\x01"

    def members(self) -> Iterable[AttributeValue]:
        """The members of a list."""
        return [self.value() for _ in range(self._count())]

    def bare_members(self) -> Iterable[Any]:
        """The members of a set, without their types."""
        return [inner for member in self.members() for inner in member.values()]

    def attributes(self) -> Item:
        """The attributes of a map."""
        return {self.value()["S"]: self.value() for _ in range(self._count())}


_TAGS: dict[bytes, tuple[str, Callable[[_Decoder], Any]]] = {
    b"S": ("S", _Decoder.text),
    b"N": ("N", _Decoder.number),
    b"B": ("B", _Decoder.binary),
    b"?": ("BOOL", _Decoder.flag),
    b"0": ("NULL", lambda _: True),
    b"L": ("L", _Decoder.members),
    b"M": ("M", _Decoder.attributes),
    b"s": ("SS", _Decoder.bare_members),
    b"n": ("NS", _Decoder.bare_members),
    b"b": ("BS", _Decoder.bare_members),
}
