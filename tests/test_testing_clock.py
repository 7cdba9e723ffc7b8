"""The clock that tests hold."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest

from aircraftops_data.clock import Clock
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.testing import ManualClock

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)


def test_it_stands_still_until_it_is_moved() -> None:
    clock: Clock = ManualClock(NOON)
    assert clock.now() == clock.now() == NOON


def test_the_default_start_is_always_the_same_utc_instant() -> None:
    assert ManualClock().now() == ManualClock().now()
    assert ManualClock().now().tzinfo is UTC


@pytest.mark.parametrize("step", [timedelta(minutes=2), 120, 120.0])
def test_it_advances_by_a_timedelta_or_by_seconds(step: timedelta | float) -> None:
    clock = ManualClock(NOON)
    clock.advance(step)
    assert clock.now() == NOON + timedelta(minutes=2)


def test_sleeping_moves_it_and_is_recorded() -> None:
    clock = ManualClock(NOON)
    clock.sleep(0.5)
    clock.sleep(86_400)
    assert clock.now() == NOON + timedelta(days=1, seconds=0.5)
    assert clock.slept == [0.5, 86_400]


def test_no_sleep_is_lost_when_threads_sleep_at_once() -> None:
    clock = ManualClock(NOON)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(clock.sleep, [1] * 2000))
    assert clock.now() == NOON + timedelta(seconds=2000)
    assert len(clock.slept) == 2000


def test_it_can_be_set_to_a_later_instant() -> None:
    clock = ManualClock(NOON)
    clock.set(NOON + timedelta(days=3))
    assert clock.now() == NOON + timedelta(days=3)


def test_an_instant_of_another_zone_is_shown_in_utc() -> None:
    clock = ManualClock(datetime(2025, 6, 1, 14, tzinfo=timezone(timedelta(hours=2))))
    assert clock.now() == NOON
    assert clock.now().tzinfo is UTC


def test_it_goes_back_only_when_told_that_this_is_meant() -> None:
    clock = ManualClock(NOON)
    with pytest.raises(InvalidInputError, match="backwards=True"):
        clock.set(NOON - timedelta(seconds=1))
    assert clock.now() == NOON
    clock.set(NOON - timedelta(seconds=1), backwards=True)
    assert clock.now() == NOON - timedelta(seconds=1)


@pytest.mark.parametrize("step", [timedelta(microseconds=-1), -1])
def test_it_refuses_a_negative_step_and_records_no_sleep(step: timedelta | float) -> None:
    clock = ManualClock(NOON)
    with pytest.raises(InvalidInputError, match="negative"):
        clock.advance(step)
    with pytest.raises(InvalidInputError, match="negative"):
        clock.sleep(-1)
    assert clock.now() == NOON
    assert clock.slept == []


def test_it_refuses_an_instant_without_a_time_zone() -> None:
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(InvalidInputError, match="time zone"):
        ManualClock(naive)
    with pytest.raises(InvalidInputError, match="time zone"):
        ManualClock(NOON).set(naive)
