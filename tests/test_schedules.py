"""When schedules are due: cron expressions in time zones, daylight saving, and what becomes of missed slots."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aircraftops_data.errors import InvalidInputError, InvalidValueError, MissingExtraError
from aircraftops_data.jobs.cron import slot_after
from aircraftops_data.jobs.schedules import GRACE, Due, Misfire, Schedule, changed, due, paused, resumed, schedule_of

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def slots(cron: str, timezone: str, start: datetime, count: int) -> list[str]:
    """The next slots after an instant, as the clock on the wall of that place shows them, with the offset."""
    found: list[str] = []
    for _ in range(count):
        start = slot_after(cron, timezone, start)
        found.append(f"{start.astimezone(ZoneInfo(timezone)):%m-%d %H:%M %z}")
    return found


def schedule(cron: str = "0 * * * *", at: datetime = NOON, **fields: Any) -> Schedule:
    """A schedule asked for at an instant."""
    return schedule_of({"name": "s", "kind": "k", "cron": cron, **fields}, {}, at)


class TestSlots:
    def test_the_next_slot_lies_strictly_after_the_moment(self) -> None:
        assert slot_after("0 12 * * *", "UTC", NOON) == NOON + timedelta(days=1)
        assert slot_after("0 12 * * *", "UTC", NOON - timedelta(microseconds=1)) == NOON

    def test_a_time_of_day_is_that_of_the_time_zone(self) -> None:
        assert slot_after("0 3 * * *", NEW_YORK, NOON) == datetime(2026, 11, 21, 8, tzinfo=UTC)

    def test_seconds_may_come_first(self) -> None:
        assert slot_after("30 * * * * *", "UTC", NOON) == NOON + timedelta(seconds=30)

    @pytest.mark.parametrize("cron", ["", "0 3 * *", "61 * * * *", "@daily", "0 0 31 2 *", "0 0 */31 2 0#5"])
    def test_a_wrong_expression_is_invalid_input(self, cron: str) -> None:
        with pytest.raises(InvalidInputError):
            slot_after(cron, "UTC", NOON)

    @pytest.mark.parametrize("timezone", ["Mars/Olympus", "America", "../etc/passwd", "/etc/localtime", "", "a\0b"])
    def test_a_wrong_time_zone_is_invalid_input(self, timezone: str) -> None:
        with pytest.raises(InvalidInputError):
            slot_after("0 3 * * *", timezone, NOON)

    def test_without_cronsim_the_message_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "cronsim", None)
        with pytest.raises(MissingExtraError, match=r'pip install "aircraftops-data\[cron\]"'):
            slot_after("0 3 * * *", "UTC", NOON)


TWICE = ["10-25 02:00 +0200", "10-25 02:30 +0200", "10-25 02:00 +0100", "10-25 02:30 +0100"]


class TestDaylightSaving:
    """Berlin leaps over the hour from 02:00 on 2026-03-29, and has it twice on 2026-10-25.

    New York leaps over the hour from 02:00 on 2026-03-08, and has the one from 01:00 twice on 2026-11-01.
    """

    @pytest.mark.parametrize(
        ("timezone", "start", "expected"),
        [
            (
                BERLIN,
                datetime(2026, 3, 28, 0, tzinfo=UTC),
                ["03-28 02:30 +0100", "03-29 03:00 +0200", "03-30 02:30 +0200"],
            ),
            (
                NEW_YORK,
                datetime(2026, 3, 7, 6, tzinfo=UTC),
                ["03-07 02:30 -0500", "03-08 03:00 -0400", "03-09 02:30 -0400"],
            ),
        ],
        ids=["Berlin", "New York"],
    )
    def test_a_time_that_is_leapt_over_runs_right_after(
        self, timezone: str, start: datetime, expected: list[str]
    ) -> None:
        assert slots("30 2 * * *", timezone, start, len(expected)) == expected

    @pytest.mark.parametrize(
        ("timezone", "cron", "start", "expected"),
        [
            (BERLIN, "30 2 * * *", datetime(2026, 10, 24, 22, tzinfo=UTC), ["10-25 02:30 +0200", "10-26 02:30 +0100"]),
            (NEW_YORK, "30 1 * * *", datetime(2026, 11, 1, 4, tzinfo=UTC), ["11-01 01:30 -0400", "11-02 01:30 -0500"]),
        ],
        ids=["Berlin", "New York"],
    )
    def test_a_time_that_comes_twice_runs_the_first_time(
        self, timezone: str, cron: str, start: datetime, expected: list[str]
    ) -> None:
        assert slots(cron, timezone, start, 2) == expected

    def test_from_within_the_second_hour_the_first_is_not_gone_back_to(self) -> None:
        second = datetime(2026, 10, 25, 1, 5, tzinfo=UTC)  # 02:05 for the second time
        assert slots("15 2 * * *", BERLIN, second, 1) == ["10-26 02:15 +0100"]

    def test_two_times_leapt_over_are_one(self) -> None:
        start = datetime(2026, 3, 29, 0, tzinfo=UTC)
        assert slots("15,45 2 * * *", BERLIN, start, 2) == ["03-29 03:00 +0200", "03-30 02:15 +0200"]

    @pytest.mark.parametrize("cron", ["*/30 * * * *", "0,30 * * * *"])
    def test_what_runs_every_hour_follows_the_real_time(self, cron: str) -> None:
        spring, autumn = datetime(2026, 3, 29, 0, 15, tzinfo=UTC), datetime(2026, 10, 24, 23, 45, tzinfo=UTC)
        assert slots(cron, BERLIN, spring, 3) == ["03-29 01:30 +0100", "03-29 03:00 +0200", "03-29 03:30 +0200"]
        twice = [
            "10-25 02:00 +0200",
            "10-25 02:30 +0200",
            "10-25 02:00 +0100",
            "10-25 02:30 +0100",
            "10-25 03:00 +0100",
        ]
        assert slots(cron, BERLIN, autumn, 5) == twice

    def test_every_so_many_minutes_of_an_hour_runs_in_both_and_in_none_where_it_is_left_out(self) -> None:
        assert slots("*/30 2 * * *", BERLIN, datetime(2026, 3, 28, 12, tzinfo=UTC), 1) == ["03-30 02:00 +0200"]
        assert slots("*/30 2 * * *", BERLIN, datetime(2026, 10, 24, 12, tzinfo=UTC), 5) == [*TWICE, "10-26 02:00 +0100"]


class TestDue:
    def test_nothing_is_due_before_the_slot_or_while_paused(self) -> None:
        hourly = schedule()
        assert list(due(hourly, hourly.next_at - timedelta.resolution)) == []
        assert list(due(paused(hourly, NOON), hourly.next_at)) == []

    @pytest.mark.parametrize("misfire", list(Misfire))
    def test_a_slot_is_due_from_its_instant_on(self, misfire: Misfire) -> None:
        hourly = schedule(misfire=misfire)
        one = hourly.next_at
        assert list(due(hourly, one)) == [Due(one, one + timedelta(hours=1))]

    def test_once_makes_one_job_of_all_that_were_missed(self) -> None:
        hourly = schedule(misfire="once")
        assert list(due(hourly, NOON + timedelta(hours=5.5))) == [Due(hourly.next_at, NOON + timedelta(hours=6))]

    def test_all_makes_one_of_each(self) -> None:
        steps = list(due(schedule(misfire="all"), NOON + timedelta(hours=3.5)))
        assert [step.slot for step in steps] == [NOON + timedelta(hours=hours) for hours in (1, 2, 3)]

    def test_skip_passes_over_what_is_older_than_the_grace(self) -> None:
        hourly, third = schedule(misfire="skip"), NOON + timedelta(hours=3)
        assert list(due(hourly, third + GRACE)) == [Due(third, third + timedelta(hours=1))]
        assert list(due(hourly, third + GRACE + timedelta.resolution)) == [Due(None, third + timedelta(hours=1))]

    def test_no_number_of_missed_slots_is_too_long_to_work_out(self) -> None:
        often = schedule("* * * * * *", misfire="all")
        assert len(list(islice(due(often, NOON + timedelta(days=3650)), 3))) == 3
        assert len(list(due(schedule("* * * * * *", misfire="once"), NOON + timedelta(days=3650)))) == 1


class TestChanges:
    def test_with_the_same_times_it_goes_on_where_it_was(self) -> None:
        before = schedule().model_copy(update={"version": 3, "last_job_id": "x"})
        later = NOON + timedelta(hours=7)
        after = changed(before, later, schedule(at=later, payload="1"))
        assert (after.next_at, after.version, after.last_job_id, after.payload) == (before.next_at, 3, "x", "1")

    @pytest.mark.parametrize("fields", [{"cron": "30 * * * *"}, {"timezone": "Asia/Kolkata"}])
    def test_other_times_are_worked_out_from_now(self, fields: dict[str, Any]) -> None:
        later = NOON + timedelta(hours=7, minutes=10)
        after = changed(schedule(), later, schedule(**fields))
        assert after.next_at == NOON + timedelta(hours=7, minutes=30)

    def test_what_is_so_already_stays_the_same(self) -> None:
        before = schedule().model_copy(update={"version": 3})
        assert changed(before, NOON, schedule()) is before
        assert resumed(before, NOON) is before

    def test_a_pause_is_no_misfire(self) -> None:
        resting = paused(schedule(misfire="all"), NOON)
        assert paused(resting, NOON + timedelta(hours=1)) is resting
        assert resumed(resting, NOON + timedelta(hours=5.5)).next_at == NOON + timedelta(hours=6)

    def test_the_job_of_a_slot_has_one_id_and_the_wishes_given(self) -> None:
        asked = schedule_of({"name": "n", "kind": "k", "cron": "0 3 * * *"}, {"queue": "q", "limit": ("l", 2)}, NOON)
        how = asked.how(asked.next_at)
        assert (how["id"], how["queue"]) == ("n@2026-11-21T03:00:00Z", "q")
        assert "deadline" not in how

    @pytest.mark.parametrize("fields", [{"name": ""}, {"name": "n" * 151}, {"misfire": "never"}, {"kind": ""}])
    def test_a_schedule_that_cannot_be_is_an_invalid_value(self, fields: dict[str, Any]) -> None:
        with pytest.raises(InvalidValueError):
            schedule(**fields)


# What holds whatever the expression and whenever somebody ticks

ZONES = ["UTC", BERLIN, NEW_YORK, "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"]
STARTS = [
    datetime(2026, 3, 8, tzinfo=UTC),
    datetime(2026, 3, 28, 20, tzinfo=UTC),
    datetime(2026, 10, 24, 20, tzinfo=UTC),
]


def _field(least: int, most: int) -> st.SearchStrategy[str]:
    number = st.integers(least, most)
    some = st.lists(number, min_size=1, max_size=3, unique=True).map(lambda many: ",".join(map(str, sorted(many))))
    return st.one_of(st.just("*"), st.integers(2, 30).map(lambda step: f"*/{step}"), some)


CRONS = st.tuples(_field(0, 59), _field(0, 23), st.just("*"), st.just("*"), st.just("*")).map(" ".join)
TICKS = st.lists(st.timedeltas(timedelta(seconds=1), timedelta(hours=4)), min_size=1, max_size=6)


def ticked(asked: Schedule, gaps: list[timedelta]) -> Iterator[tuple[datetime, datetime]]:
    """The slots that run, each with the instant of its tick, when somebody ticks after each gap."""
    now = STARTS[0] if asked.updated_at is None else asked.updated_at
    for gap in gaps:
        now += gap
        for step in due(asked, now):
            assert asked.next_at < step.next_at
            asked = asked.model_copy(update={"next_at": step.next_at})
            if step.slot is not None:
                yield step.slot, now
        assert asked.next_at > now


def started(cron: str, zone: str, start: datetime, misfire: str) -> Schedule:
    """A schedule that was asked for at `start`."""
    asked = schedule(cron, start, timezone=zone, misfire=misfire)
    return asked.model_copy(update={"updated_at": start})


@given(CRONS, st.sampled_from(ZONES), st.sampled_from(STARTS), st.sampled_from(list(Misfire)), TICKS)
def test_slots_strictly_rise_and_none_runs_early(
    cron: str, zone: str, start: datetime, misfire: str, gaps: list[timedelta]
) -> None:
    ran = list(ticked(started(cron, zone, start, misfire), gaps))
    assert all(one < other for (one, _), (other, _) in pairwise(ran))
    assert all(start < slot <= now for slot, now in ran)


@given(CRONS, st.sampled_from(ZONES), st.sampled_from(STARTS), TICKS)
def test_all_loses_none_however_the_ticks_fall(cron: str, zone: str, start: datetime, gaps: list[timedelta]) -> None:
    asked = started(cron, zone, start, "all")
    together = [slot for slot, _ in ticked(asked, [sum(gaps, timedelta())])]
    assert [slot for slot, _ in ticked(asked, gaps)] == together
    assert together == list(every(cron, zone, start, start + sum(gaps, timedelta())))


def every(cron: str, zone: str, start: datetime, end: datetime) -> Iterator[datetime]:
    """The slots of a stretch of time, by the library itself in one go."""
    from cronsim import CronSim

    last = start
    for slot in CronSim(cron, start.astimezone(UTC if zone == "UTC" else ZoneInfo(zone))):
        if slot.astimezone(UTC) > end:
            return
        if slot.astimezone(UTC) > last:
            last = slot.astimezone(UTC)
            yield last


@given(CRONS, st.sampled_from(ZONES), st.sampled_from(STARTS), TICKS)
def test_skip_runs_exactly_the_slots_not_older_than_the_grace(
    cron: str, zone: str, start: datetime, gaps: list[timedelta]
) -> None:
    times = dict(ticked(started(cron, zone, start, "all"), gaps))
    skipping = dict(ticked(started(cron, zone, start, "skip"), gaps))
    assert skipping == {slot: now for slot, now in times.items() if slot >= now - GRACE}


@given(CRONS, st.sampled_from(ZONES), st.sampled_from(STARTS), TICKS)
def test_once_runs_one_slot_for_each_tick_that_finds_any(
    cron: str, zone: str, start: datetime, gaps: list[timedelta]
) -> None:
    firsts: dict[datetime, datetime] = {}
    for slot, now in ticked(started(cron, zone, start, "all"), gaps):
        firsts.setdefault(now, slot)
    assert {now: slot for slot, now in ticked(started(cron, zone, start, "once"), gaps)} == firsts
