"""How a typed value is written inside a key, so that byte order is value order."""

import enum
import re
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

from pydantic import AwareDatetime, FutureDate, FutureDatetime, NaiveDatetime, PastDate, PastDatetime

from aircraftops_data.errors import DefinitionError, InvalidKeyError
from aircraftops_data.model.numbers import number_text, number_value

_WIDTH = re.compile(r"([1-9]\d*)(?:\.(\d+))?")
# No key holds more; a number's exponent may not make us build one that does.
_MOST_DIGITS = 2048
# At run time pydantic's own names for instants and days are classes apart.
_PYDANTIC_TYPES: dict[Any, type] = {
    **dict.fromkeys((AwareDatetime, NaiveDatetime, PastDatetime, FutureDatetime), datetime),
    **dict.fromkeys((PastDate, FutureDate), date),
}


@dataclass(frozen=True, slots=True)
class KeyEncoder:
    """A pair of inverse functions between a value and its text in a key, before escaping."""

    kind: str
    encode: Callable[[Any], str]
    decode: Callable[[str], Any]


def instant_text(value: datetime) -> str:
    """An instant as fixed-width UTC text with microseconds: 2026-11-21T07:00:00.000000Z. Naive ones are refused."""
    if value.tzinfo is UTC:
        return value.isoformat(timespec="microseconds")[:-6] + "Z"
    if value.utcoffset() is None:
        raise InvalidKeyError("A datetime without a time zone names no instant; give it one (for example UTC)")
    try:
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    except OverflowError as error:
        raise InvalidKeyError("An instant must lie in the years 1 to 9999 of UTC") from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidKeyError(f"Expected text, got {type(value).__name__}")
    # Of a class of its own, it is written as the text it holds.
    return str.__str__(value)


def _plain_date(value: date) -> str:
    if isinstance(value, datetime):
        raise InvalidKeyError("Expected a date, got a datetime")
    return value.isoformat()


def _flag(value: object) -> str:
    if not isinstance(value, bool):
        raise InvalidKeyError(f"Expected a bool, got {type(value).__name__}")
    return "1" if value else "0"


def _uuid(value: object) -> str:
    if not isinstance(value, UUID):
        raise InvalidKeyError(f"Expected a UUID, got {type(value).__name__}")
    return str(value)


TEXT = KeyEncoder("text", _text, str)
_NUMBER = KeyEncoder("number", number_text, number_value)
_SIMPLE: dict[type, KeyEncoder] = {
    str: TEXT,
    bool: KeyEncoder("bool", _flag, lambda text: {"0": False, "1": True}[text]),
    datetime: KeyEncoder("instant", instant_text, datetime.fromisoformat),
    date: KeyEncoder("date", _plain_date, date.fromisoformat),
    UUID: KeyEncoder("uuid", _uuid, UUID),
}


def number_encoder(width: int, scale: int = 0) -> KeyEncoder:
    """Zero-padded digits of a fixed width; negatives as `-` and the nines' complement, so they sort before."""
    limit = 10**width

    def encode(value: float | Decimal) -> str:
        number = _scaled(value, scale)
        if not -limit < number < limit:
            raise InvalidKeyError(f"A number does not fit {width} digits" + (f" at scale {scale}" if scale else ""))
        return f"{number:0{width}d}" if number >= 0 else f"-{limit - 1 + number:0{width}d}"

    def decode(text: str) -> int | Decimal:
        number = int(text[1:]) - limit + 1 if text.startswith("-") else int(text)
        return Decimal(f"{number}E-{scale}") if scale else number

    return KeyEncoder(f"number of {width} digits" + (f", scale {scale}" if scale else ""), encode, decode)


def _scaled(value: object, scale: int) -> int:
    """The number times ten to the scale, which must be whole; in integers, for `decimal` would round."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise InvalidKeyError(f"Expected a number, got {type(value).__name__}")
    factor: int = 10**scale
    if isinstance(value, int):
        return value * factor
    sign, digits, exponent = Decimal(repr(value) if isinstance(value, float) else value).as_tuple()
    if not isinstance(exponent, int):
        raise InvalidKeyError("NaN and Infinity have no place in a key")
    shift = exponent + scale
    whole = int("".join(map(str, digits)))
    if shift > _MOST_DIGITS:
        raise InvalidKeyError("A number is too large for a key")
    power: int = 10 ** min(abs(shift), _MOST_DIGITS)
    number, rest = (whole * power, 0) if shift >= 0 else divmod(whole, power)
    if rest:
        raise InvalidKeyError("A number has more decimals than the key template keeps")
    return -number if sign else number


def encoder_for(annotation: Any, spec: str) -> KeyEncoder:
    """The encoder of a field of this type; `spec` is what follows the colon in a template (`{sequence:10}`)."""
    kind: Any = plain_type(annotation)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _enum_encoder(kind, spec)
    if kind in (int, float, Decimal):
        return _sized(kind, spec)
    if spec:
        raise DefinitionError(f"A width is for numbers; {_named(kind)} takes none")
    for known, encoder in _SIMPLE.items():
        if isinstance(kind, type) and issubclass(kind, known):
            return encoder
    raise DefinitionError(f"A field of type {_named(kind)} cannot be a key component")


def unordered_encoder_for(annotation: Any, spec: str) -> KeyEncoder:
    """The encoder where values are only told apart, never ordered: a number needs no width."""
    return _NUMBER if plain_type(annotation) in (int, float, Decimal) else encoder_for(annotation, spec)


def plain_encoder_for(annotation: Any, key_type: str) -> KeyEncoder:
    """A number or binary key holds the value as it is; says whether a field of this type can be one."""
    kinds = (int, float, Decimal) if key_type == "N" else (bytes,)
    if plain_type(annotation) not in kinds:
        raise DefinitionError(f"A key of type {key_type} cannot hold a {_named(plain_type(annotation))}")
    return KeyEncoder("number" if key_type == "N" else "binary", str, str)


def _named(kind: Any) -> str:
    return str(getattr(kind, "__name__", kind))


def _sized(kind: type, spec: str) -> KeyEncoder:
    match = _WIDTH.fullmatch(spec)
    if match is None:
        raise DefinitionError(f"A component of type {kind.__name__} needs a width, such as {{number:10}}")
    if kind is not int and match[2] is None:
        raise DefinitionError(f"A component of type {kind.__name__} needs a scale, such as {{number:12.2}}")
    return number_encoder(int(match[1]), int(match[2] or 0))


def _enum_encoder(kind: type[enum.Enum], spec: str) -> KeyEncoder:
    values: set[Any] = {type(member.value) for member in kind}
    if len(values) != 1:
        raise DefinitionError(f"{kind.__name__} mixes types of values; a key component needs one")
    inner = encoder_for(values.pop(), spec)

    def encode(value: object) -> str:
        if not isinstance(value, kind):
            raise InvalidKeyError(f"Expected a {kind.__name__}, got {type(value).__name__}")
        return inner.encode(value.value)

    return KeyEncoder(kind.__name__, encode, lambda text: kind(inner.decode(text)))


def plain_type(annotation: Any) -> Any:
    """The one type under Annotated, Optional, NewType, a type alias or a Literal of one type."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return plain_type(get_args(annotation)[0])
    if origin is Union or origin is types.UnionType:
        return _only({plain_type(part) for part in get_args(annotation) if part is not type(None)}, annotation)
    if origin is Literal:
        return _only({type(value) for value in get_args(annotation)}, annotation)
    if isinstance(annotation, typing.NewType):
        return plain_type(annotation.__supertype__)
    aliased = getattr(annotation, "__value__", None)
    return _PYDANTIC_TYPES.get(annotation, annotation) if aliased is None else plain_type(aliased)


def _only(kinds: set[Any], annotation: Any) -> Any:
    if len(kinds) != 1:
        raise DefinitionError(f"A key component needs one type, not {annotation}")
    return kinds.pop()
