"""The report of a run about streams: tables in Markdown between two markers of docs/benchmarks-streams.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.measuring import Times
from benchmarks.report import DOCS, between, setting_lines, table
from benchmarks.streams.results import StreamResults
from benchmarks.streams.running import BOTH
from benchmarks.streams.ways import DESERIALIZER, OWN, POWERTOOLS

_TARGETS = ((POWERTOOLS, 3.0), (DESERIALIZER, 1.0))


def publish(results: StreamResults, docs: Path = DOCS) -> None:
    """Write the tables of a run."""
    between(docs / "benchmarks-streams.md", "streams", lines(results))


def lines(results: StreamResults) -> Iterator[str]:
    """The whole report."""
    yield from setting_lines(results.setting)
    yield f"{results.rounds} rounds; load average at the start: {results.load_average:.1f}."
    yield from ("", "### Targets", "")
    yield from table(("", "Wanted", "Measured", ""), [*_targets(results.views[BOTH])])
    heads = ("", "records a second, by the processor", "microseconds a record", "least", "times ours")
    for name, times in results.views.items():
        yield from ("", f"### Records with {name}", "")
        yield from table(heads, [_line(way, found, times[OWN]) for way, found in times.items()])
    yield from ("", "### Dialects, read by this library", "")
    first = next(iter(results.dialects.values()))
    heads = (*heads[:-1], "times Lambda's")
    yield from table(heads, [_line(name, found, first) for name, found in results.dialects.items()])


def _targets(times: Mapping[str, Times]) -> Iterator[Sequence[str]]:
    for way, wanted in _TARGETS:
        ratio = times[way].ratio_to(times[OWN])
        verdict = "reached" if ratio >= wanted else "**not reached**"
        yield (f"{way}: its time, as a multiple of ours", f"at least {wanted:g}", f"{ratio:.2f}", verdict)


def _line(name: str, times: Times, base: Times) -> Sequence[str]:
    rate = f"{1e6 / times.median:,.0f}"
    return name, rate, f"{times.median:.1f}", f"{times.least:.1f}", f"{times.ratio_to(base):.2f}"
