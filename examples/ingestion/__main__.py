"""`python -m ingestion`: bring the register files of the sample into a DynamoDB, by jobs that may be killed."""

from __future__ import annotations

import argparse
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from aircraftops_data import AircraftOps
from aircraftops_data.errors import AircraftOpsDataError
from aircraftops_data.testing import embedded_engine, is_local, local_session
from ingestion.files import Folder
from ingestion.running import LEASE, work
from ingestion.showing import show
from ingestion.work import Ingestion

DATA = Path(__file__).parents[1] / "data"

console = Console()


def main() -> None:
    """Run it on an embedded engine, or on the one that --endpoint-url names. The exit code is 1 unless all balances."""
    arguments = _arguments()
    try:
        with _engine(arguments.endpoint_url) as engine:
            endpoint_url = arguments.endpoint_url or engine.endpoint_url
            console.print(f"[bold]Engine:[/] {escape(engine.description if engine else endpoint_url)}")
            session = local_session() if is_local(endpoint_url) else None
            with AircraftOps.connect(session=session, endpoint_url=endpoint_url, prefix=arguments.prefix) as ops:
                balanced = ingest(ops, Folder(arguments.data))
    except AircraftOpsDataError as error:
        sys.exit(f"{type(error).__name__}: {error.message}")
    sys.exit(0 if balanced else 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ingestion", description=__doc__)
    parser.add_argument("--endpoint-url", help="an engine to use instead of the embedded one")
    parser.add_argument("--prefix", default="ingest-", help="put before each table's name (default: ingest-)")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder of the files (default: the sample)")
    return parser.parse_args()


def _engine(endpoint_url: str | None) -> AbstractContextManager[Any]:
    if endpoint_url is not None:
        return nullcontext()
    console.print("Starting an embedded DynamoDB (the first time it is downloaded: 51 MB) ...")
    return embedded_engine()


def ingest(ops: AircraftOps, folder: Folder) -> bool:
    """Take the files in, or go on where that was broken off, and show what came of it; whether all balances."""
    console.print("[bold]Tables:[/] " + ", ".join(str(outcome) for outcome in ops.create_tables()))
    ingestion = Ingestion(ops, folder, told=lambda text: console.print(f"  {escape(text)}", highlight=False))
    asked = ingestion.start()
    console.print(f"[bold]Run:[/] {ingestion.run}{'' if asked else ' (asked for before)'}", highlight=False)
    if not asked and ops.jobs.workflow(ingestion.run).live:
        console.print(f"  goes on; what a killed worker had in hand, after {LEASE.seconds} seconds or so")
    work(ingestion)
    report = ingestion.result()
    if report is None:
        console.print("[bold]There is no report:[/] a job failed for good; `aircraftops-data jobs` shows which and why")
        return False
    show(console, ops, report)
    return report.balanced


if __name__ == "__main__":
    main()
