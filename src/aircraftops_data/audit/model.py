"""What AuditEventsTable holds: events, and what is known of tenants and of hot values.

An event is never changed. By its resource it lies in the table itself; by actor, by tenant and action, and by
correlation in the indexes. The month and the shard keep values that many events have from filling one partition.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from aircraftops_data.audit.identity import belongs, month_of
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.model.declarations import Index, PrimaryKey
from aircraftops_data.model.entity import Entity, UtcDatetime
from aircraftops_data.model.quantities import Count, Shard
from aircraftops_data.model.schema import AUDIT_EVENTS, GSI1, GSI2, GSI3

Name = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Tenant = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern="^[^/]+$")]
"""Without a slash: what stands before one in a chain's name tells the chains of a tenant apart."""
DEFAULT_TENANT = "default"
EXPIRY = AUDIT_EVENTS.ttl_attribute or ""
"""The attribute that says when an item expires."""


class Outcome(StrEnum):
    """How what an event tells of ended."""

    SUCCESS = "success"
    FAILURE = "failure"
    DENIED = "denied"
    UNKNOWN = "unknown"


def outcome_of(text: Outcome | str) -> Outcome:
    """The outcome of a name. Raises InvalidInputError."""
    try:
        return Outcome(text)
    except ValueError:
        raise InvalidInputError(f"An outcome is {', '.join(Outcome)}; not {text!r}") from None


class FieldChange(BaseModel):
    """One field of something that was changed: before and after, or why neither is told."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    field: Name
    before: Any = None
    after: Any = None
    redacted: Name | None = None
    """What kind of field it is whose values are left out: "secret" or "personal"."""


class AuditEvent(Entity, table=AUDIT_EVENTS, entity_type="audit_event"):
    """Something that was done: by whom, to what, when, and how it ended. Made by `ops.audit.event`, never changed."""

    id: str
    occurred_at: UtcDatetime
    actor: Name
    action: Name
    resource: Name
    tenant: Tenant = DEFAULT_TENANT
    outcome: Outcome = Outcome.SUCCESS
    source: Name | None = None
    """The program or service that says so."""
    correlation_id: Name | None = None
    details: dict[str, Any] = {}
    payload: str | None = None
    """What was sent or answered, as JSON text; left out where the settings say so."""
    changes: list[FieldChange] = []
    chain: Name | None = None
    """The chain it is meant for; it is in that once a block has it."""
    after_block: Count | None = None
    """The last block of its chain that was known when the event was put: the one it is in is a later one."""
    month: str
    actor_shard: Shard = 0
    action_shard: Shard = 0

    primary = PrimaryKey("RESOURCE#{resource}", "EVENT#{id}")
    by_actor = Index(GSI1, "ACTOR#{actor}#{month}#{actor_shard:2}", "EVENT#{id}")
    by_action = Index(GSI2, "ACTION#{tenant}#{action}#{outcome}#{month}#{action_shard:2}", "EVENT#{id}")
    by_correlation = Index(GSI3, "CORRELATION#{correlation_id}", "EVENT#{id}")

    @model_validator(mode="after")
    def _lies_where_its_id_says(self) -> Self:
        if not belongs(self.id, self.occurred_at, self.resource):
            raise ValueError("the id is not one of this instant and resource; ops.audit.event makes it")
        if self.month != month_of(self.occurred_at):
            raise ValueError("the month is not that of occurred_at")
        return self


# Where an event lies and how long, not what it says.
_OF_THE_LIBRARY = frozenset({"chain", "after_block", "month", "actor_shard", "action_shard", "expires_at"})


def said(event: AuditEvent) -> Mapping[str, Any]:
    """What an event says: two of one id that say the same are the same."""
    return {name: value for name, value in event.content().items() if name not in _OF_THE_LIBRARY}


class LegalHold(Entity, table=AUDIT_EVENTS, entity_type="legal_hold"):
    """Why events are kept beyond their time, and which: those that fit everything that is given here."""

    name: Name
    reason: Name
    tenant: Name | None = None
    action: Name | None = None
    actor: Name | None = None
    resource: Name | None = None
    since: UtcDatetime | None = None
    until: UtcDatetime | None = None

    primary = PrimaryKey("LEGAL_HOLDS", "HOLD#{name}")

    def covers(self, event: AuditEvent) -> bool:
        """Whether an event is to be kept for it."""
        names = ("tenant", "action", "actor", "resource")
        fits = all(getattr(self, name) in (None, getattr(event, name)) for name in names)
        begun = self.since is None or self.since <= event.occurred_at
        return fits and begun and (self.until is None or event.occurred_at <= self.until)


class HeldEvent(Entity, table=AUDIT_EVENTS, entity_type="held_event"):
    """That an event is kept for a legal hold, and when it was due to expire."""

    resource: Name
    event_id: Name
    hold: Name
    due_at: UtcDatetime | None = None

    primary = PrimaryKey("HELD#{resource}", "HELD#{event_id}#{hold}")
    by_hold = Index(GSI1, "HOLD#{hold}", "HELD#{event_id}")


class KnownAction(Entity, table=AUDIT_EVENTS, entity_type="audit_action"):
    """A month in which a tenant had events of an action. Whoever lists them reads no others."""

    tenant: Name
    action: Name
    month: str

    primary = PrimaryKey("ACTIONS#{tenant}", "ACTION#{action}#{month}")


class KnownMonth(Entity, table=AUDIT_EVENTS, entity_type="audit_month"):
    """A month in which there were events."""

    month: str

    primary = PrimaryKey("AUDIT_MONTHS", "MONTH#{month}")


class Layout(Entity, table=AUDIT_EVENTS, entity_type="audit_layout"):
    """The shards of hot values, such as `actor:system` or `action:acme#login`. They can only become more."""

    shards: dict[str, Annotated[int, Field(ge=1, le=100)]] = {}

    primary = PrimaryKey("AUDIT_LAYOUT", "LAYOUT")

    def of_actor(self, actor: str) -> int:
        """The shards of an actor's events."""
        return self.shards.get(f"actor:{actor}", 1)

    def of_action(self, tenant: str, action: str) -> int:
        """The shards of a tenant's events of an action."""
        return self.shards.get(f"action:{tenant}#{action}", 1)
