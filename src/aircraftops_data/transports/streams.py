"""The transport to DynamoDB Streams, whose endpoint is not that of the tables."""

from __future__ import annotations

from typing import Any

from aircraftops_data.transports.botocore import BotocoreTransport, streams_client


def streams_transport(
    session: Any = None, *, client: Any = None, endpoint_url: str | None = None, region: str | None = None
) -> BotocoreTransport:
    """A transport over a boto3 client of `dynamodbstreams`: the caller's, or one made of the session.

    A client of the caller's is the caller's to close. Raises InvalidInputError.
    """
    if client is not None:
        return BotocoreTransport(client)
    return BotocoreTransport(streams_client(session, endpoint_url=endpoint_url, region=region), owned=True)
