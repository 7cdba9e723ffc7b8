"""Stored data that does not fit: refused with its place, or skipped, or collected; older shapes lifted."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import pytest
from reading_entities import (
    ARCHIVE,
    LOGBOOK,
    SHELF,
    Entry,
    Memo,
    Part,
    entries,
    put_raw,
    raw_entry,
    stored,
    titles,
    watched,
)

from aircraftops_data import CoreTable, Entity, PrimaryKey, Table, upgrader
from aircraftops_data.errors import CorruptItemError, UnknownEntityTypeError, WrongEntityTypeError

Connect = Callable[..., CoreTable]

SECRET = "N0SECRET"


@pytest.fixture
def core(connect: Connect) -> CoreTable:
    """A logbook, a shelf and an archive."""
    return connect(LOGBOOK, SHELF, ARCHIVE)


def raw_part(**attributes: Any) -> dict[str, Any]:
    """The item of a part; an attribute given as None is left out."""
    item = {
        "PK": {"S": "SHELF#s"},
        "SK": {"S": "PART#1"},
        "entity_type": {"S": "part"},
        "shelf": {"S": "s"},
        "serial": {"S": "1"},
        **attributes,
    }
    return {name: value for name, value in item.items() if value is not None}


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"cycles": {"S": SECRET}}, "cycles"),
        ({"cycles": {"N": "1.5"}}, "cycles"),
        ({"cycles": {"NULL": True}}, "cycles"),
        ({"state": {"S": SECRET}}, "state"),
        ({"labels": {"N": "1"}}, "labels"),
        ({"labels": {"NS": ["1"]}}, "labels.0"),
        ({"notes": {"L": [{"S": "a"}, {"M": {SECRET: {"S": SECRET}}}]}}, "notes.1"),
        ({"place": {"M": {"level": {"N": "1"}}}}, "place.rack"),
        ({"place": {"M": {"rack": {"S": "r"}, "level": {"S": SECRET}}}}, "place.level"),
        ({"received_at": {"S": SECRET}}, "received_at"),
        ({"inspected_on": {"S": "2025-02-30"}}, "inspected_on"),
        ({"serviceable": {"S": SECRET}}, "serviceable"),
        ({"version": {"S": SECRET}}, "version"),
        ({"created_at": {"S": SECRET}}, "created_at"),
        ({"delete_at": {"S": SECRET}}, "expires_at"),
    ],
)
def test_a_problem_is_told_with_its_path_and_key_and_without_contents(
    core: CoreTable, wrong: dict[str, Any], path: str
) -> None:
    put_raw(core, SHELF, raw_part(**wrong))
    for read in (lambda: core.get(Part, shelf="s", serial="1"), core.query(Part.primary(shelf="s")).all):
        with pytest.raises(CorruptItemError) as refused:
            read()
        error = refused.value
        assert [problem.rpartition(" @ ")[2] for problem in error.problems] == [path]
        assert error.entity == "Part"
        assert error.key == {"PK": {"S": "SHELF#s"}, "SK": {"S": "PART#1"}}
        assert "A stored Part does not fit" in str(error)
        assert SECRET not in "".join(traceback.format_exception(error))


def test_every_problem_of_an_item_is_told_at_once(core: CoreTable) -> None:
    put_raw(core, SHELF, raw_part(cycles={"S": "x"}, state={"S": "x"}, mass={"S": "x"}))
    with pytest.raises(CorruptItemError) as refused:
        core.get(Part, shelf="s", serial="1")
    assert sorted(problem.rpartition(" @ ")[2] for problem in refused.value.problems) == ["cycles", "mass", "state"]


def test_a_field_that_must_be_there_is_missed(core: CoreTable) -> None:
    put_raw(core, ARCHIVE, {**raw_memo(3), "text": {"S": "t"}})
    with pytest.raises(CorruptItemError, match="@ pages"):
        core.get(Memo, folder="f", name="m")


def book_with_strays(core: CoreTable) -> None:
    """Three entries, among them one that does not fit, one of another type and one of none."""
    stored(core, entries("b", 3))
    put_raw(
        core,
        LOGBOOK,
        raw_entry("b", "t0000-wrong", number={"S": SECRET}),
        raw_entry("b", "t0001-other", entity_type={"S": "remark"}),
        raw_entry("b", "t0002-none", entity_type=None),
    )


def test_by_default_the_first_item_that_does_not_fit_is_raised(core: CoreTable) -> None:
    book_with_strays(core)
    found = iter(core.query(Entry.primary(book="b")))
    assert next(found).title == "t0000"
    with pytest.raises(CorruptItemError, match="@ number"):
        next(found)


def test_skipping_reads_on_without_it(core: CoreTable) -> None:
    book_with_strays(core)
    query = core.query(Entry.primary(book="b")).on_corrupt("skip")
    found = iter(query)
    assert titles(found) == ["t0000", "t0001", "t0002"]
    assert found.corrupt == []
    page = query.page(limit=2)
    assert (titles(page), page.corrupt) == (["t0000", "t0001"], [])
    assert titles(query.page(limit=2, cursor=page.cursor)) == ["t0002"]


def test_collecting_reads_on_and_tells(core: CoreTable) -> None:
    book_with_strays(core)
    query = core.query(Entry.primary(book="b")).on_corrupt("collect")
    found = iter(query)
    assert titles(found) == ["t0000", "t0001", "t0002"]
    page = query.page()
    for corrupt in (found.corrupt, page.corrupt):
        assert [type(error) for error in corrupt] == [CorruptItemError, WrongEntityTypeError, UnknownEntityTypeError]
        assert [error.key["SK"]["S"][-5:] for error in corrupt] == ["wrong", "other", "-none"]


def test_what_is_collected_grows_as_pages_are_read(core: CoreTable) -> None:
    book_with_strays(core)
    found = iter(core.query(Entry.primary(book="b")).on_corrupt("collect"))
    assert found.corrupt == []
    next(found)
    next(found)
    assert len(found.corrupt) == 1
    list(found)
    assert len(found.corrupt) == 3


def test_backwards_and_projected_reads_follow_the_policy_too(core: CoreTable) -> None:
    book_with_strays(core)
    query = core.query(Entry.primary(book="b")).on_corrupt("skip")
    assert titles(query.newest_first()) == ["t0002", "t0001", "t0000"]
    assert [part.number for part in query.project("number")] == [0, 1, 2]


def raw_memo(schema_version: int | None, **attributes: Any) -> dict[str, Any]:
    """A memo's item as some schema version wrote it."""
    versioned = {} if schema_version is None else {"schema_version": {"N": str(schema_version)}}
    return {
        "PK": {"S": "FOLDER#f"},
        "SK": {"S": "MEMO#m"},
        "entity_type": {"S": "memo"},
        "folder": {"S": "f"},
        "name": {"S": "m"},
        **versioned,
        **attributes,
    }


EXPECTED = Memo(folder="f", name="m", text="one two", pages=2)
OLD_SHAPES = {
    "without a mark": raw_memo(None, body={"S": "one two"}),
    "first": raw_memo(1, body={"S": "one two"}),
    "second": raw_memo(2, text={"S": "one two"}),
    "third": raw_memo(3, text={"S": "one two"}, pages={"N": "2"}),
}


@pytest.mark.parametrize("shape", OLD_SHAPES)
def test_an_older_shape_is_lifted_on_read(core: CoreTable, shape: str) -> None:
    put_raw(core, ARCHIVE, OLD_SHAPES[shape])
    key: dict[str, Any] = {"folder": "f", "name": "m"}
    assert core.get(Memo, **key) == EXPECTED
    assert core.get_many(Memo, [key]).all() == [EXPECTED]
    assert core.query(Memo.primary(folder="f")).all() == [EXPECTED]
    assert core.collection(Memo, folder="f").memo == EXPECTED
    assert core.scan(Memo).all() == [EXPECTED]


def test_reading_an_older_shape_writes_nothing(core: CoreTable) -> None:
    put_raw(core, ARCHIVE, OLD_SHAPES["first"])
    core, recorder = watched(core)
    core.query(Memo.primary(folder="f")).all()
    core.get(Memo, folder="f", name="m")
    assert recorder.operations == ["Query", "GetItem"]


@pytest.mark.parametrize("mark", [{"N": "4"}, {"N": "0"}, {"N": "1.5"}, {"S": SECRET}, {"NULL": True}])
def test_a_shape_this_code_does_not_know_is_refused(core: CoreTable, mark: dict[str, Any]) -> None:
    put_raw(core, ARCHIVE, {**OLD_SHAPES["third"], "schema_version": mark})
    for read in (
        lambda: core.get(Memo, folder="f", name="m"),
        core.query(Memo.primary(folder="f")).all,
        core.query(Memo.primary(folder="f")).project("text").all,
    ):
        with pytest.raises(CorruptItemError) as refused:
            read()
        assert SECRET not in str(refused.value)
    assert core.query(Memo.primary(folder="f")).on_corrupt("skip").all() == []


def test_a_newer_item_is_refused_by_code_of_the_first_version(core: CoreTable) -> None:
    put_raw(core, LOGBOOK, raw_entry("b", "t", schema_version={"N": "2"}))
    with pytest.raises(CorruptItemError, match="written by schema version 2, this code knows 1"):
        core.get(Entry, book="b", kind="LINE", title="t")


DRAWER = Table("Drawer")


def lift(values: dict[str, Any]) -> Any:
    """Raise, give nothing, or give a shape that does not fit, as the item says."""
    if values["do"] == "raise":
        raise KeyError(SECRET)
    return None if values["do"] == "nothing" else {"name": 7}


class Fragile(Entity, table=DRAWER, entity_type="fragile", schema_version=2):
    """Its upgrader fails."""

    name: str

    primary = PrimaryKey("FRAGILE#{name}", "FRAGILE")
    lifted = upgrader(1)(lift)


@pytest.mark.parametrize("do", ["raise", "nothing", "shape"])
def test_an_upgrader_that_fails_is_a_problem_of_its_item(connect: Connect, do: str) -> None:
    core = connect(DRAWER)
    item = {"PK": {"S": "FRAGILE#x"}, "SK": {"S": "FRAGILE"}, "entity_type": {"S": "fragile"}, "name": {"S": "x"}}
    put_raw(core, DRAWER, {**item, "do": {"S": do}})
    with pytest.raises(CorruptItemError) as refused:
        core.get(Fragile, name="x")
    assert SECRET not in str(refused.value)
    assert refused.value.key == {"PK": {"S": "FRAGILE#x"}, "SK": {"S": "FRAGILE"}}
    assert core.query(Fragile.primary(name="x")).on_corrupt("skip").all() == []
