"""Changes as rows of a table for analytics: one flat JSON object each, without what is personal or secret."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

from aircraftops_data.errors import InvalidValueError
from aircraftops_data.model.entity import Entity
from aircraftops_data.streams.change import Change
from aircraftops_data.streams.sinks.messages import event_id_of
from aircraftops_data.streams.sinks.telling import Fields, about, held_by, plain, told_fields


class Rows:
    """Makes rows of changes. `fields` are those of entities that are told otherwise than by all that is not private.

    Raises DefinitionError.
    """

    def __init__(self, fields: Fields | None = None) -> None:
        self._told = {entity: _told(entity, names) for entity, names in (fields or {}).items()}

    def of(self, change: Change[Any]) -> dict[str, Any]:
        """What is known of a change, and the fields of the item: as it was last of a removed one, else as it is now.

        Where the stream's view leaves that out, the components of the primary key. Of an item of none of the entities
        known nothing but the change is told, for nobody can say what of it is personal.
        """
        entity, told = change.entity, dict[str, Any]()
        if entity is not None:
            held = held_by(change)
            told = {name: held[name] for name in self._names(entity) if name in held}
        return {
            **told,
            "_entity": None if entity is None else entity.definition().entity_type,
            "_table": change.table,
            **about(change),
            "_event_id": event_id_of(change),
        }

    def _names(self, entity: type[Entity]) -> tuple[str, ...]:
        if entity not in self._told:
            self._told[entity] = _told(entity, None)
        return self._told[entity]


def _told(entity: type[Entity], names: Sequence[str] | None) -> tuple[str, ...]:
    return told_fields(entity, names, but=("version",))


def line_of(row: Mapping[str, Any]) -> bytes:
    """A row as one line of JSON, the newline with it. Raises InvalidValueError where it has no JSON form.

    Whole numbers are exact, other decimals the nearest double; instants and dates ISO 8601, durations seconds, bytes
    base64, sets sorted lists. Fields of models inside that are marked PERSONAL or SECRET are left out.
    """
    try:
        text = json.dumps(plain(row, _single), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return f"{text}\n".encode()
    except ValueError:
        raise InvalidValueError("A row holds a number or half a character, and JSON has none such") from None


def _single(value: Any) -> Any:
    if isinstance(value, Enum):
        return _single(value.value)
    if isinstance(value, Decimal):
        return int(value) if value.is_finite() and value == value.to_integral_value() else float(value)
    if isinstance(value, bytes | bytearray):
        return b64encode(value).decode()
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value if isinstance(value, str | int | float | None) else str(value)
