"""Pages of records, as backfills read them from a table or an export."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aircraftops_data.streams.change import AnyRecord

Records = Sequence[AnyRecord]


@dataclass(frozen=True, slots=True)
class Page:
    """The next records of a part. Cursors are text that only their source understands."""

    records: Records
    behind: Callable[[int], str]
    """The cursor behind the first so many of them, which are at least one."""
    next: str | None
    """The cursor behind them all; None where they are the last of the part."""
