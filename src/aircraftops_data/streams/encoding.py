"""Records written again, as Lambda is given them: as the text of a message; and records made up, for tests."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from aircraftops_data.errors import InvalidInputError
from aircraftops_data.model.definition import ItemView
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.schema import StreamView
from aircraftops_data.streams.change import EPOCH, AnyRecord, Cause, Change, Operation, Poison, Record, microseconds_of
from aircraftops_data.streams.heads import TTL_PRINCIPAL, identity_in, images_of, table_of
from aircraftops_data.streams.stored import is_map
from aircraftops_data.translation.codec import codec_of
from aircraftops_data.translation.values import item_size

Said = dict[str, Any]
_REGION = "us-east-1"
_STREAM = "arn:aws:dynamodb:us-east-1:000000000000:table/{}/stream/2020-01-01T00:00:00.000"
_SERVICE_PRINCIPAL = "replication.dynamodb.amazonaws.com"
# A level of an item is two of JSON: of what is cut, more than an item may have are left.
_LEVELS = 100


def message(record: AnyRecord) -> str:
    """A record as the JSON of one in an event of Lambda; `decode([message, ...])` gives an equal one back.

    What Lambda's dialect has no place for stands beside: `sourceID`, and `cause` for a snapshot. What could not be
    read stays as it was, so that it is as unreadable again; so does an item whose key nobody knows.
    """
    said = lambda_record(record)
    if record.source_id != _told_id(said):
        said["sourceID"] = record.source_id
    if isinstance(record, Change) and record.cause is Cause.SNAPSHOT:
        said["cause"] = Cause.SNAPSHOT.value
    return as_json(said)


def _told_id(said: Said) -> Any:
    body = said.get("dynamodb")
    return body.get("SequenceNumber") if is_map(body) else None


def written(
    old: Entity | None,
    new: Entity | None,
    *,
    table: str,
    sequence: int = 1,
    at: datetime = EPOCH,
    event_id: str | None = None,
    view: StreamView = "NEW_AND_OLD_IMAGES",
    cause: Cause = Cause.USER,
) -> Said:
    """The record, in Lambda's dialect, of a write that found `old` and left `new`; None for no item.

    For tests of handlers. Raises InvalidInputError without any item.
    """
    shown = new or old
    if shown is None:
        raise InvalidInputError("A record tells of an item: before, afterwards, or both")
    definition = shown.definition()
    codec = codec_of(definition)
    images = {
        "NewImage": None if new is None or view in ("KEYS_ONLY", "OLD_IMAGE") else codec.item(new),
        "OldImage": None if old is None or view in ("KEYS_ONLY", "NEW_IMAGE") else codec.item(old),
    }
    keys = definition.key_of(shown.__dict__)
    size = sum(item_size(item) for item in (keys, *images.values()) if item is not None)
    operation = Operation.INSERT if old is None else Operation.REMOVE if new is None else Operation.MODIFY
    said = _record(operation, event_id or f"{sequence:032x}", table, _identity(cause, None))
    said["dynamodb"] = _body(
        keys, images, at, {"SequenceNumber": str(sequence), "SizeBytes": size, "StreamViewType": view}
    )
    return parsed(said)


def lambda_record(record: AnyRecord) -> Said:
    """A change in Lambda's dialect, binary values still bytes; a poison as it is."""
    if isinstance(record, Poison) or not record.keys:
        return _table_told(dict(record.raw), record)
    said = _record(record.operation, record.event_id, record.table, _identity(record.cause, record.raw))
    said["dynamodb"] = _body(record.keys, images_in(record.raw), record.at, record.raw.get("dynamodb", {}))
    return _table_told(said, record)


def _table_told(said: Said, record: Record) -> Said:
    return said if table_of(said, None) == record.table else said | {"tableName": record.table}


def _record(operation: Operation, event_id: str | None, table: str | None, identity: Said | None) -> Said:
    """Around the body. Source: Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB"."""
    found = {
        "eventID": event_id,
        "eventName": operation.name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": _REGION,
        "dynamodb": {},
        "userIdentity": identity,
        "eventSourceARN": None if table is None else _STREAM.format(table),
    }
    return without_none(found)


def _body(keys: ItemView, images: Said, at: datetime | None, given: Mapping[str, Any]) -> Said:
    """Images stay as they were given: what could be read of one must be readable again."""
    found = {
        **_time(at),
        "Keys": keys,
        **images,
        "SequenceNumber": given.get("SequenceNumber"),
        "SizeBytes": given.get("SizeBytes"),
        "StreamViewType": given.get("StreamViewType") or "NEW_AND_OLD_IMAGES",
    }
    return without_none(found)


def without_none(found: Mapping[str, Any]) -> Said:
    """What there is."""
    return {name: value for name, value in found.items() if value is not None}


def _time(at: datetime | None) -> Said:
    """Whole seconds, as DynamoDB Streams counts; what is finer, as Kinesis says it."""
    if at is None:
        return {}
    return fine_time(at) if at.microsecond else {"ApproximateCreationDateTime": int(at.timestamp())}


def fine_time(at: datetime) -> Said:
    """A time as Kinesis says it."""
    return {
        "ApproximateCreationDateTime": microseconds_of(at),
        "ApproximateCreationDateTimePrecision": "MICROSECOND",
    }


def _identity(cause: Cause, raw: Mapping[str, Any] | None) -> Said | None:
    if cause is Cause.TTL:
        return {"type": "Service", "principalId": TTL_PRINCIPAL}
    if cause is not Cause.SERVICE:
        return None
    known: Mapping[str, Any] = {} if raw is None else identity_in(raw["userIdentity"])
    return {"type": "Service", "principalId": known.get("principalid", _SERVICE_PRINCIPAL)}


def images_in(raw: Mapping[str, Any]) -> Said:
    """The images as they stand in a record of whatever dialect."""
    if "Item" in raw and "dynamodb" not in raw:
        return {"NewImage": raw["Item"]}
    old, new = images_of(raw, raw.get("dynamodb", raw))
    return {"NewImage": new, "OldImage": old}


def as_json(said: Said) -> str:
    """A record as JSON text; what is nested more deeply than can be written, as no item is, is cut."""
    try:
        return _to_json(said)
    except RecursionError:
        return _to_json(_cut(said, _LEVELS))


def _to_json(said: object) -> str:
    return json.dumps(said, separators=(",", ":"), default=_plainly, skipkeys=True)


def _cut(held: object, levels: int) -> object:
    if not levels:
        return "(nested too deeply)"
    if is_map(held):
        return {name: _cut(inner, levels - 1) for name, inner in held.items()}
    return [_cut(inner, levels - 1) for inner in cast("list[object]", held)] if isinstance(held, list) else held


def parsed(said: Said) -> Said:
    """A record as its JSON text is parsed."""
    found: Said = json.loads(as_json(said))
    return found


def _plainly(value: object) -> Any:
    """What JSON has no form for: binary values, times and sets; of anything else, what it is."""
    if isinstance(value, bytes | bytearray):
        return b64encode(value).decode()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return dict(value) if isinstance(value, Mapping) else f"({type(value).__name__})"  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
