"""What a sink offers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aircraftops_data.streams.change import Change


@dataclass(frozen=True, slots=True)
class Refused:
    """A change a sink did not take, and why."""

    change: Change[Any]
    error: Exception


class Sink(Protocol):
    """Takes changes in batches. What it does with the same change twice, its class says."""

    def write(self, changes: Sequence[Change[Any]]) -> Sequence[Refused]:
        """Write changes in their order; when this returns, all but those refused are kept for good.

        What may pass (throttling, a server away for a moment) it tries again by itself, a bounded number of times.
        Behind a refused change it takes no other of the same place. Raises StoreError or ObjectStoreError where
        nothing, or nobody knows what, was written: the caller writes the whole batch again.
        """
        ...
