"""Records of a stream as events of every service that brings them, for tests of what reads them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC
from enum import StrEnum
from typing import Any

from aircraftops_data.streams.change import EPOCH, AnyRecord, Cause, Change, Poison, microseconds_of
from aircraftops_data.streams.encoding import Said, as_json, fine_time, images_in, lambda_record, parsed, without_none
from aircraftops_data.streams.stored import is_map, plain

_NOT_IN_KINESIS = frozenset({"eventVersion", "eventSourceARN"})


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


def encode(records: Sequence[AnyRecord], dialect: Dialect) -> Any:
    """An event of these records. Decoded, it gives them again, but for what the dialect does not say."""
    match dialect:
        case Dialect.LAMBDA:
            return {"Records": [parsed(lambda_record(record)) for record in records]}
        case Dialect.PIPES:
            return [parsed(lambda_record(record)) for record in records]
        case Dialect.KINESIS:
            return {"Records": [_kinesis(record, number) for number, record in enumerate(records, 1)]}
        case Dialect.GET_RECORDS:
            return {"Records": [_got(record) for record in records], "NextShardIterator": "next"}
        case Dialect.EXPORT:
            return "".join(f"{as_json(_line(record))}\n" for record in records)


def _kinesis(record: AnyRecord, number: int) -> Said:
    """Source: DynamoDB Developer Guide, "Using Kinesis Data Streams to capture changes to DynamoDB"."""
    said = lambda_record(record)
    if not is_map(said.get("dynamodb")):
        return parsed(said)
    if isinstance(record, Change):
        inside = {name: said["dynamodb"].get(name) for name in ("Keys", "NewImage", "OldImage", "SizeBytes")}
        said["dynamodb"] = without_none(inside) | ({} if record.at is None else fine_time(record.at))
        said |= {"tableName": record.table, "recordFormat": "application/json"}
        said = {"userIdentity": None} | {name: said[name] for name in said if name not in _NOT_IN_KINESIS}
    given = record.source_id or ""
    sequence = given if given.isdigit() else f"{49_590_338_271_490_256_608_559_692 * 10**30 + number}"
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record.place.upper(),
            "sequenceNumber": sequence,
            "data": b64encode(as_json(said).encode()).decode(),
            "approximateArrivalTimestamp": (record.at or EPOCH).timestamp(),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-000000000000:{sequence}",
        "eventName": "aws:kinesis:record",
        "awsRegion": "us-east-1",
        "eventSourceARN": "arn:aws:kinesis:us-east-1:000000000000:stream/changes",
    }


def _got(record: AnyRecord) -> Said:
    """Source: DynamoDB API Reference, GetRecords; boto3, DynamoDBStreams.Client.get_records."""
    said = lambda_record(record)
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


def _line(record: AnyRecord) -> Said:
    """Source: DynamoDB Developer Guide, "DynamoDB table export output format"."""
    if isinstance(record, Poison):
        return lambda_record(record)
    images = without_none(images_in(record.raw))
    if record.cause is Cause.SNAPSHOT:
        return {"Item": images["NewImage"]}
    micros = {} if record.at is None else {"N": str(microseconds_of(record.at))}
    return {"Metadata": {"WriteTimestampMicros": micros} if micros else {}, "Keys": record.keys, **images}
