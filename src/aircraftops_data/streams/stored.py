"""Attribute values as stream records carry them: told plain at a glance, or made so, or refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal, InvalidOperation
from typing import Any, TypeGuard, cast

from aircraftops_data.errors import InvalidValueError
from aircraftops_data.model.definition import AttributeValue, Item, ItemView
from aircraftops_data.model.numbers import number_text
from aircraftops_data.streams.change import PoisonKind
from aircraftops_data.translation.values import NESTING_LIMIT, check_nesting
from aircraftops_data.wire import binary_of


class UnreadableError(Exception):
    """Why a record cannot be read; becomes a poison."""

    def __init__(self, kind: PoisonKind, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        # It is stored beside a record that is parked, and a thousand values may be bad.
        self.reason = reason if len(reason) <= _REASON else f"{reason[:_REASON]}..."


_REASON = 1000
# Of what DynamoDB may hold, and what is in the last of them: one more.
_LEVELS = NESTING_LIMIT + 1
_ONE: AbstractSet[int] = frozenset({1})
_HALF = re.compile("[\ud800-\udfff]").search


def is_map(found: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether this is a map; quick for a dict."""
    return type(found) is dict or isinstance(found, Mapping)


def text_or_none(found: object) -> str | None:
    """What was found, if it is text that can be stored: without half a character."""
    return found if isinstance(found, str) and (found.isascii() or not _HALF(found)) else None


def is_plain(image: ItemView, deep: Iterable[str]) -> bool:
    """Whether each attribute value has one type key and no other; of those in `deep`, down through maps and lists.

    What is under the key is not looked at: whoever reads it does that. Raises TypeError, AttributeError or
    RecursionError for what is no image at all.
    """
    return {*map(len, image.values())} == _ONE and _are_plain([image[name] for name in deep if name in image])


def _are_plain(values: Iterable[AttributeValue], levels: int = _LEVELS) -> bool:
    for value in values:
        if len(value) != 1 or not levels:
            return False
        if "M" in value:
            if not _are_plain(value["M"].values(), levels - 1):
                return False
        elif "L" in value and not _are_plain(value["L"], levels - 1):
            return False
    return True


def plain(image: object) -> Item:
    """An image with one type key in each value, binary values as bytes. Raises UnreadableError.

    Some serializers write every type with null for those that are not set, and NULL false; both count as not set.
    """
    try:
        found = _members(image, "")
        for value in found.values():
            check_nesting(value, NESTING_LIMIT)
    except (RecursionError, InvalidValueError):
        raise _bad("(image)", "is nested too deeply") from None
    return found


def _members(held: object, path: str) -> Item:
    if not is_map(held):
        raise _bad(path or "(image)", "is no map of attribute values")
    return {
        _text(name, f"{path or '(image)'} has a name that"): _plain_value(value, f"{path}.{name}" if path else name)
        for name, value in held.items()
    }


def _plain_value(value: object, path: str) -> AttributeValue:
    if not is_map(value):
        raise _bad(path, "is not an attribute value")
    found = [kind for kind, held in value.items() if held is not None and not (kind == "NULL" and held is False)]
    if len(found) != 1:
        raise _bad(path, "has more than one type set" if found else "has no type set")
    (kind,) = found
    check = _CHECKS.get(kind)
    if check is None:
        raise _bad(path, "has none of DynamoDB's types")
    return {kind: check(value[kind], path)}


def with_empty_maps(image: object) -> object:
    """An image with empty maps where DynamoDB Local 3 wrote an attribute value of no type; what else is odd stays.

    Source: awslabs/amazon-dynamodb-local-samples, issue 37. The service writes {"M": {}}.
    """
    return {name: _mended(value, _LEVELS) for name, value in image.items()} if is_map(image) else image


def _mended(value: object, levels: int) -> object:
    if not is_map(value) or not levels:
        return value
    if not value:
        return {"M": {}}
    members, elements = value.get("M"), value.get("L")
    if is_map(members):
        return {**value, "M": {name: _mended(inner, levels - 1) for name, inner in members.items()}}
    if not isinstance(elements, list):
        return value
    return {**value, "L": [_mended(inner, levels - 1) for inner in cast("list[object]", elements)]}


def _text(held: object, path: str) -> str:
    if not isinstance(held, str):
        raise _bad(path, "holds no text")
    if not held.isascii() and _HALF(held):
        raise _bad(path, "holds half a character")
    return held


def _number(held: object, path: str) -> str:
    text = _text(held, path)
    try:
        if "_" in text or text.strip() != text:
            raise ValueError
        number_text(Decimal(text))
    except (InvalidOperation, InvalidValueError, ValueError):
        raise _bad(path, "holds no number") from None
    return text


def _binary(held: object, path: str) -> bytes:
    try:
        return binary_of(held)
    except ValueError:
        raise _bad(path, "holds neither base64 nor bytes") from None


def _bool(held: object, path: str) -> bool:
    if not isinstance(held, bool):
        raise _bad(path, "holds neither true nor false")
    return held


def _list(held: object, path: str) -> list[AttributeValue]:
    return [_plain_value(inner, f"{path}[{place}]") for place, inner in enumerate(_sequence(held, path))]


def _set_of(member: Callable[[object, str], Any]) -> Callable[[object, str], list[Any]]:
    return lambda held, path: [member(inner, path) for inner in _sequence(held, path)]


def _sequence(held: object, path: str) -> Sequence[object]:
    if isinstance(held, list | tuple | set | frozenset):
        return [*cast("Sequence[object]", held)]
    raise _bad(path, "holds no list")


def _bad(path: str, what: str) -> UnreadableError:
    return UnreadableError(PoisonKind.BAD_VALUE, f"{path} {what}")


_CHECKS: dict[str, Callable[[Any, str], Any]] = {
    "S": _text,
    "N": _number,
    "B": _binary,
    "BOOL": _bool,
    "NULL": _bool,
    "L": _list,
    "M": _members,
    "SS": _set_of(_text),
    "NS": _set_of(_number),
    "BS": _set_of(_binary),
}
