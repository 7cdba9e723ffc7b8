"""One run about locks and changes: costs, then times side by side, then changes of many items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from aircraftops_data import CoreTable
from aircraftops_data.core.provisioning import create_tables
from aircraftops_data.settings import TableOptions
from aircraftops_data.testing import local_session
from benchmarks.engine import CompilingDynamoDB, load_average
from benchmarks.locks import costs, growth
from benchmarks.locks.peers import PEERS, Own, Peer
from benchmarks.locks.results import HandOver, LockResults, Rival
from benchmarks.locks.timing import handed_over, side_by_side, taken_over, turn
from benchmarks.registry import OURS_DIRECT
from benchmarks.results import Bill
from benchmarks.setting import setting
from benchmarks.telling import Ticking

THREADS = (2, 8)
SHORT, LONG = 0.01, 1.0
# Those whose waiters are told by default to look often enough to be measured in seconds.
HAND_OVERS = ((OURS_DIRECT, SHORT), ("pydynox", SHORT), (OURS_DIRECT, LONG))
LEASE = timedelta(seconds=2)


@dataclass(frozen=True)
class Plan:
    """How much to measure; nothing of a part that is given none."""

    stories: tuple[str, ...] = tuple(costs.STORIES)
    rounds: int = 15
    turns: int = 40
    hand_over_seconds: float = 25.0
    take_overs: int = 24
    sizes: tuple[int, ...] = growth.SIZES


def run(plan: Plan, say: Callable[[str], object] = lambda _: None) -> LockResults:
    """Measure it all."""
    with CompilingDynamoDB() as engine:
        endpoint = engine.endpoint_url
        results = LockResults(setting=setting("none"), engine=engine.description, load_average=load_average())
        say("costs")
        results.costs = {name: _told(name, endpoint, f"costs-{number}-") for number, name in enumerate(plan.stories)}
        peers, results.missing = _assembled(endpoint)
        _time(results, peers, plan, say)
        for peer in peers.values():
            peer.close()
        results.growth = list(growth.measured(endpoint, plan.sizes, say))
    results.load_average_after = load_average()
    return results


def _told(name: str, endpoint: str, prefix: str) -> list[Bill]:
    clock = Ticking()
    with CoreTable.connect(session=local_session(), endpoint_url=endpoint, prefix=prefix, clock=clock) as core:
        core.runner.run(create_tables(costs.TABLES, core.context, TableOptions()))
        return costs.told(name, core, clock)


def _assembled(endpoint: str) -> tuple[dict[str, Peer], dict[str, str]]:
    """Those that could be made, and why the others could not."""
    found, missing = dict[str, Peer](), dict[str, str]()
    for name, kind in PEERS.items():
        try:
            found[name] = kind(endpoint, "peer-")
        except ImportError as error:
            missing[name] = str(error)
    return found, missing


def _time(results: LockResults, peers: dict[str, Peer], plan: Plan, say: Callable[[str], object]) -> None:
    if plan.rounds:
        say("turns side by side")
        turns = side_by_side({name: turn(peer) for name, peer in peers.items()}, plan.rounds, plan.turns)
        results.rivals = [
            Rival(name=name, told=peer.told, asked=peer.asked("asked"), turns=turns[name])
            for name, peer in peers.items()
        ]
        say("heartbeats")
        ours = {name: peer.take("kept", 0) for name, peer in peers.items() if isinstance(peer, Own)}
        results.heartbeats = side_by_side(
            {name: lock.heartbeat for name, lock in ours.items()}, plan.rounds, plan.turns
        )
    if plan.hand_over_seconds:
        results.hand_overs = [
            _handed_over(name, peers[name], threads, held, plan.hand_over_seconds, say)
            for name, held in HAND_OVERS
            for threads in THREADS
            if name in peers
        ]
    if plan.take_overs:
        say("take-overs")
        own = peers[OURS_DIRECT]
        assert isinstance(own, Own)
        results.take_over = taken_over(own.ops, LEASE, plan.take_overs)


def _handed_over(
    name: str, peer: Peer, threads: int, held: float, seconds: float, say: Callable[[str], object]
) -> HandOver:
    say(f"hand-over: {name}, {threads} threads, held {held} s")
    # A turn takes at least as long as the lock is held.
    return handed_over(name, peer, threads, held, seconds * (2 if held > SHORT else 1))
