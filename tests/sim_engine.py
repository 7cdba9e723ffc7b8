"""A small DynamoDB in memory: answers the requests of the library's plans, and keeps the history of what they changed.

Refuses as DynamoDB does, in the library's own errors. What DynamoDB Local makes of the same requests is compared in
test_sim_engine.py. Items are never changed in place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from aircraftops_data.request import Request, Response
from aircraftops_data.transports.failures import ErrorResponse, translated
from sim_expressions import InvalidExpressionError, Item, holds, ordered, updated

Place = tuple[str, tuple[Any, ...]]
"""A table and a primary key."""

# DynamoDB forgets a transaction's token 10 minutes after the transaction was done.
_REMEMBERED_SECONDS = 600.0
_KEYS = ("PK", "SK")
_FIRST = re.compile(r"\(*(#\w+) (\S+) (:\w+)")
_NOTHING: Item = {}


@dataclass(frozen=True)
class Change:
    """One item before and after a write; None where there was or is none. Those of one transaction share a `number`."""

    number: int
    at: float
    table: str
    before: Item | None
    after: Item | None

    def of(self, entity_type: str) -> bool:
        """Whether this is what became of an item of a kind."""
        return ((self.after or self.before) or {}).get("entity_type", {}).get("S") == entity_type


class _Refused(Exception):
    """The code of one action's refusal, and the stored item where that was asked for."""

    def __init__(self, code: str, item: Item | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.item = item


class MemoryEngine:
    """Tables in memory, all with the keys of the library's own. `clock` is the true time in seconds."""

    def __init__(self, clock: Callable[[], float] = lambda: 0.0) -> None:
        self._clock = clock
        self._tables: dict[str, dict[tuple[Any, ...], Item]] = {}
        self._done: dict[str, tuple[float, Request]] = {}
        self._writes = 0
        self.history: list[Change] = []

    def items(self, table: str) -> list[Item]:
        """Everything in a table, in the order of its keys."""
        stored = self._tables.get(table, {})
        return [stored[key] for key in sorted(stored)]

    def put(self, table: str, item: Item) -> None:
        """Have an item there."""
        self._commit([(self._place(table, item), item)])

    def send(self, request: Request) -> Response:
        """The response. Raises ConditionFailedError, TransactionConflictError or RequestRefusedError."""
        answer: Callable[[Mapping[str, Any]], Response] = getattr(self, f"_{request.operation}")
        try:
            return answer(request.parameters)
        except _Refused as refused:
            found = {} if refused.item is None else {"Item": refused.item}
            raise _error(request, _SINGLY[refused.code], **found) from None

    # Reads

    def _GetItem(self, asked: Mapping[str, Any]) -> Response:
        found = self._stored(self._place(asked["TableName"], asked["Key"]))
        return {} if found is None else {"Item": found}

    def _BatchGetItem(self, asked: Mapping[str, Any]) -> Response:
        found = {
            table: [item for key in each["Keys"] if (item := self._stored(self._place(table, key))) is not None]
            for table, each in asked["RequestItems"].items()
        }
        return {"Responses": found, "UnprocessedKeys": {}}

    def _Query(self, asked: Mapping[str, Any]) -> Response:
        assert "IndexName" not in asked, "there are no indexes here"
        partition, stored = _partition(asked), self._tables.get(asked["TableName"], {})
        beside = [stored[key] for key in sorted(key for key in stored if key[0] == partition)]
        found = [item for item in beside if holds(asked["KeyConditionExpression"], asked, item)]
        forward, start = asked.get("ScanIndexForward", True), asked.get("ExclusiveStartKey")
        if start is not None:
            found = [item for item in found if _beyond(_key(item), _key(start), forward)]
        read = (found if forward else found[::-1])[: asked.get("Limit")]
        page = [item for item in read if holds(asked.get("FilterExpression"), asked, item)]
        answer: dict[str, Any] = {"Items": page, "Count": len(page), "ScannedCount": len(read)}
        if read and len(read) == asked.get("Limit"):
            answer["LastEvaluatedKey"] = {name: read[-1][name] for name in _KEYS}
        return answer

    def _Scan(self, asked: Mapping[str, Any]) -> Response:
        start, segment = asked.get("ExclusiveStartKey"), asked.get("Segment", 0)
        left = [
            item
            for item in self.items(asked["TableName"])
            if crc32(str(item["PK"]).encode()) % asked.get("TotalSegments", 1) == segment
            and (start is None or _key(item) > _key(start))
        ]
        read = left[: asked.get("Limit")]
        found = [item for item in read if holds(asked.get("FilterExpression"), asked, item)]
        answer: dict[str, Any] = {"Items": found, "Count": len(found), "ScannedCount": len(read)}
        if read and len(read) == asked.get("Limit"):
            answer["LastEvaluatedKey"] = {name: read[-1][name] for name in _KEYS}
        return answer

    # Writes

    def _PutItem(self, asked: Mapping[str, Any]) -> Response:
        return self._alone("Put", asked)

    def _UpdateItem(self, asked: Mapping[str, Any]) -> Response:
        return self._alone("Update", asked)

    def _DeleteItem(self, asked: Mapping[str, Any]) -> Response:
        return self._alone("Delete", asked)

    def _alone(self, kind: str, asked: Mapping[str, Any]) -> Response:
        place, after = self._outcome(kind, asked)
        before = self._stored(place)
        self._commit([(place, after)])
        returned = {"ALL_OLD": before, "ALL_NEW": after}.get(asked.get("ReturnValues", "NONE"))
        return {} if returned is None else {"Attributes": returned}

    def _TransactWriteItems(self, asked: Mapping[str, Any]) -> Response:
        request = Request("TransactWriteItems", asked)
        token = asked["ClientRequestToken"]
        at, done = self._done.get(token, (0.0, None))
        if done is not None and self._clock() - at < _REMEMBERED_SECONDS:
            if done != request:
                raise _error(request, "IdempotentParameterMismatchException")
            return {}
        actions = [action for part in asked["TransactItems"] for action in part.items()]
        places = [self._place(each["TableName"], each.get("Key") or each["Item"]) for _, each in actions]
        if len(set(places)) != len(places):
            raise _error(request, "ValidationException")
        outcomes = [self._tried(kind, each) for kind, each in actions]
        if any(isinstance(outcome, _Refused) for outcome in outcomes):
            raise _error(request, "TransactionCanceledException", CancellationReasons=[*map(_reason, outcomes)])
        self._commit([outcome for outcome in outcomes if not isinstance(outcome, _Refused)])
        self._done[token] = self._clock(), request
        return {}

    def _tried(self, kind: str, asked: Mapping[str, Any]) -> tuple[Place, Item | None] | _Refused:
        try:
            return self._outcome(kind, asked)
        except _Refused as refused:
            return refused

    def _outcome(self, kind: str, asked: Mapping[str, Any]) -> tuple[Place, Item | None]:
        """Where an action lands and what it leaves there. Raises _Refused."""
        place = self._place(asked["TableName"], asked.get("Key") or asked["Item"])
        stored = self._stored(place)
        if not holds(asked.get("ConditionExpression"), asked, stored or _NOTHING):
            told = asked.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
            raise _Refused("ConditionalCheckFailed", stored if told else None)
        if kind in ("Delete", "ConditionCheck"):
            return place, None if kind == "Delete" else stored
        if kind == "Put":
            return place, asked["Item"]
        try:
            return place, updated(asked, asked["Key"] if stored is None else stored)
        except InvalidExpressionError:
            raise _Refused("ValidationError") from None

    def _commit(self, outcomes: list[tuple[Place, Item | None]]) -> None:
        self._writes += 1
        for place, after in outcomes:
            table, key = place
            before = self._stored(place)
            if after is before:
                continue
            self.history.append(Change(self._writes, self._clock(), table, before, after))
            if after is None:
                del self._tables[table][key]
            else:
                self._tables.setdefault(table, {})[key] = after

    def _stored(self, place: Place) -> Item | None:
        table, key = place
        return self._tables.get(table, {}).get(key)

    def _place(self, table: str, item: Item) -> Place:
        return table, _key(item)


def _key(item: Item) -> tuple[Any, ...]:
    return tuple(ordered(item[name]) for name in _KEYS)


def _partition(asked: Mapping[str, Any]) -> Any:
    """The partition key a query reads: the library's conditions begin with it."""
    named, equals, value = _FIRST.match(asked["KeyConditionExpression"]).groups()  # type: ignore[union-attr]
    assert (asked["ExpressionAttributeNames"][named], equals) == (_KEYS[0], "=")
    return ordered(asked["ExpressionAttributeValues"][value])


def _beyond(key: tuple[Any, ...], start: tuple[Any, ...], forward: bool) -> bool:
    return key > start if forward else key < start


_SINGLY = {"ConditionalCheckFailed": "ConditionalCheckFailedException", "ValidationError": "ValidationException"}


def _reason(outcome: object) -> Mapping[str, Any]:
    if not isinstance(outcome, _Refused):
        return {"Code": "None"}
    return {"Code": outcome.code, **({} if outcome.item is None else {"Item": outcome.item})}


def _error(request: Request, code: str, **known: Any) -> Exception:
    """What a transport makes of the engine's refusal."""
    return translated(request.operation, ErrorResponse({"Error": {"Code": code, "Message": ""}, **known}))
