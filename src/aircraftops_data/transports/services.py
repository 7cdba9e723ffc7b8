"""A service of AWS by boto3: its client is made when it is first needed, and what it raises becomes the library's."""

from __future__ import annotations

from functools import cached_property
from threading import Lock
from typing import Any

from aircraftops_data.transports.failures import translated


class Service:
    """A client of the caller's, or one of the session's; without either, of boto3's default session."""

    def __init__(self, name: str, client: Any = None, session: Any = None) -> None:
        self._name = name
        self._given = client
        self._session = session
        self._making = Lock()

    @cached_property
    def client(self) -> Any:
        """The client, to use as it is."""
        if self._given is not None:
            return self._given
        import boto3

        # A session must not be asked for clients by two threads at once.
        with self._making:
            session: Any = self._session or boto3.Session()
            return session.client(self._name)

    def call(self, operation: str, **parameters: Any) -> Any:
        """The response. Raises the library's errors, botocore's as their cause."""
        return called(self.client, operation, **parameters)


def called(client: Any, operation: str, **parameters: Any) -> Any:
    """The response of a client. Raises the library's errors, botocore's as their cause."""
    from botocore import xform_name  # pyright: ignore[reportUnknownVariableType]
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return getattr(client, str(xform_name(operation)))(**parameters)
    except (BotoCoreError, ClientError) as error:
        raise translated(operation, error) from error
