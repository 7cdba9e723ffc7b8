"""What a record says besides its images: of which table and item, when, what happened, and who did it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar, cast

from aircraftops_data.model.definition import ItemView
from aircraftops_data.streams.change import EPOCH, Cause, Operation, PoisonKind
from aircraftops_data.streams.stored import UnreadableError, plain

T = TypeVar("T")
Said = Mapping[str, Any]

TTL_PRINCIPAL = "dynamodb.amazonaws.com"
UNKNOWN_EVENT = "UNKNOWN_TO_SDK_VERSION"
_OPERATIONS = {"INSERT": Operation.INSERT, "MODIFY": Operation.MODIFY, "REMOVE": Operation.REMOVE}
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
    named = raw.get("tableName")
    if isinstance(named, str):
        return named
    arn = raw.get("eventSourceARN")
    return (_table_in(arn) or given) if isinstance(arn, str) else given


@lru_cache(1024)
def _table_in(arn: str) -> str | None:
    """Source: "arn:aws:dynamodb:region:account:table/Name/stream/label", Service Authorization Reference, DynamoDB."""
    parts = arn.split(":", 5)
    names = parts[5].split("/") if len(parts) == 6 and parts[2] == "dynamodb" else []
    return names[1] if len(names) > 1 and names[0] == "table" and names[1] else None


def keys_of(given: object) -> ItemView:
    """A primary key, binary values as bytes. Raises UnreadableError."""
    if not isinstance(given, Mapping) or not given:
        raise UnreadableError(PoisonKind.NOT_A_RECORD, "Keys is missing or no map")
    keys = cast("ItemView", given)
    if all(map(_is_text, keys.values())):
        return keys
    found = plain(keys)
    for name, value in found.items():
        if value.keys().isdisjoint(("S", "N", "B")):
            raise UnreadableError(PoisonKind.BAD_VALUE, f"Key {name} is neither text, a number nor binary")
    return found


def _is_text(value: object) -> bool:
    return type(value) is dict and len(value) == 1 and type(value.get("S")) is str  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]


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
        return _instant(found, body.get("ApproximateCreationDateTimePrecision"))
    except (ValueError, OverflowError, OSError, KeyError, TypeError):
        raise UnreadableError(PoisonKind.BAD_VALUE, "ApproximateCreationDateTime is no time") from None


def _instant(found: Any, precision: str | None) -> datetime:
    if isinstance(found, str):
        found = datetime.fromisoformat(found)
    if isinstance(found, datetime):
        if found.utcoffset() is None:
            raise ValueError("no time zone")
        return found.astimezone(UTC)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise TypeError("no number")
    if precision is not None:
        return EPOCH + int(found) * _UNITS[precision]
    if found < _LEAST_MILLISECONDS:
        return datetime.fromtimestamp(found, UTC)
    return EPOCH + int(found) * _UNITS["MILLISECOND" if found < _LEAST_MICROSECONDS else "MICROSECOND"]


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
    identity = raw.get("userIdentity")
    return operation, Cause.USER if identity is None else _cause(operation, identity)


def _cause(operation: Operation, identity: object) -> Cause:
    if not isinstance(identity, Mapping):
        raise UnreadableError(PoisonKind.BAD_VALUE, "userIdentity is no map")
    said = {name.casefold(): value for name, value in cast("Said", identity).items() if isinstance(name, str)}
    if said.get("type") != "Service":
        return Cause.USER
    by_ttl = operation is Operation.REMOVE and said.get("principalid") == TTL_PRINCIPAL
    return Cause.TTL if by_ttl else Cause.SERVICE
