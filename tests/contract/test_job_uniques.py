"""Unique keys of jobs: until the job starts, until it has ended, or for a period."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from job_cases import LEASE, assert_table_is_consistent, claimed

from aircraftops_data.errors import AlreadyExistsError, TransactionConflictError
from aircraftops_data.jobs import JobOptions, JobState
from aircraftops_data.testing import ManualClock

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def consistent(jobs: Any) -> Any:
    """After each test the table is what its jobs say."""
    yield
    assert_table_is_consistent(jobs)


def test_a_duplicate_gives_back_the_job_that_is_there(jobs: Any) -> None:
    first = jobs.enqueue("a", 1, unique="k")
    again = jobs.enqueue("a", 2, unique="k")
    assert (again.id, again.payload) == (first.id, "1")
    assert claimed(jobs).id == first.id
    assert jobs.claim("default", worker="w") is None


def test_a_key_is_of_its_kind(jobs: Any) -> None:
    assert jobs.enqueue("a", unique="k").id != jobs.enqueue("b", unique="k").id


def test_a_key_is_held_until_the_job_has_ended(jobs: Any) -> None:
    first = jobs.enqueue("a", unique="k")
    claim = claimed(jobs)
    assert jobs.enqueue("a", unique="k").id == first.id
    claim.fail(OSError(), retry_in=timedelta())
    assert jobs.enqueue("a", unique="k").id == first.id
    claimed(jobs).complete()
    assert jobs.enqueue("a", unique="k").id != first.id


def test_a_key_until_start_is_free_once_the_job_was_claimed(jobs: Any) -> None:
    first = jobs.enqueue("a", unique="k", unique_until="start")
    assert jobs.enqueue("a", unique="k", unique_until="start").id == first.id
    claim = claimed(jobs)
    second = jobs.enqueue("a", unique="k", unique_until="start")
    assert second.id != first.id
    claim.fail(OSError(), retry_in=timedelta())
    assert jobs.enqueue("a", unique="k", unique_until="start").id == second.id


def test_a_key_for_a_period_outlives_the_job(jobs: Any, clock: ManualClock) -> None:
    first = jobs.enqueue("a", unique="k", unique_until=HOUR)
    claimed(jobs).complete()
    clock.advance(HOUR - timedelta(seconds=1))
    assert jobs.enqueue("a", unique="k", unique_until=HOUR).id == first.id
    clock.advance(timedelta(seconds=1))
    assert jobs.enqueue("a", unique="k", unique_until=HOUR).id != first.id


def test_a_job_can_be_had_as_long_as_its_key_keeps_others_away(jobs: Any, clock: ManualClock) -> None:
    period = 2 * JobOptions().retention
    first = jobs.enqueue("a", unique="k", unique_until=period)
    claimed(jobs).complete()
    clock.advance(period - timedelta(seconds=2))
    assert jobs.enqueue("a", unique="k", unique_until=period).id == first.id


@pytest.mark.parametrize("ending", ["cancelled", "dead", "expired"])
def test_every_ending_gives_the_key_back(jobs: Any, clock: ManualClock, ending: str) -> None:
    first = jobs.enqueue("a", unique="k", max_attempts=1, deadline=HOUR)
    if ending == "cancelled":
        jobs.cancel(first.id)
    elif ending == "dead":
        claimed(jobs).fail(OSError())
    else:
        clock.advance(HOUR)
        assert jobs.claim("default", worker="w") is None
    assert jobs.get(first.id).state == ending
    assert jobs.enqueue("a", unique="k").id != first.id


def test_a_lost_lease_keeps_the_key(jobs: Any, clock: ManualClock) -> None:
    first = jobs.enqueue("a", unique="k")
    claimed(jobs)
    clock.advance(LEASE + JobOptions().margin)
    assert claimed(jobs).id == first.id
    assert jobs.enqueue("a", unique="k").id == first.id


def test_a_redriven_job_takes_its_key_again_or_stays_dead(jobs: Any) -> None:
    first = jobs.enqueue("a", unique="k", max_attempts=1)
    claimed(jobs).fail(OSError())
    second = jobs.enqueue("a", unique="k")
    with pytest.raises(AlreadyExistsError):
        jobs.redrive(first.id)
    assert jobs.get(first.id).state is JobState.DEAD
    jobs.cancel(second.id)
    jobs.redrive(first.id)
    assert jobs.enqueue("a", unique="k").id == first.id


def test_a_duplicate_in_a_transaction_lets_the_rest_happen(jobs: Any) -> None:
    first = jobs.enqueue("a", unique="k")
    with jobs.core.transaction() as tx:
        tx.add(jobs.enqueue_action("a", unique="k"))
        tx.add(jobs.enqueue_action("b", queue="b"))
    duplicate, new = tx.results
    assert (duplicate.duplicate, duplicate.job_id, new.duplicate) == (True, first.id, False)
    assert claimed(jobs, "b").id == new.job_id


def test_a_duplicate_within_one_transaction_is_refused(jobs: Any) -> None:
    with pytest.raises((TransactionConflictError, ValueError)), jobs.core.transaction() as tx:
        tx.add(jobs.enqueue_action("a", unique="k"))
        tx.add(jobs.enqueue_action("a", unique="k"))
    assert jobs.claim("default", worker="w") is None
