"""What every failure of AWS, botocore and the network means here: one table, looked up once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aircraftops_data.errors import (
    AccessDeniedError,
    AircraftOpsDataError,
    ConditionFailedError,
    ContentionError,
    ItemTooLargeError,
    RequestRefusedError,
    StoreError,
    TableMissingError,
    ThrottledError,
    TimeoutError,
    TransactionConflictError,
)
from aircraftops_data.request import Cancellation, Response

_THROTTLED = (
    "429",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "LimitExceededException",
)
_CONTENTION = ("TransactionConflictException", "TransactionInProgressException", "ReplicatedWriteConflictException")
_DENIED = (
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "NotAuthorized",
    "OptInRequired",
    "UnrecognizedClientException",
)
_MISSING = ("ResourceNotFoundException", "TableNotFoundException")
_REFUSED = (
    "IdempotentParameterMismatchException",
    "InvalidAction",
    "InvalidEndpointException",
    "ItemCollectionSizeLimitExceededException",
    "PolicyNotFoundException",
    "ResourceInUseException",
    "SerializationException",
    "TableAlreadyExistsException",
    "TableInUseException",
    "UnknownOperationException",
    "ValidationException",
)
_TRANSIENT = (
    "ContinuousBackupsUnavailableException",
    "InternalFailure",
    "InternalServerError",
    "ServiceUnavailable",
    "ServiceUnavailableException",
)
_LOST = ("RequestTimeout", "RequestTimeoutException", "RequestExpired")

FAILURES: Mapping[str, type[AircraftOpsDataError]] = {
    **dict.fromkeys(_THROTTLED, ThrottledError),
    **dict.fromkeys(_CONTENTION, ContentionError),
    **dict.fromkeys(_DENIED, AccessDeniedError),
    **dict.fromkeys(_MISSING, TableMissingError),
    **dict.fromkeys(_REFUSED, RequestRefusedError),
    **dict.fromkeys(_TRANSIENT, StoreError),
    **dict.fromkeys(_LOST, TimeoutError),
    "ConditionalCheckFailedException": ConditionFailedError,
    "TransactionCanceledException": TransactionConflictError,
}
"""Every error code of the operations used, and the error it is raised as."""

# Told apart only by AWS's words, which hold nothing of an item.
_VALIDATIONS: Mapping[str, type[AircraftOpsDataError]] = {
    "The table does not have the specified index": TableMissingError,
    "Item size has exceeded the maximum allowed size": ItemTooLargeError,
    "Item size to update has exceeded the maximum allowed size": ItemTooLargeError,
}

_RETRYABLE = frozenset({*_THROTTLED, *_CONTENTION, *_TRANSIENT, *_LOST})

# botocore's own exceptions, by class name so that naming them imports nothing; the direct transports use its names.
_CLIENT_FAILURES: Mapping[str, tuple[type[StoreError], bool]] = {
    "NoCredentialsError": (AccessDeniedError, False),
    "PartialCredentialsError": (AccessDeniedError, False),
    "CredentialRetrievalError": (AccessDeniedError, False),
    "NoAuthTokenError": (AccessDeniedError, False),
    "TokenRetrievalError": (AccessDeniedError, False),
    "UnauthorizedSSOTokenError": (AccessDeniedError, False),
    "SSOTokenLoadError": (AccessDeniedError, False),
    "SSOError": (AccessDeniedError, False),
    "LoginError": (AccessDeniedError, False),
    "RefreshWithMFAUnsupportedError": (AccessDeniedError, False),
    "MetadataRetrievalError": (AccessDeniedError, False),
    "IncompleteReadError": (TimeoutError, True),
    "EndpointConnectionError": (TimeoutError, True),
    "HTTPClientError": (TimeoutError, True),
    "ConnectionError": (TimeoutError, True),
    "ResponseParserError": (TimeoutError, True),
    "ChecksumError": (TimeoutError, True),
    # Python's own: another try meets the same certificate.
    "SSLCertVerificationError": (StoreError, False),
}


class ErrorResponse(Exception):
    """What AWS refused a request with, in the shape botocore's ClientError has it; the message is AWS's words."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"{response['Error']['Code']}: {response['Error']['Message']}")
        self.response = response


def translated(operation: str, error: Exception) -> AircraftOpsDataError:
    """The library's error for one of botocore's, or an ErrorResponse. Item contents stay out of the message."""
    response: Response | None = getattr(error, "response", None)
    if response is None:
        return _client_failure(operation, error)
    code = str(response.get("Error", {}).get("Code", ""))
    message = str(response.get("Error", {}).get("Message", ""))
    kind = FAILURES.get(code, StoreError)
    if kind is ConditionFailedError:
        return ConditionFailedError("The condition does not hold", raw=response.get("Item"))
    if kind is TransactionConflictError:
        reasons = [_cancellation(reason) for reason in response.get("CancellationReasons", ())]
        return TransactionConflictError("The transaction was cancelled", reasons=reasons)
    if code == "ValidationException":
        for beginning, known in _VALIDATIONS.items():
            if message.startswith(beginning):
                return known(f"{operation}: {message}")
        return RequestRefusedError(
            f"{operation}: {code}; AWS's words are in the cause, for they may quote what an item holds",
            operation=operation,
            code=code,
        )
    # Without a code of AWS's own, the words are those of something in between: a page, perhaps.
    text = f"{operation}: HTTP {code}" if code.isdecimal() else f"{operation}: {code}: {message}"
    if not issubclass(kind, StoreError):
        return kind(text, operation=operation, code=code)
    broken = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) >= 500
    return kind(text, operation=operation, code=code, retryable=broken or code in _RETRYABLE)


def unanswered(operation: str, code: str, reason: str) -> StoreError:
    """The library's error where no whole answer came; `code` is botocore's name for how, such as ReadTimeoutError."""
    kind, retryable = _CLIENT_FAILURES.get(code, (TimeoutError, True))
    return kind(f"{operation}: {code}: {reason}", operation=operation, code=code, retryable=retryable)


def _cancellation(reason: Mapping[str, Any]) -> Cancellation:
    return Cancellation(str(reason.get("Code", "None")), str(reason.get("Message", "")), reason.get("Item"))


def _client_failure(operation: str, error: Exception) -> AircraftOpsDataError:
    name = type(error).__name__
    if name == "ParamValidationError":
        return RequestRefusedError(f"{operation}: botocore refused the parameters", operation=operation, code=name)
    # botocore has one error for all that may go wrong with TLS, and says in words which it was.
    refused = ["SSLCertVerificationError"] if "CERTIFICATE_VERIFY_FAILED" in str(error) else []
    for base in (*refused, *(found.__name__ for found in type(error).__mro__)):
        if base in _CLIENT_FAILURES:
            kind, retryable = _CLIENT_FAILURES[base]
            return kind(f"{operation}: {name}: {error}", operation=operation, code=name, retryable=retryable)
    return StoreError(f"{operation}: {name}: {error}", operation=operation, code=name)
