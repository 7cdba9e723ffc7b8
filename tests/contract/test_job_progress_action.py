"""Progress as an action of a transaction: it and what the job wrote are both there, or neither."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from job_cases import LEASE, claimed

from aircraftops_data.errors import ConditionFailedError, InvalidValueError, NotFoundError, TransactionConflictError
from aircraftops_data.jobs.model import Progress, Queue
from aircraftops_data.testing import ManualClock


def write_with_progress(jobs: Any, claim: Any, done: int) -> None:
    """A batch of one item, and how far the job has come with it."""
    with jobs.core.transaction() as tx:
        tx.put(Queue(name=f"written-{done}"))
        tx.add(claim.progress_action(done, 9, "halfway"))


def test_what_a_job_wrote_and_its_progress_are_one_and_the_lease_is_renewed(jobs: Any, clock: ManualClock) -> None:
    job = jobs.enqueue("count")
    claim = claimed(jobs)
    clock.advance(LEASE / 2)
    write_with_progress(jobs, claim, 5)
    found = jobs.get(job.id)
    assert found.progress == Progress(done=5, total=9, message="halfway")
    assert found.lease_until == clock.now() + LEASE
    assert jobs.core.get(Queue, name="written-5")


def test_the_next_claim_finds_it_and_the_late_one_writes_nothing(jobs: Any, clock: ManualClock) -> None:
    jobs.enqueue("count")
    late = claimed(jobs)
    write_with_progress(jobs, late, 5)
    clock.advance(LEASE + timedelta(minutes=1))
    assert claimed(jobs, worker="other").job.progress.done == 5
    with pytest.raises(TransactionConflictError) as refused:
        write_with_progress(jobs, late, 6)
    assert isinstance(refused.value.reasons[1], ConditionFailedError)
    with pytest.raises(NotFoundError):
        jobs.core.get(Queue, name="written-6")


def test_a_completion_afterwards_keeps_it(jobs: Any) -> None:
    job = jobs.enqueue("count")
    claim = claimed(jobs)
    write_with_progress(jobs, claim, 9)
    claim.progress(9, 9)
    claim.complete()
    assert jobs.get(job.id).progress == Progress(done=9, total=9)


def test_progress_that_cannot_be_is_refused_before_anything_is_sent(jobs: Any) -> None:
    jobs.enqueue("count")
    with pytest.raises(InvalidValueError):
        claimed(jobs).progress_action(-1)
