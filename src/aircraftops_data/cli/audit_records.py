"""What the commands print of audit events and their chains: for people, and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from aircraftops_data.audit.block import Receipt
from aircraftops_data.audit.checkpoint import Checkpoint, to_json
from aircraftops_data.audit.model import AuditEvent, LegalHold
from aircraftops_data.audit.proofs import InclusionProof
from aircraftops_data.audit.report import Finding, Report
from aircraftops_data.model.definition import MANAGED_FIELDS
from aircraftops_data.model.encoders import instant_text
from aircraftops_data.transports.parquet import json_text

Record = dict[str, Any]
_FREE = {"details", "changes"}


def plain(text: str) -> str:
    """A text on one line, and without what a terminal would obey: what others say may hold anything."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


# Events


def whole(event: AuditEvent) -> Record:
    """Everything of an event, as JSON has it: decimals as the nearest number, bytes as base64."""
    own = event.model_dump(mode="json", exclude=_FREE)
    free = event.model_dump(include=_FREE)
    return {**own, **{name: json.loads(json_text(value)) for name, value in free.items()}}


def listed(event: AuditEvent, *, as_json: bool) -> Record:
    """An event in a list."""
    if as_json:
        return whole(event)
    return {
        "occurred": f"{event.occurred_at:%Y-%m-%d %H:%M:%S}Z",
        "actor": plain(event.actor),
        "action": plain(event.action),
        "resource": plain(event.resource),
        "outcome": event.outcome,
        "tenant": plain(event.tenant),
        "correlation": None if event.correlation_id is None else plain(event.correlation_id),
        "id": event.id,
    }


def line(event: AuditEvent, *, as_json: bool) -> str:
    """An event in one line."""
    if as_json:
        return json.dumps(whole(event), default=str)
    record = listed(event, as_json=False)
    return " ".join(record[name] for name in ("occurred", "actor", "action", "resource", "outcome"))


def held(hold: LegalHold, *, as_json: bool) -> Record:
    """A legal hold, and what it covers."""
    own = hold.model_dump(mode="json", exclude=set(MANAGED_FIELDS))
    placed = None if hold.created_at is None else instant_text(hold.created_at)
    record = {**own, "placed_at": placed}
    return record if as_json else {name: None if value is None else plain(value) for name, value in record.items()}


# Chains


def receipt(given: Receipt) -> Record:
    """That an event is in a chain."""
    return {"seq": given.seq, "block": given.block, "resource": plain(given.resource), "id": given.event_id}


def checkpoint(signed: Checkpoint) -> Record:
    """A checkpoint as JSON has it: all that it takes to verify it."""
    own: Record = json.loads(to_json(signed))
    return own


def checkpoint_in_words(signed: Checkpoint) -> Record:
    """A checkpoint, for people."""
    listed = checkpoint_in_list(signed)
    del listed["exports"]
    exports = "\n".join(export.key for export in signed.exports) or None
    return {"chain": plain(signed.chain), **listed, "root": signed.root.hex(), "exports": exports}


def checkpoint_in_list(signed: Checkpoint) -> Record:
    """A checkpoint in a list, for people."""
    return {
        "number": signed.number,
        "events": signed.size,
        "blocks": signed.block,
        "issued": f"{signed.issued_at:%Y-%m-%d %H:%M:%S}Z",
        "signed_with": plain(signed.key_id),
        "exports": len(signed.exports) or None,
    }


def proof(proven: InclusionProof, number: int) -> Record:
    """What a proof shows, and for which checkpoint."""
    return {
        "chain": plain(proven.chain),
        "seq": proven.seq,
        "block": proven.block,
        "resource": plain(proven.resource),
        "id": proven.event_id,
        "leaf": proven.leaf.hex(),
        "events": proven.size,
        "checkpoint": number,
    }


def report(found: Report, *, as_json: bool) -> Record:
    """What verifying found: how much was checked, and how many findings there are of each kind."""
    counts = {str(kind): count for kind, count in sorted(found.counts.items()) if count}
    record: Record = {"chain": found.chain, "ok": found.ok}
    if as_json:
        names = ("since_seq", "until_seq", "checked", "blocks", "anchored_seq")
        findings = [finding(each, as_json=True) for each in found.findings]
        return {**record, **{name: getattr(found, name) for name in names}, "counts": counts, "findings": findings}
    return {
        "chain": plain(found.chain),
        "ok": found.ok,
        "events": f"{found.checked}, from {max(found.since_seq, 1)} to {found.until_seq}" if found.checked else "0",
        "blocks": found.blocks,
        "anchored": f"up to event {found.anchored_seq}" if found.anchored_seq else "no",
        "found": ", ".join(f"{count} {kind}" for kind, count in counts.items()) or None,
    }


def finding(found: Finding, *, as_json: bool) -> Record:
    """One finding."""
    own = asdict(found)
    if as_json:
        return own
    resource = None if found.resource is None else plain(found.resource)
    return {**own, "problem": plain(found.problem), "resource": resource}
