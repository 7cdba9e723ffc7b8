"""Writes of items that an older or newer release stored: rewritten whole, nothing lost, nothing mixed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from entities import NEW_PARTS, OLD_PARTS, OldPart, Part, index_keys, stored

from aircraftops_data import CoreTable, Entity, PrimaryKey, Table, upgrader
from aircraftops_data.errors import CorruptItemError
from aircraftops_data.request import Request
from aircraftops_data.testing import ManualClock

Connect = Callable[..., CoreTable]
WRITES: dict[str, Callable[[CoreTable], Part]] = {
    "blind": lambda core: core.update(Part, number="1", set={"note": "new"}),
    "known-keys": lambda core: core.update(Part, number="1", set={"vendor": "bolt", "grams": 5}),
    "read": lambda core: core.update(Part, number="1", set={"vendor": "bolt"}),
    "condition": lambda core: core.update(Part, number="1", add={"stock": 2}, where=Part.f.note == "n"),
    "instance": lambda core: core.update(core.get(Part, number="1"), set={"stock": 1}),
    "put": lambda core: core.put(core.get(Part, number="1")),
    "replace": lambda core: core.replace(core.get(Part, number="1")),
}

OLD_BOLTS, NEW_BOLTS = Table("Bolts"), Table("Bolts")


class OldBolt(Entity, table=OLD_BOLTS, entity_type="bolt"):
    """As an older release had it."""

    number: str
    maker: str

    primary = PrimaryKey("BOLT#{number}", "BOLT")


class Bolt(Entity, table=NEW_BOLTS, entity_type="bolt", schema_version=2):
    """With an upgrader that makes a dict of its own."""

    number: str
    vendor: str
    stock: int = 0

    primary = PrimaryKey("BOLT#{number}", "BOLT")

    @upgrader(1)
    @staticmethod
    def _maker_is_vendor(values: dict[str, Any]) -> dict[str, Any]:
        return {"number": values["number"], "vendor": values["maker"]}


class TestSchemaVersions:
    """An item written by an older release is rewritten whole by its first write from a newer one."""

    @pytest.fixture
    def old(self, connect: Connect, clock: ManualClock) -> CoreTable:
        """The table, with one item of the older release."""
        core = connect(OLD_PARTS, clock=clock)
        core.create(OldPart(number="1", maker="acme", weight=2, note="n"))
        assert NEW_PARTS.name == OLD_PARTS.name
        return core

    @pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
    def test_the_item_is_rewritten_without_leftovers(self, old: CoreTable, write: Callable[[CoreTable], Part]) -> None:
        before_it = old.get(Part, number="1")
        assert (before_it.vendor, before_it.grams) == ("acme", 2000)
        written = write(old)
        item = stored(old, Part, number="1") or {}
        assert item["schema_version"] == {"N": "3"}
        assert not {"maker", "weight"} & set(item)
        assert index_keys(item) == {"GSI1PK": f"VENDOR#{written.vendor}", "GSI1SK": f"GRAMS#{written.grams:08d}"}
        assert (written.version, written.created_at) == (2, before_it.created_at)
        assert old.get(Part, number="1") == written
        assert written.note in ("n", "new")

    @pytest.mark.parametrize(
        "write",
        [
            lambda core: core.update(Bolt, number="1", set={"stock": 1}),
            lambda core: core.update(core.get(Bolt, number="1"), set={"stock": 1}),
            lambda core: core.put(Bolt(number="1", vendor="acme")),
            lambda core: core.replace(core.get(Bolt, number="1")),
        ],
        ids=["blind", "instance", "put", "replace"],
    )
    def test_what_the_library_keeps_outlives_an_upgrader_that_makes_a_dict_of_its_own(
        self, connect: Connect, clock: ManualClock, write: Callable[[CoreTable], Bolt]
    ) -> None:
        core = connect(OLD_BOLTS, clock=clock)
        old = core.create(OldBolt(number="1", maker="acme"))
        read = core.get(Bolt, number="1")
        assert (read.version, read.created_at) == (1, old.created_at)
        assert write(core).version == 2
        assert "maker" not in (stored(core, Bolt, number="1") or {})

    def test_an_attribute_nobody_here_knows_survives(self, old: CoreTable) -> None:
        parameters = {
            "TableName": old.context.names[OLD_PARTS],
            "Key": Part.definition().identify({"number": "1"}),
            "UpdateExpression": "SET colour = :v",
            "ExpressionAttributeValues": {":v": {"S": "white"}},
        }
        old.runner.transport.send(Request("UpdateItem", parameters))
        old.update(Part, number="1", set={"note": "new"})
        assert (stored(old, Part, number="1") or {})["colour"] == {"S": "white"}

    def test_a_newer_item_than_this_release_knows_is_not_touched(self, connect: Connect, clock: ManualClock) -> None:
        core = connect(NEW_PARTS, clock=clock)
        created = core.create(Part(number="1", vendor="acme"))
        with pytest.raises(CorruptItemError, match="schema version 3"):
            core.update(OldPart, number="1", set={"maker": "bolt"})
        with pytest.raises(CorruptItemError, match="schema version 3"):
            core.get(OldPart, number="1")
        assert core.get(Part, number="1") == created
