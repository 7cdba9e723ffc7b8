"""What a run about locks and changes found, as data."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, PlainSerializer

from benchmarks.results import Asked, Bill, Setting

Seconds = Annotated[float, PlainSerializer(lambda seconds: round(seconds, 6))]
"""Stored to the microsecond."""


class Turns(BaseModel):
    """What one turn takes: seconds by the clock each, and milliseconds of the client's processor, round by round."""

    seconds: list[list[Seconds]] = []
    cpu_ms: list[float] = []


class Rival(BaseModel):
    """A way to take a lock and give it back: what that asks of DynamoDB, and how long it takes."""

    name: str
    told: str
    """What it does not do."""
    asked: Asked
    turns: Turns


class HandOver(BaseModel):
    """So many threads that take turns, each holding the lock so long: seconds from the release to the next holder."""

    name: str
    threads: int
    held: float
    seconds: list[Seconds]


class TakeOver(BaseModel):
    """How long after the lease of a dead holder and the margin another had the lock, in seconds."""

    lease: float
    margin: float
    seconds: list[Seconds]


class Growth(BaseModel):
    """A ready-made change of so many items: seconds of the clock and of the processor, and memory of its process."""

    change: str
    items: int
    seconds: float
    cpu: float
    before: float
    """Megabytes resident at most before it began."""
    peak: float


class LockResults(BaseModel):
    """One run."""

    setting: Setting
    engine: str
    load_average: float = 0.0
    """How many were waiting for a processor before anything was measured."""
    costs: dict[str, list[Bill]] = {}
    rivals: list[Rival] = []
    missing: dict[str, str] = {}
    heartbeats: dict[str, Turns] = {}
    hand_overs: list[HandOver] = []
    take_over: TakeOver | None = None
    growth: list[Growth] = []
    load_average_after: float = 0.0
