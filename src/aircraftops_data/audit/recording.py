"""Recording an event, as an intent and a plan: put once, said again it is the same event, never overwritten."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

from aircraftops_data.audit.identity import share_of
from aircraftops_data.audit.model import AuditEvent, KnownAction, KnownMonth, Layout, said
from aircraftops_data.core.asking import finding
from aircraftops_data.core.commit import write
from aircraftops_data.core.context import Context
from aircraftops_data.core.intents import OfEntity, stamped
from aircraftops_data.core.writes import Action, Done, Stamp, Verdict
from aircraftops_data.errors import AlreadyExistsError
from aircraftops_data.model.conditions import Attribute, absent
from aircraftops_data.model.definition import Item
from aircraftops_data.model.entity import Entity
from aircraftops_data.request import Plan


@dataclass
class Known:
    """What this process knows of the table: how events are spread, and which months and actions are noted already."""

    fresh_for: timedelta = timedelta(minutes=1)
    layout: Layout = field(default_factory=Layout)
    _read_at: float | None = None
    _noted: set[Entity] = field(default_factory=set[Entity])

    def refresh(self, context: Context) -> Plan[None]:
        """Look at the layout again where that is some time ago. 0.5 read units when it is."""
        now = context.clock.monotonic()
        if self._read_at is None or now - self._read_at >= self.fresh_for.total_seconds():
            self.layout = (yield from layout(context, consistent=False)) or Layout()
            self._read_at = now

    def placed(self, event: AuditEvent) -> AuditEvent:
        """The event in the shards it belongs to. Fewer than there are by now do no harm: readers read them all."""
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


class Record(OfEntity[AuditEvent]):
    """Puts an event where none of its id is, not even an expired one. 1 write unit per KB and for each index.

    The first event of an action and month that this process puts takes two notes along, in one transaction.
    Raises AlreadyExistsError, also where the same event is there: in a transaction that says it was made before.
    """

    def __init__(self, event: AuditEvent, known: Known) -> None:
        super().__init__(known.placed(event))
        self._known = known
        self.item: Item = {}
        """What is stored: by this intent, or before it."""

    @property
    def needs_read(self) -> bool:
        """Never."""
        return False

    def resolve(self, stored: Item | None, stamp: Stamp) -> list[Action]:
        """A put where nothing is, and what is to be noted."""
        self.item = self.full_item(stamped(self.entity, 1, stamp.now), stamp)
        nothing = absent(Attribute(self.table.partition_key.name))
        put = self.action("Put", stamp, nothing, lambda found: self._verdict(found, stamp), item=self.item)
        notes = [Note(note) for note in self._known.news(self.entity)]
        return [put, *(action for note in notes for action in note.resolve(None, stamp))]

    def _verdict(self, found: Item | None, stamp: Stamp) -> Verdict:
        if self.is_mine(found, stamp):
            return Done(found)
        self.item = found or {}
        return self.taken(found)

    def outcome(self, item: Item | None) -> AuditEvent:
        """The event as stored."""
        self._known.learn(self.entity)
        return cast("AuditEvent", self.codec.entity(self.item))

    def says_the_same(self, other: AuditEvent) -> bool:
        """Whether this is the very same event, wherever and for how long it is kept."""
        mine = cast("AuditEvent", self.codec.entity(self.codec.item(self.entity)))
        return said(mine) == said(other)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event that is stored, as item and as entity; whether this call put it there."""

    event: AuditEvent
    item: Item
    fresh: bool


def record(event: AuditEvent, known: Known, context: Context) -> Plan[Recorded]:
    """Put an event, or find that the same is there. Raises AlreadyExistsError for another of its id."""
    yield from known.refresh(context)
    intent = Record(event, known)
    try:
        stored = yield from write(intent, context)
    except AlreadyExistsError as taken:
        existing = taken.existing
        if isinstance(existing, AuditEvent) and intent.says_the_same(existing):
            return Recorded(existing, intent.item, fresh=False)
        raise AlreadyExistsError(f"Event {event.id} is there and says something else", existing=existing) from None
    return Recorded(stored, intent.item, fresh=True)
