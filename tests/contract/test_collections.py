"""Collections: one partition by one query, sorted out by entity."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from reading_entities import (
    LOGBOOK,
    Entry,
    Part,
    Remark,
    Unreachable,
    entries,
    entry,
    in_small_pages,
    put_raw,
    raw_entry,
    remark,
    stored,
    titles,
    watched,
)

from aircraftops_data import CoreTable, metered
from aircraftops_data.errors import CorruptItemError, InvalidInputError, InvalidKeyError
from aircraftops_data.testing import ManualClock

Connect = Callable[..., CoreTable]


@pytest.fixture
def core(connect: Connect, clock: ManualClock) -> CoreTable:
    """A logbook."""
    return connect(LOGBOOK, clock=clock)


def raw_of_type(entity_type: str | None, sort_key: str) -> dict[str, Any]:
    """An item of the book by its type alone."""
    given = None if entity_type is None else {"S": entity_type}
    return {**raw_entry("b", "-", entity_type=given), "SK": {"S": sort_key}}


def test_one_query_gives_everything_sorted_out_by_entity(core: CoreTable) -> None:
    lines, remarks = entries("b", 3), [remark("b", minute) for minute in range(2)]
    stored(core, lines)
    stored(core, remarks)
    stored(core, entries("other", 1))
    core, recorder = watched(core)
    group = core.collection(Entry, book="b")
    assert recorder.operations == ["Query"]
    assert titles(group[Entry]) == ["t0000", "t0001", "t0002"]
    assert [one.at for one in group[Remark]] == [one.at for one in remarks]
    assert group.unknown == []
    assert {type(one) for entity in group for one in group[entity]} == {Entry, Remark}


def test_entities_go_by_the_name_of_their_type(core: CoreTable) -> None:
    stored(core, entries("b", 2))
    stored(core, [remark("b")])
    group = core.collection(Entry, book="b")
    assert group.entry == group[Entry][0] == group.first(Entry)
    assert group.remark == group[Remark]
    other_side = core.collection(Remark, book="b")
    assert other_side.remark == group.remark[0]
    assert other_side.entry == group[Entry]


def test_a_name_that_is_no_type_of_the_table_is_an_error(core: CoreTable) -> None:
    group = core.collection(Entry, book="b")
    for name in ("part", "entries"):
        with pytest.raises(AttributeError, match="in Logbook"):
            getattr(group, name)


def test_an_empty_partition_is_an_empty_collection(core: CoreTable) -> None:
    group = core.collection(Entry, book="none")
    assert (len(group), list(group), group.unknown) == (0, [], [])
    assert not group
    assert group.entry is None
    assert group.remark == []
    assert group[Remark] == []


def test_only_what_was_found_is_in_it(core: CoreTable) -> None:
    stored(core, [remark("b")])
    group = core.collection(Entry, book="b")
    assert Remark in group
    assert Entry not in group
    assert Part not in group
    assert list(group) == [Remark]


def test_items_of_types_nobody_declared_are_unknown(core: CoreTable) -> None:
    stored(core, entries("b", 1))
    strangers = [raw_of_type("ghost", "GHOST#1"), raw_of_type(None, "GHOST#2"), raw_of_type("part", "PART#1")]
    put_raw(core, LOGBOOK, *strangers)
    group = core.collection(Entry, book="b")
    assert group.unknown == strangers
    assert titles(group[Entry]) == ["t0000"]


def test_a_collection_goes_on_over_the_limit_of_a_megabyte(core: CoreTable) -> None:
    stored(core, entries("b", 4, load="x" * 300_000))
    stored(core, [remark("b", minute, text="x" * 300_000) for minute in range(2)])
    core, recorder = watched(core)
    group = core.collection(Entry, book="b")
    assert len(recorder.requests) > 1
    assert (len(group[Entry]), len(group[Remark])) == (4, 2)


def test_a_collection_tells_what_it_cost(core: CoreTable) -> None:
    stored(core, entries("b", 9))
    small, _ = in_small_pages(core, 4)
    with metered() as meter:
        group = small.collection(Entry, book="b")
    assert group.consumed == meter.consumed
    assert group.consumed.requests == 3


def test_a_collection_is_read_consistently_where_asked(core: CoreTable) -> None:
    core, recorder = watched(core)
    core.collection(Entry, book="b", consistent=True)
    core.collection(Entry, book="b")
    assert [request.parameters.get("ConsistentRead", False) for request in recorder.requests] == [True, False]


def test_what_has_expired_is_hidden_unless_asked_for(core: CoreTable, clock: ManualClock) -> None:
    core.create(entry("b", "old", expires_at=clock.now()))
    core.create(entry("b", "live", expires_at=clock.now() + timedelta(seconds=1)))
    put_raw(core, LOGBOOK, {**raw_of_type("ghost", "GHOST#1"), "delete_at": {"N": str(int(clock.now().timestamp()))}})
    group = core.collection(Entry, book="b")
    assert (titles(group[Entry]), group.unknown) == (["live"], [])
    everything = core.collection(Entry, book="b", include_expired=True)
    assert titles(everything[Entry]) == ["live", "old"]
    assert len(everything.unknown) == 1


def test_an_item_that_does_not_fit_is_refused_skipped_or_collected(core: CoreTable) -> None:
    stored(core, entries("b", 2))
    put_raw(core, LOGBOOK, raw_entry("b", "wrong", number={"S": "x"}))
    with pytest.raises(CorruptItemError, match="@ number"):
        core.collection(Entry, book="b")
    skipped = core.collection(Entry, book="b", on_corrupt="skip")
    assert (titles(skipped[Entry]), skipped.corrupt) == (["t0000", "t0001"], [])
    collected = core.collection(Entry, book="b", on_corrupt="collect")
    assert titles(collected[Entry]) == ["t0000", "t0001"]
    assert [error.key["SK"] for error in collected.corrupt] == [{"S": "ENTRY#LINE#wrong"}]


@pytest.mark.parametrize(
    "components", [{}, {"book": None}, {"kind": "A"}, {"book": "b", "kind": "A"}, {"book": "b", "colour": "red"}]
)
def test_a_collection_takes_the_components_of_the_partition_key(components: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError) as refused:
        CoreTable(Unreachable()).collection(Entry, **components)
    assert isinstance(refused.value, InvalidKeyError) or components == {"book": None}
