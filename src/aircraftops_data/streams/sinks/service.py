"""One service of AWS by boto3: a client made when it is first needed, and what it raises as the library's errors."""

from __future__ import annotations

from functools import cached_property
from threading import Lock
from typing import Any

from aircraftops_data.errors import RequestRefusedError, StoreError, TableMissingError
from aircraftops_data.transports.failures import translated

# Sources: API references of SendMessageBatch and PutRecordBatch. Any of these may be the fault of one entry alone.
_FAULTS = frozenset(
    {
        "AWS.SimpleQueueService.BatchRequestTooLong",
        "BatchRequestTooLong",
        "InvalidArgumentException",
        "InvalidAttributeValue",
        "InvalidMessageContents",
        "InvalidParameterValue",
    }
)


class Service:
    """A client of the caller's, or one of the session's; without either, of boto3's default session."""

    def __init__(self, name: str, client: Any = None, session: Any = None) -> None:
        self._name = name
        self._given = client
        self._session = session
        self._making = Lock()

    def call(self, operation: str, **parameters: Any) -> Any:
        """The response. Raises StoreError, retryable or not; RequestRefusedError where what was sent is at fault."""
        from botocore import xform_name  # pyright: ignore[reportUnknownVariableType]
        from botocore.exceptions import BotoCoreError, ClientError

        method: Any = getattr(self._client, xform_name(operation))
        try:
            return method(**parameters)
        except (BotoCoreError, ClientError) as error:
            raise _known(operation, error) from error

    @cached_property
    def _client(self) -> Any:
        if self._given is not None:
            return self._given
        import boto3

        # A session must not be asked for clients by two threads at once.
        with self._making:
            session: Any = self._session or boto3.Session()
            return session.client(self._name)


def _known(operation: str, error: Exception) -> Exception:
    found = translated(operation, error)
    if not isinstance(found, StoreError):
        return found
    if found.code in _FAULTS:
        # AWS's words stay in the cause, for they may quote what was sent.
        return RequestRefusedError(f"{operation}: {found.code}", operation=operation, code=found.code)
    if isinstance(found, TableMissingError):
        return StoreError(found.message, **found.fields)
    # Of a key of KMS, for one: KmsThrottled.
    return found.with_fields(retryable=True) if "Throttl" in found.code else found
