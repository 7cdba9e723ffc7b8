"""The terms on which locks are held, and what leaving them comes to."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from aircraftops_data.core.process import this_process
from aircraftops_data.errors import AircraftOpsDataError, InvalidInputError

LOG = logging.getLogger("aircraftops_data.coordination")


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a lease lasts, how long to wait for the lock, who asks, and how often it must prove to get on."""

    lease: timedelta
    wait: timedelta
    prove: timedelta | None
    owner: str

    @classmethod
    def of(cls, lease: timedelta, wait: timedelta, prove: timedelta | None, owner: str | None) -> Self:
        """The terms; an owner that is not named is this process on this machine."""
        return cls(lease, wait, prove, owner or this_process())


def names_in_order(names: Iterable[str]) -> tuple[str, ...]:
    """The names in the one order everybody takes them in. Raises InvalidInputError for none, or for one given twice."""
    if isinstance(names, str):
        raise InvalidInputError(f"Several locks are named in a list: [{names!r}]")
    found = sorted(names)
    if not found or len(set(found)) != len(found):
        raise InvalidInputError("Locks are held by one name each, and one at least")
    return tuple(found)


def leave_quietly(failures: Sequence[AircraftOpsDataError], error: BaseException | None) -> None:
    """Raise the first of what went wrong while leaving; where the block raised something, note it there."""
    for failure in failures:
        if error is None:
            raise failure
        error.add_note(f"A lock could not be given back: {failure}")
