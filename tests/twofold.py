"""Both engines behind one transport, DynamoDB Local and the one in memory: they must give the same answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aircraftops_data import CoreTable
from aircraftops_data.errors import AircraftOpsDataError, TransactionConflictError
from aircraftops_data.request import Request, Response, Transport
from sim_engine import MemoryEngine
from sim_expressions import plain


class Twofold:
    """A transport to both engines, which must give the same answer."""

    def __init__(self, real: Transport) -> None:
        self._real = real
        self._memory = MemoryEngine()

    def send(self, request: Request) -> Response:
        """The answer of both."""
        whole = Request(request.operation, request.parameters)
        real, made = _answer(self._real, whole), _answer(self._memory, whole)
        assert _told(made, request) == _told(real, request), request
        if isinstance(real, AircraftOpsDataError):
            raise real
        return real


def _answer(engine: Transport | MemoryEngine, request: Request) -> Response | AircraftOpsDataError:
    try:
        return engine.send(request)
    except AircraftOpsDataError as error:
        return error


def _told(answer: Response | AircraftOpsDataError, request: Request) -> Any:
    """What an answer says, told so that equal things are equal."""
    if isinstance(answer, TransactionConflictError):
        return [(reason.code, _item(reason.item)) for reason in answer.reasons]
    if isinstance(answer, AircraftOpsDataError):
        return type(answer), _item(getattr(answer, "raw", None))
    items = [_item(item) for item in answer.get("Items", ())]
    found: dict[str, Any] = {
        name: _item(answer[name]) for name in ("Item", "Attributes", "LastEvaluatedKey") if answer.get(name)
    }
    for table, batch in answer.get("Responses", {}).items():
        found[table] = {_item(item) for item in batch}
    counted = [answer.get(name) for name in ("Count", "ScannedCount")]
    return found, counted, set(items) if request.operation == "Scan" else items


def _item(item: Mapping[str, Any] | None) -> Any:
    return None if item is None else plain({"M": item})


def twofold(core: CoreTable) -> CoreTable:
    """The same tables, on both engines."""
    return CoreTable(Twofold(core.runner.transport), core.context)
