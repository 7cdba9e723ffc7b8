"""Sealed exports: a range of a chain as two Parquet files, which are enough to verify it without the table.

The events' file has a row for every entry of every block, with the event's stored item as it was hashed, byte for byte;
an event that is gone has its place and its leaf only. The blocks' file has the stored items of the blocks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from aircraftops_data.audit.block import Block, Entry, Tip
from aircraftops_data.audit.checking import as_committed
from aircraftops_data.audit.checkpoint import Export, folder_of
from aircraftops_data.audit.encoding import encode_item, leaf_hash_of
from aircraftops_data.audit.model import AuditEvent
from aircraftops_data.audit.parquet import SEALED_BLOCK_COLUMNS, SEALED_EVENT_COLUMNS, event_row
from aircraftops_data.audit.verifying import Taken
from aircraftops_data.errors import AircraftOpsDataError
from aircraftops_data.model.definition import Item
from aircraftops_data.translation.codec import codec_of
from aircraftops_data.transports.parquet import ParquetFile, Row, instant_of

EVENTS = "-events.parquet"
BLOCKS = "-blocks.parquet"


@dataclass(frozen=True, slots=True)
class Files:
    """The two files of one export."""

    events: Path
    blocks: Path

    @classmethod
    def within(cls, folder: Path) -> Files:
        """Where they lie in a folder."""
        return cls(folder / f"sealed{EVENTS}", folder / f"sealed{BLOCKS}")


@dataclass(frozen=True, slots=True)
class Pair:
    """The two files of one export as a checkpoint names them."""

    events: Export
    blocks: Export

    def at(self, files: Files) -> list[tuple[Export, Path]]:
        """Both, each with where it is on disk."""
        return [(self.events, files.events), (self.blocks, files.blocks)]

    @property
    def first_seq(self) -> int:
        """The first event of the export."""
        return self.events.first_seq

    @property
    def last_seq(self) -> int:
        """The last."""
        return self.events.last_seq


def pairs_of(exports: Iterable[Export]) -> list[Pair]:
    """The exports that a checkpoint names."""
    named = {export.key: export for export in exports}
    events = [export for key, export in named.items() if key.endswith(EVENTS)]
    return [
        Pair(export, named[other]) for export in events if (other := export.key.removesuffix(EVENTS) + BLOCKS) in named
    ]


def named_of(chain: str, begin: Tip, end: Tip) -> list[Export]:
    """The export of a range by where it lies in an object store: its events, and its blocks; not their digests."""
    first, last = begin.size + 1, end.size
    place = f"{folder_of(chain)}/sealed/{first:012}-{last:012}"
    return [Export(key=place + kind, sha256=b"", first_seq=first, last_seq=last) for kind in (EVENTS, BLOCKS)]


class SealedWriter:
    """Writes a sealed export from blocks that were verified; those up to `begin` are left out."""

    def __init__(self, files: Files, begin: Tip) -> None:
        self.held = 0
        """How many events there were to write."""
        self._begin = begin
        self._events = ParquetFile(files.events, SEALED_EVENT_COLUMNS)
        self._blocks = ParquetFile(files.blocks, SEALED_BLOCK_COLUMNS)

    def add(self, taken: Iterable[Taken]) -> None:
        """The next blocks, with their events."""
        for each in taken:
            if each.block.number > self._begin.number:
                self._blocks.add(block_row(each.block, stored_bytes(each.item)))
                for seq, (entry, item) in enumerate(zip(each.block.entries, each.events, strict=True)):
                    row = sealed_row(each.block, each.block.first_seq + seq, entry, item)
                    self.held += "item" in row
                    self._events.add(row)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: Any) -> None:
        self._events.__exit__(*raised)
        self._blocks.__exit__(*raised)


def sealed_row(block: Block, seq: int, entry: Entry, item: Item | None) -> Row:
    """The row of an entry; with the event only where the stored item is the one that was hashed."""
    place = {
        "seq": seq,
        "block": block.number,
        "event_id": entry.id,
        "resource": entry.resource,
        "expires_at": instant_of(entry.expires_at),
        "leaf": entry.leaf,
    }
    held = None if item is None else held_in(as_committed(entry, item), entry.leaf, block.algorithm)
    return place if held is None else {**event_row(held[0]), **place, "item": held[1]}


def held_in(item: Item, leaf: bytes, algorithm: str) -> tuple[AuditEvent, bytes] | None:
    """The event of an item and its bytes; None where they are not those of the leaf."""
    try:
        data = encode_item(item)
        if leaf_hash_of(data, algorithm) != leaf:
            return None
        event: AuditEvent = codec_of(AuditEvent.definition()).entity(item)
    except AircraftOpsDataError:
        return None
    return event, data


def stored_bytes(item: Item) -> bytes:
    """What the hash of a stored block is taken of."""
    return encode_item({name: held for name, held in item.items() if name != "hash"})


def block_row(block: Block, data: bytes) -> Row:
    """The row of a block, the bytes of its item given."""
    names = ("number", "previous", "first_seq", "root", "hash", "algorithm", "encoding", "committed_at", "adopting")
    return {name: getattr(block, name) for name in names} | {"count": len(block.entries), "item": data}
