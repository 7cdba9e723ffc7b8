"""Legal holds: events that are kept beyond their time. Only their expiry is touched, and put back in the end.

What a hold keeps stands beside each event, so that several holds can keep one, and that whoever verifies a chain can
tell a hold from an expiry that somebody changed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from aircraftops_data.audit.listing import Pattern, of_actor, of_resource, of_tenant
from aircraftops_data.audit.model import AuditEvent, HeldEvent, LegalHold
from aircraftops_data.core.asking import query_reading
from aircraftops_data.core.commit import commit, write
from aircraftops_data.core.context import Context
from aircraftops_data.core.intents import Create
from aircraftops_data.core.reading import PAGE_LIMIT, page
from aircraftops_data.core.rewriting import Rewrite
from aircraftops_data.core.targets import deleting
from aircraftops_data.core.writes import Action, Intent, Stamp, Writing
from aircraftops_data.errors import AlreadyExistsError, InvalidInputError
from aircraftops_data.model.definition import Item
from aircraftops_data.model.schema import AUDIT_EVENTS
from aircraftops_data.request import Plan
from aircraftops_data.translation.values import encode_value

_EXPIRY = AUDIT_EVENTS.ttl_attribute or ""


class SetExpiry(Writing):
    """When an event that is stored expires; nothing else of it. Nothing where it is gone. 1 read unit per 4 KB."""

    needs_read = True

    def __init__(self, resource: str, event_id: str, expires_at: datetime | None) -> None:
        definition = AuditEvent.definition()
        super().__init__(definition, definition.identify({"resource": resource, "id": event_id}))
        self._expires_at = expires_at

    def resolve(self, stored: Item | None, stamp: Stamp) -> list[Action]:
        """A change of the one attribute, under all else that was read."""
        if stored is None:
            return []
        after = {name: value for name, value in stored.items() if name != _EXPIRY}
        if self._expires_at is not None:
            after[_EXPIRY] = encode_value(int(self._expires_at.timestamp()))
        return Rewrite(self.definition, stored, after).resolve(None, stamp)

    def outcome(self, item: Item | None) -> None:
        """Nothing."""


def pattern_of(hold: LegalHold) -> Pattern:
    """How the events are found that a hold may cover. Raises InvalidInputError for one of everything there is."""
    if hold.resource is not None:
        return of_resource(hold.resource)
    if hold.actor is not None:
        return of_actor(hold.actor)
    if hold.tenant is not None:
        return of_tenant(hold.tenant, None if hold.action is None else [hold.action])
    raise InvalidInputError("A legal hold names a tenant, an actor or a resource")


def place(hold: LegalHold, context: Context) -> Plan[LegalHold]:
    """Note a hold; said again it is the same. 1 write unit. Raises AlreadyExistsError for another of its name."""
    try:
        return (yield from write(Create(hold), context)) or hold
    except AlreadyExistsError as taken:
        if isinstance(taken.existing, LegalHold) and taken.existing.content() == hold.content():
            return taken.existing
        raise


def keep_for(hold: LegalHold, event: AuditEvent, context: Context) -> Plan[bool]:
    """Keep an event for a hold; False where it is kept for that already. 2 read units, 2 write units per KB and 4."""
    kept = yield from held_by(event.resource, event.id, context)
    if any(held.hold == hold.name for held in kept):
        return False
    due_at = next((held.due_at for held in kept), event.expires_at)
    held = HeldEvent(resource=event.resource, event_id=event.id, hold=hold.name, due_at=due_at)
    yield from commit([Create(held), SetExpiry(event.resource, event.id, None)], context)
    return True


def lift(held: HeldEvent, context: Context) -> Plan[None]:
    """An event need not be kept for a hold any more; if for no other either, it expires when it was due."""
    others = yield from held_by(held.resource, held.event_id, context)
    intents: list[Intent[Any]] = [deleting(HeldEvent, **held.identity())]
    if not any(other.hold != held.hold for other in others):
        intents.append(SetExpiry(held.resource, held.event_id, held.due_at))
    yield from commit(intents, context)


def held_by(resource: str, event_id: str, context: Context) -> Plan[list[HeldEvent]]:
    """What keeps an event. 1 read unit."""
    query = HeldEvent.primary(resource=resource, event_id=event_id)
    found, _ = yield from page(query_reading(query, consistent=True), context, None, PAGE_LIMIT)
    return found.items
