"""An event as it is asked for, made one that can be stored: its id, its expiry, its secrets taken out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Required, TypedDict

from pydantic import BaseModel

from aircraftops_data.audit.details import details_of, payload_text
from aircraftops_data.audit.identity import event_id, month_of
from aircraftops_data.audit.model import DEFAULT_TENANT, AuditEvent, FieldChange, Outcome
from aircraftops_data.audit.options import AuditOptions
from aircraftops_data.audit.scanning import SecretPolicy, clean
from aircraftops_data.core.context import Context
from aircraftops_data.core.intents import valid
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.model.entity import in_utc


class Asked(TypedDict, total=False):
    """What an event says. `actor`, `action` and `resource` every event does."""

    actor: Required[str]
    action: Required[str]
    resource: Required[str]
    tenant: str
    outcome: Outcome | str
    source: str | None
    correlation_id: str | None
    details: Mapping[str, Any] | BaseModel | None
    payload: Any
    """What was sent or answered: any JSON value, or a pydantic model."""
    changes: Iterable[FieldChange]
    occurred_at: datetime
    """When it occurred; now, where that is not said."""
    key: str
    """What makes it the same event when it is said again; only with `occurred_at`, which must be the same then too."""
    expires_at: datetime | None
    """When it may be deleted, None for never; without it the retention says so."""


# An id, an actor or a resource with a secret in it would be a key with a secret in it.
_NAMES = ("actor", "action", "resource", "tenant", "source", "correlation_id")


def event_of(asked: Asked, options: AuditOptions, context: Context) -> AuditEvent:
    """The event of what was asked for. Raises InvalidInputError, one of its kinds above all."""
    now = context.clock.now()
    occurred_at = _occurred(asked, now)
    tenant = asked.get("tenant", DEFAULT_TENANT)
    said: dict[str, Any] = {name: asked[name] for name in _NAMES if asked.get(name) is not None}  # type: ignore[literal-required]
    if options.secrets is not SecretPolicy.ALLOW:
        clean(said, SecretPolicy.REFUSE, "An event")
    said |= _contents(asked, options)
    said.setdefault("source", options.source)
    expires_at = options.retention.expires_at(tenant, str(asked.get("action")), occurred_at, now)
    fixed = {
        "id": event_id(occurred_at, str(asked.get("resource")), asked.get("key"), context.chance),
        "occurred_at": occurred_at,
        "month": month_of(occurred_at),
        "expires_at": asked.get("expires_at", expires_at),
    }
    event: AuditEvent = valid(AuditEvent.definition(), {**said, **fixed})
    return event


def _occurred(asked: Asked, now: datetime) -> datetime:
    if "key" in asked and "occurred_at" not in asked:
        raise InvalidInputError("An event with a key says when it occurred: said again, it must be the same instant")
    occurred_at = asked.get("occurred_at", now)
    if occurred_at.utcoffset() is None:
        raise InvalidInputError("occurred_at has no time zone and names no instant; give it one (for example UTC)")
    return in_utc(occurred_at)


def _contents(asked: Asked, options: AuditOptions) -> dict[str, Any]:
    """The parts that may hold anything, with the secrets dealt with."""
    details: Any = clean(details_of(asked.get("details")), options.secrets, "details")
    changes = [change.model_dump() for change in asked.get("changes", ())]
    found: dict[str, Any] = {"details": details, "changes": clean(changes, options.secrets, "changes")}
    if "outcome" in asked:
        found["outcome"] = asked["outcome"]
    if options.store_payload and asked.get("payload") is not None:
        found["payload"] = payload_text(clean(asked["payload"], options.secrets, "payload"))
    return found
