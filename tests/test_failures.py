"""What AWS, botocore and the network say, and the error it is raised as."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import botocore.session
import pytest
from botocore import exceptions as theirs
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from botocore.stub import Stubber

from aircraftops_data.errors import (
    AccessDeniedError,
    AircraftOpsDataError,
    ConditionFailedError,
    ContentionError,
    InvalidInputError,
    RequestRefusedError,
    StoreError,
    TableMissingError,
    ThrottledError,
    TimeoutError,
    TransactionConflictError,
)
from aircraftops_data.request import Cancellation, Request
from aircraftops_data.transports.botocore import BotocoreTransport, dynamodb_client
from aircraftops_data.transports.failures import FAILURES, translated

OPERATIONS = (
    "PutItem",
    "GetItem",
    "UpdateItem",
    "DeleteItem",
    "Query",
    "Scan",
    "BatchGetItem",
    "BatchWriteItem",
    "TransactWriteItems",
    "CreateTable",
    "DescribeTable",
    "UpdateTimeToLive",
    "DescribeTimeToLive",
    "UpdateContinuousBackups",
)
SECRET = "Amelia Earhart"


def refused(code: str, message: str = "because", status: int = 400, **more: Any) -> ClientError:
    """What botocore raises for an error response."""
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}, **more}
    return ClientError(response, "PutItem")  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def model() -> Any:
    """What botocore knows of DynamoDB."""
    return botocore.session.get_session().get_service_model("dynamodb")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_code_of_botocores_model_is_mapped(operation: str, model: Any) -> None:
    codes = {
        shape.metadata.get("error", {}).get("code", shape.name)
        for shape in model.operation_model(operation).error_shapes
    }
    assert codes - set(FAILURES) == set()


@pytest.mark.parametrize(
    ("code", "kind", "retryable"),
    [
        ("ProvisionedThroughputExceededException", ThrottledError, True),
        ("ThrottlingException", ThrottledError, True),
        ("RequestLimitExceeded", ThrottledError, True),
        ("TransactionConflictException", ContentionError, True),
        ("TransactionInProgressException", ContentionError, True),
        ("ReplicatedWriteConflictException", ContentionError, True),
        ("InternalServerError", StoreError, True),
        ("ServiceUnavailable", StoreError, True),
        ("RequestTimeout", TimeoutError, True),
        ("AccessDeniedException", AccessDeniedError, False),
        ("UnrecognizedClientException", AccessDeniedError, False),
        ("ExpiredTokenException", AccessDeniedError, False),
        ("ResourceNotFoundException", TableMissingError, False),
        ("TableNotFoundException", TableMissingError, False),
        ("SomethingNew", StoreError, False),
    ],
)
def test_a_code_of_the_store_becomes_its_error(code: str, kind: type[StoreError], retryable: bool) -> None:
    error = translated("PutItem", refused(code))
    assert type(error) is kind
    assert isinstance(error, StoreError)
    assert (error.operation, error.code, error.retryable) == ("PutItem", code, retryable)
    assert str(error) == f"PutItem: {code}: because"


@pytest.mark.parametrize(
    "code", ["ValidationException", "IdempotentParameterMismatchException", "ItemCollectionSizeLimitExceededException"]
)
def test_a_request_the_engine_calls_invalid_is_the_callers_to_mend(code: str) -> None:
    error = translated("PutItem", refused(code))
    assert type(error) is RequestRefusedError
    assert isinstance(error, InvalidInputError)
    assert (error.operation, error.code) == ("PutItem", code)


def test_a_condition_that_does_not_hold_carries_the_stored_item() -> None:
    item = {"PK": {"S": "a"}, "owner": {"S": SECRET}}
    error = translated("PutItem", refused("ConditionalCheckFailedException", Item=item))
    assert isinstance(error, ConditionFailedError)
    assert error.raw == item
    assert SECRET not in str(error)
    bare = translated("PutItem", refused("ConditionalCheckFailedException"))
    assert isinstance(bare, ConditionFailedError)
    assert bare.raw is None


def test_a_cancelled_transaction_carries_its_reasons_in_order() -> None:
    item = {"PK": {"S": "a"}, "owner": {"S": SECRET}}
    reasons = [
        {"Code": "None"},
        {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed", "Item": item},
        {"Code": "ThrottlingError", "Message": "slow"},
    ]
    error = translated("TransactWriteItems", refused("TransactionCanceledException", CancellationReasons=reasons))
    assert isinstance(error, TransactionConflictError)
    assert list(error.reasons) == [
        Cancellation("None"),
        Cancellation("ConditionalCheckFailed", "The conditional request failed", item),
        Cancellation("ThrottlingError", "slow"),
    ]
    assert SECRET not in str(error)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_an_answer_of_a_broken_server_may_be_tried_again(status: int) -> None:
    error = translated("PutItem", refused(str(status), "Bad Gateway", status))
    assert isinstance(error, StoreError)
    assert error.retryable


# botocore's own


LOST: tuple[Exception, ...] = (
    theirs.EndpointConnectionError(endpoint_url="https://x", error="refused"),
    theirs.ConnectTimeoutError(endpoint_url="https://x", error="late"),
    theirs.ReadTimeoutError(endpoint_url="https://x", error="late"),
    theirs.ConnectionClosedError(endpoint_url="https://x", error="closed"),
    theirs.ProxyConnectionError(proxy_url="https://x", error="refused"),
    theirs.SSLError(endpoint_url="https://x", error="cut"),
    theirs.HTTPClientError(error="broken"),
    theirs.ResponseStreamingError(error="cut"),
    theirs.IncompleteReadError(actual_bytes=1, expected_bytes=2),
    theirs.ChecksumError(checksum_type="crc32", expected_checksum=1, actual_checksum=2),
    ResponseParserError("not JSON"),
)
DENIED: tuple[Exception, ...] = (
    theirs.NoCredentialsError(),
    theirs.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
    theirs.CredentialRetrievalError(provider="process", error_msg="exit 1"),
    theirs.NoAuthTokenError(),
    theirs.TokenRetrievalError(provider="sso", error_msg="expired"),
    theirs.UnauthorizedSSOTokenError(),
    theirs.SSOTokenLoadError(error_msg="no file"),
    theirs.RefreshWithMFAUnsupportedError(),
    theirs.MetadataRetrievalError(error_msg="no metadata"),
)


@pytest.mark.parametrize("error", LOST, ids=lambda error: type(error).__name__)
def test_an_answer_that_never_came_is_a_timeout_and_may_be_tried_again(error: Exception) -> None:
    found = raised(error)
    assert isinstance(found, TimeoutError)
    assert (found.operation, found.code, found.retryable) == ("GetItem", type(error).__name__, True)


@pytest.mark.parametrize("error", DENIED, ids=lambda error: type(error).__name__)
def test_missing_credentials_are_denied_access(error: Exception) -> None:
    found = raised(error)
    assert isinstance(found, AccessDeniedError)
    assert not found.retryable


def test_parameters_botocore_refuses_are_refused_without_what_they_hold() -> None:
    found = raised(theirs.ParamValidationError(report=f"Invalid type for parameter Item.name, value: {SECRET}"))
    assert isinstance(found, RequestRefusedError)
    assert SECRET not in str(found)


def kinds(base: type[BaseException]) -> Iterator[type[BaseException]]:
    """A class and all that stand under it."""
    yield base
    for kind in base.__subclasses__():
        yield from kinds(kind)


def test_whatever_botocore_raises_becomes_an_error_of_this_library() -> None:
    for kind in set(kinds(BotoCoreError)):
        if kind.__module__ != theirs.__name__:
            continue
        found = raised(kind.__new__(kind))  # type: ignore[arg-type]
        assert isinstance(found, StoreError | InvalidInputError)


def raised(error: Exception) -> AircraftOpsDataError:
    """What the transport raises when the client raises this."""

    class Client:
        def get_item(self, **parameters: Any) -> Any:
            raise error

    with pytest.raises(AircraftOpsDataError) as caught:
        BotocoreTransport(Client()).send(Request("GetItem", {"TableName": "T"}))
    assert caught.value.__cause__ is error
    return caught.value


# The transport


@pytest.fixture(scope="module")
def client() -> Any:
    """A client that no request leaves."""
    session = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")
    return session.client("dynamodb")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_is_the_clients_method_of_that_name(operation: str, client: Any) -> None:
    from botocore import xform_name

    assert callable(getattr(client, xform_name(operation)))


def test_a_request_is_sent_as_it_is_and_its_response_given_back(client: Any) -> None:
    request = Request("GetItem", {"TableName": "T", "Key": {"PK": {"S": "a"}}})
    with Stubber(client) as stub:
        stub.add_response("get_item", {"Item": {"PK": {"S": "a"}}}, dict(request.parameters))
        assert BotocoreTransport(client).send(request)["Item"] == {"PK": {"S": "a"}}


def test_an_error_response_is_raised_with_botocores_as_its_cause(client: Any) -> None:
    with Stubber(client) as stub:
        stub.add_client_error("get_item", "ResourceNotFoundException", "no table")
        with pytest.raises(TableMissingError, match="GetItem: ResourceNotFoundException: no table") as caught:
            BotocoreTransport(client).send(Request("GetItem", {"TableName": "T", "Key": {"PK": {"S": "a"}}}))
    assert isinstance(caught.value.__cause__, ClientError)


def test_parameters_of_the_wrong_type_are_refused_before_anything_is_sent(client: Any) -> None:
    with pytest.raises(RequestRefusedError) as caught:
        BotocoreTransport(client).send(Request("GetItem", {"TableName": "T", "Key": {"PK": {"S": 5}}}))
    assert caught.value.code == "ParamValidationError"


def test_settings_that_make_no_client_are_the_callers_to_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(InvalidInputError, match="region"):
        dynamodb_client(boto3.Session(aws_access_key_id="a", aws_secret_access_key="b"))
    with pytest.raises(InvalidInputError, match="DynamoDB client"):
        dynamodb_client(boto3.Session(region_name="us-east-1"), endpoint_url="not a url")
