"""What the commands print of changes: for people, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from aircraftops_data.cli.moments import beside_now
from aircraftops_data.coordination.change import Mode
from aircraftops_data.coordination.planning import ChangeFinding, Planned
from aircraftops_data.coordination.record import ChangeEntry, ChangeRecord, Goal

Record = dict[str, Any]
_BOOKKEEPING = {"version", "created_at", "updated_at", "expires_at", "duration"}


def planned(plan: Planned, *, as_json: bool) -> Record:
    """What would be done about a change, and why."""
    change = plan.change
    record = {"id": change.id, "mode": change.mode, "state": plan.state, "action": plan.action, "why": plan.why}
    return {**record, "drifted": plan.drifted} if as_json else record


def listed(record: ChangeRecord, *, as_json: bool) -> Record:
    """Where a change stands."""
    if as_json:
        return record.model_dump(mode="json")
    return {
        "id": record.id,
        "mode": record.mode,
        "state": record.state,
        "attempt": record.attempt,
        "done": far(record),
        "error": record.error,
    }


def far(record: ChangeRecord) -> str | None:
    """How far a change in chunks has come: 120/5000 in 3 chunks, or 120 where nobody knows how many there are."""
    if record.mode is not Mode.CHUNKED or record.chunks == 0:
        return None
    total = "" if record.total is None else f"/{record.total}"
    return f"{record.done}{total} in {record.chunks} chunk{'' if record.chunks == 1 else 's'}"


def whole(record: ChangeRecord, entries: Sequence[ChangeEntry]) -> Record:
    """Everything that is recorded of a change, as JSON has it."""
    return listed(record, as_json=True) | {"history": [entered(entry, as_json=True) for entry in entries]}


def whole_in_words(record: ChangeRecord, entries: Sequence[ChangeEntry], now: datetime) -> Record:
    """The same for people; what there is not is left out."""
    return {
        "id": record.id,
        "scope": record.scope,
        "mode": record.mode,
        "state": record.state,
        "goal": record.goal,
        "attempt": record.attempt,
        "done": far(record),
        "cursor": record.cursor,
        "error": record.error,
        "generation": record.generation or None,
        "checksum": record.checksum,
        "token": record.token,
        "history": "\n".join(_step(entry, now) for entry in entries) or None,
    }


def _step(entry: ChangeEntry, now: datetime) -> str:
    said = f"{beside_now(entry.at, now)}: {entry.state}, by {entry.operator} on {entry.host}"
    undoing = " to roll back" if entry.goal is Goal.ROLL_BACK else ""
    said += f", attempt {entry.attempt}{undoing}" if entry.attempt else ""
    return said + "".join(f", {text}" for text in (_took(entry), entry.error, entry.reason) if text)


def _took(entry: ChangeEntry) -> str | None:
    return None if entry.duration is None else f"{entry.duration.total_seconds():.1f} s"


def entered(entry: ChangeEntry, *, as_json: bool) -> Record:
    """One step of the history."""
    if as_json:
        record = entry.model_dump(mode="json", exclude=_BOOKKEEPING)
        seconds = None if entry.duration is None else round(entry.duration.total_seconds(), 3)
        return {**record, "duration_seconds": seconds}
    return {
        "at": f"{entry.at:%Y-%m-%d %H:%M:%S}Z",
        "change_id": entry.change_id,
        "before": entry.before,
        "state": entry.state,
        "attempt": entry.attempt,
        "by": f"{entry.operator} on {entry.host}",
        "goal": entry.goal if entry.goal is Goal.ROLL_BACK else None,
        "took": _took(entry),
        "error": entry.error,
        "reason": entry.reason,
    }


def found(finding: ChangeFinding) -> Record:
    """One thing that is not as it should be."""
    return {"concern": finding.concern, "change_id": finding.change_id, "message": finding.message}
