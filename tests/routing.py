"""Changes made by hand, and what routers are tried with: handlers and sinks that remember, or fail on purpose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from aircraftops_data import CORE, CoreTable, Entity, PrimaryKey
from aircraftops_data.clock import Chance
from aircraftops_data.core.context import Context
from aircraftops_data.streams import Change, Poison, PoisonKind, Quarantine, Refused, Router
from aircraftops_data.streams.encoding import written
from aircraftops_data.testing import ManualClock
from sim_engine import MemoryEngine

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Gauge(Entity, table=CORE, entity_type="routed_gauge"):
    """Something that changes."""

    name: str
    reading: int = 0
    unit: str | None = None

    primary = PrimaryKey("GAUGE#{name}", "GAUGE")


class Note(Entity, table=CORE, entity_type="routed_note"):
    """Something else that does."""

    name: str
    text: str = ""

    primary = PrimaryKey("NOTE#{name}", "NOTE")


def record(sequence: int, new: Entity | None, old: Entity | None = None, **more: Any) -> dict[str, Any]:
    """A record of a stream, as Lambda gives it."""
    told = {
        "sequence": sequence,
        "at": AT + timedelta(seconds=sequence),
        "event_id": f"e{sequence}",
        "table": "CoreTable",
    }
    return written(old, new, **{**told, **more})


def gauge(sequence: int, name: str = "a", **more: Any) -> dict[str, Any]:
    """The record of a gauge that is made, or of its change where it is not its first reading."""
    new = Gauge(name=name, reading=sequence, version=sequence, created_at=AT, updated_at=AT, **more)
    return record(sequence, new, new.model_copy(update={"reading": sequence - 1}))


def bad(sequence: int, name: str = "a") -> dict[str, Any]:
    """The record of a gauge that does not fit."""
    found = gauge(sequence, name)
    found["dynamodb"]["NewImage"]["reading"] = {"S": "high"}
    return found


def event(*records: dict[str, Any]) -> dict[str, Any]:
    """An event of Lambda's."""
    return {"Records": list(records)}


class Journal:
    """A handler that writes down the readings it was given, and fails where it is told to."""

    def __init__(self) -> None:
        self.given: list[tuple[str, int]] = []
        self.failing: Callable[[Change[Gauge]], Exception | None] = lambda change: None

    def __call__(self, change: Change[Gauge]) -> None:
        """Write it down, or fail."""
        error = self.failing(change)
        if error is not None:
            raise error
        found = change.new or change.old
        assert found is not None
        self.given.append((found.name, found.reading))


class Kept:
    """A sink that keeps what it takes, by batches; refuses and raises where it is told to."""

    def __init__(self) -> None:
        self.batches: list[list[tuple[str, int]]] = []
        self.refusing: Callable[[Change[Any]], Exception | None] = lambda change: None
        self.raising: Callable[[Sequence[Change[Any]]], Exception | None] = lambda changes: None

    def write(self, changes: Sequence[Change[Any]]) -> list[Refused]:
        """Keep them; behind one that is refused, nothing of its place."""
        if (error := self.raising(changes)) is not None:
            raise error
        refused: dict[str, Refused] = {}
        kept: list[tuple[str, int]] = []
        for change in changes:
            error = self.refusing(change)
            if error is not None:
                refused.setdefault(change.place, Refused(change, error))
            elif change.place not in refused:
                kept.append((change.new.name, change.new.reading))
        self.batches.append(kept)
        return list(refused.values())

    @property
    def all(self) -> list[tuple[str, int]]:
        """All that it has taken, in order."""
        return [each for batch in self.batches for each in batch]


def memory(clock: ManualClock | None = None) -> CoreTable:
    """Tables in memory."""
    return CoreTable(MemoryEngine(), Context(clock=clock or ManualClock(), chance=Chance()))


def routed(
    core: CoreTable | None = None, *, attempts: int = 3, **options: Any
) -> tuple[Router, Journal, Quarantine | None]:
    """A router of gauges to a journal, with a quarantine where there is a table for it."""
    quarantine = None if core is None else Quarantine(core, "gauges", attempts=attempts)
    router, journal = Router(quarantine=quarantine, **options), Journal()
    router.on(Gauge, name="journal")(journal)
    return router, journal, quarantine


def poison(sequence: int) -> Poison:
    """A record nobody can read."""
    known: dict[str, Any] = {"table": "CoreTable", "keys": {}, "sequence": sequence, "at": AT, "raw": {}}
    return Poison(
        **known, event_id=f"e{sequence}", source_id=str(sequence), kind=PoisonKind.NOT_A_RECORD, reason="no keys"
    )
