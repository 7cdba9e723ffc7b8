"""Measuring side by side: every contender has its turn in each round, so that what the machine does hits all alike."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter, process_time

from benchmarks.contender import Work

TURN_SECONDS = 0.1
"""How long one turn of a contender takes, about: enough turns of the path are made to fill it."""


@dataclass(frozen=True)
class Times:
    """Microseconds an item, round by round: of the processor (all threads of this process) and of the clock."""

    cpu: list[float]
    wall: list[float]

    @property
    def least(self) -> float:
        """The least processor time of a round."""
        return min(self.cpu)

    @property
    def median(self) -> float:
        """The median processor time."""
        return statistics.median(self.cpu)

    @property
    def per_second(self) -> float:
        """Items a second by the clock, median."""
        return 1e6 / statistics.median(self.wall)

    def ratio_to(self, other: Times, *, wall: bool = False) -> float:
        """How many times the other's: the median over the rounds, each compared within itself."""
        mine, others = (self.wall, other.wall) if wall else (self.cpu, other.cpu)
        return statistics.median(a / b for a, b in zip(mine, others, strict=True))


def interleaved(works: Mapping[str, Work], items: int, rounds: int, turn: float = TURN_SECONDS) -> dict[str, Times]:
    """Times of each work over some rounds. Each round begins with another contender."""
    turns = {name: _turns(work, turn) for name, work in works.items()}
    times = {name: Times([], []) for name in works}
    order = list(works)
    for number in range(rounds):
        first = number % len(order)
        for name in order[first:] + order[:first]:
            cpu, wall = _timed(works[name], turns[name])
            times[name].cpu.append(cpu / (turns[name] * items) * 1e6)
            times[name].wall.append(wall / (turns[name] * items) * 1e6)
    return times


def _turns(work: Work, seconds: float) -> int:
    """How often to do it in one turn; the second of two tries counts, for the first also warms up."""
    work()
    _, wall = _timed(work, 1)
    return max(1, round(seconds / wall))


def _timed(work: Work, times: int) -> tuple[float, float]:
    """Processor and clock seconds. The collector runs as it does for a user, but begins with nothing of others'."""
    gc.collect()
    wall, cpu = perf_counter(), process_time()
    for _ in range(times):
        work()
    return process_time() - cpu, perf_counter() - wall
