"""Time and chance, the two things a test must be able to hold still: the only place that reads either."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from random import Random, SystemRandom
from typing import Protocol


class Clock(Protocol):
    """What the library needs of time: the instant now, how much of it passes, and waiting."""

    def now(self) -> datetime:
        """The instant now, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment; it only goes forward, whatever is done to the clock, also while a machine sleeps.

        Two readings in one process tell how much time has passed; it says nothing across machines.
        """
        ...

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds`."""
        ...

    async def sleep_async(self, seconds: float) -> None:
        """Wait for `seconds` while other tasks go on."""
        ...


# Linux's monotonic clock stands still while the machine is suspended; a lease does not.
_passed = partial(time.clock_gettime, time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The instant now, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some moment, those counted in which the machine slept."""
        return _passed()

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds`."""
        time.sleep(seconds)

    async def sleep_async(self, seconds: float) -> None:
        """Wait for `seconds` while other tasks go on."""
        # Imported by who runs an event loop anyway; blocking programs start faster without.
        import asyncio

        await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Chance:
    """A source of jitter and of identifiers; seed its `random` and a plan becomes repeatable."""

    random: Random = field(default_factory=SystemRandom)

    def jitter(self, ceiling: float) -> float:
        """A wait in seconds drawn evenly from 0 to `ceiling` (full jitter)."""
        return self.random.uniform(0, ceiling)

    def identifier(self, bits: int = 64) -> str:
        """A fresh identifier of `bits` random bits, in hexadecimal."""
        return f"{self.random.getrandbits(bits):0{bits // 4}x}"

    def ordered_identifier(self, now: datetime) -> str:
        """A fresh identifier of 128 bits that sorts by its instant: 48 bits of milliseconds, then 80 random ones."""
        return f"{int(now.timestamp() * 1000):012x}{self.identifier(80)}"


@dataclass(frozen=True, slots=True)
class Retry:
    """The one retry policy: how many tries, and how long to wait between them (exponential, full jitter).

    Source: "Exponential Backoff And Jitter", AWS Architecture Blog (full jitter).
    """

    attempts: int = 8
    first_seconds: float = 0.05
    most_seconds: float = 5.0

    def ceiling(self, attempt: int) -> float:
        """The longest wait before the try after `attempt` (0 for the first), in seconds."""
        # No float holds the doubling of a thousand tries.
        return min(self.most_seconds, self.first_seconds * 2.0 ** min(attempt, 1000))
