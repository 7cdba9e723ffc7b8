"""The commands about streams of tables: a live view, how far pollers have read, and what they miss."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from aircraftops_data.cli import explain
from aircraftops_data.cli.change_lines import line
from aircraftops_data.cli.moments import beside_now, spoken
from aircraftops_data.cli.options import AsJson, EndpointUrl, Prefix, connected, imported
from aircraftops_data.cli.output import show, show_one
from aircraftops_data.cli.quarantine import quarantine
from aircraftops_data.coordination.locks import Locks
from aircraftops_data.core.process import this_process
from aircraftops_data.errors import InvalidInputError, NotFoundError
from aircraftops_data.model.encoders import instant_text
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.schema import TABLES, Table
from aircraftops_data.streams.decoding import Decoder
from aircraftops_data.streams.polling.gaps import acknowledge, gaps
from aircraftops_data.streams.polling.poller import lock_name
from aircraftops_data.streams.polling.state import Group, Origin, ShardState
from aircraftops_data.streams.polling.tail import tail

streams = typer.Typer(no_args_is_help=True, help="Streams of tables: what changes now, and how far pollers have read.")
missing = typer.Typer(no_args_is_help=True, help="Records that were trimmed before a poller read them.")
streams.add_typer(missing, name="gaps")
streams.add_typer(quarantine, name="quarantine")

GroupName = Annotated[str, typer.Argument(help="The name its pollers share.", metavar="NAME")]
Row = dict[str, Any]
_FROM = {"latest": Origin.LATEST, "trim-horizon": Origin.TRIM_HORIZON}


# The live view


@streams.command("tail")
def tailed(
    table: Annotated[str, typer.Argument(help="The table, by the name of its definition: CoreTable.", metavar="TABLE")],
    entity: Annotated[list[str] | None, typer.Option(help="Only changes of this entity; may be given again.")] = None,
    since: Annotated[str, typer.Option("--from", help="latest, or trim-horizon: with the oldest there is.")] = "latest",
    once: Annotated[bool, typer.Option("--once", help="Stop when there is nothing more just now.")] = False,
    module: Annotated[str | None, typer.Option(help="A module of yours to import, for its entities.")] = None,
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Print the changes of a table as they happen, until Ctrl-C; of fields that are private only that they changed."""
    if since not in _FROM:
        raise InvalidInputError(f"--from is one of {', '.join(_FROM)}, not {since!r}")
    if module is not None:
        imported(module)
    definition = _table_named(table)
    wanted = _entities(definition, entity)
    ops = connected(endpoint_url, prefix)
    context = ops.core.context
    decoder = Decoder(known.entity for known in definition.entities.values())
    view = tail(
        ops.streams,
        decoder,
        context.names[definition],
        context.clock,
        origin=_FROM[since],
        once=once,
        missing=_say_missing,
    )
    try:
        for record in view:
            if wanted is None or getattr(record, "entity", None) in wanted:
                print(line(record, as_json=as_json), flush=True)  # noqa: T201
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)


def _say_missing(shard: str) -> None:
    typer.echo(f"! records of shard {shard} were trimmed before they were shown", err=True)


def _table_named(name: str) -> Table:
    found = next((table for table in TABLES if table.name == name and table.stream is not None), None)
    if found is None:
        known = ", ".join(table.name for table in TABLES if table.stream is not None)
        raise InvalidInputError(f"{name!r} is no table with a stream; those are {known}")
    return found


def _entities(table: Table, names: list[str] | None) -> set[type[Entity]] | None:
    """The entities named; None for all there is, that of no entity among it. Raises InvalidInputError."""
    found = [(name, explain.entity_named((table,), name)) for name in names or ()]
    unknown = [name for name, definition in found if definition is None]
    if unknown:
        raise InvalidInputError(f"{table.name} has no entity {', '.join(map(repr, unknown))}")
    return {definition.entity for _, definition in found if definition is not None} or None


# Pollers


@streams.command("shards")
def shards(name: GroupName, endpoint_url: EndpointUrl = None, prefix: Prefix = None, as_json: AsJson = False) -> None:
    """List the shards that pollers of this name have begun: how far each is read, and who has it."""
    ops = connected(endpoint_url, prefix)
    now = ops.core.context.clock.now()
    states = sorted(Group(ops.core, name).begun().shards, key=lambda state: (state.label, state.shard))
    show([_shard(state, _owner(ops.locks, state), now, as_json=as_json) for state in states], as_json=as_json)


def _owner(locks: Locks, state: ShardState) -> str | None:
    """Who has a shard, or had it last."""
    if state.ended:
        return None
    try:
        return locks.get(lock_name(state.name, state.shard)).owner
    except NotFoundError:
        return None


@missing.command("list")
def listing(name: GroupName, endpoint_url: EndpointUrl = None, prefix: Prefix = None, as_json: AsJson = False) -> None:
    """List the shards that stand, for records of them were trimmed unread."""
    core = connected(endpoint_url, prefix).core
    now = core.context.clock.now()
    show([_gap(state, now, as_json=as_json) for state in gaps(core, name)], as_json=as_json)


@missing.command("acknowledge")
def acknowledged(
    name: GroupName,
    shard: Annotated[str, typer.Argument(help="The shard, as `list` shows it.", metavar="SHARD")],
    by: Annotated[str | None, typer.Option(help="Who says so; without it, this process.")] = None,
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Say that it is known that records are missing: the shard is read on from what is left. Backfill what is not."""
    core = connected(endpoint_url, prefix).core
    state = acknowledge(core, name, shard, by=by or this_process())
    show_one(_gap(state, core.context.clock.now(), as_json=as_json), as_json=as_json)


# What is printed


def _shard(state: ShardState, owner: str | None, now: datetime, *, as_json: bool) -> Row:
    stage = "ended" if state.ended else "gap" if state.stands else "open"
    checkpoint = None if state.place is None else str(state.place)
    row = {"shard": state.shard, "stream": state.label, "state": stage, "checkpoint": checkpoint}
    if as_json:
        return {**row, "at": _instant(state.at), "owner": owner, "token": state.token}
    age = None if state.at is None else f"{spoken(now - state.at)} old"
    return {**row, "last_record": age, "owner": owner}


def _gap(state: ShardState, now: datetime, *, as_json: bool) -> Row:
    gap = state.gap
    assert gap is not None
    after = None if gap.after is None else str(int(gap.after))
    row = {"shard": state.shard, "stream": state.label, "after": after}
    if as_json:
        known = {"acknowledged_at": _instant(gap.acknowledged_at), "acknowledged_by": gap.acknowledged_by}
        return {**row, "noticed_at": _instant(gap.noticed_at), **known}
    return {**row, "noticed": beside_now(gap.noticed_at, now), "acknowledged_by": gap.acknowledged_by}


def _instant(at: datetime | None) -> str | None:
    return None if at is None else instant_text(at)
