"""Looking up in sealed exports what a table no longer has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aircraftops_data.audit.encoding import HASHERS, LEAF
from aircraftops_data.errors import CorruptItemError
from aircraftops_data.transports.parquet import pyarrow


class SealedEvents:
    """The events of some exports, each file by the range of its events; one group of rows is held in memory.

    Asked in order of seq it reads each group once. Only for files whose SHA-256 a trusted checkpoint names. Raises
    CorruptItemError for what is no such file, MissingExtraError, OSError.
    """

    def __init__(self, files: Mapping[range, Path]) -> None:
        self._files = files
        self._group: dict[int, bytes | None] = {}
        self._range = range(0)

    def has(self, seq: int, leaf: bytes) -> bool:
        """Whether there is an event of this seq, its item being the one of this leaf."""
        if seq not in self._range:
            self._load(seq)
        item = self._group.get(seq)
        return item is not None and any(take(LEAF + item) == leaf for take in HASHERS.values())

    def _load(self, seq: int) -> None:
        """Read the group that an event is in, if it is in any."""
        for events, path in self._files.items():
            if seq in events:
                self._read(seq, path)

    def _read(self, seq: int, path: Path) -> None:
        arrow = pyarrow()
        try:
            with arrow.parquet.ParquetFile(path) as file:
                for index in range(file.num_row_groups):
                    found = _seqs(file.metadata.row_group(index))
                    if seq in found:
                        columns = file.read_row_group(index, columns=["seq", "item"], use_threads=False).to_pydict()
                        self._range, self._group = found, dict(zip(columns["seq"], columns["item"], strict=True))
                        return
        except arrow.ArrowException as error:
            raise CorruptItemError("The file is no Parquet file, or a damaged one") from error


def _seqs(group: Any) -> range:
    """Which events a group of rows has, by its statistics."""
    places = (index for index in range(group.num_columns) if group.column(index).path_in_schema == "seq")
    known = [group.column(index).statistics for index in places]
    return range(known[0].min, known[0].max + 1) if known and known[0] is not None else range(0)
