"""Audit events over either core, the blocking and the asyncio one, behind one interface."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import pytest

from aircraftops_data import CoreTable
from aircraftops_data.audit import Audit, AuditOptions
from aircraftops_data.audit.aio.audit import AsyncAudit
from blocking import Blocking, BlockingCore
from memory import Memory

_SLOW = [pytest.param(engine, marks=pytest.mark.slow) for engine in ("local-direct", "local-async")]
everywhere = pytest.mark.parametrize("engine", ["moto", *_SLOW], indirect=True)
"""Over moto, and by either core over DynamoDB Local; other transports have tests of their own."""
on_local = pytest.mark.parametrize("engine", _SLOW, indirect=True)
"""What takes moto too long."""
AT = datetime(2026, 11, 21, 7, 0, 0, 123456, tzinfo=UTC)


def audit_over(core: CoreTable, **options: Any) -> Audit:
    """The audit events of a core, called as the blocking ones are; one is put at a time where nothing else is said."""
    given = AuditOptions(**{"concurrency": 1, **options})
    if isinstance(core, BlockingCore):
        return cast("Audit", Blocking(AsyncAudit(core._inner, given)))
    return Audit(core, given)


def audit_of_nowhere(**options: Any) -> Audit:
    """One that makes events and stores none."""
    return Audit(CoreTable(Memory()), AuditOptions(**options))


def asked(**more: Any) -> dict[str, Any]:
    """What an event says, with what a test has to say of it."""
    return {"actor": "user:ana", "action": "aircraft.transfer", "resource": "aircraft:a835af", "tenant": "acme"} | more
