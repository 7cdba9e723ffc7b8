"""What the canned server answers: bytes rendered once, headers and checksum included, and a tally of what was asked."""

from __future__ import annotations

import json
import math
import re
import zlib
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

from aircraftops_data.translation.values import item_size
from benchmarks import sample

Reply = tuple[bytes, ...]

_AIRFRAME = re.compile(rb"AIRFRAME#([0-9a-f]{6})")
_PAGES = re.compile(rb"FLEET#PAGES(\d+)")
_CAPACITY = re.compile(rb'"ReturnConsumedCapacity": ?"(INDEXES|TOTAL)"')
_PUT = re.compile(rb'"PutRequest"')
_INDEXES = 2
_BATCH = 100


class Replies:
    """Answers each operation as DynamoDB would, and keeps count. A query of `FLEET#PAGES20` has 20 pages."""

    def __init__(self) -> None:
        self.tally: Counter[str] = Counter()
        self.last = b""
        self._answers: dict[str, Callable[[bytes], Reply]] = {
            "GetItem": _item,
            "UpdateItem": _updated,
            "PutItem": _written,
            "DeleteItem": _written,
            "TransactWriteItems": _written,
            "Query": _page,
            "Scan": _page,
            "BatchGetItem": lambda body: _batch(_capacity(body)),
            "BatchWriteItem": lambda body: _all_written(_capacity(body)),
            "DescribeTable": lambda _: _table(),
        }

    def reply(self, operation: str, body: bytes) -> Reply:
        """The whole HTTP response, in parts that follow each other."""
        if operation == "Tally":
            return self._told()
        self.last = body
        self.tally.update(requests=1, request_bytes=len(body), **_units(operation, body))
        return self._answers[operation](body)

    def _told(self) -> Reply:
        told = {**self.tally, "last": self.last.decode()}
        self.tally.clear()
        return _response(json.dumps(told).encode())


def _response(body: bytes, more: bytes = b"", checksum: int | None = None) -> Reply:
    whole = zlib.crc32(body) if checksum is None else checksum
    head = (
        f"HTTP/1.1 200 OK\r\nServer: Server\r\nDate: Sat, 21 Nov 2026 07:00:00 GMT\r\n"
        f"Content-Type: application/x-amz-json-1.0\r\nContent-Length: {len(body) + len(more)}\r\n"
        f"Connection: keep-alive\r\nx-amzn-RequestId: 8DL0HT3S4AOIR5VGK1PAS5J8QNVV4KQNSO5AEMVJF66Q9ASUAAJG\r\n"
        f"x-amz-crc32: {whole}\r\n\r\n"
    )
    return (head.encode(), body, more)


def rendered(document: Any) -> bytes:
    """JSON as DynamoDB writes it, without blanks."""
    return json.dumps(document, separators=(",", ":")).encode()


def _capacity(body: bytes) -> bytes:
    asked = _CAPACITY.search(body)
    return b"" if asked is None else asked[1]


def _consumed(kind: bytes, units: float) -> dict[str, Any]:
    if not kind:
        return {}
    told: dict[str, Any] = {"TableName": sample.TABLE, "CapacityUnits": units}
    return told if kind == b"TOTAL" else {**told, "Table": {"CapacityUnits": units}}


def _told_of(kind: bytes, units: float, *, several: bool = False) -> dict[str, Any]:
    consumed = _consumed(kind, units)
    return {"ConsumedCapacity": [consumed] if several else consumed} if consumed else {}


def _number(body: bytes) -> int:
    """Which airframe a request is about; a key of another kind is taken for the first."""
    named = _AIRFRAME.search(body)
    return (int(named[1], 16) - 0xA00000) % sample.FLEET if named else 0


def _item(body: bytes) -> Reply:
    return _item_reply("Item", _number(body), _capacity(body), _read_units(1, body))


def _updated(body: bytes) -> Reply:
    if b"ALL_NEW" not in body:
        return _written(body)
    return _item_reply("Attributes", _number(body), _capacity(body), _write_units(1))


@cache
def _item_reply(place: str, number: int, capacity: bytes, units: float) -> Reply:
    return _response(rendered({**_told_of(capacity, units), place: sample.item(number)}))


def _written(body: bytes) -> Reply:
    return _written_reply(_capacity(body))


@cache
def _written_reply(capacity: bytes) -> Reply:
    return _response(rendered(_told_of(capacity, _write_units(1))))


@cache
def _batch(capacity: bytes) -> Reply:
    items = [sample.item(number) for number in range(_BATCH)]
    told = _told_of(capacity, _BATCH * 0.5, several=True)
    return _response(rendered({**told, "Responses": {sample.TABLE: items}, "UnprocessedKeys": {}}))


@cache
def _all_written(capacity: bytes) -> Reply:
    told = _told_of(capacity, _write_units(25), several=True)
    return _response(rendered({**told, "UnprocessedItems": {}}))


@cache
def _table() -> Reply:
    names = ("PK", "SK")
    schema = [{"AttributeName": n, "KeyType": kind} for n, kind in zip(names, ("HASH", "RANGE"), strict=True)]
    definitions = [{"AttributeName": name, "AttributeType": "S"} for name in names]
    described = {"AttributeDefinitions": definitions, "KeySchema": schema}
    return _response(rendered({"Table": {"TableName": sample.TABLE, "TableStatus": "ACTIVE", **described}}))


@cache
def page_start() -> bytes:
    """The items of a page, up to where the rest of the response follows."""
    items = [sample.item(number) for number in range(sample.FLEET)]
    return rendered({"Count": sample.FLEET, "Items": items, "ScannedCount": sample.FLEET})[:-1]


@cache
def _page_checksum() -> int:
    return zlib.crc32(page_start())


def _page(body: bytes) -> Reply:
    left = _pages_left(body)
    rest = _told_of(_capacity(body), _read_units(sample.FLEET, body))
    if left > 1:
        rest["LastEvaluatedKey"] = {"PK": {"S": _fleet(body)}, "SK": {"S": f"AIRFRAME#{left - 1:06x}"}}
    more = b"," + rendered(rest)[1:] if rest else b"}"
    return _response(page_start(), more, zlib.crc32(more, _page_checksum()))


def _fleet(body: bytes) -> str:
    named = _PAGES.search(body)
    return named[0].decode() if named else f"FLEET#{sample.OPERATOR}"


def _pages_left(body: bytes) -> int:
    """How many pages there are from here on; the sort key to start from says it."""
    start = _AIRFRAME.search(body) if b"ExclusiveStartKey" in body else None
    named = _PAGES.search(body)
    if start is not None:
        return int(start[1], 16)
    return int(named[1]) if named else 1


@cache
def _sizes() -> int:
    """How many bytes of DynamoDB's an airframe takes."""
    return item_size(sample.item(0))


def _read_units(items: int, body: bytes) -> float:
    whole = math.ceil(items * _sizes() / 4096)
    return whole * (1.0 if b'"ConsistentRead":true' in body.replace(b" ", b"") else 0.5)


def _write_units(items: int) -> float:
    return float(items * math.ceil(_sizes() / 1024) * (1 + _INDEXES))


def _units(operation: str, body: bytes) -> dict[str, Any]:
    """What a request costs, as DynamoDB counts."""
    match operation:
        case "GetItem":
            return {"read_units": _read_units(1, body)}
        case "Query" | "Scan":
            return {"read_units": _read_units(sample.FLEET, body)}
        case "BatchGetItem":
            return {"read_units": _BATCH * _read_units(1, body)}
        case "BatchWriteItem":
            return {"write_units": _write_units(len(_PUT.findall(body)))}
        case "PutItem" | "UpdateItem":
            return {"write_units": _write_units(1)}
        case _:
            return {}
