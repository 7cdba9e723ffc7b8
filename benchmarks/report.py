"""The report of a run: tables in Markdown between two markers of docs/benchmarks.md, and the charts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path as FilePath

from benchmarks.chart import Bar, Panel, chart, figure
from benchmarks.contender import PATHS, Path
from benchmarks.registry import OURS, OURS_ASYNC
from benchmarks.results import Asked, Bill, Outcome, Results, Scaling, Setting, Step
from benchmarks.targets import TARGETS, Target

DOCS = FilePath(__file__).parents[1] / "docs"
_TITLES = {path.name: path.title for path in PATHS}


def publish(results: Results, docs: FilePath = DOCS) -> None:
    """Write the tables and the chart of a run."""
    between(docs / "benchmarks.md", "results", results_lines(results))
    (docs / "benchmarks.svg").write_text(_chart(results))


def publish_scaling(results: Scaling, docs: FilePath = DOCS) -> None:
    """Write the table and the chart of a scaling run."""
    between(docs / "benchmarks.md", "scaling", scaling_lines(results))
    (docs / "benchmarks-scaling.svg").write_text(_scaling_chart(results))


def between(file: FilePath, name: str, lines: Iterable[str]) -> None:
    """Replace what stands between the two markers of this name."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    text = file.read_text()
    before, found, rest = text.partition(begin)
    _, also, after = rest.partition(end)
    if not (found and also):
        raise ValueError(f"{file.name} has no {begin} ... {end}")
    file.write_text("\n".join([before + begin, "", *lines, "", end + after]))


def results_lines(results: Results) -> Iterator[str]:
    yield from setting_lines(results.setting)
    yield f"{results.rounds} rounds."
    yield from ("", "### Targets", "")
    yield from table(("Path", "At most", "Of", "Measured", ""), [_target(target, results) for target in TARGETS])
    for path in PATHS:
        if results.paths.get(path.name):
            yield from ("", f"### {path.title}", "")
            yield from _path_lines(path, results.paths[path.name])
    yield from _memory_lines(results)
    yield from _import_lines(results)
    if results.missing:
        yield from ("", "### Not available", "")
        yield from (f"- {name}: {reason}" for name, reason in results.missing.items())


def setting_lines(setting: Setting) -> Iterator[str]:
    """What it was measured on and with."""
    yield f"{setting.python}, {setting.system}, {setting.processor}; event loop: {setting.event_loop}."
    yield f"{', '.join(f'{name} {version}' for name, version in setting.versions.items())}."


def table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table whose first column is text and whose others are numbers."""
    yield f"| {' | '.join(heads)} |"
    yield f"|---|{'---:|' * (len(heads) - 1)}"
    for line in lines:
        yield f"| {' | '.join(line)} |"


def cost_lines(costs: Mapping[str, Sequence[Bill]]) -> Iterator[str]:
    """A table of what calls cost, story by story."""
    if costs:
        yield from ("", "### Request units, call by call", "")
        found = [line for story, bills in costs.items() for line in _story(story, bills)]
        yield from table(("", "read units", "write units"), found)


def _story(story: str, bills: Sequence[Bill]) -> Iterator[Sequence[str]]:
    read, write = sum(bill.read_units for bill in bills), sum(bill.write_units for bill in bills)
    yield (f"**{story}**", f"**{read:g}**", f"**{write:g}**")
    for bill in bills:
        yield (bill.call, f"{bill.read_units:g}", f"{bill.write_units:g}")
        if bill.items > 1:
            each = (f"{units / bill.items:.3g}" for units in (bill.read_units, bill.write_units))
            yield (f"{bill.call}: each of {bill.items:,} items", *each)


def target_line(what: str, sense: str, wanted: float, found: float) -> Sequence[str]:
    """A line of a table of targets; `sense` is "at most" or "at least"."""
    reached = found <= wanted if sense == "at most" else found >= wanted
    return (what, f"{sense} {wanted:,g}", f"{found:,.0f}", "reached" if reached else "**not reached**")


def marks(seconds: Iterable[float]) -> Sequence[str]:
    """The median, the 99th percentile and the most, in milliseconds; nothing where nothing was measured."""
    found = sorted(seconds)
    chosen = (found[len(found) // 2], found[len(found) * 99 // 100], found[-1]) if found else ()
    return [f"{mark * 1e3:.1f}" for mark in chosen]


def _target(target: Target, results: Results) -> Sequence[str]:
    ratio = target.ratio(results)
    verdict = "not measured" if ratio is None else "reached" if ratio <= target.at_most else "**not reached**"
    found = "" if ratio is None else f"{ratio:.2f}"
    return (f"{_TITLES[target.path]} ({target.ours})", f"{target.at_most:.2f}", target.theirs, found, verdict)


def _path_lines(path: Path, outcomes: Mapping[str, Outcome]) -> Iterator[str]:
    base = outcomes.get(OURS_ASYNC if path.wall else OURS)
    rate = ("a second",) if path.wall else ()
    heads = ("", "least µs", "median µs", *rate, "times ours", "asked of the server in one turn")
    ranked = sorted(outcomes.items(), key=lambda entry: _cost(path, entry[1]))
    yield from table(heads, [_outcome_line(path, name, outcome, base) for name, outcome in ranked])


def _cost(path: Path, outcome: Outcome) -> float:
    return 1e6 / outcome.times.per_second if path.wall else outcome.times.median


def _outcome_line(path: Path, name: str, outcome: Outcome, base: Outcome | None) -> Sequence[str]:
    times = outcome.times
    rate = (f"{times.per_second:,.0f}",) if path.wall else ()
    ratio = "" if base is None else f"{times.ratio_to(base.times, wall=path.wall):.2f}"
    return (name, figure(times.least), figure(times.median), *rate, ratio, _asked(outcome.asked))


def _asked(asked: Asked) -> str:
    if not asked.requests:
        return "nothing"
    units = [f"{n:g} {kind}" for n, kind in ((asked.read_units, "RU"), (asked.write_units, "WU")) if n]
    requests = "1 request" if asked.requests == 1 else f"{asked.requests:,} requests"
    return ", ".join([f"{requests} of {asked.request_bytes:,} bytes", *units])


def _memory_lines(results: Results) -> Iterator[str]:
    for path, found in results.memory.items():
        yield from ("", f"### Peak memory: {_TITLES[path]}", "")
        ranked = sorted(found.items(), key=lambda entry: entry[1].peak)
        lines = [(n, f"{m.connected:.1f}", f"{m.peak:.1f}", f"{m.peak - m.connected:.1f}") for n, m in ranked]
        yield from table(("", "after a get MB", "peak MB", "more"), lines)


def _import_lines(results: Results) -> Iterator[str]:
    if not results.imports:
        return
    yield from ("", "### Imports", "")
    lines = [(f"`{name}`", figure(took.least), figure(took.median)) for name, took in results.imports.items()]
    yield from table(("", "least ms", "median ms"), lines)


def _chart(results: Results) -> str:
    panels = [_path_panel(path, results.paths[path.name]) for path in PATHS if results.paths.get(path.name)]
    note = "Median microseconds of processor time an item (async: of the clock). Less is better."
    return chart("What the client costs", note, panels)


def _path_panel(path: Path, outcomes: Mapping[str, Outcome]) -> Panel:
    bars = [Bar(name, _cost(path, outcome), name.startswith(OURS)) for name, outcome in outcomes.items()]
    return Panel(path.title, sorted(bars, key=lambda bar: bar.value))


def scaling_lines(results: Scaling) -> Iterator[str]:
    yield from setting_lines(results.setting)
    yield ""
    heads = ("Items", "read: µs an item", "peak MB", "written: µs an item", "peak MB")
    pairs = zip(results.read, results.written, strict=True)
    lines = [
        (f"{read.items:,}", figure(read.cpu), f"{read.peak:.1f}", figure(written.cpu), f"{written.peak:.1f}")
        for read, written in pairs
    ]
    yield from table(heads, lines)


def _scaling_chart(results: Scaling) -> str:
    panels: list[Panel] = []
    for title, steps in (("Read", results.read), ("Written", results.written)):
        panels.append(Panel(f"{title}: processor time an item", [_step_bar(step, step.cpu) for step in steps]))
        panels.append(Panel(f"{title}: peak memory", [_step_bar(step, step.peak) for step in steps], "MB"))
    return chart("From a thousand items to a million", "Flat is good.", panels)


def _step_bar(step: Step, value: float) -> Bar:
    return Bar(f"{step.items:,} items", value, ours=True)
