"""The commands about audit events: finding and following them, exporting them, and legal holds."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

import typer

from aircraftops_data.audit.audit import Audit
from aircraftops_data.audit.events import Events
from aircraftops_data.audit.model import AuditEvent, LegalHold, Outcome
from aircraftops_data.cli import audit_records, chains, given
from aircraftops_data.cli.moments import earlier
from aircraftops_data.cli.options import AsJson, EndpointUrl, Prefix, connected
from aircraftops_data.cli.output import show, show_one
from aircraftops_data.clock import Clock
from aircraftops_data.core.intents import valid
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.model.encoders import instant_text

audit = typer.Typer(no_args_is_help=True, help="Audit events: find, follow, export and keep them; verify their chains.")

Resource = Annotated[str | None, typer.Option(help="What it was done to, such as aircraft:a835af.")]
Actor = Annotated[str | None, typer.Option(help="Who did it, such as user:ana.")]
Tenant = Annotated[str | None, typer.Option(help="In which tenant it was done.")]
Correlation = Annotated[str | None, typer.Option(help="The correlation id it belongs to.")]
Action = Annotated[str | None, typer.Option(help="What was done, such as aircraft.transfer.")]
HowItEnded = Annotated[Outcome | None, typer.Option(help="How it ended.")]
Since = Annotated[str | None, typer.Option(help="From when: 2030-01-31T12:00:00Z, or how long ago: -1h30m.")]
Until = Annotated[str | None, typer.Option(help="Until when, written as --since.")]
HoldName = Annotated[str, typer.Argument(help="The hold's name.", metavar="NAME")]

LATE = timedelta(minutes=1)
"""How long after it occurred an event that comes late is still found by who follows."""


@dataclass(frozen=True)
class Wanted:
    """Which events: the first of these that is given says where they are looked up, the rest is compared."""

    correlation_id: str | None = None
    resource: str | None = None
    actor: str | None = None
    tenant: str | None = None
    action: str | None = None
    outcome: Outcome | None = None

    def within(self, audit: Audit, since: datetime | None, until: datetime | None = None) -> Events:
        """Those that occurred between two instants. Raises InvalidInputError where nothing says where to look."""
        if since is not None and until is not None and since > until:
            raise InvalidInputError("--since is after --until")
        if self.correlation_id is not None:
            return self._narrowed(audit.by_correlation(self.correlation_id, since, until), "correlation_id")
        if self.resource is not None:
            return self._narrowed(audit.by_resource(self.resource, since, until), "resource")
        if self.actor is not None:
            return self._narrowed(audit.by_actor(self.actor, since, until), "actor")
        if self.tenant is not None:
            return self._of_tenant(audit, self.tenant, since, until)
        raise InvalidInputError("Say whose events: --correlation, --resource, --actor or --tenant")

    def _narrowed(self, found: Events, looked_up: str) -> Events:
        for name, value in vars(self).items():
            if value is not None and name != looked_up:
                found = found.where(getattr(AuditEvent.f, name) == value)
        return found

    def _of_tenant(self, audit: Audit, tenant: str, since: datetime | None, until: datetime | None) -> Events:
        if self.outcome is not None:
            actions = None if self.action is None else [self.action]
            return audit.by_outcome(tenant, self.outcome, since, until, actions=actions)
        if self.action is not None:
            return audit.by_action(tenant, self.action, since, until)
        return audit.by_tenant(tenant, since, until)


def _between(now: datetime, *texts: str | None) -> list[datetime | None]:
    return [None if text is None else earlier(text, now) for text in texts]


# Finding


@audit.command("search")
def search(
    resource: Resource = None,
    actor: Actor = None,
    tenant: Tenant = None,
    correlation: Correlation = None,
    action: Action = None,
    outcome: HowItEnded = None,
    since: Since = None,
    until: Until = None,
    newest: Annotated[bool, typer.Option("--newest", help="The latest event first.")] = False,
    limit: Annotated[int, typer.Option(help="No more than this.", min=1, max=1000)] = 50,
    cursor: Annotated[str | None, typer.Option(help="Go on where the last page ended.")] = None,
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """List events of a resource, an actor, a tenant or a correlation id, in the order in which they occurred."""
    ops = connected(endpoint_url, prefix)
    begin, end = _between(ops.core.context.clock.now(), since, until)
    found = Wanted(correlation, resource, actor, tenant, action, outcome).within(ops.audit, begin, end)
    found = found.on_corrupt("collect")
    page = (found.newest_first() if newest else found).page(limit, cursor)
    # A cursor is bound to its instants, and how long ago they were is another instant by then.
    span = {name: at and instant_text(at) for name, at in (("since", begin), ("until", end))}
    records = [audit_records.listed(event, as_json=as_json) for event in page.items]
    if as_json:
        typer.echo(json.dumps({"events": records, "cursor": page.cursor, **span}, indent=2, default=str))
    else:
        show(records, as_json=False)
        if page.cursor is not None:
            options = " ".join(f"--{name} {value}" for name, value in span.items() if value is not None)
            typer.echo(f"more: {options} --cursor {page.cursor}".replace("  ", " "))
    if page.corrupt:
        typer.echo(f"! items left out that are no events as they are stored: {len(page.corrupt)}", err=True)


@audit.command("tail")
def tail(
    resource: Resource = None,
    actor: Actor = None,
    tenant: Tenant = None,
    correlation: Correlation = None,
    action: Action = None,
    outcome: HowItEnded = None,
    since: Since = None,
    every: Annotated[int, typer.Option(help="How often to look.", min=1, metavar="SECONDS")] = 2,
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Print events as they come, until Ctrl-C: a line for each, with --json an object."""
    ops = connected(endpoint_url, prefix)
    wanted, clock = Wanted(correlation, resource, actor, tenant, action, outcome), ops.core.context.clock
    begin = earlier(since, clock.now()) if since is not None else clock.now()

    def look(since: datetime) -> Iterable[AuditEvent]:
        return wanted.within(ops.audit, since).on_corrupt("skip")

    try:
        for event in followed(look, begin, clock, every):
            print(audit_records.line(event, as_json=as_json), flush=True)  # noqa: T201
    except KeyboardInterrupt:
        return


def followed(
    look: Callable[[datetime], Iterable[AuditEvent]], begin: datetime, clock: Clock, every: float
) -> Generator[AuditEvent]:
    """Events since an instant as they are found, each once: also those that come late, by a minute at most."""
    since = begin
    seen: dict[str, datetime] = {}
    while True:
        for event in look(since):
            if event.id not in seen:
                seen[event.id] = event.occurred_at
                yield event
        since = max(begin, clock.now() - LATE)
        seen = {name: at for name, at in seen.items() if at >= since}
        clock.sleep(every)


@audit.command("export")
def export(
    to: Annotated[str, typer.Option(help="A bucket, s3://NAME, or a folder.", metavar="PLACE")],
    under: Annotated[str, typer.Option(help="What the keys of the files begin with.")] = "audit/events",
    resource: Resource = None,
    actor: Actor = None,
    tenant: Tenant = None,
    correlation: Correlation = None,
    action: Action = None,
    outcome: HowItEnded = None,
    since: Since = None,
    until: Until = None,
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Write events as Parquet files, in partitions by date. Exported again, the same events replace their files."""
    objects = given.objects(to)
    ops = connected(endpoint_url, prefix)
    begin, end = _between(ops.core.context.clock.now(), since, until)
    found = Wanted(correlation, resource, actor, tenant, action, outcome).within(ops.audit, begin, end)
    count = ops.audit.export(found, objects, under)
    show_one({"events": count, "to": to, "under": under}, as_json=as_json)


# Legal holds


@audit.command("holds")
def holds(endpoint_url: EndpointUrl = None, prefix: Prefix = None, as_json: AsJson = False) -> None:
    """List the legal holds in force."""
    found = connected(endpoint_url, prefix).audit.holds()
    show([audit_records.held(each, as_json=as_json) for each in found], as_json=as_json)


@audit.command("hold")
def hold(
    name: HoldName,
    reason: Annotated[str, typer.Option(help="Why.")],
    resource: Resource = None,
    actor: Actor = None,
    tenant: Tenant = None,
    action: Action = None,
    since: Since = None,
    until: Until = None,
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Keep the events that fit all this beyond their time. Said again, it finds what slipped through meanwhile."""
    ops = connected(endpoint_url, prefix)
    begin, end = _between(ops.core.context.clock.now(), since, until)
    covered = {"tenant": tenant, "action": action, "actor": actor, "resource": resource, "since": begin, "until": end}
    placed: LegalHold = valid(LegalHold.definition(), {"name": name, "reason": reason, **covered})
    kept = ops.audit.hold(placed)
    show_one({"name": name, "events": kept}, as_json=as_json)


@audit.command("release")
def release(name: HoldName, endpoint_url: EndpointUrl = None, prefix: Prefix = None, as_json: AsJson = False) -> None:
    """End a legal hold: what no other keeps expires when it was due."""
    kept = connected(endpoint_url, prefix).audit.release(name)
    show_one({"name": name, "events": kept}, as_json=as_json)


for _named, _command in chains.COMMANDS.items():
    audit.command(_named)(_command)
