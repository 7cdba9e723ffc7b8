"""A worker of the ingestion example that is killed at a given write.

`python ingestion_worker.py ENDPOINT PREFIX FOLDER WHEN N`: WHEN is `before` or `after`, before the N-th transaction is
sent or after the engine has committed it; N of 0 kills never. The process kills itself without a word (SIGKILL), so
that nothing can be put in order at the end.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import timedelta
from itertools import count
from pathlib import Path

from aircraftops_data import AircraftOps
from aircraftops_data.jobs import JobOptions, Jobs
from aircraftops_data.request import Request, Response
from aircraftops_data.testing import local_session
from faults import Fault, Send, faulty, passing
from ingesting import all_of, small_steps
from ingestion.running import work

# Short, for each kill costs the next worker the rest of a lease, or has it wait for a job that nobody told to begin.
LEASE = timedelta(seconds=1)
OPTIONS = JobOptions(margin=timedelta(milliseconds=100), recheck=timedelta(seconds=1))


def killing(when: str, number: int) -> Fault:
    """No process is left from this write on."""
    numbers = count(1)

    def fault(request: Request, send: Send) -> Response:
        if next(numbers) != number:
            return send(request)
        if when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            return send(request)
        finally:
            os.kill(os.getpid(), signal.SIGKILL)

    return fault


def main(endpoint_url: str, prefix: str, folder: str, when: str, number: str) -> None:
    """Work on the run until it is done, or until killed."""
    connected = AircraftOps.connect(
        session=local_session(), endpoint_url=endpoint_url, prefix=prefix, transport="direct"
    )
    core, transport = faulty(connected.core)
    transport.always("TransactWriteItems", killing(when, int(number)) if number != "0" else passing)
    ops = AircraftOps(core)
    ingestion = small_steps(ops, all_of(Path(folder)), Jobs(core, options=OPTIONS))
    ingestion.start()
    work(ingestion, concurrency=1, lease=LEASE)


if __name__ == "__main__":
    main(*sys.argv[1:])
