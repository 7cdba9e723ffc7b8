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
    """Measure it all. Each part, and each round of loads, has an engine of its own: none is slow with what it holds."""
    items = [event_item(number) for number in range(hashing.AT_ONCE)]
    results = AuditResults(setting=setting("none"), engine="", load_average=load_average())
    results.event_bytes, results.hashed_at_once = hashing.mean_bytes(items), hashing.AT_ONCE
    say("costs")
    with CompilingDynamoDB() as engine, connected(engine.endpoint_url, "costs-") as ops:
        results.engine = engine.description
        results.costs = list(costs.told(ops, engine.endpoint_url, "costs-"))
    results.loads = _loaded(plan, say)
    if plan.hashing_rounds:
        say("hashing")
        results.hashing = side_by_side(hashing.works(items), plan.hashing_rounds, 1)
    with CompilingDynamoDB() as engine:
        results.verified = list(verification.measured(plan.tables, plan.exports, engine.endpoint_url, say))
    results.load_average_after = load_average()
    return results


def _loaded(plan: Plan, say: Callable[[str], object]) -> list[Load]:
    loads = [load.model_copy(deep=True) for load in plan.loads]
    for number in range(plan.rounds if loads else 0):
        say(f"round {number + 1} of {plan.rounds}")
        with CompilingDynamoDB() as engine:
            connected(engine.endpoint_url, "load-").close()
            first = number * len(loads) // plan.rounds
            throughput.measure(loads, engine.endpoint_url, "load-", first, plan.seconds, say)
    return loads
