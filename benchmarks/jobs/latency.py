"""How soon a job is claimed after it was asked for, at a rate that leaves the machine time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import perf_counter, sleep

from aircraftops_data.jobs import Jobs
from benchmarks.jobs.results import Latency

QUEUE = "latency"
CLAIMERS = 2


def measured(jobs: Jobs, per_second: int, pause: float, seconds: float) -> Latency:
    """One thread asks for jobs, two claim them; a job's payload is the instant it was asked for at."""
    over = Event()
    with ThreadPoolExecutor(CLAIMERS) as pool:
        running = [pool.submit(_claiming, jobs, pause, over) for _ in range(CLAIMERS)]
        _enqueuing(jobs, per_second, seconds)
        over.set()
        found = [waited for each in running for waited in each.result()]
    return Latency(per_second=per_second, pause=pause, seconds=sorted(found))


def _enqueuing(jobs: Jobs, per_second: int, seconds: float) -> None:
    start = perf_counter()
    for number in range(int(per_second * seconds)):
        sleep(max(0.0, start + number / per_second - perf_counter()))
        jobs.enqueue("check", perf_counter(), queue=QUEUE)


def _claiming(jobs: Jobs, pause: float, over: Event) -> list[float]:
    """Claim until there is nothing left once it is over; what each job waited, in seconds."""
    claimer, waited = jobs.claimer("a thread"), list[float]()
    while True:
        last = over.is_set()
        claims = jobs.claims(claimer, QUEUE)
        for claim in claims:
            waited.append(perf_counter() - claim.payload)
            claim.complete()
        if not claims:
            if last:
                return waited
            sleep(pause)
