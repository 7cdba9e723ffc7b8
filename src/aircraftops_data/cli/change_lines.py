"""What the live view of a stream prints of a change: for people, and as JSON; never what is private."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json, to_jsonable_python

from aircraftops_data.audit.differences import Difference, changes_between
from aircraftops_data.cli.audit_records import plain
from aircraftops_data.model.encoders import instant_text
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.privacy import privacy_of
from aircraftops_data.streams.change import AnyRecord, Change, Poison

_UNKNOWN = "unknown"
_LONGEST = 60


def line(record: AnyRecord, *, as_json: bool) -> str:
    """A record of a stream in one line; of an item of no entity, and of poison, not what it holds."""
    if as_json:
        return to_json(_whole(record), bytes_mode="base64").decode()
    at = "" if record.at is None else f"{record.at:%Y-%m-%d %H:%M:%S}Z "
    if isinstance(record, Poison):
        return f"{at}! {record.kind} {record.place}: {plain(record.reason)}"
    identity = _identity(record)
    named = " ".join(f"{name}={_said(value)}" for name, value in identity.items()) or record.place
    caused = "" if record.cause == "user" else f" ({record.cause})"
    head = f"{at}{record.operation}{caused} {_kind(record)} {named}"
    return " ".join([head, *(_words(each) for each in _differences(record) if each.field not in identity)])


def _whole(record: AnyRecord) -> dict[str, Any]:
    own = {
        "at": None if record.at is None else instant_text(record.at),
        "table": record.table,
        "sequence": None if record.sequence is None else str(record.sequence),
        "place": record.place,
    }
    if isinstance(record, Poison):
        return {**own, "poison": record.kind, "reason": record.reason}
    told = {"operation": record.operation, "cause": record.cause, "entity": _kind(record)}
    return {**own, **told, "identity": _identity(record), "changes": _differences(record)}


def _kind(change: Change[Any]) -> str:
    return _UNKNOWN if change.entity is None else change.entity.definition().entity_type


def _identity(change: Change[Any]) -> dict[str, Any]:
    """The components of the primary key; for one that is private, only why it is not told."""
    marked: Mapping[str, str] = {} if change.entity is None else privacy_of(change.entity)
    return {name: f"({marked[name]})" if name in marked else value for name, value in change.identity.items()}


def _differences(change: Change[Any]) -> list[Difference]:
    """The fields that changed. Where a view leaves an image out, nobody knows which did."""
    old, new = (image if isinstance(image, Entity) else None for image in (change.old, change.new))
    missing = (change.operation != "insert" and old is None) or (change.operation != "remove" and new is None)
    return [] if missing else changes_between(old, new)


def _words(found: Difference) -> str:
    if found.redacted is not None and found.before is None and found.after is None:
        return f"{found.field}: ({found.redacted})"
    if found.before is None:
        return f"{found.field}: {_said(found.after)}"
    return f"{found.field}: {_said(found.before)} -> {_said(found.after)}"


def _said(value: Any) -> str:
    """A value on one line, cut where it is long."""
    told = to_jsonable_python(value, bytes_mode="base64")
    text = plain("none" if told is None else told if isinstance(told, str) else to_json(told).decode())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
