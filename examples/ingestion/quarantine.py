"""Lines that could not be taken: which, and why. What they held is not kept, for it may be about a person."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from aircraftops_data import JOBS, Entity, PrimaryKey


class ReasonKind(StrEnum):
    """What is wrong with a line."""

    UNREADABLE = "unreadable"
    """Not UTF-8, or not what the format calls a line."""
    SHIFTED = "shifted"
    """More or fewer fields than the header, or something where nothing should be."""
    MISSING = "missing"
    """A field without which the line says nothing."""
    INVALID = "invalid"
    """A field that holds no such thing."""
    NO_AIRCRAFT = "no aircraft"
    """A ground station or test equipment, which has an address all the same."""
    CODES_DISAGREE = "codes disagree"
    """One address, written in two ways that are not the same."""
    SAYS_OTHERWISE = "says otherwise"
    """An earlier line has the say on this, and says something else."""
    MARK_TAKEN = "mark taken"
    """Another aircraft carries the mark."""


class Reason(BaseModel):
    """Why a line was not taken, in words of this program alone."""

    model_config = ConfigDict(frozen=True)

    kind: ReasonKind
    field: str = ""
    text: str = ""

    def __str__(self) -> str:
        said = f"{self.field}: {self.text}" if self.field and self.text else self.field or self.text
        return f"{self.kind}: {said}" if said else str(self.kind)


class QuarantinedLine(Entity, table=JOBS, entity_type="quarantined_line"):
    """A line of a file that was not taken, found by run and file in the order of lines."""

    run: str
    file: str
    line: Annotated[int, Field(ge=1)]
    reasons: tuple[Reason, ...]

    primary = PrimaryKey("QUARANTINE#{run}#{file}", "LINE#{line:8}")
