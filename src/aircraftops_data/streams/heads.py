"""What a record says besides its images: of which table and item, when, what happened, and who did it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar

from aircraftops_data.model.definition import ItemView
from aircraftops_data.streams.change import EPOCH, Cause, Operation, PoisonKind
from aircraftops_data.streams.stored import UnreadableError, is_map, plain, text_or_none, with_empty_maps

T = TypeVar("T")
Said = Mapping[str, Any]

TTL_PRINCIPAL = "dynamodb.amazonaws.com"
UNKNOWN_EVENT = "UNKNOWN_TO_SDK_VERSION"
_OPERATIONS = {"INSERT": Operation.INSERT, "MODIFY": Operation.MODIFY, "REMOVE": Operation.REMOVE}
_NUMBERS = (int, float)
_UNITS = {"MILLISECOND": timedelta(milliseconds=1), "MICROSECOND": timedelta(microseconds=1)}
# Seconds of a stream's time have 10 digits until the year 2286; milliseconds now have 13, microseconds 16.
_LEAST_MILLISECONDS, _LEAST_MICROSECONDS = 10**11, 10**14


def or_none(read: Callable[..., T], *given: Any) -> T | None:
    """What a reader gives, or None where it cannot be read: what can be said of a record that is refused."""
    try:
        return read(*given)
    except UnreadableError:
        return None


def table_of(raw: Said, given: str | None) -> str | None:
    """The physical name of the table: by `tableName` (Kinesis), by the stream's ARN, or as the caller says."""
    named, arn = raw.get("tableName"), raw.get("eventSourceARN")
    told = None if named is None else text_or_none(named)
    return told or (table_in(arn) if isinstance(arn, str) else None) or given


@lru_cache(1024)
def table_in(arn: str) -> str | None:
    """The table that a stream is of.

    Source: "arn:aws:dynamodb:region:account:table/Name/stream/label", Service Authorization Reference, DynamoDB.
    """
    parts = arn.split(":", 5)
    names = parts[5].split("/") if len(parts) == 6 and parts[2] == "dynamodb" else []
    return text_or_none(names[1]) if len(names) > 1 and names[0] == "table" else None


def keys_of(given: object) -> ItemView:
    """A primary key, binary values as bytes. Raises UnreadableError."""
    if not is_map(given) or not given:
        raise UnreadableError(PoisonKind.NOT_A_RECORD, "Keys is missing or no map")
    for name, value in given.items():
        held = value.get("S") if type(value) is dict and len(value) == 1 else None  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType, reportUnknownVariableType]
        if type(name) is not str or type(held) is not str or not (name + held).isascii():  # pyright: ignore[reportUnknownArgumentType]
            return _plain_keys(given)
    return given


def _plain_keys(given: ItemView) -> ItemView:
    found = plain(given)
    for name, value in found.items():
        if value.keys().isdisjoint(("S", "N", "B")):
            raise UnreadableError(PoisonKind.BAD_VALUE, f"Key {name} is neither text, a number nor binary")
    return found


def sequence_of(body: Said) -> int | None:
    """The sequence number. Raises UnreadableError where there is one that is no number."""
    found = body.get("SequenceNumber")
    if found is None:
        return None
    if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) <= 40:
        return int(found)
    raise UnreadableError(PoisonKind.BAD_VALUE, "SequenceNumber is no whole number")


def instant_of(body: Said) -> datetime | None:
    """The time of a record. Raises UnreadableError where there is one that is no time.

    DynamoDB Streams counts seconds; boto3 makes a datetime of them, the AWS CLI ISO 8601 text. Kinesis counts milli- or
    microseconds and says which; its early records did not, and are told by how large the number is.
    Source: DynamoDB API Reference, StreamRecord; DynamoDB Developer Guide, "Using Kinesis Data Streams to capture
    changes", ApproximateCreationDateTimePrecision.
    """
    found = body.get("ApproximateCreationDateTime")
    if found is None:
        return None
    try:
        precision = body.get("ApproximateCreationDateTimePrecision")
        return _seconds(found) if precision is None and type(found) in _NUMBERS else _instant(found, precision)
    except (ValueError, OverflowError, OSError, KeyError, TypeError):
        raise UnreadableError(PoisonKind.BAD_VALUE, "ApproximateCreationDateTime is no time") from None


@lru_cache(1024)
def _seconds(found: float) -> datetime:
    """The records of a batch share theirs."""
    if found < _LEAST_MILLISECONDS:
        return datetime.fromtimestamp(found, UTC)
    return EPOCH + int(found) * _UNITS["MILLISECOND" if found < _LEAST_MICROSECONDS else "MICROSECOND"]


def _instant(found: object, precision: str | None) -> datetime:
    if isinstance(found, str):
        found = datetime.fromisoformat(found)
    if isinstance(found, datetime):
        if found.utcoffset() is None:
            raise ValueError("no time zone")
        return found.astimezone(UTC)
    if precision is None or isinstance(found, bool) or not isinstance(found, int | float):
        raise TypeError("no number")
    return EPOCH + int(found) * _UNITS[precision]


def images_of(raw: Said, body: Said) -> tuple[Any, Any]:
    """The images, of the item before and afterwards; None for a missing or an empty one: an item has its key."""
    old = None if (found := body.get("OldImage")) == {} else found
    new = None if (found := body.get("NewImage")) == {} else found
    return (with_empty_maps(old), with_empty_maps(new)) if raw.get("awsRegion") == "ddblocal" else (old, new)


def happened(raw: Said, body: Said) -> tuple[Operation, Cause]:
    """What was done and by whom. Raises UnreadableError.

    Only a removal by DynamoDB's own principal is by TTL; replicas of a global table do not tell one from a user's.
    DynamoDB Local knows no name for what its TTL does. Source: DynamoDB Developer Guide, "DynamoDB Streams and Time to
    Live"; API Reference, Identity.
    """
    name = raw.get("eventName")
    if name == UNKNOWN_EVENT and body.get("OldImage") and not body.get("NewImage"):
        return Operation.REMOVE, Cause.TTL
    operation = _OPERATIONS.get(name) if isinstance(name, str) else None
    if operation is None:
        raise UnreadableError(PoisonKind.NOT_A_RECORD, "eventName is none of INSERT, MODIFY and REMOVE")
    if "cause" in raw and raw["cause"] == Cause.SNAPSHOT:
        return operation, Cause.SNAPSHOT
    identity = raw.get("userIdentity")
    return operation, Cause.USER if identity is None else _cause(operation, identity)


def _cause(operation: Operation, identity: object) -> Cause:
    if not is_map(identity):
        raise UnreadableError(PoisonKind.BAD_VALUE, "userIdentity is no map")
    said = identity_in(identity)
    if said.get("type") != "Service":
        return Cause.USER
    by_ttl = operation is Operation.REMOVE and said.get("principalid") == TTL_PRINCIPAL
    return Cause.TTL if by_ttl else Cause.SERVICE


def identity_in(identity: Said) -> Said:
    """What a `userIdentity` says, by names in small letters: boto3 writes them with a capital."""
    return {str(name).casefold(): value for name, value in identity.items()}
