"""What a run about jobs found, as data."""

from __future__ import annotations

from pydantic import BaseModel

from benchmarks.results import Setting


class Bill(BaseModel):
    """A call, and the request units AWS bills for it."""

    call: str
    read_units: float
    write_units: float


class Load(BaseModel):
    """So much done in so many seconds: jobs, requests that were answered, and who spent processor time on it."""

    work: str
    client: str
    shards: int
    seconds: float
    enqueued: int = 0
    completed: int = 0
    requests: int = 0
    client_cpu: float = 0.0
    """Seconds of processor time, user and system, of all client processes."""
    engine_cpu: float | None = None
    """The same of the engine's process; None where the system does not tell."""


class Latency(BaseModel):
    """From the call that enqueues to the claim in hand, in milliseconds."""

    per_second: int
    pause: float
    """Milliseconds an idle claimer waits before it looks again."""
    milliseconds: list[float]


class Peer(BaseModel):
    """Another library, for context."""

    name: str
    told: str
    jobs: int
    seconds: float


class JobResults(BaseModel):
    """One run."""

    setting: Setting
    engine: str
    costs: dict[str, list[Bill]] = {}
    loads: list[Load] = []
    latencies: list[Latency] = []
    peers: list[Peer] = []
