"""DynamoDB's JSON: what is written is read back, and what is not a response is told."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aircraftops_data.errors import InvalidInputError
from aircraftops_data.request import Request, Response
from aircraftops_data.wire import body_of, parsed, response_of
from strategies import names, stored_values

items = st.dictionaries(names() | st.sampled_from(["B", "BS", "M"]), stored_values(4), max_size=4)


def written(parameters: Any) -> bytes:
    """The body of a request with these parameters."""
    return body_of(Request("PutItem", parameters))


@given(items, items)
def test_every_place_that_holds_items_is_read_back_as_it_was_written(one: Any, other: Any) -> None:
    response = {
        "Item": one,
        "Items": [one, other],
        "Attributes": other,
        "LastEvaluatedKey": one,
        "Responses": {"T": [one], "U": [other]},
        "UnprocessedKeys": {"T": {"Keys": [one, other], "ConsistentRead": True}},
        "UnprocessedItems": {"T": [{"PutRequest": {"Item": one}}, {"DeleteRequest": {"Key": other}}]},
        "CancellationReasons": [{"Code": "ConditionalCheckFailed", "Item": one}, {"Code": "None"}],
        "ConsumedCapacity": {"TableName": "T", "CapacityUnits": 0.5},
        "Count": 2,
    }
    assert parsed(written(response)) == response


@given(items)
def test_the_items_of_a_transaction_are_read_back_in_order(item: Any) -> None:
    response: dict[str, Any] = {"Responses": [{"Item": item}, {}]}
    assert parsed(written(response)) == response


@given(items)
def test_a_body_is_what_the_json_of_the_standard_library_would_be(item: Any) -> None:
    plain = json.loads(json.dumps({"Item": item}, default=lambda raw: base64.b64encode(raw).decode()))
    assert json.loads(written({"Item": item})) == plain


def test_binaries_are_written_in_the_base64_that_dynamodb_takes() -> None:
    assert written({"Key": {"id": {"B": b"\xfb\xff"}}}) == b'{"Key":{"id":{"B":"+/8="}}}'
    assert written({"Key": {"id": {"BS": [b"\xfb\xff"]}}}) == b'{"Key":{"id":{"BS":["+/8="]}}}'


def test_the_same_request_has_the_same_bytes() -> None:
    parameters = {"TableName": "T", "Item": {"é": {"S": "ü\n"}, "n": {"N": "1"}}}
    assert (
        written(parameters)
        == written(dict(parameters))
        == '{"TableName":"T","Item":{"é":{"S":"ü\\n"},"n":{"N":"1"}}}'.encode()
    )


@pytest.mark.parametrize("value", [object(), {"a": object()}, "\ud800"], ids=["object", "inner", "surrogate"])
def test_what_has_no_json_form_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInputError, match="PutItem"):
        written({"Item": value})
    with pytest.raises(InvalidInputError, match="PutItem"):
        written({"Item": value, "Key": {"B": b"x"}, "BS": {"B": "x"}})


BODY = written({"Item": {"id": {"S": "1"}, "raw": {"B": b"abc"}}, "ConsumedCapacity": {"CapacityUnits": 1.0}})


@pytest.mark.parametrize("length", range(1, len(BODY)))
def test_a_truncated_body_is_no_response(length: int) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parsed(BODY[:length])


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b'{"Item": 1}',
        b'{"Items": {"a": 1}}',
        b'{"Item": {"a": "x"}}',
        b'{"Item": {"a": {"B": "@@"}}}',
        b'{"Item": {"a": {"B": 1}}}',
        b'{"UnprocessedKeys": {"T": {}}}',
        b'{"Responses": 3}',
    ],
)
def test_what_is_not_the_json_of_a_response_is_told(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parsed(body)


def test_null_is_nothing() -> None:
    assert parsed(b'{"Item": null, "Count": 1}') == {"Count": 1}


def test_an_empty_body_is_a_response_that_says_nothing() -> None:
    assert parsed(b"") == {}


class Stub:
    """A reader that takes what it is told to."""

    def __init__(self, answer: Response | None) -> None:
        self.answer = answer

    def read(self, body: bytes) -> Response | None:
        return self.answer


def test_a_reader_goes_first_and_what_it_leaves_is_parsed_in_full() -> None:
    assert response_of(Request("GetItem", {}, Stub({"Item": "read"})), BODY) == {"Item": "read"}
    assert response_of(Request("GetItem", {}, Stub(None)), BODY) == parsed(BODY)
    assert response_of(Request("GetItem", {}), BODY) == parsed(BODY)
