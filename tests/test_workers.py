"""Both workers: what becomes of a job by what its handler does, how many run, and how a worker ends."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from aircraftops_data import CoreTable
from aircraftops_data.errors import (
    InvalidInputError,
)
from aircraftops_data.jobs import Hooks, JobState, Poll, Snooze
from aircraftops_data.model.schema import JOBS
from aircraftops_data.testing import ManualClock
from faults import lost_reply, passing, throttled
from workplace import SHORT, Workplace, raising, until

pytestmark = pytest.mark.parametrize("engine", ["moto"], indirect=True)
NEVER: Callable[[], bool] = lambda: False  # noqa: E731


@pytest.fixture(params=["threads", "tasks"])
def place(connect: Any, clock: ManualClock, request: pytest.FixtureRequest) -> Workplace:
    core: CoreTable = connect(JOBS, clock=clock)
    return Workplace(core, clock, request.param)


# What a handler comes to


def test_what_a_handler_returns_completes_the_job(place: Workplace) -> None:
    job = place.outcome(lambda claim: {"rows": claim.payload}, payload=3)
    assert job.state is JobState.SUCCEEDED
    assert place.jobs.result(job) == {"rows": 3}
    assert place.hooks.names == ["succeeded"]


def test_an_exception_fails_the_attempt(place: Workplace) -> None:
    job = place.jobs.enqueue("k", max_attempts=1)
    place.run(place.working(raising(ValueError("no"))))
    job = place.jobs.get(job.id)
    assert job.state is JobState.DEAD
    assert [(each.error, each.message) for each in job.failures] == [("ValueError", "no")]
    ((_, claim, error, seconds),) = [told for told in place.hooks.told if told[0] == "failed"]
    assert (claim.id, type(error), seconds >= 0) == (job.id, ValueError, True)


def test_snooze_puts_the_job_off_and_uses_no_attempt(place: Workplace) -> None:
    job = place.outcome(raising(Snooze(timedelta(hours=1))))
    assert (job.state, job.attempt) == (JobState.SCHEDULED, 0)
    assert job.due_at == place.clock.now() + timedelta(hours=1)
    assert place.hooks.names == ["snoozed"]


def test_a_kind_without_a_handler_fails_the_attempt(place: Workplace) -> None:
    job = place.jobs.enqueue("other", max_attempts=1)
    place.run(place.working(lambda claim: None))
    (failure,) = place.jobs.get(job.id).failures
    assert failure.error == "NoHandlerError"
    assert "'other'" in failure.message


def test_a_result_that_has_no_json_form_fails_the_attempt(place: Workplace) -> None:
    job = place.outcome(lambda claim: object(), max_attempts=1)
    assert (job.state, job.failures[-1].error) == (JobState.DEAD, "InvalidValueError")
    assert place.hooks.names == ["failed"]


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()], ids=["SystemExit", "KeyboardInterrupt"])
def test_a_handler_that_ends_the_process_releases_its_job(place: Workplace, error: BaseException) -> None:
    job = place.jobs.enqueue("k")
    with pytest.raises(type(error)):
        place.run(place.working(raising(error)), until_idle=False)
    job = place.jobs.get(job.id)
    assert (job.state, job.attempt) == (JobState.AVAILABLE, 0)
    assert place.hooks.names == ["released"]


@pytest.mark.parametrize(
    ("ending", "state", "hook"),
    [
        (lambda claim: claim.complete(), JobState.SUCCEEDED, "succeeded"),
        (lambda claim: claim.fail(ValueError(), timedelta(hours=1)), JobState.RETRYABLE, "failed"),
        (lambda claim: claim.snooze(timedelta(hours=1)), JobState.SCHEDULED, "snoozed"),
        (lambda claim: claim.stop(), JobState.CANCELLED, "cancelled"),
    ],
    ids=["complete", "fail", "snooze", "stop"],
)
def test_a_handler_may_end_its_job_itself(place: Workplace, ending: Any, state: JobState, hook: str) -> None:
    assert place.outcome(ending).state is state
    assert place.hooks.names == [hook]


def test_a_completion_in_a_transaction_is_told_to_the_children(place: Workplace) -> None:
    parent = place.jobs.enqueue("k", workflow="w")
    child = place.jobs.enqueue("child", workflow="w", parents=[parent], queue="later")

    def handler(claim: Any) -> Any:
        with place.jobs.core.transaction() as transaction:
            transaction.add(claim.completion({"done": True}))

    place.run(place.working(handler))
    assert place.jobs.result(place.jobs.get(parent.id)) == {"done": True}
    assert place.jobs.get(child.id).state is JobState.AVAILABLE
    assert place.hooks.names == ["succeeded"]


# What the engine does to an outcome


@pytest.mark.parametrize("fault", [throttled, lost_reply], ids=["throttled", "lost reply"])
def test_an_outcome_is_told_until_it_is_heard(place: Workplace, fault: Any) -> None:
    def handler(claim: Any) -> str:
        # As many as the write itself tries, and some more.
        place.transport.plan("TransactWriteItems", *[fault] * 12)
        return "done"

    job = place.outcome(handler)
    assert (job.state, place.jobs.result(job), job.fence) == (JobState.SUCCEEDED, "done", 1)
    assert place.hooks.names == ["succeeded"]


def test_an_outcome_that_is_never_heard_is_told_to_the_hooks_and_the_job_runs_again(place: Workplace) -> None:
    runs: list[int] = []

    def handler(claim: Any) -> None:
        runs.append(claim.token)
        place.transport.always("TransactWriteItems", throttled if claim.token == 1 else passing)

    job = place.jobs.enqueue("k")
    with place.at_work(place.working(handler)):
        until(lambda: "abandoned" in place.hooks.names)
        assert place.jobs.get(job.id).state is JobState.RUNNING
        place.transport.always("TransactWriteItems", passing)
        place.clock.advance(timedelta(minutes=2))
        until(lambda: place.jobs.get(job.id).state is JobState.SUCCEEDED)
    assert runs == [1, 2]


def test_failures_of_the_engine_while_looking_for_jobs_end_no_worker(place: Workplace) -> None:
    job = place.jobs.enqueue("k")
    place.transport.plan("Query", *[throttled] * 20)
    place.run(place.working(lambda claim: None))
    assert place.jobs.get(job.id).state is JobState.SUCCEEDED
    assert "poll_failed" in place.hooks.names


def test_a_hook_that_raises_harms_nobody(place: Workplace, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Hooks):
        def succeeded(self, claim: Any, seconds: float) -> None:
            raise RuntimeError("a hook's own")

    job = place.jobs.enqueue("k")
    place.run(place.working(lambda claim: None, hooks=Broken()))
    assert place.jobs.get(job.id).state is JobState.SUCCEEDED
    assert "a hook's own" in caplog.text


# How many, and until when


@pytest.mark.parametrize("concurrency", [1, 3])
def test_no_more_run_at_a_time_than_said(place: Workplace, concurrency: int) -> None:
    running: set[str] = set()
    most: list[int] = []

    def handler(claim: Any) -> Any:
        running.add(claim.id)
        most.append(len(running))
        if len(most) <= concurrency:
            yield lambda: len(most) >= concurrency
        yield lambda: True
        running.discard(claim.id)

    jobs = [place.jobs.enqueue("k") for _ in range(2 * concurrency)]
    place.run(place.working(handler, concurrency=concurrency))
    assert {place.jobs.get(job.id).state for job in jobs} == {JobState.SUCCEEDED}
    assert (max(most), len(most)) == (concurrency, 2 * concurrency)


def test_until_idle_waits_for_what_a_running_job_lets_go(place: Workplace) -> None:
    parent = place.jobs.enqueue("k", workflow="w")
    child = place.jobs.enqueue("k", workflow="w", parents=[parent])
    place.run(place.working(lambda claim: None, concurrency=4))
    assert place.jobs.get(child.id).state is JobState.SUCCEEDED


def test_stop_lets_what_runs_finish_and_claims_no_more(place: Workplace) -> None:
    jobs = [place.jobs.enqueue("k") for _ in range(2)]
    worker = place.working(lambda claim: worker.stop())
    place.run(worker, until_idle=False)
    states = {place.jobs.get(job.id).state for job in jobs}
    assert states == {JobState.SUCCEEDED, JobState.AVAILABLE}


def test_a_worker_that_rests_wakes_up_to_stop(place: Workplace) -> None:
    hour = Poll(timedelta(hours=1), timedelta(hours=1))
    with place.at_work(place.worker(poll=hour)):
        until(lambda: place.transport.operations.count("Query") >= 3)


def test_what_has_not_finished_within_the_grace_is_released(place: Workplace) -> None:
    job = place.jobs.enqueue("k")
    ended: list[str] = []

    def handler(claim: Any) -> Any:
        worker.stop()
        yield lambda: "released" in place.hooks.names
        ended.append(claim.id)

    worker = place.working(handler, grace=SHORT)
    place.run(worker, until_idle=False)
    job = place.jobs.get(job.id)
    assert (job.state, job.attempt) == (JobState.AVAILABLE, 0)
    assert place.hooks.names == ["released"]
    if place.kind == "threads":
        until(lambda: ended)
        assert place.jobs.get(job.id).state is JobState.AVAILABLE


def test_what_is_claimed_while_the_worker_stops_is_given_back(place: Workplace) -> None:
    def stopping(request: Any, send: Any) -> Any:
        worker.stop()
        return send(request)

    job = place.jobs.enqueue("k")
    worker = place.working(raising(AssertionError("it was to run no more")))
    place.transport.plan("TransactWriteItems", stopping)
    place.run(worker, until_idle=False)
    job = place.jobs.get(job.id)
    assert (job.state, job.attempt, job.fence) == (JobState.AVAILABLE, 0, 1)
    assert place.hooks.names == ["released"]


@pytest.mark.parametrize("place", ["tasks"], indirect=True)
def test_a_cancelled_run_releases_what_it_holds(place: Workplace) -> None:
    job = place.jobs.enqueue("k")

    async def main() -> None:
        task = asyncio.create_task(worker.run())
        while not running:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    running: list[str] = []

    def handler(claim: Any) -> Any:
        running.append(claim.id)
        yield NEVER

    worker = place.working(handler)
    asyncio.run(main())
    assert place.jobs.get(job.id).state is JobState.AVAILABLE


# What is claimed is never left without a holder


def test_a_queue_that_fails_keeps_no_claims_of_another_back(place: Workplace) -> None:
    job = place.jobs.enqueue("k", queue="first")
    worker = place.working(lambda claim: worker.stop(), queues=["first", "second"], concurrency=2)
    place.transport.plan("Query", *[passing] * 3, throttled)
    place.run(worker, until_idle=False)
    assert place.jobs.get(job.id).state is JobState.SUCCEEDED


def test_a_payload_that_cannot_be_had_keeps_no_claims_of_others_back(place: Workplace) -> None:
    jobs = [place.jobs.enqueue("k", "x" * size) for size in (1, 1000)]

    def no_body(request: Any, send: Any) -> Any:
        if "BODY" in str(request.parameters):
            place.transport.always("TransactWriteItems", throttled)
            return throttled(request, send)
        return send(request)

    def handler(claim: Any) -> None:
        place.transport.always("TransactWriteItems", passing)
        worker.stop()

    place.transport.always("GetItem", no_body)
    worker = place.working(handler, concurrency=2)
    place.run(worker, until_idle=False)
    assert [place.jobs.get(job.id).state for job in jobs] == [JobState.SUCCEEDED, JobState.RUNNING]


# What is asked of a worker


@pytest.mark.parametrize(
    "options", [{"queues": []}, {"queues": "ingest"}, {"concurrency": 0}, {"lease": timedelta()}], ids=str
)
def test_a_worker_without_work_is_refused(place: Workplace, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        place.worker(**options)


def test_a_kind_has_one_handler(place: Workplace) -> None:
    worker = place.working(lambda claim: None)
    with pytest.raises(InvalidInputError, match="'k'"):
        worker.handles("k")


def test_workers_name_themselves_so_that_no_two_share_a_name(place: Workplace) -> None:
    one, other = place.worker(), place.worker()
    assert re.fullmatch(rf".+-{os.getpid()}-[0-9a-f]{{8}}", one.id)
    assert one.id != other.id
    assert place.worker(worker_id="me").id == "me"


# Measures


class Measured(Hooks):
    """Keeps what was measured."""

    def __init__(self) -> None:
        self.known: list[tuple[str, timedelta, int]] = []

    def measured(self, queue: str, oldest_due_age: timedelta, depth: int) -> None:
        self.known.append((queue, oldest_due_age, depth))


def test_what_is_due_is_measured_while_the_worker_is_busy(place: Workplace) -> None:
    for _ in range(3):
        place.jobs.enqueue("k")
    hooks = Measured()

    due = ("default", timedelta(seconds=7), 2)

    def handler(claim: Any) -> Any:
        if due not in hooks.known:
            place.clock.advance(7)
        yield lambda: due in hooks.known

    place.run(place.working(handler, hooks=hooks, measure_every=SHORT))
    assert due in hooks.known


def test_nothing_is_measured_for_nobody(place: Workplace) -> None:
    place.jobs.enqueue("k")
    place.run(place.working(lambda claim: None, measure_every=timedelta.resolution, hooks=Hooks()))
    queries = [request for request in place.transport.sent if request.operation == "Query"]
    assert all(query.parameters["ConsistentRead"] for query in queries)
