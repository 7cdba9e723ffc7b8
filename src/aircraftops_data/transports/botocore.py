"""The default transport: the caller's botocore client, with its own retries, endpoints, credentials and hooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from aircraftops_data.errors import InvalidInputError
from aircraftops_data.request import Request, Response
from aircraftops_data.transports.failures import translated


class BotocoreTransport:
    """Sends requests through a DynamoDB client made by boto3 or botocore; closes it only if it is `owned`."""

    def __init__(self, client: Any, *, owned: bool = False) -> None:
        # Imported where it is first needed: an entity can be used without boto3 being loaded.
        from botocore import xform_name  # pyright: ignore[reportUnknownVariableType]
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        self.client = client
        self._owned = owned
        self._failures = (ClientError, BotoCoreError, ResponseParserError)
        self._method_name = cast("Callable[[str], str]", xform_name)

    def send(self, request: Request) -> Response:
        """The response as botocore parses it. Raises the library's errors with botocore's as their cause."""
        call = cast("Callable[..., Response]", getattr(self.client, self._method_name(request.operation)))
        try:
            return call(**request.parameters)
        except self._failures as error:
            raise translated(request.operation, error) from error

    def close(self) -> None:
        """Close the connections of a client of our own; a client of the caller's is the caller's to close."""
        if self._owned:
            self.client.close()


def dynamodb_client(session: Any = None, *, endpoint_url: str | None = None, config: Any = None) -> Any:
    """A DynamoDB client of the caller's session (or boto3's default one); all of boto3's own settings apply.

    Raises InvalidInputError where they are not enough (no region) or wrong.
    """
    import boto3
    from botocore.exceptions import BotoCoreError

    maker: Any = boto3.Session() if session is None else session
    try:
        return maker.client("dynamodb", endpoint_url=endpoint_url, config=config)
    except (BotoCoreError, ValueError) as error:
        raise InvalidInputError(f"boto3 makes no DynamoDB client of these settings: {error}") from error
