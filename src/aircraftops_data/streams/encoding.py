"""Records written again: in any of the dialects they come in, or as the text of a message; and records made up."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from aircraftops_data.errors import InvalidInputError
from aircraftops_data.model.definition import ItemView
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.schema import StreamView
from aircraftops_data.streams.change import EPOCH, Cause, Change, Operation, Poison, Record
from aircraftops_data.streams.heads import TTL_PRINCIPAL, images_of, table_of
from aircraftops_data.streams.stored import is_map, plain
from aircraftops_data.translation.codec import codec_of
from aircraftops_data.translation.values import item_size

Said = dict[str, Any]
_REGION = "us-east-1"
_STREAM = "arn:aws:dynamodb:us-east-1:000000000000:table/{}/stream/2020-01-01T00:00:00.000"
_SERVICE_PRINCIPAL = "replication.dynamodb.amazonaws.com"


class Dialect(StrEnum):
    """A form in which the records of a stream come."""

    LAMBDA = "lambda"
    """The event of a Lambda function on a DynamoDB stream."""
    GET_RECORDS = "get_records"
    """The response of GetRecords as boto3 gives it: binary values are bytes, times datetimes; no table."""
    KINESIS = "kinesis"
    """The event of a Lambda function on a Kinesis stream that a table writes to; no sequence numbers."""
    PIPES = "pipes"
    """The batch of a pipe of EventBridge on a DynamoDB stream: a list."""
    EXPORT = "export"
    """Lines of an export to S3, as text: of a full one for snapshots, else of an incremental one; images and times."""


def message(record: Change[Any] | Poison) -> str:
    """A record as the JSON of one in an event of Lambda; `decode([message, ...])` gives an equal one back.

    What Lambda's dialect has no place for stands beside: `sourceID`, and `cause` for a snapshot. What could not be
    read stays as it was, so that it is as unreadable again; so does an item whose key nobody knows.
    """
    said = _said(record)
    if record.source_id != _told_id(said):
        said["sourceID"] = record.source_id
    if isinstance(record, Change) and record.cause is Cause.SNAPSHOT:
        said["cause"] = Cause.SNAPSHOT.value
    return _json(said)


def _told_id(said: Said) -> Any:
    body = said.get("dynamodb")
    return body.get("SequenceNumber") if is_map(body) else None


def encode(records: Sequence[Change[Any] | Poison], dialect: Dialect) -> Any:
    """An event of these records. Decoded, it gives them again, but for what the dialect does not say."""
    match dialect:
        case Dialect.LAMBDA:
            return {"Records": [_parsed(_said(record)) for record in records]}
        case Dialect.PIPES:
            return [_parsed(_said(record)) for record in records]
        case Dialect.KINESIS:
            return {"Records": [_kinesis(record, number) for number, record in enumerate(records, 1)]}
        case Dialect.GET_RECORDS:
            return {"Records": [_got(record) for record in records], "NextShardIterator": "next"}
        case Dialect.EXPORT:
            return "".join(f"{_json(_line(record))}\n" for record in records)


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
    operation = Operation.INSERT if old is None else Operation.REMOVE if new is None else Operation.MODIFY
    keys = definition.key_of(shown.__dict__)
    said = _record(operation, event_id or f"{sequence:032x}", table, _identity(cause, None))
    said["dynamodb"] = _body(keys, images, at, str(sequence), view)
    return _parsed(said)


# Lambda's dialect


def _said(record: Change[Any] | Poison) -> Said:
    """A change in Lambda's dialect, binary values still bytes; a poison as it is."""
    if isinstance(record, Poison) or not record.keys:
        return _table_told(dict(record.raw), record)
    said = _record(record.operation, record.event_id, record.table, _identity(record.cause, record.raw))
    inside = record.raw.get("dynamodb", {})
    sequence, view = inside.get("SequenceNumber"), inside.get("StreamViewType")
    said["dynamodb"] = _body(record.keys, _images(record.raw), record.at, sequence, view)
    return said


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
    return _given(found)


def _body(keys: ItemView, images: Said, at: datetime | None, sequence: str | None, view: StreamView | None) -> Said:
    shown = _given(images)
    size = sum(item_size(plain(image)) for image in (keys, *shown.values()))
    found = {
        **_time(at),
        "Keys": keys,
        **shown,
        "SequenceNumber": sequence,
        "SizeBytes": size,
        "StreamViewType": view or "NEW_AND_OLD_IMAGES",
    }
    return _given(found)


def _given(found: Mapping[str, Any]) -> Said:
    return {name: value for name, value in found.items() if value is not None}


def _time(at: datetime | None) -> Said:
    """Whole seconds, as DynamoDB Streams counts; what is finer, as Kinesis says it."""
    if at is None:
        return {}
    return _fine(at) if at.microsecond else {"ApproximateCreationDateTime": int(at.timestamp())}


def _fine(at: datetime) -> Said:
    return {
        "ApproximateCreationDateTime": (at - EPOCH) // EPOCH.resolution,
        "ApproximateCreationDateTimePrecision": "MICROSECOND",
    }


def _identity(cause: Cause, raw: Mapping[str, Any] | None) -> Said | None:
    if cause is Cause.TTL:
        return {"type": "Service", "principalId": TTL_PRINCIPAL}
    if cause is not Cause.SERVICE:
        return None
    known = {} if raw is None else {name.casefold(): value for name, value in raw["userIdentity"].items()}
    return {"type": "Service", "principalId": known.get("principalid", _SERVICE_PRINCIPAL)}


def _images(raw: Mapping[str, Any]) -> Said:
    """The images as they stand in a record of whatever dialect."""
    if "Item" in raw and "dynamodb" not in raw:
        return {"NewImage": raw["Item"]}
    old, new = images_of(raw, raw.get("dynamodb", raw))
    return {"NewImage": new, "OldImage": old}


# The others


def _kinesis(record: Change[Any] | Poison, number: int) -> Said:
    """Source: DynamoDB Developer Guide, "Using Kinesis Data Streams to capture changes to DynamoDB"."""
    said = _said(record)
    if not is_map(said.get("dynamodb")):
        return _parsed(said)
    if isinstance(record, Change):
        inside = {name: said["dynamodb"].get(name) for name in ("Keys", "NewImage", "OldImage", "SizeBytes")}
        said["dynamodb"] = _given(inside) | ({} if record.at is None else _fine(record.at))
        said |= {"tableName": record.table, "recordFormat": "application/json"}
        said = {"userIdentity": None} | {name: said[name] for name in said if name not in _NOT_IN_KINESIS}
    given = record.source_id or ""
    sequence = given if given.isdigit() else f"{49_590_338_271_490_256_608_559_692 * 10**30 + number}"
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record.place.upper(),
            "sequenceNumber": sequence,
            "data": b64encode(_json(said).encode()).decode(),
            "approximateArrivalTimestamp": (record.at or EPOCH).timestamp(),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-000000000000:{sequence}",
        "eventName": "aws:kinesis:record",
        "awsRegion": _REGION,
        "eventSourceARN": "arn:aws:kinesis:us-east-1:000000000000:stream/changes",
    }


_NOT_IN_KINESIS = frozenset({"eventVersion", "eventSourceARN"})


def _got(record: Change[Any] | Poison) -> Said:
    """Source: DynamoDB API Reference, GetRecords; boto3, DynamoDBStreams.Client.get_records."""
    said = _said(record)
    if isinstance(record, Poison):
        return said
    said.pop("eventSourceARN", None)
    if "userIdentity" in said:
        said["userIdentity"] = {name[0].upper() + name[1:]: value for name, value in said["userIdentity"].items()}
    body = said["dynamodb"]
    body.pop("ApproximateCreationDateTimePrecision", None)
    at = {} if record.at is None else {"ApproximateCreationDateTime": record.at.astimezone(UTC)}
    images = {name: plain(body[name]) for name in ("Keys", "NewImage", "OldImage") if name in body}
    return said | {"dynamodb": body | images | at}


def _line(record: Change[Any] | Poison) -> Said:
    """Source: DynamoDB Developer Guide, "DynamoDB table export output format"."""
    if isinstance(record, Poison):
        return _said(record)
    images = _given(_images(record.raw))
    if record.cause is Cause.SNAPSHOT:
        return {"Item": images["NewImage"]}
    micros = {} if record.at is None else {"N": str((record.at - EPOCH) // EPOCH.resolution)}
    return {"Metadata": {"WriteTimestampMicros": micros} if micros else {}, "Keys": record.keys, **images}


# JSON


def _json(said: Said) -> str:
    return json.dumps(said, separators=(",", ":"), default=_plainly, skipkeys=True)


def _parsed(said: Said) -> Said:
    parsed: Said = json.loads(_json(said))
    return parsed


def _plainly(value: object) -> Any:
    """What JSON has no form for: binary values, times and sets; of anything else, what it is."""
    if isinstance(value, bytes | bytearray):
        return b64encode(value).decode()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return dict(value) if isinstance(value, Mapping) else f"({type(value).__name__})"  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
