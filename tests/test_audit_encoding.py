"""Every item has one form in bytes, and no two items that differ have the same; goldens say which it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import independent_verifier as independent
from aircraftops_data.audit.encoding import (
    BLOCK,
    ENCODING_VERSION,
    HASHERS,
    LEAF,
    block_hash,
    decode_item,
    encode_item,
    encoded,
    hasher,
    leaf_hash,
    leaf_hash_of,
)
from aircraftops_data.audit.merkle import root_of
from aircraftops_data.errors import CorruptItemError, InvalidInputError, UnsupportedAlgorithmError
from aircraftops_data.model.definition import Item
from aircraftops_data.translation.readers import ReadItem
from aircraftops_data.wire import item_of
from audit_items import has_twins, items, meaning, near_items, respelled_item
from strategies import stored_values

GOLDEN = json.loads((Path(__file__).parent / "golden" / "audit_encoding.json").read_text(encoding="utf-8"))
GOLDEN_ITEMS = {golden["what"]: golden for golden in GOLDEN["items"]}
ALGORITHMS = tuple(HASHERS)


# The goldens


@pytest.mark.parametrize("what", GOLDEN_ITEMS)
def test_an_item_has_the_bytes_and_leaves_it_always_had(what: str) -> None:
    golden = GOLDEN_ITEMS[what]
    item, data = golden["item"], bytes.fromhex(golden["encoded"])
    assert GOLDEN["encoding"] == ENCODING_VERSION
    assert encode_item(item) == encode_item(item_of(item)) == independent.encode({"M": item}) == data
    assert meaning({"M": decode_item(data)}) == meaning({"M": item})
    assert tuple(golden["leaves"]) == ALGORITHMS == independent.ALGORITHMS
    for algorithm, leaf in golden["leaves"].items():
        assert leaf_hash(item, algorithm) == leaf_hash_of(data, algorithm) == bytes.fromhex(leaf)
        assert independent.leaf(item, algorithm) == bytes.fromhex(leaf)


def test_numbers_spelled_otherwise_have_the_same_bytes() -> None:
    otherwise = GOLDEN_ITEMS["numbers spelled otherwise"]["item"]
    plain = GOLDEN_ITEMS["numbers"]["item"]
    assert encode_item(otherwise) == encode_item({name: plain[name] for name in otherwise})


def test_composed_and_decomposed_text_have_different_bytes() -> None:
    item = GOLDEN_ITEMS["the same word composed and decomposed"]["item"]
    assert encoded(item["nfc"]) != encoded(item["nfd"])


# Encoding


@given(items())
def test_both_encoders_give_the_same_bytes(item: Item) -> None:
    assert encode_item(item) == independent.encode({"M": item})
    assert all(leaf_hash(item, algorithm) == independent.leaf(item, algorithm) for algorithm in ALGORITHMS)


@given(items(), st.randoms(use_true_random=False))
def test_the_bytes_do_not_depend_on_how_an_item_is_spelled(item: Item, chance: Random) -> None:
    assert encode_item(respelled_item(item, chance)) == encode_item(item)


@given(items(), items())
def test_items_that_differ_have_different_bytes(one: Item, other: Item) -> None:
    assert (encode_item(one) == encode_item(other)) == (meaning({"M": one}) == meaning({"M": other}))


@settings(max_examples=500)
@given(near_items(), near_items())
def test_items_that_hardly_differ_have_different_bytes(one: Item, other: Item) -> None:
    assert (encode_item(one) == encode_item(other)) == (meaning({"M": one}) == meaning({"M": other}))


@given(stored_values())
def test_a_value_has_the_bytes_it_has_in_an_item(value: dict[str, Any]) -> None:
    assume(not has_twins(value))
    assert encode_item({"a": value}) == b"M\x00\x00\x00\x01S\x00\x00\x00\x01a" + encoded(value)


@given(items())
def test_an_item_that_was_read_as_an_entity_has_the_bytes_it_has_as_stored(item: Item) -> None:
    assert encode_item(ReadItem(None, lambda: item)) == encode_item(item)


def test_a_block_is_hashed_without_its_hash_and_never_as_a_leaf() -> None:
    block = {"number": {"N": "1"}}
    expected = hasher("sha256")(BLOCK + encode_item(block))
    assert block_hash(block, "sha256") == block_hash({**block, "hash": {"B": b"\x00"}}, "sha256") == expected
    assert leaf_hash(block, "sha256") == hasher("sha256")(LEAF + encode_item(block)) != expected


SECRET = "SECRET"
NO_VALUES: dict[str, Any] = {
    "no type": {},
    "two types": {"S": SECRET, "N": "1"},
    "an unknown type": {SECRET: "1"},
    "text without UTF-8": {"S": SECRET + "\ud800"},
    "text that is bytes": {"S": SECRET.encode()},
    "a number that is none": {"N": SECRET},
    "a number that is an int": {"N": 1},
    "an empty number": {"N": ""},
    "a point alone": {"N": "."},
    "NaN": {"N": "NaN"},
    "infinity": {"N": "Infinity"},
    "digits of another script": {"N": "\u0661"},
    "a number with a line end": {"N": "1\n"},
    "39 digits": {"N": "1" * 39},
    "a number too large": {"N": "1E126"},
    "a number too small": {"N": "1E-131"},
    "an exponent too long to read": {"N": "1E" + "9" * 5000},
    "binary that is not base64": {"B": SECRET + "!"},
    "binary that is a list": {"B": [1]},
    "a bool that is a number": {"BOOL": 1},
    "a bool that is text": {"BOOL": "true"},
    "a null that is false": {"NULL": False},
    "a list that is text": {"L": ""},
    "a list that is a map": {"L": {}},
    "a list of texts": {"L": [SECRET]},
    "a map that is a list": {"M": []},
    "a map whose name is a number": {"M": {1: {"S": ""}}},
    "a map whose names are of two types": {"M": {1: {"S": ""}, "a": {"S": ""}}},
    "an empty set": {"SS": []},
    "a set that is text": {"SS": "ab"},
    "a set with a member twice": {"SS": [SECRET, SECRET]},
    "a set with a number twice": {"NS": ["1", "1.0"]},
    "a set of other members": {"NS": [SECRET]},
    "no attribute value": SECRET,
    "nothing": None,
}


@pytest.mark.parametrize("what", NO_VALUES)
@pytest.mark.parametrize("within", ["an item", "a value", "a list"])
def test_what_dynamodb_cannot_hold_has_no_encoding_and_is_not_told(what: str, within: str) -> None:
    value = NO_VALUES[what]
    with pytest.raises(CorruptItemError) as caught:
        if within == "an item":
            encode_item({"a": {"S": "x"}, "b": value})
        else:
            encoded({"L": [value]} if within == "a list" else value)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_what_is_nested_without_end_has_no_encoding() -> None:
    value: dict[str, Any] = {"L": []}
    value["L"].append(value)
    with pytest.raises(CorruptItemError):
        encoded(value)


# Algorithms


@pytest.mark.parametrize("algorithm", ["md5", "SHA256", "", None, ["sha256"]], ids=str)
def test_an_unknown_algorithm_is_refused_by_name(algorithm: Any) -> None:
    for use in _uses(algorithm):
        with pytest.raises(UnsupportedAlgorithmError, match="sha256, sha512, sha3_256, blake2b") as caught:
            use()
        assert caught.value.algorithm == algorithm
        assert isinstance(caught.value, InvalidInputError)


def _uses(algorithm: Any) -> list[Callable[[], object]]:
    return [
        lambda: hasher(algorithm),
        lambda: leaf_hash({}, algorithm),
        lambda: leaf_hash_of(b"", algorithm),
        lambda: block_hash({}, algorithm),
        lambda: root_of([], algorithm),
    ]
