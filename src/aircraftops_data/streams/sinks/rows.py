"""Changes as rows of a table for analytics: one flat JSON object each, without what is personal or secret."""

from __future__ import annotations

import json
from base64 import b64encode
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, cast

from pydantic import BaseModel

from aircraftops_data.errors import InvalidValueError
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.privacy import PrivacyKind, privacy_of
from aircraftops_data.streams.change import Change, Operation
from aircraftops_data.streams.sinks.age import age
from aircraftops_data.streams.sinks.naming import event_id_of


def row_of(change: Change[Any], *, personal: Collection[str] = ()) -> dict[str, Any]:
    """The fields of the item as it is now, of a removed one as it was last, and what is known of the change.

    Fields marked PERSONAL are there if `personal` names them ("Owner.name"), those marked SECRET never are. Of an item
    of no entity known here nothing but the change is told, for nobody can say what of it is personal.
    """
    image = change.old if change.new is None else change.new
    fields = _fields(image, personal) if isinstance(image, Entity) else {}
    return fields | {
        "_entity": None if change.entity is None else change.entity.definition().entity_type,
        "_operation": change.operation.value,
        "_cause": change.cause.value,
        "_table": change.table,
        "_place": change.place,
        "_sequence": None if change.sequence is None else str(change.sequence),
        "_event_id": event_id_of(change),
        "_at": change.at,
        "_age": _age(change, image),
    }


def line_of(row: Mapping[str, Any]) -> bytes:
    """A row as one line of JSON, the newline with it. Raises InvalidValueError where it has no JSON form.

    Whole numbers are exact, other decimals the nearest double; instants and dates ISO 8601, durations seconds, bytes
    base64, sets sorted lists. Fields of models inside that are marked PERSONAL or SECRET are left out.
    """
    try:
        text = json.dumps(_plain(row), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:
        raise InvalidValueError("A row holds a number that JSON has none for") from None
    return f"{text}\n".encode()


def _fields(entity: Entity, personal: Collection[str]) -> dict[str, Any]:
    marked = privacy_of(type(entity))
    name_of = type(entity).__name__
    return {
        name: value
        for name, value in entity
        if name not in marked or (marked[name] is PrivacyKind.PERSONAL and f"{name_of}.{name}" in personal)
    }


def _age(change: Change[Any], image: Any) -> int | None:
    if not isinstance(image, Entity) or image.created_at is None:
        return None
    return age(image) + (change.operation is Operation.REMOVE)


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, BaseModel):
        marked = privacy_of(type(value))
        return {name: _plain(held) for name, held in value if name not in marked}
    if isinstance(value, Mapping):
        held = cast("dict[Any, Any]", value)
        return {str(_plain(name)): _plain(part) for name, part in held.items()}
    if isinstance(value, set | frozenset):
        return sorted(map(_plain, cast("Iterable[Any]", value)), key=_sorting)
    if isinstance(value, list | tuple | deque):
        return [_plain(part) for part in cast("Iterable[Any]", value)]
    return _scalar(value)


def _sorting(value: Any) -> tuple[str, Any]:
    """Numbers by their size, everything else by its text."""
    return ("", value) if isinstance(value, int | float) else (type(value).__name__, str(value))


def _scalar(value: Any) -> Any:
    if isinstance(value, Enum):
        return _scalar(value.value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bytes | bytearray):
        return b64encode(value).decode()
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value if isinstance(value, str | int | float | None) else str(value)
