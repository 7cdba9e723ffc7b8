"""Durations that callers give."""

from __future__ import annotations

from datetime import timedelta

from aircraftops_data.errors import InvalidInputError


def positive(duration: timedelta, what: str) -> timedelta:
    """The duration. Raises InvalidInputError unless it is longer than nothing."""
    if duration <= timedelta():
        raise InvalidInputError(f"{what} lasts longer than nothing")
    return duration
