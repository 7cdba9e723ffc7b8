"""Workers are killed, stopped and lied to in the middle of their jobs: each job ends once, and no late holder writes.

AIRCRAFTOPS_CRASH_JOBS and AIRCRAFTOPS_CRASH_WORKERS make the run longer: 10000 and 8 is the full one.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
from job_crew import (
    OPTIONS,
    QUEUE,
    Crew,
    Gate,
    Latest,
    Shift,
    Task,
    crew,
    go_on,
    journals,
    stop,
    until,
    violations,
)
from job_items import Items, assert_sound

from aircraftops_data import CoreTable
from aircraftops_data.clock import SystemClock
from aircraftops_data.jobs import JobState, LeaseLoss
from aircraftops_data.jobs.jobs import Jobs
from aircraftops_data.model.schema import CORE, JOBS

pytestmark = pytest.mark.parametrize("engine", [pytest.param("local-direct", marks=pytest.mark.slow)], indirect=True)

Connect = Callable[..., CoreTable]
JOB_COUNT = int(os.environ.get("AIRCRAFTOPS_CRASH_JOBS", "150"))
WORKERS = int(os.environ.get("AIRCRAFTOPS_CRASH_WORKERS", "3"))
START_UP = timedelta(seconds=1)
# On two slow cores; a run that still goes on then does not end.
PATIENCE_SECONDS = 200.0 + JOB_COUNT
# About what they can do: of a backlog the older jobs would come first, and lost ones be looked at last of all.
PACE = timedelta(seconds=0.24) / WORKERS
WORKFLOW = "crash"


@pytest.fixture
def core(connect: Connect) -> CoreTable:
    """Both tables, under the machine's own clock."""
    return connect(CORE, JOBS)


@pytest.fixture
def jobs(core: CoreTable) -> Jobs:
    """Jobs as the test itself asks for them."""
    return Jobs(core, options=OPTIONS)


@pytest.fixture
def shift(core: CoreTable, local_endpoint: str) -> Shift:
    """What workers are told."""
    return Shift(local_endpoint, core.context.names.prefix, "")


def ask(jobs: Jobs, task: Task, **how: Any) -> str:
    """A job and its journal, in one transaction."""
    action = jobs.enqueue_action("crash", asdict(task), queue=QUEUE, workflow=WORKFLOW, **how)
    with jobs.core.transaction() as tx:
        tx.add(action)
        tx.create(Latest(job_id=action.job_id))
    return action.job_id


def asked(number: int) -> tuple[Task, dict[str, Any]]:
    """Jobs of several kinds, in turn."""
    task = Task(errs=2 if number % 7 == 0 else 0, together=number % 2 == 0)
    how: dict[str, Any] = {"max_attempts": 1000, "priority": ("high", "normal", "low")[number % 3]}
    how |= {"run_at": START_UP + number * PACE}
    if number % 10 == 1:
        how |= {"on_lease_lost": "fail"}
    if number % 10 == 2:
        how |= {"limit": (f"tape {number % 3}", 2)}
    if number % 10 == 3:
        how |= {"max_attempts": 3}
    return task, how


def test_each_job_ends_once_whatever_becomes_of_its_workers(core: CoreTable, jobs: Jobs, shift: Shift) -> None:
    began = monotonic()
    workers = harm(jobs, shift, until=lambda: not jobs.workflow(WORKFLOW).live)
    _assert_all_ended_once(core)
    _tell(core, workers, monotonic() - began)


def test_the_same_run_without_fences_shows_late_holders_writing(core: CoreTable, jobs: Jobs, shift: Shift) -> None:
    harm(jobs, replace(shift, fenced=False), until=lambda: _late_writers(core) != [], again=True)


def harm(jobs: Jobs, shift: Shift, until: Callable[[], bool], *, again: bool = False) -> Crew:
    """Have jobs done by workers to whom one thing after another happens, until something holds; `again` if it takes."""
    began = monotonic()
    ask_all(jobs)
    with crew(replace(shift, lost_replies=0.02), WORKERS) as workers:
        while not until():
            assert monotonic() - began < PATIENCE_SECONDS
            if again and not jobs.workflow(WORKFLOW).live:
                ask_all(jobs)
            workers.harm()
    return workers


def ask_all(jobs: Jobs) -> None:
    """As many jobs as a run has."""
    for number in range(JOB_COUNT):
        task, how = asked(number)
        ask(jobs, task, **how)


def _late_writers(core: CoreTable) -> list[str]:
    return [found for lines in journals(core).values() for found in violations(lines)]


def _assert_all_ended_once(core: CoreTable) -> None:
    items = Items.of(core)
    assert_sound(items, SystemClock().now())
    assert len(items.jobs) == JOB_COUNT
    lines = journals(core)
    for job in items.jobs.values():
        written = lines.get(job.id, [])
        assert violations(written) == []
        assert not written or written[-1].token <= job.fence
        assert sum(line.what == "completed" for line in written) == (job.state is JobState.SUCCEEDED) * _together(job)
        if job.state is not JobState.SUCCEEDED:
            assert job.state is JobState.DEAD
            assert job.on_lease_lost is LeaseLoss.FAIL or job.attempt >= job.max_attempts


def _together(job: Any) -> bool:
    return '"together":true' in job.payload


def _tell(core: CoreTable, workers: Crew, seconds: float) -> None:
    """The figures of the run, for `pytest -s`."""
    jobs = Items.of(core).jobs.values()
    states = Counter(str(job.state) for job in jobs)
    claims, losses = sum(job.fence for job in jobs), sum(job.lease_losses for job in jobs)
    print(
        f"\n{JOB_COUNT} jobs, {WORKERS} workers, {seconds:.0f} s: {dict(states)}, {claims} claims, {losses} leases lost"
    )
    print(f"{workers.killed} workers killed, {workers.stopped} stopped and let go on")


def late_holder(core: CoreTable, jobs: Jobs, shift: Shift) -> list[str]:
    """One worker is stopped in the middle of a job until another has it, and then goes on: what the journal shows."""
    job_id = ask(jobs, Task(waits=True, together=True), max_attempts=1000)
    with crew(shift, 1) as first:
        until(lambda: len(journals(core).get(job_id, ())) == 1, 60)
        (process,) = first.processes
        stop(process)
        with crew(shift, 1) as second:
            until(lambda: len(journals(core)[job_id]) == 2, 60)
            core.create(Gate(job_id=job_id))
            go_on(process)
            for each in (process, *second.processes):
                each.join(60)
                assert each.exitcode == 0
    return violations(journals(core)[job_id])


def test_a_holder_that_was_stopped_past_its_lease_can_write_nothing(core: CoreTable, jobs: Jobs, shift: Shift) -> None:
    assert late_holder(core, jobs, shift) == []


def test_without_fences_the_same_holder_writes_and_the_journal_shows_it(
    core: CoreTable, jobs: Jobs, shift: Shift
) -> None:
    assert late_holder(core, jobs, replace(shift, fenced=False))
