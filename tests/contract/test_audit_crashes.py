"""Processes that append to one chain are killed, stopped and lied to: what they were told is so, and the chain is one.

AIRCRAFTOPS_AUDIT_PROCESSES and AIRCRAFTOPS_AUDIT_HARMS make the run larger: 16 and 100 is the full one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import pytest
from audit_crew import Writer, acknowledged, chain_of, contribute, finished, uncommitted, verified, violations
from job_crew import crew, until

from aircraftops_data import CoreTable
from aircraftops_data.audit.report import FindingKind
from aircraftops_data.model.schema import AUDIT_EVENTS, CORE

pytestmark = pytest.mark.parametrize("engine", [pytest.param("local-direct", marks=pytest.mark.slow)], indirect=True)

Connect = Callable[..., CoreTable]
PROCESSES = int(os.environ.get("AIRCRAFTOPS_AUDIT_PROCESSES", "6"))
HARMS = int(os.environ.get("AIRCRAFTOPS_AUDIT_HARMS", "8"))
# On two slow cores, where a process takes seconds to begin.
PATIENCE_SECONDS = 120.0 + 5 * PROCESSES + 3 * HARMS


@pytest.fixture
def core(connect: Connect) -> CoreTable:
    """The events, and a table for what the processes were told."""
    return connect(CORE, AUDIT_EVENTS)


@pytest.fixture
def shift(core: CoreTable, local_endpoint: str) -> Writer:
    """What processes are told."""
    return Writer(local_endpoint, core.context.names.prefix, "", lost_replies=0.02)


def workers(core: CoreTable) -> int:
    """How many processes have been told anything."""
    return len({line.worker for line in acknowledged(core)})


def test_what_was_acknowledged_is_in_the_chain_once_whatever_becomes_of_its_writers(
    core: CoreTable, shift: Writer
) -> None:
    with crew(shift, PROCESSES, contribute) as hired:
        until(lambda: workers(core) >= PROCESSES // 2, PATIENCE_SECONDS)
        for _ in range(HARMS):
            hired.harm()
        before = len(acknowledged(core))
        until(lambda: len(acknowledged(core)) > before + 2, PATIENCE_SECONDS)
    assert violations(core) == []
    left, told = uncommitted(core), acknowledged(core)
    finished(replace(shift, worker="last"), PATIENCE_SECONDS)
    assert violations(core) == []
    assert uncommitted(core) == []
    print(
        f"{PROCESSES} processes, {hired.killed} killed, {hired.stopped} stopped: {verified(core).blocks} blocks, "
        f"{len(chain_of(core))} events, {sum(len(line.receipts) for line in told)} receipts, {len(left)} left behind"
    )
    assert verified(core).counts == {FindingKind.OK: len(chain_of(core))}


@pytest.mark.parametrize("without", ["fence", "search"])
def test_the_same_run_without_what_keeps_it_one_shows_lost_or_doubled_events(
    core: CoreTable, shift: Writer, without: str
) -> None:
    with crew(replace(shift, without=without), PROCESSES, contribute) as hired:
        until(lambda: workers(core) >= 2, PATIENCE_SECONDS)
        until(lambda: hired.harm() or violations(core) != [], PATIENCE_SECONDS)  # type: ignore[func-returns-value]
    assert any("as told" in each or "blocks" in each for each in violations(core))
