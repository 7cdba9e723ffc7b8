"""What the calls of jobs cost, in the units AWS bills."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from benchmarks.jobs.costs import STORIES, told
from benchmarks.telling import Ticking

from aircraftops_data import CoreTable
from aircraftops_data.jobs import Priority
from aircraftops_data.model.schema import JOBS

# moto bills differently.
pytestmark = [pytest.mark.slow, pytest.mark.parametrize("engine", ["local"], indirect=True)]

Connect = Callable[..., CoreTable]
Units = tuple[float, float]

# Read and write units of each call.
UNITS: dict[str, dict[str, Units]] = {
    "A simple job": {
        "enqueue": (0, 4),
        "claim": (3, 6),
        "heartbeat": (0, 1),
        "complete": (0, 4),
    },
    "With a fence": {
        "enqueue": (0, 4),
        "claim": (3, 6),
        "fence, in a transaction": (0, 2),
        "completion, in a transaction": (0, 4),
    },
    "With a unique key": {
        "enqueue": (1, 6),
        "enqueue again": (2, 2),
        "claim": (3, 6),
        "complete": (0, 6),
    },
    "A workflow of two": {
        "enqueue the parent": (0, 8),
        "enqueue the child": (5, 12),
        "claim the parent": (3, 8),
        "heartbeat": (0, 2),
        "complete the parent, release the child": (3, 20),
        "claim the child": (3, 8),
        "complete the child": (1, 8),
    },
    "Waiting long for its parent": {
        "enqueue the parent": (0, 8),
        "enqueue the child": (5, 12),
        "look at the child, find nothing else": (7, 8),
        "poll": (3, 0),
    },
    "A payload of 10 KB": {
        "enqueue": (0, 26),
        "claim": (6, 6),
        "heartbeat": (0, 1),
        "complete": (0, 26),
    },
    "Failed once": {
        "enqueue": (0, 4),
        "claim": (3, 6),
        "fail": (0, 6),
        "claim again": (3, 6),
        "complete": (0, 4),
    },
    "Failed for good, redriven": {
        "enqueue": (0, 4),
        "claim": (3, 6),
        "fail for good": (0, 6),
        "redrive": (1, 6),
    },
    "Snoozed, cancelled": {
        "enqueue": (0, 4),
        "claim": (3, 6),
        "snooze": (0, 6),
        "cancel": (1, 4),
    },
    "With a concurrency limit of 1": {
        "enqueue": (0, 4),
        "enqueue the second": (0, 4),
        "claim": (4, 8),
        "put off the second": (5, 6),
        "complete": (0, 6),
    },
    "Longer than its lease": {
        "enqueue": (0, 4),
        "claim": (3, 6),
        "heartbeat": (0, 1),
        "re-park, find nothing else": (4, 6),
        "take over after a lost lease": (3, 8),
    },
    "Idle, 1 shard": {"poll": (3, 0)},
    "Idle, 8 shards": {"poll": (24, 0)},
}


def bills(connect: Connect, story: str) -> dict[str, Units]:
    """What each call of a story takes."""
    clock = Ticking()
    return {bill.call: (bill.read_units, bill.write_units) for bill in told(story, connect(JOBS, clock=clock), clock)}


@pytest.mark.parametrize("story", STORIES)
def test_each_call_costs_exactly_what_is_promised(connect: Connect, story: str) -> None:
    assert bills(connect, story) == UNITS[story]


def test_a_simple_job_takes_no_more_than_14_write_units_and_one_for_each_heartbeat(connect: Connect) -> None:
    writes = {call: write for call, (_, write) in bills(connect, "A simple job").items()}
    assert writes.pop("heartbeat") <= 1
    assert sum(writes.values()) <= 14


@pytest.mark.parametrize(("story", "shards"), [("Idle, 1 shard", 1), ("Idle, 8 shards", 8)])
def test_an_idle_poll_takes_no_more_than_a_read_unit_for_each_shard_and_priority(
    connect: Connect, story: str, shards: int
) -> None:
    reads, writes = bills(connect, story)["poll"]
    assert (reads <= len(Priority) * shards, writes) == (True, 0)
