"""What is recorded of changes: where each stands, and an entry for every step it took there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from aircraftops_data.coordination.change import ID_LIMIT, Mode
from aircraftops_data.coordination.model import Name
from aircraftops_data.model.declarations import PrimaryKey
from aircraftops_data.model.entity import Entity, UtcDatetime
from aircraftops_data.model.quantities import Count
from aircraftops_data.model.schema import JOBS

ChangeId = Annotated[str, StringConstraints(min_length=1, max_length=ID_LIMIT)]


class ChangeState(StrEnum):
    """Where a change stands."""

    PENDING = "pending"
    """Not made: there is no record of it, or a person said to make it anew."""
    STARTED = "started"
    """An attempt is under way, or its maker died."""
    APPLIED = "applied"
    FAILED = "failed"
    """Its function raised. Of an atomic change nothing is written, of a chunked one what was committed before."""
    ROLLED_BACK = "rolled_back"
    UNKNOWN = "unknown"
    """An external change whose maker died: nobody knows what it did."""
    MANUAL = "manual"
    """A person must say what is so."""
    SKIPPED = "skipped"
    """A person said not to make it."""
    BASELINED = "baselined"
    """Made before there was a history."""


MADE = frozenset({ChangeState.APPLIED, ChangeState.BASELINED})
OPEN = frozenset({ChangeState.STARTED, ChangeState.FAILED, ChangeState.UNKNOWN, ChangeState.MANUAL})


class Goal(StrEnum):
    """What an attempt is for."""

    APPLY = "apply"
    ROLL_BACK = "roll_back"


@dataclass(frozen=True, slots=True)
class ChangeProgress:
    """How far a change in chunks has come; `total` is None where nobody knows."""

    change_id: str
    done: int
    total: int | None
    chunks: int


class ChangeRecord(Entity, table=JOBS, entity_type="change"):
    """Where a change stands. `scope` keeps the histories of several services apart."""

    scope: Name
    id: ChangeId
    state: ChangeState
    mode: Mode
    checksum: str
    goal: Goal = Goal.APPLY
    attempt: Count = 0
    generation: Count = 0
    """How often it was undone: a new generation may do again what the last one did."""
    token: Count
    """The lock's token under which this was written."""
    cursor: str | None = None
    """Where the last chunk stopped."""
    chunks: Count = 0
    done: Count = 0
    total: Count | None = None
    error: str | None = None
    """The class of what the last attempt failed with."""

    primary = PrimaryKey("CHANGES#{scope}", "CHANGE#{id}")

    def progress(self) -> ChangeProgress:
        """How far it has come."""
        return ChangeProgress(self.id, self.done, self.total, self.chunks)


class ChangeEntry(Entity, table=JOBS, entity_type="change_entry"):
    """One step of a change, written with it and never again. In order of the tokens it was written under."""

    scope: Name
    token: Annotated[int, Field(ge=0, lt=10**12)]
    step: Annotated[int, Field(ge=0, lt=10**6)]
    change_id: ChangeId
    before: ChangeState
    state: ChangeState
    goal: Goal
    attempt: Count
    checksum: str
    host: str
    operator: str
    duration: timedelta | None = None
    """How long the attempt took that ended by this."""
    error: str | None = None
    """The class of what it failed with."""
    reason: str | None = None
    """What a person gave for it."""
    at: UtcDatetime

    primary = PrimaryKey("CHANGES#{scope}", "ENTRY#{token:12}#{step:6}")
