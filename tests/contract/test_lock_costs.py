"""What the calls of locks and changes cost, in the units AWS bills."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from benchmarks.locks.costs import STORIES, TABLES, told
from benchmarks.telling import Ticking

from aircraftops_data import CoreTable

# moto bills differently.
pytestmark = [pytest.mark.slow, pytest.mark.parametrize("engine", ["local"], indirect=True)]

Connect = Callable[..., CoreTable]
Units = tuple[float, float]

# Read and write units of each call.
UNITS: dict[str, dict[str, Units]] = {
    "A lock that never was": {"acquire": (1, 6), "release": (0, 1)},
    "A lock nobody else wants": {"acquire": (1, 1), "release": (0, 1)},
    "While it is held": {
        "heartbeat": (0, 1),
        "check, on this side alone": (0, 0),
        "fence, in a transaction": (0, 2),
        "fence and a write, in a transaction": (0, 4),
        "a write": (0, 1),
        "a write, guarded": (0, 1),
    },
    "A lock that is held": {"asked for once": (1, 0), "waited for, 10 s": (25, 0)},
    "Its holder died, somebody waits": {"waited for, with a lease of 30 s": (67, 4)},
    "Its holder died, somebody asks again": {"asked for": (1, 0), "asked for again after the lease": (1, 4)},
    "Taken away by an operator": {"look who has it": (1, 0), "release by force": (0, 4)},
    "An atomic change": {"look, take the lock, begin": (5, 7), "commit with 1 write, release": (0, 9)},
    "A chunked change": {
        "look, take the lock, begin": (5, 7),
        "chunk of 50 writes": (0, 104),
        "last chunk of 50 writes, release": (0, 107),
    },
    "An external change": {"look, take the lock, begin": (5, 7), "record that it was made, release": (0, 7)},
    "Nothing to do": {"apply 10 changes": (1, 0)},
    # A read unit for 4 KB, rounded up page by page; with an index entry each item is two writes.
    "Backfill of 1,000 items": {"apply, in 21 chunks": (5 + 80, 2 + 12 + 20 * 4 + 1000 * 4)},
    "Upgrade of 1,000 items": {"apply, in 21 chunks": (5 + 80, 2 + 12 + 20 * 4 + 1000 * 2)},
}


def bills(connect: Connect, story: str) -> dict[str, Units]:
    """What each call of a story takes."""
    clock = Ticking()
    found = told(story, connect(*TABLES, clock=clock), clock)
    return {bill.call: (bill.read_units, bill.write_units) for bill in found}


@pytest.mark.parametrize("story", STORIES)
def test_each_call_costs_exactly_what_is_promised(connect: Connect, story: str) -> None:
    assert bills(connect, story) == UNITS[story]


def test_taking_a_lock_and_giving_it_back_takes_2_write_units_but_for_the_first_time(connect: Connect) -> None:
    assert sum(write for _, write in bills(connect, "A lock nobody else wants").values()) == 2
    assert sum(write for _, write in bills(connect, "A lock that never was").values()) == 7


def test_a_guard_adds_nothing_to_a_write(connect: Connect) -> None:
    held = bills(connect, "While it is held")
    assert held["a write, guarded"] == held["a write"]


def test_waiting_for_a_lock_writes_nothing(connect: Connect) -> None:
    assert all(write == 0 for _, write in bills(connect, "A lock that is held").values())
