"""Both workers keep the leases of what they run, and stop what lost its lease or is to be cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from aircraftops_data import CoreTable
from aircraftops_data.errors import CancelRequestedError, LeaseLostError
from aircraftops_data.jobs import Claim, JobState
from aircraftops_data.model.schema import JOBS
from aircraftops_data.testing import ManualClock
from faults import passing, throttled
from workplace import SHORT, Workplace, raising

pytestmark = pytest.mark.parametrize("engine", ["moto"], indirect=True)


@pytest.fixture(params=["threads", "tasks"])
def place(connect: Any, clock: ManualClock, request: pytest.FixtureRequest) -> Workplace:
    core: CoreTable = connect(JOBS, clock=clock)
    return Workplace(core, clock, request.param)


def test_heartbeats_keep_the_lease_of_a_long_job(place: Workplace) -> None:
    job = place.jobs.enqueue("k")

    def handler(claim: Any) -> Any:
        for _ in range(3):
            place.clock.advance(SHORT / 2)
            renewed = place.clock.now() + SHORT
            yield lambda renewed=renewed: claim.job.lease_until == renewed
            assert place.jobs.get(job.id).lease_until == renewed
        claim.check()

    place.run(place.working(handler, lease=SHORT))
    job = place.jobs.get(job.id)
    assert (job.state, job.attempt, job.lease_losses) == (JobState.SUCCEEDED, 1, 0)


def test_a_heartbeat_that_failed_is_tried_again_while_the_lease_lasts(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The lease is short: waits between tries take no time.
    monkeypatch.setattr(place.clock, "sleep", lambda seconds: None)
    job = place.jobs.enqueue("k")

    def handler(claim: Any) -> Any:
        place.transport.always("UpdateItem", throttled)
        yield lambda: place.hooks.names.count("heartbeat_failed") > 1
        place.transport.always("UpdateItem", passing)
        place.clock.advance(SHORT / 2)
        yield lambda: claim.job.lease_until >= place.clock.now() + SHORT

    place.run(place.working(handler, lease=SHORT))
    assert place.jobs.get(job.id).state is JobState.SUCCEEDED


def taken_over(place: Workplace, lease: timedelta = SHORT) -> Claim:
    """Another worker has the job, its lease having run out."""
    place.clock.advance(lease + place.jobs.options.margin)
    claim = place.jobs.claim("default", worker="another", lease=timedelta(hours=1))
    assert claim is not None
    return claim


def checking(claim: Any) -> Callable[[], bool]:
    """Never holds, and asks the claim each time."""

    def check() -> bool:
        claim.check()
        return False

    return check


@pytest.mark.parametrize("lease", [SHORT, timedelta(hours=1)], ids=["by heartbeat", "by the clock"])
def test_a_holder_that_lost_its_lease_writes_nothing_more(place: Workplace, lease: timedelta) -> None:
    job = place.jobs.enqueue("k")
    others: list[Claim] = []

    def handler(claim: Any) -> Any:
        others.append(taken_over(place, lease))
        yield checking(claim)

    place.run(place.working(handler, lease=lease))
    job = place.jobs.get(job.id)
    assert (job.state, job.worker, job.fence) == (JobState.RUNNING, "another", others[0].token)
    assert place.hooks.names == ["lost_lease"]


def test_a_holder_that_knows_nothing_of_its_loss_completes_nothing(place: Workplace) -> None:
    job = place.jobs.enqueue("k")
    place.run(place.working(lambda claim: taken_over(place, timedelta(hours=1)).id, lease=timedelta(hours=1)))
    assert place.jobs.get(job.id).state is JobState.RUNNING
    assert place.hooks.names == ["lost_lease"]


def test_a_holder_whose_lease_ran_out_unclaimed_may_still_complete(place: Workplace) -> None:
    job = place.jobs.enqueue("k")
    place.run(place.working(lambda claim: place.clock.advance(SHORT), lease=SHORT))
    assert place.jobs.get(job.id).state is JobState.SUCCEEDED
    assert place.hooks.names == ["succeeded"]


def test_a_job_deleted_by_hand_is_lost_to_its_holder(place: Workplace) -> None:
    job = place.jobs.enqueue("k")

    def handler(claim: Any) -> Any:
        place.jobs.core.delete(place.jobs.get(job.id))
        yield checking(claim)

    place.run(place.working(handler, lease=SHORT))
    assert place.hooks.names == ["lost_lease"]


def test_a_running_job_is_cancelled_by_the_next_heartbeat(place: Workplace) -> None:
    job = place.jobs.enqueue("k")

    def handler(claim: Any) -> Any:
        place.jobs.cancel(job.id)
        yield checking(claim)

    place.run(place.working(handler, lease=SHORT))
    assert place.jobs.get(job.id).state is JobState.CANCELLED
    assert place.hooks.names == ["cancelled"]


@pytest.mark.parametrize("place", ["tasks"], indirect=True)
def test_the_task_of_a_cancelled_job_is_cancelled_once_and_may_clean_up(place: Workplace) -> None:
    job = place.jobs.enqueue("k")
    cleaned: list[str] = []
    worker = place.worker(lease=SHORT)

    @worker.handles("k")
    async def handler(claim: Any) -> None:
        place.jobs.cancel(job.id)
        try:
            await asyncio.Event().wait()
        finally:
            # Longer than until the next heartbeat.
            await asyncio.sleep(SHORT.total_seconds())
            cleaned.append(claim.id)

    place.run(worker)
    assert cleaned == [job.id]
    assert place.jobs.get(job.id).state is JobState.CANCELLED


@pytest.mark.parametrize("place", ["tasks"], indirect=True)
def test_a_task_that_others_cancelled_has_failed(place: Workplace) -> None:
    job = place.outcome(raising(asyncio.CancelledError()), max_attempts=1)
    assert (job.state, job.failures[-1].error) == (JobState.DEAD, "Interrupted")


def test_a_cancelled_job_that_completes_all_the_same_has_succeeded(place: Workplace) -> None:
    job = place.jobs.enqueue("k")
    place.run(place.working(lambda claim: place.jobs.cancel(job.id).id))
    assert place.jobs.get(job.id).state is JobState.SUCCEEDED


def test_the_refusals_of_another_jobs_claim_are_failures_like_any(place: Workplace) -> None:
    lost = LeaseLostError("of another", job_id="another", state="running", token=1)
    asked = CancelRequestedError("of another", job_id="another", state="running")
    for error in (lost, asked):
        assert place.outcome(raising(error), max_attempts=1).state is JobState.DEAD
    assert place.hooks.names == ["failed", "failed"]
