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
from aircraftops_data.streams.sinks.age import age_of
from aircraftops_data.streams.sinks.naming import event_id_of


def row_of(change: Change[Any], *, personal: Collection[str] = ()) -> dict[str, Any]:
    """What is known of a change, and the fields of the item: as it was last of a removed one, else as it is now.

    Where the stream's view leaves that out, the components of the primary key. Fields marked PERSONAL are there if
    `personal` names them ("Owner.name"); those marked SECRET never are, not even in models inside. Of an item of none
    of the entities known nothing but the change is told, for nobody can say what of it is personal.
    """
    image = change.old if change.operation is Operation.REMOVE else change.new
    held = dict(image) if isinstance(image, Entity) else change.identity
    return _told(change.entity, held, personal) | {
        "_entity": None if change.entity is None else change.entity.definition().entity_type,
        "_operation": change.operation.value,
        "_cause": change.cause.value,
        "_table": change.table,
        "_place": change.place,
        "_sequence": None if change.sequence is None else change.order,
        "_event_id": event_id_of(change),
        "_at": change.at,
        "_version": held.get("version"),
        "_age": age_of(change) if isinstance(image, Entity) and image.created_at else None,
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


def _told(entity: type[Entity] | None, held: Mapping[str, Any], personal: Collection[str]) -> dict[str, Any]:
    if entity is None:
        return {}
    hidden = {"version"}
    for name, kind in privacy_of(entity).items():
        if kind is PrivacyKind.SECRET or f"{entity.__name__}.{name}" not in personal:
            hidden.add(name)
    return {name: value for name, value in held.items() if name not in hidden}


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
        return int(value) if value.is_finite() and value == value.to_integral_value() else float(value)
    if isinstance(value, bytes | bytearray):
        return b64encode(value).decode()
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value if isinstance(value, str | int | float | None) else str(value)
