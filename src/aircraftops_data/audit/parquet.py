"""Parquet files of events and of blocks: their columns, and how they are written with bounded memory (extra `parquet`).

Only types that pandas, DuckDB, Trino and Athena read alike: text, 64-bit integers, booleans, binary, and instants as
microseconds in UTC. Athena cuts these to milliseconds ("Data types in Amazon Athena").
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any, Self, cast

from aircraftops_data.audit.model import AuditEvent
from aircraftops_data.errors import MissingExtraError

Row = Mapping[str, Any]
# What one group of rows holds at most, so that neither writing nor reading takes more memory.
GROUP_ROWS = 16_384
GROUP_BYTES = 16 << 20
_ROW_BYTES = 256
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

TEXT, COUNT, FLAG, OCTETS, INSTANT = "string", "int64", "bool", "binary", "instant"
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


def pyarrow() -> Any:
    """The library, with its part for Parquet. Raises MissingExtraError."""
    try:
        import_module("pyarrow.parquet")
        return import_module("pyarrow")
    except ImportError as error:
        message = 'Parquet needs the extra "parquet": pip install "aircraftops-data[parquet]"'
        raise MissingExtraError(message, extra="parquet") from error


def schema_of(columns: Mapping[str, str]) -> Any:
    """The columns as pyarrow declares them."""
    arrow = pyarrow()
    types = {
        TEXT: arrow.string(),
        COUNT: arrow.int64(),
        FLAG: arrow.bool_(),
        OCTETS: arrow.binary(),
        INSTANT: arrow.timestamp("us", tz="UTC"),
    }
    return arrow.schema([(name, types[kind]) for name, kind in columns.items()])


class ParquetFile:
    """A file that is written group by group, or read batch by batch; compressed with zstd."""

    def __init__(self, path: Path, columns: Mapping[str, str]) -> None:
        arrow = pyarrow()
        self._schema = schema_of(columns)
        self._table_of: Callable[..., Any] = arrow.Table.from_pylist
        self._rows: list[Row] = []
        self._bytes = 0
        self._writer = arrow.parquet.ParquetWriter(path, self._schema, compression="zstd", version="2.6")

    def add(self, row: Row) -> None:
        """One more row, the last."""
        self._rows.append(row)
        self._bytes += size_of(row)
        if len(self._rows) == GROUP_ROWS or self._bytes >= GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(self._table_of(self._rows, schema=self._schema))
            self._rows, self._bytes = [], 0

    def close(self) -> None:
        """Write what is left."""
        self._flush()
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self._writer.close()


def size_of(row: Row) -> int:
    """About how many bytes of memory a row takes."""
    return _ROW_BYTES + sum(len(held) for held in row.values() if isinstance(held, str | bytes))


# Rows


def event_row(event: AuditEvent) -> dict[str, Any]:
    """The columns of an event."""
    row = {name: getattr(event, name) for name in EVENT_COLUMNS if name != "event_id"}
    changes = [change.model_dump() for change in event.changes]
    texts = {"details": json_text(event.details), "changes": json_text(changes), "outcome": event.outcome.value}
    return {"event_id": event.id, **row, **texts}


def json_text(value: object) -> str:
    """JSON with the names in order; decimals as the nearest number, bytes as base64, sets as lists."""
    return json.dumps(value, default=_plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, set | frozenset):
        return sorted(cast("set[Any]", value), key=str)
    return str(value)


def instant_of(seconds: int | None) -> datetime | None:
    """The instant of so many seconds since 1970."""
    return None if seconds is None else _EPOCH + timedelta(seconds=seconds)


# Partitions


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


def write(path: Path, columns: Mapping[str, str], rows: Iterable[Row]) -> None:
    """A file of these rows. Raises MissingExtraError, OSError."""
    with ParquetFile(path, columns) as file:
        for row in rows:
            file.add(row)
