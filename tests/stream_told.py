"""What a decoded record tells, as plain JSON: for expected results beside the events."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from aircraftops_data import Entity
from aircraftops_data.errors import UnknownEventError
from aircraftops_data.streams import Change, Decoder, Poison


def told(event: object, decoder: Decoder) -> Any:
    """What each record of an event tells, or the name of the error that refuses the event."""
    try:
        records = decoder.records(event)
    except UnknownEventError as error:
        return {"refused": type(error).__name__}
    return [_record(record) for record in records]


def _record(record: Change[Any] | Poison) -> dict[str, Any]:
    known = {field.name: getattr(record, field.name) for field in fields(record) if field.name != "raw"}
    if isinstance(record, Change):
        known |= {"entity": record.entity and record.entity.__name__, "changed": record.changed}
    return {name: _plain(value) for name, value in known.items() if value is not None and value != {}}


def _plain(value: Any) -> Any:
    """Without a loss that matters here: bytes say that they are, sets are sorted, decimals are text."""
    match value:
        case Entity():
            return {name: _plain(inner) for name, inner in value if inner is not None}
        case dict():
            return {name: _plain(inner) for name, inner in value.items()}
        case set() | frozenset():
            return {"set": sorted(map(_plain, value), key=str)}
        case list():
            return [_plain(inner) for inner in value]
        case bytes():
            return {"bytes": b64encode(value).decode()}
        case datetime():
            return value.isoformat()
        case Decimal():
            return str(value)
        case _:
            return value
