"""Attribute values as stream records carry them: told plain at a glance, or made so, or refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from itertools import chain
from typing import Any, cast

from aircraftops_data.errors import InvalidValueError
from aircraftops_data.model.definition import AttributeValue, Item, ItemView
from aircraftops_data.model.numbers import number_text
from aircraftops_data.streams.change import PoisonKind
from aircraftops_data.wire import binary_of


class UnreadableError(Exception):
    """Why a record cannot be read; becomes a poison."""

    def __init__(self, kind: PoisonKind, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


_ONE = frozenset({1})
_HOLDING = frozenset({"M", "L"})


def is_plain(image: ItemView) -> bool:
    """Whether each attribute value has one type key and no other, down through maps and lists.

    What is under the key is not looked at: whoever reads it does that. Raises TypeError for what is no image at all.
    """
    values = image.values()
    if {*map(len, values)} != _ONE:
        return False
    if _HOLDING.isdisjoint(chain.from_iterable(values)):
        return True
    return all(map(_holds_plain, values))


def _holds_plain(value: AttributeValue) -> bool:
    if "M" in value:
        return not value["M"] or is_plain(value["M"])
    if "L" in value:
        held = value["L"]
        return not held or ({*map(len, held)} == _ONE and all(map(_holds_plain, held)))
    return True


def plain(image: object) -> Item:
    """An image with one type key in each value, binary values as bytes. Raises UnreadableError.

    Some serializers write every type with null for those that are not set, and NULL false; both count as not set.
    """
    try:
        return _members(image, "")
    except RecursionError:
        raise _bad("(image)", "is nested too deeply") from None


def _members(held: object, path: str) -> Item:
    if not isinstance(held, Mapping):
        raise _bad(path or "(image)", "is no map of attribute values")
    members = cast("Mapping[Any, Any]", held)
    if not all(isinstance(name, str) for name in members):
        raise _bad(path or "(image)", "has a name that is not text")
    return {name: _plain_value(value, f"{path}.{name}" if path else name) for name, value in members.items()}


def _plain_value(value: object, path: str) -> AttributeValue:
    if not isinstance(value, Mapping):
        raise _bad(path, "is not an attribute value")
    types = cast("Mapping[str, Any]", value)
    found = [kind for kind, held in types.items() if held is not None and not (kind == "NULL" and held is False)]
    if len(found) != 1:
        raise _bad(path, "has more than one type set" if found else "has no type set")
    (kind,) = found
    check = _CHECKS.get(kind)
    if check is None:
        raise _bad(path, "has none of DynamoDB's types")
    return {kind: check(types[kind], path)}


def _text(held: object, path: str) -> str:
    if not isinstance(held, str):
        raise _bad(path, "holds no text")
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
