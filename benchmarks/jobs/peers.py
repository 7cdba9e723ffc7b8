"""For context: a job library that needs no server, on SQLite with every commit on the disk."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from benchmarks.jobs.results import Peer


def huey(jobs: int) -> Peer | None:
    """So many jobs asked for, then taken and executed one by one, in one thread; None where it is not installed."""
    try:
        from huey import SqliteHuey
    except ImportError:
        return None
    with TemporaryDirectory() as folder:
        queue: Any = SqliteHuey(filename=str(Path(folder) / "jobs.db"), fsync=True)
        check = queue.task()(_check)
        start = perf_counter()
        for _ in range(jobs):
            check({"airframe": "N172AB", "check": "A"})
        asked = perf_counter()
        for _ in range(jobs):
            queue.execute(queue.dequeue())
        done = perf_counter()
    return Peer(name="huey on SQLite", enqueued=jobs / (asked - start), completed=jobs / (done - asked))


def _check(_: Any) -> dict[str, int]:
    return {"checked": 12}
