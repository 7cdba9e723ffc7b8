"""What the terminal shows of a run: its accounts, what is in quarantine, and look-ups that prove the data is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from aircraftops_data import AircraftOps, metered
from ingestion.accounts import Report
from ingestion.quarantine import QuarantinedLine

_REASONS_SHOWN = 16


@dataclass(frozen=True, slots=True)
class LookUp:
    """A question, how it is asked, and what it gives, a line for each answer."""

    question: str
    code: str
    ask: Callable[[AircraftOps, str], list[str]]


def _holders(ops: AircraftOps, _: str) -> list[str]:
    return [f"serial {one.serial_number}, {one.held_from} to {one.held_until}" for one in ops.registry.holders("N1")]


def _holder_in_1938(ops: AircraftOps, _: str) -> list[str]:
    found = ops.registry.current("N1", on=date(1938, 1, 1))
    return [f"serial {found.serial_number}"] if found else []


def _fleet(ops: AircraftOps, _: str) -> list[str]:
    fleet = ops.aircraft.operated_by("SKW", typecode="CRJ9").page(limit=3)
    return [f"{one.registration}, {one.model}, {one.year_built}" for one in fleet]


def _military(ops: AircraftOps, _: str) -> list[str]:
    tornados = ops.aircraft.of_type("TOR").page(limit=3)
    return [f"{one.icao24}, {one.registration}, {one.country}" for one in tornados]


def _operator(ops: AircraftOps, _: str) -> list[str]:
    return [f"{one.icao}: {one.name}" for one in ops.operators.by_callsign("austasia")]


def _quarantine(ops: AircraftOps, run: str) -> list[str]:
    found = ops.core.query(QuarantinedLine.primary(run=run, file="faa_register.csv"))
    return [f"line {one.line}: {reason}" for one in found for reason in one.reasons]


def _imports(ops: AircraftOps, _: str) -> list[str]:
    told = ops.audit.by_resource("file:faa_register.csv").newest_first()
    return [f"lines {event.details['lines']}: {event.details['stored']} stored" for event in told.page(limit=3)]


LOOK_UPS = (
    LookUp("Which airframes held the mark N1, and when?", 'ops.registry.holders("N1")', _holders),
    LookUp("Who held it on 1 January 1938?", 'ops.registry.current("N1", on=date(1938, 1, 1))', _holder_in_1938),
    LookUp("Three CRJ900 of SkyWest", 'ops.aircraft.operated_by("SKW", typecode="CRJ9").page(limit=3)', _fleet),
    LookUp("Three Tornados", 'ops.aircraft.of_type("TOR").page(limit=3)', _military),
    LookUp("Who is called Austasia?", 'ops.operators.by_callsign("austasia")', _operator),
    LookUp(
        "What is in quarantine of the register?",
        'ops.core.query(QuarantinedLine.primary(run=run, file="faa_register.csv"))',
        _quarantine,
    ),
    LookUp(
        "Which lines of the register were written last, as the events in the same transactions tell?",
        'ops.audit.by_resource("file:faa_register.csv").newest_first().page(limit=3)',
        _imports,
    ),
)


def show(console: Console, ops: AircraftOps, report: Report) -> None:
    """The report of a run, and the look-ups."""
    console.print(_accounts(report))
    said = "balance" if report.balanced else "do NOT balance"
    console.print(f"[bold]The accounts {said}:[/] lines planned = read = stored + unchanged + quarantined\n")
    console.print(_reasons(report))
    for look_up in LOOK_UPS:
        _answer(console, ops, report.run, look_up)


def _accounts(report: Report) -> Table:
    table = Table(title="What became of the lines", title_justify="left")
    table.add_column("file")
    names = ("planned", "read", "stored", "unchanged", "quarantined")
    for name in names:
        table.add_column(name, justify="right")
    for account in report.files:
        table.add_row(account.file, *(str(getattr(account, name)) for name in names))
    table.add_section()
    table.add_row("all", *(str(sum(getattr(account, name) for account in report.files)) for name in names))
    return table


def _reasons(report: Report) -> Table:
    shown = report.reasons[:_REASONS_SHOWN]
    title = f"Why lines are in quarantine ({len(shown)} of {len(report.reasons)} reasons)"
    table = Table(title=title, title_justify="left")
    for name in ("lines", "reason", "field", "file", "line numbers"):
        table.add_column(name, justify="right" if name == "lines" else "left")
    for one in shown:
        more = ", ..." if one.count > len(one.lines) else ""
        table.add_row(str(one.count), one.kind, one.field, one.file, ", ".join(map(str, one.lines)) + more)
    return table


def _answer(console: Console, ops: AircraftOps, run: str, look_up: LookUp) -> None:
    with metered() as meter:
        answers = look_up.ask(ops, run)
    console.print(f"\n[bold]{look_up.question}[/]  [cyan]{escape(look_up.code)}[/]", highlight=False)
    for answer in answers or ["nothing found"]:
        console.print(f"  {escape(answer)}", highlight=False)
    console.print(f"  cost: {meter.consumed}", highlight=False)
