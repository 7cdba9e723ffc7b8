"""Parquet files of events and of blocks: their columns and rows, and how events are partitioned (extra `parquet`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from aircraftops_data.audit.model import AuditEvent
from aircraftops_data.transports.parquet import (
    COUNT,
    FLAG,
    GROUP_BYTES,
    INSTANT,
    OCTETS,
    TEXT,
    Row,
    json_text,
    pyarrow,
    size_of,
    write,
)

EVENT_COLUMNS: Mapping[str, str] = {
    "event_id": TEXT,
    "occurred_at": INSTANT,
    "tenant": TEXT,
    "actor": TEXT,
    "action": TEXT,
    "resource": TEXT,
    "outcome": TEXT,
    "source": TEXT,
    "correlation_id": TEXT,
    "details": TEXT,
    "payload": TEXT,
    "changes": TEXT,
    "expires_at": INSTANT,
}
SEALED_EVENT_COLUMNS: Mapping[str, str] = {
    "seq": COUNT,
    "block": COUNT,
    **EVENT_COLUMNS,
    "leaf": OCTETS,
    "item": OCTETS,
}
SEALED_BLOCK_COLUMNS: Mapping[str, str] = {
    "number": COUNT,
    "previous": OCTETS,
    "first_seq": COUNT,
    "count": COUNT,
    "root": OCTETS,
    "hash": OCTETS,
    "algorithm": TEXT,
    "encoding": COUNT,
    "committed_at": INSTANT,
    "adopting": FLAG,
    "item": OCTETS,
}


def event_row(event: AuditEvent) -> dict[str, Any]:
    """The columns of an event."""
    row = {name: getattr(event, name) for name in EVENT_COLUMNS if name != "event_id"}
    changes = [change.model_dump() for change in event.changes]
    texts = {"details": json_text(event.details), "changes": json_text(changes), "outcome": event.outcome.value}
    return {"event_id": event.id, **row, **texts}


class Parts:
    """Events as files of a folder, in partitions by date: `date=2026-11-20/part-{id of the first event}.parquet`.

    The same events in the same order make the same files. `most` events are held in memory.
    """

    def __init__(self, folder: Path, most: int = 50_000) -> None:
        self._folder = folder
        self._most = most
        self._held: dict[date, list[Row]] = {}
        self._count = 0
        self._bytes = 0
        pyarrow()

    def add(self, event: AuditEvent) -> bool:
        """One more event; whether it is time to write those that are held."""
        row = event_row(event)
        self._held.setdefault(event.occurred_at.date(), []).append(row)
        self._count += 1
        self._bytes += size_of(row)
        return self._count >= self._most or self._bytes >= GROUP_BYTES * 4

    def written(self) -> list[Path]:
        """Write all events that are held; the files."""
        held, self._held, self._count, self._bytes = self._held, {}, 0, 0
        return [self._write(day, rows) for day, rows in sorted(held.items())]

    def _write(self, day: date, rows: Sequence[Row]) -> Path:
        path = self._folder / f"date={day}" / f"part-{min(row['event_id'] for row in rows)}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, EVENT_COLUMNS, rows)
        return path
