"""The blocking transports by name. Its twin is `core.aio.connecting`."""

from __future__ import annotations

from typing import Any, Literal

from aircraftops_data.clock import Clock
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.request import Transport
from aircraftops_data.settings import Settings
from aircraftops_data.transports.botocore import BotocoreTransport, dynamodb_client

TransportName = Literal["botocore", "direct"]
DEFAULT_TRANSPORT: TransportName = "botocore"


def transport_of(name: str, session: Any, client: Any, settings: Settings, clock: Clock) -> Transport:
    """A transport over the caller's client, or one made of the session. Raises InvalidInputError for a name unknown."""
    where: dict[str, Any] = {"endpoint_url": settings.endpoint_url, "region": settings.region}
    if name == "botocore":
        if client is not None:
            return BotocoreTransport(client)
        return BotocoreTransport(dynamodb_client(session, **where), owned=True)
    if name == "direct":
        # Imported where it is needed, as sockets and TLS are.
        from aircraftops_data.transports.direct import direct_transport

        return direct_transport(session, client=client, clock=clock, **where)
    raise InvalidInputError(f"There is no blocking transport {name!r}; there are 'botocore' and 'direct'")
