"""botocore's public events, used to take our own calls past its slow serializer and parser and nothing else.

Of one call, in this order:

    provide-client-params         the call is recognised and marked in botocore's own context of it
    before-endpoint-resolution    the last event before the parameters are serialized: those that are large are written
                                  as JSON here, and botocore is left the names of the tables to serialize
    before-call                   the parameters are put back, and the JSON is made the body, before anything is signed
    request-created               the HTTP request that the next response is for
    before-parse                  the body is read by the request's reader, and botocore left an empty one to parse

Whoever else uses the client, or hooks into our calls, finds everything as it would be without: all parameters, the
whole body, the response. Calls of others are not touched, also those that a hook makes while ours is under way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from aircraftops_data import wire
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.request import Request

ITEM_OPERATIONS = frozenset(
    {
        "BatchGetItem",
        "BatchWriteItem",
        "DeleteItem",
        "GetItem",
        "PutItem",
        "Query",
        "Scan",
        "TransactGetItems",
        "TransactWriteItems",
        "UpdateItem",
    }
)
"""The operations whose requests and responses are all JSON as `wire` knows it; the others hold instants."""

_CONTEXT_KEY = "aircraftops_data"
_NOTHING = b"{}"


@dataclass(eq=False)
class Call:
    """One call of ours on its way through botocore; `with call:` around the client's method."""

    request: Request
    parameters: dict[str, Any] | None = None
    """The very mapping botocore serializes, unless a hook gives it another."""
    whole: dict[str, Any] = field(default_factory=dict[str, Any])
    body: bytes | None = None
    sent: bool = False
    garbled: bool = False
    """The last response was of a success, and not DynamoDB's: not its JSON, or with another checksum."""

    def __enter__(self) -> Call:
        """Let botocore's next call of this request, in this thread or task, be known as this one."""
        _STARTING.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        """Whatever happened, no later call is taken for this one."""
        _STARTING.set(None)
        _UNDER_WAY.set(None)

    def is_of(self, operation: str, parameters: Mapping[str, Any]) -> bool:
        """Whether these are the operation and the very parameters of this call, not those of a hook's call inside."""
        mine = self.request.parameters
        return operation == self.request.operation and all(parameters.get(name) is mine[name] for name in mine)


_STARTING: ContextVar[Call | None] = ContextVar("aircraftops_data_call_starting", default=None)
_UNDER_WAY: ContextVar[Call | None] = ContextVar("aircraftops_data_request_under_way", default=None)


class Hooks:
    """The hooks on the events of one client."""

    def __init__(self, events: Any) -> None:
        self.fired = False
        # Of all handlers of an event those of `*` come first and those of a shorter name last.
        events.register_first("provide-client-params.*.*", self._claim)
        events.register_last("before-endpoint-resolution", self._reduce)
        events.register_first("before-call.*.*", self._restore)
        events.register_last("request-created", self._note)
        events.register_last("before-parse", self._read)

    def missed(self, call: Call) -> bool:
        """Whether botocore sent a request of ours and never showed us a response, to this or any other call."""
        return call.sent and not self.fired

    def _claim(self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        call = _STARTING.get()
        if call is not None and call.is_of(model.name, params):
            _STARTING.set(None)
            call.parameters = params
            context[_CONTEXT_KEY] = call

    def _reduce(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        call: Call | None = context.get(_CONTEXT_KEY)
        if call is None or params is not call.parameters or call.request.operation not in _NAMES:
            return
        try:
            names = _NAMES[call.request.operation](params)
            call.body = wire.body_of(Request(call.request.operation, params))
        except (AttributeError, KeyError, TypeError, InvalidInputError):
            return  # botocore says what is wrong with them
        call.whole = {**params}
        params.clear()
        params.update(names)

    def _restore(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        call: Call | None = context.get(_CONTEXT_KEY)
        if call is None or call.body is None or call.parameters is None:
            return
        call.parameters.clear()
        call.parameters.update(call.whole)
        params["body"] = call.body

    def _note(self, request: Any, **_: Any) -> None:
        call: Call | None = request.context.get(_CONTEXT_KEY)
        _UNDER_WAY.set(call)
        if call is not None:
            call.sent, call.garbled = True, False

    def _read(self, response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
        self.fired = True
        call = _UNDER_WAY.get()
        _UNDER_WAY.set(None)
        if call is None or not 200 <= response_dict["status_code"] < 300:
            return
        body, response_dict["body"] = response_dict["body"], _NOTHING
        try:
            _check(body, response_dict["headers"])
            response = wire.response_of(call.request, body)
        except ValueError:
            call.garbled = True
            return
        for name, value in response.items():
            customized_response_dict.setdefault(name, value)


def _check(body: bytes, headers: Mapping[str, str]) -> None:
    """Raise ValueError where a body is not the one its checksum came with; what was compressed botocore has opened."""
    expected = headers.get("x-amz-crc32")
    if expected is not None and "content-encoding" not in headers and expected.encode() != wire.checksum(body):
        raise ValueError("The body is not the one whose checksum came with it")


# What botocore must see of large parameters: the names of tables, which it may choose the endpoint by, and what its
# model says is required. There is no key in any of them: DynamoDB would refuse them, should they ever be sent as they
# are. A get, a query or a delete is small, and serialized by botocore as ever.


def _put(params: Mapping[str, Any]) -> dict[str, Any]:
    return {"TableName": params["TableName"], "Item": {}}


def _update(params: Mapping[str, Any]) -> dict[str, Any]:
    return {"TableName": params["TableName"], "Key": {}}


def _batch_get(params: Mapping[str, Any]) -> dict[str, Any]:
    return {"RequestItems": {name: {"Keys": [{}]} for name in params["RequestItems"]}}


def _batch_write(params: Mapping[str, Any]) -> dict[str, Any]:
    return {"RequestItems": {name: [{}] for name in params["RequestItems"]}}


def _transaction(params: Mapping[str, Any]) -> dict[str, Any]:
    names = dict.fromkeys(action["TableName"] for entry in params["TransactItems"] for action in entry.values())
    return {"TransactItems": [{"Delete": {"TableName": name, "Key": {}}} for name in names]}


_NAMES: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "PutItem": _put,
    "UpdateItem": _update,
    "BatchGetItem": _batch_get,
    "BatchWriteItem": _batch_write,
    "TransactWriteItems": _transaction,
}

_HOOKS: WeakKeyDictionary[Any, Hooks] = WeakKeyDictionary()
_REGISTERING = Lock()


def hooks_on(client: Any) -> Hooks | None:
    """The hooks of a client, registered at the first asking.

    None where there is nothing to hook into or nothing to gain: a client that has botocore's methods and no more (DAX
    has one), or a botocore that speaks another protocol than JSON with DynamoDB.
    """
    meta: Any = getattr(client, "meta", None)
    if not hasattr(meta, "events") or _protocol(meta.service_model) != "json":
        return None
    with _REGISTERING:
        if meta.events not in _HOOKS:
            _HOOKS[meta.events] = Hooks(meta.events)
        return _HOOKS[meta.events]


def _protocol(model: Any) -> str:
    # Before botocore 1.37 a service had one protocol.
    return str(getattr(model, "resolved_protocol", model.protocol))
