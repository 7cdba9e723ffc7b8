"""What a change fills in one go: its writes, and where it goes on. Those are committed together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aircraftops_data.core.gathering import Gathering
from aircraftops_data.core.writes import Intent


class Chunk:
    """One commit of a change. `tx` takes up to 97 actions (a unique value takes one more) and 4 MB."""

    def __init__(self, parameters: Mapping[str, Any], cursor: str | None = None) -> None:
        self.parameters = parameters
        self.cursor = cursor
        """Where the last chunk that was committed stopped; None at the beginning."""
        self.next: str | None = None
        self.done = 0
        self.total: int | None = None
        self._tx = Gathering()

    @property
    def tx(self) -> Gathering:
        """The writes, committed when the function has returned, and not if it raises."""
        return self._tx

    def gathered(self) -> list[Intent[Any]]:
        """The writes; none joins them any more."""
        return self._tx.close()

    def go_on(self, cursor: str | None, *, done: int = 0, total: int | None = None) -> None:
        """Say where the next chunk begins (None: this was the last), and for people how many items were dealt with.

        A chunk that says nothing is the last one.
        """
        self.next, self.done, self.total = cursor, done, total
