"""Verifying sealed exports from their files alone, group by group."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from aircraftops_data.audit.block import Block, Entry
from aircraftops_data.audit.checking import Links, contents, event_problem
from aircraftops_data.audit.encoding import BLOCK, HASHERS, LEAF, decode_item
from aircraftops_data.audit.entries import header_of
from aircraftops_data.audit.exporting import Files, block_row
from aircraftops_data.audit.model import AuditEvent
from aircraftops_data.audit.parquet import (
    EVENT_COLUMNS,
    SEALED_BLOCK_COLUMNS,
    SEALED_EVENT_COLUMNS,
    event_row,
)
from aircraftops_data.audit.report import Finding, FindingKind, Report
from aircraftops_data.audit.verifying import ERASE
from aircraftops_data.errors import AircraftOpsDataError, CorruptItemError
from aircraftops_data.translation.codec import codec_of
from aircraftops_data.transports.parquet import pyarrow, schema_of

_BATCH_ROWS = 8192
_BATCH_BYTES = 8 << 20
_MICROSECONDS = 1_000_000
_CHECKED = ("seq", "block", "event_id", "resource", "expires_at", "leaf", "item", "action")


class _Place(NamedTuple):
    """An event that is gone."""

    block: int
    seq: int
    entry: Entry


@dataclass
class SealedVerification:
    """Verifies exports of one chain one after another, in order; what is wrong is in the report of `links`.

    `links` begins behind what came before the first of them. An event that is gone is missing unless it was due by
    `now`, or a later event says that it was erased. `deep` also checks that keys and columns say what the items say,
    which takes some ten times as long.
    """

    links: Links
    now: datetime
    deep: bool = False
    _gone: list[_Place] = field(default_factory=list[_Place])
    _erased: dict[tuple[Any, Any], int] = field(default_factory=dict[tuple[Any, Any], int])

    @property
    def report(self) -> Report:
        """What was found."""
        return self.links.report

    def verify(self, files: Files) -> None:
        """Go on with the next export. Raises CorruptItemError for what is no such file, MissingExtraError, OSError."""
        columns = tuple(SEALED_EVENT_COLUMNS) if self.deep else _CHECKED
        events = _Events(_batches(files.events, SEALED_EVENT_COLUMNS, columns))
        for batch in _batches(files.blocks, SEALED_BLOCK_COLUMNS, tuple(SEALED_BLOCK_COLUMNS)):
            for row in batch.to_pylist():
                self._block(row, events)
        if events.until(None):
            self._add(FindingKind.ALTERED, "the export has events that are in none of its blocks", None)

    def finish(self) -> Report:
        """Say what became of the events that are gone, and what checkpoints tell of that was not in the exports."""
        for gone in self._gone:
            erased = self._erased.get((gone.entry.id, gone.entry.leaf.hex()), 0) >= gone.block
            due = gone.entry.expires_at is not None and gone.entry.expires_at <= self.now.timestamp()
            if due:
                self._event(FindingKind.EXPIRED, "the event was due to expire", gone)
            elif erased:
                self._event(FindingKind.ERASED, "a later event says that it was erased", gone)
            else:
                self._event(FindingKind.MISSING, "the event is gone before its time", gone)
        self._gone.clear()
        for anchor in self.links.anchors:
            told = f"a checkpoint was made at event {anchor.size}, the exports end at {self.links.tip.size}"
            self._add(FindingKind.TRUNCATED, told, None)
        self.report.until_seq = self.links.tip.size
        return self.report

    def _block(self, row: Mapping[str, Any], events: _Events) -> None:
        first = row["first_seq"] or 0
        strays, rows = events.until(first), events.until(first + (row["count"] or 0))
        block = self._linked(row, rows)
        if block is None:
            return
        if strays:
            told = "the export has events before it that are in none of its blocks"
            self._add(FindingKind.ALTERED, told, block.number)
        self._events(block, rows)

    def _linked(self, row: Mapping[str, Any], rows: _Rows) -> Block | None:
        """The block, its links checked; None for what is none."""
        data, held = row["item"] or b"", {"hash": {"B": row["hash"] or b""}}
        header = header_of(data, rows.entries())
        try:
            if header is None:
                block = self.links.check(decode_item(data) | held)
            else:
                bare: Block = codec_of(Block.definition()).entity(header | held)
                block = bare.model_copy(update={"entries": rows.entries()})
                self.links.follow(block, contents(block, lambda: HASHERS[bare.algorithm](BLOCK + data)))
        except CorruptItemError as error:
            self._add(FindingKind.ALTERED, error.message, row["number"])
            return None
        if block is not None and block_row(block, data) != row:
            self._add(FindingKind.ALTERED, "the columns say other than the block", block.number)
        return block

    def _events(self, block: Block, rows: _Rows) -> None:
        """Check the rows of a block's events."""
        first, count = block.first_seq, len(block.entries)
        if rows.seqs != list(range(first, first + count)):
            rows = rows.aligned(first, count)
        take = HASHERS.get(block.algorithm)
        fits = rows.fit(block)
        items = rows.columns["item"]
        if take is None or not all(fits) or None in items:
            right = [bool(take and fit and item is not None and take(LEAF + item) == entry.leaf)
                     for fit, item, entry in zip(fits, items, block.entries, strict=True)]  # fmt: skip
        else:
            right = [take(LEAF + item) == entry.leaf for item, entry in zip(items, block.entries, strict=True)]
        self.report.counts[FindingKind.OK] += sum(right)
        if not all(right):
            self._wrong(block, rows, fits, right)
        if self.deep:
            self._deeply(block, rows, right)
        if ERASE in rows.columns["action"]:
            self._erasures(block, rows, right)

    def _wrong(self, block: Block, rows: _Rows, fits: Sequence[bool], right: Sequence[bool]) -> None:
        for index, entry in enumerate(block.entries):
            place = _Place(block.number, block.first_seq + index, entry)
            if right[index]:
                continue
            if rows.columns["seq"][index] is None:
                self._event(FindingKind.MISSING, "the export has no row for the event", place)
            elif not fits[index]:
                self._event(FindingKind.ALTERED, "the event's row is another than its block says", place)
            elif rows.columns["item"][index] is None:
                self._gone.append(place)
            else:
                self._event(FindingKind.ALTERED, "the event is not what was hashed", place)

    def _deeply(self, block: Block, rows: _Rows, right: Sequence[bool]) -> None:
        for index, entry in enumerate(block.entries):
            problem = _problem(block, entry, rows.row(index)) if right[index] else None
            if problem is not None:
                self.report.counts[FindingKind.OK] -= 1
                self._event(FindingKind.ALTERED, problem, _Place(block.number, block.first_seq + index, entry))

    def _erasures(self, block: Block, rows: _Rows, right: Sequence[bool]) -> None:
        for action, item, fine in zip(rows.columns["action"], rows.columns["item"], right, strict=True):
            event = _event_of(item) if fine and action == ERASE else None
            if event is not None and event.action == ERASE:
                self._erased[event.details.get("event_id"), event.details.get("leaf")] = block.number

    def _event(self, kind: FindingKind, problem: str, place: _Place) -> None:
        entry = place.entry
        self.report.add(Finding(kind, problem, place.block, place.seq, entry.resource, entry.id))

    def _add(self, kind: FindingKind, problem: str, number: int | None) -> None:
        self.report.add(Finding(kind, problem, number))


def _problem(block: Block, entry: Entry, row: Mapping[str, Any]) -> str | None:
    """Why a row whose item has the right hash is not right all the same."""
    item = decode_item(row["item"])
    problem = event_problem(entry, item, block.algorithm)
    if problem is not None:
        return problem
    said = event_row(codec_of(AuditEvent.definition()).entity(item))
    wrong = [name for name in EVENT_COLUMNS if name != "expires_at" and said[name] != row[name]]
    return f"the columns say other than the event: {', '.join(wrong)}" if wrong else None


def _event_of(data: bytes) -> AuditEvent | None:
    try:
        event: AuditEvent = codec_of(AuditEvent.definition()).entity(decode_item(data))
    except AircraftOpsDataError:
        return None
    return event


# Reading


class _Rows(NamedTuple):
    """The rows of some events, column by column; expiry in seconds."""

    columns: Mapping[str, list[Any]]

    @property
    def seqs(self) -> list[Any]:
        """Which events they are of."""
        return self.columns["seq"]

    def __bool__(self) -> bool:
        return bool(self.seqs)

    def entries(self) -> list[Entry]:
        """What a block would have of them."""
        held = self.columns
        return list(map(Entry, held["resource"], held["event_id"], held["leaf"], held["expires_at"]))

    def row(self, index: int) -> dict[str, Any]:
        """One of them."""
        return {name: held[index] for name, held in self.columns.items()}

    def aligned(self, first: int, count: int) -> _Rows:
        """A row for each of so many events from the first; of nothing but None where there is none."""
        at = {seq: index for index, seq in enumerate(self.seqs)}
        order = [at.get(seq) for seq in range(first, first + count)]
        return _Rows({name: [None if i is None else held[i] for i in order] for name, held in self.columns.items()})

    def fit(self, block: Block) -> list[bool]:
        """Whether each says what the entry of its event says."""
        held = self.columns
        rows = self.entries()
        fits = (
            [True] * len(rows) if rows == block.entries else [r == e for r, e in zip(rows, block.entries, strict=True)]
        )
        numbers = held["block"]
        if numbers.count(block.number) == len(numbers):
            return fits
        return [fit and number == block.number for fit, number in zip(fits, numbers, strict=True)]


class _Events:
    """The rows of a file of events, in order."""

    def __init__(self, batches: Iterator[Any]) -> None:
        self._batches = batches
        self._columns: dict[str, list[Any]] = {}
        self._seqs: list[int] = []
        self._at = 0

    def until(self, seq: int | None) -> _Rows:
        """The next rows, of events before this one; all that are left where that is None."""
        found = self._here(seq)
        while self._at == len(self._seqs) and self._next():
            more = self._here(seq)
            found = {name: held + more[name] for name, held in found.items()} if found else more
        return _Rows(found or {name: [] for name in SEALED_EVENT_COLUMNS})

    def _here(self, seq: int | None) -> dict[str, list[Any]]:
        start = self._at
        self._at = len(self._seqs) if seq is None else bisect_left(self._seqs, seq, start)
        return {name: held[start : self._at] for name, held in self._columns.items()}

    def _next(self) -> bool:
        batch = next(self._batches, None)
        if batch is None:
            return False
        self._columns = {name: _values(name, batch.column(name)) for name in batch.schema.names}
        self._seqs = [-1 if seq is None else seq for seq in self._columns["seq"]]
        self._at = 0
        return True


def _values(name: str, column: Any) -> list[Any]:
    if name == "expires_at":
        arrow = pyarrow()
        moments = column.cast(arrow.int64()).to_pylist()
        return [None if moment is None else moment // _MICROSECONDS for moment in moments]
    values: list[Any] = column.to_pylist()
    return values


def _some(metadata: Any) -> int:
    """How many rows to read at a time: blocks may be large."""
    groups = range(metadata.num_row_groups)
    size_bytes: int = sum(metadata.row_group(index).total_byte_size for index in groups)
    rows: int = metadata.num_rows
    return min(_BATCH_ROWS, 1 + _BATCH_BYTES * rows // (size_bytes + 1))


def _batches(path: Path, kinds: Mapping[str, str], columns: Sequence[str]) -> Iterator[Any]:
    """The file's rows, some at a time. Raises CorruptItemError, MissingExtraError, OSError."""
    arrow = pyarrow()
    try:
        with arrow.parquet.ParquetFile(path, pre_buffer=False) as file:
            if not file.schema_arrow.equals(schema_of(kinds)):
                raise CorruptItemError("The file has other columns than a sealed export")
            # Group by group: asked for all at once, it would have every group it has read in memory until the end.
            rows, wanted = _some(file.metadata), list(columns)
            for group in range(file.num_row_groups):
                yield from file.iter_batches(rows, row_groups=[group], columns=wanted, use_threads=False)
    except arrow.ArrowException as error:
        raise CorruptItemError("The file is no Parquet file, or a damaged one") from error
