"""The default transport reads and writes its own calls as bytes, and botocore retries, checks and refuses as ever."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from threading import Event
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError

from aircraftops_data.errors import (
    ConditionFailedError,
    RequestRefusedError,
    ThrottledError,
    TimeoutError,
)
from aircraftops_data.request import Request
from aircraftops_data.transports.botocore import BotocoreTransport
from aircraftops_data.transports.botocore_hooks import ITEM_OPERATIONS
from aircraftops_data.wire import body_of
from canned import CAPACITY, CLOSED, ITEM, KEY, Answer, Canned, canned, document, made_up_session, refusal
from canned_requests import BINARY, GET, LARGE, PARAMETERS, PUT, RESPONSES, Reads, answered, method, without_date

STANDARD = {"total_max_attempts": 3, "mode": "standard"}
LEGACY = {"total_max_attempts": 3, "mode": "legacy"}


@pytest.fixture
def server() -> Iterator[Canned]:
    """A server that has the item."""
    with canned(document(Item=ITEM, ConsumedCapacity=CAPACITY)) as running:
        yield running


@pytest.fixture(autouse=True)
def _retries_wait_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)


# Responses


def test_a_reader_is_given_the_bytes_and_what_it_makes_of_them_is_the_response(server: Canned) -> None:
    entity = object()
    reader = Reads({"Item": entity, "ConsumedCapacity": CAPACITY})
    response = BotocoreTransport(server.client()).send(Request("GetItem", GET.parameters, reader))
    assert response["Item"] is entity
    assert response["ConsumedCapacity"] == CAPACITY
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert response["ResponseMetadata"]["RequestId"] == "REQUEST-ID"
    assert reader.bodies == [server.answers[0].body]


@pytest.mark.parametrize("reading", [False, True], ids=["no-reader", "reader-declines"])
@pytest.mark.parametrize("operation", sorted(ITEM_OPERATIONS))
def test_a_response_without_a_reader_is_as_botocore_parses_it(operation: str, reading: bool) -> None:
    with canned(document(**RESPONSES[operation])) as server:
        stock = method(server.client(), operation)(**PARAMETERS[operation])
        request = Request(operation, PARAMETERS[operation], Reads(None) if reading else None)
        assert without_date(BotocoreTransport(server.client()).send(request)) == without_date(stock)


def test_null_is_nothing_as_with_botocore() -> None:
    with canned(document(Item=None, ConsumedCapacity=CAPACITY)) as server:
        response = BotocoreTransport(server.client()).send(GET)
    assert "Item" not in response
    assert response["ConsumedCapacity"] == CAPACITY


@pytest.mark.parametrize("mode", ["legacy", "standard"])
@pytest.mark.parametrize(
    "body",
    [
        b"<html>please log in</html>",
        b'{"Item": {"PK"',
        b"\xff\xfe\x00",
        b"[]",
        b"null",
        b'"Item"',
        b"",
        b'{"Item": "a"}',
    ],
    ids=["page", "cut", "bytes", "list", "null", "text", "empty", "no-item"],
)
def test_a_success_that_is_not_json_is_no_answer_rather_than_no_item(body: bytes, mode: str) -> None:
    with canned(Answer(body)) as server:
        transport = BotocoreTransport(server.client(retries={"total_max_attempts": 1, "mode": mode}))
        with pytest.raises(TimeoutError) as caught:
            transport.send(GET)
    assert caught.value.retryable


@pytest.mark.parametrize("retries", [STANDARD, LEGACY], ids=["standard", "legacy"])
def test_a_body_with_another_checksum_is_never_a_response(retries: dict[str, Any]) -> None:
    with canned(Answer(b'{"Item": {"PK": {"S": "another"}}}', checksum=1)) as server, pytest.raises(TimeoutError):
        BotocoreTransport(server.client(retries=retries)).send(GET)


def test_an_error_response_is_never_given_to_the_reader() -> None:
    reader = Reads({})
    refused = refusal("ConditionalCheckFailedException", Item=BINARY)
    with canned(refused) as server, pytest.raises(ConditionFailedError) as caught:
        BotocoreTransport(server.client()).send(Request("PutItem", PUT.parameters, reader))
    assert caught.value.raw is not None
    assert caught.value.raw["photo"] == {"B": b"\x00\x01\x02"}
    assert isinstance(caught.value.__cause__, ClientError)
    assert reader.bodies == []


def test_other_operations_are_botocores_alone() -> None:
    reader = Reads({})
    with canned(document(Table={"TableName": "CoreTable", "CreationDateTime": 1.5e9})) as server:
        request = Request("DescribeTable", {"TableName": "CoreTable"}, reader)
        response = BotocoreTransport(server.client()).send(request)
    assert response["Table"]["CreationDateTime"].year == 2017
    assert reader.bodies == []


# Requests


@pytest.mark.parametrize("operation", sorted(ITEM_OPERATIONS))
def test_a_request_is_the_document_botocore_would_send(operation: str, server: Canned) -> None:
    server.answers = [document()]
    method(server.client(), operation)(**PARAMETERS[operation])
    BotocoreTransport(server.client()).send(Request(operation, PARAMETERS[operation]))
    stock, ours = server.received
    assert ours.document == stock.document
    assert ours.operation == operation
    assert {name: ours.headers[name] for name in ("content-type", "content-length")} == {
        "content-type": stock.headers["content-type"],
        "content-length": str(len(ours.body)),
    }


@pytest.mark.parametrize("operation", LARGE)
def test_a_large_request_is_not_written_by_botocore(operation: str, server: Canned) -> None:
    server.answers = [document()]
    request = Request(operation, PARAMETERS[operation])
    BotocoreTransport(server.client()).send(request)
    assert server.received[0].body == body_of(request)


def test_a_token_that_botocore_adds_is_sent(server: Canned) -> None:
    server.answers = [document()]
    parameters = {"TransactItems": PARAMETERS["TransactWriteItems"]["TransactItems"]}
    BotocoreTransport(server.client()).send(Request("TransactWriteItems", parameters))
    assert server.received[0].document["ClientRequestToken"]


def test_the_signature_is_of_the_body_that_is_sent(server: Canned) -> None:
    client = server.client()
    signed: list[bytes] = []
    client.meta.events.register("before-sign.dynamodb", lambda request, **_: signed.append(request.data))
    BotocoreTransport(client).send(PUT)
    assert [sent.body for sent in server.received] == signed


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("GetItem", {"TableName": "CoreTable", "Key": {"PK": {"S": 5}}}),
        ("PutItem", {"TableName": "CoreTable", "Item": {"PK": {"S": object()}}}),
        ("PutItem", {"Item": ITEM}),
        ("TransactWriteItems", {"TransactItems": [{"Put": {"Item": ITEM}}]}),
    ],
    ids=["number", "object", "no-table", "action-without-table"],
)
def test_parameters_that_are_no_request_are_refused_by_botocore(
    operation: str, parameters: Mapping[str, Any], server: Canned
) -> None:
    with pytest.raises(RequestRefusedError) as caught:
        BotocoreTransport(server.client()).send(Request(operation, parameters))
    assert caught.value.code == "ParamValidationError"
    assert server.received == []


ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/CoreTable"


@pytest.mark.parametrize("operation", LARGE)
def test_the_endpoint_is_chosen_by_the_tables_a_request_names(operation: str) -> None:
    parameters = json.loads(json.dumps(PARAMETERS[operation], default=lambda value: value.decode("latin-1")))
    parameters = json.loads(json.dumps(parameters).replace('"CoreTable"', f'"{ARN}"').replace('"Other"', f'"{ARN}2"'))
    urls: list[str] = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        urls.append(request.url)
        return answered(request, {})

    for ours in (False, True):
        client = made_up_session().client("dynamodb")
        client.meta.events.register("before-send.dynamodb", answer)
        if ours:
            BotocoreTransport(client).send(Request(operation, parameters))
        else:
            method(client, operation)(**parameters)
    assert urls[0] == urls[1]


# Retries and checksums


def test_botocores_retries_go_on_as_ever() -> None:
    failing = (refusal("InternalServerError", 500), refusal("ThrottlingException"), CLOSED)
    with canned(*failing, document(Item=ITEM)) as server:
        reader = Reads({"Item": "entity"})
        transport = BotocoreTransport(server.client(retries={"total_max_attempts": 5, "mode": "standard"}))
        response = transport.send(Request("PutItem", PUT.parameters, reader))
        assert response["Item"] == "entity"
        assert response["ResponseMetadata"]["RetryAttempts"] == 3
        assert len({sent.body for sent in server.received}) == 1
        assert len(reader.bodies) == 1


def test_the_last_answer_counts_when_the_retries_are_used_up() -> None:
    with canned(Answer(b"<html>"), refusal("ThrottlingException")) as server:
        client = server.client(retries=LEGACY)
        client.meta.events.register("needs-retry.dynamodb", lambda attempts, **_: 0 if attempts == 1 else None)
        with pytest.raises(ThrottledError):
            BotocoreTransport(client).send(GET)


def test_a_page_that_was_retried_away_is_forgotten() -> None:
    with canned(Answer(b"<html>", checksum=1), document(Item=ITEM)) as server:
        response = BotocoreTransport(server.client(retries=LEGACY)).send(GET)
    assert response["Item"] == ITEM


def test_a_time_out_is_retried_and_then_read() -> None:
    release = Event()
    with canned(Answer(held=release), document(Item=ITEM)) as server:
        client = server.client(retries=STANDARD, read_timeout=0.2)
        response = BotocoreTransport(client).send(GET)
        release.set()
    assert (response["Item"], response["ResponseMetadata"]["RetryAttempts"]) == (ITEM, 1)


@pytest.mark.parametrize("mode", ["legacy", "standard"])
def test_a_wrong_checksum_is_treated_as_botocore_treats_it(mode: str) -> None:
    wrong = Answer(document(Item=ITEM).body, checksum=1)
    outcomes: list[Any] = []
    for ours in (False, True):
        with canned(wrong, wrong, document(Item=KEY)) as server:
            client = server.client(retries={"total_max_attempts": 3, "mode": mode})
            response = BotocoreTransport(client).send(GET) if ours else client.get_item(**GET.parameters)
            outcomes.append((response["Item"], response["ResponseMetadata"]["RetryAttempts"]))
    assert outcomes[0] == outcomes[1]


def test_a_checksum_that_is_always_wrong_is_no_answer() -> None:
    with canned(Answer(document(Item=ITEM).body, checksum=1)) as server, pytest.raises(TimeoutError) as caught:
        BotocoreTransport(server.client(retries=LEGACY)).send(GET)
    assert caught.value.code == "ChecksumError"
