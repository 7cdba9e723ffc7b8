"""Clients the default transport can use: of a botocore without the event, of another kind, and our own."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.stub import Stubber

from aircraftops_data.errors import (
    TimeoutError,
)
from aircraftops_data.request import Request
from aircraftops_data.transports import botocore as module
from aircraftops_data.transports.botocore import BotocoreTransport, dynamodb_client
from canned import CAPACITY, CLOSED, ITEM, KEY, Canned, canned, document, made_up_session
from canned_requests import GET, LARGE, PARAMETERS, PUT, RESPONSES, Reads, method, without_date


@pytest.fixture
def server() -> Iterator[Canned]:
    """A server that has the item."""
    with canned(document(Item=ITEM, ConsumedCapacity=CAPACITY)) as running:
        yield running


# Clients of another kind


def test_a_client_with_botocores_methods_and_no_more_is_enough() -> None:
    class Client:
        def put_item(self, **parameters: Any) -> Any:
            return {"Attributes": parameters["Item"]}

    assert BotocoreTransport(Client()).send(PUT) == {"Attributes": PUT.parameters["Item"]}


def test_a_botocore_that_speaks_another_protocol_is_left_to_itself(server: Canned) -> None:
    client = server.client()
    client.meta.service_model.resolved_protocol = "smithy-rpc-v2-cbor"
    transport, reader = BotocoreTransport(client), Reads({})
    del client.meta.service_model.resolved_protocol
    assert transport.send(Request("GetItem", GET.parameters, reader))["Item"] == ITEM
    assert reader.bodies == []


# A botocore without the event


@pytest.fixture
def _never_warned() -> Iterator[None]:
    module._warn_once.cache_clear()
    yield
    module._warn_once.cache_clear()


def deaf(client: Any, event: str = "before-parse") -> Any:
    """The client of a botocore that does not emit an event."""
    emit = client.meta.events.emit
    client.meta.events.emit = lambda name, **given: [] if name.startswith(event) else emit(name, **given)
    return client


@pytest.mark.usefixtures("_never_warned")
def test_without_the_event_responses_are_right_and_it_is_said_once(server: Canned) -> None:
    reader = Reads({"Item": "entity"})
    transports = [BotocoreTransport(deaf(server.client())) for _ in range(2)]
    requests = [GET, Request("GetItem", GET.parameters, reader), PUT] * 2
    with pytest.warns(RuntimeWarning, match="before-parse") as told:
        responses = [transport.send(request) for transport in transports for request in requests]
    assert len(told) == 1
    assert [response["ConsumedCapacity"] for response in responses] == [CAPACITY] * 12
    assert reader.bodies == []


@pytest.mark.usefixtures("_never_warned")
@pytest.mark.parametrize("operation", LARGE)
@pytest.mark.parametrize("event", ["provide-client-params", "before-endpoint-resolution", "request-created"])
def test_without_another_event_what_is_sent_and_read_is_right(event: str, operation: str, server: Canned) -> None:
    server.answers = [document(**RESPONSES[operation])]
    stock = method(server.client(), operation)(**PARAMETERS[operation])
    transport = BotocoreTransport(deaf(server.client(), event))
    assert without_date(transport.send(Request(operation, PARAMETERS[operation]))) == without_date(stock)
    assert server.received[0].document == server.received[1].document


@pytest.mark.usefixtures("_never_warned")
def test_nothing_is_said_where_no_response_was_to_be_seen(server: Canned) -> None:
    client = server.client()
    transport = BotocoreTransport(client)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Stubber(client) as stub:
            stub.add_response("get_item", {"Item": KEY})
            assert transport.send(GET)["Item"] == KEY
        server.answers.insert(0, CLOSED)
        with pytest.raises(TimeoutError):
            transport.send(GET)
        client.meta.events.register("before-call.dynamodb", lambda **_: (AWSResponse("", 200, {}, None), {"Item": KEY}))
        assert transport.send(GET)["Item"] == KEY


# Our own client


def test_our_client_names_the_library_and_keeps_connections(server: Canned) -> None:
    client = dynamodb_client(made_up_session(), endpoint_url=server.endpoint_url)
    BotocoreTransport(client).send(GET)
    agent = server.received[0].headers["user-agent"]
    assert agent.startswith("Boto3/")
    assert "lib/aircraftops-data" in agent
    assert client.meta.config.max_pool_connections == 50


def test_what_the_environment_says_goes_before_our_choices(monkeypatch: pytest.MonkeyPatch, server: Canned) -> None:
    for name, value in {
        "AWS_RETRY_MODE": "adaptive",
        "AWS_MAX_ATTEMPTS": "7",
        "AWS_DEFAULTS_MODE": "standard",
        "AWS_SDK_UA_APP_ID": "flights",
    }.items():
        monkeypatch.setenv(name, value)
    session = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")
    stock = session.client("dynamodb").meta.config
    client = dynamodb_client(session, endpoint_url=server.endpoint_url)
    ours = client.meta.config
    assert (ours.retries, ours.connect_timeout, ours.read_timeout) == (
        stock.retries,
        stock.connect_timeout,
        stock.read_timeout,
    )
    BotocoreTransport(client).send(GET)
    assert " app/flights " in server.received[0].headers["user-agent"]


def test_a_sessions_own_settings_go_before_our_choices(server: Canned) -> None:
    import botocore.session
    from botocore.config import Config

    base = botocore.session.Session()
    base.set_default_client_config(Config(max_pool_connections=3, user_agent_extra="flights/1", tcp_keepalive=True))
    session = boto3.Session("a", "b", region_name="us-east-1", botocore_session=base)
    client = dynamodb_client(session, endpoint_url=server.endpoint_url)
    assert (client.meta.config.max_pool_connections, client.meta.config.tcp_keepalive) == (3, True)
    BotocoreTransport(client).send(GET)
    assert server.received[0].headers["user-agent"].count("flights/1") == 1


def test_the_callers_config_is_taken_as_it_is(server: Canned) -> None:
    from botocore.config import Config

    client = dynamodb_client(made_up_session(), endpoint_url=server.endpoint_url, config=Config(user_agent="flights/1"))
    BotocoreTransport(client).send(GET)
    assert server.received[0].headers["user-agent"].startswith("flights/1")
    assert client.meta.config.max_pool_connections == 10
