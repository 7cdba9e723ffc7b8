"""Work to be done once per key, and how long its leases last."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from aircraftops_data import CoreTable
from aircraftops_data.jobs.once import Once

Connect = Callable[..., CoreTable]
LEASE, MARGIN, KEEP = timedelta(minutes=1), timedelta(seconds=5), timedelta(days=1)
LOST = LEASE + MARGIN


class Work:
    """A function that counts its runs; the first ones may fail."""

    def __init__(self, *failing: Exception) -> None:
        self.failing = list(failing)
        self.tokens: list[int] = []

    def __call__(self, turn: Any) -> dict[str, int]:
        self.tokens.append(turn.token)
        if self.failing:
            raise self.failing.pop(0)
        return {"run": len(self.tokens)}


def kept(core: CoreTable, key: str = "k") -> Once | None:
    """What there is of a key."""
    return core.find(Once, key=key, consistent=True, include_expired=True)
