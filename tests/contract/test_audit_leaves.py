"""An item has the same leaf when it is read from DynamoDB as when it was put there, whatever is in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aircraftops_data.audit.encoding import leaf_hash
from aircraftops_data.clock import Chance
from aircraftops_data.model.definition import Item
from audit_items import items

EVERYTHING: Item = {
    "nothing": {"S": ""},
    "no bytes": {"B": b""},
    "nfc": {"S": "Z\u00fcrich"},
    "nfd": {"S": "Zu\u0308rich"},
    "Zu\u0308rich": {"S": "a name of its own"},
    "Z\u00fcrich": {"S": "another"},
    "zero": {"N": "-0.000"},
    "spelled": {"N": "0012.3400"},
    "longest": {"N": "-1234567890123456789012345678901234567.8"},
    "most": {"N": "9.9999999999999999999999999999999999999E+125"},
    "least": {"N": "1E-130"},
    "hundreds": {"N": "1E+20"},
    "numbers": {"NS": ["1E+3", "-0.50", "7", "123456789012345678901234567890.12345678"]},
    "texts": {"SS": ["b", "Z\u00fcrich", "a", "Zu\u0308rich"]},
    "binaries": {"BS": [b"\xff", b"\x00", b"\x00\x00"]},
    "nested": {"L": [{"M": {"a": {"L": [{"NULL": True}, {"BOOL": False}, {"M": {}}, {"L": []}]}}}, {"N": "1.10"}]},
}


@pytest.fixture
def table(client: Any) -> Iterator[str]:
    """The name of a table whose partition key is `key`, and no more."""
    name = f"t{Chance().identifier()}"
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    yield name
    client.delete_table(TableName=name)


@pytest.mark.slow
@settings(max_examples=10)
@given(st.lists(items(), min_size=6, max_size=24))
def test_what_dynamodb_gives_back_has_the_leaf_of_what_was_put(client: Any, table: str, given: list[Item]) -> None:
    written = {str(index): {**item, "key": {"S": str(index)}} for index, item in enumerate([EVERYTHING, *given])}
    client.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": item}} for item in written.values()]})
    keys = [{"key": item["key"]} for item in written.values()]
    answer = client.batch_get_item(RequestItems={table: {"Keys": keys, "ConsistentRead": True}})
    read = {item["key"]["S"]: leaf_hash(item, "sha256") for item in answer["Responses"][table]}
    assert read == {key: leaf_hash(item, "sha256") for key, item in written.items()}
