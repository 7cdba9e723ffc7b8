"""The commands about changes: what would be made, making it, what was made, and setting right what a person must."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

import typer

from aircraftops_data.cli import change_records
from aircraftops_data.cli.options import AsJson, EndpointUrl, Prefix, connected, imported
from aircraftops_data.cli.output import UNHEALTHY, show, show_one
from aircraftops_data.coordination.attempt import OnChangeProgress
from aircraftops_data.coordination.change import Change, in_order
from aircraftops_data.coordination.changes import Changes
from aircraftops_data.coordination.planning import Concern
from aircraftops_data.coordination.record import ChangeEntry, ChangeProgress, ChangeRecord
from aircraftops_data.core.hands import runs_here
from aircraftops_data.errors import (
    AircraftOpsDataError,
    ChangeFailedError,
    ChangeStoppedError,
    InvalidInputError,
    NotFoundError,
    TransactionConflictError,
)

changes = typer.Typer(no_args_is_help=True, help="Changes that are each made once: plan, make, look back, set right.")

ChangeId = Annotated[str, typer.Argument(help="The change's id.", metavar="ID")]
Module = Annotated[str, typer.Option(help="A module or package of yours that declares changes.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept in the history.")]
Scope = Annotated[str, typer.Option(help="Whose changes, where services share a table.")]
Operator = Annotated[str | None, typer.Option(help="Who does this; without it, the user who runs the command.")]
Wait = Annotated[
    int | None, typer.Option(help="How long to wait for another maker; 600 without it.", min=0, metavar="SECONDS")
]


def _history(
    endpoint_url: str | None, prefix: str | None, scope: str, operator: str | None = None, wait: int | None = None
) -> Changes:
    ops = connected(endpoint_url, prefix)
    options = replace(ops.changes.options, scope=scope)
    if wait is not None:
        options = replace(options, wait=timedelta(seconds=wait))
    return Changes(ops.core, options=options, operator=operator)


def _declared(module: str) -> list[Change]:
    """What a module of the user's declares, in order. Raises InvalidInputError, DefinitionError."""
    imported(module)
    found = in_order(module, runs_here)
    if not found:
        raise InvalidInputError(f"Module {module!r} declares no changes")
    return found


def _declared_as(module: str, change_id: str) -> Change:
    for change in _declared(module):
        if change.id == change_id:
            return change
    raise NotFoundError(f"Module {module!r} declares no change {change_id!r}", entity="Change")


def _show_record(record: ChangeRecord, as_json: bool) -> None:
    show_one(change_records.listed(record, as_json=as_json), as_json=as_json)


# Making


@changes.command("plan")
def plan(
    module: Module,
    scope: Scope = "default",
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Say what `apply` would do about each change, and why. Changes nothing."""
    plans = _history(endpoint_url, prefix, scope).plan(_declared(module))
    show([change_records.planned(one, as_json=as_json) for one in plans], as_json=as_json)


@changes.command("apply")
def apply(
    module: Module,
    scope: Scope = "default",
    operator: Operator = None,
    wait: Wait = None,
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Make the changes that are to be made, in order, and list them. What one raises goes to standard error."""
    declared = _declared(module)
    found = _history(endpoint_url, prefix, scope, operator, wait)
    try:
        with _explained(), bars() as progress:
            made = found.apply(declared, progress=progress)
    except (ChangeFailedError, ChangeStoppedError) as error:
        _show_made([found.get(change_id) for change_id in error.made], as_json)
        raise
    _show_made(made, as_json)


def _show_made(records: list[ChangeRecord], as_json: bool) -> None:
    show([change_records.listed(record, as_json=as_json) for record in records], as_json=as_json)


@changes.command("rollback")
def rollback(
    change_id: ChangeId,
    module: Module,
    reason: Reason,
    scope: Scope = "default",
    operator: Operator = None,
    wait: Wait = None,
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Undo a change by its own rollback function; the next `apply` makes it anew."""
    change = _declared_as(module, change_id)
    found = _history(endpoint_url, prefix, scope, operator, wait)
    with _explained(), bars() as progress:
        record = found.roll_back(change, reason=reason, progress=progress)
    _show_record(record, as_json)


@contextmanager
def _explained() -> Generator[None]:
    """The traceback of what a change raised, on standard error: nothing else says where it failed."""
    try:
        yield
    except ChangeFailedError as error:
        cause = error.__cause__
        # Behind an error of the library is only how it was asked for.
        traceback.print_exception(cause, chain=not isinstance(cause, AircraftOpsDataError), file=sys.stderr)
        for reason in filter(None, cause.reasons if isinstance(cause, TransactionConflictError) else ()):
            typer.echo(f"{type(reason).__name__}: {reason}", err=True)
        raise


@contextmanager
def bars() -> Generator[OnChangeProgress | None]:
    """A bar for each change in chunks while it is made, on standard error where that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks = dict[str, TaskID]()

        def told(progress: ChangeProgress) -> None:
            name = progress.change_id
            if name not in tasks:
                tasks[name] = bar.add_task(escape(name), total=progress.total)
            bar.update(tasks[name], completed=progress.done, total=progress.total)

        yield told


# Looking back


@changes.command("history")
def history(
    change_id: Annotated[str | None, typer.Option("--change", help="Only of this change.", metavar="ID")] = None,
    scope: Scope = "default",
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """List every step that was ever taken, in order: what, when, by whom, how long it took and for what reason."""
    entries = _entries(_history(endpoint_url, prefix, scope), change_id)
    show([change_records.entered(entry, as_json=as_json) for entry in entries], as_json=as_json)


def _entries(found: Changes, change_id: str | None) -> list[ChangeEntry]:
    every = found.history()
    return list(every if change_id is None else every.where(ChangeEntry.f.change_id == change_id))


@changes.command("show")
def shown(
    change_id: ChangeId,
    scope: Scope = "default",
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Show where a change stands, and every step it took there."""
    found = _history(endpoint_url, prefix, scope)
    try:
        record = found.get(change_id)
    except NotFoundError as error:
        raise NotFoundError(f"Nothing is recorded of change {change_id!r}", **error.fields) from error
    entries, now = _entries(found, change_id), found.core.context.clock.now()
    said = change_records.whole(record, entries) if as_json else change_records.whole_in_words(record, entries, now)
    show_one(said, as_json=as_json)


@changes.command("verify")
def verify(
    module: Module,
    allow: Annotated[
        list[Concern] | None, typer.Option(help="List these without exiting with 9; may be given again.")
    ] = None,
    scope: Scope = "default",
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Compare the changes declared with those recorded; exit with 9 where something is not as it should be."""
    findings = _history(endpoint_url, prefix, scope).verify(_declared(module))
    show([change_records.found(finding) for finding in findings], as_json=as_json)
    if any(finding.concern not in (allow or ()) for finding in findings):
        raise typer.Exit(UNHEALTHY)


# Setting right


@changes.command("resolve")
def resolve(
    change_id: ChangeId,
    state: Annotated[str, typer.Argument(help="applied, rolled_back, skipped, or pending: make it anew.")],
    reason: Reason,
    module: Annotated[str | None, typer.Option(help="Where it is declared, if nothing is recorded of it yet.")] = None,
    scope: Scope = "default",
    operator: Operator = None,
    wait: Wait = None,
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Say what is so of a change that stopped, or skip one that is not to be made."""
    change = change_id if module is None else _declared_as(module, change_id)
    found = _history(endpoint_url, prefix, scope, operator, wait)
    _show_record(found.resolve(change, state, reason=reason), as_json)


@changes.command("accept")
def accept(
    change_id: ChangeId,
    module: Module,
    reason: Reason,
    scope: Scope = "default",
    operator: Operator = None,
    wait: Wait = None,
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Take a change as it is declared now for what was made, though it was edited since."""
    change = _declared_as(module, change_id)
    found = _history(endpoint_url, prefix, scope, operator, wait)
    _show_record(found.accept(change, reason=reason), as_json)


@changes.command("baseline")
def baseline(
    module: Module,
    reason: Reason,
    scope: Scope = "default",
    operator: Operator = None,
    wait: Wait = None,
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Record changes as made before there was a history; those of which something is recorded stay as they are."""
    declared = _declared(module)
    found = _history(endpoint_url, prefix, scope, operator, wait)
    _show_made(found.baseline(declared, reason=reason), as_json)
