"""A lock as it is stored: who holds it under which token, the beat of its holder, and its name for lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import StringConstraints

from aircraftops_data.model.declarations import PrimaryKey
from aircraftops_data.model.entity import Entity, UtcDatetime
from aircraftops_data.model.quantities import Count
from aircraftops_data.model.schema import JOBS

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class LockState(StrEnum):
    """Whether somebody has a lock."""

    HELD = "held"
    FREE = "free"


class LockToken(Entity, table=JOBS, entity_type="lock"):
    """Who has a lock, or had it last. Never deleted, so that tokens never begin anew; fences look at this item."""

    name: Name
    token: Count
    """Rises by one with each acquisition, and with each release by force."""
    state: LockState
    owner: str | None = None
    lease: timedelta
    """How long the beat of this holder must stand still before others may take the lock."""
    nonce: str
    """Tells an acquisition from all others: the one whose answer was lost knows itself by it."""
    acquired_at: UtcDatetime | None = None
    """By the holder's clock, for people to read; nothing is decided by it."""

    primary = PrimaryKey("LOCK#{name}", "TOKEN")


class LockBeat(Entity, table=JOBS, entity_type="lock_beat"):
    """The sign of life of a lock's holder, beside the token so that heartbeats and fences never meet in one item."""

    name: Name
    token: Count
    """Of the last holder that gave a sign of life, or of who took the lock from one that gave none."""
    beat: int = 0

    primary = PrimaryKey("LOCK#{name}", "BEAT")


class LockName(Entity, table=JOBS, entity_type="lock_name"):
    """That there is a lock of this name: made with it, so that locks are listed by a query."""

    name: Name

    primary = PrimaryKey("LOCKS", "LOCK#{name}")


@dataclass(frozen=True, slots=True)
class LockOptions:
    """What all that share a table's locks agree on."""

    margin: timedelta = timedelta(seconds=1)
    """How much longer than its lease, and a thousandth of it, a beat must stand still: clocks differ in speed."""
    poll: timedelta = timedelta(seconds=1)
    """The longest pause between two looks at a lock that is waited for; 1 read unit each."""

    def patience(self, lease: timedelta) -> timedelta:
        """How long the beat of a holder with this lease must stand still before another may take its lock."""
        # Clocks of computers drift by up to 200 parts in a million; two may do so in opposite directions.
        return lease * 1.001 + self.margin
