"""What a run about jobs found, as data."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from benchmarks.results import Bill, Setting

Work = Literal["plain", "enqueue", "claim", "both"]
"""What the hands of a client do: half of them each where it is both; "plain" is the engine's share alone."""
ClientKind = Literal["direct", "botocore", "asyncio"]


class Done(BaseModel):
    """What a process, or several, got done, and the seconds of processor time it took them."""

    enqueued: int = 0
    completed: int = 0
    requests: int = 0
    """Those that were answered; refusals are not among them."""
    cpu: float = 0.0

    def __add__(self, other: Done) -> Done:
        mine, others = self.model_dump(), other.model_dump()
        return Done(**{name: mine[name] + others[name] for name in mine})


class Crew(BaseModel):
    """Processes that do the same, each with so many threads or tasks, which claim so many jobs at once."""

    client: ClientKind
    processes: int
    hands: int
    at_once: int = 1


class Load(BaseModel):
    """One work, done by one crew on a queue of so many shards for so many seconds."""

    work: Work
    crew: Crew
    shards: int
    seconds: float
    done: Done
    engine_cpu: float | None = None
    """Seconds of processor time the engine took; None where the system does not tell."""


class Latency(BaseModel):
    """From the call that enqueues to the claim in hand, while so many a second are asked for."""

    per_second: int
    pause: float
    """Seconds a claimer waits before it looks again, when there was nothing."""
    seconds: list[float]


class Peer(BaseModel):
    """Another library, in one thread: jobs enqueued a second, and claimed and completed."""

    name: str
    enqueued: float
    completed: float


class JobResults(BaseModel):
    """One run."""

    setting: Setting
    engine: str
    load_average: float = 0.0
    """How many were waiting for a processor before anything was measured."""
    costs: dict[str, list[Bill]] = {}
    loads: list[Load] = []
    latencies: list[Latency] = []
    peers: list[Peer] = []
