"""An event as it is asked for, made one that can be stored: its id, its expiry, its secrets taken out."""

from __future__ import annotations

import json
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
_SAID = (*_NAMES, "outcome")


def event_of(asked: Asked, options: AuditOptions, context: Context) -> AuditEvent:
    """The event of what was asked for. Raises InvalidInputError, one of its kinds above all."""
    unknown = sorted(asked.keys() - Asked.__annotations__.keys())
    if unknown:
        raise InvalidInputError(f"An event does not say {', '.join(map(repr, unknown))}")
    now = context.clock.now()
    occurred_at = _occurred(asked, now)
    tenant = asked.get("tenant", DEFAULT_TENANT)
    said: dict[str, Any] = {name: asked[name] for name in _SAID if asked.get(name) is not None}  # type: ignore[literal-required]
    said.setdefault("source", options.source)
    said |= {"details": details_of(asked.get("details")), "changes": list(asked.get("changes", ()))}
    if options.store_payload:
        # A value still has names, by which more secrets are told than in its text.
        said["payload"] = payload_text(clean(asked.get("payload"), options.secrets, "payload"))
    expires_at = options.retention.expires_at(tenant, str(asked.get("action")), occurred_at, now)
    fixed = {
        "id": event_id(occurred_at, str(asked.get("resource")), asked.get("key"), context.chance),
        "occurred_at": occurred_at,
        "month": month_of(occurred_at),
        "expires_at": asked.get("expires_at", expires_at),
    }
    return vetted(valid(AuditEvent.definition(), {**said, **fixed}), options)


def vetted(event: AuditEvent, options: AuditOptions) -> AuditEvent:
    """The event with its secrets dealt with, however it was made; and no payload where none is to be stored.

    Raises SecretFoundError by policy, and always for secrets in names; InvalidValueError, ItemTooLargeError.
    """
    if options.secrets is not SecretPolicy.ALLOW:
        clean({name: getattr(event, name) for name in _NAMES}, SecretPolicy.REFUSE, "An event")
    details = details_of(event.details)
    cleaned = clean(details, options.secrets, "details")
    vetted: dict[str, Any] = {
        # What stands in a secret's place may be longer.
        "details": cleaned if cleaned is details else details_of(cleaned),
        "changes": _vetted_changes(event.changes, options.secrets),
        "payload": _vetted_payload(event.payload, options.secrets) if options.store_payload else None,
    }
    return event.model_copy(update=vetted)


def _vetted_changes(changes: list[FieldChange], policy: SecretPolicy) -> list[FieldChange]:
    """Changes whose values are seen under the names of their fields, which may tell of a secret."""
    told = [change.model_dump() for change in changes]
    sides = [{each["field"]: each[side]} for each in told for side in ("before", "after")]
    cleaned = clean(sides, policy, "changes")
    if cleaned is sides:
        return changes
    pairs = [next(iter(side.items())) for side in cleaned]
    return [
        change.model_copy(update={"field": name, "before": before, "after": after})
        for change, (name, before), (_, after) in zip(changes, pairs[::2], pairs[1::2], strict=True)
    ]


def _vetted_payload(text: str | None, policy: SecretPolicy) -> str | None:
    """A payload without its secrets, still JSON where it is: by the names in it, not across its quotes."""
    if text is None:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return clean(text, policy, "payload")
    cleaned = clean(value, policy, "payload")
    return text if cleaned is value else payload_text(cleaned)


def _occurred(asked: Asked, now: datetime) -> datetime:
    if "key" in asked and "occurred_at" not in asked:
        raise InvalidInputError("An event with a key says when it occurred: said again, it must be the same instant")
    occurred_at: Any = asked.get("occurred_at", now)
    if not isinstance(occurred_at, datetime) or occurred_at.utcoffset() is None:
        raise InvalidInputError("occurred_at is an instant with a time zone (for example UTC)")
    try:
        return in_utc(occurred_at)
    except ValueError as error:
        raise InvalidInputError(f"occurred_at: {error}") from None
