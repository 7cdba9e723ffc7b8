"""A transport that has DynamoDB Local tell what AWS bills."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aircraftops_data.request import Request, Response, Transport


class Billing:
    """Reports what AWS bills, where DynamoDB Local reports less.

    Of a transaction DynamoDB Local tells one action for each table, however many there are; AWS bills each of them, 2
    units per KB. So each action is sent as a transaction of its own, and what all of them took is added up. The end is
    the same as long as nobody else is at work on the same items; after a refusal it is not, and nobody may go on.
    Source: DynamoDB Developer Guide, "Amazon DynamoDB Transactions", capacity management.

    Of a query that finds nothing it tells no units; AWS bills the least there is for that type of read.
    Source: DynamoDB API Reference, Query.
    """

    def __init__(self, inner: Transport) -> None:
        self._inner = inner

    def send(self, request: Request) -> Response:
        """The response, with the units of a transaction's every action and of an empty query."""
        if request.operation == "TransactWriteItems":
            reported = [units for one in _apart(request) for units in self._inner.send(one)["ConsumedCapacity"]]
            return {"ConsumedCapacity": reported}
        response = self._inner.send(request)
        if request.operation == "Query" and not response["ConsumedCapacity"]["CapacityUnits"]:
            return {**response, "ConsumedCapacity": _least(request.parameters)}
        return response


def _apart(request: Request) -> list[Request]:
    """A transaction for each action. Tokens, of 36 characters at most, are their own and the same in each try."""
    token = request.parameters["ClientRequestToken"][:32]
    return [
        Request(
            request.operation,
            {**request.parameters, "TransactItems": [action], "ClientRequestToken": f"{token}{number:03}"},
        )
        for number, action in enumerate(request.parameters["TransactItems"])
    ]


def _least(query: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"TableName": query["TableName"], "CapacityUnits": 1.0 if query.get("ConsistentRead") else 0.5}
