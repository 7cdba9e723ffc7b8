"""What the services that sinks send to fail with: the fault of what was sent, or what may pass."""

from __future__ import annotations

from typing import Any

from aircraftops_data.errors import RequestRefusedError, StoreError, TableMissingError
from aircraftops_data.transports.services import Service

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


class Receiving(Service):
    """A service that takes entries in batches."""

    def call(self, operation: str, **parameters: Any) -> Any:
        """The response. Raises StoreError, retryable or not; RequestRefusedError where what was sent is at fault."""
        try:
            return super().call(operation, **parameters)
        except StoreError as error:
            raise _known(operation, error) from error.__cause__


def _known(operation: str, found: StoreError) -> Exception:
    if found.code in _FAULTS:
        # AWS's words stay in the cause, for they may quote what was sent.
        return RequestRefusedError(f"{operation}: {found.code}", operation=operation, code=found.code)
    if isinstance(found, TableMissingError):
        return StoreError(found.message, **found.fields)
    # Of a key of KMS, for one: KmsThrottled.
    return found.with_fields(retryable=True) if "Throttl" in found.code else found
