"""What type checkers see of jobs: nothing here is run, `assert_type` is checked by mypy and pyright."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_type

from aircraftops_data import AircraftOps, AsyncAircraftOps
from aircraftops_data.core.intents import Check
from aircraftops_data.core.query import Query
from aircraftops_data.jobs import Claim, DeadJob, Enqueued, Job, Jobs, JobState, Kind, Queue
from aircraftops_data.jobs.aio import AsyncClaim, AsyncJobs
from aircraftops_data.jobs.enqueueing import Enqueue
from aircraftops_data.jobs.model import WorkflowStatus
from aircraftops_data.jobs.transition import Transition


def blocking(ops: AircraftOps) -> None:
    """Names and types of the blocking interface."""
    jobs = ops.jobs
    assert_type(jobs, Jobs)
    assert_type(jobs.register(Kind("a", payload=dict[str, int])), Kind)
    job = jobs.enqueue("a", {"n": 1}, queue="q", priority="high", run_at=timedelta(hours=1), limit=("k", 2))
    assert_type(job, Job)
    assert_type(job.state, JobState)
    assert_type(job.status, str)
    assert_type(jobs.enqueue_action("a", unique="k", unique_until="start"), Enqueue)
    claim = jobs.claim("q", worker="w")
    assert_type(claim, Claim | None)
    if claim is not None:
        assert_type(claim.token, int)
        assert_type(claim.heartbeat(), bool)
        assert_type(claim.fence(), Check)
        assert_type(claim.completion(), Transition)
        assert_type(claim.complete({"rows": 1}), Job)
        assert_type(claim.fail(ValueError()), Job)
    assert_type(jobs.workflow("w"), WorkflowStatus)
    assert_type(jobs.in_workflow("w"), Query[Job])
    assert_type(jobs.dead("q", job.due_at.date()) if job.due_at else None, Query[DeadJob] | None)
    assert_type(jobs.pause("q"), Queue)


async def with_asyncio(ops: AsyncAircraftOps) -> None:
    """The same with await."""
    assert_type(ops.jobs, AsyncJobs)
    assert_type(await ops.jobs.enqueue("a"), Job)
    assert_type(await ops.jobs.claim("q", worker="w"), AsyncClaim | None)
    assert_type(await ops.jobs.find("1"), Job | None)


def in_a_transaction(ops: AircraftOps) -> None:
    """An action leaves an `Enqueued`."""
    with ops.core.transaction() as tx:
        action = ops.jobs.enqueue_action("a")
        tx.add(action)
    assert_type(action.outcome(None), Enqueued)
