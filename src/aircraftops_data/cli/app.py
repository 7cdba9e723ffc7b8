"""The commands, noun first: tables, keys, jobs, locks, changes, audit, streams, local."""

from __future__ import annotations

from typing import Annotated

import typer

from aircraftops_data.cli import explain
from aircraftops_data.cli.audit import audit
from aircraftops_data.cli.changes import changes
from aircraftops_data.cli.jobs import jobs
from aircraftops_data.cli.locks import locks
from aircraftops_data.cli.options import AsJson, EndpointUrl, Prefix, connected, imported
from aircraftops_data.cli.output import fail, show
from aircraftops_data.cli.streams import streams
from aircraftops_data.core.provisioning import create_request, describe, differences, ttl_attribute
from aircraftops_data.errors import AircraftOpsDataError, InvalidInputError
from aircraftops_data.model.schema import TABLES, Table
from aircraftops_data.ops import AircraftOps
from aircraftops_data.settings import Settings
from aircraftops_data.testing import LocalDynamoDB, local_session

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
tables = typer.Typer(no_args_is_help=True, help="The three tables: make them, compare them, look at them.")
keys = typer.Typer(no_args_is_help=True, help="What keys are made of.")
app.add_typer(tables, name="tables")
app.add_typer(keys, name="keys")
app.add_typer(jobs, name="jobs")
app.add_typer(locks, name="locks")
app.add_typer(changes, name="changes")
app.add_typer(audit, name="audit")
app.add_typer(streams, name="streams")


def run() -> None:
    """Run the command line; the library's errors become a line on standard error and an exit code."""
    try:
        app()
    except AircraftOpsDataError as error:
        fail(error)


@tables.command("create")
def create(endpoint_url: EndpointUrl = None, prefix: Prefix = None, as_json: AsJson = False) -> None:
    """Make the tables that are missing; never changes or deletes one. Billing and more: AIRCRAFTOPS_ variables."""
    outcomes = connected(endpoint_url, prefix).create_tables()
    show([{"table": outcome.name, "outcome": outcome.outcome} for outcome in outcomes], as_json=as_json)


@tables.command("plan")
def plan(endpoint_url: EndpointUrl = None, prefix: Prefix = None, as_json: AsJson = False) -> None:
    """Say what `create` would do, and how existing tables differ from their definitions. Changes nothing."""
    ops = connected(endpoint_url, prefix)
    show([_planned(ops, table) for table in TABLES], as_json=as_json)


def _planned(ops: AircraftOps, table: Table) -> dict[str, str]:
    core = ops.core
    name = core.context.names[table]
    found = core.runner.run(describe(table, core.context))
    if found is None:
        return {"table": name, "would": "create"}
    different = list(differences(table, found))
    ttl = core.runner.run(ttl_attribute(table, core.context))
    if ttl != table.ttl_attribute:
        different.append(f"TTL attribute: expected {table.ttl_attribute}, found {ttl}")
    return {"table": name, "would": "refuse: " + "; ".join(different) if different else "leave unchanged"}


@tables.command("describe")
def described(prefix: Prefix = None, as_json: AsJson = False) -> None:
    """Show the definitions: keys, indexes, stream, TTL. Asks no engine; --json prints the CreateTable requests."""
    settings = Settings.from_environment(prefix=prefix)
    context = AircraftOps.connect(settings=settings, client=object()).core.context
    if as_json:
        show([dict(create_request(table, context, settings).parameters) for table in TABLES], as_json=True)
        return
    show([_definition(table, context.names[table]) for table in TABLES], as_json=False)


def _definition(table: Table, name: str) -> dict[str, str]:
    return {
        "table": name,
        "primary_key": " + ".join(attribute.name for attribute in table.attributes),
        "indexes": "\n".join(f"{i.name}: {' + '.join(a.name for a in i.attributes)}" for i in table.indexes),
        "stream": table.stream or "none",
        "TTL": table.ttl_attribute or "none",
        "entities": "\n".join(sorted(table.entities)),
    }


@keys.command("explain")
def explained(
    what: Annotated[str, typer.Argument(help="An entity (Aircraft, aircraft), or a stored key in quotes.")],
    components: Annotated[list[str] | None, typer.Argument(help="Components, as name=value.")] = None,
    module: Annotated[str | None, typer.Option(help="A module of yours to import, for its entities.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show an entity's key templates, the keys that components build, or what a stored key is made of."""
    if module is not None:
        imported(module)
    definition = explain.entity_named(TABLES, what)
    if definition is None:
        found = explain.meanings_of(TABLES, what)
        if not found:
            raise InvalidInputError(f"{what!r} is neither an entity nor a key that any template builds")
        show(found, as_json=as_json)
    elif components:
        show(explain.keys_of(definition, dict(_pair(text) for text in components)), as_json=as_json)
    else:
        show(explain.templates_of(definition), as_json=as_json, title=definition.entity.__doc__ or "")


def _pair(text: str) -> tuple[str, str]:
    name, middle, value = text.partition("=")
    if not middle:
        raise InvalidInputError(f"{text!r} is not written name=value")
    return name, value


@app.command("local")
def local(tables: Annotated[bool, typer.Option("--tables", help="Make the three tables in it.")] = False) -> None:
    """Run a DynamoDB Local in memory until Ctrl-C, and print its endpoint."""
    from threading import Event

    with LocalDynamoDB() as engine:
        if tables:
            AircraftOps.connect(session=local_session(), endpoint_url=engine.endpoint_url).create_tables()
        typer.echo(f"{engine.description}\nexport AWS_ENDPOINT_URL_DYNAMODB={engine.endpoint_url}")
        try:
            Event().wait()
        except KeyboardInterrupt:
            typer.echo("stopped")
