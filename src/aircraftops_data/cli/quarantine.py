"""The commands about quarantines of streams: which records are parked and why, and what becomes of them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

import typer

from aircraftops_data.cli.moments import beside_now
from aircraftops_data.cli.options import AsJson, EndpointUrl, Prefix, connected, imported
from aircraftops_data.cli.output import UNHEALTHY, show, show_one
from aircraftops_data.errors import InvalidInputError, NotFoundError
from aircraftops_data.model.encoders import instant_text
from aircraftops_data.ops import AircraftOps
from aircraftops_data.streams.parked import Held, HeldState, Parked
from aircraftops_data.streams.quarantine import Quarantine, Replayed
from aircraftops_data.streams.router import Router

quarantine = typer.Typer(no_args_is_help=True, help="Records that a router could not deal with, parked in order.")

Name = Annotated[str, typer.Argument(help="The quarantine's name.", metavar="NAME")]
Place = Annotated[str, typer.Argument(help="The place of an item, as `list` shows it.", metavar="PLACE")]
Row = dict[str, Any]


@quarantine.command("list")
def listing(name: Name, endpoint_url: EndpointUrl = None, prefix: Prefix = None, as_json: AsJson = False) -> None:
    """List the items whose records are held, how many of each, and why the first was parked."""
    ops = connected(endpoint_url, prefix)
    now = ops.core.context.clock.now()
    held = sorted(Quarantine(ops.core, name).all(), key=lambda each: each.parked_at)
    show([_held(each, now, as_json=as_json) for each in held], as_json=as_json)


@quarantine.command("show")
def shown(
    name: Name,
    place: Place,
    raw: Annotated[
        bool, typer.Option("--raw", help="The records themselves, one JSON a line, with all that the items hold.")
    ] = False,
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Show the records that are parked of an item, the first first; what items hold only with --raw."""
    ops = connected(endpoint_url, prefix)
    found = Quarantine(ops.core, name)
    held = found.held(place)
    if held is None or held.state is HeldState.CLEARED:
        raise NotFoundError("Nothing of this item is held", entity="Held", identity={"place": place})
    records = list(found.records(place))
    if raw:
        for record in records:
            typer.echo(json.dumps(json.loads(found.body(record)), ensure_ascii=False))
        return
    now = ops.core.context.clock.now()
    show([_parked(record, now, as_json=as_json) for record in records], as_json=as_json)


@quarantine.command("replay")
def replay(
    name: Name,
    module: Annotated[
        str, typer.Option(help="A module of yours with `router`: a Router, or a function of AircraftOps that makes it.")
    ],
    place: Annotated[str | None, typer.Argument(help="Of an item; without one, all.", metavar="PLACE")] = None,
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Give parked records to the router again, in order; exits with 9 where one fails: it stays, and those behind."""
    ops = connected(endpoint_url, prefix)
    router = _router(module, ops)
    if router.name != name:
        raise InvalidInputError(f"The router of {module!r} is of quarantine {router.name!r}, not {name!r}")
    outcomes = Quarantine(ops.core, name).replay(router, ops.locks, place)
    show([_replayed(each) for each in outcomes], as_json=as_json)
    if any(each.error is not None for each in outcomes):
        raise typer.Exit(UNHEALTHY)


@quarantine.command("discard")
def discard(
    name: Name,
    place: Place,
    whole: Annotated[bool, typer.Option("--all", help="All records of the item, not only the first.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Throw the first record of an item away for good, or all; what is left comes by `replay`."""
    if not yes:
        typer.confirm(f"Discard {'every record' if whole else 'the first record'} of {place}?", abort=True, err=True)
    ops = connected(endpoint_url, prefix)
    count = Quarantine(ops.core, name).discard(ops.locks, place, whole=whole)
    show_one({"place": place, "discarded": count}, as_json=as_json)


def _router(module: str, ops: AircraftOps) -> Router:
    """The router a module has or makes. Raises InvalidInputError."""
    found = getattr(imported(module), "router", None)
    made = found if isinstance(found, Router) or not callable(found) else found(ops)
    if not isinstance(made, Router):
        raise InvalidInputError(f"Module {module!r} has no `router`: neither a Router nor a function that makes one")
    return made


# What is printed


def _held(held: Held, now: datetime, *, as_json: bool) -> Row:
    at = instant_text(held.parked_at) if as_json else beside_now(held.parked_at, now)
    row = {"place": held.place, "table": held.table, "item": held.item, "records": held.count}
    return {**row, "reason": held.reason, "parked_at" if as_json else "since": at}


def _parked(record: Parked, now: datetime, *, as_json: bool) -> Row:
    at = instant_text(record.parked_at) if as_json else beside_now(record.parked_at, now)
    row = {"order": record.order.lstrip("0"), "event_id": record.event_id, "reason": record.reason}
    return {**row, "parked_at" if as_json else "since": at}


def _replayed(outcome: Replayed) -> Row:
    error = None if outcome.error is None else f"{type(outcome.error).__name__}: {outcome.error}"
    return {"place": outcome.place, "handled": outcome.handled, "failed": error}
