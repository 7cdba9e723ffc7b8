"""What ready-made changes cost in request units, as their docstrings say it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ready_entities import ANNEX, FIRST, MARKERS, Marker, Tool1, Tool2, Tool3, run_chunk

from aircraftops_data import CoreTable, metered
from aircraftops_data.coordination.change import Change
from aircraftops_data.coordination.ready import backfill, copy, rename, upgrade

# moto bills differently; and of a transaction DynamoDB Local tells the units of one action a table.
pytestmark = [pytest.mark.slow, pytest.mark.parametrize("engine", ["local"], indirect=True)]

Connect = Callable[..., CoreTable]


@pytest.fixture
def core(connect: Connect) -> CoreTable:
    """One tool, 2 KB begun, in no index."""
    core = connect(FIRST, ANNEX, MARKERS)
    core.create(Tool1(number="1", maker="acme", marks={"x" * 1500}))
    return core


def cost(core: CoreTable, change: Change) -> tuple[float, float]:
    """The read and write units of a change of one chunk, without those of its record: two reads and a write."""
    core.create(Marker(name=change.id))
    with metered() as meter:
        run_chunk(core, change)
    alone = meter.consumed.write_units == 1
    return meter.consumed.read_units - 2, meter.consumed.write_units - (1 if alone else 2)


CASES: dict[str, tuple[Change, float]] = {
    # 2 KB in a transaction, and as much for the entry in the index.
    "backfill": (backfill("c", Tool2), 4 + 4),
    "upgrade": (upgrade("c", Tool3), 4 + 4),
    "rename": (rename("c", Tool1, "maker", "vendor"), 4),
    "copy": (copy("c", FIRST, to=ANNEX), 4),
}


@pytest.mark.parametrize(("change", "units"), CASES.values(), ids=CASES)
def test_an_item_written_costs_its_kilobytes_twice(core: CoreTable, change: Change, units: float) -> None:
    assert cost(core, change) == (1, units)


def test_an_item_that_is_right_costs_only_its_reading(core: CoreTable) -> None:
    cost(core, backfill("c", Tool2))
    assert cost(core, backfill("again", Tool2)) == (1, 0)
