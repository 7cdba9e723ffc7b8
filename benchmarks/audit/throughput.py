"""How many events a second are appended on this machine: each way, by each crew, in groups of each size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import get_args

from benchmarks.audit.costs import GROUPS
from benchmarks.audit.load import Order
from benchmarks.audit.results import Appended, Crew, Load, WayName
from benchmarks.processes import Waiting

CREWS = (
    Crew(processes=1, threads=1),
    Crew(processes=1, threads=4),
    Crew(processes=1, threads=16),
    Crew(processes=4, threads=1),
)
WARM_TURNS = 4


def all_loads(groups: Sequence[int] = GROUPS) -> list[Load]:
    """Every load, nothing measured: those that link one by one have no groups."""
    ways: tuple[WayName, ...] = get_args(WayName)
    return [
        Load(way=way, crew=crew, group=group)
        for crew in CREWS
        for way in ways
        for group in (groups if way.startswith("aircraftops-data") else groups[:1])
    ]


def measure(
    loads: Sequence[Load], endpoint: str, prefix: str, first: int, seconds: float, say: Callable[[str], object]
) -> None:
    """One round, which begins with this load. The engine, which compiles, has loads that are not told."""
    for load in (loads[0], loads[-1]):
        _carried_out(load, endpoint, prefix, WARM_TURNS * seconds)
    for load in (*loads[first:], *loads[:first]):
        say(f"{load.way}, {load.crew}, groups of {load.group}")
        done, rate = _carried_out(load, endpoint, prefix, seconds)
        load.done += done
        load.rates.append(rate)


def _carried_out(load: Load, endpoint: str, prefix: str, seconds: float) -> tuple[Appended, float]:
    """What was done, and events a second, by processes that begin together on one chain."""
    order = Order(
        endpoint=endpoint,
        prefix=prefix,
        way=load.way,
        threads=load.crew.threads,
        group=load.group,
        seconds=seconds,
    )
    processes = [Waiting("append", order) for _ in range(load.crew.processes)]
    start = perf_counter()
    for process in processes:
        process.begin()
    done = sum((Appended.model_validate_json(process.told()) for process in processes), Appended())
    return done, done.events / (perf_counter() - start)
