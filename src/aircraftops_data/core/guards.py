"""Conditions that hold a write to what was read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from aircraftops_data.model.conditions import Attribute, Comparison, Condition, Exists, Stored, absent
from aircraftops_data.model.definition import Item
from aircraftops_data.model.schema import Table


def conjunction(parts: list[Condition]) -> Condition | None:
    """All of them; None where there are none."""
    if not parts:
        return None
    whole = parts[0]
    for part in parts[1:]:
        whole = whole & part
    return whole


def as_read(table: Table, item: Item, touched: Iterable[str] = ()) -> Condition:
    """The item is there and still what was read, as far as any writer could tell, and in the attributes `touched`."""
    managed = table.managed
    # Every write leaves a new write id, but for bulk puts and other programs: they may even leave the same version.
    marked = {managed.version, managed.write_id} if managed.write_id in item else {managed.version, *item}
    names = sorted(marked.union(touched) - {attribute.name for attribute in table.attributes})
    present = Exists(Attribute(table.partition_key.name))
    return cast("Condition", conjunction([present, *(_as_it_was(name, item) for name in names)]))


def _as_it_was(name: str, item: Item) -> Condition:
    return Comparison("=", Attribute(name), Stored(item[name])) if name in item else absent(Attribute(name))
