"""The report of a run about locks and changes: tables in Markdown between two markers of docs/benchmarks-locks.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks.locks.results import Growth, HandOver, LockResults, Rival, TakeOver, Turns
from benchmarks.registry import OURS
from benchmarks.report import DOCS, between, cost_lines, marks, setting_lines, table, target_line
from benchmarks.results import Bill

UNCONTENDED = "A lock nobody else wants"
HELD = "While it is held"


def publish(results: LockResults, docs: Path = DOCS) -> None:
    """Write the tables of a run."""
    between(docs / "benchmarks-locks.md", "locks", lines(results))


def lines(results: LockResults) -> Iterator[str]:
    """The whole report."""
    yield from setting_lines(results.setting)
    loads = f"at the start: {results.load_average:.1f}; at the end, this run included: {results.load_average_after:.1f}"
    yield f"{results.engine}. Load average {loads}."
    yield from ("", "### Targets", "")
    yield from table(("", "Wanted", "Measured", ""), [*_targets(results.costs)])
    yield from cost_lines(results.costs)
    yield from _rival_lines(results)
    yield from _heartbeat_lines(results.heartbeats)
    yield from _hand_over_lines(results.hand_overs)
    if results.take_over is not None:
        yield from _take_over_lines(results.take_over)
    yield from _growth_lines(results.growth)


def _targets(costs: Mapping[str, Sequence[Bill]]) -> Iterator[Sequence[str]]:
    if UNCONTENDED in costs:
        units = sum(bill.write_units for bill in costs[UNCONTENDED])
        yield target_line("Write units of taking a lock nobody else wants and giving it back", "at most", 6, units)
    held = {bill.call: bill.write_units for bill in costs.get(HELD, [])}
    if held:
        yield target_line("Write units of a heartbeat", "at most", 1, held["heartbeat"])
        yield target_line("Write units of a fence", "at most", 2, held["fence, in a transaction"])
        more = held["a write, guarded"] - held["a write"]
        yield target_line("Write units a guard adds to a write", "at most", 0, more)


# Side by side


def _rival_lines(results: LockResults) -> Iterator[str]:
    rivals = results.rivals
    if not rivals:
        return
    yield from ("", "### Taking a lock nobody else wants and giving it back", "")
    heads = (
        *("", "requests", "read units", "write units", "a second", "p50 ms", "p99 ms", "most ms"),
        *("client ms", "times ours, by the clock", "by the client's processor"),
    )
    base = next((rival.turns for rival in rivals if rival.name == OURS), None)
    yield from table(heads, [_rival(rival, base) for rival in rivals])
    yield from ("", "What these do not do, by their sources:", "")
    yield from (f"- {rival.name}: {rival.told}." for rival in rivals if rival.told)
    yield from (f"- {name} was not there: {why}." for name, why in results.missing.items())


def _rival(rival: Rival, base: Turns | None) -> Sequence[str]:
    asked = (f"{number:g}" for number in (rival.asked.requests, rival.asked.read_units, rival.asked.write_units))
    return (rival.name, *asked, *_turns(rival.turns), *_ratios(rival.turns, base))


def _turns(turns: Turns) -> Sequence[str]:
    found = [second for each in turns.seconds for second in each]
    return (f"{len(found) / sum(found):,.0f}", *marks(found), f"{median(turns.cpu_ms):.2f}")


def _ratios(turns: Turns, base: Turns | None) -> Sequence[str]:
    """How many times the other's: the median over the rounds, each compared within itself."""
    if base is None:
        return ("", "")
    rounds = zip(turns.seconds, base.seconds, strict=True)
    clock = median(median(mine) / median(others) for mine, others in rounds)
    return (f"{clock:.2f}", f"{median(a / b for a, b in zip(turns.cpu_ms, base.cpu_ms, strict=True)):.2f}")


def _heartbeat_lines(heartbeats: Mapping[str, Turns]) -> Iterator[str]:
    if heartbeats:
        yield from ("", "### A heartbeat", "")
        heads = ("", "a second", "p50 ms", "p99 ms", "most ms", "client ms")
        yield from table(heads, [(name, *_turns(turns)) for name, turns in heartbeats.items()])


# From one holder to the next


def _hand_over_lines(hand_overs: Sequence[HandOver]) -> Iterator[str]:
    if hand_overs:
        yield from ("", "### From one holder to the next", "")
        heads = ("", "threads", "held ms", "hand-overs", "p50 ms", "p99 ms", "most ms")
        yield from table(heads, [_hand_over(one) for one in hand_overs])


def _hand_over(one: HandOver) -> Sequence[str]:
    return (one.name, str(one.threads), f"{one.held * 1e3:g}", str(len(one.seconds)), *marks(one.seconds))


def _take_over_lines(take_over: TakeOver) -> Iterator[str]:
    yield from ("", "### After a holder that died", "")
    heads = ("Lease s", "margin s", "locks", "beyond both: p50 ms", "p99 ms", "most ms")
    found = (f"{take_over.lease:g}", f"{take_over.margin:g}", str(len(take_over.seconds)), *marks(take_over.seconds))
    yield from table(heads, [found])


# Changes


def _growth_lines(growth: Sequence[Growth]) -> Iterator[str]:
    if growth:
        yield from ("", "### Ready-made changes", "")
        heads = ("", "items", "items a second", "client µs an item", "before it MB", "peak MB", "more")
        yield from table(heads, [_growth(one) for one in growth])


def _growth(one: Growth) -> Sequence[str]:
    return (
        one.change,
        f"{one.items:,}",
        f"{one.items / one.seconds:,.0f}",
        f"{one.cpu / one.items * 1e6:,.0f}",
        f"{one.before:.1f}",
        f"{one.peak:.1f}",
        f"{one.peak - one.before:.1f}",
    )
