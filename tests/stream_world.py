"""A table and its stream in memory: every write of an item appends a record to a shard; shards close and are trimmed.

Sources: Amazon DynamoDB Developer Guide, "Change data capture for DynamoDB Streams": a record appears once, those of an
item in the order of its changes, a write that changes nothing leaves none, shards split or are followed by one child,
records live 24 hours. Records are as Lambda gives them ("Using AWS Lambda with DynamoDB", the example event; captured
ones of TTL deletions carry `userIdentity`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

from aircraftops_data.model.definition import Item, ItemView
from aircraftops_data.testing import ManualClock

Raw = Mapping[str, Any]
"""A record in Lambda's dialect."""
Key = tuple[str, str]

RETENTION = timedelta(hours=24)
ACCOUNT = "arn:aws:dynamodb:eu-west-1:123456789012"
_HASHES = 1 << 16
# The next few numbers have one digit more, so that sorting them as text is wrong.
_FIRST_SEQUENCE = 99_999_999_999_999_999_900
_GAP = 7
_SERVICE = {"principalId": "dynamodb.amazonaws.com", "type": "Service"}


def key_of(item: ItemView) -> Key:
    """The primary key of an item, or of a record's keys."""
    return item["PK"]["S"], item["SK"]["S"]


def sequence_of(raw: Raw) -> int:
    """The place of a record in its shard."""
    return int(raw["dynamodb"]["SequenceNumber"])


def key_in(raw: Raw) -> Key:
    """The primary key of the item a record is of."""
    return key_of(raw["dynamodb"]["Keys"])


def made_at(raw: Raw) -> float:
    """When a record was made, in seconds of the epoch."""
    return float(raw["dynamodb"]["ApproximateCreationDateTime"])


def hash_of(partition_key: str) -> int:
    """Where a partition key falls among the shards."""
    return crc32(partition_key.encode()) % _HASHES


@dataclass(eq=False)
class Shard:
    """A part of the stream: the records of the keys in its range, from when it was opened until it was closed."""

    id: str
    parent: str | None
    hashes: range
    first: int
    """Its starting sequence number, which no record needs to have."""
    last: int | None = None
    """Its ending sequence number, once it is closed."""
    closed_at: datetime | None = None
    records: list[Raw] = field(default_factory=list[Raw])
    trimmed: int = 0
    """How many of its records are gone."""

    def after(self, sequence: int) -> int:
        """How many of its records, those that are gone among them, come up to a place."""
        return bisect_right([sequence_of(raw) for raw in self.records], sequence)


@dataclass(frozen=True)
class Written:
    """What a write left of an item; None for nothing."""

    sequence: int
    item: Item | None


class StreamWorld:
    """The table and all shards of its stream, in the order they were opened."""

    def __init__(
        self, clock: ManualClock, table: str = "Stock", view: str = "NEW_AND_OLD_IMAGES", shards: int = 1
    ) -> None:
        self.clock = clock
        self.table = table
        self.view = view
        self.arn = f"{ACCOUNT}:table/{table}/stream/{clock.now():%Y-%m-%dT%H:%M:%S}.000"
        self.items: dict[Key, Item] = {}
        self.history: dict[Key, list[Written]] = {}
        self.shards: list[Shard] = []
        self.records: dict[int, Raw] = {}
        """Every record there ever was, by its sequence number."""
        self.homes: dict[int, str] = {}
        """The shards these are or were in."""
        self.parents: dict[str, str | None] = {}
        """The parents of all shards there ever were."""
        self._sequence = _FIRST_SEQUENCE
        width = _HASHES // shards
        for number in range(shards):
            self._open(None, range(number * width, _HASHES if number + 1 == shards else (number + 1) * width))

    # What others do to the table

    def put(self, item: Item) -> None:
        """An item is written whole."""
        self.transact([item], [])

    def delete(self, key: Key) -> None:
        """An item is deleted."""
        self.transact([], [key])

    def transact(self, puts: Iterable[Item], deletes: Iterable[Key]) -> None:
        """Several items are changed at once; each has a record of its own."""
        for item in puts:
            self._write(key_of(item), item, {})
        for key in deletes:
            self._write(key, None, {})

    def expire(self, attribute: str = "delete_at") -> None:
        """DynamoDB deletes the items whose time has passed, in its own name."""
        now = self.clock.now().timestamp()
        for key, item in list(self.items.items()):
            if float(item.get(attribute, {"N": "inf"})["N"]) <= now:
                self._write(key, None, {"userIdentity": _SERVICE})

    # What befalls the stream

    @property
    def open_shards(self) -> list[Shard]:
        """Those that take records."""
        return [shard for shard in self.shards if shard.last is None]

    def split(self, shard: Shard) -> None:
        """The shard is closed, and two share its keys from now on."""
        middle = shard.hashes.start + len(shard.hashes) // 2
        self._close(shard)
        self._open(shard.id, range(shard.hashes.start, middle))
        self._open(shard.id, range(middle, shard.hashes.stop))

    def roll(self, shard: Shard) -> None:
        """The shard is closed, and another goes on in its place: shards are open for about four hours."""
        self._close(shard)
        self._open(shard.id, shard.hashes)

    def trim(self) -> None:
        """What is older than 24 hours goes, and shards that were closed so long ago with it."""
        oldest = self.clock.now() - RETENTION
        for shard in self.shards:
            shard.trimmed = sum(made_at(raw) <= oldest.timestamp() for raw in shard.records)
        self.shards = [shard for shard in self.shards if shard.closed_at is None or shard.closed_at > oldest]

    def shard(self, identifier: str) -> Shard | None:
        """A shard that is still there."""
        return next((shard for shard in self.shards if shard.id == identifier), None)

    def _open(self, parent: str | None, hashes: range) -> None:
        first = self._next()
        suffix = crc32(str(first).encode())
        made = int(self.clock.now().timestamp() * 1000)
        shard = Shard(f"shardId-{made:020d}-{suffix:08x}", parent, hashes, first)
        self.parents[shard.id] = parent
        self.shards.append(shard)

    def _close(self, shard: Shard) -> None:
        shard.last, shard.closed_at = self._next(), self.clock.now()

    def _next(self) -> int:
        self._sequence += _GAP
        return self._sequence

    def _write(self, key: Key, item: Item | None, more: Mapping[str, Any]) -> None:
        before = self.items.get(key)
        if before == item:
            return
        if item is None:
            del self.items[key]
        else:
            self.items[key] = item
        sequence = self._next()
        self.history.setdefault(key, []).append(Written(sequence, item))
        home = next(shard for shard in self.open_shards if hash_of(key[0]) in shard.hashes)
        self.records[sequence] = self._record(sequence, before, item) | dict(more)
        self.homes[sequence] = home.id
        home.records.append(self.records[sequence])

    def _record(self, sequence: int, before: Item | None, after: Item | None) -> dict[str, Any]:
        told: Item = after or before or {}
        images = {"OldImage": before, "NewImage": after}
        shown = {name for name in images if self.view in ("NEW_AND_OLD_IMAGES", _VIEWS[name])}
        return {
            "eventID": f"{sequence:032x}",
            "eventName": "INSERT" if before is None else "REMOVE" if after is None else "MODIFY",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "eu-west-1",
            "dynamodb": {
                "ApproximateCreationDateTime": float(int(self.clock.now().timestamp())),
                "Keys": {name: told[name] for name in ("PK", "SK")},
                **{name: image for name, image in images.items() if image is not None and name in shown},
                "SequenceNumber": str(sequence),
                "SizeBytes": sum(len(str(image)) for image in images.values() if image is not None),
                "StreamViewType": self.view,
            },
            "eventSourceARN": self.arn,
        }


_VIEWS = {"OldImage": "OLD_IMAGE", "NewImage": "NEW_IMAGE"}
