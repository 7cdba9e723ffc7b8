"""A transport that fails on purpose: replies that get lost, throttling, conflicts, other writers in between."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Lock
from typing import Any

from aircraftops_data import CoreTable
from aircraftops_data.errors import (
    ConflictError,
    ContentionError,
    ThrottledError,
    TimeoutError,
    TransactionConflictError,
)
from aircraftops_data.request import Cancellation, Request, Response, Transport

Send = Callable[[Request], Response]
Fault = Callable[[Request, Send], Response]
"""What happens to one request: it may send it, once or several times or never, and answer or raise as it likes."""

READS = frozenset({"GetItem", "BatchGetItem", "Query", "Scan"})


class FaultyTransport:
    """Wraps any transport. A request meets the next fault planned for its operation; `sent` records all of them."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self._planned: dict[str, deque[Fault]] = {}
        self._always: dict[str, Fault] = {}
        self._lock = Lock()
        self.sent: list[Request] = []

    def plan(self, operation: str, *faults: Fault) -> None:
        """Let the next requests of this operation meet these faults, one each."""
        self._planned.setdefault(operation, deque()).extend(faults)

    def always(self, operation: str, fault: Fault) -> None:
        """Let every request of this operation meet this fault."""
        self._always[operation] = fault

    def send(self, request: Request) -> Response:
        """The response, or what the planned fault makes of it."""
        with self._lock:
            self.sent.append(request)
            planned = self._planned.get(request.operation)
            fault = planned.popleft() if planned else self._always.get(request.operation, passing)
        return fault(request, self._inner.send)

    @property
    def operations(self) -> list[str]:
        """The operations of the requests so far, in order."""
        return [request.operation for request in self.sent]

    @property
    def writes(self) -> list[Request]:
        """The requests so far that write."""
        return [request for request in self.sent if request.operation not in READS]


class At:
    """A transport that meets a fault at the requests from one on, so many times."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self._fault: Fault = passing
        self._places = range(0)
        self.sent: list[str] = []

    def plan(self, fault: Fault, place: int, times: int) -> None:
        """Count from here on, and let things go wrong at this request and those behind it."""
        self._fault, self._places, self.sent = fault, range(place, place + times), []

    def send(self, request: Request) -> Response:
        """The response, or what the fault makes of it."""
        place = len(self.sent)
        self.sent.append(request.operation)
        fault = self._fault if place in self._places else passing
        return fault(request, self._inner.send)


def faulty(core: CoreTable) -> tuple[CoreTable, FaultyTransport]:
    """The same tables through a transport that fails when told to."""
    transport = FaultyTransport(core.runner.transport)
    return type(core)(transport, core.context), transport


def passing(request: Request, send: Send) -> Response:
    """Nothing goes wrong."""
    return send(request)


def lost_reply(request: Request, send: Send) -> Response:
    """The engine does what was asked, or refuses it, and nobody hears of it."""
    return lost_reply_then(_nothing)(request, send)


def lost_request(request: Request, send: Send) -> Response:
    """The request never arrives."""
    raise _no_answer(request)


def lost_reply_then(interlude: Callable[[], object]) -> Fault:
    """The reply is lost, and others act before anyone asks again."""

    def fault(request: Request, send: Send) -> Response:
        with suppress(ConflictError):
            send(request)
        interlude()
        raise _no_answer(request)

    return fault


def before(interlude: Callable[[], object]) -> Fault:
    """Others act just before the request arrives."""

    def fault(request: Request, send: Send) -> Response:
        interlude()
        return send(request)

    return fault


def throttled(request: Request, send: Send) -> Response:
    """The engine takes no more requests."""
    raise ThrottledError("throttled", operation=request.operation, code="ThrottlingException", retryable=True)


def conflicting(request: Request, send: Send) -> Response:
    """A transaction of others is under way on the item."""
    code = "TransactionConflictException"
    raise ContentionError("conflict", operation=request.operation, code=code, retryable=True)


def cancelled(code: str) -> Fault:
    """The engine cancels the transaction for this reason, said of its first action."""

    def fault(request: Request, send: Send) -> Response:
        others = len(request.parameters["TransactItems"]) - 1
        reasons = [Cancellation(code), *([Cancellation("None")] * others)]
        raise TransactionConflictError("cancelled", reasons=reasons)

    return fault


def taking(count: int) -> Fault:
    """The engine takes the first `count` parts of a batch and leaves the rest unprocessed."""

    def fault(request: Request, send: Send) -> Response:
        reading = request.operation == "BatchGetItem"
        ((name, asked),) = request.parameters["RequestItems"].items()
        parts: list[Any] = asked["Keys"] if reading else asked
        some, rest = [
            {name: {**asked, "Keys": part} if reading else part} if part else {}
            for part in (parts[:count], parts[count:])
        ]
        response: dict[str, Any] = {}
        if some:
            response |= send(Request(request.operation, {**request.parameters, "RequestItems": some}))
        return {**response, ("UnprocessedKeys" if reading else "UnprocessedItems"): rest}

    return fault


def _nothing() -> None:
    """Nobody acts."""


def _no_answer(request: Request) -> TimeoutError:
    return TimeoutError("no answer", operation=request.operation, code="ReadTimeoutError", retryable=True)


ANYTHING = ("read", "write", "transaction")
FAULTS: dict[str, tuple[Fault, int, Sequence[str]]] = {
    "reply lost": (lost_reply, 1, ANYTHING),
    "replies lost until it gives up": (lost_reply, 3, ANYTHING),
    "request lost": (lost_request, 1, ANYTHING),
    "requests lost until it gives up": (lost_request, 3, ANYTHING),
    "throttled": (throttled, 1, ANYTHING),
    "in conflict": (conflicting, 1, ("write", "transaction")),
    "cancelled by a conflict": (cancelled("TransactionConflict"), 1, ("transaction",)),
    "cancelled by throttling": (cancelled("ThrottlingError"), 1, ("transaction",)),
}
"""What may befall one request, how often in a row, and which kinds of requests."""


def kind_of(operation: str) -> str:
    """What kind of request it is, to tell which faults it can meet."""
    if operation in READS:
        return "read"
    return "transaction" if operation == "TransactWriteItems" else "write"
