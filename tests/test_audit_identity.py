"""The ids of events sort by time, tell where an event lies, and are the same for what is said again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aircraftops_data.audit.identity import (
    ID,
    belongs,
    event_id,
    first_id,
    last_id,
    month_of,
    occurred,
    share_of,
)
from aircraftops_data.clock import Chance
from aircraftops_data.errors import InvalidInputError

CHANCE = Chance()
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
instants = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - a naive one on purpose
texts = st.text(max_size=20)


@given(instants, texts)
def test_an_id_belongs_to_its_instant_and_resource_alone(at: datetime, resource: str) -> None:
    made = event_id(at, resource, None, CHANCE)
    assert ID.fullmatch(made)
    assert belongs(made, at, resource)
    assert not belongs(made, at, resource + "#")
    assert not belongs(made, at + timedelta(microseconds=1), resource)
    assert not belongs(made.upper() + "0", at, resource)
    assert occurred(made) == at


@given(instants, instants, texts, texts)
def test_ids_sort_by_the_instant_and_spans_hold_all_of_it(one: datetime, two: datetime, a: str, b: str) -> None:
    first, second = event_id(one, a, None, CHANCE), event_id(two, b, None, CHANCE)
    if occurred(first) != occurred(second):
        assert (first < second) == (one < two)
    assert first_id(one) <= first <= last_id(one)
    assert (first_id(two) > first) == (two > one)


@given(instants, texts, st.text())
def test_the_same_key_makes_the_same_id_in_every_zone(at: datetime, resource: str, key: str) -> None:
    made = event_id(at, resource, key, CHANCE)
    assert event_id(at, resource, key, CHANCE) == made
    if 1970 < at.year < 9999:
        for hours in (-12, 14):
            assert event_id(at.astimezone(timezone(timedelta(hours=hours))), resource, key, CHANCE) == made
    assert event_id(at, resource, key + "x", CHANCE) != made
    assert event_id(at, resource + "x", key, CHANCE) != made


def test_ids_by_chance_are_all_different() -> None:
    assert len({event_id(NEW_YEAR, "r", None, CHANCE) for _ in range(1000)}) == 1000


@pytest.mark.parametrize("at", [EPOCH - timedelta(microseconds=1), datetime(1, 1, 1, tzinfo=UTC), datetime(2026, 1, 1)])  # noqa: DTZ001 - a naive one on purpose
def test_instants_before_1970_and_those_without_a_zone_have_no_id(at: datetime) -> None:
    for made in (lambda: event_id(at, "r", None, CHANCE), lambda: first_id(at), lambda: last_id(at)):
        with pytest.raises(InvalidInputError):
            made()


def test_a_month_ends_with_its_last_microsecond() -> None:
    assert month_of(NEW_YEAR) == "2027-01"
    assert month_of(NEW_YEAR - timedelta(microseconds=1)) == "2026-12"


@given(st.integers(1, 100), instants)
def test_an_event_is_always_in_the_same_shard_of_those_there_are(shards: int, at: datetime) -> None:
    made = event_id(at, "r", None, CHANCE)
    assert 0 <= share_of(made, shards) < shards
    assert share_of(made, shards) == share_of(made, shards)


def test_shards_get_about_the_same() -> None:
    counts = [0] * 10
    for _ in range(5000):
        counts[share_of(event_id(NEW_YEAR, "r", None, CHANCE), 10)] += 1
    assert min(counts) > 350
