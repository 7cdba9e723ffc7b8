"""`python -m demo`: load the sample into a DynamoDB and answer eleven questions from it."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from aircraftops_data import AircraftOps, metered
from aircraftops_data.errors import AircraftOpsDataError
from aircraftops_data.testing import embedded_engine, is_local, local_session
from demo.loading import FILES, Loaded, load
from demo.patterns import PATTERNS, Pattern

console = Console()


def main() -> None:
    """Run the demo on an embedded engine, or on the one that --endpoint-url names."""
    arguments = _arguments()
    try:
        with _engine(arguments.endpoint_url) as engine:
            endpoint_url = arguments.endpoint_url or engine.endpoint_url
            console.print(f"[bold]Engine:[/] {escape(engine.description if engine else endpoint_url)}")
            session = local_session() if is_local(endpoint_url) else None
            _show(AircraftOps.connect(session=session, endpoint_url=endpoint_url, prefix=arguments.prefix))
    except AircraftOpsDataError as error:
        sys.exit(f"{type(error).__name__}: {error.message}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--endpoint-url", help="an engine to use instead of the embedded one")
    parser.add_argument("--prefix", default="demo-", help="put before each table's name (default: demo-)")
    return parser.parse_args()


def _engine(endpoint_url: str | None) -> AbstractContextManager[Any]:
    if endpoint_url is not None:
        return nullcontext()
    console.print("Starting an embedded DynamoDB (the first time it is downloaded: 51 MB) ...")
    return embedded_engine()


def _show(ops: AircraftOps) -> None:
    console.print("[bold]Tables:[/] " + ", ".join(str(outcome) for outcome in ops.create_tables()))
    _report("Loaded", loaded := _load(ops))
    again = _load(ops) if any(part.written for part in loaded) else loaded
    changes = sum(part.written for part in again)
    unchanged = sum(part.unchanged for part in again)
    said = "changed nothing" if not changes else f"changed {changes} items"
    console.print(f"[bold]Loading the same files again {said}:[/] {unchanged} items are as the files say.\n")
    _refusals(loaded)
    for pattern in PATTERNS:
        _answer(ops, pattern)


def _load(ops: AircraftOps) -> list[Loaded]:
    columns = (TextColumn("{task.description:18}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    loaded: list[Loaded] = []
    with Progress(*columns, console=console) as progress:
        for entity, read in FILES.items():
            lines = list(read())
            task = progress.add_task(entity.__name__, total=len(lines))
            loaded.append(load(ops.core, entity, lines, lambda done, task=task: progress.advance(task, done)))
    return loaded


def _report(title: str, loaded: list[Loaded]) -> None:
    table = Table(title=title, title_justify="left")
    for name in ("entity", "written", "unchanged", "refused", "cost"):
        table.add_column(name, justify="left" if name == "entity" else "right")
    for part in loaded:
        counts = (part.written, part.unchanged, len(part.refused))
        table.add_row(part.entity, *(str(count) for count in counts), str(part.consumed))
    console.print(table)


def _refusals(loaded: list[Loaded]) -> None:
    reasons = Counter((part.entity, reason) for part in loaded for reason in part.refused)
    table = Table(title="Lines that were refused, and why (the ten most frequent reasons)", title_justify="left")
    for name in ("lines", "entity", "reason"):
        table.add_column(name, justify="right" if name == "lines" else "left")
    for (entity, reason), count in reasons.most_common(10):
        table.add_row(str(count), entity, escape(reason))
    console.print(table)


def _answer(ops: AircraftOps, pattern: Pattern) -> None:
    with metered() as meter:
        records = pattern.ask(ops)
    console.print(f"\n[bold]{pattern.question}[/]\n  [cyan]{escape(pattern.code)}[/]", highlight=False)
    table = Table()
    for name in records[0] if records else ("nothing found",):
        table.add_column(name)
    for record in records:
        table.add_row(*("" if value is None else escape(str(value)) for value in record.values()))
    console.print(table)
    sent = "1 request" if meter.consumed.requests == 1 else f"{meter.consumed.requests} requests"
    console.print(f"  cost: {meter.consumed}, {sent}", highlight=False)


if __name__ == "__main__":
    main()
