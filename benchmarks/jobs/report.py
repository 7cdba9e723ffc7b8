"""The report of a run about jobs: tables in Markdown between two markers of docs/benchmarks-jobs.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.jobs.results import JobResults, Latency, Load, Peer, Work
from benchmarks.report import DOCS, between, cost_lines, marks, setting_lines, table, target_line
from benchmarks.results import Bill

SIMPLE = "A simple job"
HEARTBEAT = "heartbeat"
PRIORITIES = 3
SHARD_JOBS = 125
_OURS: dict[Work, str] = {
    "enqueue": "enqueue alone",
    "claim": "claim and complete alone",
    "both": "both at once",
}
_WORKS: dict[Work, str] = {"plain": "the engine alone, ready-made transactions of two puts", **_OURS}


def publish(results: JobResults, docs: Path = DOCS) -> None:
    """Write the tables of a run."""
    between(docs / "benchmarks-jobs.md", "jobs", lines(results))


def lines(results: JobResults) -> Iterator[str]:
    """The whole report."""
    yield from setting_lines(results.setting)
    yield f"{results.engine}. Load average at the start: {results.load_average:.1f}."
    yield from ("", "### Targets", "")
    yield from table(("", "Wanted", "Measured", ""), [*_targets(results)])
    yield from cost_lines(results.costs)
    yield from ("", "### What a table carries", "")
    yield from table(("Shards", "jobs a second, for each priority", "write units a second"), [*_shards(results.costs)])
    yield from _load_lines(results.loads)
    yield from _latency_lines(results.latencies)
    yield from _peer_lines(results.peers)


def _targets(results: JobResults) -> Iterator[Sequence[str]]:
    if SIMPLE in results.costs:
        beats, others = _apart(results.costs[SIMPLE])
        yield target_line("Write units of a simple job, without heartbeats", "at most", 14, others)
        yield target_line("Write units of a heartbeat", "at most", 1, beats)
    for shards in (1, 8):
        for bill in results.costs.get(f"Idle, {shards} shard{'s' * (shards > 1)}", []):
            units = bill.read_units / shards / PRIORITIES
            yield target_line(
                f"Read units of an idle poll, for each of {shards * PRIORITIES} partitions", "at most", 1, units
            )
    for work, title in _OURS.items():
        rates = [load.done.requests / load.seconds for load in results.loads if load.work == work]
        if rates:
            yield target_line(f"Requests a second on DynamoDB Local here, {title}, best", "at least", 1000, max(rates))
    for work, title in _OURS.items():
        rates = [load.done.requests / load.done.cpu for load in results.loads if load.work == work and load.done.cpu]
        if rates:
            yield target_line(
                f"Requests for each second of a client's processor, {title}, best", "at least", 1000, max(rates)
            )


def _apart(bills: Sequence[Bill]) -> tuple[float, float]:
    """The write units of a story's heartbeats, and of all else."""
    beats = sum(bill.write_units for bill in bills if bill.call == HEARTBEAT)
    return beats, sum(bill.write_units for bill in bills) - beats


def _shards(costs: dict[str, list[Bill]]) -> Iterator[Sequence[str]]:
    units = sum(_apart(costs.get(SIMPLE, [])))
    for shards in (1, 2, 4, 8, 16, 32):
        jobs = SHARD_JOBS * shards
        yield (str(shards), f"{jobs:,}", f"{jobs * units:,.0f}")


def _load_lines(loads: Sequence[Load]) -> Iterator[str]:
    heads = (
        *("Client", "shards", "requests a second", "jobs enqueued a second", "completed a second"),
        *("requests a job", "client ms a request", "engine ms a request", "processors, client", "engine"),
    )
    for work, title in _WORKS.items():
        found = [load for load in loads if load.work == work and (work != "enqueue" or load.crew.at_once == 1)]
        if found:
            yield from ("", f"### Throughput: {title}", "")
            yield from table(heads, [_load(load) for load in found])


def _load(load: Load) -> Sequence[str]:
    done, crew = load.done, load.crew
    kind = "tasks" if crew.client == "asyncio" else "threads"
    batch = f", {crew.at_once} claimed at once" if crew.at_once > 1 else ""
    jobs = max(done.enqueued, done.completed)
    return (
        f"{crew.client}, {crew.processes} x {crew.hands} {kind}{batch}",
        str(load.shards),
        *(f"{number / load.seconds:,.0f}" for number in (done.requests, done.enqueued, done.completed)),
        _ratio(done.requests, 0 if load.work == "both" else jobs),
        _ratio(done.cpu * 1e3, done.requests),
        _ratio(load.engine_cpu and load.engine_cpu * 1e3, done.requests),
        _ratio(done.cpu, load.seconds),
        _ratio(load.engine_cpu, load.seconds),
    )


def _ratio(part: float | None, whole: float) -> str:
    return "" if part is None or not whole else f"{part / whole:.2f}"


def _latency_lines(latencies: Sequence[Latency]) -> Iterator[str]:
    if latencies:
        yield from ("", "### Latency: from asking to the claim in hand", "")
        heads = ("Jobs a second", "jobs", "claimer's pause ms", "p50 ms", "p99 ms", "most ms")
        yield from table(heads, [_latency(latency) for latency in latencies])


def _latency(latency: Latency) -> Sequence[str]:
    return (str(latency.per_second), str(len(latency.seconds)), f"{latency.pause * 1e3:g}", *marks(latency.seconds))


def _peer_lines(peers: Sequence[Peer]) -> Iterator[str]:
    if peers:
        yield from ("", "### For context", "")
        heads = ("In one thread", "jobs enqueued a second", "completed a second")
        yield from table(heads, [(peer.name, f"{peer.enqueued:,.0f}", f"{peer.completed:,.0f}") for peer in peers])
