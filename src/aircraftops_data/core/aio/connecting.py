"""The asyncio transports by name. Its twin is `core.connecting`."""

from __future__ import annotations

from typing import Any, Literal

from aircraftops_data.clock import Clock
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.request import AsyncTransport
from aircraftops_data.settings import Settings

TransportName = Literal["direct"]
DEFAULT_TRANSPORT: TransportName = "direct"


def transport_of(name: str, session: Any, client: Any, settings: Settings, clock: Clock) -> AsyncTransport:
    """A transport of the caller's client, or of the session. Raises InvalidInputError for a name that is unknown."""
    if name != DEFAULT_TRANSPORT:
        raise InvalidInputError(f"There is no transport {name!r} for asyncio; there is {DEFAULT_TRANSPORT!r}")
    # Imported where it is needed, as asyncio is.
    from aircraftops_data.transports.aio import async_direct_transport

    where: dict[str, Any] = {"endpoint_url": settings.endpoint_url, "region": settings.region}
    return async_direct_transport(session, client=client, clock=clock, **where)
