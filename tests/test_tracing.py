"""AWS X-Ray and OpenTelemetry record the default transport's calls as they record any other call of boto3."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import botocore.client
import botocore.endpoint
import pytest
from aws_xray_sdk import global_sdk_config
from aws_xray_sdk.core import patch, patcher, xray_recorder
from aws_xray_sdk.core.emitters.udp_emitter import UDPEmitter
from botocore.exceptions import ClientError
from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from aircraftops_data.errors import ConditionFailedError
from aircraftops_data.request import Request
from aircraftops_data.transports.botocore import BotocoreTransport
from aircraftops_data.transports.botocore_hooks import ITEM_OPERATIONS
from canned import CAPACITY, Canned, canned, document, refusal
from canned_requests import PAGE, PARAMETERS, RESPONSES, Reads, method

# What a reader leaves of a response: everything, with entities in the place of items.
ENTITIES: Mapping[str, Mapping[str, Any]] = {
    "GetItem": {**RESPONSES["GetItem"], "Item": object()},
    "Query": {**PAGE, "Items": [object(), object()]},
    "Scan": {**PAGE, "Items": [object(), object()]},
    "BatchGetItem": {**RESPONSES["BatchGetItem"], "Responses": {"CoreTable": [object()]}},
}


def sent(server: Canned, operation: str) -> None:
    """A call of ours."""
    reader = Reads(ENTITIES[operation]) if operation in ENTITIES else None
    BotocoreTransport(server.client()).send(Request(operation, PARAMETERS[operation], reader))


def called(server: Canned, operation: str) -> None:
    """The same call of boto3 by itself."""
    method(server.client(), operation)(**PARAMETERS[operation])


@pytest.fixture
def server() -> Iterator[Canned]:
    """A server that answers every operation."""
    with canned() as running:
        running.answer = lambda request: document(**RESPONSES[request.operation])
        yield running


class Recorded(UDPEmitter):
    """Keeps what would go to X-Ray's daemon."""

    def __init__(self) -> None:
        super().__init__()
        self.segments: list[dict[str, Any]] = []

    def send_entity(self, entity: Any) -> None:
        """Keep a segment."""
        self.segments.append(json.loads(entity.serialize()))

    def during(self, work: Callable[[], object]) -> dict[str, Any]:
        """The one call recorded meanwhile."""
        with xray_recorder.in_segment("test"):
            work()
        (call,) = self.segments.pop()["subsegments"]
        return dict(call)


@pytest.fixture
def xray(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorded]:
    """X-Ray's patch of botocore, undone afterwards."""
    client, endpoint = botocore.client.BaseClient, botocore.endpoint.Endpoint
    monkeypatch.setattr(patcher, "_PATCHED_MODULES", set())
    monkeypatch.setattr(client, "_make_api_call", client._make_api_call)
    monkeypatch.setattr(endpoint, "prepare_request", endpoint.prepare_request)
    # Powertools' tracer turns X-Ray off for the whole process wherever it is not in Lambda.
    enabled = global_sdk_config.sdk_enabled()
    global_sdk_config.set_sdk_enabled(True)
    emitter = Recorded()
    xray_recorder.configure(sampling=False, emitter=emitter)
    patch(("botocore",))
    yield emitter
    del botocore.client._xray_enabled
    global_sdk_config.set_sdk_enabled(enabled)


def test_xray_records_table_operation_and_status(server: Canned, xray: Recorded) -> None:
    call = xray.during(lambda: sent(server, "GetItem"))
    assert (call["name"], call["http"]["response"]["status"]) == ("dynamodb", 200)
    assert call["aws"] == {
        "operation": "GetItem",
        "region": "us-east-1",
        "request_id": "REQUEST-ID",
        "table_name": "CoreTable",
        "consumed_capacity": CAPACITY,
    }
    assert "Root=" in server.received[0].headers["x-amzn-trace-id"]


@pytest.mark.parametrize("operation", sorted(ITEM_OPERATIONS))
def test_xray_records_our_call_like_any_other(operation: str, server: Canned, xray: Recorded) -> None:
    ours = xray.during(lambda: sent(server, operation))
    stock = xray.during(lambda: called(server, operation))
    assert (ours["aws"], ours["http"]) == (stock["aws"], stock["http"])


def test_xray_records_a_refused_call_like_any_other(server: Canned, xray: Recorded) -> None:
    server.answer = lambda _: refusal("ConditionalCheckFailedException")

    def refused(send: Callable[[Canned, str], None]) -> None:
        with suppress(ClientError, ConditionFailedError):
            send(server, "PutItem")

    ours, stock = xray.during(lambda: refused(sent)), xray.during(lambda: refused(called))
    assert (ours["aws"], ours["http"], ours["error"]) == (stock["aws"], stock["http"], True)
    assert ours["aws"]["table_name"] == "CoreTable"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """OpenTelemetry's instrumentation of botocore, undone afterwards."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    BotocoreInstrumentor().instrument(tracer_provider=provider)
    yield exporter
    BotocoreInstrumentor().uninstrument()


def test_opentelemetry_records_tables_and_consumed_capacity(server: Canned, spans: InMemorySpanExporter) -> None:
    sent(server, "Scan")
    (span,) = spans.get_finished_spans()
    attributes = dict(span.attributes or {})
    assert attributes["db.system"] == "dynamodb"
    assert attributes["rpc.method"] == "Scan"
    assert attributes["aws.dynamodb.table_names"] == ("CoreTable",)
    assert attributes["aws.dynamodb.consumed_capacity"] == (json.dumps(CAPACITY),)
    assert (attributes["aws.dynamodb.count"], attributes["aws.dynamodb.scanned_count"]) == (2, 7)


@pytest.mark.parametrize("operation", sorted(ITEM_OPERATIONS))
def test_opentelemetry_records_our_call_like_any_other(
    operation: str, server: Canned, spans: InMemorySpanExporter
) -> None:
    sent(server, operation)
    called(server, operation)
    ours, stock = spans.get_finished_spans()
    assert (ours.name, ours.attributes, ours.status) == (stock.name, stock.attributes, stock.status)
    assert ours.attributes


def test_opentelemetry_records_a_refused_call_like_any_other(server: Canned, spans: InMemorySpanExporter) -> None:
    server.answer = lambda _: refusal("ConditionalCheckFailedException")
    with pytest.raises(ConditionFailedError):
        sent(server, "PutItem")
    with pytest.raises(ClientError):
        called(server, "PutItem")
    ours, stock = spans.get_finished_spans()
    assert (ours.attributes, ours.status.status_code) == (stock.attributes, stock.status.status_code)
