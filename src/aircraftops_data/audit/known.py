"""What a process knows of the audit table, so that it need not ask for each event; and how that is set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from aircraftops_data.audit.identity import share_of
from aircraftops_data.audit.model import AuditEvent, KnownAction, KnownMonth, Layout, LegalHold
from aircraftops_data.core.asking import finding, query_reading
from aircraftops_data.core.commit import write
from aircraftops_data.core.context import Context
from aircraftops_data.core.intents import Create, OfEntity, Replace, stamped
from aircraftops_data.core.provisioning import create_tables
from aircraftops_data.core.reading import PAGE_LIMIT, page
from aircraftops_data.core.writes import Action, Done, Stamp
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.model.definition import Item
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.schema import AUDIT_EVENTS
from aircraftops_data.request import Plan
from aircraftops_data.settings import TableOptions


@dataclass
class Known:
    """What this process knows of the table: how events are spread, and which months and actions are noted already."""

    create_table: bool = False
    """Whether the table is made when it is first used."""
    fresh_for: timedelta = timedelta(minutes=1)
    layout: Layout = field(default_factory=Layout)
    holds: Sequence[LegalHold] = ()
    _read_at: float | None = None
    _noted: set[Entity] = field(default_factory=set[Entity])

    def refresh(self, context: Context) -> Plan[None]:
        """Look at layout and legal holds again where that is some time ago. 2 read units when it is."""
        now = context.clock.monotonic()
        if self._read_at is not None and now - self._read_at < self.fresh_for.total_seconds():
            return
        if self._read_at is None and self.create_table:
            yield from create_tables([AUDIT_EVENTS], context, TableOptions())
        self.layout = (yield from layout(context, consistent=True)) or Layout()
        self.holds = yield from holds(context)
        self._read_at = now

    def forget(self) -> None:
        """Look again the next time."""
        self._read_at = None

    def placed(self, event: AuditEvent) -> AuditEvent:
        """The event in the shards it belongs to; fewer than there are by now do no harm, for all are read."""
        shares = self.layout.of_actor(event.actor), self.layout.of_action(event.tenant, event.action)
        actor, action = (share_of(event.id, count) for count in shares)
        return event.model_copy(update={"actor_shard": actor, "action_shard": action})

    def news(self, event: AuditEvent) -> list[Entity]:
        """What is to be noted along with this event."""
        return [note for note in _notes(event) if note not in self._noted]

    def learn(self, event: AuditEvent) -> None:
        """It has been noted."""
        self._noted.update(_notes(event))


def _notes(event: AuditEvent) -> tuple[Entity, ...]:
    month = event.month
    return KnownAction(tenant=event.tenant, action=event.action, month=month), KnownMonth(month=month)


def holds(context: Context) -> Plan[list[LegalHold]]:
    """The legal holds in force. 1 read unit."""
    found, _ = yield from page(query_reading(LegalHold.primary(), consistent=True), context, None, PAGE_LIMIT)
    return found.items


def layout(context: Context, *, consistent: bool) -> Plan[Layout | None]:
    """The layout as it is stored; None where no value is hot."""
    return finding(Layout, {}, context, consistent=consistent, expired=True)


class Note(OfEntity[Entity]):
    """An entity that says one thing only: whoever says it again changes nothing. 1 write unit."""

    @property
    def needs_read(self) -> bool:
        """Never."""
        return False

    def resolve(self, stored: Item | None, stamp: Stamp) -> list[Action]:
        """A put, whatever is there."""
        item = self.full_item(stamped(self.entity, 1, stamp.now), stamp)
        return [self.action("Put", stamp, None, lambda _: Done(None), item=item)]


def spread(kind: Literal["actor", "action"], value: str, shards: int, context: Context) -> Plan[Layout]:
    """Spread the events of a hot value over so many shards from now on. 1 read unit, 1 write unit.

    An action is named with its tenant: `acme#login`. Raises InvalidInputError for fewer shards than there are,
    VersionConflictError or AlreadyExistsError where another changes the layout meanwhile.
    """
    if kind not in ("actor", "action"):
        raise InvalidInputError(f"What is spread is an actor or an action, not {kind!r}")
    name = f"{kind}:{value}"
    before = yield from layout(context, consistent=True)
    if shards < (before or Layout()).shards.get(name, 1):
        raise InvalidInputError(f"{name!r} is spread wider already; events may lie in each shard, so none can go")
    after = (before or Layout()).model_copy(update={"shards": {**(before or Layout()).shards, name: shards}})
    return (yield from write(Create(after) if before is None else Replace(after), context)) or after
