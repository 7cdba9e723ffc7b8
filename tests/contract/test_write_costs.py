"""What writes cost, in the units DynamoDB reports: as few requests and units as the write can be made with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from entities import DESK, SHELF, Badge, Memo, Parcel, Plane, badge, plane

from aircraftops_data import CoreTable, metered
from aircraftops_data.errors import AlreadyExistsError

# moto counts units in a way of its own.
pytestmark = pytest.mark.parametrize(
    "engine", [pytest.param(name, marks=pytest.mark.slow) for name in ("local", "local-async")], indirect=True
)

Connect = Callable[..., CoreTable]
TURN: dict[str, Any] = {"operator": "DAL", "typecode": "A359", "built": date(2020, 1, 1)}


@pytest.fixture
def core(connect: Connect) -> CoreTable:
    """A plane with an entry in two indexes, a badge with one, a parcel with none."""
    core = connect(SHELF, DESK)
    core.create(plane("N1"))
    core.create(badge("1"))
    core.create(Parcel(number="1", load="x" * 3000))
    return core


def cost(write: Callable[[], object]) -> tuple[float, float, int]:
    """Read units, write units and requests of a write."""
    with metered() as meter:
        write()
    return meter.consumed.read_units, meter.consumed.write_units, meter.consumed.requests


Write = Callable[[CoreTable], object]
COSTS: list[tuple[Write, tuple[float, float, int]]] = [
    (lambda core: core.create(Parcel(number="2")), (0, 1, 1)),
    (lambda core: core.create(Parcel(number="2", load="x" * 3500)), (0, 4, 1)),
    # Of an item before and after a write the larger counts.
    (lambda core: core.put(Parcel(number="1")), (0, 4, 1)),
    (lambda core: core.update(Parcel, number="1", set={"load": "x"}), (0, 4, 1)),
    (lambda core: core.create(plane("N2")), (0, 3, 1)),
    (lambda core: core.put(plane("N1")), (0, 3, 1)),
    (lambda core: core.update(Plane, tail="N1", set={"note": "x"}), (0, 3, 1)),
    (lambda core: core.update(Plane, tail="N1", add={"hours": 1}), (0, 3, 1)),
    # An entry that moves to another key of an index is deleted there and put here.
    (lambda core: core.update(Plane, tail="N1", set=TURN), (0, 4, 1)),
    (lambda core: core.update(Plane, tail="N1", set={"operator": "DAL"}), (1, 4, 2)),
    (
        lambda core: core.update(Plane, tail="N1", set={"operator": None, "typecode": None, "built": None}),
        (0, 3, 1),
    ),
    (lambda core: core.update(Badge, number="1", set={"note": "x"}), (0, 2, 1)),
    (lambda core: core.delete(Plane, tail="N1"), (0, 3, 1)),
    (lambda core: core.delete(Plane, tail="N9"), (0, 1, 1)),
    (lambda core: core.put_many(Parcel(number=str(number)) for number in range(2, 32)), (0, 30, 2)),
    (lambda core: core.delete_many([plane("N1")]), (0, 3, 1)),
    (lambda core: core.get(Plane, tail="N1"), (0.5, 0, 1)),
    (lambda core: core.get(Plane, tail="N1", consistent=True), (1, 0, 1)),
    (lambda core: core.get_many(Plane, [{"tail": "N1"}, {"tail": "N1"}]).all(), (0.5, 0, 1)),
]


@pytest.mark.parametrize(("write", "expected"), COSTS)
def test_a_write_costs_what_it_must(
    core: CoreTable, write: Callable[[CoreTable], object], expected: tuple[float, float, int]
) -> None:
    assert cost(lambda: write(core)) == expected


def test_an_update_from_an_instance_saves_the_read(core: CoreTable) -> None:
    known = core.get(Plane, tail="N1")
    assert cost(lambda: core.update(known, set={"operator": "DAL"})) == (0, 4, 1)


def test_a_transaction_costs_twice(core: CoreTable) -> None:
    # DynamoDB Local reports one action a table, however many there are; so this has one a table.
    def write() -> None:
        with core.transaction() as tx:
            tx.create(Parcel(number="2"))
            tx.create(Memo(number="1", topic=None))

    assert cost(write) == (0, 4, 1)


def test_units_are_told_by_table_and_index(core: CoreTable) -> None:
    with metered() as meter:
        core.create(plane("N2"))
    name = core.context.names[SHELF]
    assert meter.consumed.by_index == {name: 1, f"{name}/GSI1": 1, f"{name}/GSI2": 1}


def test_meters_nest_and_a_refused_write_reports_nothing(core: CoreTable) -> None:
    with metered() as outer:
        core.create(Parcel(number="2"))
        with metered() as inner, pytest.raises(AlreadyExistsError):
            core.create(Parcel(number="2"))
    # The engine says nothing of the units in an error.
    assert (outer.consumed.write_units, inner.consumed.write_units) == (1, 0)
