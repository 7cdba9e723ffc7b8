"""The event that AWS Lambda hands to a function on a table's stream."""

from __future__ import annotations

from typing import Any

from benchmarks import sample
from benchmarks.contender import BATCH


def stream_event() -> dict[str, Any]:
    """An event of 100 changes. Source: AWS Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB"."""
    return {"Records": [_record(number) for number in range(BATCH)]}


def _record(number: int) -> dict[str, Any]:
    image = sample.item(number)
    table = f"arn:aws:dynamodb:us-east-1:123456789012:table/{sample.TABLE}"
    return {
        "eventID": f"{number:032x}",
        "eventName": "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1795244400,
            "Keys": {name: image[name] for name in ("PK", "SK")},
            "NewImage": image,
            "SequenceNumber": f"{4421584500000000017450439091 + number}",
            "SizeBytes": 1500,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": f"{table}/stream/2026-11-21T07:00:00.000",
    }
