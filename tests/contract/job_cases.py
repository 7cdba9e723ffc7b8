"""What tests of jobs share: the invariants of the table, and shorthand for a worker's moves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from aircraftops_data.core.reading import is_current
from aircraftops_data.jobs import Job, Ticket
from aircraftops_data.jobs.model import DeadJob, Reservation, Slot, companions

LEASE = timedelta(minutes=1)
KINDS = (Ticket, Reservation, Slot, DeadJob)


def claimed(jobs: Any, queue: str = "default", worker: str = "w", lease: timedelta = LEASE) -> Any:
    """A claim that is to be had."""
    claim = jobs.claim(queue, worker=worker, lease=lease)
    assert claim is not None
    return claim


def assert_table_is_consistent(jobs: Any) -> None:
    """Beside each job stand exactly the items its state wants; live jobs have a ticket and no expiry, ended none."""
    core, now = jobs.core, jobs.context.clock.now()
    every = core.scan(Job).all()
    wanted = {_told(item) for job in every for item in companions(job) if is_current(item, now)}
    found = {_told(item) for kind in KINDS for item in core.scan(kind).all()}
    assert found == wanted
    for job in every:
        assert (job.due_at is not None) == job.state.live
        assert (job.expires_at is None) == job.state.live
        assert (job.slot is None) or job.state == "running"


def _told(item: Any) -> tuple[str, str, Any]:
    return type(item).__name__, repr(sorted(item.identity().items(), key=str)), getattr(item, "job_id", None)
