"""Ready-made changes: what they make of every kind of item, interrupted anywhere, with writers in between."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from entities import everything, index_keys, stored
from reading_entities import put_raw
from ready_entities import (
    ANNEX,
    BY_TEAM,
    FIRST,
    MARKERS,
    ROSTERS,
    Marker,
    Pass1,
    Pass3,
    Tool1,
    Tool2,
    Tool3,
    Tool4,
    Turn1,
    Turn2,
    nothing,
    run_change,
    run_chunk,
)

from aircraftops_data import GSI1, GSI2, JOBS, CoreTable, Entity, Rate, Table
from aircraftops_data.coordination import Changes
from aircraftops_data.coordination.change import Change
from aircraftops_data.coordination.ready import backfill, copy, rename, upgrade
from aircraftops_data.errors import (
    CorruptItemError,
    DefinitionError,
    InvalidInputError,
    NotFoundError,
    TimeoutError,
    UniqueConflictError,
    VersionConflictError,
)
from aircraftops_data.model.definition import Item
from aircraftops_data.testing import ManualClock
from aircraftops_data.translation.codec import codec_of
from faults import faulty, lost_reply
from sweeping import on_dynamodb_local

Connect = Callable[..., CoreTable]
Items = dict[str, Item]


@pytest.fixture(params=["moto", pytest.param("local-direct", marks=pytest.mark.slow)])
def engine(request: pytest.FixtureRequest) -> str:
    """Ready-made changes are plans: they ask the same of an engine by every transport."""
    return str(request.param)


@pytest.fixture
def core(connect: Connect, clock: ManualClock) -> CoreTable:
    """An empty table, one to copy to, and where changes keep how far they are."""
    return connect(FIRST, ANNEX, MARKERS, clock=clock)


def raw(tool: str, **attributes: Any) -> Item:
    """A tool as another program stores it."""
    key: Item = {"PK": {"S": f"TOOL#{tool}"}, "SK": {"S": "TOOL"}}
    return {**key, "entity_type": {"S": "tool"}, "number": {"S": tool}, **attributes}


def furnish(core: CoreTable, clock: ManualClock) -> CoreTable:
    """Items of every kind, as the first release and others stored them."""
    core.create(Tool1(number="1", maker="acme", grams=5, marks={"a"}, note="n"))
    core.create(Tool1(number="2"))
    core.update(Tool1, number="2", set={"grams": 3})
    core.put_many([Tool1(number="3", maker="bolt")])
    core.create(Tool1(number="old", maker="acme", expires_at=clock.now() + timedelta(hours=1)))
    core.create(Tool1(number="4", maker="acme", expires_at=clock.now() + timedelta(hours=9)))
    core.create(Pass1(number="1", code="x", holder_name="h"))
    core.create(Pass1(number="2", code="y", expires_at=clock.now() + timedelta(hours=9)))
    put_raw(
        core,
        FIRST,
        raw("5", maker={"S": "acme"}, colour={"S": "red"}, created_at={"S": "2020-01-01T00:00:00Z"}),
    )
    keys = {"GSI1PK": {"S": "MAKER#gone"}, "GSI1SK": {"S": "GRAMS#00000000"}}
    put_raw(core, FIRST, raw("6", version={"N": "7"}, maker={"NULL": True}, **keys))
    put_raw(core, FIRST, raw("7", maker={"S": "m"}, GSI1PK={"S": "MAKER#m"}))
    put_raw(core, FIRST, {**raw("8"), "entity_type": {"S": "nobody's"}, "GSI1PK": {"S": "x"}, "maker": {"S": "m"}})
    clock.advance(timedelta(hours=2))
    return core


def items_of(core: CoreTable, table: Table = FIRST) -> Items:
    """What lies in a table, by key."""
    names = [attribute.name for attribute in table.attributes]
    return {repr([item[name] for name in names]): item for item in everything(core, table)}


def tools(items: Items, but: str = "old") -> Items:
    """The tools that have not expired."""
    return {key: item for key, item in items.items() if item["entity_type"] == {"S": "tool"} and f"#{but}'" not in key}


def without(item: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The item without some attributes."""
    return {name: value for name, value in item.items() if name not in names}


def sent_writes(core: CoreTable, change: Change) -> int:
    """How many writes beside its own record a change sends."""
    watched, transport = faulty(core)
    run_change(watched, change)
    transactions = [one.parameters["TransactItems"] for one in transport.sent if one.operation == "TransactWriteItems"]
    return sum(len(actions) - 1 for actions in transactions)


CHANGES: dict[str, Callable[..., Change]] = {
    "backfill": partial(backfill, "c", Tool2),
    "upgrade": partial(upgrade, "c", Tool3),
    "rename": partial(rename, "c", Tool2, "note", "remark"),
    "copy": partial(copy, "c", FIRST, to=ANNEX),
    "copy-entity": partial(copy, "c", FIRST, to=ANNEX, entity=Pass1),
}
every_change = pytest.mark.parametrize("made", CHANGES.values(), ids=CHANGES)


@every_change
@pytest.mark.parametrize("page", [0, 81])
def test_a_page_takes_as_many_items_as_a_transaction_can_write(made: Callable[..., Change], page: int) -> None:
    with pytest.raises(InvalidInputError, match="1 to 80"):
        made(page=page)


def test_what_a_change_is_tells_it_from_others() -> None:
    made = [*(make() for make in CHANGES.values()), backfill("c", Tool2, leaving=[GSI2])]
    assert len({change.checksum for change in made}) == len(made)
    assert backfill("c", Tool2).checksum == backfill("d", Tool2, page=7, rate=Rate(9), order="1").checksum
    change = backfill("0001", Tool2, order="7")
    assert (change.id, change.order, change.mode) == ("0001", "7", "chunked")


@on_dynamodb_local
class TestAnyChange:
    @every_change
    def test_it_goes_through_all_and_writes_nothing_twice(
        self, core: CoreTable, clock: ManualClock, made: Callable[..., Change]
    ) -> None:
        furnish(core, clock)
        count = len(everything(core, FIRST))
        marker = run_change(core, made(page=2))
        assert marker.done == count
        left = items_of(core), items_of(core, ANNEX)
        core.delete(Marker, name="c")
        assert sent_writes(core, made(page=4)) == 0
        assert (items_of(core), items_of(core, ANNEX)) == left

    @every_change
    def test_interrupted_anywhere_it_comes_to_the_same(self, connect: Connect, made: Callable[..., Change]) -> None:
        def result(after: int | None) -> object:
            clock = ManualClock()
            core = furnish(connect(FIRST, ANNEX, MARKERS, clock=clock), clock)
            if after is not None:
                for _ in range(after):
                    run_chunk(core, made(page=1))
                with pytest.raises(KeyboardInterrupt):
                    run_chunk(core, made(page=1), interrupt)
            run_change(core, made(page=2))
            return [
                [
                    without(item, "write_id", "former_write_id", "created_at", "updated_at")
                    for _, item in sorted(items_of(core, table).items())
                ]
                for table in (FIRST, ANNEX)
            ]

        whole = result(None)
        assert [result(after) for after in range(3)] == [whole] * 3

    @every_change
    def test_a_chunk_whose_reply_was_lost_is_not_made_twice(
        self, core: CoreTable, clock: ManualClock, made: Callable[..., Change]
    ) -> None:
        furnish(core, clock)
        watched, transport = faulty(core)
        transport.plan("TransactWriteItems", lost_reply, lost_reply)
        marker = run_change(watched, made())
        assert marker.ended
        assert sent_writes(core, made(page=80)) == 0

    @every_change
    def test_a_chunk_nobody_ever_heard_of_again_was_made_or_not(
        self, core: CoreTable, clock: ManualClock, made: Callable[..., Change]
    ) -> None:
        furnish(core, clock)
        watched, transport = faulty(core)
        transport.plan("TransactWriteItems", *[lost_reply] * 3)
        with pytest.raises(TimeoutError):
            run_change(watched, made())
        run_change(core, made())
        core.delete(Marker, name="c")
        assert sent_writes(core, made()) == 0

    @every_change
    def test_what_has_expired_is_left_alone(
        self, core: CoreTable, clock: ManualClock, made: Callable[..., Change]
    ) -> None:
        furnish(core, clock)
        expired = stored(core, Tool1, number="old")
        run_change(core, made())
        assert stored(core, Tool1, number="old") == expired
        assert not any("#old'" in key for key in items_of(core, ANNEX))

    @every_change
    def test_only_the_first_chunk_asks_how_many_items_there_are(
        self, core: CoreTable, clock: ManualClock, made: Callable[..., Change]
    ) -> None:
        furnish(core, clock)
        watched, transport = faulty(core)
        run_change(watched, made(page=3))
        assert transport.operations.count("DescribeTable") == 1


@pytest.mark.parametrize("engine", [pytest.param("moto"), pytest.param("local", marks=pytest.mark.slow)], indirect=True)
def test_they_are_applied_as_any_change(connect: Connect, clock: ManualClock) -> None:
    core = furnish(connect(FIRST, ANNEX, JOBS, clock=clock), clock)
    made = [
        backfill("1", Tool2, page=3, leaving=[GSI2]),
        upgrade("2", Pass3, page=3),
        rename("3", Tool2, "note", "remark", page=3),
        copy("4", FIRST, to=ANNEX, page=3),
    ]
    count = len(everything(core, FIRST))
    assert [record.progress().done for record in Changes(core).apply(made)] == [count] * 4
    assert Changes(core).apply(made) == []
    assert items_of(core, ANNEX) == {key: item for key, item in items_of(core).items() if "#old'" not in key}
    assert {index_keys(item).get("GSI1PK") for item in tools(items_of(core, ANNEX)).values()} == {
        None,
        "MAKER#acme",
        "MAKER#bolt",
        "MAKER#m",
    }


def interrupt() -> None:
    """The process ends here."""
    raise KeyboardInterrupt


class TestBackfill:
    def test_every_item_gets_the_keys_its_entity_builds_and_nothing_else(
        self, core: CoreTable, clock: ManualClock
    ) -> None:
        before = items_of(furnish(core, clock))
        run_change(core, backfill("b", Tool2, page=3))
        after = items_of(core)
        for key, item in tools(after).items():
            entity = codec_of(Tool2.definition()).entity(item)
            keys = (
                {}
                if entity.maker is None
                else {"GSI1PK": f"MAKER#{entity.maker}", "GSI1SK": f"GRAMS#{entity.grams:08}"}
            )
            left = {name: value for name, value in index_keys(before[key]).items() if name.startswith("GSI2")}
            assert index_keys(item) == keys | left
        assert {key: without(item, "GSI1PK", "GSI1SK") for key, item in after.items() if key in tools(after)} == {
            key: without(item, "GSI1PK", "GSI1SK") for key, item in tools(before).items()
        }
        assert {key: after[key] for key in after if key not in tools(after)} == {
            key: before[key] for key in before if key not in tools(before)
        }

    def test_only_what_is_wrong_is_written(self, core: CoreTable, clock: ManualClock) -> None:
        furnish(core, clock)
        # 1, 3, 4 and 5 lack keys, 6 has too many, 7 half a one; 2 is right.
        assert sent_writes(core, backfill("b", Tool2)) == 6

    def test_an_index_the_entity_left_is_left(self, core: CoreTable, clock: ManualClock) -> None:
        furnish(core, clock)
        assert index_keys(stored(core, Tool1, number="1") or {})["GSI2PK"] == "NOTE#n"
        run_change(core, backfill("b", Tool2, leaving=[GSI2]))
        assert [item for item in tools(items_of(core)).values() if "GSI2PK" in item or "GSI2SK" in item] == []

    @pytest.mark.parametrize("change", [backfill, upgrade])
    def test_a_key_by_a_former_template_of_the_index_is_taken_away(
        self, core: CoreTable, change: Callable[..., Change]
    ) -> None:
        core.create(Tool1(number="1", note="n"))
        core.create(Tool1(number="2", note="n", maker="m"))
        with pytest.raises(CorruptItemError):
            core.get(Tool4, number="1")
        run_change(core, change("b", Tool4))
        assert core.get(Tool4, number="1").note == "n"
        keys = {"GSI2PK": "MAKER#m", "GSI2SK": "TOOL#2"}
        assert [index_keys(stored(core, Tool4, number=number) or {}) for number in "12"] == [{}, keys]

    def test_an_index_it_is_in_cannot_be_left(self) -> None:
        with pytest.raises(DefinitionError, match="GSI1PK"):
            backfill("b", Tool2, leaving=[GSI1])
        with pytest.raises(DefinitionError, match="no index by_team"):
            backfill("b", Tool2, leaving=[BY_TEAM])
        with pytest.raises(DefinitionError, match="team"):
            backfill("b", Turn1, leaving=[BY_TEAM])

    def test_an_item_of_an_older_schema_gets_keys_and_stays_old(self, core: CoreTable, clock: ManualClock) -> None:
        before = tools(items_of(furnish(core, clock)))
        run_change(core, backfill("b", Tool3))
        assert index_keys(stored(core, Tool1, number="1") or {})["GSI1SK"] == "MG#000000005000"
        after = tools(items_of(core))
        assert {key: without(item, "GSI1PK", "GSI1SK") for key, item in after.items()} == {
            key: without(item, "GSI1PK", "GSI1SK") for key, item in before.items()
        }

    def test_an_item_that_does_not_fit_stops_it_until_it_is_mended(self, core: CoreTable, clock: ManualClock) -> None:
        furnish(core, clock)
        put_raw(core, FIRST, raw("9", grams={"S": "heavy"}))
        with pytest.raises(CorruptItemError, match=r"grams.* \(at PK 'TOOL#9', SK 'TOOL'\)") as caught:
            run_change(core, backfill("b", Tool2, page=1))
        assert caught.value.key == {"PK": {"S": "TOOL#9"}, "SK": {"S": "TOOL"}}
        put_raw(core, FIRST, raw("9", grams={"N": "9"}, maker={"S": "m"}))
        assert run_change(core, backfill("b", Tool2, page=1)).done == len(everything(core, FIRST))
        assert index_keys(stored(core, Tool2, number="9") or {})["GSI1SK"] == "GRAMS#00000009"

    def test_a_key_that_cannot_be_built_stops_it_by_name(self, core: CoreTable) -> None:
        put_raw(core, FIRST, raw("9", maker={"S": "m" * 3000}))
        with pytest.raises(CorruptItemError, match=r"GSI1PK would take .* \(at PK 'TOOL#9'"):
            run_change(core, backfill("b", Tool2))


class TestForeignTables:
    """Binary and number keys, fields as index keys, no entity types, versions of others."""

    @pytest.fixture
    def roster(self, connect: Connect, clock: ManualClock) -> CoreTable:
        """Turns, some of which are in no index."""
        core = connect(ROSTERS[0], MARKERS, clock=clock)
        for n in range(6):
            core.create(Turn1(who=bytes([n, 255]), year=-n, team="t" if n % 2 else None, rank=n))
        put_raw(core, ROSTERS[0], {"who": {"B": b"x"}, "year": {"N": "1.5e3"}, "rank": {"N": "7"}, "z": {"L": []}})
        return core

    def test_a_field_that_keys_an_index_stays_and_cursors_hold_any_key(self, roster: CoreTable) -> None:
        before = items_of(roster, ROSTERS[0])
        assert run_change(roster, backfill("b", Turn1, page=1)).done == 7
        assert items_of(roster, ROSTERS[0]) == before

    def test_an_index_keyed_by_fields_of_an_older_schema_is_not_backfilled(self, roster: CoreTable) -> None:
        with pytest.raises(CorruptItemError, match="upgrade first"):
            run_change(roster, backfill("b", Turn2))
        run_change(roster, upgrade("u", Turn2))
        assert sent_writes(roster, backfill("b", Turn2)) == 0
        found = {item["who"]["B"]: item.get("rank") for item in everything(roster, ROSTERS[0])}
        assert found == {bytes([n, 255]): {"N": str(10 * n)} for n in range(6)} | {b"x": {"N": "70"}}

    def test_a_table_is_copied_key_by_key(self, roster: CoreTable, connect: Connect, clock: ManualClock) -> None:
        other = connect(ROSTERS[1], clock=clock)
        name = other.context.names[ROSTERS[1]]
        assert run_change(roster, copy("c", ROSTERS[0], to=name, page=1)).done == 7
        assert items_of(other, ROSTERS[1]) == items_of(roster, ROSTERS[0])


class TestUpgrade:
    def test_every_old_item_becomes_what_the_current_schema_stores(self, core: CoreTable, clock: ManualClock) -> None:
        before = items_of(furnish(core, clock))
        read = {key: codec_of(Tool3.definition()).entity(item) for key, item in tools(before).items()}
        run_change(core, upgrade("u", Tool3, page=2))
        after = tools(items_of(core))
        assert {key: codec_of(Tool3.definition()).entity(item) for key, item in after.items()} == read
        for key, item in after.items():
            assert item["schema_version"] == {"N": "3"}
            assert not {"maker", "grams"} & set(item)
            managed = ("version", "updated_at", "write_id", "former_write_id")
            assert [item.get(name) for name in managed] == [before[key].get(name) for name in managed]
            vendor = read[key].vendor
            assert index_keys(item).get("GSI1PK") == (None if vendor is None else f"VENDOR#{vendor}")
        assert (stored(core, Tool3, number="5") or {})["colour"] == {"S": "red"}

    def test_an_upgrader_that_answers_with_a_dict_of_its_own_loses_nothing_the_library_keeps(
        self, core: CoreTable, clock: ManualClock
    ) -> None:
        furnish(core, clock)
        core.update(Pass1, number="1", set={"holder_name": "other"})
        before = stored(core, Pass1, number="1") or {}
        run_change(core, upgrade("u", Pass3))
        after = stored(core, Pass3, number="1") or {}
        renamed = {"bearer": {"S": "other"}, "schema_version": {"N": "2"}}
        assert after == without(before, "holder_name") | renamed

    def test_unique_values_are_held_as_before(self, core: CoreTable, clock: ManualClock) -> None:
        furnish(core, clock)
        run_change(core, upgrade("u", Pass3))
        with pytest.raises(UniqueConflictError):
            core.create(Pass3(number="3", code="x"))
        core.update(Pass3, number="1", set={"code": "z"})
        core.create(Pass3(number="3", code="x"))

    def test_an_item_of_a_newer_schema_stops_it(self, core: CoreTable) -> None:
        put_raw(core, FIRST, raw("9", schema_version={"N": "4"}))
        with pytest.raises(CorruptItemError, match=r"schema version 4.*TOOL#9"):
            run_change(core, upgrade("u", Tool3))


class TestRename:
    def test_the_attribute_has_its_new_name_and_the_version_goes_up(self, core: CoreTable, clock: ManualClock) -> None:
        before = tools(items_of(furnish(core, clock)))
        run_change(core, rename("r", Tool2, "maker", "vendor", page=2))
        for key, item in tools(items_of(core)).items():
            former = before[key]
            if "maker" not in former:
                assert item == former
                continue
            version = {"N": str(int(former.get("version", {}).get("N", "0")) + 1)}
            assert item == without(former, "maker") | {"vendor": former["maker"], "version": version}

    def test_an_item_that_has_both_stops_it_and_keeps_both(self, core: CoreTable) -> None:
        item = raw("9", maker={"S": "a"}, vendor={"S": "b"})
        put_raw(core, FIRST, item)
        with pytest.raises(CorruptItemError, match=r"both 'maker' and 'vendor' \(at PK 'TOOL#9'"):
            run_change(core, rename("r", Tool2, "maker", "vendor"))
        assert everything(core, FIRST) == [item]

    def test_an_item_whose_upgraders_count_on_the_name_stops_it(self, core: CoreTable) -> None:
        core.create(Tool1(number="1", maker="acme"))
        with pytest.raises(CorruptItemError, match="upgrade first"):
            run_change(core, rename("r", Tool3, "maker", "vendor"))

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("PK", "x"),
            ("x", "SK"),
            ("GSI1PK", "x"),
            ("x", "version"),
            ("write_id", "x"),
            ("x", "delete_at"),
            ("x", "x"),
            ("", "x"),
        ],
    )
    def test_keys_and_what_the_library_keeps_are_refused(self, old: str, new: str) -> None:
        with pytest.raises(DefinitionError):
            rename("r", Tool2, old, new)

    def test_one_who_read_it_before_cannot_store_it_without_the_value(self, core: CoreTable) -> None:
        core.create(Tool1(number="1", note="n"))
        held = core.get(Tool1, number="1")
        run_change(core, rename("r", Tool1, "note", "remark"))
        with pytest.raises(VersionConflictError, match="version 2, not 1"):
            core.replace(held)
        assert (stored(core, Tool1, number="1") or {})["remark"] == {"S": "n"}


class TestCopy:
    def test_a_whole_table_goes_with_its_sentinels(self, core: CoreTable, clock: ManualClock) -> None:
        here = items_of(furnish(core, clock))
        run_change(core, copy("c", FIRST, to=core.context.names[ANNEX], page=2))
        assert items_of(core, ANNEX) == {key: item for key, item in here.items() if "#old'" not in key}

    def test_one_entity_goes_with_what_holds_its_unique_values(self, core: CoreTable, clock: ManualClock) -> None:
        here = items_of(furnish(core, clock))
        run_change(core, copy("c", FIRST, to=ANNEX, entity=Pass1, page=2))
        assert items_of(core, ANNEX) == {key: item for key, item in here.items() if "PASS" in key or "UNIQUE" in key}
        run_change(core, copy("d", FIRST, to=ANNEX, entity=Tool1, page=2))
        assert len(tools(items_of(core, ANNEX))) == len(tools(here))

    def test_what_is_there_at_the_same_or_a_newer_version_stays(self, core: CoreTable) -> None:
        for number in "123":
            core.create(Tool1(number=number, maker="here"))
            core.update(Tool1, number=number, set={"note": "here"})
        there = [raw(str(n), version={"N": str(n)}, maker={"S": "there"}) for n in (1, 2, 3)]
        put_raw(core, ANNEX, *there)
        run_change(core, copy("c", FIRST, to=ANNEX))
        found = items_of(core, ANNEX)
        assert sorted(item["maker"]["S"] for item in found.values()) == ["here", "there", "there"]
        assert stored(core, Tool1, number="1") in found.values()

    def test_what_has_expired_there_does_not_count(self, core: CoreTable, clock: ManualClock) -> None:
        core.create(Tool1(number="1", maker="here"))
        past = {"delete_at": {"N": str(int(clock.now().timestamp()) - 1)}}
        put_raw(core, ANNEX, raw("1", version={"N": "9"}, **past))
        run_change(core, copy("c", FIRST, to=ANNEX))
        assert items_of(core, ANNEX) == items_of(core)

    def test_copied_again_it_follows_what_changed(self, core: CoreTable, clock: ManualClock) -> None:
        furnish(core, clock)
        run_change(core, copy("c", FIRST, to=ANNEX))
        core.update(Tool1, number="1", set={"note": "later"})
        core.update(Pass1, number="2", set={"expires_at": clock.now() + timedelta(hours=99)})
        assert sent_writes(core, copy("d", FIRST, to=ANNEX)) == 3
        assert items_of(core, ANNEX) == {key: item for key, item in items_of(core).items() if "#old'" not in key}

    def test_a_unique_value_held_for_another_there_stops_it(self, core: CoreTable) -> None:
        core.create(Pass1(number="1", code="x"))
        run_change(core, copy("c", FIRST, to=ANNEX))
        core.update(Pass1, number="1", set={"code": "y"})
        core.create(Pass1(number="2", code="x"))
        with pytest.raises(UniqueConflictError) as caught:
            run_change(core, copy("d", FIRST, to=ANNEX))
        assert caught.value.holder == {"PK": {"S": "PASS#1"}, "SK": {"S": "PASS"}}

    def test_a_writer_there_is_not_overwritten(self, core: CoreTable) -> None:
        core.create(Tool1(number="1", maker="here"))
        writers = iter([raw("1", version={"N": "5"}, maker={"S": "there"})])

        def write_there() -> None:
            put_raw(core, ANNEX, *writers)

        run_change(core, copy("c", FIRST, to=ANNEX), write_there)
        assert [item["maker"]["S"] for item in everything(core, ANNEX)] == ["there"]

    def test_a_table_of_another_kind_or_itself_is_refused(self, core: CoreTable) -> None:
        with pytest.raises(DefinitionError, match="primary key"):
            copy("c", FIRST, to=ROSTERS[0])
        with pytest.raises(DefinitionError, match="not of"):
            copy("c", FIRST, to=ANNEX, entity=Turn1)
        with pytest.raises(InvalidInputError, match="itself"):
            run_change(core, copy("c", FIRST, to=core.context.names[FIRST]))


@on_dynamodb_local
class TestChunks:
    """How much a chunk reads and writes."""

    def stored(self, core: CoreTable, maker: Callable[[int], str | None]) -> None:
        """A thousand tools; a maker puts one into the index they were not in."""
        core.put_many(Tool1(number=f"{number:04}", maker=maker(number)) for number in range(400))

    def chunks(self, core: CoreTable, page: int) -> tuple[list[int], list[str]]:
        """How many items each chunk of a backfill writes; and the requests it took."""
        watched, transport = faulty(core)
        run_change(watched, backfill("c", Tool2, page=page))
        sent = [one.parameters["TransactItems"] for one in transport.sent if one.operation == "TransactWriteItems"]
        return [len(actions) - 1 for actions in sent], transport.operations

    def test_a_few_items_among_many_take_few_commits_and_few_requests(self, core: CoreTable) -> None:
        self.stored(core, lambda number: "acme" if number in (7, 391) else None)
        written, operations = self.chunks(core, 10)
        assert sum(written) == 2
        assert operations.count("Scan") < 12
        assert len(written) == 1

    def test_no_chunk_writes_more_than_said_however_many_are_found_at_once(self, core: CoreTable) -> None:
        self.stored(core, lambda number: "acme" if number > 200 else None)
        written, _ = self.chunks(core, 10)
        assert sum(written) == 199
        assert max(written) == 10
        assert len(written) < 25


@pytest.mark.slow
class TestWritersInBetween:
    """Items that change between the page and the commit: nothing is lost, and the keys are right in the end."""

    def writers(self, core: CoreTable, entity: type[Entity], maker: str) -> list[Callable[[], object]]:
        """What others do, once each."""
        return [
            lambda: core.update(entity, number="1", set={maker: "new"}),
            lambda: core.update(entity, number="2", set={"note": "new"}),
            lambda: core.delete(entity, number="3"),
            lambda: core.put(entity.model_validate({"number": "3", maker: "anew"})),
            lambda: core.replace(core.get(entity, number="4").model_copy(update={maker: None})),
            lambda: core.put_many([entity.model_validate({"number": "5", maker: "bulk"})]),
            lambda: core.create(entity.model_validate({"number": "10", maker: "late"})),
        ]

    @pytest.mark.parametrize("kind", ["backfill", "upgrade"])
    @pytest.mark.parametrize("page", [1, 3, 50])
    def test_nothing_is_lost_and_the_keys_are_right(
        self, core: CoreTable, clock: ManualClock, kind: str, page: int
    ) -> None:
        furnish(core, clock)
        entity, maker = (Tool2, "maker") if kind == "backfill" else (Tool3, "vendor")
        waiting = self.writers(core, entity, maker)
        change = {"backfill": backfill, "upgrade": upgrade}[kind]("w", entity, page=page)
        run_change(core, change, lambda: waiting.pop(0)() if waiting else nothing())
        while waiting:
            waiting.pop(0)()
        found = {number: core.get(entity, number=number) for number in ("1", "2", "3", "4", "5", "10")}
        makers = {number: getattr(tool, maker) for number, tool in found.items()}
        assert makers == {"1": "new", "2": None, "3": "anew", "4": None, "5": "bulk", "10": "late"}
        assert found["2"].note == "new"
        for item in tools(items_of(core)).values():
            built = codec_of(entity.definition()).item(codec_of(entity.definition()).entity(item))
            names = ("GSI1PK", "GSI1SK")
            assert {name: item.get(name) for name in names} == {name: built.get(name) for name in names}

    def test_a_deleted_item_does_not_come_back(self, core: CoreTable, clock: ManualClock) -> None:
        furnish(core, clock)
        run_change(core, backfill("w", Tool2), lambda: core.delete(Tool2, number="1"))
        with pytest.raises(NotFoundError):
            core.get(Tool2, number="1")
