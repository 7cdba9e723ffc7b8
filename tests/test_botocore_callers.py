"""What hooks, stubs and calls of others find on a client that the default transport uses: what they would without."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.stub import Stubber

from aircraftops_data.errors import (
    AircraftOpsDataError,
    ConditionFailedError,
    StoreError,
    TimeoutError,
)
from aircraftops_data.request import Request
from aircraftops_data.transports.botocore import BotocoreTransport
from aircraftops_data.transports.botocore_hooks import ITEM_OPERATIONS, hooks_on
from canned import CAPACITY, CLOSED, ITEM, KEY, Canned, canned, document, refusal
from canned_requests import GET, PAGE, PARAMETERS, PUT, Reads, answered, method


@pytest.fixture
def server() -> Iterator[Canned]:
    """A server that has the item."""
    with canned(document(Item=ITEM, ConsumedCapacity=CAPACITY)) as running:
        yield running


# The caller's hooks


def test_hooks_on_parameters_see_them_all(server: Canned) -> None:
    client = server.client()
    transport = BotocoreTransport(client)
    seen: list[Any] = []
    for event in ("provide-client-params", "before-parameter-build"):
        client.meta.events.register_last(f"{event}.dynamodb", lambda params, **_: seen.append({**params}))
    client.meta.events.register_first("before-call.*.*", lambda params, **_: seen.append(json.loads(params["body"])))
    transport.send(PUT)
    assert seen == [PUT.parameters, PUT.parameters, server.received[0].document]


@pytest.mark.parametrize("event", ["provide-client-params", "before-parameter-build", "before-endpoint-resolution"])
@pytest.mark.parametrize("register", ["register_first", "register", "register_last"])
def test_what_a_hook_changes_in_the_parameters_is_sent(event: str, register: str, server: Canned) -> None:
    def change(params: dict[str, Any], **_: Any) -> None:
        params["ReturnConsumedCapacity"] = "TOTAL"
        params["Item"] = {**params["Item"], "more": {"S": "x"}}

    client = server.client()
    transport = BotocoreTransport(client)
    getattr(client.meta.events, register)(f"{event}.dynamodb", change)
    transport.send(PUT)
    sent = server.received[0].document
    assert sent["ReturnConsumedCapacity"] == "TOTAL"
    assert sent["Item"].keys() == {*ITEM, "photo", "é", "more"}


def test_parameters_that_a_hook_puts_in_the_place_of_ours_are_sent(server: Canned) -> None:
    client = server.client()
    others = {"TableName": "Elsewhere", "Item": ITEM}
    client.meta.events.register("provide-client-params.dynamodb.PutItem", lambda **_: others)
    BotocoreTransport(client).send(PUT)
    assert server.received[0].document == others
    assert others == {"TableName": "Elsewhere", "Item": ITEM}


def test_a_body_that_a_hook_gives_is_sent(server: Canned) -> None:
    client = server.client()
    client.meta.events.register("before-call.dynamodb.PutItem", lambda params, **_: params.update(body=b'{"a": 1}'))
    BotocoreTransport(client).send(PUT)
    assert server.received[0].body == b'{"a": 1}'


def test_a_header_that_a_hook_adds_is_sent_with_every_request(server: Canned) -> None:
    client = server.client()
    client.meta.events.register(
        "before-sign.dynamodb", lambda request, **_: request.headers.add_header("X-Flight", "UA100")
    )
    transport = BotocoreTransport(client)
    transport.send(GET)
    transport.send(PUT)
    assert [sent.headers["x-flight"] for sent in server.received] == ["UA100", "UA100"]


def test_a_hook_may_answer_in_the_servers_place(server: Canned) -> None:
    client = server.client()
    client.meta.events.register("before-send.dynamodb.GetItem", lambda request, **_: answered(request, {"Item": KEY}))
    response = BotocoreTransport(client).send(Request("GetItem", GET.parameters, Reads({"Item": "entity"})))
    assert (response["Item"], response["ResponseMetadata"]["RequestId"]) == ("entity", "HANDLER")
    assert server.received == []


def test_hooks_on_responses_see_body_and_response(server: Canned) -> None:
    server.answers = [document(**PAGE)]
    client = server.client()
    seen: dict[str, Any] = {}

    def keep(event_name: str, **given: Any) -> None:
        seen[event_name.partition(".")[0]] = given

    for event in ("response-received", "needs-retry", "after-call"):
        client.meta.events.register(f"{event}.dynamodb.Query", keep)
    reader = Reads({name: value for name, value in PAGE.items() if name != "Items"} | {"Items": ["entity"]})
    response = BotocoreTransport(client).send(Request("Query", PARAMETERS["Query"], reader))
    assert seen["response-received"]["response_dict"]["body"] == server.answers[0].body
    assert seen["response-received"]["parsed_response"] is response
    assert seen["needs-retry"]["response"][1] is response
    assert seen["after-call"]["parsed"] is response
    assert (response["Count"], response["ScannedCount"]) == (2, 7)


def test_what_a_hook_adds_to_the_response_goes_before_what_was_read(server: Canned) -> None:
    client = server.client()
    client.meta.events.register(
        "before-parse.dynamodb", lambda customized_response_dict, **_: customized_response_dict.update(Item=KEY)
    )
    assert BotocoreTransport(client).send(GET)["Item"] == KEY


def test_whoever_wraps_botocores_call_sees_all_parameters_before_and_after(
    server: Canned, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, Any]] = []
    original = BaseClient._make_api_call  # type: ignore[attr-defined]

    def wrapped(self: Any, operation: str, parameters: dict[str, Any]) -> Any:
        seen.append({**parameters})
        try:
            return original(self, operation, parameters)
        finally:
            seen.append({**parameters})

    monkeypatch.setattr(BaseClient, "_make_api_call", wrapped)
    BotocoreTransport(server.client()).send(PUT)
    server.answers = [refusal("ConditionalCheckFailedException")]
    with pytest.raises(ConditionFailedError):
        BotocoreTransport(server.client()).send(PUT)
    assert seen == [PUT.parameters] * 4


# Stubs


@pytest.mark.parametrize("operation", sorted(ITEM_OPERATIONS))
def test_a_stub_compares_all_parameters_and_its_response_is_given_back(operation: str, server: Canned) -> None:
    client = server.client()
    transport = BotocoreTransport(client)
    with Stubber(client) as stub:
        stub.add_response(method(client, operation).__name__, {}, dict(PARAMETERS[operation]))
        assert transport.send(Request(operation, PARAMETERS[operation], Reads({"Item": "read"}))) == {}
        stub.assert_no_pending_responses()


def test_a_stub_that_expects_something_else_says_so(server: Canned) -> None:
    client = server.client()
    transport = BotocoreTransport(client)
    with Stubber(client) as stub:
        stub.add_response("put_item", {}, {**PUT.parameters, "TableName": "Other"})
        with pytest.raises(StoreError, match="Expected parameters"):
            transport.send(PUT)


# Others on the same client


@pytest.mark.slow
def test_calls_of_others_are_not_touched_whatever_ours_do_meanwhile(server: Canned) -> None:
    client = server.client(max_pool_connections=8)
    reader = Reads({"Item": "entity"})
    ours = Request("GetItem", dict(GET.parameters), reader)
    started = Barrier(8)

    def many(mine: bool) -> list[Any]:
        transport = BotocoreTransport(client)
        started.wait()
        send = (lambda: transport.send(ours)) if mine else (lambda: client.get_item(**GET.parameters))
        return [send()["Item"] for _ in range(50)]

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(many, [True, False] * 4))
    assert results == [["entity"] * 50, [ITEM] * 50] * 4
    assert len(reader.bodies) == 200


HOOKS = ("provide-client-params", "before-call", "request-created", "before-send", "response-received", "after-call")


@pytest.mark.parametrize("event", [*HOOKS, "before-parameter-build", "before-endpoint-resolution"])
@pytest.mark.parametrize("register", ["register_first", "register_last"])
def test_a_call_that_a_hook_makes_inside_ours_is_not_touched(event: str, register: str, server: Canned) -> None:
    client = server.client()
    inner: list[Any] = []

    def call_once(**_: Any) -> None:
        if not inner:
            inner.append(None)
            inner[0] = client.put_item(**PUT.parameters)

    transport = BotocoreTransport(client)
    getattr(client.meta.events, register)(f"{event}.dynamodb", call_once)
    response = transport.send(Request("PutItem", PUT.parameters, Reads({"Attributes": "entity"})))
    assert "Attributes" not in inner[0]
    assert response.get("Attributes") in ("entity", None)
    assert [sent.document for sent in server.received] == [server.received[0].document] * 2


def test_a_call_that_a_wrapper_makes_before_ours_is_not_taken_for_it(
    server: Canned, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, others = server.client(), {"TableName": "CoreTable", "Key": {"PK": {"S": "flags"}, "SK": {"S": "flags"}}}
    original, inner = BaseClient._make_api_call, []  # type: ignore[attr-defined]

    def wrapped(self: Any, operation: str, parameters: dict[str, Any]) -> Any:
        if parameters["Key"] == KEY:
            inner.append(client.get_item(**others))
        return original(self, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", wrapped)
    response = BotocoreTransport(client).send(Request("GetItem", GET.parameters, Reads({"Item": "entity"})))
    assert (response["Item"], [stock["Item"] for stock in inner]) == ("entity", [ITEM])


@pytest.mark.parametrize("event", HOOKS)
def test_a_call_of_ours_that_fails_inside_another_of_ours_leaves_that_alone(event: str, server: Canned) -> None:
    client = server.client()
    transport = BotocoreTransport(client)
    inner: list[Reads] = []

    def call_once(**_: Any) -> None:
        if not inner:
            inner.append(Reads({"Item": "inner"}))
            server.answers.insert(0, CLOSED)
            with suppress(AircraftOpsDataError):
                transport.send(Request("GetItem", GET.parameters, inner[0]))

    client.meta.events.register(f"{event}.dynamodb", call_once)
    response = transport.send(Request("GetItem", GET.parameters, Reads({"Item": "outer"})))
    assert response["Item"] in ("outer", ITEM)
    assert inner[0].bodies == []


def test_a_call_after_a_failed_one_of_ours_is_not_touched(server: Canned) -> None:
    server.answers.insert(0, CLOSED)
    client = server.client()
    reader = Reads({"Item": "entity"})
    with pytest.raises(TimeoutError):
        BotocoreTransport(client).send(Request("GetItem", GET.parameters, reader))
    assert client.get_item(**GET.parameters)["Item"] == ITEM
    assert reader.bodies == []


def test_many_transports_of_one_client_hook_in_once(server: Canned) -> None:
    client = server.client()
    reader, together = Reads({}), Barrier(8)

    def make(_: int) -> BotocoreTransport:
        together.wait()
        return BotocoreTransport(client)

    with ThreadPoolExecutor(8) as pool:
        transports = list(pool.map(make, range(8)))
    calls: list[str] = []
    hooks = hooks_on(client)
    assert hooks is not None
    assert all(transport._hooks is hooks for transport in transports)
    client.meta.events.register("after-call", lambda **_: calls.append("after"))
    transports[0].send(Request("GetItem", GET.parameters, reader))
    assert (len(reader.bodies), calls) == (1, ["after"])
