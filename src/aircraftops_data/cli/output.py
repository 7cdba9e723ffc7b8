"""How commands speak: tables for people, JSON for programs, and an exit code for each branch of errors."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aircraftops_data import errors

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

EXIT_CODES: tuple[tuple[type[errors.AircraftOpsDataError], int], ...] = (
    (errors.InvalidInputError, 2),
    (errors.MissingExtraError, 2),
    (errors.NotFoundError, 3),
    (errors.NotUniqueError, 3),
    (errors.ConflictError, 4),
    (errors.CorruptItemError, 5),
    (errors.StoreError, 6),
    (errors.ObjectStoreError, 6),
    (errors.EngineUnavailableError, 7),
    (errors.DefinitionError, 8),
    (errors.ChangeFailedError, 10),
)
"""What each branch of errors exits with; 1 is for anything else."""
UNHEALTHY = 9
"""What a command exits with that found something not as it should be, such as `changes verify` and `audit verify`."""


def exit_code(error: errors.AircraftOpsDataError) -> int:
    """The exit code of an error."""
    return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), 1)


def fail(error: errors.AircraftOpsDataError) -> None:
    """Say what went wrong on standard error, and exit with the code of its branch."""
    print(f"{type(error).__name__}: {error.message}", file=sys.stderr)  # noqa: T201
    sys.exit(exit_code(error))


def show(rows: Sequence[dict[str, Any]], *, as_json: bool, title: str = "") -> None:
    """Print records as a table, or as a JSON list."""
    if as_json:
        print(json.dumps(rows, indent=2, default=str))  # noqa: T201
        return
    if rows:
        console().print(grid(rows, title))
    else:
        print("none")  # noqa: T201


def grid(rows: Sequence[dict[str, Any]], title: str = "") -> Table:
    """Records as a table."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=title or None, title_justify="left", header_style="bold")
    columns = _columns(rows)
    for name in columns:
        table.add_column(name.replace("_", " "), overflow="fold")
    for record in rows:
        table.add_row(*(escape(_cell(record.get(name))) for name in columns))
    return table


def show_one(record: dict[str, Any], *, as_json: bool) -> None:
    """Print one record, a line for each of its fields, or as a JSON object."""
    if as_json:
        print(json.dumps(record, indent=2, default=str), flush=True)  # noqa: T201
        return
    said = {name.replace("_", " "): _cell(value) for name, value in record.items() if value is not None}
    width = max(map(len, said)) + 2
    for name, text in said.items():
        # A worker says what it will do, and then runs for long.
        print(name.ljust(width) + text.replace("\n", "\n" + " " * width), flush=True)  # noqa: T201


def console() -> Console:
    """Where tables go: standard output as it is now."""
    from rich.console import Console

    # A pipe has no width; nothing is folded to fit a screen that is not there.
    return Console(width=None if sys.stdout.isatty() else 200)


def _columns(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The fields that any of the records has something in, in the order of the records' own."""
    every = dict.fromkeys(name for record in rows for name in record)
    return [name for name in every if any(record.get(name) is not None for record in rows)]


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
