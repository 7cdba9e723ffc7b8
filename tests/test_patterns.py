"""Lambda's event patterns, by AWS's own examples: what they match, and what AWS would refuse."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aircraftops_data.errors import InvalidInputError
from aircraftops_data.streams.patterns import Pattern

# Lambda Developer Guide, "Filter rule syntax": each comparison operator with its example.
PERSON = {"person": {"name": "John", "age": 30, "address": {"street": "Main St", "zip": ""}, "spouse": None}}
RULES: list[tuple[str, Any, Any, bool]] = [
    ("null", {"UserID": [None]}, {"UserID": None}, True),
    ("null is not absent", {"UserID": [None]}, {}, False),
    ("null is not empty", {"UserID": [None]}, {"UserID": ""}, False),
    ("empty", {"LastName": [""]}, {"LastName": ""}, True),
    ("empty is not null", {"LastName": [""]}, {"LastName": None}, False),
    ("equals", {"Name": ["Alice"]}, {"Name": "Alice"}, True),
    ("equals minds the case", {"Name": ["Alice"]}, {"Name": "alice"}, False),
    ("equals is not begins with", {"Name": ["Alice"]}, {"Name": "Alice2"}, False),
    ("equals, ignoring case", {"Name": [{"equals-ignore-case": "alice"}]}, {"Name": "ALIce"}, True),
    ("equals, ignoring case, another", {"Name": [{"equals-ignore-case": "alice"}]}, {"Name": "Bob"}, False),
    ("and", {"Location": ["New York"], "Day": ["Monday"]}, {"Location": "New York", "Day": "Monday"}, True),
    ("and, half", {"Location": ["New York"], "Day": ["Monday"]}, {"Location": "New York", "Day": "Sunday"}, False),
    ("or", {"PaymentType": ["Credit", "Debit"]}, {"PaymentType": "Debit"}, True),
    ("or, neither", {"PaymentType": ["Credit", "Debit"]}, {"PaymentType": "Cash"}, False),
    ("or over fields", {"$or": [{"Location": ["New York"]}, {"Day": ["Monday"]}]}, {"Day": "Monday"}, True),
    ("or over fields, neither", {"$or": [{"Location": ["New York"]}, {"Day": ["Monday"]}]}, {"Day": "Friday"}, False),
    ("not", {"Weather": [{"anything-but": ["Raining"]}]}, {"Weather": "Sunny"}, True),
    ("not, but it is", {"Weather": [{"anything-but": ["Raining"]}]}, {"Weather": "Raining"}, False),
    ("not needs the field", {"Weather": [{"anything-but": ["Raining"]}]}, {}, False),
    ("not, without a list", {"Weather": [{"anything-but": "Raining"}]}, {"Weather": "Sunny"}, True),
    ("not, numbers", {"Code": [{"anything-but": [404, 500]}]}, {"Code": 404}, False),
    ("not, null is another value", {"Weather": [{"anything-but": ["Raining"]}]}, {"Weather": None}, True),
    ("numeric equals", {"Price": [{"numeric": ["=", 100]}]}, {"Price": 100}, True),
    ("numeric equals by value", {"Price": [{"numeric": ["=", 100]}]}, {"Price": 100.0}, True),
    ("numeric range", {"Price": [{"numeric": [">", 10, "<=", 20]}]}, {"Price": 20}, True),
    ("numeric range, its open end", {"Price": [{"numeric": [">", 10, "<=", 20]}]}, {"Price": 10}, False),
    ("numeric, below", {"Price": [{"numeric": ["<", 10]}]}, {"Price": 9.5}, True),
    ("numeric is not for texts", {"Price": [{"numeric": [">", 10]}]}, {"Price": "20"}, False),
    ("numeric is not for truth", {"Price": [{"numeric": ["=", 1]}]}, {"Price": True}, False),
    ("exists", {"ProductName": [{"exists": True}]}, {"ProductName": "x"}, True),
    ("exists, null", {"ProductName": [{"exists": True}]}, {"ProductName": None}, True),
    ("exists, but does not", {"ProductName": [{"exists": True}]}, {"Product": "x"}, False),
    ("does not exist", {"ProductName": [{"exists": False}]}, {"Product": "x"}, True),
    ("does not exist, but does", {"ProductName": [{"exists": False}]}, {"ProductName": "x"}, False),
    ("exists sees leaves", {"person": {"address": {"street": [{"exists": True}]}}}, PERSON, True),
    ("exists sees no nodes between", {"person": {"address": [{"exists": True}]}}, PERSON, False),
    ("nodes between do not exist", {"person": {"address": [{"exists": False}]}}, PERSON, True),
    ("begins with", {"Region": [{"prefix": "us-"}]}, {"Region": "us-east-1"}, True),
    ("begins with, but does not", {"Region": [{"prefix": "us-"}]}, {"Region": "eu-us-1"}, False),
    ("begins with is for texts", {"Region": [{"prefix": "1"}]}, {"Region": 12}, False),
    ("ends with", {"FileName": [{"suffix": ".png"}]}, {"FileName": "a.png"}, True),
    ("ends with, but does not", {"FileName": [{"suffix": ".png"}]}, {"FileName": "a.png.gz"}, False),
    ("numbers are compared as written", {"a": [300]}, {"a": 300.0}, False),
    ("numbers are no texts", {"a": [1]}, {"a": "1"}, False),
    ("truth is no number", {"a": [1]}, {"a": True}, False),
    ("truth", {"a": [True]}, {"a": True}, True),
    ("one rule of several", {"a": ["x", {"prefix": "y"}, {"exists": False}]}, {"a": "yes"}, True),
    ("absent is one of several", {"a": ["x", {"exists": False}]}, {"b": 1}, True),
    ("any element of an array", {"a": ["x"]}, {"a": ["w", "x"]}, True),
    ("no element of an array", {"a": ["x"]}, {"a": ["w"]}, False),
    ("an empty array has no value", {"a": [{"exists": True}]}, {"a": []}, False),
    ("dots join names", {"detail.state": ["on"]}, {"detail": {"state": "on"}}, True),
    ("a field called as an operator", {"numeric": {"prefix": [1]}}, {"numeric": {"prefix": 1}}, True),
    ("and inside or", {"$or": [{"a": [1], "b": [2]}, {"c": [3]}]}, {"a": 1, "b": 3}, False),
    ("or inside or", {"s": [0], "$or": [{"a": [1]}, {"$or": [{"b": [2]}, {"c": [3]}]}]}, {"s": 0, "c": 3}, True),
    ("or below a name", {"d": {"$or": [{"a": [1]}, {"b": [2]}]}}, {"d": {"b": 2}}, True),
    ("two ors, half", {"$or": [{"a": [1]}, {"b": [2]}], "d": {"$or": [{"a": [1]}, {"b": [2]}]}}, {"a": 1}, False),
]

# Event Ruler, "JSON Array Matching".
STAFF = {"employees": [[{"first": "John", "last": "Doe"}, {"first": "Anna", "last": "Smith"}], [{"first": "Peter"}]]}

# DynamoDB Developer Guide, "Using filters to process some events", with the record shown there.
CHOCOLATE = {
    "eventID": "c9fbe7d0261a5163fcb6940593e41797",
    "eventName": "INSERT",
    "eventSource": "aws:dynamodb",
    "userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"},
    "dynamodb": {
        "ApproximateCreationDateTime": 1664559083.0,
        "Keys": {"SK": {"S": "PRODUCT#CHOCOLATE#DARK#1000"}, "PK": {"S": "COMPANY#1000"}},
        "NewImage": {"quantity": {"N": "50"}, "state": {"S": "FL"}, "type": {"S": ""}, "dark": {"BOOL": True}},
        "SequenceNumber": "700000000000888747038",
        "SizeBytes": 174,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    },
}
RECORDS: list[tuple[str, Any, bool]] = [
    ("by operation", {"eventName": ["INSERT"]}, True),
    ("by another operation", {"eventName": ["MODIFY", "REMOVE"]}, False),
    ("what TTL did", {"userIdentity": {"type": ["Service"], "principalId": ["dynamodb.amazonaws.com"]}}, True),
    ("by an attribute", {"dynamodb": {"NewImage": {"state": {"S": ["FL"]}}}}, True),
    ("by an attribute, another", {"dynamodb": {"NewImage": {"state": {"S": ["CA"]}}}}, False),
    ("not without the type", {"dynamodb": {"NewImage": {"state": ["FL"]}}}, False),
    ("an empty attribute", {"dynamodb": {"NewImage": {"type": {"S": [""]}}}}, True),
    ("a flag", {"dynamodb": {"NewImage": {"dark": {"BOOL": [True]}}}}, True),
    ("numbers are texts", {"dynamodb": {"NewImage": {"quantity": {"N": ["50"]}}}}, True),
    ("so they have no range", {"dynamodb": {"NewImage": {"quantity": {"N": [{"numeric": [">", 10]}]}}}}, False),
    ("an attribute that is not there", {"dynamodb": {"NewImage": {"homemade": {"S": [{"exists": False}]}}}}, True),
    ("absence one node too high", {"dynamodb": {"NewImage": {"state": [{"exists": False}]}}}, True),
    ("the time is a number", {"dynamodb": {"ApproximateCreationDateTime": [{"numeric": [">", 0]}]}}, True),
    (
        "by both keys",
        {"dynamodb": {"Keys": {"PK": {"S": [{"prefix": "COMPANY"}]}, "SK": {"S": [{"prefix": "PRODUCT"}]}}}},
        True,
    ),
]

REFUSED: list[tuple[str, Any, str]] = [
    ("no JSON", "single-string", "no JSON at character 0"),
    ("half JSON", '[{"eventName": ["INSERT"=123}]', "no JSON"),
    ("NaN", '{"a": [NaN]}', "NaN is no JSON"),
    ("an array", [1], "not a JSON object"),
    ("empty", {}, "empty objects"),
    ("empty inside", {"a": {}}, "empty objects"),
    ("a scalar", {"eventName": "INSERT"}, "must be an object or an array"),
    ("null for an array", {"a": {"S": None}}, "must be an object or an array"),
    ("no values", {"a": []}, "an empty array"),
    ("an array in an array", {"a": [["x"]]}, "takes texts, numbers"),
    ("an unknown operator", {"a": [{"like": "x"}]}, "takes one of"),
    ("an operator of EventBridge alone", {"a": [{"wildcard": "x*"}]}, "takes one of"),
    ("two operators at once", {"a": [{"prefix": "x", "suffix": "y"}]}, "takes one of"),
    ("prefix of a number", {"a": [{"prefix": 1}]}, "'prefix' takes a text"),
    ("prefix, ignoring case", {"a": [{"prefix": {"equals-ignore-case": "x"}}]}, "'prefix' takes a text"),
    ("suffix of nothing", {"a": [{"suffix": None}]}, "'suffix' takes a text"),
    ("exists without truth", {"a": [{"exists": "true"}]}, "'exists' takes true or false"),
    ("anything but nothing", {"a": [{"anything-but": []}]}, "'anything-but' takes"),
    ("anything but mixed kinds", {"a": [{"anything-but": ["x", 1]}]}, "'anything-but' takes"),
    ("anything but truth", {"a": [{"anything-but": True}]}, "'anything-but' takes"),
    ("anything but a beginning", {"a": [{"anything-but": {"prefix": "x"}}]}, "'anything-but' takes"),
    ("numeric without bound", {"a": [{"numeric": [">"]}]}, "'numeric' takes a comparison"),
    ("numeric of a text", {"a": [{"numeric": [">", "1"]}]}, "'numeric' takes numbers"),
    ("numeric without comparison", {"a": [{"numeric": 1}]}, "'numeric' takes a comparison"),
    ("numeric, upper bound first", {"a": [{"numeric": ["<", 2, ">", 1]}]}, "'numeric' takes a comparison"),
    ("numeric, nothing between", {"a": [{"numeric": [">", 2, "<", 2]}]}, "below the upper"),
    ("numeric, too large", {"a": [{"numeric": [">", 5_000_000_001]}]}, "-5.0e9 to 5.0e9"),
    ("or of one", {"$or": [{"a": [1]}]}, "two objects or more"),
    ("or without array", {"$or": {"a": [1]}}, "two objects or more"),
    ("or of scalars", {"$or": ["a", "b"]}, "objects only"),
    ("or of rules", {"$or": [{"prefix": ["a"]}, {"b": ["c"]}]}, "reserved"),
    ("or of rules, deeper", {"$or": [{"x": {"prefix": ["a"]}}, {"b": ["c"]}]}, "reserved"),
    ("or of too many", {f"f{n}": {"$or": [{"a": [1]}, {"b": [2]}]} for n in range(10)}, "1000 combinations"),
    ("one field twice", {"a.b": [1], "a": {"b": [2]}}, "asked for twice"),
    ("data as a text", {"data": ["x"]}, "is data"),
    ("dynamodb as a text", {"dynamodb": [{"exists": True}]}, "is data"),
]


@pytest.mark.parametrize(("pattern", "event", "held"), [pytest.param(*case, id=name) for name, *case in RULES])
def test_a_rule_holds_as_aws_documents_it(pattern: Any, event: Any, held: bool) -> None:
    assert Pattern.of(pattern).matches(event) is held
    assert Pattern.of(json.dumps(pattern)).matches(event) is held


@pytest.mark.parametrize(("pattern", "held"), [pytest.param(*case, id=name) for name, *case in RECORDS])
def test_a_record_of_a_stream_is_matched_by_its_typed_values(pattern: Any, held: bool) -> None:
    assert Pattern.of(pattern).matches(CHOCOLATE) is held


@pytest.mark.parametrize(("pattern", "reason"), [pytest.param(*case, id=name) for name, *case in REFUSED])
def test_what_aws_would_refuse_is_refused(pattern: Any, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        Pattern.of(pattern)


@pytest.mark.parametrize(
    ("pattern", "held"),
    [
        ({"employees": {"first": ["Anna"]}}, True),
        ({"employees": {"first": ["Anna"], "last": ["Smith"]}}, True),
        ({"employees": {"first": ["Anna"], "last": ["Doe"]}}, False),
        ({"employees": {"first": ["Peter"], "last": ["Smith"]}}, False),
        ({"employees": {"first": ["Peter"], "middle": [{"exists": False}]}}, True),
    ],
)
def test_fields_of_different_elements_of_an_array_do_not_hold_together(pattern: Any, held: bool) -> None:
    assert Pattern.of(pattern).matches(STAFF) is held


def test_arrays_beside_each_other_are_independent() -> None:
    event = {"a": [{"x": 1}, {"x": 2}], "b": [{"y": 1}, {"y": 2}]}
    assert Pattern.of({"a": {"x": [2]}, "b": {"y": [1]}}).matches(event)
