"""Audit events: record what was done, and find it again."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from datetime import datetime
from functools import partial
from typing import Any, Literal, TypeVar, Unpack

from aircraftops_data.audit.aio.chain import AsyncChain
from aircraftops_data.audit.aio.events import AsyncEvents
from aircraftops_data.audit.aio.sealing import export_events
from aircraftops_data.audit.asking import Asked, event_of, vetted
from aircraftops_data.audit.changing import change_of
from aircraftops_data.audit.holding import keep_for, lift, pattern_of, place
from aircraftops_data.audit.known import Known, spread
from aircraftops_data.audit.listing import (
    Pattern,
    Span,
    known_actions,
    of_actor,
    of_correlation,
    of_resource,
    of_tenant,
)
from aircraftops_data.audit.model import DEFAULT_TENANT, AuditEvent, HeldEvent, LegalHold, Outcome, outcome_of
from aircraftops_data.audit.options import AuditOptions
from aircraftops_data.audit.recording import Nothing, Record, Recorded, record
from aircraftops_data.core.accompanied import Changed, Companion
from aircraftops_data.core.aio.query import AsyncQuery
from aircraftops_data.core.aio.table import AsyncCoreTable
from aircraftops_data.core.context import Context
from aircraftops_data.core.writes import Intent
from aircraftops_data.errors import NotFoundError
from aircraftops_data.request import Plan
from aircraftops_data.transports.objects import AsyncObjects

T = TypeVar("T")


class AsyncAudit:
    """Events on AuditEventsTable: put once, never changed. Safe to share between tasks."""

    def __init__(self, core: AsyncCoreTable, options: AuditOptions | None = None) -> None:
        self.core = core
        self.options = options or AuditOptions()
        self.known = Known(create_table=self.options.create_table)
        self._chains: dict[str, AsyncChain] = {}

    @property
    def context(self) -> Context:
        """Names, clock, chance and retry policy."""
        return self.core.context

    async def run(self, plan: Plan[T]) -> T:
        """Drive a plan to its end."""
        return await self.core.runner.run(plan)

    # Recording

    def event(self, **asked: Unpack[Asked]) -> AuditEvent:
        """An event, ready to be recorded; sends nothing. Recorded again, as after an answer that was lost, it is one.

        Raises InvalidInputError, InvalidValueError, ItemTooLargeError (details over 16 KB, payload over 128 KB),
        SecretFoundError (by policy, and always for secrets in names).
        """
        return event_of(asked, self.options, self.context)

    async def record(self, event: AuditEvent | None = None, **asked: Any) -> AuditEvent:
        """Store an event, or one of what is given by name (as for `event`); returns it as stored.

        1 write unit per KB, and for each index: actor, action, and correlation where there is one; the first of an
        action and month in this process 5 more; 1 read unit where it goes into a chain. The same event again changes
        nothing. Raises AlreadyExistsError for another of the same id.
        """
        said = self.event(**asked) if event is None else event
        if not self.options.enabled:
            return said
        if self.options.hash_chain:
            await self.chain(said.tenant).append([said])
            return await self.get(said.resource, said.id)
        return (await self.put(said)).event

    async def put(self, event: AuditEvent) -> Recorded:
        """Put an event, or find that it is there; also the item it is stored as."""
        return await self.run(record(vetted(event, self.options), self.known, self.context))

    def action(self, event: AuditEvent) -> Intent[Any]:
        """An event as an action of any transaction: it is stored if all else is. 2 write units per KB.

        Where every event goes into its tenant's chain, `chain(tenant).settle()` takes it in later.
        """
        if not self.options.enabled:
            return Nothing()
        if self.options.hash_chain:
            return self.chain(event.tenant).action(event)
        return Record(vetted(event, self.options), self.known)

    def changes(self, **asked: Any) -> Companion:
        """What has a repository record each change it makes: `ops.aircraft.along_with(ops.audit.changes(actor=...))`.

        The action is `aircraft.create`, `aircraft.update`, ... and the resource `aircraft:a835af`, where `action` and
        `resource` do not say otherwise. Secret and personal fields are named without their values.
        """
        return partial(self._change, asked)

    def _change(self, asked: dict[str, Any], changed: Changed) -> Intent[Any]:
        said: Any = change_of(changed, asked)
        return self.action(self.event(**said))

    # Finding

    async def get(self, resource: str, event_id: str) -> AuditEvent:
        """One event of a resource. 1 read unit per 4 KB. Raises NotFoundError."""
        return await self.core.get(AuditEvent, resource=resource, id=event_id, consistent=True)

    def by_resource(self, resource: str, since: datetime | None = None, until: datetime | None = None) -> AsyncEvents:
        """What was done to a resource."""
        return self._listed(f"resource {resource!r}", of_resource(resource), since, until)

    def by_actor(self, actor: str, since: datetime | None = None, until: datetime | None = None) -> AsyncEvents:
        """What an actor did."""
        return self._listed(f"actor {actor!r}", of_actor(actor), since, until)

    def by_action(
        self, tenant: str, action: str, since: datetime | None = None, until: datetime | None = None
    ) -> AsyncEvents:
        """What was done in a tenant of one action, whatever its outcome."""
        return self._listed(f"action {(tenant, action)!r}", of_tenant(tenant, [action]), since, until)

    def by_outcome(
        self,
        tenant: str,
        outcome: Outcome | str,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        actions: Iterable[str] | None = None,
    ) -> AsyncEvents:
        """What ended so in a tenant, of some actions or of all there are: 0.5 read units for each of them and month."""
        wanted = None if actions is None else sorted(actions)
        name = f"outcome {(tenant, str(outcome), wanted)!r}"
        return self._listed(name, of_tenant(tenant, wanted, [outcome_of(outcome)]), since, until)

    def by_tenant(self, tenant: str, since: datetime | None = None, until: datetime | None = None) -> AsyncEvents:
        """All that was done in a tenant."""
        return self._listed(f"tenant {tenant!r}", of_tenant(tenant), since, until)

    def by_correlation(
        self, correlation_id: str, since: datetime | None = None, until: datetime | None = None
    ) -> AsyncEvents:
        """What belongs to one correlation id."""
        return self._listed(f"correlation {correlation_id!r}", of_correlation(correlation_id), since, until)

    def _listed(self, name: str, pattern: Pattern, since: datetime | None, until: datetime | None) -> AsyncEvents:
        return AsyncEvents(self.core, name, pattern, Span.between(since, until))

    async def actions(self, tenant: str) -> list[str]:
        """The actions a tenant has had events of."""
        return sorted({known.action for known in await self.run(known_actions(tenant, self.context))})

    async def export(
        self, events: AsyncIterable[AuditEvent], objects: AsyncObjects, prefix: str = "audit/events"
    ) -> int:
        """Write events as Parquet files, in partitions by date; how many there were. Needs the extra `parquet`.

        Exported again, the same events replace their files. pandas, DuckDB and Athena read them.
        """
        return await export_events(events, objects, prefix)

    # Keeping

    def chain(self, name: str = DEFAULT_TENANT) -> AsyncChain:
        """The chain of a tenant: `acme`, or one of several it has, `flights/acme`."""
        if name not in self._chains:
            self._chains[name] = AsyncChain(self, name)
        return self._chains[name]

    async def hold(self, hold: LegalHold) -> int:
        """Keep what a legal hold covers beyond its time: what is there, and what will be recorded; how many it found.

        Another process knows of it a minute later at most: what that put meanwhile is kept by placing the hold again,
        which is also how events of transactions are. For each event 2 write units per KB and 4, and 4 read units.
        Raises InvalidInputError for a hold of everything, AlreadyExistsError for another of its name.
        """
        events = AsyncEvents(self.core, "hold", pattern_of(hold), Span.between(hold.since, hold.until))
        placed = await self.run(place(hold, self.context))
        self.known.forget()
        return sum([await self.run(keep_for(placed, e, self.context)) async for e in events if placed.covers(e)])

    async def release(self, name: str) -> int:
        """End a legal hold: what no other keeps expires when it was due. How many events it kept.

        Said again a minute later it also lets go what other processes kept meanwhile. Raises NotFoundError where there
        is nothing of the name.
        """
        gone = await self.core.delete(LegalHold, name=name)
        self.known.forget()
        kept = 0
        async for held in self.core.query(HeldEvent.by_hold(hold=name)):
            await self.run(lift(held, self.context))
            kept += 1
        if gone is None and not kept:
            raise NotFoundError(f"There is no legal hold {name!r}", entity="LegalHold", identity={"name": name})
        return kept

    def holds(self) -> AsyncQuery[LegalHold]:
        """The legal holds in force."""
        return self.core.query(LegalHold.primary()).consistent()

    async def spread(self, kind: Literal["actor", "action"], value: str, shards: int) -> None:
        """Spread the events of a hot value over so many shards from now on: an actor, or `tenant#action`.

        Shards can only become more. Every process spreads them so within a minute. Raises InvalidInputError.
        """
        await self.run(spread(kind, value, shards, self.context))
        self.known.forget()

    async def cleanup_expired(self) -> int:
        """0, always: DynamoDB itself deletes what has expired, within days and at no cost; reads hide it until then."""
        return 0
