"""The instants a cron expression names in a time zone, by the library `cronsim` (the extra `cron`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from aircraftops_data.errors import InvalidInputError, MissingExtraError


def slot_after(cron: str, timezone: str, moment: datetime) -> datetime:
    """The first instant after `moment` that a cron expression names in a time zone, in UTC.

    Five fields (minute, hour, day of month, month, day of week), or six with the seconds before them. Daylight saving
    is as in Debian's cron. A job at a time of day (neither minute nor hour begins with a star) runs once a day: a time
    that the change in spring leaps over counts as the first minute after it, one that comes twice in autumn as the
    first. Any other follows the real time: it runs in both hours that have the same name, and names no instant in the
    hour that is left out. Source: https://github.com/cuu508/cronsim and cron(8) of Debian.

    Raises InvalidInputError for a wrong expression, an unknown time zone, or where nothing comes in 50 years;
    MissingExtraError without cronsim.
    """
    simulated, wrong = _cronsim()
    try:
        slots = simulated(cron, moment.astimezone(_zone(timezone)))
    except (wrong, OverflowError) as error:
        raise InvalidInputError(f"Cron expression {cron!r}: {error}") from error
    # The hour that comes twice is walked by its name: its second time leads back into the first.
    slot = next((slot.astimezone(UTC) for slot in slots if slot.astimezone(UTC) > moment), None)
    if slot is None:
        raise InvalidInputError(f"Cron expression {cron!r} names no instant in the next 50 years")
    return slot


def _cronsim() -> tuple[Callable[[str, datetime], Iterator[datetime]], type[Exception]]:
    try:
        from cronsim import CronSim, CronSimError
    except ImportError as error:
        message = 'Schedules need the extra "cron": pip install "aircraftops-data[cron]"'
        raise MissingExtraError(message, extra="cron") from error
    return CronSim, CronSimError


@lru_cache(256)
def _zone(name: str) -> tzinfo:
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise InvalidInputError(f"There is no time zone {name!r}") from error
