"""Legal holds: events that are kept beyond their time. Only their expiry is touched, and put back in the end.

What a hold keeps stands beside each event, so that several holds can keep one, and that whoever verifies a chain can
tell a hold from an expiry that somebody changed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from aircraftops_data.audit.listing import Pattern, of_actor, of_resource, of_tenant
from aircraftops_data.audit.model import EXPIRY, AuditEvent, HeldEvent, LegalHold
from aircraftops_data.core.asking import finding, query_reading
from aircraftops_data.core.commit import commit, write
from aircraftops_data.core.context import Context
from aircraftops_data.core.intents import Create, Replace
from aircraftops_data.core.reading import PAGE_LIMIT, page
from aircraftops_data.core.rewriting import Rewrite
from aircraftops_data.core.targets import deleting
from aircraftops_data.core.writes import Action, Stamp, Writing
from aircraftops_data.errors import AlreadyExistsError, ContentionError, InvalidInputError, TransactionConflictError
from aircraftops_data.model.definition import Item
from aircraftops_data.request import Plan
from aircraftops_data.translation.values import encode_value

T = TypeVar("T")


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
        after = {name: value for name, value in stored.items() if name != EXPIRY}
        if self._expires_at is not None:
            after[EXPIRY] = encode_value(int(self._expires_at.timestamp()))
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
    # Here, and not when an event is there that cannot be kept.
    HeldEvent.definition().key_of({"resource": "any", "event_id": "0" * 32, "hold": hold.name})
    try:
        return (yield from write(Create(hold), context)) or hold
    except AlreadyExistsError as taken:
        if isinstance(taken.existing, LegalHold) and taken.existing.content() == hold.content():
            return taken.existing
        raise


def keep_for(hold: LegalHold, event: AuditEvent, context: Context) -> Plan[bool]:
    """Keep an event for a hold; False where it is kept for that already, or gone.

    3 read units, 2 write units per KB and 4.
    """
    return (yield from _settled(lambda: _keep(hold, event, context), context))


def lift(held: HeldEvent, context: Context) -> Plan[None]:
    """An event need not be kept for a hold any more; if for no other either, it expires when it was due."""
    yield from _settled(lambda: _lift(held, context), context)


def _settled(change: Callable[[], Plan[T]], context: Context) -> Plan[T]:
    """Change what keeps an event; worked out anew where another came in between."""
    for attempt in range(context.retry.attempts):
        try:
            return (yield from change())
        except TransactionConflictError:
            yield from context.back_off(attempt, _contended)
    raise AssertionError("back_off raises on the last attempt")


def _contended(tries: int) -> ContentionError:
    return ContentionError(f"Gave up after {tries} tries: others kept changing what keeps the event", retryable=True)


# Who adds a hold to others, or leaves others behind, writes one of those anew: so nobody can take that for the last one
# and let the event expire meanwhile.


def _keep(hold: LegalHold, event: AuditEvent, context: Context) -> Plan[bool]:
    kept = yield from held_by(event.resource, event.id, context)
    if any(held.hold == hold.name for held in kept):
        return False
    # As stored: a listing may have it from an index, which is a moment behind.
    stored = yield from finding(AuditEvent, event.identity(), context, consistent=True, expired=True)
    if stored is None:
        return False
    due_at = kept[0].due_at if kept else stored.expires_at
    held = HeldEvent(resource=event.resource, event_id=event.id, hold=hold.name, due_at=due_at)
    yield from commit([Create(held), *map(Replace, kept[:1]), SetExpiry(event.resource, event.id, None)], context)
    return True


def _lift(held: HeldEvent, context: Context) -> Plan[None]:
    kept = {each.hold: each for each in (yield from held_by(held.resource, held.event_id, context))}
    mine = kept.pop(held.hold, None)
    if mine is None:
        return
    others = [Replace(other) for other in kept.values()][:1]
    last = [] if others else [SetExpiry(mine.resource, mine.event_id, mine.due_at)]
    yield from commit([deleting(mine), *others, *last], context)


def held_by(resource: str, event_id: str, context: Context) -> Plan[list[HeldEvent]]:
    """What keeps an event. 1 read unit."""
    query = HeldEvent.primary(resource=resource, event_id=event_id)
    found, _ = yield from page(query_reading(query, consistent=True), context, None, PAGE_LIMIT)
    return found.items
