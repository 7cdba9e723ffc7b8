"""A request of every item operation, a response to it, and what the tests of the default transport do with them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from botocore.awsrequest import AWSResponse

from aircraftops_data.request import Request, Response
from canned import CAPACITY, ITEM, KEY

BINARY = {
    **ITEM,
    "photo": {"B": "AAEC"},
    "parts": {"L": [{"M": {"x": {"BS": ["AQ==", "Ag=="]}}}]},
    "none": {"NULL": True},
}
UPDATE = {
    "TableName": "CoreTable",
    "Key": KEY,
    "UpdateExpression": "SET #0 = :0",
    "ExpressionAttributeNames": {"#0": "photo"},
    "ExpressionAttributeValues": {":0": {"B": b"\x00\x01"}},
}
PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "GetItem": {"TableName": "CoreTable", "Key": KEY},
    "PutItem": {"TableName": "CoreTable", "Item": {**ITEM, "photo": {"B": b"\x00\x01"}, "é": {"S": "ü\U0001f600"}}},
    "UpdateItem": UPDATE,
    "DeleteItem": {"TableName": "CoreTable", "Key": KEY},
    "Query": {
        "TableName": "CoreTable",
        "KeyConditionExpression": "PK = :0",
        "ExpressionAttributeValues": {":0": ITEM["PK"]},
    },
    "Scan": {"TableName": "CoreTable", "Limit": 5},
    "BatchGetItem": {"RequestItems": {"CoreTable": {"Keys": [KEY], "ConsistentRead": True}, "Other": {"Keys": [KEY]}}},
    "BatchWriteItem": {
        "RequestItems": {"CoreTable": [{"PutRequest": {"Item": ITEM}}], "Other": [{"DeleteRequest": {"Key": KEY}}]}
    },
    "TransactGetItems": {"TransactItems": [{"Get": {"TableName": "CoreTable", "Key": KEY}}]},
    "TransactWriteItems": {
        "ClientRequestToken": "token",
        "TransactItems": [
            {"Update": UPDATE},
            {"Put": {"TableName": "Other", "Item": ITEM}},
            {"ConditionCheck": {"TableName": "CoreTable", "Key": KEY, "ConditionExpression": "attribute_exists(PK)"}},
        ],
    },
}
PAGE = {"Items": [BINARY, ITEM], "Count": 2, "ScannedCount": 7, "LastEvaluatedKey": KEY, "ConsumedCapacity": CAPACITY}
RESPONSES: Mapping[str, Mapping[str, Any]] = {
    "GetItem": {"Item": BINARY, "ConsumedCapacity": CAPACITY},
    "PutItem": {"Attributes": BINARY},
    "UpdateItem": {"Attributes": BINARY, "ConsumedCapacity": CAPACITY},
    "DeleteItem": {"Attributes": BINARY},
    "Query": PAGE,
    "Scan": PAGE,
    "BatchGetItem": {
        "Responses": {"CoreTable": [BINARY], "Other": []},
        "UnprocessedKeys": {"Other": {"Keys": [{"PK": {"B": "AAEC"}}], "ConsistentRead": True}},
        "ConsumedCapacity": [CAPACITY],
    },
    "BatchWriteItem": {
        "UnprocessedItems": {"CoreTable": [{"PutRequest": {"Item": BINARY}}, {"DeleteRequest": {"Key": KEY}}]},
        "ConsumedCapacity": [CAPACITY],
    },
    "TransactGetItems": {"Responses": [{"Item": BINARY}, {}], "ConsumedCapacity": [CAPACITY]},
    "TransactWriteItems": {"ConsumedCapacity": [CAPACITY]},
}
LARGE = ("PutItem", "UpdateItem", "BatchGetItem", "BatchWriteItem", "TransactWriteItems")
GET = Request("GetItem", PARAMETERS["GetItem"])
PUT = Request("PutItem", PARAMETERS["PutItem"])


class Reads:
    """A reader that gives what it is told to, and keeps the bodies it was given."""

    def __init__(self, response: Response | None) -> None:
        self.response = response
        self.bodies: list[bytes] = []

    def read(self, body: bytes) -> Response | None:
        """The response."""
        self.bodies.append(body)
        return self.response


def method(client: Any, operation: str) -> Any:
    """The client's method for an operation."""
    (name,) = [name for name, api in client.meta.method_to_api_mapping.items() if api == operation]
    return getattr(client, name)


def without_date(response: Response) -> dict[str, Any]:
    """A response without what differs between two servers' seconds."""
    plain: dict[str, Any] = deepcopy(dict(response))
    plain["ResponseMetadata"]["HTTPHeaders"].pop("date")
    return plain


class _Raw:
    def __init__(self, body: bytes) -> None:
        self.body = body

    def stream(self) -> Iterator[bytes]:
        """The body, in one piece."""
        yield self.body


def answered(request: Any, content: Mapping[str, Any]) -> AWSResponse:
    """What a before-send handler answers in the server's place."""
    return AWSResponse(request.url, 200, {"x-amzn-RequestId": "HANDLER"}, _Raw(json.dumps(content).encode()))
