"""The report of a run about audit chains: tables in Markdown between two markers of docs/benchmarks-audit.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks.audit.hashing import OWN
from benchmarks.audit.results import AuditResults, Cost, Load, Verified
from benchmarks.locks.results import Turns
from benchmarks.registry import OURS
from benchmarks.report import DOCS, between, marks, setting_lines, table, target_line

SINGLE = "one by one"
_GROUP = 25
_PER_CORE = 50_000
_TABLE_UNITS = 1.5
_MANY_LINKS = 10_000


def publish(results: AuditResults, docs: Path = DOCS) -> None:
    """Write the tables of a run."""
    between(docs / "benchmarks-audit.md", "audit", lines(results))


def lines(results: AuditResults) -> Iterator[str]:
    """The whole report."""
    yield from setting_lines(results.setting)
    loads = f"at the start: {results.load_average:.1f}; at the end, this run included: {results.load_average_after:.1f}"
    yield f"{results.engine}. Load average {loads}."
    yield f"An event here is {results.event_bytes} bytes, encoded."
    yield from ("", "### Targets", "")
    yield from table(("", "Wanted", "Measured", ""), [*_targets(results)])
    yield from _cost_lines(results.costs)
    yield from _load_lines(results.loads)
    yield from _hashing_lines(results.hashing, results.hashed_at_once)
    yield from _verified_lines(results.verified)


def _targets(results: AuditResults) -> Iterator[Sequence[str]]:
    units = [cost.table for cost in results.costs if (cost.way, cost.group) == (OURS, _GROUP)]
    if units:
        verdict = "reached" if max(units) <= _TABLE_UNITS else "**not reached**"
        what = f"Write units of an event in groups of {_GROUP}, its indexes apart"
        yield (what, f"at most {_TABLE_UNITS:g}", f"{max(units):.2f}", verdict)
    for one in results.verified:
        if one.source == "export" and one.group == _GROUP and one.links > _MANY_LINKS:
            what = f"Links of an export verified a second, of {one.links:,}, by the processor"
            yield target_line(what, "at least", _PER_CORE, one.links / one.cpu)


# Costs


def _cost_lines(costs: Sequence[Cost]) -> Iterator[str]:
    if costs:
        yield from ("", "### Write units of one event, on average", "")
        heads = (
            "",
            "events in a group",
            "indexes populated",
            "table",
            "indexes",
            "together",
            "times one by one, table",
        )
        singles = {cost.indexes: cost for cost in costs if cost.way == SINGLE}
        yield from table(heads, [_cost(cost, singles.get(cost.indexes)) for cost in costs])


def _cost(cost: Cost, single: Cost | None) -> Sequence[str]:
    ratio = "" if single is None else f"{cost.table / single.table:.2f}"
    together = cost.table + cost.of_indexes
    units = (f"{each:.4g}" for each in (cost.table, cost.of_indexes, together))
    return (cost.way, str(cost.group), str(cost.indexes), *units, ratio)


# Appending


def _load_lines(loads: Sequence[Load]) -> Iterator[str]:
    if loads:
        yield from ("", "### Appending", "", f"Rounds: {len(loads[0].rates)}.", "")
        heads = (
            *("", "processes", "threads each", "events an append", "events a second", "times one by one"),
            *("an append: p50 ms", "p99 ms", "most ms", "client ms an event", "refusals an event"),
        )
        singles = {repr(load.crew): load for load in loads if load.way == SINGLE}
        yield from table(heads, [_load(load, singles.get(repr(load.crew))) for load in loads])


def _load(load: Load, single: Load | None) -> Sequence[str]:
    """Ratios are medians over the rounds, each compared within itself."""
    done, ratio = load.done, ""
    if single is not None:
        ratio = f"{median(a / b for a, b in zip(load.rates, single.rates, strict=True)):.2f}"
    refused = f"{done.refused / done.events:.2f}" if load.way == SINGLE else ""
    return (
        load.way,
        str(load.crew.processes),
        str(load.crew.threads),
        str(load.group),
        f"{median(load.rates):,.0f}",
        ratio,
        *marks(done.seconds),
        f"{done.cpu / done.events * 1e3:.2f}",
        refused,
    )


# Hashing


def _hashing_lines(hashing: Mapping[str, Turns], at_once: int) -> Iterator[str]:
    if hashing:
        yield from ("", "### Encoding an event and taking its hash", "")
        base = hashing[OWN].cpu_ms
        heads = ("", "events a second, by the processor", "µs an event", "times ours")
        yield from table(heads, [_hashed(name, turns.cpu_ms, base, at_once) for name, turns in hashing.items()])


def _hashed(name: str, cpu_ms: Sequence[float], base: Sequence[float], at_once: int) -> Sequence[str]:
    taken = median(cpu_ms) / at_once
    ratio = median(mine / ours for mine, ours in zip(cpu_ms, base, strict=True))
    return (name, f"{1e3 / taken:,.0f}", f"{taken * 1e3:.1f}", f"{ratio:.2f}")


# Verifying


def _verified_lines(verified: Sequence[Verified]) -> Iterator[str]:
    if verified:
        yield from ("", "### Verifying", "")
        heads = (
            *("From", "links", "links a block", "links a second, by the clock", "by the processor", "file MB"),
            *("before it MB", "peak MB", "more"),
        )
        yield from table(heads, [_verified(one) for one in verified])


def _verified(one: Verified) -> Sequence[str]:
    rates = (f"{one.links / seconds:,.0f}" for seconds in (one.seconds, one.cpu))
    megabytes = (f"{each:.1f}" for each in (one.file_megabytes, one.before, one.peak, one.peak - one.before))
    return (one.source, f"{one.links:,}", str(one.group), *rates, *megabytes)
