"""Recording an event, as an intent and a plan: put once, said again it is the same event, never overwritten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from aircraftops_data.audit.encoding import encode_item
from aircraftops_data.audit.holding import held_by, keep_for
from aircraftops_data.audit.known import Known, Note
from aircraftops_data.audit.model import EXPIRY, AuditEvent, said
from aircraftops_data.core.commit import write
from aircraftops_data.core.context import Context
from aircraftops_data.core.intents import OfEntity, stamped
from aircraftops_data.core.writes import Action, Done, Stamp, Verdict
from aircraftops_data.errors import AlreadyExistsError
from aircraftops_data.model.conditions import Attribute, absent
from aircraftops_data.model.definition import Item
from aircraftops_data.model.schema import AUDIT_EVENTS
from aircraftops_data.request import Plan
from aircraftops_data.translation.values import encode_value


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
        return self._told(self.entity) == self._told(other)

    def _told(self, event: AuditEvent) -> bytes:
        """What an event says, as it is stored: to Python 1 and True are equal."""
        stored = {name: self.codec.field(name, value) for name, value in said(event).items()}
        return encode_item({name: value for name, value in stored.items() if value is not None})


class Nothing:
    """An action that does nothing: events are switched off."""

    table = AUDIT_EVENTS
    definition = None
    needs_read = False
    read_key: Item = {}

    def resolve(self, stored: Item | None, stamp: Stamp) -> list[Action]:
        """No action at all."""
        return []

    def outcome(self, item: Item | None) -> Any:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event that is stored, and its item as it was put; whether this call put it there."""

    event: AuditEvent
    item: Item
    fresh: bool


def record(event: AuditEvent, known: Known, context: Context) -> Plan[Recorded]:
    """Put an event, or find that the same is there. Raises AlreadyExistsError for another of its id.

    What a legal hold covers is kept for it as soon as it is there: 4 write units and 3 read units more.
    """
    yield from known.refresh(context)
    intent = Record(event, known)
    recorded = yield from _put(intent, context)
    # Also where it was there: who put it may have got no further.
    for hold in known.holds:
        if hold.covers(event):
            yield from keep_for(hold, event, context)
    return recorded


def _put(intent: Record, context: Context) -> Plan[Recorded]:
    try:
        return Recorded((yield from write(intent, context)), intent.item, fresh=True)
    except AlreadyExistsError as taken:
        existing = taken.existing
        if isinstance(existing, AuditEvent) and intent.says_the_same(existing):
            return Recorded(existing, (yield from _as_put(intent.item, existing, context)), fresh=False)
        message = f"Event {intent.entity.id} is there and says something else"
        raise AlreadyExistsError(message, existing=existing) from None


def _as_put(item: Item, event: AuditEvent, context: Context) -> Plan[Item]:
    """The item of an event with the expiry it was put with: a legal hold takes that away, and puts it back."""
    if event.expires_at is not None:
        return item
    due_at = next((held.due_at for held in (yield from held_by(event.resource, event.id, context))), None)
    return item if due_at is None else {**item, EXPIRY: encode_value(int(due_at.timestamp()))}
