"""The default transport: the caller's botocore client, with its own retries, endpoints, credentials and hooks."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache, partial
from typing import Any, cast

from aircraftops_data.endpoints import is_local
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.request import Request, Response
from aircraftops_data.transports.botocore_hooks import ITEM_OPERATIONS, Call, Hooks, hooks_on
from aircraftops_data.transports.failures import translated

_POOL_CONNECTIONS = 50
_NOT_DYNAMODB = "The response is not DynamoDB's: not the JSON of one, or not the bytes its checksum is of"


class BotocoreTransport:
    """Sends requests through a DynamoDB client made by boto3 or botocore; closes it only if it is `owned`.

    Responses of item operations are read from their bytes, by the request's reader where it has one, and large requests
    written as bytes, in botocore's own events: signing, retries, endpoints, credentials, stubs, tracing and the
    caller's hooks work as ever. In a response that a reader took, "Item" and "Items" are a mapping and a sequence of
    the reader's, which look like botocore's; everything else (Count, ConsumedCapacity, ...) is as botocore parses it.
    Other calls of the same client are not touched.
    """

    def __init__(self, client: Any, *, owned: bool = False) -> None:
        # Imported where it is first needed: an entity can be used without boto3 being loaded.
        from botocore import xform_name  # pyright: ignore[reportUnknownVariableType]
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        self.client = client
        self._owned = owned
        self._hooks = hooks_on(client)
        self._failures = (ClientError, BotoCoreError, ResponseParserError)
        self._garbled = cast("type[Exception]", ResponseParserError)
        self._method_name = cast("Callable[[str], str]", xform_name)

    def send(self, request: Request) -> Response:
        """The response. Raises the library's errors with botocore's as their cause."""
        method = cast("Callable[..., Response]", getattr(self.client, self._method_name(request.operation)))
        try:
            if self._hooks is None or request.operation not in ITEM_OPERATIONS:
                return method(**request.parameters)
            return self._carried(Call(request), method, self._hooks)
        except self._failures as error:
            raise translated(request.operation, error) from error

    def close(self) -> None:
        """Close the connections of a client of our own; a client of the caller's is the caller's to close."""
        if self._owned:
            self.client.close()

    def _carried(self, call: Call, method: Callable[..., Response], hooks: Hooks) -> Response:
        try:
            with call:
                response = method(**call.request.parameters)
        except Exception as error:
            # Some of botocore's own checks do not bear what a proxy may send, either.
            if not call.garbled or isinstance(error, self._failures):
                raise
            raise self._garbled(_NOT_DYNAMODB) from error
        if call.garbled:
            # botocore takes a page of some proxy for an empty response: for no item.
            raise self._garbled(_NOT_DYNAMODB)
        if hooks.missed(call):
            _warn_once()
        return response


@cache
def _warn_once() -> None:
    warnings.warn(
        "botocore did not emit before-parse; responses are right, but read at botocore's own speed",
        RuntimeWarning,
        stacklevel=2,
    )


def dynamodb_client(
    session: Any = None, *, endpoint_url: str | None = None, region: str | None = None, config: Any = None
) -> Any:
    """A DynamoDB client of the caller's session (or boto3's default one); all of boto3's own settings apply.

    Without a Config of the caller's it keeps up to 50 connections, names this library in its User-Agent, and makes that
    header once, not for every request: a fifth of botocore's work. AWS's codes of the features in use are then those
    of the client, not those of each request.

    Raises InvalidInputError where the settings are not enough (no region) or wrong.
    """
    return _client("dynamodb", "DynamoDB", session, endpoint_url, region, config)


def streams_client(session: Any = None, *, endpoint_url: str | None = None, region: str | None = None) -> Any:
    """A client of DynamoDB Streams, as `dynamodb_client` makes one of DynamoDB.

    An engine on this machine has its streams where its tables are: where the session's DynamoDB is such a one and
    nothing is said of streams, it is asked for them too. Raises InvalidInputError.
    """
    client = _client("dynamodbstreams", "DynamoDB Streams", session, endpoint_url, region, None)
    if endpoint_url is not None or is_local(client.meta.endpoint_url):
        return client
    tables = str(_client("dynamodb", "DynamoDB", session, None, region, None).meta.endpoint_url)
    return _client("dynamodbstreams", "DynamoDB Streams", session, tables, region, None) if is_local(tables) else client


def _client(service: str, name: str, session: Any, endpoint_url: str | None, region: str | None, config: Any) -> Any:
    import boto3
    from botocore.exceptions import BotoCoreError

    maker: Any = boto3.Session() if session is None else session
    make = partial(maker.client, service, region_name=region, endpoint_url=endpoint_url)
    try:
        client = make(config=config)
        return client if config is not None else make(config=_unless_given(client.meta.config))
    except (BotoCoreError, ValueError) as error:
        raise InvalidInputError(f"boto3 makes no {name} client of these settings: {error}") from error


def _unless_given(found: Any) -> Any:
    """Our choices where a client's settings are botocore's defaults; a session can have settings of its own."""
    from botocore.config import Config

    application = f" app/{found.user_agent_appid}" if found.user_agent_appid else ""
    extra = f" {found.user_agent_extra}" if found.user_agent_extra else ""
    default: Any = Config()
    chosen = found.max_pool_connections != default.max_pool_connections
    return Config(
        user_agent=f"{found.user_agent.removesuffix(extra)}{application} lib/aircraftops-data",
        max_pool_connections=found.max_pool_connections if chosen else _POOL_CONNECTIONS,
        # A Config without one would go before that of the defaults mode.
        connect_timeout=found.connect_timeout,
    )
