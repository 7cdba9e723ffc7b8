"""Plain Python values and DynamoDB's attribute values, both ways, without loss or a clear refusal."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache, partial
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Any
from uuid import UUID

from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic_core import PydanticSerializationError, to_json, to_jsonable_python

from aircraftops_data.errors import CorruptItemError, InvalidKeyError, InvalidValueError
from aircraftops_data.model.definition import AttributeValue, Item
from aircraftops_data.model.encoders import instant_text
from aircraftops_data.model.numbers import number_text, number_value
from aircraftops_data.wire import binary_of

NESTING_LIMIT = 32
_NUMBERS = (int, float, Decimal)
_ADDRESSES = (IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network)


def encode_value(value: Any) -> AttributeValue:
    """A value as DynamoDB holds it. Raises InvalidValueError for what it cannot hold exactly."""
    kind: Any = type(value)  # pyright: ignore[reportUnknownVariableType]
    encoder = _ENCODERS.get(kind)
    return _encoder_of(kind)(value) if encoder is None else encoder(value)


@lru_cache(1024)
def _encoder_of(kind: Any) -> Callable[[Any], AttributeValue]:
    """How values of a type that is not one of the plain ones are written."""
    return next((known for base, known in _BY_BASE if issubclass(kind, base)), _encode_other)


def _encode_text(value: str) -> AttributeValue:
    try:
        _ = value.isascii() or value.encode()
    except UnicodeEncodeError as error:
        raise InvalidValueError("Text with a lone surrogate has no UTF-8 form and cannot be stored") from error
    return {"S": str(value)}


def _encode_number(value: float | Decimal) -> AttributeValue:
    return {"N": number_text(value)}


def _encode_mapping(value: Mapping[Any, Any]) -> AttributeValue:
    for name in value:
        if not isinstance(name, str) or not name:
            raise InvalidValueError(f"A map has a key of type {type(name).__name__}, or an empty one; keys are text")
        _encode_text(name)
    return {"M": {name: encode_value(inner) for name, inner in value.items()}}


def _encode_sequence(value: Iterable[Any]) -> AttributeValue:
    return {"L": [encode_value(inner) for inner in value]}


def _encode_set(value: AbstractSet[Any]) -> AttributeValue:
    """A set of one type, in a fixed order; an empty one as an empty list, since DynamoDB has no empty set."""
    if value and all(type(inner) is str and inner.isascii() for inner in value):
        return {"SS": sorted(value)}
    encoded = [encode_value(inner) for inner in value]
    kinds = {kind for inner in encoded for kind in inner}
    if not encoded:
        return {"L": []}
    if len(kinds) != 1 or not kinds <= {"S", "N", "B"}:
        raise InvalidValueError("A set holds text, numbers or bytes, all of one type")
    (kind,) = kinds
    # Two members may have one stored form (an Enum and its value).
    members = {inner[kind] for inner in encoded}
    return {f"{kind}S": sorted(members, key=Decimal) if kind == "N" else sorted(members)}


def encode_instant(value: datetime) -> AttributeValue:
    """An instant as DynamoDB holds it. Raises InvalidValueError for one without a time zone."""
    try:
        return {"S": instant_text(value)}
    except InvalidKeyError as error:
        raise InvalidValueError(error.message) from error


def _encode_other(value: Any) -> AttributeValue:
    if isinstance(value, SecretStr | SecretBytes):
        raise InvalidValueError("A secret is not stored as it is; encrypt it, or store it elsewhere")
    try:
        plain = to_jsonable_python(value)
    except (PydanticSerializationError, ValueError) as error:
        raise InvalidValueError(f"A value of type {type(value).__name__} has no stored form") from error
    return encode_value(plain)


_ENCODERS: dict[type, Callable[[Any], AttributeValue]] = {
    str: _encode_text,
    bool: lambda value: {"BOOL": value},
    int: _encode_number,
    float: _encode_number,
    Decimal: _encode_number,
    type(None): lambda _: {"NULL": True},
    bytes: lambda value: {"B": value},
    datetime: encode_instant,
    date: lambda value: {"S": value.isoformat()},
    time: lambda value: {"S": value.isoformat()},
    UUID: lambda value: {"S": str(value)},
    timedelta: lambda value: {"S": to_jsonable_python(value)},
}
_BY_BASE: tuple[tuple[type | tuple[type, ...], Callable[[Any], AttributeValue]], ...] = (
    (enum.Enum, lambda value: encode_value(value.value)),
    (BaseModel, lambda value: encode_value(value.model_dump(by_alias=True, warnings=False))),
    (str, _encode_text),
    (_NUMBERS, _encode_number),
    ((bytearray, memoryview), lambda value: {"B": bytes(value)}),
    (datetime, encode_instant),
    (Mapping, _encode_mapping),
    ((list, tuple, deque), _encode_sequence),
    # Newer releases of pydantic write these by themselves.
    (_ADDRESSES, lambda value: {"S": str(value)}),
    (AbstractSet, _encode_set),
)


def decode_value(stored: AttributeValue) -> Any:
    """A stored value in plain Python: numbers as int or Decimal, bytes, sets. Raises CorruptItemError."""
    try:
        ((kind, value),) = stored.items()
        return _DECODERS[kind](value)
    except (ValueError, KeyError, AttributeError, TypeError, ArithmeticError) as error:
        raise CorruptItemError("A stored value is not one of DynamoDB's types") from error


def _is(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"Expected {kind.__name__}")
    return value


_DECODERS: dict[str, Callable[[Any], Any]] = {
    "S": partial(_is, str),
    "N": lambda value: number_value(_is(str, value)),
    "B": binary_of,
    "BOOL": partial(_is, bool),
    "NULL": lambda value: {True: None}[value],
    "L": lambda value: [decode_value(inner) for inner in _is(list, value)],
    "M": lambda value: {name: decode_value(inner) for name, inner in value.items()},
    "SS": lambda value: {_is(str, inner) for inner in _is(list, value)},
    "NS": lambda value: {number_value(_is(str, inner)) for inner in _is(list, value)},
    "BS": lambda value: {binary_of(inner) for inner in _is(list, value)},
}


def check_nesting(stored: AttributeValue, levels: int = NESTING_LIMIT - 1) -> AttributeValue:
    """The value. Raises InvalidValueError where it is more than 32 levels deep: maps and lists, and what is in them.

    Source: DynamoDB Developer Guide, "Service, account, and table quotas", nested attribute depth.
    """
    inner = stored.get("M", {}).values() if "M" in stored else stored.get("L", ())
    if levels == 0 and ("M" in stored or "L" in stored):
        raise InvalidValueError(f"A value is nested more than {NESTING_LIMIT} levels deep")
    for value in inner:
        check_nesting(value, levels - 1)
    return stored


def fits(item: Item, limit_bytes: int) -> bool:
    """Whether an item is surely no larger than this: as JSON, every part of it takes more than DynamoDB counts."""
    try:
        return len(to_json(item, bytes_mode="base64")) <= limit_bytes
    except PydanticSerializationError:
        return False


def item_size(item: Item) -> int:
    """The size of an item in bytes as DynamoDB counts it (names in UTF-8 and values; the 100 bytes of overhead not).

    Source: DynamoDB Developer Guide, "DynamoDB item sizes and formats". Raises InvalidValueError for text without a
    UTF-8 form.
    """
    try:
        return sum(len(name.encode()) + _value_size(value) for name, value in item.items())
    except UnicodeEncodeError as error:
        raise InvalidValueError("Text with a lone surrogate has no UTF-8 form and cannot be stored") from error


def _value_size(stored: AttributeValue) -> int:
    ((kind, value),) = stored.items()
    if kind == "S":
        return len(value.encode())
    if kind == "N":
        return _number_size(value)
    if kind == "B":
        return len(value)
    if kind in ("BOOL", "NULL"):
        return 1
    if kind == "M":
        return 3 + len(value) + item_size(value)
    if kind == "L":
        return 3 + len(value) + sum(_value_size(inner) for inner in value)
    return sum(_value_size({kind[0]: inner}) for inner in value)


def _number_size(text: str) -> int:
    """One byte for two digits, in pairs from the decimal point, one more, and one for a minus sign; zero takes one.

    Measured against DynamoDB Local; the developer guide says "approximately".
    """
    sign, digits, exponent = Decimal(text).as_tuple()
    written = "".join(map(str, digits))
    significant = written.rstrip("0")
    if not significant:
        return 1
    power = int(exponent) + len(written) - len(significant)
    return (len(significant) + power % 2 + 1) // 2 + 1 + sign
