"""Ready-made changes of a thousand and of ten thousand items: how many a second, in how much memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path as FilePath
from time import perf_counter, process_time

from aircraftops_data import JOBS, CoreTable
from aircraftops_data.coordination import Change, Changes
from aircraftops_data.coordination.ready import backfill, upgrade
from aircraftops_data.core.provisioning import create_tables
from aircraftops_data.settings import TableOptions
from aircraftops_data.testing import local_session
from benchmarks.locks.entities import BEFORE, IndexedTool, UpgradedTool, tool
from benchmarks.locks.results import Growth
from benchmarks.memory import peak_megabytes

SIZES = (1_000, 10_000)
CHANGES: dict[str, Callable[[], Change]] = {
    "backfill": lambda: backfill("backfill", IndexedTool),
    "upgrade": lambda: upgrade("upgrade", UpgradedTool),
}


def stocked(endpoint: str, prefix: str, items: int) -> CoreTable:
    """So many tools as they were before, in fresh tables."""
    core = _connected(endpoint, prefix)
    core.runner.run(create_tables((JOBS, BEFORE), core.context, TableOptions()))
    assert not core.put_many((tool(number) for number in range(items)), concurrency=4).failed
    return core


def grown(change: str, items: int, endpoint: str, prefix: str) -> Growth:
    """In this process: the change, made of what is there."""
    with _connected(endpoint, prefix) as core:
        changes = Changes(core)
        changes.plan([CHANGES[change]()])
        before, wall, cpu = peak_megabytes(), perf_counter(), process_time()
        (made,) = changes.apply([CHANGES[change]()])
        wall, cpu = perf_counter() - wall, process_time() - cpu
    assert made.done == items, f"{made.done} of {items}"
    return Growth(change=change, items=items, seconds=wall, cpu=cpu, before=before, peak=peak_megabytes())


def measured(endpoint: str, sizes: Iterable[int], say: Callable[[str], object]) -> Iterator[Growth]:
    """Each change of each size, each in a process of its own."""
    for items in sizes:
        for change in CHANGES:
            say(f"{change} of {items:,} items")
            prefix = f"{change}-{items}-"
            stocked(endpoint, prefix, items).close()
            yield _in_a_process(change, items, endpoint, prefix)


def _connected(endpoint: str, prefix: str) -> CoreTable:
    return CoreTable.connect(session=local_session(), endpoint_url=endpoint, prefix=prefix, transport="direct")


def _in_a_process(change: str, items: int, endpoint: str, prefix: str) -> Growth:
    command = [sys.executable, "-m", "benchmarks", "change", change, str(items), endpoint, prefix]
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=FilePath(__file__).parents[2])
    return Growth.model_validate_json(told.stdout)
