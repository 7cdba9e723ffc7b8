"""One run about audit chains: costs, then appending side by side, hashing, and verifying."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.audit import costs, hashing, throughput, verification
from benchmarks.audit.paper import event_item
from benchmarks.audit.results import AuditResults, Load
from benchmarks.engine import CompilingDynamoDB, connected, load_average
from benchmarks.locks.timing import side_by_side
from benchmarks.setting import setting

Chains = tuple[tuple[int, int], ...]
"""Links, and how many of them a block has."""
TABLES: Chains = ((1_000, 25), (10_000, 25), (1_000, 1))
EXPORTS: Chains = ((10_000, 25), (10_000, 1), (10_000, 100), (100_000, 25), (1_000_000, 25))


@dataclass(frozen=True)
class Plan:
    """How much to measure; nothing of a part that is given none."""

    loads: tuple[Load, ...] = ()
    rounds: int = 3
    seconds: float = 2.0
    hashing_rounds: int = 15
    tables: Chains = TABLES
    exports: Chains = EXPORTS


def run(plan: Plan, say: Callable[[str], object] = lambda _: None) -> AuditResults:
    """Measure it all."""
    items = [event_item(number) for number in range(hashing.AT_ONCE)]
    with CompilingDynamoDB() as engine:
        endpoint = engine.endpoint_url
        results = AuditResults(setting=setting("none"), engine=engine.description, load_average=load_average())
        results.event_bytes, results.hashed_at_once = hashing.mean_bytes(items), hashing.AT_ONCE
        say("costs")
        with connected(endpoint, "costs-") as ops:
            results.costs = list(costs.told(ops, endpoint, "costs-"))
        results.loads = [load.model_copy(deep=True) for load in plan.loads]
        if results.loads:
            connected(endpoint, "load-").close()
            throughput.measure(results.loads, endpoint, "load-", plan.rounds, plan.seconds, say)
        if plan.hashing_rounds:
            say("hashing")
            results.hashing = side_by_side(hashing.works(items), plan.hashing_rounds, 1)
        results.verified = list(verification.measured(plan.tables, plan.exports, endpoint, say))
    results.load_average_after = load_average()
    return results
