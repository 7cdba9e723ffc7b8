"""The states of a job as a table, and the steps between them as pure functions."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta

import pytest

from aircraftops_data.clock import Chance
from aircraftops_data.errors import JobStateError, LeaseLostError
from aircraftops_data.jobs import Job, JobOptions, JobState, Priority, Ticket
from aircraftops_data.jobs.claiming import Empties, Spread
from aircraftops_data.jobs.states import ENDED, MOVES, WAITING, refuse_move
from aircraftops_data.jobs.steps import completed, looked_at, moved, redriven
from aircraftops_data.jobs.transition import part_of

NOW = datetime(2100, 1, 1, tzinfo=UTC)
OPTIONS = JobOptions()


def job(state: JobState, **fields: object) -> Job:
    """A job in a state."""
    return Job.model_validate({"id": "1", "kind": "a", "state": state, **fields})


@pytest.mark.parametrize("before", list(JobState))
@pytest.mark.parametrize("after", list(JobState))
def test_a_job_moves_only_as_the_table_says(before: JobState, after: JobState) -> None:
    if after in MOVES[before]:
        assert moved(job(before), after, NOW, OPTIONS).state is after
        return
    with pytest.raises(JobStateError) as caught:
        moved(job(before), after, NOW, OPTIONS)
    assert (caught.value.job_id, caught.value.state) == ("1", before)


def test_what_has_ended_stays_so_unless_it_is_redriven() -> None:
    assert MOVES[JobState.SUCCEEDED] == frozenset()
    assert {state for state in ENDED if MOVES[state]} == ENDED - {JobState.SUCCEEDED}
    assert {after for state in ENDED for after in MOVES[state]} == {JobState.AVAILABLE}


def test_the_names_others_use() -> None:
    names = {state.value: state.status for state in JobState}
    assert names == {
        "blocked": "PENDING",
        "scheduled": "PENDING",
        "available": "PENDING",
        "retryable": "PENDING",
        "running": "PROCESSING",
        "succeeded": "COMPLETED",
        "cancelled": "FAILED",
        "dead": "FAILED",
        "expired": "FAILED",
    }


@pytest.mark.parametrize("state", sorted(WAITING))
def test_every_waiting_job_that_is_due_is_claimed(state: JobState) -> None:
    waiting = job(state, due_at=NOW)
    claimed = looked_at(waiting, NOW, worker="w", lease=timedelta(minutes=1), slot=None, options=OPTIONS)
    assert (claimed.state, claimed.fence, claimed.attempt) == (JobState.RUNNING, 1, 1)
    assert claimed.due_at == NOW + timedelta(minutes=1) + OPTIONS.margin


def test_a_live_lease_moves_the_ticket_and_nothing_else() -> None:
    until = NOW + timedelta(seconds=30)
    held = job(JobState.RUNNING, due_at=NOW, lease_until=until, fence=3, worker="other")
    parked = looked_at(held, NOW, worker="w", lease=timedelta(minutes=1), slot=None, options=OPTIONS)
    assert parked == held.model_copy(update={"due_at": until + OPTIONS.margin})


def test_a_completion_is_for_the_holder_of_the_latest_token() -> None:
    running = job(JobState.RUNNING, fence=2, due_at=NOW, lease_until=NOW)
    for token in (1, 3):
        with pytest.raises(LeaseLostError):
            completed(running, NOW, token=token, options=OPTIONS, outcome={}, again=True)
    ended = completed(running, NOW, token=2, options=OPTIONS, outcome={}, again=True)
    assert completed(ended, NOW, token=2, options=OPTIONS, outcome={}, again=True) is ended
    with pytest.raises(LeaseLostError):
        completed(ended, NOW, token=2, options=OPTIONS, outcome={}, again=False)


def test_only_the_last_failures_are_kept() -> None:
    known = job(JobState.AVAILABLE, due_at=NOW, max_attempts=100)
    for number in range(15):
        at = NOW + timedelta(hours=number)
        known = looked_at(known, at, worker=str(number), lease=timedelta(minutes=1), slot=None, options=OPTIONS)
    assert [failure.worker for failure in known.failures] == [str(number) for number in range(4, 14)]


def test_a_redriven_job_keeps_its_fence() -> None:
    dead = job(JobState.DEAD, fence=7, attempt=3, finished_at=NOW, expires_at=NOW)
    alive = redriven(dead, NOW, options=OPTIONS)
    assert (alive.fence, alive.attempt, alive.expires_at, alive.finished_at) == (7, 0, None, None)


def test_a_refusal_can_be_pickled() -> None:
    with pytest.raises(JobStateError) as caught:
        refuse_move("1", JobState.SUCCEEDED, JobState.RUNNING)
    assert pickle.loads(pickle.dumps(caught.value)).fields == caught.value.fields


def test_claimers_keep_apart_while_there_are_others() -> None:
    spread = Spread()
    for _ in range(10):
        spread.lost()
    assert spread.width == 64
    for _ in range(100):
        spread.won()
    assert spread.width == 1


def test_partitions_that_were_empty_a_moment_ago_are_looked_into_last() -> None:
    high, normal, low = (("q", priority, 0) for priority in Priority)
    empties = Empties()
    empties.saw(high, [], NOW)
    empties.saw(low, [], NOW)
    assert empties.last([high, normal, low], NOW + timedelta(seconds=0.9)) == [normal, high, low]
    assert empties.last([high, normal, low], NOW + timedelta(seconds=1)) == [high, normal, low]
    ticket = Ticket(queue="q", priority=Priority.HIGH, shard=0, due_at=NOW, job_id="1")
    empties.saw(high, [ticket], NOW)
    assert empties.last([high, normal, low], NOW) == [high, normal, low]


def test_ids_made_later_sort_behind() -> None:
    chance = Chance()
    ids = [chance.ordered_identifier(NOW + timedelta(milliseconds=ms)) for ms in range(50)]
    assert ids == sorted(ids)
    assert {len(made) for made in ids} == {32}


def test_parts_are_used_evenly_and_always_the_same() -> None:
    counts = [0] * 8
    for number in range(8000):
        counts[part_of(str(number), 8)] += 1
    assert min(counts) > 800
    assert part_of("x", 8) == part_of("x", 8)
