"""What a run about audit chains found, as data."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from benchmarks.locks.results import Seconds, Turns
from benchmarks.results import Setting

WayName = Literal["aircraftops-data", "aircraftops-data, direct", "one by one", "no chain"]
Source = Literal["table", "export", "export, deep"]


class Cost(BaseModel):
    """Write units of one event on average, appended in groups of so many, with so many of its indexes populated."""

    way: WayName
    group: int
    indexes: int
    table: float
    of_indexes: float


class Crew(BaseModel):
    """Processes that append to the same chain, each with so many threads."""

    processes: int
    threads: int


class Appended(BaseModel):
    """What a process, or several, appended: seconds each append took, and transactions refused for another's link."""

    events: int = 0
    refused: int = 0
    cpu: float = 0.0
    seconds: list[Seconds] = []

    def __add__(self, other: Appended) -> Appended:
        return Appended(
            events=self.events + other.events,
            refused=self.refused + other.refused,
            cpu=self.cpu + other.cpu,
            seconds=self.seconds + other.seconds,
        )


class Load(BaseModel):
    """One way, by one crew, so many events an append, in several rounds: events a second of each."""

    way: WayName
    crew: Crew
    group: int
    rates: list[float] = []
    done: Appended = Appended()


class Verified(BaseModel):
    """A chain of so many events verified, in blocks of so many: seconds by the clock and the processor, and memory."""

    source: Source
    links: int
    group: int
    seconds: float
    cpu: float
    before: float
    """Megabytes resident at most before it began."""
    peak: float
    file_megabytes: float = 0.0
    """The size of an export's files."""


class AuditResults(BaseModel):
    """One run."""

    setting: Setting
    engine: str
    load_average: float = 0.0
    """How many were waiting for a processor before anything was measured."""
    event_bytes: int = 0
    """The size of an encoded event."""
    costs: list[Cost] = []
    loads: list[Load] = []
    hashing: dict[str, Turns] = {}
    hashed_at_once: int = 0
    """How many events a turn of hashing has."""
    verified: list[Verified] = []
    load_average_after: float = 0.0
