"""Rewriting stored items for maintenance: only what was read is rewritten, and no writer is disturbed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from entities import everything, stored
from reading_entities import put_raw
from ready_entities import ANNEX, FIRST, Pass1, Pass3, Tool1, Tool2, Tool3

from aircraftops_data import CoreTable, Entity
from aircraftops_data.core.commit import commit, write
from aircraftops_data.core.rewriting import CopyPut, Rewrite
from aircraftops_data.errors import (
    ConditionFailedError,
    ConflictError,
    CorruptItemError,
    InvalidInputError,
    ItemTooLargeError,
    TransactionConflictError,
    VersionConflictError,
)
from aircraftops_data.model.definition import Item
from aircraftops_data.testing import ManualClock
from aircraftops_data.translation.codec import codec_of
from faults import before, faulty, lost_reply_then

Connect = Callable[..., CoreTable]
TOOL = Tool2.definition()


@pytest.fixture
def core(connect: Connect, clock: ManualClock) -> CoreTable:
    """A tool that an index has not heard of."""
    core = connect(FIRST, clock=clock)
    core.create(Tool1(number="1", maker="acme", marks={"a", "b"}))
    return core


def tool(core: CoreTable) -> Item:
    """The tool as it lies there."""
    return stored(core, Tool1, number="1") or {}


def indexed(item: Item) -> Item:
    """The item as the second release wants it."""
    return item | codec_of(TOOL).item(codec_of(TOOL).entity(item))


def rewrite(core: CoreTable, before: Item, after: Item) -> None:
    """Rewrite the tool."""
    core.runner.run(write(Rewrite(TOOL, before, after), core.context))


def upgraded(core: CoreTable, entity: type[Entity], **identity: Any) -> Rewrite:
    """The rewrite that makes an item what its current schema version says."""
    item, codec = stored(core, entity, **identity) or {}, codec_of(entity.definition())
    built = codec.item(codec.entity(item))
    gone = codec.left_behind(item) - entity.definition().table.managed.names() - {"PK", "SK"}
    kept = {name: value for name, value in item.items() if name not in gone}
    return Rewrite(entity.definition(), item, kept | built | {"version": item["version"]})


def test_it_sets_and_removes_what_differs_and_touches_nothing_else(core: CoreTable, clock: ManualClock) -> None:
    found = tool(core)
    clock.advance(5)
    after = {name: value for name, value in found.items() if name != "maker"} | {"GSI1PK": {"S": "x"}}
    rewrite(core, found, after)
    assert tool(core) == after
    assert after["version"] == {"N": "1"}


def test_every_kind_of_value_is_compared_as_it_was_read(core: CoreTable) -> None:
    kinds: Item = {
        "text": {"S": ""},
        "number": {"N": "1.50"},
        "bytes": {"B": b"\x00\xff"},
        "null": {"NULL": True},
        "flag": {"BOOL": False},
        "list": {"L": [{"N": "1"}, {"M": {"x": {"SS": ["b", "a"]}}}]},
        "map": {"M": {"a.b": {"L": []}}},
        "texts": {"SS": ["b", "a"]},
        "numbers": {"NS": ["2", "1"]},
        "several": {"BS": [b"2", b"1"]},
    }
    key = {"PK": {"S": "TOOL#2"}, "SK": {"S": "TOOL"}}
    put_raw(core, FIRST, {**key, **kinds, "entity_type": {"S": "tool"}})
    found = stored(core, Tool1, number="2") or {}
    assert set(kinds) < set(found)
    rewrite(core, found, {**key, "entity_type": {"S": "tool"}})
    assert stored(core, Tool1, number="2") == {**key, "entity_type": {"S": "tool"}}


CHANGES: dict[str, tuple[Callable[[CoreTable], object], type[ConflictError]]] = {
    "updated": (lambda core: core.update(Tool1, number="1", set={"note": "n"}), VersionConflictError),
    "replaced": (lambda core: core.replace(core.get(Tool1, number="1")), VersionConflictError),
    "put": (lambda core: core.put(Tool1(number="1")), VersionConflictError),
    "deleted": (lambda core: core.delete(Tool1, number="1"), ConditionFailedError),
    "made-anew": (
        lambda core: (core.delete(Tool1, number="1"), core.create(Tool1(number="1", maker="other"))),
        ConditionFailedError,
    ),
    "put-in-bulk": (lambda core: core.put_many([Tool1(number="1", maker="other")]), ConditionFailedError),
}


@pytest.mark.parametrize(("change", "error"), CHANGES.values(), ids=CHANGES)
def test_an_item_that_is_not_as_it_was_read_is_left_alone(
    core: CoreTable, change: Callable[[CoreTable], object], error: type[ConflictError]
) -> None:
    found = tool(core)
    change(core)
    left = tool(core)
    with pytest.raises(error):
        rewrite(core, found, indexed(found))
    assert tool(core) == left


def test_of_an_item_without_a_write_id_every_attribute_is_compared(core: CoreTable) -> None:
    core.put_many([Tool1(number="1", maker="acme")])
    found = tool(core)
    assert "write_id" not in found
    # The same version, and nothing the rewrite touches is different.
    core.put_many([Tool1(number="1", maker="other")])
    with pytest.raises(ConditionFailedError):
        rewrite(core, found, indexed(found))
    assert tool(core)["maker"] == {"S": "other"}


def test_a_rewrite_that_was_made_is_refused_when_it_comes_again(core: CoreTable) -> None:
    found = tool(core)
    rewrite(core, found, indexed(found))
    with pytest.raises(ConditionFailedError):
        rewrite(core, found, indexed(found))
    assert tool(core) == indexed(found)


def test_a_rewrite_that_changes_nothing_sends_nothing(core: CoreTable) -> None:
    watched, transport = faulty(core)
    rewrite(watched, tool(core), tool(core))
    assert transport.sent == []


def test_in_a_transaction_a_refusal_takes_the_others_along(core: CoreTable) -> None:
    core.create(Tool1(number="2", maker="acme"))
    items = [tool(core), stored(core, Tool1, number="2") or {}]
    core.update(Tool1, number="2", set={"maker": "other"})
    rewrites = [Rewrite(TOOL, item, indexed(item)) for item in items]
    with pytest.raises(TransactionConflictError) as caught:
        core.runner.run(commit(rewrites, core.context))
    assert [type(reason) for reason in caught.value.reasons] == [type(None), VersionConflictError]
    assert tool(core) == items[0]


def test_an_item_keeps_its_key_and_stays_within_what_an_item_may_take(core: CoreTable) -> None:
    found = tool(core)
    with pytest.raises(InvalidInputError, match="primary key"):
        Rewrite(TOOL, found, {**found, "SK": {"S": "other"}})
    with pytest.raises(ItemTooLargeError):
        Rewrite(TOOL, found, {**found, "note": {"S": "x" * 410_000}})


class TestWritersInBetween:
    """What the library's own writers do when an item is rewritten around them."""

    def test_a_writer_whose_reply_was_lost_knows_its_write_in_what_was_rewritten(self, core: CoreTable) -> None:
        def maintain() -> None:
            core.update(Tool2, number="1", set={"note": "later"})
            found = tool(core)
            rewrite(core, found, {**found, "colour": {"S": "red"}})

        watched, transport = faulty(core)
        transport.plan("UpdateItem", lost_reply_then(maintain))
        written = watched.update(Tool1, number="1", add={"grams": 5})
        assert (written.grams, written.version, written.note) == (5, 3, "later")
        assert tool(core)["grams"] == {"N": "5"}

    def test_one_who_holds_an_instance_is_not_refused(self, core: CoreTable) -> None:
        held = core.get(Tool2, number="1")
        rewrite(core, tool(core), indexed(tool(core)))
        assert core.replace(held.model_copy(update={"maker": "other"})).version == 2
        assert tool(core)["GSI1PK"] == {"S": "MAKER#other"}

    def test_an_update_built_on_what_it_read_leaves_the_right_keys(self, core: CoreTable) -> None:
        watched, transport = faulty(core)
        transport.plan("UpdateItem", before(lambda: rewrite(core, tool(core), indexed(tool(core)))))
        watched.update(Tool2, number="1", set={"maker": "bolt"})
        assert (tool(core)["GSI1PK"], tool(core)["GSI1SK"]) == ({"S": "MAKER#bolt"}, {"S": "GRAMS#00000000"})

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda core: core.put(core.get(Tool3, number="1")), id="put"),
            pytest.param(lambda core: core.replace(core.get(Tool3, number="1")), id="replace"),
            pytest.param(lambda core: core.update(Tool3, number="1", set={"note": "n"}), id="update"),
            pytest.param(lambda core: core.update(Tool3, number="1", set={"vendor": "v"}), id="update-key"),
        ],
    )
    def test_a_writer_of_this_release_meets_an_upgrade(
        self, core: CoreTable, change: Callable[[CoreTable], Tool3]
    ) -> None:
        watched, transport = faulty(core)
        upgrade = upgraded(core, Tool3, number="1")
        transport.plan("UpdateItem", before(lambda: core.runner.run(write(upgrade, core.context))))
        written = change(watched)
        assert core.get(Tool3, number="1") == written
        assert not {"maker", "grams"} & set(tool(core))

    @pytest.mark.parametrize("method", ["put", "replace"])
    def test_a_writer_of_an_older_release_does_not_mix_with_an_upgrade(
        self, connect: Connect, clock: ManualClock, method: str
    ) -> None:
        core = connect(FIRST, clock=clock)
        core.create(Pass1(number="1", code="x", holder_name="h"))
        upgrade = upgraded(core, Pass3, number="1")
        watched, transport = faulty(core)
        transport.plan("TransactWriteItems", before(lambda: core.runner.run(write(upgrade, core.context))))
        transport.plan("UpdateItem", before(lambda: core.runner.run(write(upgrade, core.context))))
        with pytest.raises(CorruptItemError, match="schema version 2"):
            getattr(watched, method)(core.get(Pass1, number="1").model_copy(update={"holder_name": "other"}))
        assert core.get(Pass3, number="1").bearer == "h"
        assert "holder_name" not in (stored(core, Pass3, number="1") or {})


class TestCopies:
    @pytest.fixture
    def both(self, connect: Connect, clock: ManualClock) -> CoreTable:
        """The tool, and another table."""
        core = connect(FIRST, ANNEX, clock=clock)
        core.create(Tool1(number="1", maker="acme"))
        return core

    def copy(self, core: CoreTable, seen: Item | None) -> None:
        """Put the tool into the other table."""
        core.runner.run(write(CopyPut(FIRST, tool(core), seen, core.context.names[ANNEX]), core.context))

    def test_an_item_goes_as_it_is_where_nothing_is(self, both: CoreTable) -> None:
        self.copy(both, None)
        assert everything(both, ANNEX) == [tool(both)]
        with pytest.raises(ConditionFailedError):
            self.copy(both, None)

    def test_what_was_seen_there_goes_only_if_it_is_still_that(self, both: CoreTable) -> None:
        self.copy(both, None)
        (seen,) = everything(both, ANNEX)
        both.update(Tool1, number="1", set={"note": "n"})
        self.copy(both, seen)
        assert everything(both, ANNEX) == [tool(both)]
        with pytest.raises(ConditionFailedError):
            self.copy(both, seen)
