"""An engine in a dictionary, for what an engine must not be needed for: who waits for whom, and who is stopped."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from threading import Lock
from typing import Any

from aircraftops_data import Entity, PrimaryKey, Table, Unique
from aircraftops_data.request import Request, Response
from aircraftops_data.translation.codec import codec_of

BINS = Table("Bins")


class Part(Entity, table=BINS, entity_type="part"):
    """One of many in a bin."""

    bin: str = "a"
    number: int
    note: str = ""

    primary = PrimaryKey("BIN#{bin}", "PART#{number:6}")


class Tagged(Entity, table=BINS, entity_type="tagged"):
    """A part of which there is one a tag."""

    number: int
    tag: str

    primary = PrimaryKey("TAGGED#{number:6}", "TAGGED")
    unique = Unique("tag")


def parts(count: int, start: int = 0, **fields: Any) -> list[Part]:
    """So many different parts."""
    return [Part(number=number, **fields) for number in range(start, start + count)]


def identities(count: int) -> list[dict[str, Any]]:
    """Those of so many parts."""
    return [part.identity() for part in parts(count)]


class Memory:
    """Holds items by key; answers as DynamoDB does, in pages of a few items, a unit for each item."""

    def __init__(self, *held: Entity, page: int = 4) -> None:
        self.items: dict[tuple[str, str], dict[str, Any]] = {}
        self.sent: list[Request] = []
        self._page = page
        self._lock = Lock()
        for entity in held:
            self._put(codec_of(entity.definition()).item(entity))

    def send(self, request: Request) -> Response:
        """The response."""
        with self._lock:
            self.sent.append(request)
            answer: Response = getattr(self, f"_{request.operation}")(request.parameters)
            return answer

    def _put(self, item: dict[str, Any]) -> None:
        self.items[item["PK"]["S"], item["SK"]["S"]] = item

    def _GetItem(self, parameters: Any) -> Response:
        found = self.items.get((parameters["Key"]["PK"]["S"], parameters["Key"]["SK"]["S"]))
        return {**cost(1), **({} if found is None else {"Item": found})}

    def _TransactWriteItems(self, parameters: Any) -> Response:
        return cost(2 * len(parameters["TransactItems"]))

    def _BatchWriteItem(self, parameters: Any) -> Response:
        ((_, writes),) = parameters["RequestItems"].items()
        for write in writes:
            if "PutRequest" in write:
                self._put(write["PutRequest"]["Item"])
            else:
                key = write["DeleteRequest"]["Key"]
                self.items.pop((key["PK"]["S"], key["SK"]["S"]), None)
        return cost(len(writes))

    def _BatchGetItem(self, parameters: Any) -> Response:
        ((name, asked),) = parameters["RequestItems"].items()
        keys = [(key["PK"]["S"], key["SK"]["S"]) for key in asked["Keys"]]
        return {**cost(len(keys)), "Responses": {name: [self.items[key] for key in keys if key in self.items]}}

    def _Query(self, parameters: Any) -> Response:
        return self._page_of(parameters, sorted(self.items))

    def _Scan(self, parameters: Any) -> Response:
        segment, total = parameters.get("Segment", 0), parameters.get("TotalSegments", 1)
        return self._page_of(parameters, [key for key in sorted(self.items) if _number(key) % total == segment])

    def _page_of(self, parameters: Any, keys: list[tuple[str, str]]) -> Response:
        start = parameters.get("ExclusiveStartKey")
        left = [key for key in keys if start is None or key > (start["PK"]["S"], start["SK"]["S"])]
        taken = left[: min(self._page, parameters.get("Limit", self._page))]
        answer = {**cost(len(taken)), "Items": [self.items[key] for key in taken], "ScannedCount": len(taken)}
        if len(left) > len(taken):
            answer["LastEvaluatedKey"] = {"PK": {"S": taken[-1][0]}, "SK": {"S": taken[-1][1]}}
        return answer


def _number(key: tuple[str, str]) -> int:
    return int("0" + "".join(filter(str.isdigit, key[1])))


def cost(units: float) -> dict[str, Any]:
    """What a response says of its request."""
    return {"ConsumedCapacity": {"TableName": "Bins", "CapacityUnits": float(units)}}


class AsyncMemory:
    """The same for asyncio; each request waits at the `gate` first. Keeps count of the requests under way."""

    def __init__(self, memory: Memory, gate: Callable[[Request], Awaitable[Any]] | None = None) -> None:
        self.memory = memory
        self._gate = gate
        self.arrived: list[Request] = []
        self.under_way = 0
        self.most_under_way = 0

    async def send(self, request: Request) -> Response:
        """The response, unless cancelled while waiting at the gate."""
        self.arrived.append(request)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            if self._gate is not None:
                await self._gate(request)
            return self.memory.send(request)
        finally:
            self.under_way -= 1
