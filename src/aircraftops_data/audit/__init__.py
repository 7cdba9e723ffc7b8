"""Audit events: what was done, by whom, to what; and chains over them that show what was changed afterwards."""

from aircraftops_data.audit.audit import Audit
from aircraftops_data.audit.block import Block, Entry, Head, Receipt
from aircraftops_data.audit.chain import Chain
from aircraftops_data.audit.events import Events
from aircraftops_data.audit.model import AuditEvent, FieldChange, HeldEvent, LegalHold, Outcome
from aircraftops_data.audit.options import AuditOptions
from aircraftops_data.audit.report import Finding, FindingKind, Report
from aircraftops_data.audit.retention import Retention, Rule
from aircraftops_data.audit.scanning import SecretPolicy

__all__ = [
    "Audit",
    "AuditEvent",
    "AuditOptions",
    "Block",
    "Chain",
    "Entry",
    "Events",
    "FieldChange",
    "Finding",
    "FindingKind",
    "Head",
    "HeldEvent",
    "LegalHold",
    "Outcome",
    "Receipt",
    "Report",
    "Retention",
    "Rule",
    "SecretPolicy",
]
