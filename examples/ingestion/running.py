"""The workers of a run."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

from aircraftops_data.errors import LeaseLostError
from aircraftops_data.jobs import Claim
from aircraftops_data.jobs.claiming import Claimer
from ingestion.work import QUEUE, Ingestion

# Every batch renews the lease, and a batch takes well under a second; so this is how long a killed worker keeps others.
LEASE = timedelta(seconds=10)
PAUSE_SECONDS = 0.1


def work(ingestion: Ingestion, *, concurrency: int = 4, lease: timedelta = LEASE) -> None:
    """Run the jobs of a run until all of them have ended."""
    jobs = ingestion.jobs
    claimers = [jobs.claimer(f"{jobs.context.chance.identifier()}", lease) for _ in range(concurrency)]
    with ThreadPoolExecutor(concurrency) as threads:
        list(threads.map(lambda claimer: _work(ingestion, claimer), claimers))


def _work(ingestion: Ingestion, claimer: Claimer) -> None:
    jobs = ingestion.jobs
    while jobs.workflow(ingestion.run).live:
        claims = jobs.claims(claimer, QUEUE)
        for claim in claims:
            _run(ingestion, claim)
        if not claims:
            jobs.context.clock.sleep(PAUSE_SECONDS)


def _run(ingestion: Ingestion, claim: Claim) -> None:
    # A claim whose lease was lost can do no more; another worker has the job.
    with suppress(LeaseLostError):
        try:
            result = ingestion.handlers[claim.job.kind](claim)
        except Exception as error:  # noqa: BLE001  whatever a handler raises is that attempt's failure
            claim.fail(error)
        else:
            claim.complete(result)
