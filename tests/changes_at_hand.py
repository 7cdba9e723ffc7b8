"""Changes for the tests of sinks, and services of AWS in memory that fail as told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from aircraftops_data.clock import Chance, Retry
from aircraftops_data.streams.change import Change
from aircraftops_data.streams.decoding import Decoder
from aircraftops_data.streams.sinks.batches import Patience
from aircraftops_data.testing import ManualClock

AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def change(item: str = "a", number: int = 1, *, text: str = "", event_id: str | None = "") -> Change[Any]:
    """A change of an item of no entity, the `number`th; its event id is made of both unless one is given."""
    said = f"{item}-{number}" if event_id == "" else event_id
    keys = {"PK": {"S": item}}
    raw: dict[str, Any] = {
        **({} if said is None else {"eventID": said}),
        "eventName": "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-central-1",
        "eventSourceARN": "arn:aws:dynamodb:eu-central-1:123456789012:table/core/stream/2026-01-01T00:00:00.000",
        "dynamodb": {
            "ApproximateCreationDateTime": AT.timestamp() + number,
            "Keys": keys,
            "NewImage": {**keys, "number": {"N": str(number)}, "text": {"S": text}},
            "SequenceNumber": str(number),
            "SizeBytes": 10,
            "StreamViewType": "NEW_IMAGE",
        },
    }
    made = _DECODER.record(raw)
    assert isinstance(made, Change)
    return made


_DECODER = Decoder()


def changes(*items: str) -> list[Change[Any]]:
    """Changes of these items, numbered as they come."""
    return [change(item, number) for number, item in enumerate(items, 1)]


def patience(attempts: int = 8, clock: ManualClock | None = None) -> Patience:
    """Tries that take no time."""
    return Patience(Retry(attempts=attempts), clock or ManualClock(), Chance(Random(0)))


def refusal(code: str, status: int = 400) -> ClientError:
    """What botocore raises where a request is refused as a whole."""
    said: Any = {"Error": {"Code": code, "Message": "x"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(said, "Send")


@dataclass
class Weather:
    """What happens to the requests to come, one after the other; then nothing more does.

    "throttled" and "away": nothing of the request is taken; "lost": it is, and the answer lost; a number: the entries
    whose bits are set are not taken.
    """

    plan: Iterator[str | int] = field(default_factory=lambda: iter(()))
    spoilt: frozenset[str] = frozenset()
    """Event ids nothing can be done about."""
    sent: int = 0

    def before(self) -> str | int:
        """What happens to this request. Raises where it does not arrive."""
        self.sent += 1
        kind = next(self.plan, 0)
        if kind == "throttled":
            raise refusal("RequestThrottled")
        if kind == "away":
            raise refusal("ServiceUnavailableException", 503)
        return kind

    @staticmethod
    def after(kind: str | int) -> None:
        """Lose the answer, if that is to happen."""
        if kind == "lost":
            raise ReadTimeoutError(endpoint_url="memory")


_ALLOWED = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+").fullmatch
_TOKEN = re.compile(r"[!-~]{1,128}").fullmatch


class MemoryQueue:
    """A queue of SQS in memory: its limits, its deduplication within five minutes, and what `weather` does."""

    def __init__(self, weather: Weather | None = None, clock: ManualClock | None = None, most: int = 1024**2) -> None:
        self.weather = weather or Weather()
        self.clock = clock or ManualClock()
        self.most = most
        self.messages: list[dict[str, Any]] = []
        self.requests: list[list[str]] = []
        self._known: dict[str, datetime] = {}

    def send_message_batch(self, *, QueueUrl: str, Entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
        self._check(Entries)
        self.requests.append([_event_id(entry) for entry in Entries])
        kind = self.weather.before()
        failed: list[dict[str, Any]] = []
        for number, entry in enumerate(Entries):
            if _event_id(entry) in self.weather.spoilt:
                failed.append({"Id": entry["Id"], "SenderFault": True, "Code": "InvalidMessageContents"})
            elif isinstance(kind, int) and kind >> number & 1:
                failed.append({"Id": entry["Id"], "SenderFault": False, "Code": "InternalError"})
            else:
                self._put(entry)
        self.weather.after(kind)
        names = {said["Id"] for said in failed}
        return {"Successful": [{"Id": e["Id"]} for e in Entries if e["Id"] not in names], "Failed": failed}

    def _check(self, entries: Sequence[dict[str, Any]]) -> None:
        assert 0 < len(entries) <= 10
        assert len({entry["Id"] for entry in entries}) == len(entries)
        assert sum(map(size_of, entries)) <= self.most
        for entry in entries:
            assert _ALLOWED(entry["MessageBody"])
            assert all(_TOKEN(entry[name]) for name in ("MessageGroupId", "MessageDeduplicationId") if name in entry)

    def _put(self, entry: dict[str, Any]) -> None:
        token, now = entry.get("MessageDeduplicationId"), self.clock.now()
        if token is None or now - self._known.get(token, datetime.min.replace(tzinfo=UTC)) > timedelta(minutes=5):
            self.messages.append(entry)
            self._known |= {} if token is None else {token: now}

    def event(self) -> dict[str, Any]:
        """What Lambda would be given."""
        return {
            "Records": [
                {"messageId": f"m{number}", "body": entry["MessageBody"], "eventSource": "aws:sqs"}
                for number, entry in enumerate(self.messages)
            ]
        }

    @property
    def held(self) -> list[str]:
        """The event ids of the messages."""
        return [_event_id(entry) for entry in self.messages]


def size_of(entry: dict[str, Any]) -> int:
    """The bytes SQS counts of a message."""
    attributes = entry["MessageAttributes"].items()
    beside = sum(len((name + said["DataType"] + said["StringValue"]).encode()) for name, said in attributes)
    return len(entry["MessageBody"].encode()) + beside


def _event_id(entry: dict[str, Any]) -> str:
    return str(entry["MessageAttributes"]["event_id"]["StringValue"])


def id_in(line: bytes) -> str:
    """The event id in a row."""
    return str(json.loads(line)["_event_id"])


class MemoryFirehose:
    """A stream of Firehose in memory."""

    def __init__(self, weather: Weather | None = None) -> None:
        self.weather = weather or Weather()
        self.lines: list[bytes] = []
        self.requests: list[int] = []

    def put_record_batch(self, *, DeliveryStreamName: str, Records: Sequence[dict[str, bytes]]) -> dict[str, Any]:
        assert 0 < len(Records) <= 500
        assert sum(len(record["Data"]) for record in Records) <= 4 * 1024**2
        assert all(len(record["Data"]) <= 1000 * 1024 for record in Records)
        self.requests.append(len(Records))
        kind = self.weather.before()
        if any(id_in(record["Data"]) in self.weather.spoilt for record in Records):
            raise refusal("InvalidArgumentException")
        failed = [isinstance(kind, int) and kind >> number & 1 for number in range(len(Records))]
        self.lines += [record["Data"] for record, bad in zip(Records, failed, strict=True) if not bad]
        self.weather.after(kind)
        answers = [{"ErrorCode": "ServiceUnavailableException"} if bad else {"RecordId": "r"} for bad in failed]
        return {"FailedPutCount": sum(map(bool, failed)), "RequestResponses": answers}
