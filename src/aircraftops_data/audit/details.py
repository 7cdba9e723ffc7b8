"""What an event says beside its own fields: free maps of plain values, and payloads as JSON text."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from typing import Any, cast

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_jsonable_python

from aircraftops_data.errors import InvalidValueError, ItemTooLargeError
from aircraftops_data.model.definition import AttributeValue
from aircraftops_data.translation.values import decode_value, encode_value, item_size

DETAILS_DEPTH = 8
DETAILS_BYTES = 16 * 1024
PAYLOAD_BYTES = 128 * 1024

Path = tuple[str, ...]


def details_of(
    value: Mapping[str, Any] | BaseModel | None, *, depth: int = DETAILS_DEPTH, most_bytes: int = DETAILS_BYTES
) -> dict[str, Any]:
    """The details of an event, exactly as reading them back gives them; none for None.

    Anything a field of an entity can hold: numbers come back as int or Decimal, instants, days, UUIDs and enums as
    they are stored, tuples as lists, models as maps by alias. Maps and lists lie at most `depth` deep in one another,
    this map the first. Raises InvalidValueError, which names the place and never the value, and ItemTooLargeError
    over `most_bytes` as DynamoDB counts them.
    """
    if value is None:
        return {}
    stored = _encoded(value, (), depth)
    if "M" not in stored:
        raise _refused(f"Details are a map, or a model that is one; a {type(value).__name__} is not", ())
    _check_size(item_size(stored["M"]), most_bytes, "A map of details")
    return cast("dict[str, Any]", decode_value(stored))


def _encoded(value: Any, path: Path, depth: int) -> AttributeValue:
    """A value as it is stored; `depth` more maps or lists may follow."""
    plain = _dumped(value, path) if isinstance(value, BaseModel) else value
    if not isinstance(plain, Mapping | list | tuple | deque):
        return _encoded_other(plain, path, depth)
    if depth == 0:
        raise _refused("Maps and lists lie too deep in one another", path)
    parts = cast("Any", plain)
    if isinstance(plain, Mapping):
        return {"M": {_name(name, path): _encoded(part, (*path, name), depth - 1) for name, part in parts.items()}}
    return {"L": [_encoded(part, (*path, str(place)), depth - 1) for place, part in enumerate(parts)]}


def _encoded_other(value: Any, path: Path, depth: int) -> AttributeValue:
    try:
        stored = encode_value(value)
    except InvalidValueError as error:
        raise _refused(error.message, path) from error
    # A dataclass and its like are written as maps, which count like any other.
    return _encoded(decode_value(stored), path, depth) if "M" in stored or "L" in stored else stored


def _dumped(model: BaseModel, path: Path) -> Any:
    try:
        return model.model_dump(by_alias=True, warnings=False)
    except PydanticSerializationError as error:
        raise _refused(f"A {type(model).__name__} has no stored form", path) from error


def _name(name: object, path: Path) -> str:
    if not isinstance(name, str) or not name:
        raise _refused(f"A map has a key of type {type(name).__name__}, or an empty one; keys are text", path)
    try:
        encode_value(name)
    except InvalidValueError as error:
        raise _refused("A map has a key with no UTF-8 form", path) from error
    return str.__str__(name)


def _refused(problem: str, path: Path) -> InvalidValueError:
    placed = f"{problem} @ {'.'.join(path) or '(details)'}"
    return InvalidValueError(placed, problems=(placed,))


def _check_size(size: int, limit: int, what: str) -> None:
    if size > limit:
        raise ItemTooLargeError(f"{what} takes {size} bytes, over {limit}", size_bytes=size, limit_bytes=limit)


def payload_text(value: Any, most_bytes: int = PAYLOAD_BYTES) -> str | None:
    """A payload as JSON text; None for None. Text is a JSON string like any other value.

    Any JSON value, a pydantic model (by alias), and what pydantic writes as JSON. Raises InvalidValueError for what has
    no JSON form (NaN too), ItemTooLargeError for a text over `most_bytes` in UTF-8.
    """
    if value is None:
        return None
    try:
        plain = to_jsonable_python(value, by_alias=True, inf_nan_mode="constants")
        text = json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        size = len(text.encode())
    except (PydanticSerializationError, ValueError, RecursionError):
        # Their words may quote the value.
        raise InvalidValueError(f"A payload of type {type(value).__name__} has no JSON form") from None
    _check_size(size, most_bytes, "A payload")
    return text
