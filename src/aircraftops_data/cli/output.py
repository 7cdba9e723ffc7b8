"""How commands speak: tables for people, JSON for programs, and an exit code for each branch of errors."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from aircraftops_data import errors

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
)
"""What each branch of errors exits with; 1 is for anything else."""


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
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title or None, title_justify="left", header_style="bold")
    columns = _columns(rows)
    for name in columns:
        table.add_column(name.replace("_", " "), overflow="fold")
    for record in rows:
        table.add_row(*(_cell(record.get(name)) for name in columns))
    # A pipe has no width; nothing is folded to fit a screen that is not there.
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def _columns(rows: Iterable[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for record in rows for name in record))


def _cell(value: Any) -> str:
    from rich.markup import escape

    return "" if value is None else escape(str(value))
