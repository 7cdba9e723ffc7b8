"""Real workers of the ingestion example are killed, one after another, and the end is the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from itertools import cycle
from pathlib import Path

import pytest

from aircraftops_data import AircraftOps
from aircraftops_data.testing import local_session
from ingesting import EXAMPLES, few_lines, small_steps, state

TESTS = Path(__file__).parent
# Where each worker is killed. Its first write asks for the run again, its second claims a job. So that is: with a batch
# committed and not told, with two batches done and a third about to be sent, with a second batch committed.
STAGES = (("after", 3), ("before", 5), ("after", 4))


def connected(endpoint_url: str, prefix: str) -> AircraftOps:
    """Tables of their own on the engine."""
    ops = AircraftOps.connect(session=local_session(), endpoint_url=endpoint_url, prefix=prefix)
    ops.create_tables()
    return ops


def worker(endpoint_url: str, prefix: str, folder: Path, when: str, number: int) -> int:
    """Let a worker run until it is done or killed; its exit code."""
    paths = [str(TESTS.parent / "src"), str(EXAMPLES), str(TESTS), *sys.path]
    command = [sys.executable, str(TESTS / "ingestion_worker.py"), endpoint_url, prefix, str(folder), when, str(number)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


@pytest.mark.slow
def test_workers_killed_at_every_stage_come_to_the_end_of_one_that_was_not(
    local_endpoint: str, fresh_names: str, tmp_path: Path
) -> None:
    folder = few_lines(tmp_path, "faa_register.csv", "openflights_airlines.dat")
    whole, killed = (connected(local_endpoint, f"{fresh_names}{name}-") for name in ("whole", "killed"))
    assert worker(local_endpoint, f"{fresh_names}whole-", tmp_path, "before", 0) == 0
    kills = 0
    for when, number in cycle(STAGES):
        if worker(local_endpoint, f"{fresh_names}killed-", tmp_path, when, number) == 0:
            break
        kills += 1
    report = small_steps(killed, folder).result()
    assert kills >= 10
    assert report is not None
    assert report.balanced
    assert report == small_steps(whole, folder).result()
    assert state(killed) == state(whole)
    assert sum(job.lease_losses for job in killed.jobs.in_workflow(folder.run)) > 0
