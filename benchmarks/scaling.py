"""Whether the cost of an item stays the same from a thousand to a million of them, read and written."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path as FilePath
from time import perf_counter, process_time

from benchmarks import sample
from benchmarks.contenders.own import Airframe, Own
from benchmarks.memory import peak_megabytes
from benchmarks.registry import be_somebody
from benchmarks.results import Scaling, Step
from benchmarks.server import CannedServer
from benchmarks.setting import setting

SIZES = (1_000, 10_000, 100_000, 1_000_000)


def step(direction: str, items: int, endpoint: str) -> Step:
    """In this process: so many items read, page after page, or written."""
    be_somebody()
    own = Own(endpoint)
    own.get()
    wall, cpu = perf_counter(), process_time()
    done = _read(own, items) if direction == "read" else _written(own, items)
    cpu, wall = process_time() - cpu, perf_counter() - wall
    assert done == items, f"{done} of {items}"
    return Step(items=items, cpu=cpu / items * 1e6, wall=wall / items * 1e6, peak=peak_megabytes())


def run(sizes: tuple[int, ...] = SIZES, say: Callable[[str], object] = lambda _: None) -> Scaling:
    """Every size in each direction, each in a process of its own."""
    results = Scaling(setting=setting("none"))
    with CannedServer() as server:
        for direction, steps in (("read", results.read), ("write", results.written)):
            for items in sizes:
                say(f"{direction} {items:,}")
                steps.append(_in_a_process(direction, items, server.endpoint))
    return results


def _in_a_process(direction: str, items: int, endpoint: str) -> Step:
    command = [sys.executable, "-m", "benchmarks", "step", direction, str(items), endpoint]
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=FilePath(__file__).parents[1])
    return Step.model_validate_json(told.stdout)


def _read(own: Own, items: int) -> int:
    """Iterate over a partition of as many pages."""
    pages = items // sample.FLEET
    return sum(1 for _ in own.table.query(Airframe.primary(operator=f"PAGES{pages}")))


def _written(own: Own, items: int) -> int:
    """Put a stream of entities that were made before; each window of it holds different ones."""
    report = own.table.put_many(islice(cycle(own.entities), items))
    report.raise_if_failed()
    return report.done
