"""What a backfill reads: records in parts, each page by page from wherever the last run stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aircraftops_data.core.run import Runner
from aircraftops_data.streams.change import Change, Poison

Records = Sequence[Change[Any] | Poison]


@dataclass(frozen=True, slots=True)
class Page:
    """The next records of a part. Cursors are text that only their source understands."""

    records: Records
    behind: Callable[[int], str]
    """The cursor behind the first so many of them, which are at least one."""
    next: str | None
    """The cursor behind them all; None where they are the last of the part."""


class Source(Protocol):
    """Something that is read in parts, side by side."""

    @property
    def name(self) -> str:
        """What it is, so that cursors are never used with anything else."""
        ...

    @property
    def parts(self) -> int:
        """How many parts it has, the same in each run."""
        ...

    def pages(self, part: int, cursor: str | None, runner: Runner) -> Iterator[Page]:
        """The pages of a part behind a cursor; the last one may be empty. Raises AircraftOpsDataError."""
        ...
