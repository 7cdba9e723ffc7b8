"""Whatever a server, a proxy or the network does: the right response or an error of the library."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from threading import Event

import pytest

from aircraftops_data.errors import (
    AccessDeniedError,
    AircraftOpsDataError,
    ConditionFailedError,
    ContentionError,
    InvalidInputError,
    ItemTooLargeError,
    RequestRefusedError,
    StoreError,
    TableMissingError,
    ThrottledError,
    TimeoutError,
    TransactionConflictError,
)
from aircraftops_data.request import Cancellation
from aircraftops_data.transports import aio, direct
from wire_lines import FOUND, GET, GOOD, KINDS, OTHER, READ, Line, line_of
from wire_server import (
    PATIENCE_SECONDS,
    Act,
    WireServer,
    closing,
    dripping,
    refusal,
    response,
    sending,
    sending_last,
    silent,
)

SECRET = "Amelia Earhart"
HTML = b"<html><body>Please log in</body></html>"


@pytest.fixture(params=KINDS)
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    """A line for each transport."""
    with line_of(request.param) as line:
        yield line


# What is mended: by another connection, or by another try


def chunked(body: bytes) -> bytes:
    """A body in chunks of two bytes."""
    pieces = [body[place : place + 2] for place in range(0, len(body), 2)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


BODY = json.dumps(FOUND).encode()
CHUNKED = response(b"", checksum=False, Content_Length=None, Transfer_Encoding="chunked")
WHOLE: dict[str, Act] = {
    "at once": sending(GOOD),
    "byte by byte": dripping(GOOD),
    "in chunks": sending(CHUNKED + chunked(BODY)),
    "ended by the connection": sending_last(response(BODY, Content_Length=None)),
    "after interim answers": sending(b"HTTP/1.1 100 Continue\r\n\r\n" + GOOD),
    "and the connection closed": sending(response(FOUND, Connection="close")),
    "without a checksum": sending(response(FOUND, checksum=False)),
}


@pytest.mark.parametrize("how", list(WHOLE))
def test_an_answer_is_read_however_it_comes(line: Line, how: str) -> None:
    with WireServer(WHOLE[how], sending(response(OTHER))) as server:
        send = line.to(server.url)
        assert send(GET) == READ
        assert send(GET) == OTHER
    assert line.clock.slept == []


BROKEN: dict[str, Act] = {
    "closed before an answer": closing,
    "cut within the head": sending_last(GOOD[:30]),
    "cut within the body": sending_last(GOOD[:-5]),
    "cut within a chunk": sending_last(CHUNKED + b"ff\r\n{"),
    "of another checksum": sending(response(FOUND, x_amz_crc32="1")),
    "of no checksum that is one": sending(response(FOUND, x_amz_crc32="abc")),
    "not HTTP": sending(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    "with a huge head": sending(b"HTTP/1.1 200 OK\r\nA: " + b"x" * 70_000),
    "HTML": sending(response(HTML, checksum=False, Content_Type="text/html")),
    "JSON, but no object": sending(response(b"[]")),
    "JSON, but no response": sending(response(b'{"Item": "a"}')),
    "empty": sending(response(b"")),
    "half JSON": sending(response(BODY[:-3])),
    "a compressed one": sending(response(b"\x1f\x8b\x08\x00", Content_Encoding="gzip")),
    "500 without a body": sending(response(b"", 500)),
    "500 of DynamoDB": sending(refusal("InternalServerError", status=500)),
    "502 of a proxy": sending(response(HTML, 502, checksum=False)),
    "503": sending(refusal("ServiceUnavailable", status=503)),
    "429": sending(response(b"", 429)),
    "throttled": sending(refusal("ProvisionedThroughputExceededException")),
    "throttled otherwise": sending(refusal("ThrottlingException")),
    "late for the server": sending(refusal("RequestTimeout", status=408)),
}


@pytest.mark.parametrize("how", list(BROKEN))
def test_a_broken_answer_is_asked_for_again(line: Line, how: str) -> None:
    with WireServer(BROKEN[how], sending(GOOD)) as server:
        assert line.to(server.url)(GET) == READ
        first, second = server.requests
        assert first.partition(b"\r\n\r\n")[2] == second.partition(b"\r\n\r\n")[2]
    assert len(line.clock.slept) == 1
    assert 0 < line.clock.slept[0] <= 0.05


@pytest.mark.parametrize("how", list(BROKEN))
def test_after_all_tries_it_is_an_error_that_may_be_tried_again(line: Line, how: str) -> None:
    act = BROKEN[how]
    with WireServer(act, act, act, sending(GOOD)) as server:
        send = line.to(server.url)
        with pytest.raises(StoreError) as caught:
            send(GET)
        assert len(server.requests) == 3
        assert caught.value.retryable
        assert caught.value.operation == "GetItem"
        # Nothing of the broken answers is left on the line.
        assert send(GET) == READ


@pytest.mark.parametrize(
    ("how", "kind", "code"),
    [
        ("closed before an answer", TimeoutError, "ConnectionClosedError"),
        ("cut within the body", TimeoutError, "IncompleteReadError"),
        ("cut within a chunk", TimeoutError, "IncompleteReadError"),
        ("of another checksum", TimeoutError, "ChecksumError"),
        ("not HTTP", TimeoutError, "ResponseParserError"),
        ("HTML", TimeoutError, "ResponseParserError"),
        ("500 without a body", StoreError, "500"),
        ("500 of DynamoDB", StoreError, "InternalServerError"),
        ("502 of a proxy", StoreError, "502"),
        ("429", ThrottledError, "429"),
        ("throttled", ThrottledError, "ProvisionedThroughputExceededException"),
        ("late for the server", TimeoutError, "RequestTimeout"),
    ],
)
def test_the_error_says_what_went_wrong(line: Line, how: str, kind: type[StoreError], code: str) -> None:
    with WireServer(usual=BROKEN[how]) as server, pytest.raises(StoreError) as caught:
        line.to(server.url)(GET)
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert "Please log in" not in str(caught.value)


@pytest.mark.parametrize("attempts", [1, 5])
def test_the_number_of_tries_is_botocores_setting(line: Line, attempts: int) -> None:
    with WireServer(usual=sending(refusal("ThrottlingException"))) as server:
        send = line.to(server.url, retries={"total_max_attempts": attempts})
        with pytest.raises(ThrottledError):
            send(GET)
        assert len(server.requests) == attempts


# Connections


def test_a_connection_is_used_again(line: Line) -> None:
    with WireServer(usual=sending(GOOD)) as server:
        send = line.to(server.url)
        for _ in range(5):
            assert send(GET) == READ
        assert server.connections == 1


def test_a_connection_the_server_closed_meanwhile_is_replaced_without_a_wait(line: Line) -> None:
    with WireServer(sending(GOOD), closing, sending_last(GOOD), sending(GOOD)) as server:
        send = line.to(server.url)
        for _ in range(3):
            assert send(GET) == READ
        assert server.connections == 3
    assert line.clock.slept == []


def test_bytes_nobody_asked_for_are_nobodys_answer(line: Line) -> None:
    with WireServer(sending(GOOD + response(OTHER)), sending(GOOD)) as server:
        send = line.to(server.url)
        assert send(GET) == READ
        assert send(GET) == READ
        assert server.connections == 2


def test_an_answer_that_comes_while_nobody_waits_is_nobodys(line: Line) -> None:
    idle, sent = Event(), Event()

    def again(connection: socket.socket, request: bytes) -> bool:
        connection.sendall(GOOD)
        assert idle.wait(PATIENCE_SECONDS)
        connection.sendall(response(OTHER))
        sent.set()
        return True

    with WireServer(again, usual=sending(GOOD)) as server:
        send = line.to(server.url)
        assert send(GET) == READ
        idle.set()
        assert sent.wait(PATIENCE_SECONDS)
        assert send(GET) == READ
        assert server.connections == 2


def test_a_connection_idle_for_too_long_is_replaced(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (direct, aio):
        monkeypatch.setattr(module, "IDLE_SECONDS", -1.0)
    with WireServer(usual=sending(GOOD)) as server:
        send = line.to(server.url)
        assert send(GET) == READ
        assert send(GET) == READ
        assert server.connections == 2


def test_no_answer_in_time_is_a_timeout(line: Line) -> None:
    with WireServer(silent, silent, sending(GOOD)) as server:
        send = line.to(server.url, read_timeout=0.5, retries={"total_max_attempts": 2})
        with pytest.raises(TimeoutError) as caught:
            send(GET)
        assert (caught.value.code, caught.value.retryable) == ("ReadTimeoutError", True)
        assert send(GET) == READ
        assert server.connections == 3


def test_a_handshake_that_never_ends_is_a_timeout(line: Line) -> None:
    with WireServer(usual=silent) as server:
        url = server.url.replace("http:", "https:")
        with pytest.raises(TimeoutError) as caught:
            line.to(url, connect_timeout=0.1, retries={"total_max_attempts": 2})(GET)
    assert (caught.value.code, caught.value.retryable) == ("ConnectTimeoutError", True)


def test_nobody_listening_may_be_tried_again(line: Line) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(TimeoutError) as caught:
        line.to(f"http://127.0.0.1:{port}")(GET)
    assert (caught.value.code, caught.value.retryable) == ("EndpointConnectionError", True)
    assert len(line.clock.slept) == 2


# What is said and not tried again


REFUSED: dict[str, tuple[bytes, type[AircraftOpsDataError], str]] = {
    "a redirect": (response(b"", 307, Location="http://elsewhere/"), StoreError, "307"),
    "another redirect": (response(HTML, 301, checksum=False, Location="/"), StoreError, "301"),
    "403 of a proxy": (response(HTML, 403, checksum=False), StoreError, "403"),
    "413": (response(b"", 413), StoreError, "413"),
    "400 without a body": (response(b"", 400), StoreError, "400"),
    "a missing table": (refusal("ResourceNotFoundException"), TableMissingError, "ResourceNotFoundException"),
    "no permission": (refusal("AccessDeniedException"), AccessDeniedError, "AccessDeniedException"),
    "a wrong signature": (refusal("InvalidSignatureException"), AccessDeniedError, "InvalidSignatureException"),
    "a conflict": (refusal("TransactionConflictException"), ContentionError, "TransactionConflictException"),
    "an invalid request": (refusal("ValidationException", SECRET), RequestRefusedError, "ValidationException"),
    "something new": (refusal("BrandNewException"), StoreError, "BrandNewException"),
}


@pytest.mark.parametrize("how", list(REFUSED))
def test_a_refusal_is_an_error_at_once(line: Line, how: str) -> None:
    data, kind, code = REFUSED[how]
    with WireServer(sending(data), sending(GOOD)) as server:
        send = line.to(server.url)
        with pytest.raises(AircraftOpsDataError) as caught:
            send(GET)
        assert len(server.requests) == 1
        assert send(GET) == READ
        # The answer was whole, so the connection is as good as before.
        assert server.connections == 1
    assert (type(caught.value), caught.value.fields["code"]) == (kind, code)
    assert str(caught.value.__cause__).startswith(f"{code}: ")
    assert SECRET not in str(caught.value)


def test_awss_words_are_in_the_cause(line: Line) -> None:
    data = refusal("ValidationException", f"One of the values is invalid: {SECRET}")
    with WireServer(sending(data)) as server, pytest.raises(RequestRefusedError) as caught:
        line.to(server.url)(GET)
    assert str(caught.value.__cause__) == f"ValidationException: One of the values is invalid: {SECRET}"


def test_an_item_too_large_is_the_callers_to_mend(line: Line) -> None:
    message = "Item size has exceeded the maximum allowed size"
    with WireServer(sending(refusal("ValidationException", message))) as server, pytest.raises(ItemTooLargeError):
        line.to(server.url)(GET)


def test_a_failed_condition_carries_the_item_with_its_binary_values(line: Line) -> None:
    data = refusal("ConditionalCheckFailedException", "The conditional request failed", Item=FOUND["Item"])
    with WireServer(sending(data)) as server, pytest.raises(ConditionFailedError) as caught:
        line.to(server.url)(GET)
    assert caught.value.raw == READ["Item"]


def test_a_cancelled_transaction_carries_its_reasons_in_order(line: Line) -> None:
    reasons = [{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Message": "no", "Item": FOUND["Item"]}]
    data = refusal("TransactionCanceledException", CancellationReasons=reasons)
    with WireServer(sending(data)) as server, pytest.raises(TransactionConflictError) as caught:
        line.to(server.url)(GET)
    assert caught.value.reasons == [Cancellation("None"), Cancellation("ConditionalCheckFailed", "no", READ["Item"])]


@pytest.mark.parametrize(
    "named",
    [
        {"__type": "ResourceNotFoundException"},
        {"__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", "Message": "m"},
        {"__type": "a.b#ResourceNotFoundException:http://internal.amazon.com/coral/a.b/"},
        {"__type": "ResourceNotFoundException:http://internal.amazon.com/coral/a.b/"},
    ],
    ids=["bare", "shape", "shape and address", "address"],
)
def test_the_code_of_an_error_is_found_in_every_dialect(line: Line, named: dict[str, str]) -> None:
    with WireServer(sending(response(named, 400))) as server, pytest.raises(TableMissingError):
        line.to(server.url)(GET)


def test_the_code_of_an_error_is_found_in_its_header(line: Line) -> None:
    data = response(b"", 400, x_amzn_ErrorType="ResourceNotFoundException:http://internal.amazon.com/")
    with WireServer(sending(data)) as server, pytest.raises(TableMissingError):
        line.to(server.url)(GET)


# The end


def test_nothing_is_sent_over_a_closed_transport(line: Line) -> None:
    with WireServer(usual=sending(GOOD)) as server:
        send = line.to(server.url)
        send(GET)
        line.closers[0]()
        with pytest.raises(InvalidInputError, match="closed"):
            send(GET)
        assert len(server.requests) == 1
