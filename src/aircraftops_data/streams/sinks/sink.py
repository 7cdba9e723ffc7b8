"""What a sink offers, and what it says of changes it does not take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aircraftops_data.streams.change import Change


@dataclass(frozen=True, slots=True)
class Refused:
    """A change a sink did not take, and why."""

    change: Change[Any]
    error: Exception


def all_refused(
    changes: Sequence[Change[Any]], failed: Mapping[int, Exception], behind: Exception | None = None
) -> list[Refused]:
    """The changes that failed, by their numbers, and those of the same places behind them, in their order.

    These have the error `behind`, or that of the one before them.
    """
    refused: list[Refused] = []
    places: dict[str, Exception] = {}
    for number, change in enumerate(changes if failed else ()):
        error = failed.get(number) or places.get(change.place)
        if error is not None:
            places.setdefault(change.place, behind or error)
            refused.append(Refused(change, error))
    return refused


class Sink(Protocol):
    """Takes changes in batches. What it does with the same change twice, its class says."""

    def write(self, changes: Sequence[Change[Any]]) -> Sequence[Refused]:
        """Write changes in their order; when this returns, all but those refused are kept for good.

        What may pass (throttling, a server away for a moment) it tries again by itself, a bounded number of times.
        Behind a refused change it takes no other of the same place. Raises StoreError or ObjectStoreError where
        nothing, or nobody knows what, was written: the caller writes the whole batch again.
        """
        ...
