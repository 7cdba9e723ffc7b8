"""What others do, or the engine, while a job is on its way: nothing is lost, nothing happens twice, nothing is said
that is not so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from aircraftops_data import CoreTable, Entity, PrimaryKey
from aircraftops_data.errors import (
    AlreadyExistsError,
    InvalidValueError,
    JobStateError,
    LeaseLostError,
    ThrottledError,
    TimeoutError,
    VersionConflictError,
)
from aircraftops_data.jobs import Claim, JobState
from aircraftops_data.jobs.jobs import Jobs
from aircraftops_data.jobs.model import Queue
from aircraftops_data.model.schema import JOBS
from aircraftops_data.request import Request, Response
from aircraftops_data.testing import ManualClock
from faults import FaultyTransport, Send, before, cancelled, faulty, lost_reply, passing, throttled

pytestmark = pytest.mark.parametrize(
    "engine", [pytest.param(name, marks=pytest.mark.slow) for name in ("moto", "local")], indirect=True
)

Connect = Callable[..., CoreTable]
WRITE = "TransactWriteItems"
LARGE = "x" * 1000


@pytest.fixture
def core(connect: Connect, clock: ManualClock) -> CoreTable:
    """JobsTable under a clock that stands still."""
    return connect(JOBS, clock=clock)


@pytest.fixture
def jobs(core: CoreTable) -> Jobs:
    """Jobs to whom nothing happens: the others, and what tests look with."""
    return Jobs(core)


@pytest.fixture
def watched(core: CoreTable) -> tuple[Jobs, FaultyTransport]:
    """Jobs behind a transport that fails when told to."""
    seen, transport = faulty(core)
    return Jobs(seen), transport


def claimed(jobs: Jobs, **how: Any) -> Claim:
    """A new job, claimed."""
    jobs.enqueue("kind", {"a": 1}, **how)
    claim = jobs.claim("default", worker="w1")
    assert claim is not None
    return claim


PASSING = pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError"])


class TestRefusedForAMoment:
    """A transaction that is tried again takes the step from where the job was, not from where it would have been."""

    @PASSING
    def test_a_completion_is_written(self, watched: tuple[Jobs, FaultyTransport], code: str) -> None:
        jobs, transport = watched
        claim = claimed(jobs)
        transport.plan(WRITE, cancelled(code))
        assert claim.complete().state is JobState.SUCCEEDED
        assert jobs.get(claim.id).state is JobState.SUCCEEDED

    @PASSING
    def test_a_failure_is_written_once(self, watched: tuple[Jobs, FaultyTransport], code: str) -> None:
        jobs, transport = watched
        claim = claimed(jobs)
        transport.plan(WRITE, cancelled(code), cancelled(code))
        claim.fail(ValueError("no"), retry_in=timedelta(seconds=5))
        found = jobs.get(claim.id)
        assert (found.state, len(found.failures)) == (JobState.RETRYABLE, 1)

    @PASSING
    def test_a_cancellation_is_written(self, watched: tuple[Jobs, FaultyTransport], code: str) -> None:
        jobs, transport = watched
        job = jobs.enqueue("kind")
        transport.plan(WRITE, cancelled(code))
        jobs.cancel(job.id)
        assert jobs.get(job.id).state is JobState.CANCELLED


class TestRedrive:
    def test_a_running_job_is_left_to_its_holder(self, jobs: Jobs) -> None:
        claim = claimed(jobs)
        with pytest.raises(JobStateError):
            jobs.redrive(claim.id)
        assert claim.complete().state is JobState.SUCCEEDED

    def test_a_blocked_job_goes_on_waiting_for_its_parents(self, jobs: Jobs) -> None:
        parent = jobs.enqueue("kind", workflow="w")
        child = jobs.enqueue("kind", workflow="w", parents=[parent])
        with pytest.raises(JobStateError):
            jobs.redrive(child.id)
        assert jobs.get(child.id).state is JobState.BLOCKED

    def test_a_job_that_was_held_is_so_no_more(self, jobs: Jobs, clock: ManualClock) -> None:
        claim = claimed(jobs, on_lease_lost="hold")
        clock.advance(timedelta(hours=1))
        assert jobs.claim("default", worker="w2") is None
        jobs.cancel(claim.id)
        assert jobs.redrive(claim.id).held is None


class TestOvertaken:
    """Whoever was overtaken is told what is so now, not what would be wrong with what they first meant to write."""

    def test_a_large_result_may_be_told_again(self, watched: tuple[Jobs, FaultyTransport]) -> None:
        jobs, transport = watched
        claim = claimed(jobs)
        transport.plan(WRITE, *[lost_reply] * 3)
        with pytest.raises(TimeoutError):
            claim.complete(LARGE)
        assert claim.complete(LARGE).state is JobState.SUCCEEDED
        assert jobs.result(jobs.get(claim.id)) == LARGE

    def test_two_parents_that_end_together_release_a_child_once(
        self, jobs: Jobs, watched: tuple[Jobs, FaultyTransport], clock: ManualClock
    ) -> None:
        racing, transport = watched
        one, other = claimed(racing, workflow="w"), claimed(jobs, workflow="w")
        later = clock.now() + timedelta(hours=1)
        child = jobs.enqueue("kind", workflow="w", parents=[one.job, other.job], run_at=later)

        def release(request: Request, send: Send) -> Response:
            # The last edge is gone; the child is released by the other just before this one does.
            jobs.release(child.id)
            return send(request)

        other.complete()
        transport.plan(WRITE, passing, passing, release)
        one.complete()
        assert jobs.get(child.id).state is JobState.SCHEDULED

    def test_of_two_redrives_at_once_one_is_told_that_the_job_has_not_ended(
        self, jobs: Jobs, watched: tuple[Jobs, FaultyTransport]
    ) -> None:
        racing, transport = watched
        job = jobs.enqueue("kind", unique="key")
        jobs.cancel(job.id)
        transport.plan(WRITE, before(lambda: jobs.redrive(job.id)))
        with pytest.raises(JobStateError):
            racing.redrive(job.id)

    def test_a_redrive_does_not_take_a_unique_key_from_another(self, jobs: Jobs) -> None:
        job = jobs.enqueue("kind", unique="key")
        jobs.cancel(job.id)
        jobs.enqueue("kind", unique="key")
        with pytest.raises(AlreadyExistsError):
            jobs.redrive(job.id)
        assert jobs.get(job.id).state is JobState.CANCELLED


class Balance(Entity, table=JOBS, entity_type="balance"):
    """What a job writes beside its completion, and must not write twice."""

    id: str
    amount: int = 0

    primary = PrimaryKey("BALANCE#{id}", "BALANCE")


class TestCompletionInATransaction:
    def test_what_the_job_wrote_with_it_is_written_once(
        self, watched: tuple[Jobs, FaultyTransport], core: CoreTable
    ) -> None:
        jobs, transport = watched
        core.create(Balance(id="1"))
        claim = claimed(jobs)

        def pay() -> None:
            with jobs.core.transaction() as tx:
                tx.update(Balance, id="1", add={"amount": 5})
                tx.add(claim.completion())

        transport.plan(WRITE, *[lost_reply] * 3)
        with pytest.raises(TimeoutError):
            pay()
        with pytest.raises(LeaseLostError) as refused:
            pay()
        assert refused.value.existing.state is JobState.SUCCEEDED
        assert core.get(Balance, id="1").amount == 5
        assert claim.complete().state is JobState.SUCCEEDED


ENDINGS: dict[str, Callable[[Claim], object]] = {
    "complete": lambda claim: claim.complete(),
    "fail": lambda claim: claim.fail(ValueError("no"), retry_in=timedelta()),
    "snooze": lambda claim: claim.snooze(timedelta()),
    "release": lambda claim: claim.release(),
    "stop": lambda claim: claim.stop(),
}


class TestProgress:
    @pytest.mark.parametrize("end", ENDINGS.values(), ids=ENDINGS.keys())
    def test_what_was_told_last_is_kept_however_the_attempt_ends(
        self, jobs: Jobs, end: Callable[[Claim], object]
    ) -> None:
        claim = claimed(jobs)
        claim.progress(1, 10)
        claim.progress(7, 10)
        end(claim)
        progress = jobs.get(claim.id).progress
        assert progress is not None
        assert progress.done == 7

    def test_what_is_no_progress_is_refused(self, jobs: Jobs) -> None:
        with pytest.raises(InvalidValueError, match="done"):
            claimed(jobs).progress(-1)


def test_an_error_whose_text_has_no_utf8_form_fails_the_attempt(jobs: Jobs) -> None:
    claim = claimed(jobs)
    claim.fail(ValueError("a file named \udc80"), retry_in=timedelta())
    assert jobs.get(claim.id).failures[-1].message == "a file named \\udc80"


def test_of_two_changes_of_a_queue_at_once_none_is_undone(
    jobs: Jobs, watched: tuple[Jobs, FaultyTransport], core: CoreTable
) -> None:
    racing, transport = watched
    jobs.reshard("default", 1)
    transport.plan("UpdateItem", before(lambda: jobs.reshard("default", 4)))
    with pytest.raises(VersionConflictError):
        racing.pause("default")
    assert core.get(Queue, name="default").shards == 4


class TestWhatCannotBeRead:
    """An item that does not fit keeps nobody from the jobs behind it."""

    def test_jobs_behind_many_that_do_not_fit_are_claimed(self, jobs: Jobs, client: Any) -> None:
        bad = [jobs.enqueue("kind").id for _ in range(25)]
        for job_id in bad:
            spoil(jobs, client, f"JOB#{job_id}", "JOB")
        good = jobs.enqueue("kind", run_at=timedelta(seconds=1))
        clock = jobs.context.clock
        assert isinstance(clock, ManualClock)
        clock.advance(1)
        claimer = jobs.claimer("w1")
        assert [claim.id for claim in jobs.claims(claimer, "default")] == [good.id]
        assert sorted(claimer.corrupt) == sorted(bad)

    def test_a_job_that_was_mended_is_claimed(self, jobs: Jobs, client: Any) -> None:
        job = jobs.enqueue("kind")
        claimer = jobs.claimer("w1")
        spoil(jobs, client, f"JOB#{job.id}", "JOB")
        assert jobs.claims(claimer, "default") == []
        spoil(jobs, client, f"JOB#{job.id}", "JOB", state={"S": "available"})
        assert [claim.id for claim in jobs.claims(claimer, "default")] == [job.id]
        assert not claimer.corrupt

    def test_a_blocked_job_with_a_parent_that_does_not_fit_is_passed_over(
        self, jobs: Jobs, client: Any, clock: ManualClock
    ) -> None:
        parent = jobs.enqueue("kind", workflow="w", queue="other")
        child = jobs.enqueue("kind", workflow="w", parents=[parent])
        clock.advance(timedelta(hours=1))
        spoil(jobs, client, f"JOB#{parent.id}", "JOB")
        good = jobs.enqueue("kind")
        claimer = jobs.claimer("w1")
        assert [claim.id for claim in jobs.claims(claimer, "default")] == [good.id]
        assert list(claimer.corrupt) == [child.id]

    def test_the_end_of_a_parent_reaches_the_children_beside_one_that_does_not_fit(
        self, jobs: Jobs, client: Any
    ) -> None:
        parent = claimed(jobs, workflow="w")
        children = [jobs.enqueue("kind", workflow="w", parents=[parent.job]) for _ in range(3)]
        spoil(jobs, client, f"JOB#{children[1].id}", "JOB")
        assert parent.complete().state is JobState.SUCCEEDED
        assert [jobs.get(children[place].id).state for place in (0, 2)] == [JobState.AVAILABLE] * 2

    def test_a_limit_with_a_place_that_does_not_fit_stops_only_its_own_jobs(self, jobs: Jobs, client: Any) -> None:
        claimed(jobs, limit=("tape", 2))
        spoil(jobs, client, "LIMIT#tape", "SLOT#0000", number={"S": "none"})
        jobs.enqueue("kind", limit=("tape", 2))
        good = jobs.enqueue("kind")
        found = [claim.id for claim in jobs.claims(jobs.claimer("w1"), "default")]
        assert found == [good.id]


def spoil(jobs: Jobs, client: Any, partition: str, sort: str, **values: Any) -> None:
    """Give a stored item a state nobody knows, or these attributes."""
    for name, value in (values or {"state": {"S": "unheard of"}}).items():
        client.update_item(
            TableName=jobs.context.names[JOBS],
            Key={"PK": {"S": partition}, "SK": {"S": sort}},
            UpdateExpression="SET #a = :a",
            ConditionExpression="attribute_exists(PK)",
            ExpressionAttributeNames={"#a": name},
            ExpressionAttributeValues={":a": value},
        )


class TestClaimsInHand:
    """What goes wrong later takes no claim away that was made before."""

    def test_a_second_queue_that_cannot_be_read(self, jobs: Jobs, watched: tuple[Jobs, FaultyTransport]) -> None:
        racing, transport = watched
        first = jobs.enqueue("kind")
        jobs.enqueue("kind", queue="second")
        transport.plan("Query", *[passing] * 3, throttled)
        assert [claim.id for claim in racing.claims(racing.claimer("w1"), "default", "second", count=5)] == [first.id]

    def test_a_payload_that_cannot_be_read_nor_be_told_of(
        self, jobs: Jobs, watched: tuple[Jobs, FaultyTransport]
    ) -> None:
        racing, transport = watched
        first = jobs.enqueue("kind")
        second = jobs.enqueue("kind", LARGE)
        transport.plan("GetItem", passing, passing, passing, throttled)
        transport.plan(WRITE, passing, passing, throttled)
        assert [claim.id for claim in racing.claims(racing.claimer("w1"), "default", count=2)] == [first.id]
        assert jobs.get(second.id).state is JobState.RUNNING


class TestBlockedWithoutParents:
    """A job that waits for nobody and yet is blocked is looked at like any other."""

    def test_a_held_job_keeps_no_others_waiting(self, jobs: Jobs, clock: ManualClock) -> None:
        held = claimed(jobs, on_lease_lost="hold")
        clock.advance(timedelta(hours=1))
        assert jobs.claim("default", worker="w2") is None
        clock.advance(timedelta(hours=2))
        other = jobs.enqueue("kind")
        found = jobs.claim("default", worker="w2")
        assert found is not None
        assert found.id == other.id
        assert jobs.get(held.id).state is JobState.BLOCKED

    def test_a_child_whose_last_edge_is_gone_is_released(
        self, jobs: Jobs, watched: tuple[Jobs, FaultyTransport], clock: ManualClock
    ) -> None:
        racing, transport = watched
        parent = claimed(racing, workflow="w")
        child = jobs.enqueue("kind", workflow="w", parents=[parent.job])
        transport.plan(WRITE, passing, passing, throttled)
        with pytest.raises(ThrottledError):
            parent.complete()
        clock.advance(timedelta(hours=1))
        jobs.claims(jobs.claimer("w2"), "default")
        assert jobs.get(child.id).state is JobState.AVAILABLE


def test_a_job_that_is_there_is_given_back_though_its_parents_cannot_be_looked_at(
    watched: tuple[Jobs, FaultyTransport],
) -> None:
    jobs, transport = watched
    parent = claimed(jobs, workflow="w")
    parent.complete()
    transport.plan("Query", throttled)
    child = jobs.enqueue("kind", workflow="w", parents=[parent.job])
    assert jobs.get(child.id) == child


def test_a_limit_counts_all_jobs_of_its_key_also_where_they_say_another_number(jobs: Jobs) -> None:
    wide = [claimed(jobs, limit=("tape", 3)) for _ in range(2)]
    wide[0].complete()
    jobs.enqueue("kind", limit=("tape", 1))
    assert jobs.claim("default", worker="w2") is None
    wide[1].complete()
    clock = jobs.context.clock
    assert isinstance(clock, ManualClock)
    clock.advance(timedelta(minutes=1))
    assert jobs.claim("default", worker="w2") is not None
