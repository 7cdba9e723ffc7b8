"""Every kind of write on a small shelf, for the tests of what may go wrong with any of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from entities import SHELF, Badge, Plane, Shift, assert_shelf_is_consistent, badge, everything, plane

from aircraftops_data import CoreTable, Entity

Write = Callable[[CoreTable], Any]


def furnish(core: CoreTable) -> CoreTable:
    """Put a plane, a badge and a shift on the shelf, which the writes below change."""
    core.create(plane("N1", hours=5, seats=9))
    core.create(badge("1"))
    core.create(Shift(name="a", start=1, end=9))
    return core


@dataclass(frozen=True)
class Case:
    """A write, and the item it leaves: None where it deletes."""

    write: Write
    operation: str = "UpdateItem"
    entity: type[Entity] = Plane
    who: tuple[str, str] = ("tail", "N1")
    version: int = 2

    @property
    def identity(self) -> dict[str, Any]:
        """The item's identity."""
        return dict([self.who])

    def found(self, core: CoreTable) -> Any:
        """The item as anybody finds it."""
        return core.find(self.entity, **self.identity)


def now_at(core: CoreTable, entity: type[Entity], **identity: Any) -> Any:
    """An instance read just now."""
    return core.get(entity, **identity)


TRANSACTION = "TransactWriteItems"
BADGE: Any = {"operation": TRANSACTION, "entity": Badge, "who": ("number", "1")}
SHIFT: Any = {"entity": Shift, "who": ("name", "a")}
TURN = {"operator": "DAL", "typecode": "A359", "built": date(2020, 1, 1)}

SINGLE: dict[str, Case] = {
    "create": Case(lambda core: core.create(plane("N2")), "PutItem", who=("tail", "N2"), version=1),
    "put, new": Case(lambda core: core.put(plane("N2")), who=("tail", "N2"), version=1),
    "put, over": Case(lambda core: core.put(plane("N1", note="x"))),
    "replace": Case(lambda core: core.replace(now_at(core, Plane, tail="N1"))),
    "update, blind": Case(lambda core: core.update(Plane, tail="N1", set={"note": "x"})),
    "update, add": Case(lambda core: core.update(Plane, tail="N1", add={"hours": 1})),
    "update, constrained add": Case(lambda core: core.update(Plane, tail="N1", add={"rank": 1})),
    "update, add to a key": Case(lambda core: core.update(Plane, tail="N1", add={"seats": 1})),
    "update, known keys": Case(lambda core: core.update(Plane, tail="N1", set=TURN)),
    "update, read keys": Case(lambda core: core.update(Plane, tail="N1", set={"operator": "DAL"})),
    "update, remove": Case(lambda core: core.update(Plane, tail="N1", remove=["operator"])),
    "update, instance": Case(lambda core: core.update(now_at(core, Plane, tail="N1"), set={"operator": "DAL"})),
    "update, version": Case(lambda core: core.update(Plane, tail="N1", set={"note": "x"}, version=1)),
    "update, condition": Case(
        lambda core: core.update(Plane, tail="N1", set={"note": "x"}, where=Plane.f.note.does_not_exist())
    ),
    "update, whole": Case(lambda core: core.update(Shift, name="a", add={"start": 1}), **SHIFT),
}
IN_TRANSACTION: dict[str, Case] = {
    "create, uniques": Case(lambda core: core.create(badge("2")), TRANSACTION, Badge, who=("number", "2"), version=1),
    "put, uniques": Case(lambda core: core.put(badge("1", code="new")), **BADGE),
    "replace, uniques": Case(
        lambda core: core.replace(now_at(core, Badge, number="1").model_copy(update={"code": "new"})), **BADGE
    ),
    "update, uniques": Case(lambda core: core.update(Badge, number="1", set={"code": "new"}), **BADGE),
    "update, uniques, instance": Case(
        lambda core: core.update(now_at(core, Badge, number="1"), set={"site": None}), **BADGE
    ),
    "move": Case(lambda core: core.move(now_at(core, Plane, tail="N1"), tail="N2"), TRANSACTION, who=("tail", "N2")),
    "move, uniques": Case(
        lambda core: core.move(now_at(core, Badge, number="1"), number="2"),
        TRANSACTION,
        Badge,
        who=("number", "2"),
    ),
}
DELETES: dict[str, Case] = {
    "delete": Case(lambda core: core.delete(Plane, tail="N1"), "DeleteItem"),
    "delete, instance": Case(lambda core: core.delete(now_at(core, Plane, tail="N1")), "DeleteItem"),
    "delete, version": Case(lambda core: core.delete(Plane, tail="N1", version=1), "DeleteItem"),
    "delete, condition": Case(lambda core: core.delete(Plane, tail="N1", where=Plane.f.seats == 9), "DeleteItem"),
    "delete, uniques": Case(lambda core: core.delete(Badge, number="1"), **BADGE),
    "delete, uniques, instance": Case(lambda core: core.delete(now_at(core, Badge, number="1")), **BADGE),
}
WRITES = {**SINGLE, **IN_TRANSACTION}
EVERY = {**WRITES, **DELETES}
# Of the plain writes, one for each way they are sent; what is done about throttles and conflicts is the same for all.
PLAIN = {name: EVERY[name] for name in ("create", "put, over", "update, blind", "update, read keys", "delete")}


def cases(which: dict[str, Case]) -> pytest.MarkDecorator:
    """Each of these writes."""
    return pytest.mark.parametrize("case", which.values(), ids=which)


def assert_nothing_is_half(core: CoreTable) -> None:
    """Keys and sentinels agree with the items."""
    assert_shelf_is_consistent(everything(core, SHELF), core.context.clock.now().timestamp())
