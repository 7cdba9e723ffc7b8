"""Random tables, random writers and a change among them: all comes out as without it, but for what it is for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from entities import escaped, everything
from hypothesis import given, settings
from hypothesis import strategies as st
from reading_entities import put_raw
from ready_entities import FIRST, MARKERS, Marker, Tool2, Tool3, run_chunk

from aircraftops_data import CoreTable, Entity
from aircraftops_data.coordination.change import Change
from aircraftops_data.coordination.ready import backfill, rename, upgrade
from aircraftops_data.errors import ConflictError, NotFoundError
from aircraftops_data.model.definition import Item
from aircraftops_data.request import Request
from aircraftops_data.testing import ManualClock
from aircraftops_data.translation.codec import codec_of
from sweeping import on_dynamodb_local

Connect = Callable[..., CoreTable]
NUMBERS = ("1", "2#", "3")
KEYS = ("GSI1PK", "GSI1SK")


@pytest.fixture(params=["moto", pytest.param("local-direct", marks=pytest.mark.slow)])
def engine(request: pytest.FixtureRequest) -> str:
    """Ready-made changes are plans: they ask the same of an engine by every transport."""
    return str(request.param)


def keyed(item: Item) -> Item:
    """The index keys of a tool of the second release, from its stored fields."""
    maker = item.get("maker", {}).get("S")
    if maker is None:
        return {}
    grams = int(item.get("grams", {"N": "0"})["N"])
    return {"GSI1PK": {"S": f"MAKER#{escaped(maker)}"}, "GSI1SK": {"S": f"GRAMS#{grams:08d}"}}


def texts(*values: str) -> st.SearchStrategy[Item]:
    """One of these texts as an attribute value."""
    return st.sampled_from([{"S": value} for value in values])


FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "maker": texts("acme", "b#%") | st.just({"NULL": True}),
        "grams": st.sampled_from([{"N": "0"}, {"N": "12"}]),
        "marks": st.just({"SS": ["a", "b"]}),
        "note": texts("n", ""),
        "colour": texts("red"),
        "version": st.sampled_from([{"N": "1"}, {"N": "7"}]),
        "write_id": texts("w1"),
        "updated_at": texts("2020-01-01T00:00:00.000000Z"),
    },
)


@st.composite
def tools(draw: st.DrawFn, *former: Item) -> list[Item]:
    """Tools whose index keys are right, missing, half, another's, or of a `former` template."""
    made: list[Item] = []
    for number in draw(st.lists(st.sampled_from([*NUMBERS, "4", "5"]), unique=True)):
        item: Item = draw(FIELDS) | {"number": {"S": number}, "entity_type": {"S": "tool"}}
        keys = draw(st.sampled_from([keyed(item), {}, {"GSI1PK": {"S": "MAKER#x"}}, *former]))
        # What reads as a maker's name is one, where no attribute says otherwise.
        keys = keys if "maker" in item else {}
        made.append({"PK": {"S": f"TOOL#{escaped(number)}"}, "SK": {"S": "TOOL"}, **item, **keys})
    return made


def without(item: Item, *names: str) -> Item:
    """The item without some attributes."""
    return {name: value for name, value in item.items() if name not in names}


def lying(core: CoreTable) -> dict[str, Item]:
    """What lies in the table, by partition key; sets in order."""
    found = {item["PK"]["S"]: item for item in everything(core, FIRST)}
    for item in found.values():
        for value in item.values():
            if "SS" in value:
                value["SS"] = sorted(value["SS"])
    return found


def wipe(core: CoreTable) -> None:
    """Empty both tables."""
    for table in (FIRST, MARKERS):
        for item in everything(core, table):
            parameters = {"TableName": core.context.names[table], "Key": {"PK": item["PK"], "SK": item["SK"]}}
            core.runner.transport.send(Request("DeleteItem", parameters))


def run_among(core: CoreTable, change: Change, writers: list[Callable[[], object]]) -> None:
    """Run a change to its end, one writer between each page and its commit; those that are left come after."""
    waiting = iter(writers)

    def between() -> None:
        next(waiting, lambda: None)()

    while not run_chunk(core, change, between).ended:
        pass
    for writer in waiting:
        writer()


def examples(engine: str) -> int:
    """How many to try: some, so that it stays in the fast lane; a few where an engine takes its time."""
    return max(8, settings().max_examples // 8) if engine == "moto" else 10


def test_after_a_backfill_every_item_has_the_keys_of_its_entity_and_is_else_what_it_was(
    connect: Connect, engine: str, clock: ManualClock
) -> None:
    core = connect(FIRST, MARKERS, clock=clock)

    @settings(max_examples=examples(engine))
    @given(tools({"GSI1SK": {"S": "former"}}), st.integers(1, 3), st.integers(0, 3))
    def tables(items: list[Item], page: int, interruptions: int) -> None:
        wipe(core)
        put_raw(core, FIRST, *items)
        before = lying(core)
        change = backfill("b", Tool2, page=page)
        for _ in range(interruptions):
            if not run_chunk(core, change).ended:
                with suppress(KeyboardInterrupt):
                    run_chunk(core, change, _interrupt)
                continue
            core.delete(Marker, name="b")
        run_among(core, change, [])
        assert lying(core) == {key: without(item, *KEYS) | keyed(item) for key, item in before.items()}

    tables()


def _interrupt() -> None:
    raise KeyboardInterrupt


@dataclass(frozen=True)
class Write:
    """What one writer does to one tool."""

    kind: str
    number: str
    values: dict[str, Any] = field(default_factory=dict[str, Any])

    def made(self, core: CoreTable, entity: type[Entity], maker: str, grams: str) -> None:
        """Do it; what cannot be done is not."""
        names = {"maker": maker, "grams": grams, "note": "note"}
        values = {names[name]: value for name, value in self.values.items()}
        whole = entity.model_validate({"number": self.number, **values})
        with suppress(ConflictError, NotFoundError):
            if self.kind == "update":
                core.update(entity, number=self.number, set=values or {"note": None})
            elif self.kind == "update instance":
                core.update(core.get(entity, number=self.number), set=values or {"note": None})
            elif self.kind == "replace":
                core.replace(core.get(entity, number=self.number).model_copy(update=values))
            elif self.kind == "delete":
                core.delete(entity, number=self.number)
            elif self.kind == "put many":
                core.put_many([whole]).raise_if_failed()
            else:
                getattr(core, self.kind)(whole)


KINDS = ("update", "update instance", "replace", "delete", "put many", "put", "create")
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "maker": st.none() | st.sampled_from(["bolt", "b#"]),
        "grams": st.integers(0, 3),
        "note": st.sampled_from(["n", "m"]),
    },
)
WRITES = st.lists(st.builds(Write, st.sampled_from(KINDS), st.sampled_from(NUMBERS), VALUES), max_size=6)


@on_dynamodb_local
@pytest.mark.parametrize("kind", ["backfill", "upgrade", "rename"])
def test_whatever_writers_do_meanwhile_comes_to_the_same_as_without_a_change(
    connect: Connect, clock: ManualClock, kind: str
) -> None:
    core = connect(FIRST, MARKERS, clock=clock)
    entity, maker, grams = (Tool3, "vendor", "milligrams") if kind == "upgrade" else (Tool2, "maker", "grams")
    change = {
        "backfill": lambda page: backfill("c", Tool2, page=page),
        "upgrade": lambda page: upgrade("c", Tool3, page=page),
        "rename": lambda page: rename("c", Tool2, "colour", "tint", page=page),
    }[kind]
    codec = codec_of(entity.definition())

    def facts(*dropped: str) -> dict[str, Any]:
        return {
            key: (codec.entity(item).model_dump(exclude=set(dropped)), item.get("colour", item.get("tint")))
            for key, item in lying(core).items()
        }

    @settings(max_examples=settings().max_examples // 2)
    @given(tools(), WRITES, st.integers(1, 3))
    def histories(items: list[Item], writes: list[Write], page: int) -> None:
        writers = [lambda write=write: write.made(core, entity, maker, grams) for write in writes]
        # Waiting moves the clock; and a renamed item counts as changed.
        dropped = ("created_at", "updated_at", *(["version"] if kind == "rename" else []))
        wipe(core)
        put_raw(core, FIRST, *items)
        for writer in writers:
            writer()
        expected = facts(*dropped)
        wipe(core)
        put_raw(core, FIRST, *items)
        run_among(core, change(page), writers)
        assert facts(*dropped) == expected
        for item in lying(core).values():
            built = codec.item(codec.entity(item))
            if kind != "rename":
                assert {name: item.get(name) for name in KEYS} == {name: built.get(name) for name in KEYS}
        if kind == "rename":
            assert [item for item in lying(core).values() if "colour" in item] == []

    histories()
