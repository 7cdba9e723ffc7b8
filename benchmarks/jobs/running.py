"""One run about jobs: costs, then throughput, then latency, on a DynamoDB Local of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.engine import CompilingDynamoDB, connected, load_average
from benchmarks.jobs import costs, latency, peers
from benchmarks.jobs.results import JobResults
from benchmarks.jobs.throughput import Field
from benchmarks.results import Bill
from benchmarks.setting import setting
from benchmarks.telling import Ticking

RATES = (5, 25)
PAUSE = 0.02


@dataclass(frozen=True)
class Plan:
    """How long to measure; nothing of a part that is given no time."""

    load_seconds: float = 2.0
    latency_seconds: float = 10.0
    peer_jobs: int = 500


def run(plan: Plan, say: Callable[[str], object] = lambda _: None) -> JobResults:
    """Measure it all."""
    with CompilingDynamoDB() as engine:
        results = JobResults(setting=setting("asyncio"), engine=engine.description, load_average=load_average())
        say("costs")
        results.costs = _costs(engine.endpoint_url)
        with connected(engine.endpoint_url, "load-", transport="direct") as ops:
            if plan.load_seconds:
                results.loads = list(Field(ops, engine.endpoint_url, "load-").loads(plan.load_seconds, say))
            if plan.latency_seconds:
                say("latency")
                results.latencies = [latency.measured(ops.jobs, rate, PAUSE, plan.latency_seconds) for rate in RATES]
            if plan.peer_jobs and (peer := peers.huey(plan.peer_jobs)) is not None:
                results.peers = [peer]
    return results


def _costs(endpoint: str) -> dict[str, list[Bill]]:
    clock = Ticking()
    with connected(endpoint, "costs-", clock=clock) as ops:
        return {name: costs.told(name, ops.core, clock) for name in costs.STORIES}
