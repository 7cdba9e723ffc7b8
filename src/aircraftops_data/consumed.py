"""Request units: what a request, a page or a whole block of work cost."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

Units = tuple[float, float]


@dataclass(frozen=True)
class Consumed:
    """Request units as DynamoDB reported them: in all, and by table and index (`CoreTable`, `CoreTable/GSI1`)."""

    read_units: float = 0.0
    write_units: float = 0.0
    requests: int = 0
    by_index: Mapping[str, float] = field(default_factory=dict[str, float])

    def __add__(self, other: Consumed) -> Consumed:
        indexes = {**self.by_index}
        for name, units in other.by_index.items():
            indexes[name] = indexes.get(name, 0.0) + units
        return Consumed(
            self.read_units + other.read_units,
            self.write_units + other.write_units,
            self.requests + other.requests,
            indexes,
        )

    def __str__(self) -> str:
        parts = [f"{units:g} {kind}" for units, kind in ((self.read_units, "RU"), (self.write_units, "WU")) if units]
        return " + ".join(parts) or "0"


_READS = frozenset({"GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems"})


def consumed_of(operation: str, response: Mapping[str, Any]) -> Consumed:
    """What one response says its request cost."""
    reported: Any = response.get("ConsumedCapacity") or ()
    entries: list[Mapping[str, Any]] = [reported] if isinstance(reported, Mapping) else list(reported)
    units = sum(float(entry.get("CapacityUnits", 0)) for entry in entries)
    by_index: dict[str, float] = {}
    for name, amount in (part for entry in entries for part in _split(entry) if part[1]):
        by_index[name] = by_index.get(name, 0.0) + amount
    reads, writes = (units, 0.0) if operation in _READS else (0.0, units)
    return Consumed(reads, writes, 1, by_index)


def _split(entry: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    table = str(entry.get("TableName", ""))
    if "Table" not in entry:
        yield table, float(entry.get("CapacityUnits", 0))
        return
    yield table, float(entry["Table"].get("CapacityUnits", 0))
    for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        for name, inner in entry.get(kind, {}).items():
            yield f"{table}/{name}", float(inner.get("CapacityUnits", 0))


class Meter:
    """Adds up what the requests inside a `metered` block cost; safe to feed from several threads."""

    def __init__(self) -> None:
        self.consumed = Consumed()
        self._lock = Lock()

    def add(self, consumed: Consumed) -> None:
        """Count one request in."""
        with self._lock:
            self.consumed += consumed


_METERS: ContextVar[tuple[Meter, ...]] = ContextVar("aircraftops_data_meters", default=())


@contextmanager
def metered() -> Generator[Meter]:
    """Measure the request units of everything done inside the block, in this thread or task and what it starts."""
    meter = Meter()
    token = _METERS.set((*_METERS.get(), meter))
    try:
        yield meter
    finally:
        _METERS.reset(token)


def record(operation: str, response: Mapping[str, Any]) -> None:
    """Tell every open meter of this context what a request cost."""
    meters = _METERS.get()
    if not meters:
        return
    consumed = consumed_of(operation, response)
    for meter in meters:
        meter.add(consumed)


def total(consumed: Iterable[Consumed]) -> Consumed:
    """The sum."""
    return sum(consumed, Consumed())
