"""One job's life: asked for, claimed, kept alive, ended; and what a late holder may still do, which is nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from job_cases import LEASE, assert_table_is_consistent, claimed
from pydantic import BaseModel

from aircraftops_data.errors import (
    AlreadyExistsError,
    CancelRequestedError,
    ConditionFailedError,
    InvalidInputError,
    InvalidValueError,
    ItemTooLargeError,
    JobStateError,
    LeaseLostError,
    NotFoundError,
    TransactionConflictError,
)
from aircraftops_data.jobs import JobOptions, JobState, Kind, Limit, Ticket
from aircraftops_data.testing import ManualClock

MARGIN = JobOptions().margin


class Files(BaseModel):
    """A payload of its own type."""

    names: list[str]


@pytest.fixture(autouse=True)
def consistent(jobs: Any) -> Any:
    """After each test the table is what its jobs say."""
    yield
    assert_table_is_consistent(jobs)


def test_a_job_runs_once_and_is_over(jobs: Any) -> None:
    job = jobs.enqueue("ingest", {"source": "faa"})
    assert (job.state, job.status) == (JobState.AVAILABLE, "PENDING")
    claim = claimed(jobs, worker="w1")
    assert (claim.id, claim.payload, claim.token, claim.job.worker) == (job.id, {"source": "faa"}, 1, "w1")
    assert jobs.get(job.id).status == "PROCESSING"
    ended = claim.complete({"rows": 5})
    assert (ended.state, ended.status, jobs.result(ended)) == (JobState.SUCCEEDED, "COMPLETED", {"rows": 5})
    assert jobs.get(job.id) == ended
    assert jobs.claim("default", worker="w1") is None


def test_a_job_that_ended_is_kept_as_long_as_the_options_say(jobs: Any, clock: ManualClock) -> None:
    jobs.enqueue("a")
    ended = claimed(jobs).complete()
    assert ended.expires_at == ended.finished_at + jobs.options.retention
    clock.advance(jobs.options.retention)
    with pytest.raises(NotFoundError):
        jobs.get(ended.id)


def test_jobs_of_a_higher_priority_go_first_and_those_of_one_in_their_order(jobs: Any, clock: ManualClock) -> None:
    asked = {}
    for name, priority in (("1", "low"), ("2", "normal"), ("3", "high"), ("4", "normal")):
        asked[name] = jobs.enqueue("a", name, priority=priority).id
        clock.advance(1)
    assert [claimed(jobs).payload for _ in asked] == ["3", "2", "4", "1"]


def test_a_job_is_not_run_before_its_time(jobs: Any, clock: ManualClock) -> None:
    job = jobs.enqueue("a", run_at=timedelta(hours=1))
    assert job.state is JobState.SCHEDULED
    assert jobs.claim("default", worker="w") is None
    clock.advance(timedelta(hours=1))
    assert claimed(jobs).id == job.id


def test_an_instant_may_say_when_to_run(jobs: Any, clock: ManualClock) -> None:
    assert jobs.enqueue("a", run_at=clock.now() + timedelta(days=1)).due_at == clock.now() + timedelta(days=1)
    assert jobs.enqueue("a", run_at=clock.now() - timedelta(days=1)).state is JobState.AVAILABLE


def test_a_failed_job_is_tried_again_after_its_back_off(jobs: Any, clock: ManualClock) -> None:
    jobs.enqueue("a")
    failed = claimed(jobs, worker="w1").fail(ValueError("no such file"), retry_in=timedelta(seconds=10))
    assert failed.state is JobState.RETRYABLE
    (failure,) = failed.failures
    assert (failure.attempt, failure.worker, failure.error, failure.message) == (1, "w1", "ValueError", "no such file")
    assert jobs.claim("default", worker="w") is None
    clock.advance(10)
    claim = claimed(jobs)
    assert (claim.token, claim.job.attempt) == (2, 2)


def test_the_back_off_lies_within_the_policy_of_the_kind(jobs: Any, clock: ManualClock) -> None:
    jobs.enqueue("a")
    for attempt in range(4):
        failed = claimed(jobs).fail(OSError())
        ceiling = jobs.kind("a").retry.ceiling(attempt)
        assert timedelta() <= failed.due_at - clock.now() <= timedelta(seconds=ceiling)
        clock.set(failed.due_at)


def test_a_job_without_attempts_left_is_dead(jobs: Any, clock: ManualClock) -> None:
    jobs.enqueue("a", max_attempts=2)
    claimed(jobs).fail(OSError("1"), retry_in=timedelta())
    dead = claimed(jobs).fail(OSError("2"), retry_in=timedelta())
    assert (dead.state, dead.status, len(dead.failures)) == (JobState.DEAD, "FAILED", 2)
    assert dead.expires_at == clock.now() + jobs.options.dead_retention
    (entry,) = jobs.dead("default", clock.now().date()).all()
    assert (entry.job_id, entry.kind, entry.error) == (dead.id, "a", "OSError")


def test_an_error_that_is_fatal_for_the_kind_is_not_tried_again(jobs: Any) -> None:
    jobs.register(Kind("a", fatal=(KeyError,)))
    jobs.enqueue("a")
    assert claimed(jobs).fail(KeyError("x")).state is JobState.DEAD


def test_a_dead_job_can_be_redriven_with_all_its_attempts(jobs: Any, clock: ManualClock) -> None:
    jobs.enqueue("a", max_attempts=1)
    dead = claimed(jobs).fail(OSError())
    alive = jobs.redrive(dead.id)
    assert (alive.state, alive.attempt, alive.expires_at) == (JobState.AVAILABLE, 0, None)
    assert jobs.dead("default", clock.now().date()).all() == []
    claim = claimed(jobs)
    assert claim.token == dead.fence + 1
    assert claim.complete().state is JobState.SUCCEEDED


def test_a_job_that_succeeded_cannot_be_redriven_or_cancelled(jobs: Any) -> None:
    jobs.enqueue("a")
    done = claimed(jobs).complete()
    for refused in (jobs.redrive, jobs.cancel):
        with pytest.raises(JobStateError) as caught:
            refused(done.id)
        assert (caught.value.job_id, caught.value.state) == (done.id, "succeeded")


def test_a_snooze_uses_no_attempt(jobs: Any, clock: ManualClock) -> None:
    jobs.enqueue("a")
    snoozed = claimed(jobs).snooze(timedelta(minutes=5))
    assert (snoozed.state, snoozed.attempt) == (JobState.SCHEDULED, 0)
    assert jobs.claim("default", worker="w") is None
    clock.advance(timedelta(minutes=5))
    claim = claimed(jobs)
    assert (claim.job.attempt, claim.token) == (1, 2)


def test_a_released_job_is_there_for_the_next_at_once(jobs: Any) -> None:
    jobs.enqueue("a")
    assert claimed(jobs).release().state is JobState.AVAILABLE
    assert claimed(jobs).job.attempt == 1


def test_a_heartbeat_keeps_the_job(jobs: Any, clock: ManualClock) -> None:
    jobs.enqueue("a")
    claim = claimed(jobs)
    for _ in range(5):
        clock.advance(LEASE - timedelta(seconds=1))
        assert claim.heartbeat() is False
        assert jobs.claim("default", worker="other") is None
    assert claim.complete().fence == 1


def test_a_lost_lease_is_taken_over_once_the_margin_has_passed(jobs: Any, clock: ManualClock) -> None:
    jobs.enqueue("a")
    claimed(jobs, worker="w1")
    clock.advance(LEASE + MARGIN - timedelta(microseconds=1))
    assert jobs.claim("default", worker="w2") is None
    clock.advance(timedelta(microseconds=1))
    claim = claimed(jobs, worker="w2")
    assert (claim.token, claim.job.attempt, claim.job.lease_losses) == (2, 2, 1)
    assert [(f.worker, f.error) for f in claim.job.failures] == [("w1", "lease lost")]


def test_a_late_holder_is_refused_in_every_call(jobs: Any, clock: ManualClock) -> None:
    jobs.enqueue("a")
    late = claimed(jobs, worker="w1")
    clock.advance(LEASE + MARGIN)
    holder = claimed(jobs, worker="w2")
    before = jobs.get(late.id)
    calls = {
        "heartbeat": late.heartbeat,
        "progress": lambda: late.progress(1, 2),
        "complete": late.complete,
        "fail": lambda: late.fail(OSError()),
        "snooze": lambda: late.snooze(LEASE),
        "release": late.release,
        "stop": late.stop,
    }
    for name, call in calls.items():
        with pytest.raises(LeaseLostError) as caught:
            call()
        assert (name, caught.value.token, caught.value.existing.fence) == (name, 1, 2)
    assert jobs.get(late.id) == before
    holder.complete()


def test_a_fence_joins_a_transaction_and_refuses_a_late_holder(jobs: Any, clock: ManualClock) -> None:
    jobs.enqueue("a")
    late = claimed(jobs)
    with jobs.core.transaction() as tx:
        tx.add(jobs.enqueue_action("first", queue="b"))
        tx.add(late.fence())
    clock.advance(LEASE + MARGIN)
    claimed(jobs, worker="other")
    with pytest.raises(TransactionConflictError) as caught, jobs.core.transaction() as tx:
        tx.add(jobs.enqueue_action("second", queue="b"))
        tx.add(late.fence())
    assert [type(reason) for reason in caught.value.reasons] == [type(None), ConditionFailedError]
    assert claimed(jobs, "b").job.kind == "first"
    assert jobs.claim("b", worker="w") is None


def test_a_completion_joins_a_transaction(jobs: Any) -> None:
    jobs.enqueue("a")
    claim = claimed(jobs)
    with jobs.core.transaction() as tx:
        tx.add(claim.completion({"rows": 1}))
        tx.add(jobs.enqueue_action("next", queue="other"))
    assert jobs.result(jobs.get(claim.id)) == {"rows": 1}
    assert claim.complete().state is JobState.SUCCEEDED
    assert claimed(jobs, "other").job.kind == "next"


@pytest.mark.parametrize(
    ("policy", "state"), [("retry", JobState.RUNNING), ("fail", JobState.DEAD), ("hold", JobState.BLOCKED)]
)
def test_what_a_lost_lease_means_is_said_with_the_job(
    jobs: Any, clock: ManualClock, policy: Any, state: JobState
) -> None:
    job = jobs.enqueue("a", on_lease_lost=policy)
    claimed(jobs)
    clock.advance(LEASE + MARGIN)
    jobs.claim("default", worker="other")
    assert jobs.get(job.id).state is state


def test_a_held_job_runs_once_somebody_releases_it(jobs: Any, clock: ManualClock) -> None:
    job = jobs.enqueue("a", on_lease_lost="hold")
    claimed(jobs)
    clock.advance(LEASE + MARGIN)
    assert jobs.claim("default", worker="w") is None
    clock.advance(timedelta(days=2))
    assert jobs.claim("default", worker="w") is None
    assert jobs.get(job.id).held == "its lease was lost"
    jobs.release(job.id)
    assert claimed(jobs).id == job.id
    with pytest.raises(JobStateError):
        jobs.release(job.id)


def test_a_held_job_that_lost_its_last_attempt_has_one_more_when_it_is_released(jobs: Any, clock: ManualClock) -> None:
    job = jobs.enqueue("a", on_lease_lost="hold", max_attempts=1)
    claimed(jobs)
    clock.advance(LEASE + MARGIN)
    assert jobs.claim("default", worker="w") is None
    jobs.release(job.id)
    claim = claimed(jobs)
    assert (claim.job.attempt, claim.fail(OSError(), retry_in=timedelta()).state) == (1, JobState.DEAD)


def test_a_job_whose_workers_keep_dying_dies_when_its_attempts_are_used_up(jobs: Any, clock: ManualClock) -> None:
    job = jobs.enqueue("a", max_attempts=2)
    for _ in range(2):
        claimed(jobs)
        clock.advance(LEASE + MARGIN)
    assert jobs.claim("default", worker="w") is None
    assert jobs.get(job.id).state is JobState.DEAD


def test_a_waiting_job_is_cancelled_at_once(jobs: Any) -> None:
    job = jobs.enqueue("a")
    assert jobs.cancel(job.id).state is JobState.CANCELLED
    assert jobs.cancel(job.id).state is JobState.CANCELLED
    assert jobs.claim("default", worker="w") is None


def test_a_running_job_is_asked_to_stop(jobs: Any) -> None:
    job = jobs.enqueue("a")
    claim = claimed(jobs)
    assert jobs.cancel(job.id).state is JobState.RUNNING
    claim.check()
    assert claim.heartbeat() is True
    with pytest.raises(CancelRequestedError):
        claim.check()
    assert claim.stop().state is JobState.CANCELLED


def test_a_holder_that_finishes_in_spite_of_a_request_to_stop_has_finished(jobs: Any) -> None:
    job = jobs.enqueue("a")
    claim = claimed(jobs)
    jobs.cancel(job.id)
    assert claim.complete().state is JobState.SUCCEEDED


@pytest.mark.parametrize("ending", ["fail", "snooze", "lost"])
def test_a_cancelled_job_does_not_run_again(jobs: Any, clock: ManualClock, ending: str) -> None:
    job = jobs.enqueue("a")
    claim = claimed(jobs)
    jobs.cancel(job.id)
    if ending == "fail":
        claim.fail(OSError())
    elif ending == "snooze":
        claim.snooze(LEASE)
    else:
        clock.advance(LEASE + MARGIN)
        assert jobs.claim("default", worker="w") is None
    assert jobs.get(job.id).state is JobState.CANCELLED


def test_a_holder_knows_by_its_own_clock_when_its_lease_is_over(jobs: Any, clock: ManualClock) -> None:
    jobs.enqueue("a")
    claim = claimed(jobs)
    claim.check()
    clock.advance(LEASE)
    with pytest.raises(LeaseLostError):
        claim.check()
    claim.heartbeat()
    claim.check()


def test_a_job_that_has_not_run_by_its_deadline_expires(jobs: Any, clock: ManualClock) -> None:
    job = jobs.enqueue("a", deadline=timedelta(minutes=1))
    clock.advance(timedelta(minutes=1))
    assert jobs.claim("default", worker="w") is None
    assert (jobs.get(job.id).state, jobs.get(job.id).status) == (JobState.EXPIRED, "FAILED")


def test_a_job_that_could_only_be_tried_after_its_deadline_expires_at_once(jobs: Any) -> None:
    jobs.enqueue("a", deadline=timedelta(minutes=1))
    assert claimed(jobs).fail(OSError(), retry_in=timedelta(minutes=1)).state is JobState.EXPIRED


def test_progress_is_written_now_and_then_and_never_lost(jobs: Any, clock: ManualClock) -> None:
    jobs.enqueue("a")
    claim = claimed(jobs)
    claim.progress(1, 10, "MASTER.txt")
    claim.progress(2, 10)
    assert jobs.get(claim.id).progress.done == 1
    clock.advance(jobs.options.progress_every)
    claim.progress(3, 10)
    assert jobs.get(claim.id).progress.done == 3
    claim.progress(10, 10)
    assert claim.complete().progress.done == 10


def test_the_next_attempt_finds_the_progress_of_the_last(jobs: Any) -> None:
    jobs.enqueue("a")
    claim = claimed(jobs)
    claim.progress(120, 5000, "MASTER.txt")
    claim.fail(OSError(), retry_in=timedelta())
    assert claimed(jobs).job.progress.done == 120


def test_a_completion_may_be_said_again(jobs: Any) -> None:
    jobs.enqueue("a")
    claim = claimed(jobs)
    assert claim.complete({"n": 1}) == claim.complete({"n": 1})


def test_a_payload_and_a_result_are_of_the_types_of_their_kind(jobs: Any) -> None:
    jobs.register(Kind("ingest", payload=Files, result=int))
    with pytest.raises(InvalidValueError):
        jobs.enqueue("ingest", {"name": "x"})
    jobs.enqueue("ingest", Files(names=["a", "b"]))
    claim = claimed(jobs)
    assert claim.payload == Files(names=["a", "b"])
    with pytest.raises(InvalidValueError):
        claim.complete("many")
    assert jobs.result(claim.complete(2)) == 2


def test_a_kind_is_one_thing(jobs: Any) -> None:
    kind = jobs.register(Kind("a", result=int))
    assert jobs.register(Kind("a", result=int)) == kind
    with pytest.raises(InvalidInputError):
        jobs.register(Kind("a", result=str))


def test_a_payload_that_no_longer_fits_its_kind_fails_the_attempt(jobs: Any) -> None:
    job = jobs.enqueue("ingest", {"old": 1}, max_attempts=1)
    jobs.register(Kind("ingest", payload=Files))
    assert jobs.claim("default", worker="w") is None
    found = jobs.get(job.id)
    assert (found.state, found.failures[-1].error) == (JobState.DEAD, "CorruptItemError")


@pytest.mark.parametrize("size", [200, 300, 100_000])
def test_payloads_and_results_of_any_size_an_item_holds_come_back(jobs: Any, clock: ManualClock, size: int) -> None:
    text = {"text": "é" * (size // 2)}
    jobs.enqueue("a", text)
    claim = claimed(jobs)
    assert claim.payload == text
    ended = claim.complete(text)
    assert jobs.result(jobs.get(ended.id)) == text
    clock.advance(jobs.options.retention)
    assert jobs.core.scan(Ticket).all() == []


def test_a_payload_no_item_holds_is_refused_before_anything_is_written(jobs: Any) -> None:
    with pytest.raises(ItemTooLargeError) as caught:
        jobs.enqueue("a", "x" * 500_000)
    assert "AIRCRAFTOPS_JOBS_BUCKET" in caught.value.message
    assert jobs.claim("default", worker="w") is None


@pytest.mark.parametrize(
    "wish",
    [
        {"run_at": datetime(2100, 1, 2)},  # noqa: DTZ001
        {"deadline": timedelta(minutes=-1)},
        {"run_at": timedelta(hours=2), "deadline": timedelta(hours=1)},
        {"max_attempts": 0},
        {"priority": "urgent"},
        {"limit": ("k", 0)},
        {"parents": ["x"]},
        {"unique_until": "start"},
        {"unique": "k", "unique_until": "period"},
        {"prio": "high"},
        {"queue": ""},
    ],
    ids="+".join,
)
def test_a_wish_that_makes_no_sense_is_refused(jobs: Any, wish: Any) -> None:
    with pytest.raises(InvalidInputError):
        jobs.enqueue("a", **wish)


def test_a_payload_without_a_json_form_is_refused(jobs: Any) -> None:
    for payload in (object(), float("nan"), {"x": float("inf")}):
        with pytest.raises(InvalidValueError):
            jobs.enqueue("a", payload)


def test_an_id_of_ones_own_is_taken_once(jobs: Any) -> None:
    assert jobs.enqueue("a", id="nightly 2100-01-01").id == "nightly 2100-01-01"
    with pytest.raises(AlreadyExistsError):
        jobs.enqueue("a", id="nightly 2100-01-01")


def test_a_job_and_data_are_written_together_or_not_at_all(jobs: Any) -> None:
    job = jobs.enqueue("a", id="x")
    with pytest.raises(TransactionConflictError), jobs.core.transaction() as tx:
        tx.add(jobs.enqueue_action("b", queue="b"))
        tx.add(jobs.enqueue_action("a", id=job.id))
    assert jobs.claim("b", worker="w") is None
    with jobs.core.transaction() as tx:
        tx.add(jobs.enqueue_action("b", {"n": 1}, queue="b"))
    assert claimed(jobs, "b").id == tx.results[0].job_id


def test_a_paused_queue_gives_nothing_away_until_it_is_resumed(jobs: Any) -> None:
    job = jobs.enqueue("a")
    assert jobs.pause("default").paused_at is not None
    assert jobs.claim("default", worker="w") is None
    assert jobs.claim_by_id(job.id, jobs.claimer("w")) is None
    jobs.resume("default")
    assert claimed(jobs).id == job.id


def test_the_first_queue_goes_before_the_others(jobs: Any) -> None:
    jobs.enqueue("a", 1, queue="slow")
    jobs.enqueue("a", 2, queue="fast")
    claims = jobs.claims(jobs.claimer("w"), "fast", "slow", count=5)
    assert [claim.payload for claim in claims] == [2, 1]
    assert [queue.name for queue in jobs.queues().all()] == ["fast", "slow"]


def test_all_shards_of_a_queue_are_looked_into(jobs: Any) -> None:
    jobs.reshard("default", 4)
    asked = {jobs.enqueue("a").id for _ in range(12)}
    assert len({jobs.get(job_id).shard for job_id in asked}) > 1
    assert {claim.id for claim in jobs.claims(jobs.claimer("w"), "default", count=12)} == asked
    with pytest.raises(InvalidInputError):
        jobs.reshard("default", 2)


def test_a_job_can_be_claimed_by_its_id_by_the_same_rules(jobs: Any, clock: ManualClock) -> None:
    later = jobs.enqueue("a", run_at=timedelta(minutes=1))
    claimer = jobs.claimer("w")
    assert jobs.claim_by_id(later.id, claimer) is None
    assert jobs.claim_by_id("nobody", claimer) is None
    clock.advance(timedelta(minutes=1))
    claim = jobs.claim_by_id(later.id, claimer)
    assert claim.token == 1
    assert jobs.claim_by_id(later.id, claimer) is None
    claim.complete()
    assert jobs.claim_by_id(later.id, claimer) is None


def test_no_more_jobs_of_a_limit_run_at_a_time(jobs: Any, clock: ManualClock) -> None:
    for number in range(4):
        jobs.enqueue("a", number, limit=Limit(key="acme", most=2))
        clock.advance(1)
    jobs.enqueue("a", "free")
    claims = jobs.claims(jobs.claimer("w"), "default", count=9)
    assert [claim.payload for claim in claims] == [0, 1, "free"]
    claims[0].complete()
    clock.advance(jobs.options.slot_wait)
    assert [claim.payload for claim in jobs.claims(jobs.claimer("w"), "default", count=9)] == [2]


def test_a_lost_lease_keeps_its_place_of_the_limit(jobs: Any, clock: ManualClock) -> None:
    jobs.enqueue("a", 1, limit=("acme", 1))
    clock.advance(1)
    jobs.enqueue("a", 2, limit=("acme", 1))
    claimed(jobs)
    clock.advance(LEASE + MARGIN)
    (claim,) = jobs.claims(jobs.claimer("w"), "default", count=2)
    assert claim.payload == 1


def test_a_lease_lasts_longer_than_nothing(jobs: Any) -> None:
    with pytest.raises(InvalidInputError):
        jobs.claim("default", worker="w", lease=timedelta())


def test_a_job_somebody_deleted_leaves_no_ticket_behind(jobs: Any) -> None:
    job = jobs.enqueue("a")
    jobs.core.delete(job)
    assert jobs.claim("default", worker="w") is None
    assert jobs.core.scan(Ticket).all() == []


def test_the_instants_of_a_job_are_in_utc(jobs: Any) -> None:
    job = jobs.enqueue("a")
    assert job.due_at.tzinfo is UTC
