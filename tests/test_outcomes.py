"""Whatever an answer holds, it is a response or an error of the library."""

from __future__ import annotations

import json
from typing import Any
from zlib import crc32

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aircraftops_data.errors import AircraftOpsDataError, StoreError, TimeoutError
from aircraftops_data.request import Request
from aircraftops_data.transports.http1 import Answer
from aircraftops_data.transports.outcome import response_in

REQUEST = Request("GetItem", {"TableName": "T"})
NAMES = st.sampled_from(
    [
        "__type",
        "message",
        "Message",
        "Item",
        "Items",
        "Attributes",
        "CancellationReasons",
        "Code",
        "Responses",
        "LastEvaluatedKey",
        "UnprocessedKeys",
        "UnprocessedItems",
        "Keys",
        "PutRequest",
        "T",
        "S",
        "B",
        "BS",
        "M",
        "L",
    ]
)
CODES = st.sampled_from(
    ["ConditionalCheckFailedException", "TransactionCanceledException", "ValidationException", "a#B:c", "", "#"]
)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | CODES | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


def answer(body: bytes, status: int = 200, **headers: bytes) -> Answer:
    """An answer of this body, with the checksum of it."""
    fields = {b"x-amz-crc32": b"%d" % crc32(body), **{name.encode(): value for name, value in headers.items()}}
    return Answer(status, fields, body, reusable=True)


@example(document={"UnprocessedKeys": {"T": {}}}, status=200)
@example(document={"Count": None}, status=200)
@given(document=DOCUMENTS, status=st.sampled_from([200, 301, 400, 403, 500]))
def test_any_document_is_a_response_or_an_error_of_the_library(document: Any, status: int) -> None:
    try:
        response = response_in(REQUEST, answer(json.dumps(document).encode(), status))
    except AircraftOpsDataError:
        return
    assert status == 200
    assert isinstance(document, dict)
    assert set(response) == {name for name, value in document.items() if value is not None}


@given(body=st.binary(max_size=40), status=st.integers(200, 599), named=st.binary(max_size=20))
def test_any_bytes_are_too(body: bytes, status: int, named: bytes) -> None:
    with pytest.raises(AircraftOpsDataError):
        response_in(REQUEST, answer(b"\xff" + body, status, **{"x-amzn-errortype": named}))


@given(body=st.binary(max_size=200), place=st.integers(0, 10_000), bit=st.integers(0, 7), status=st.integers(200, 599))
def test_no_bit_of_a_body_changes_unseen(body: bytes, place: int, bit: int, status: int) -> None:
    whole = b"{" + body
    broken = bytearray(whole)
    broken[place % len(whole)] ^= 1 << bit
    sound = answer(whole, status)
    with pytest.raises(TimeoutError) as caught:
        response_in(REQUEST, Answer(status, sound.headers, bytes(broken), reusable=True))
    assert (caught.value.code, caught.value.retryable) == ("ChecksumError", True)


def test_an_empty_success_is_not_taken_for_no_item() -> None:
    with pytest.raises(TimeoutError):
        response_in(REQUEST, answer(b""))
    assert response_in(REQUEST, answer(b"{}")) == {}


def test_an_error_says_its_status_where_nothing_else_is_said() -> None:
    with pytest.raises(StoreError) as caught:
        response_in(REQUEST, answer(b"{}", 418))
    assert (caught.value.code, caught.value.retryable) == ("418", False)
