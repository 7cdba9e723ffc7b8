"""Parquet files: kinds of columns, and how files are written with bounded memory (extra `parquet`).

Only types that pandas, DuckDB, Trino and Athena read alike: text, 64-bit integers, doubles, booleans, binary, dates,
and instants as microseconds in UTC. Athena cuts these to milliseconds ("Data types in Amazon Athena").
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, Self, cast

from aircraftops_data.errors import MissingExtraError

PARQUET = "application/vnd.apache.parquet"
Row = Mapping[str, Any]
# What one group of rows holds at most, so that neither writing nor reading takes more memory.
GROUP_ROWS = 16_384
GROUP_BYTES = 16 << 20
_ROW_BYTES = 256
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

TEXT, COUNT, REAL, FLAG, OCTETS, DAY, INSTANT = "string", "int64", "double", "bool", "binary", "date", "instant"
"""The kinds of columns."""


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
        REAL: arrow.float64(),
        FLAG: arrow.bool_(),
        OCTETS: arrow.binary(),
        DAY: arrow.date32(),
        INSTANT: arrow.timestamp("us", tz="UTC"),
    }
    return arrow.schema([(name, types[kind]) for name, kind in columns.items()])


class ParquetFile:
    """A file that is written group by group, or read batch by batch; compressed with zstd."""

    def __init__(self, place: Path | BinaryIO, columns: Mapping[str, str]) -> None:
        arrow = pyarrow()
        self._schema = schema_of(columns)
        self._table_of: Callable[..., Any] = arrow.Table.from_pylist
        self._rows: list[Row] = []
        self._bytes = 0
        self._writer = arrow.parquet.ParquetWriter(place, self._schema, compression="zstd", version="2.6")

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


def write(place: Path | BinaryIO, columns: Mapping[str, str], rows: Iterable[Row]) -> None:
    """A file of these rows. Raises MissingExtraError, OSError."""
    with ParquetFile(place, columns) as file:
        for row in rows:
            file.add(row)
