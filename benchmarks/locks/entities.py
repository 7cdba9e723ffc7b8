"""What locks protect and changes change: a gauge, and tools as three releases of a program describe them."""

from __future__ import annotations

from typing import Any

from aircraftops_data import GSI1, Entity, Index, PrimaryKey, Table, upgrader

# One physical table, as it was and as it is.
BEFORE, INDEXED, UPGRADED = (Table("ToolTable", indexes=(GSI1,)) for _ in range(3))


class Gauge(Entity, table=BEFORE, entity_type="gauge"):
    """What a lock protects, with room for the token of its last writer."""

    name: str
    value: int = 0
    token: int | None = None

    primary = PrimaryKey("GAUGE#{name}", "GAUGE")


class Tool(Entity, table=BEFORE, entity_type="tool"):
    """A tool in no index."""

    number: int
    maker: str
    grams: int
    note: str

    primary = PrimaryKey("TOOL#{number:9}", "TOOL")


class IndexedTool(Entity, table=INDEXED, entity_type="tool"):
    """A tool found by its maker."""

    number: int
    maker: str
    grams: int
    note: str

    primary = PrimaryKey("TOOL#{number:9}", "TOOL")
    by_maker = Index(GSI1, "MAKER#{maker}", "TOOL#{number:9}")


class UpgradedTool(Entity, table=UPGRADED, entity_type="tool", schema_version=2):
    """A tool whose weight is a number of milligrams."""

    number: int
    maker: str
    milligrams: int
    note: str

    primary = PrimaryKey("TOOL#{number:9}", "TOOL")

    @upgrader(1)
    @staticmethod
    def _in_milligrams(values: dict[str, Any]) -> dict[str, Any]:
        values["milligrams"] = values.pop("grams") * 1000
        return values


def tool(number: int) -> Tool:
    """One of many, about 300 bytes."""
    return Tool(number=number, maker=f"maker {number % 100}", grams=number, note="x" * 100)
