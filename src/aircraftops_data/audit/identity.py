"""The ids of events: they sort by time, and one id is always at one primary key."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from aircraftops_data.clock import Chance
from aircraftops_data.errors import InvalidInputError

ID = re.compile(r"[0-9a-f]{32}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# 60 bits, 28 and 40: as many microseconds as the years up to 9999 have.
_TIME_DIGITS, _PLACE_DIGITS, _TAIL_DIGITS = 15, 7, 10


def event_id(occurred_at: datetime, resource: str, key: str | None, chance: Chance) -> str:
    """The id of an event: its instant in microseconds, a digest of its resource, and one of the caller's key or chance.

    What decides where an event lies is in its id, so that an id that is given twice is looked for in one place. Raises
    InvalidInputError for an instant before 1970, or without a time zone.
    """
    tail = chance.identifier(4 * _TAIL_DIGITS) if key is None else _digest(key, _TAIL_DIGITS)
    return f"{_begins(occurred_at)}{_digest(resource, _PLACE_DIGITS)}{tail}"


def belongs(identifier: str, occurred_at: datetime, resource: str) -> bool:
    """Whether this can be the id of an event of that instant and resource."""
    begins = f"{_begins(occurred_at)}{_digest(resource, _PLACE_DIGITS)}"
    return ID.fullmatch(identifier) is not None and identifier.startswith(begins)


def first_id(instant: datetime) -> str:
    """No event of this instant or later has a lower id."""
    return _begins(instant).ljust(32, "0")


def last_id(instant: datetime) -> str:
    """No event of this instant or earlier has a higher id."""
    return _begins(instant).ljust(32, "f")


def occurred(identifier: str) -> datetime:
    """When the event of this id occurred."""
    return _EPOCH + timedelta(microseconds=int(identifier[:_TIME_DIGITS], 16))


def month_of(instant: datetime) -> str:
    """The month an event is listed in: 2026-11."""
    return f"{instant:%Y-%m}"


def share_of(identifier: str, shares: int) -> int:
    """One of so many shards, always the same for the same event."""
    return int(identifier[-8:], 16) % shares


def _begins(instant: datetime) -> str:
    if instant.utcoffset() is None:
        raise InvalidInputError("An instant without a time zone names none; give it one (for example UTC)")
    passed = (instant - _EPOCH) // timedelta(microseconds=1)
    if passed < 0:
        raise InvalidInputError("An event occurred in 1970 or later")
    return f"{passed:0{_TIME_DIGITS}x}"


def _digest(text: str, digits: int) -> str:
    return blake2b(text.encode(errors="surrogatepass"), digest_size=8).hexdigest()[:digits]
