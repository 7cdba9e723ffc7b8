"""What the commands about audit events are tested with: an engine in memory, a clock, hands that alter what it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

import pytest

from aircraftops_data import AircraftOps, CoreTable
from aircraftops_data.audit import AuditEvent
from aircraftops_data.cli import audit as event_commands
from aircraftops_data.cli import chains as chain_commands
from aircraftops_data.core.context import Context
from aircraftops_data.model.schema import AUDIT_EVENTS
from aircraftops_data.request import Request, Response
from aircraftops_data.testing import ManualClock
from sim_engine import MemoryEngine
from sim_expressions import Item, holds, ordered


class Lively(ManualClock):
    """A clock during whose waits something happens, when there is something to do."""

    during: Callable[[], object] | None = None

    def sleep(self, seconds: float) -> None:
        """Wait, and let it happen."""
        super().sleep(seconds)
        if self.during is not None:
            self.during()


class Engine(MemoryEngine):
    """One that has indexes, which are never behind, and that threads may share."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self._one_at_a_time = Lock()

    def send(self, request: Request) -> Response:
        """The response."""
        with self._one_at_a_time:
            return super().send(request)

    def _Query(self, asked: Mapping[str, Any]) -> Response:
        if "IndexName" not in asked:
            return super()._Query(asked)
        sort_key = f"{asked['IndexName']}SK"
        beside = [
            item for item in self.items(asked["TableName"]) if holds(asked["KeyConditionExpression"], asked, item)
        ]
        found = sorted(beside, key=lambda item: ordered(item[sort_key]))[
            :: 1 if asked.get("ScanIndexForward", 1) else -1
        ]
        start = asked.get("ExclusiveStartKey")
        first = 0 if start is None else 1 + [place(item) for item in found].index(place(start))
        read = found[first : first + asked.get("Limit", len(found))]
        page = [item for item in read if holds(asked.get("FilterExpression"), asked, item)]
        answer: dict[str, Any] = {"Items": page, "Count": len(page), "ScannedCount": len(read)}
        if first + len(read) < len(found):
            names = ("PK", "SK", sort_key, f"{asked['IndexName']}PK")
            answer["LastEvaluatedKey"] = {name: read[-1][name] for name in names}
        return answer


def place(item: Item) -> Any:
    """Where an item lies."""
    return item["PK"], item["SK"]


def connection(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> AircraftOps:
    """What every command is connected to."""
    made = AircraftOps(CoreTable(Engine(clock.monotonic), Context(clock=clock)))
    for commands in (event_commands, chain_commands):
        monkeypatch.setattr(commands, "connected", lambda endpoint_url, prefix: made)
    return made


def items(ops: AircraftOps, entity_type: str) -> list[dict[str, Any]]:
    """The stored items of a kind."""
    found: Any = _sent(ops, "Scan")
    return [item for item in found["Items"] if item["entity_type"]["S"] == entity_type]


def put(ops: AircraftOps, item: dict[str, Any]) -> None:
    """Store an item behind the library's back."""
    _sent(ops, "PutItem", Item=item)


def remove(ops: AircraftOps, item: dict[str, Any]) -> None:
    """Delete an item behind the library's back."""
    _sent(ops, "DeleteItem", Key={name: item[name] for name in ("PK", "SK")})


def alter(ops: AircraftOps, event: AuditEvent, **attributes: dict[str, Any]) -> None:
    """Give the stored item of an event other attributes, behind the library's back."""
    (item,) = [item for item in items(ops, "audit_event") if item["id"]["S"] == event.id]
    put(ops, item | attributes)


def _sent(ops: AircraftOps, operation: Any, **parameters: Any) -> Any:
    return ops.core.runner.transport.send(Request(operation, {"TableName": AUDIT_EVENTS.name, **parameters}))
