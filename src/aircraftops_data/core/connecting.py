"""The blocking transports by name. Its twin is `core.aio.connecting`."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Literal

from aircraftops_data.clock import Clock
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.request import Transport
from aircraftops_data.transports.botocore import BotocoreTransport, dynamodb_client

TransportName = Literal["botocore", "direct"]
DEFAULT_TRANSPORT: TransportName = "botocore"


def transport_of(name: str, session: Any, client: Any, endpoint_url: str | None, clock: Clock) -> Transport:
    """A transport over the caller's client, or one made of the session. Raises InvalidInputError for a name unknown."""
    if name == "botocore":
        if client is not None:
            return BotocoreTransport(client)
        return BotocoreTransport(dynamodb_client(session, endpoint_url=endpoint_url), owned=True)
    if name == "direct":
        make: Any = import_module("aircraftops_data.transports.direct").direct_transport
        made: Transport = make(session, client=client, endpoint_url=endpoint_url, clock=clock)
        return made
    raise InvalidInputError(f"There is no blocking transport {name!r}; there are 'botocore' and 'direct'")
