"""Workers as processes on DynamoDB Local: what a signal does to them, and to the jobs they hold."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from aircraftops_data import AircraftOps
from aircraftops_data.jobs import Jobs, JobState
from aircraftops_data.testing import local_session
from workplace import until

pytestmark = pytest.mark.slow
PROGRAM = """
import sys, threading
from datetime import timedelta
from aircraftops_data import AircraftOps
from aircraftops_data.jobs import Worker

endpoint, prefix, grace = sys.argv[1:]
ops = AircraftOps.connect(endpoint_url=endpoint, prefix=prefix, transport="direct")
worker = Worker(ops.jobs, ["default"], concurrency=4, grace=timedelta(seconds=float(grace)))

@worker.handles("short")
def short(claim):
    claim.progress(1)
    while not worker._stopping:
        threading.Event().wait(0.01)
    return "finished"

@worker.handles("endless")
def endless(claim):
    claim.progress(1)
    threading.Event().wait()

worker.run()
print("ended", flush=True)
"""
ASYNC_PROGRAM = """
import asyncio, sys
from datetime import timedelta
from aircraftops_data import AsyncAircraftOps
from aircraftops_data.jobs.aio import AsyncWorker

endpoint, prefix, grace = sys.argv[1:]

async def main():
    async with AsyncAircraftOps.connect(endpoint_url=endpoint, prefix=prefix) as ops:
        worker = AsyncWorker(ops.jobs, ["default"], concurrency=4, grace=timedelta(seconds=float(grace)))

        @worker.handles("short")
        async def short(claim):
            await claim.progress(1)
            while not worker._stopping:
                await asyncio.sleep(0.01)
            return "finished"

        @worker.handles("endless")
        async def endless(claim):
            await claim.progress(1)
            await asyncio.Event().wait()

        await worker.run()
    print("ended", flush=True)

asyncio.run(main())
"""
PROGRAMS = {"threads": PROGRAM, "tasks": ASYNC_PROGRAM}
LONG, SHORT = "600", "0.3"
# Who looks all the time takes the processor from those that are to get on.
seen = partial(until, pause_seconds=0.05)


@pytest.fixture
def jobs(local_endpoint: str, fresh_names: str) -> Iterator[Jobs]:
    with AircraftOps.connect(session=local_session(), endpoint_url=local_endpoint, prefix=fresh_names) as ops:
        ops.create_tables()
        yield ops.jobs


@contextmanager
def process(kind: str, endpoint: str, prefix: str, grace: str) -> Iterator[subprocess.Popen[str]]:
    """A worker in a process of its own."""
    credentials = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": "us-east-1"}
    source = str(Path(__file__).parents[1] / "src")
    started = subprocess.Popen(
        [sys.executable, "-c", PROGRAMS[kind], endpoint, prefix, grace],
        env={**os.environ, **credentials, "PYTHONPATH": source},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


def runs(jobs: Jobs, *ids: str) -> bool:
    """Whether the handlers of all of these jobs run."""
    return all(jobs.get(job_id).progress is not None for job_id in ids)


@pytest.mark.parametrize("kind", sorted(PROGRAMS))
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_lets_jobs_finish_and_releases_those_that_do_not(
    jobs: Jobs, local_endpoint: str, fresh_names: str, kind: str, number: signal.Signals
) -> None:
    short, endless = jobs.enqueue("short"), jobs.enqueue("endless")
    with process(kind, local_endpoint, fresh_names, SHORT) as worker:
        seen(lambda: runs(jobs, short.id, endless.id))
        worker.send_signal(number)
        said, _ = worker.communicate(timeout=30)
        assert (said, worker.returncode) == ("ended\n", 0)
    assert jobs.result(jobs.get(short.id)) == "finished"
    released = jobs.get(endless.id)
    assert (released.state, released.attempt, released.lease_losses) == (JobState.AVAILABLE, 0, 0)


@pytest.mark.parametrize("kind", sorted(PROGRAMS))
def test_a_second_signal_waits_for_nobody(jobs: Jobs, local_endpoint: str, fresh_names: str, kind: str) -> None:
    endless, short = jobs.enqueue("endless"), jobs.enqueue("short")
    with process(kind, local_endpoint, fresh_names, LONG) as worker:
        seen(lambda: runs(jobs, endless.id, short.id))
        worker.send_signal(signal.SIGTERM)
        seen(lambda: jobs.get(short.id).state is JobState.SUCCEEDED)
        assert worker.poll() is None
        worker.send_signal(signal.SIGTERM)
        said, _ = worker.communicate(timeout=30)
        assert (said, worker.returncode) == ("ended\n", 0)
    assert jobs.get(endless.id).state is JobState.AVAILABLE


@pytest.mark.parametrize("kind", sorted(PROGRAMS))
def test_several_workers_run_each_job_once(jobs: Jobs, local_endpoint: str, fresh_names: str, kind: str) -> None:
    asked = [jobs.enqueue("short") for _ in range(20)]
    with (
        process(kind, local_endpoint, fresh_names, LONG) as one,
        process(kind, local_endpoint, fresh_names, LONG) as other,
    ):
        seen(lambda: sum(runs(jobs, job.id) for job in asked) == 8)
        for worker in (one, other):
            worker.send_signal(signal.SIGTERM)
        for worker in (one, other):
            assert worker.communicate(timeout=30)[0] == "ended\n"
    found = [jobs.get(job.id) for job in asked]
    assert sum(job.state is JobState.SUCCEEDED for job in found) >= 8
    assert all(job.attempt == (job.state is JobState.SUCCEEDED) for job in found)
    assert {job.worker for job in found if job.state is JobState.SUCCEEDED} != {None}
