"""The worker of a run."""

from __future__ import annotations

from datetime import timedelta

from aircraftops_data.jobs import Worker
from ingestion.work import QUEUE, Ingestion

# Every batch renews the lease, and a batch takes well under a second; so this is how long a killed worker keeps others.
LEASE = timedelta(seconds=10)
PAUSE_SECONDS = 0.1


def work(ingestion: Ingestion, *, concurrency: int = 4, lease: timedelta = LEASE) -> None:
    """Run the jobs of a run until all of them have ended."""
    jobs = ingestion.jobs
    worker = Worker(jobs, queues=[QUEUE], concurrency=concurrency, lease=lease)
    for kind, handler in ingestion.handlers.items():
        worker.handles(kind)(handler)
    worker.run(until_idle=True)
    while jobs.workflow(ingestion.run).live:
        # Another worker is at the rest, or was until it was killed: then its leases run out.
        jobs.context.clock.sleep(PAUSE_SECONDS)
        worker.run(until_idle=True)
