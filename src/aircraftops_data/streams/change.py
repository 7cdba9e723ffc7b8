"""What one record of a stream tells: a change of an item, or why it cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, Generic, TypeAlias, TypeVar, cast

from pydantic import BaseModel
from pydantic_core import to_json

from aircraftops_data.model.definition import ItemView
from aircraftops_data.model.entity import Entity

E = TypeVar("E")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
    raw: Mapping[str, Any] = field(repr=False, compare=False)
    """The record as it was given: as DynamoDB wrote it, out of whatever it was wrapped in. Equal records say the same,
    however they are written: this is not compared."""

    @property
    def place(self) -> str:
        """The item this is of, as 32 hexadecimal digits: what must be handled in order has the same place.

        A record whose keys cannot be read has a place of its own.
        """
        own = () if self.keys else (self.event_id, self.source_id, self.sequence)
        return digits_of(self.table, self.keys, *own)

    @property
    def order(self) -> str:
        """Text that sorts the records of one item as they happened: by sequence, or by time where there is none."""
        if self.sequence is not None:
            return f"{self.sequence:040d}"
        passed = 0 if self.at is None else microseconds_of(self.at)
        return f"{passed:020d}-{self.source_id or self.event_id or ''}"


def digits_of(owner: str | None, keys: ItemView, *more: object) -> str:
    """32 hexadecimal digits for an item of a table, or of whatever else its key is in."""
    named = [owner, sorted((name, sorted(value.items())) for name, value in keys.items()), *more]
    return sha256(to_json(named, bytes_mode="hex")).hexdigest()[:32]


def microseconds_of(at: datetime) -> int:
    """The microseconds since 1970."""
    return (at - EPOCH) // EPOCH.resolution


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

        Of an insert or a removal, the fields that have a value: neither None nor an empty set, which are stored as
        nothing. What the library keeps (version, created_at, updated_at) is not among them; expires_at is. Without an
        entity these are names of attributes.
        """
        old, new = _content(self.old), _content(self.new)
        if self.operation is Operation.INSERT:
            return _present(new)
        if self.operation is Operation.REMOVE:
            return _present(old)
        if old is None or new is None:
            return None
        return frozenset(name for name in old.keys() | new.keys() if not _same(old.get(name), new.get(name)))

    @property
    def identity(self) -> dict[str, Any]:
        """The components of the primary key: `core.get(Aircraft, **change.identity)`. Empty without an entity."""
        if self.entity is None:
            return {}
        for image in (self.new, self.old):
            if isinstance(image, Entity):
                return image.identity()
        return identity_of(self.entity, self.keys)


class _Open(Change[Any]):
    """A change that is still being put together."""

    __slots__ = ()
    __setattr__ = object.__setattr__


def change_of(
    raw: Mapping[str, Any],
    table: str | None,
    keys: ItemView,
    sequence: int | None,
    at: datetime | None,
    event_id: str | None,
    source_id: str | None,
    happened: tuple[Operation, Cause],
    images: tuple[type[Entity] | None, Any, Any],
) -> Change[Any]:
    """A change, as `Change(...)` makes it in five times the time, for a frozen class sets each field by a call.

    `images` are the entity, the item before and the item afterwards.
    """
    change: Any = _NEW(_Open)
    change.raw = raw
    change.table = table
    change.keys = keys
    change.sequence = sequence
    change.at = at
    change.event_id = event_id
    change.source_id = source_id
    change.operation, change.cause = happened
    change.entity, change.old, change.new = images
    change.__class__ = Change
    made: Change[Any] = change
    return made


_NEW = object.__new__


@dataclass(frozen=True, slots=True, kw_only=True)
class Poison(Record):
    """A record that no handler can be given: it would fail however often it is tried."""

    kind: PoisonKind
    reason: str
    """What is wrong and where, without anything an item holds."""


AnyRecord: TypeAlias = Change[Any] | Poison
"""What reading a record comes to."""


def identity_of(entity: type[Entity], keys: ItemView) -> dict[str, Any]:
    """The components in a primary key. Raises InvalidKeyError for one that is not of the entity."""
    found: dict[str, Any] = {}
    for part in entity.definition().primary.parts:
        found |= part.parse(keys[part.attribute.name])
    return found


def _content(image: object) -> Mapping[str, Any] | None:
    """What an image says, without what the library keeps."""
    return image.content() if isinstance(image, Entity) else cast("Mapping[str, Any] | None", image)


def _present(content: Mapping[str, Any] | None) -> frozenset[str] | None:
    return None if content is None else frozenset(name for name, value in content.items() if _is_stored(value))


def _is_stored(value: object) -> bool:
    return value is not None and not (isinstance(value, AbstractSet) and len(value) == 0)  # pyright: ignore[reportUnknownArgumentType]


def _same(one: Any, other: Any) -> bool:
    """Whether two values are one in DynamoDB; to Python, True is 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, BaseModel):
        return one == other and _same(one.__dict__, other.__dict__)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(held, other[name]) for name, held in one.items())  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return bool(one == other)
