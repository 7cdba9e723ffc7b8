"""Throwaway entities for the tests of ready-made changes: releases of the same items, and what runs a change here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import Field

from aircraftops_data import (
    GSI1,
    GSI2,
    CoreTable,
    Entity,
    Index,
    KeyAttribute,
    PrimaryKey,
    SecondaryIndex,
    Table,
    Unique,
    upgrader,
)
from aircraftops_data.coordination.change import Change
from aircraftops_data.coordination.chunk import Chunk
from aircraftops_data.core.commit import commit
from aircraftops_data.core.intents import Replace
from aircraftops_data.errors import ConditionFailedError, TransactionConflictError, VersionConflictError

BY_TEAM = SecondaryIndex("by_team", KeyAttribute("team"), KeyAttribute("rank", "N"))

# One physical table, as releases of a program that followed each other describe it.
FIRST, SECOND, THIRD, FOURTH = (Table("Hangar", indexes=(GSI1, GSI2), ttl_attribute="delete_at") for _ in range(4))
ANNEX = Table("Annex", indexes=(GSI1, GSI2), ttl_attribute="delete_at")
ROSTERS = (
    Table("Roster", KeyAttribute("who", "B"), KeyAttribute("year", "N"), indexes=(BY_TEAM,), typed=False),
    Table("Roster", KeyAttribute("who", "B"), KeyAttribute("year", "N"), indexes=(BY_TEAM,), typed=False),
)
MARKERS = Table("Markers")


class Tool1(Entity, table=FIRST, entity_type="tool"):
    """A tool in no index but one it is to leave."""

    number: str
    maker: str | None = None
    grams: int = 0
    marks: set[str] = Field(default_factory=set)
    note: str | None = None

    primary = PrimaryKey("TOOL#{number}", "TOOL")
    by_note = Index(GSI2, "NOTE#{note}", "TOOL#{number}")


class Tool2(Entity, table=SECOND, entity_type="tool"):
    """A tool found by its maker."""

    number: str
    maker: str | None = None
    grams: int = 0
    marks: set[str] = Field(default_factory=set)
    note: str | None = None

    primary = PrimaryKey("TOOL#{number}", "TOOL")
    by_maker = Index(GSI1, "MAKER#{maker}", "GRAMS#{grams:8}")


class Tool3(Entity, table=THIRD, entity_type="tool", schema_version=3):
    """A tool whose maker became a vendor, and its weight a number of milligrams."""

    number: str
    vendor: str | None = None
    milligrams: int = 0
    marks: set[str] = Field(default_factory=set)
    note: str | None = None

    primary = PrimaryKey("TOOL#{number}", "TOOL")
    by_vendor = Index(GSI1, "VENDOR#{vendor}", "MG#{milligrams:12}")

    @upgrader(1)
    @staticmethod
    def _maker_is_vendor(values: dict[str, Any]) -> dict[str, Any]:
        values["vendor"] = values.pop("maker", None)
        return values

    @upgrader(2)
    @staticmethod
    def _weight_in_milligrams(values: dict[str, Any]) -> dict[str, Any]:
        values["milligrams"] = values.pop("grams", 0) * 1000
        return values


class Tool4(Entity, table=FOURTH, entity_type="tool", schema_version=2):
    """A tool found by its maker in an index where it was found by its note."""

    number: str
    maker: str | None = None
    note: str | None = None
    marks: set[str] = Field(default_factory=set)

    primary = PrimaryKey("TOOL#{number}", "TOOL")
    by_maker = Index(GSI2, "MAKER#{maker}", "TOOL#{number}")

    @upgrader(1)
    @staticmethod
    def _same(values: dict[str, Any]) -> dict[str, Any]:
        return values


class Pass1(Entity, table=FIRST, entity_type="pass"):
    """A pass with a code of its own."""

    number: str
    code: str | None = None
    holder_name: str | None = None

    primary = PrimaryKey("PASS#{number}", "PASS")
    one_code = Unique("code")


class Pass3(Entity, table=THIRD, entity_type="pass", schema_version=2):
    """The same, of a later release."""

    number: str
    code: str | None = None
    bearer: str | None = None

    primary = PrimaryKey("PASS#{number}", "PASS")
    one_code = Unique("code")

    @upgrader(1)
    @staticmethod
    def _of_its_own(values: dict[str, Any]) -> dict[str, Any]:
        # As upgraders may: what it does not name is gone.
        return {"number": values["number"], "code": values.get("code"), "bearer": values.get("holder_name")}


class Turn1(Entity, table=ROSTERS[0], entity_type="turn"):
    """In a table others made: binary and number keys, no entity types."""

    who: bytes
    year: int
    team: str | None = None
    rank: int | None = None

    primary = PrimaryKey("{who}", "{year}")
    by_team = Index(BY_TEAM, "{team}", "{rank}")


class Turn2(Entity, table=ROSTERS[1], entity_type="turn", schema_version=2):
    """The same, of a later release: ranks count by tens."""

    who: bytes
    year: int
    team: str | None = None
    rank: int | None = None

    primary = PrimaryKey("{who}", "{year}")
    by_team = Index(BY_TEAM, "{team}", "{rank}")

    @upgrader(1)
    @staticmethod
    def _by_tens(values: dict[str, Any]) -> dict[str, Any]:
        return {**values, "rank": values["rank"] * 10}


class Marker(Entity, table=MARKERS, entity_type="marker"):
    """How far a change has come."""

    name: str
    cursor: str | None = None
    chunks: int = 0
    done: int = 0
    ended: bool = False

    primary = PrimaryKey("MARKER#{name}", "MARKER")


def nothing() -> None:
    """Nobody comes between."""


def run_chunk(core: CoreTable, change: Change, between: Callable[[], object] = nothing) -> Marker:
    """Run one chunk, again as long as it is refused; `between` is called between its page and its commit."""
    marker = core.find(Marker, name=change.id, consistent=True) or core.create(Marker(name=change.id))
    for _ in range(10):
        chunk = Chunk({}, marker.cursor)
        assert change.plan is not None
        core.runner.run(change.plan(chunk, core.context))
        between()
        moved = {"cursor": chunk.next, "chunks": marker.chunks + 1, "done": marker.done + chunk.done}
        record = Replace(marker.model_copy(update={**moved, "ended": chunk.next is None}))
        try:
            core.runner.run(commit([*chunk.gathered(), record], core.context))
        except TransactionConflictError as refused:
            assert all(isinstance(why, VersionConflictError | ConditionFailedError) for why in refused.reasons if why)
        else:
            return core.get(Marker, name=change.id, consistent=True)
    raise AssertionError("always refused")


def run_change(core: CoreTable, change: Change, between: Callable[[], object] = nothing) -> Marker:
    """Run a change to its end."""
    while not (marker := run_chunk(core, change, between)).ended:
        pass
    return marker
