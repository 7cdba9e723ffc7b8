"""What both workers share: waits that grow, signals that are heard and given back, measures of a queue."""

from __future__ import annotations

import signal
import threading
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aircraftops_data import CoreTable
from aircraftops_data.clock import Chance
from aircraftops_data.core.signals import signals_to
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.jobs import Jobs, Poll, Priority
from aircraftops_data.jobs.measuring import measure, summed
from aircraftops_data.jobs.working import Pace
from aircraftops_data.model.schema import JOBS
from aircraftops_data.testing import ManualClock


class Longest(Chance):
    """No jitter: each wait is as long as it can be."""

    def jitter(self, ceiling: float) -> float:
        return ceiling


# Waits


def test_waits_double_to_the_longest_and_begin_anew_after_work() -> None:
    pace = Pace(Poll(), Longest())
    assert [round(pace.pause(), 3) for _ in range(8)] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    pace.reset()
    assert pace.pause() == 0.1


def test_the_longest_wait_stays_the_longest_however_long_there_is_nothing_to_do() -> None:
    pace = Pace(Poll(), Longest())
    assert [pace.pause() for _ in range(5000)][-1] == 5


@given(st.integers(), st.integers(1, 40))
def test_waits_have_full_jitter(seed: int, count: int) -> None:
    jittered, longest = Pace(Poll(), Chance(Random(seed))), Pace(Poll(), Longest())
    for _ in range(count):
        assert 0 <= jittered.pause() <= longest.pause()


@pytest.mark.parametrize(("first", "most"), [(0, 1), (-1, 1), (2, 1)])
def test_waits_that_make_no_sense_are_refused(first: int, most: int) -> None:
    with pytest.raises(InvalidInputError):
        Poll(timedelta(seconds=first), timedelta(seconds=most))


# Signals


def test_signals_are_heard_and_given_back() -> None:
    heard: list[int] = []
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    with signals_to(lambda: heard.append(1)):
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
    assert heard == [1, 1]
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


def test_other_threads_leave_signals_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen: list[Any] = []

    def elsewhere() -> None:
        with signals_to(lambda: None):
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [before]


# Measures


@pytest.fixture
def jobs(connect: Any, clock: ManualClock) -> Jobs:
    core: CoreTable = connect(JOBS, clock=clock)
    return Jobs(core)


@pytest.mark.parametrize("engine", ["moto"], indirect=True)
def test_a_measure_says_what_is_due_in_each_partition(jobs: Jobs, clock: ManualClock) -> None:
    queue = jobs.reshard("q", 2)
    for _ in range(3):
        jobs.enqueue("k", queue="q", priority="high")
        clock.advance(10)
    jobs.enqueue("k", queue="q", run_at=timedelta(hours=1))
    found = jobs.run(measure(queue, jobs.context))
    assert [(each.priority, each.shard) for each in found] == [(each, n) for each in Priority for n in (0, 1)]
    assert sum(each.depth for each in found if each.priority is Priority.HIGH) == 3
    assert summed(found) == (timedelta(seconds=30), 3)
    assert all(each.complete for each in found)


@pytest.mark.parametrize("engine", ["moto"], indirect=True)
def test_a_measure_counts_no_further_than_told(jobs: Jobs) -> None:
    queue = jobs.reshard("q", 1)
    for _ in range(3):
        jobs.enqueue("k", queue="q")
    _, normal, _ = jobs.run(measure(queue, jobs.context, most=2))
    assert (normal.depth, normal.complete) == (2, False)


def test_nothing_due_is_nothing() -> None:
    assert summed([]) == (timedelta(), 0)
