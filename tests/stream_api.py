"""DynamoDB Streams as an engine in memory: a transport that answers for a world's stream, as kindly as a schedule says.

Sources: Amazon DynamoDB API Reference, DynamoDB Streams: an iterator expires 15 minutes after it was returned; a page
has at most 1,000 records or 1 MB, and may be empty though more follow; a closed shard's last page has no next iterator;
what is older than the trim point raises TrimmedDataAccessException; DescribeStream gives up to 100 shards a page, in no
order that is promised, and a parent may be named that is gone. That children may be missing while their parent is
closed already, and a page be delivered again, is what DynamoDB's adapter for Kinesis guards against (its
ShardGraphTracker asks again while a closed shard has no children).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from aircraftops_data.request import Request, Response
from aircraftops_data.transports.failures import ErrorResponse, translated
from sim_schedule import Schedule
from stream_world import Raw, Shard, StreamWorld

ITERATOR_LIFE = timedelta(minutes=15)
PAGE_RECORDS = 1000
PAGE_BYTES = 1 << 20
SHARDS_A_PAGE = 100
_LISTED_LATE = timedelta(minutes=1)


class StreamsApi:
    """Answers ListStreams, DescribeStream, GetShardIterator and GetRecords. `sent` are the requests so far."""

    def __init__(self, world: StreamWorld, schedule: Schedule | None = None) -> None:
        self._world = world
        self._schedule = schedule or Schedule()
        self.sent: list[Request] = []

    def send(self, request: Request) -> Response:
        """The response. Raises what a transport makes of DynamoDB's refusals."""
        self.sent.append(request)
        answer: Callable[[Mapping[str, Any]], Response] = getattr(self, f"_{request.operation}")
        try:
            busy = self._schedule.choose(3)
            if busy:
                raise _refusal(_BUSY[busy - 1], 400 if busy == 1 else 500)
            return answer(request.parameters)
        except ErrorResponse as refused:
            raise translated(request.operation, refused) from refused

    def _ListStreams(self, asked: Mapping[str, Any]) -> Response:
        if asked.get("TableName", self._world.table) != self._world.table or "ExclusiveStartStreamArn" in asked:
            return {"Streams": []}
        label = self._world.arn.rpartition("/")[2]
        return {"Streams": [{"StreamArn": self._world.arn, "TableName": self._world.table, "StreamLabel": label}]}

    def _DescribeStream(self, asked: Mapping[str, Any]) -> Response:
        self._check_stream(asked)
        begin, limit = asked.get("ExclusiveStartShardId"), min(asked.get("Limit", SHARDS_A_PAGE), SHARDS_A_PAGE)
        # By the end of their names, which says nothing of when they were opened.
        ranked = sorted(self._world.shards, key=lambda shard: _rank(shard.id))
        found = [shard for shard in ranked if begin is None or _rank(shard.id) > _rank(begin)]
        page = found[:limit]
        listed = page if self._schedule.choose(2) == 0 else [shard for shard in page if not self._is_new(shard)]
        description: dict[str, Any] = {
            "StreamArn": self._world.arn,
            "TableName": self._world.table,
            "StreamStatus": "ENABLED",
            "StreamViewType": self._world.view,
            "Shards": [_described(shard) for shard in listed],
        }
        if len(found) > limit:
            description["LastEvaluatedShardId"] = page[-1].id
        return {"StreamDescription": description}

    def _is_new(self, shard: Shard) -> bool:
        """Whether it has a parent so lately closed that not every reader need know of its children."""
        parent = None if shard.parent is None else self._world.shard(shard.parent)
        return parent is not None and self._world.clock.now() - _closed(parent) < _LISTED_LATE

    def _GetShardIterator(self, asked: Mapping[str, Any]) -> Response:
        self._check_stream(asked)
        shard = self._shard(asked["ShardId"])
        kind = asked["ShardIteratorType"]
        if kind in ("TRIM_HORIZON", "LATEST"):
            assert "SequenceNumber" not in asked, "a sequence number is of no use there"
            return {"ShardIterator": self._iterator(shard, shard.trimmed if kind == _OLDEST else len(shard.records))}
        sequence = int(asked["SequenceNumber"])
        oldest = int(shard.records[shard.trimmed]["dynamodb"]["SequenceNumber"]) if self._has(shard) else None
        if shard.trimmed and (oldest is None or sequence < oldest):
            raise _refusal("TrimmedDataAccessException")
        place = shard.after(sequence - 1 if kind == "AT_SEQUENCE_NUMBER" else sequence)
        return {"ShardIterator": self._iterator(shard, place)}

    def _has(self, shard: Shard) -> bool:
        return shard.trimmed < len(shard.records)

    def _GetRecords(self, asked: Mapping[str, Any]) -> Response:
        identifier, place, until = json.loads(asked["ShardIterator"].removeprefix(f"{self._world.arn}|1|"))
        if datetime.fromisoformat(until) <= self._world.clock.now():
            raise _refusal("ExpiredIteratorException")
        shard = self._shard(identifier)
        if place < shard.trimmed:
            raise _refusal("TrimmedDataAccessException")
        limit = asked.get("Limit", PAGE_RECORDS)
        assert 1 <= limit <= PAGE_RECORDS, "DynamoDB takes no other limit"
        page = _page(shard.records[place:], limit)
        kind = self._schedule.choose(4) if page else 0
        page = page[: {_EMPTY: 0, _SHORT: (len(page) + 1) // 2}.get(kind, limit)]
        answer: dict[str, Any] = {"Records": [_as_read(raw) for raw in page]}
        follows = place if kind == _REPEATED else place + len(page)
        if shard.last is None or follows < len(shard.records):
            answer["NextShardIterator"] = self._iterator(shard, follows)
        return answer

    def _iterator(self, shard: Shard, place: int) -> str:
        until = self._world.clock.now() + ITERATOR_LIFE
        return f"{self._world.arn}|1|{json.dumps([shard.id, place, until.isoformat()])}"

    def _shard(self, identifier: str) -> Shard:
        shard = self._world.shard(identifier)
        if shard is None:
            raise _refusal("ResourceNotFoundException", message="Requested resource not found: Shard does not exist")
        return shard

    def _check_stream(self, asked: Mapping[str, Any]) -> None:
        if asked["StreamArn"] != self._world.arn:
            raise _refusal("ResourceNotFoundException", message="Requested resource not found: Stream does not exist")


_OLDEST = "TRIM_HORIZON"
_EMPTY, _SHORT, _REPEATED = 1, 2, 3
_BUSY = ("LimitExceededException", "InternalServerError")


def _rank(identifier: str) -> str:
    return identifier[-8:]


def _closed(shard: Shard) -> datetime:
    assert shard.closed_at is not None, "a parent is closed"
    return shard.closed_at


def _described(shard: Shard) -> dict[str, Any]:
    numbers = {"StartingSequenceNumber": str(shard.first)}
    if shard.last is not None:
        numbers["EndingSequenceNumber"] = str(shard.last)
    told: dict[str, Any] = {"ShardId": shard.id, "SequenceNumberRange": numbers}
    return told if shard.parent is None else told | {"ParentShardId": shard.parent}


def _page(records: list[Raw], limit: int) -> list[Raw]:
    """As many as fit: at least one, whatever its size."""
    page: list[Raw] = []
    left = PAGE_BYTES
    for raw in records[:limit]:
        left -= raw["dynamodb"]["SizeBytes"]
        if page and left < 0:
            break
        page.append(raw)
    return page


def _as_read(raw: Raw) -> dict[str, Any]:
    """A record as GetRecords gives it: it does not say which stream it is of, and names whose doing it was its way."""
    told = {name: value for name, value in raw.items() if name != "eventSourceARN"}
    if "userIdentity" in told:
        told["userIdentity"] = {name[0].upper() + name[1:]: value for name, value in told["userIdentity"].items()}
    return told


def _refusal(code: str, status: int = 400, message: str = "") -> ErrorResponse:
    return ErrorResponse({"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}})
