"""The ids of events: they sort by time, and one id is always at one primary key."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from aircraftops_data.clock import Chance
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.model.encoders import instant_text

ID = re.compile(r"[0-9a-f]{32}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLACE_DIGITS = 8
_TAIL_BITS = 48


def event_id(occurred_at: datetime, resource: str, key: str | None, chance: Chance) -> str:
    """The id of an event: 48 bits of milliseconds, 32 bits that say where it lies, 48 of the caller's key or by chance.

    The instant and the resource are in it, so that an id that is given twice is looked for in one place. Raises
    InvalidInputError for an instant before 1970, or without a time zone.
    """
    tail = chance.identifier(_TAIL_BITS) if key is None else _digest(key, _TAIL_BITS // 8)
    return f"{_milliseconds(occurred_at):012x}{_place(occurred_at, resource)}{tail}"


def belongs(identifier: str, occurred_at: datetime, resource: str) -> bool:
    """Whether this can be the id of an event of that instant and resource."""
    begins = f"{_milliseconds(occurred_at):012x}{_place(occurred_at, resource)}"
    return ID.fullmatch(identifier) is not None and identifier.startswith(begins)


def first_id(instant: datetime) -> str:
    """No event of this millisecond or later has a lower id."""
    return f"{_milliseconds(instant):012x}".ljust(32, "0")


def last_id(instant: datetime) -> str:
    """No event of this millisecond or earlier has a higher id."""
    return f"{_milliseconds(instant):012x}".ljust(32, "f")


def occurred(identifier: str) -> datetime:
    """When the event of this id occurred, to the millisecond."""
    return _EPOCH + timedelta(milliseconds=int(identifier[:12], 16))


def month_of(instant: datetime) -> str:
    """The month an event is listed in: 2026-11."""
    return f"{instant:%Y-%m}"


def months(since: datetime, until: datetime) -> list[str]:
    """The months from one instant to another, oldest first."""
    first, last = (instant.year * 12 + instant.month - 1 for instant in (since, until))
    return [f"{count // 12:04}-{count % 12 + 1:02}" for count in range(first, last + 1)]


def share_of(identifier: str, shares: int) -> int:
    """One of so many shards, always the same for the same event."""
    return int(identifier[-8:], 16) % shares


def _milliseconds(instant: datetime) -> int:
    if instant.utcoffset() is None:
        raise InvalidInputError("An instant without a time zone names none; give it one (for example UTC)")
    passed = (instant - _EPOCH) // timedelta(milliseconds=1)
    if passed < 0:
        raise InvalidInputError("An event occurred in 1970 or later")
    return passed


def _place(occurred_at: datetime, resource: str) -> str:
    return _digest(f"{instant_text(occurred_at)}#{resource}", _PLACE_DIGITS // 2)


def _digest(text: str, size_bytes: int) -> str:
    return blake2b(text.encode(errors="surrogatepass"), digest_size=size_bytes).hexdigest()
