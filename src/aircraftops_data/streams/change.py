"""What one record of a stream tells: a change of an item, or why it cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, Generic, TypeVar

from pydantic_core import to_json

from aircraftops_data.model.definition import ItemView
from aircraftops_data.model.entity import Entity

E = TypeVar("E")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Operation(StrEnum):
    """What happened to an item."""

    INSERT = "insert"
    MODIFY = "modify"
    REMOVE = "remove"


class Cause(StrEnum):
    """Who did it."""

    USER = "user"
    TTL = "ttl"
    """DynamoDB deleted the item, for its time had passed."""
    SERVICE = "service"
    """A service of AWS did, in its own name."""
    SNAPSHOT = "snapshot"
    """Nobody: the item was read as it stands, by a scan or from an export of the whole table."""


class PoisonKind(StrEnum):
    """Why a record cannot be read."""

    NOT_A_RECORD = "not_a_record"
    """No record of a DynamoDB stream at all, or one without its keys."""
    BAD_VALUE = "bad_value"
    """An attribute value, a time or a sequence number that is none."""
    CORRUPT_ENTITY = "corrupt_entity"
    """An image does not fit the entity that its keys or its type say it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is known of every record, whatever can be made of it."""

    table: str | None
    """The physical name of its table; None where neither the record nor the caller says."""
    keys: ItemView
    """The primary key as attribute values, binary ones as bytes; empty where a poison has none that can be read."""
    sequence: int | None
    """Its place in the stream; rises from change to change of an item. None in Kinesis, in exports and in scans."""
    at: datetime | None
    """When it happened, about; to the second from DynamoDB Streams, to the micro- or millisecond from Kinesis."""
    event_id: str | None
    """The same for each delivery of the same record."""
    source_id: str | None
    """What the answer to a batch names this record by when it failed."""
    raw: Mapping[str, Any] = field(repr=False)
    """The record as it was given: as DynamoDB wrote it, out of whatever it was wrapped in."""

    @property
    def place(self) -> str:
        """The item this is of, as 32 hexadecimal digits: what must be handled in order has the same place."""
        named = [self.table, sorted((name, sorted(value.items())) for name, value in self.keys.items())]
        return sha256(to_json(named, bytes_mode="hex")).hexdigest()[:32]

    @property
    def order(self) -> str:
        """Text that sorts the records of one item as they happened: by sequence, or by time where there is none."""
        if self.sequence is not None:
            return f"{self.sequence:040d}"
        passed = 0 if self.at is None else (self.at - _EPOCH) // _MICROSECOND
        return f"{passed:020d}-{self.source_id or self.event_id or ''}"


_MICROSECOND = datetime.resolution


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Record, Generic[E]):
    """One change of one item."""

    operation: Operation
    cause: Cause
    entity: type[Entity] | None
    """The entity the item is of; None for one of none of those listed, and then its images are plain dicts."""
    old: E | None
    """The item before; None where there was none, or the stream's view leaves it out."""
    new: E | None
    """The item afterwards; None where there is none, or the stream's view leaves it out."""

    @property
    def changed(self) -> frozenset[str] | None:
        """The fields with another value than before; None where an image that would tell is missing.

        Of an insert or a removal, the fields that have a value. Fields the library keeps are not among them.
        """
        raise NotImplementedError

    @property
    def identity(self) -> dict[str, Any]:
        """The components of the primary key: `core.get(Aircraft, **change.identity)`. Empty without an entity."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Poison(Record):
    """A record that no handler can be given: it would fail however often it is tried."""

    kind: PoisonKind
    reason: str
    """What is wrong and where, without anything an item holds."""
