"""Processes that hold a lock are killed, stopped and lied to: what they write under its fence never goes back.

AIRCRAFTOPS_LOCK_PROCESSES and AIRCRAFTOPS_LOCK_HARMS make the run larger: 50 and 100 is the full one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from job_crew import Gate, Latest, Shift, go_on, started, stop, until, violations
from lock_crew import LEASE, LOST, NAME, OPTIONS, PATIENCE, append, contenders, journal, patience, stand

from aircraftops_data import CoreTable
from aircraftops_data.coordination import Locks
from aircraftops_data.model.schema import CORE, JOBS

pytestmark = pytest.mark.parametrize("engine", [pytest.param("local-direct", marks=pytest.mark.slow)], indirect=True)

Connect = Callable[..., CoreTable]
PROCESSES = int(os.environ.get("AIRCRAFTOPS_LOCK_PROCESSES", "6"))
HARMS = int(os.environ.get("AIRCRAFTOPS_LOCK_HARMS", "15"))
# On two slow cores, where a process takes seconds to begin.
PATIENCE_SECONDS = 120.0 + 5 * PROCESSES + 3 * HARMS


@pytest.fixture
def core(connect: Connect) -> CoreTable:
    """Both tables, and an empty journal."""
    core = connect(CORE, JOBS)
    core.create(Latest(job_id=NAME))
    return core


@pytest.fixture
def locks(core: CoreTable) -> Locks:
    """Locks as the test itself asks for them."""
    return Locks(core, options=OPTIONS)


@pytest.fixture
def shift(core: CoreTable, local_endpoint: str) -> Shift:
    """What processes are told."""
    return Shift(local_endpoint, core.context.names.prefix, "", lost_replies=0.02)


def test_the_register_never_goes_back_whatever_becomes_of_its_writers(
    core: CoreTable, locks: Locks, shift: Shift
) -> None:
    with contenders(shift, PROCESSES) as crew:
        until(lambda: len(journal(core)) > PROCESSES, PATIENCE_SECONDS)
        for _ in range(HARMS):
            crew.harm(locks)
        written = len(journal(core))
        until(lambda: len(journal(core)) > written + 2, PATIENCE_SECONDS)
    lines = journal(core)
    assert violations(lines) == []
    assert core.get(Latest, job_id=NAME, consistent=True).token == lines[-1].token
    assert len({line.worker for line in lines}) > 2
    print(
        f"{PROCESSES} processes, {crew.killed} killed, {crew.stopped} stopped: {len(lines)} lines, "
        f"{lines[-1].token} acquisitions, {sum(_late(lines))} holders never wrote their second"
    )


def _late(lines: list[Any]) -> list[bool]:
    done = {line.token for line in lines if line.what == "did"}
    return [line.token not in done for line in lines if line.what == "began"]


def test_the_same_run_without_fences_shows_late_holders_writing(core: CoreTable, locks: Locks, shift: Shift) -> None:
    with contenders(replace(shift, fenced=False), PROCESSES) as crew:
        until(lambda: journal(core) != [], PATIENCE_SECONDS)
        for _ in patience(PATIENCE_SECONDS):
            crew.harm(locks)
            if violations(journal(core)):
                return


@pytest.mark.parametrize("fenced", [True, False], ids=["fenced", "not fenced"])
def test_a_holder_that_stood_still_past_its_lease_writes_only_where_there_is_no_fence(
    core: CoreTable, locks: Locks, shift: Shift, fenced: bool
) -> None:
    told = replace(shift, worker="late", fenced=fenced, lost_replies=0.0)
    late = started(stand, told)
    try:
        until(lambda: journal(core) != [], PATIENCE_SECONDS)
        stop(late)
        with locks.hold(NAME, lease=LEASE, wait=PATIENCE) as lock:
            append(core, lock, "began", told)
        core.create(Gate(job_id=NAME))
        go_on(late)
        late.join(PATIENCE_SECONDS)
    finally:
        late.kill()
    assert late.exitcode == LOST
    found = ["token 1 wrote 'did' after token 2"]
    assert violations(journal(core)) == ([] if fenced else found)
