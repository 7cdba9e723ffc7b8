"""One run about streams: every way beside every other, then every dialect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.contender import BATCH
from benchmarks.engine import load_average
from benchmarks.measuring import TURN_SECONDS, interleaved
from benchmarks.setting import setting
from benchmarks.streams import events
from benchmarks.streams.results import StreamResults
from benchmarks.streams.ways import own, ways

BOTH, NEW = "both images", "new image"


@dataclass(frozen=True)
class Plan:
    """How much to measure."""

    rounds: int = 15
    turn_seconds: float = TURN_SECONDS


def run(plan: Plan, say: Callable[[str], object] = lambda _: None) -> StreamResults:
    """Measure it all, in this process."""
    results = StreamResults(setting=setting("none"), rounds=plan.rounds, load_average=load_average())
    for name, event in ((BOTH, events.modified()), (NEW, events.new_only())):
        say(name)
        results.views[name] = interleaved(ways(event), BATCH, plan.rounds, plan.turn_seconds)
    say("dialects")
    dialects = {name: own(event) for name, event in events.in_every_dialect().items()}
    results.dialects = interleaved(dialects, BATCH, plan.rounds, plan.turn_seconds)
    return results
