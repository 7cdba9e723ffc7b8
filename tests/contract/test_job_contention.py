"""Several processes claim from one queue: each job is claimed once, and nobody hears of the others."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from time import sleep

import pytest
from job_crew import OPTIONS, QUEUE, Gate, Shift
from job_items import Items, assert_sound

from aircraftops_data import CoreTable
from aircraftops_data.clock import SystemClock
from aircraftops_data.jobs.jobs import LEASE, Jobs
from aircraftops_data.model.schema import CORE, JOBS
from forked import FORKED

pytestmark = pytest.mark.parametrize("engine", [pytest.param("local-direct", marks=pytest.mark.slow)], indirect=True)

Connect = Callable[..., CoreTable]
PROCESSES = 4
FEW = 30


def claim_all(shift: Shift, count: int) -> list[tuple[str, int]]:
    """Claim until nothing is due any more, all processes from the same moment on."""
    core = shift.core()
    jobs = Jobs(core, options=OPTIONS)
    claimer = jobs.claimer(shift.worker, LEASE)
    core.create(Gate(job_id=shift.worker))
    while sum(core.find(Gate, job_id=f"w{other}") is not None for other in range(PROCESSES)) < PROCESSES:
        sleep(0.01)
    found: list[tuple[str, int]] = []
    while any(ticket.due_at <= SystemClock().now() for ticket in jobs.waiting(QUEUE, "normal")):
        found += [(claim.id, claim.token) for claim in jobs.claims(claimer, QUEUE, count=count)]
    return found


@pytest.mark.parametrize("count", [1, 5])
def test_each_job_is_claimed_once(connect: Connect, local_endpoint: str, count: int) -> None:
    core = connect(CORE, JOBS)
    jobs = Jobs(core, options=OPTIONS)
    asked = sorted(jobs.enqueue("kind", queue=QUEUE).id for _ in range(FEW))
    shifts = [Shift(local_endpoint, core.context.names.prefix, f"w{who}") for who in range(PROCESSES)]
    with ProcessPoolExecutor(PROCESSES, mp_context=FORKED) as pool:
        claims = [claim for found in pool.map(claim_all, shifts, [count] * PROCESSES) for claim in found]
    assert sorted(claims) == [(job_id, 1) for job_id in asked]
    assert_sound(Items.of(core), SystemClock().now())
