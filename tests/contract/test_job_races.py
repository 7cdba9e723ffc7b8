"""What others do, or the engine, while a job is on its way: nothing is lost, nothing happens twice, nothing is said
that is not so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from aircraftops_data import CoreTable
from aircraftops_data.errors import JobStateError
from aircraftops_data.jobs import Claim, JobState
from aircraftops_data.jobs.jobs import Jobs
from aircraftops_data.model.schema import JOBS
from aircraftops_data.testing import ManualClock
from faults import FaultyTransport, cancelled, faulty

pytestmark = pytest.mark.parametrize(
    "engine", [pytest.param("moto"), pytest.param("local", marks=pytest.mark.slow)], indirect=True
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
