"""Instants and durations, as people write and read them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta

from aircraftops_data.errors import InvalidInputError

_SPAN = re.compile(r"([+-])(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_UNITS = ("days", "hours", "minutes", "seconds")
_STEPS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def moment(text: str) -> datetime | timedelta:
    """An instant in ISO format, or how long from now, such as +10m or +1h30m. Raises InvalidInputError."""
    return _read(text, "+")


def earlier(text: str, now: datetime) -> datetime:
    """An instant in ISO format, or of how long ago, such as -10m or -1h30m. Raises InvalidInputError."""
    found = _read(text, "-")
    try:
        return found if isinstance(found, datetime) else now - found
    except OverflowError:
        raise InvalidInputError(f"{text!r} is before all time") from None


def _read(text: str, sign: str) -> datetime | timedelta:
    span = _SPAN.fullmatch(text)
    try:
        if span is not None and span[1] == sign:
            numbers = {unit: int(number or 0) for unit, number in zip(_UNITS, span.groups()[1:], strict=True)}
            return timedelta(**numbers)
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        spans = ", ".join(sign + length for length in ("10m", "1h30m", "2d"))
        raise InvalidInputError(f"{text!r} is no instant: write 2030-01-31T12:00:00Z, or {spans}") from None
    if found.utcoffset() is None:
        raise InvalidInputError(f"{text!r} names no time zone; end it with Z for UTC")
    return found


def day(text: str | None, today: date) -> date:
    """A day: 2030-01-31, today (so for None) or yesterday. Raises InvalidInputError."""
    named = {None: today, "today": today, "yesterday": today - timedelta(days=1)}
    try:
        return named.get(text) or date.fromisoformat(text or "")
    except ValueError:
        raise InvalidInputError(f"{text!r} is no day: write 2030-01-31, today or yesterday") from None


def spoken(length: timedelta) -> str:
    """A duration in its two largest units, rounded down: 1 hour 29 minutes."""
    return " ".join(f"{number} {unit}{'' if number == 1 else 's'}" for number, unit in _parts(length))


def short(length: timedelta) -> str:
    """The same for a cell of a table, in its largest unit alone: 1h."""
    number, unit = _parts(length)[0]
    return f"{number}{unit[0]}"


def _parts(length: timedelta) -> list[tuple[int, str]]:
    seconds, parts = int(abs(length).total_seconds()), list[tuple[int, str]]()
    first = next((place for place, (_, size) in enumerate(_STEPS) if seconds >= size), len(_STEPS) - 1)
    for unit, size in _STEPS[first : first + 2]:
        number, seconds = divmod(seconds, size)
        if number or not parts:
            parts.append((number, unit))
    return parts


def beside_now(instant: datetime, now: datetime, say: Callable[[timedelta], str] = spoken) -> str:
    """An instant as its distance from now: 3 hours ago, in 10 minutes."""
    if abs(instant - now) < timedelta(seconds=1):
        return "now"
    return f"in {say(instant - now)}" if instant > now else f"{say(now - instant)} ago"


def dated(instant: datetime, now: datetime) -> str:
    """An instant to the second, and its distance from now."""
    return f"{instant:%Y-%m-%d %H:%M:%S}Z, {beside_now(instant, now)}"
