"""Looking at queues and jobs: what is due, what runs, what went wrong, and running the dead of a day again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from aircraftops_data.errors import AlreadyExistsError, CorruptItemError, InvalidInputError
from aircraftops_data.jobs import After, HealthLimits, Job, Priority, Queue, Ticket
from aircraftops_data.jobs.health import DEPTH_BOUND, RECENT, Concern, PartitionHealth, QueueHealth, estimated_writes
from aircraftops_data.jobs.measuring import Measure
from aircraftops_data.model.schema import JOBS
from aircraftops_data.testing import ManualClock

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def enqueue(jobs: Any, count: int = 1, **how: Any) -> list[Job]:
    return [jobs.enqueue("k", **{"queue": "q", **how}) for _ in range(count)]


def kill(jobs: Any, count: int = 1, **how: Any) -> list[Job]:
    """So many jobs that have died just now."""
    enqueue(jobs, count, **how)
    return [jobs.claim("q", worker="w").fail(ValueError("no"), retry_in=None) for _ in range(count)]


def concerns(health: QueueHealth) -> list[str]:
    return [warning.concern for warning in health.warnings]


def test_what_is_due_is_counted_by_priority_with_its_age(jobs: Any, clock: ManualClock) -> None:
    enqueue(jobs, 2, priority="high")
    clock.advance(MINUTE)
    enqueue(jobs, 3, priority="low")
    clock.advance(SECOND)
    health = jobs.health("q")
    assert [health.depth(priority) for priority in Priority] == [2, 0, 3]
    assert health.oldest_due_age("high") == MINUTE + SECOND
    assert health.oldest_due_age("normal") == timedelta()
    assert (health.depth(), health.oldest_due_age(), health.later) == (5, MINUTE + SECOND, 0)


def test_jobs_that_run_or_wait_are_not_due(jobs: Any) -> None:
    enqueue(jobs, 2)
    enqueue(jobs, run_at=MINUTE)
    claimed = jobs.claim("q", worker="w")
    health = jobs.health("q")
    assert (health.depth(), health.later) == (1, 2)
    assert [job.id for job in health.running] == [claimed.id]


def test_every_shard_is_measured(jobs: Any) -> None:
    jobs.reshard("q", 3)
    enqueue(jobs, 12)
    health = jobs.health("q")
    measured = [(partition.due.priority, partition.due.shard) for partition in health.partitions]
    assert measured == [(priority, shard) for priority in Priority for shard in range(3)]
    assert health.depth("normal") == 12


def test_the_dead_and_the_lost_leases_of_two_days_are_told(jobs: Any, clock: ManualClock) -> None:
    kill(jobs, 2, max_attempts=1)
    clock.advance(timedelta(days=1))
    kill(jobs, 1, max_attempts=1)
    enqueue(jobs)
    jobs.claim("q", worker="gone")
    clock.advance(2 * MINUTE)
    assert jobs.claim("q", worker="w") is not None
    health = jobs.health("q")
    assert (health.dead_today, health.dead_yesterday) == (1, 2)
    assert (health.lease_losses_today, health.lease_losses_yesterday) == (1, 0)
    assert concerns(health) == [Concern.DEAD, Concern.LEASE_LOSSES]
    clock.advance(timedelta(days=1))
    assert (jobs.health("q").dead_yesterday, jobs.health("q").lease_losses_yesterday) == (1, 1)


def test_what_is_beyond_the_limits_is_warned_of_and_nothing_else(jobs: Any, clock: ManualClock) -> None:
    enqueue(jobs)
    clock.advance(5 * MINUTE)
    assert concerns(jobs.health("q")) == []
    clock.advance(SECOND)
    assert concerns(jobs.health("q")) == [Concern.OLDEST_DUE_AGE]
    assert concerns(jobs.health("q", HealthLimits(oldest_due_age=timedelta(hours=1)))) == []


def test_a_queue_nobody_has_used_is_well_and_stays_unknown(jobs: Any) -> None:
    health = jobs.health("nobody's")
    assert (health.depth(), health.warnings) == (0, [])
    assert jobs.live("nobody's") == []
    assert jobs.queues().all() == []


def test_the_rate_of_writing_follows_from_the_newest_tickets(jobs: Any, clock: ManualClock) -> None:
    enqueue(jobs, 3)
    clock.advance(RECENT)
    enqueue(jobs, 5)
    normal = next(partition for partition in jobs.health("q").partitions if partition.due.priority == "normal")
    assert normal.due.depth == 8
    assert normal.writes_per_second == 5 * 8 / RECENT.total_seconds()


def test_a_partition_whose_tickets_come_fast_is_near_its_limit(clock: ManualClock) -> None:
    now = clock.now()
    ticket = Ticket(queue="q", priority=Priority.LOW, shard=2, due_at=now, job_id="j", created_at=now)
    rate = estimated_writes([ticket] * 1000, now)
    busy = PartitionHealth(Measure(Priority.LOW, 2, DEPTH_BOUND, False, SECOND, "j"), 0, rate)
    idle = [PartitionHealth(Measure(priority, 2, 0, True, timedelta(), None), 0, 0.0) for priority in Priority]
    health = QueueHealth(Queue(name="q"), now, (*idle, busy), (), 0, 0, 0, 0)
    assert concerns(health) == [Concern.WRITE_LIMIT]
    assert "shard 2 of low takes about 80%" in health.warnings[0].message
    assert not health.complete()


def test_live_jobs_come_by_priority_and_then_as_they_are_due_whatever_their_shards(
    jobs: Any, clock: ManualClock
) -> None:
    jobs.reshard("q", 4)
    expected: list[str] = []
    for priority in ("high", "normal", "low"):
        for _ in range(5):
            expected += [job.id for job in enqueue(jobs, priority=priority)]
            clock.advance(SECOND)
    assert [job.id for job in jobs.live("q")] == expected
    assert [job.id for job in jobs.live("q", limit=7)] == expected[:7]


def test_live_jobs_of_some_states_are_found_behind_others(jobs: Any) -> None:
    (later,) = enqueue(jobs, run_at=MINUTE)
    enqueue(jobs, 3)
    claimed = jobs.claim("q", worker="w")
    assert [job.id for job in jobs.live("q", "running")] == [claimed.id]
    assert [job.id for job in jobs.live("q", "scheduled", limit=1)] == [later.id]
    assert {job.id for job in jobs.live("q", "running", "scheduled")} == {claimed.id, later.id}
    claimed.complete()
    assert jobs.live("q", "running") == []


@pytest.mark.slow
def test_more_live_jobs_than_one_request_reads_are_all_found(jobs: Any) -> None:
    enqueue(jobs, 101)
    (last,) = enqueue(jobs, run_at=MINUTE)
    assert len(jobs.live("q", limit=1000)) == 102
    assert [job.id for job in jobs.live("q", "scheduled")] == [last.id]


def spoil(jobs: Any, job: Job, client: Any) -> None:
    """Let a job's item not fit: what somebody wrote by hand."""
    client.update_item(
        TableName=jobs.context.names[JOBS],
        Key={"PK": {"S": f"JOB#{job.id}"}, "SK": {"S": "JOB"}},
        UpdateExpression="SET max_attempts = :none",
        ExpressionAttributeValues={":none": {"N": "0"}},
    )


def test_a_job_whose_item_does_not_fit_hides_no_other(jobs: Any, client: Any, clock: ManualClock) -> None:
    spoilt, other = enqueue(jobs, 2, run_at=MINUTE)
    spoil(jobs, spoilt, client)
    corrupt: dict[str, CorruptItemError] = {}
    assert [job.id for job in jobs.live("q", corrupt=corrupt)] == [other.id]
    assert list(corrupt) == [spoilt.id]
    with pytest.raises(CorruptItemError):
        jobs.live("q")
    assert concerns(jobs.health("q")) == [Concern.CORRUPT]
    clock.advance(timedelta(hours=1))
    jobs.claim("q", worker="w").complete()
    (warning,) = jobs.health("q").warnings
    assert spoilt.id in warning.message


def test_a_state_there_is_not_is_refused(jobs: Any) -> None:
    with pytest.raises(InvalidInputError, match="'done' is not a valid JobState; the states are blocked, scheduled"):
        jobs.live("q", "done")


def test_the_edges_of_a_job_are_seen_from_both_ends(jobs: Any) -> None:
    (parent,) = enqueue(jobs, workflow="w")
    (child,) = enqueue(jobs, workflow="w", parents=[parent])
    assert [edge.job_id for edge in jobs.children(parent.id).all()] == [child.id]
    assert [edge.parent_id for edge in jobs.parents(child.id).all()] == [parent.id]
    jobs.claim("q", worker="w").complete()
    assert jobs.parents(child.id).all() == []


def test_the_dead_of_a_day_run_again_and_a_refusal_stops_none(jobs: Any, clock: ManualClock) -> None:
    (first,) = kill(jobs, unique="x", max_attempts=1)
    clock.advance(SECOND)
    (second,) = kill(jobs, max_attempts=1)
    enqueue(jobs, unique="x")
    outcomes = jobs.redrive_dead("q", clock.now().date())
    assert [outcome.dead.job_id for outcome in outcomes] == [first.id, second.id]
    assert isinstance(outcomes[0].refused, AlreadyExistsError)
    assert outcomes[1].refused is None
    assert jobs.get(second.id).state == "available"
    assert [dead.job_id for dead in jobs.dead("q", clock.now().date()).all()] == [first.id]


def test_an_unknown_consequence_of_a_failure_is_refused(jobs: Any) -> None:
    (parent,) = enqueue(jobs, workflow="w")
    with pytest.raises(InvalidInputError, match="cancel, run, hold"):
        enqueue(jobs, workflow="w", parents=[After(parent, "ignore")])
