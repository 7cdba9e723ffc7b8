"""A clock that stands still until a test moves it."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta

from aircraftops_data.errors import InvalidInputError

# Far ahead: DynamoDB Local deletes what has expired by the machine's clock, a test's item may not be among it.
START = datetime(2100, 1, 1, tzinfo=UTC)


def _in_utc(instant: datetime) -> datetime:
    if instant.utcoffset() is None:
        raise InvalidInputError("a clock needs an instant with a time zone; this datetime has none")
    return instant.astimezone(UTC)


class ManualClock:
    """A `Clock` for tests: it starts at `start` and moves only when told to; sleeping moves it instead of waiting.

    `slept` records every sleep, in seconds and in order. An instant without a time zone raises InvalidInputError.
    """

    def __init__(self, start: datetime = START) -> None:
        self._now = _in_utc(start)
        self._passed = 0.0
        self._lock = threading.Lock()
        self.slept: list[float] = []

    def now(self) -> datetime:
        """The instant the clock shows, in UTC."""
        return self._now

    def monotonic(self) -> float:
        """The seconds this clock has advanced; putting it to another instant does not count."""
        return self._passed

    def advance(self, by: timedelta | float) -> None:
        """Move forward by a timedelta, or by a number of seconds; InvalidInputError if that is backwards."""
        step = by if isinstance(by, timedelta) else timedelta(seconds=by)
        if step < timedelta():
            raise InvalidInputError("a clock cannot advance by a negative time; use set(..., backwards=True)")
        with self._lock:
            self._now += step
            self._passed += step.total_seconds()

    def set(self, instant: datetime, *, backwards: bool = False) -> None:
        """Show `instant`; InvalidInputError if that is earlier than now, unless the clock is to be put `backwards`."""
        instant = _in_utc(instant)
        with self._lock:
            if instant < self._now and not backwards:
                raise InvalidInputError("this instant is in the clock's past; say backwards=True to mean it")
            self._now = instant

    def sleep(self, seconds: float) -> None:
        """Advance by `seconds` at once, and record it in `slept`."""
        self.advance(seconds)
        self.slept.append(seconds)

    async def sleep_async(self, seconds: float) -> None:
        """Advance by `seconds` at once, record it in `slept`, and let other tasks have their turn."""
        self.sleep(seconds)
        await asyncio.sleep(0)
