"""Every item has one form in bytes, and no two items that differ have the same; goldens say which it is."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from decimal import Decimal
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
from aircraftops_data.clock import Chance
from aircraftops_data.errors import CorruptItemError, InvalidInputError, UnsupportedAlgorithmError
from aircraftops_data.model.definition import Item
from aircraftops_data.model.numbers import number_text
from aircraftops_data.translation.readers import ReadItem
from aircraftops_data.wire import item_of
from strategies import names, numbers, stored_values

GOLDEN = json.loads((Path(__file__).parent / "golden" / "audit_encoding.json").read_text(encoding="utf-8"))
GOLDEN_ITEMS = {golden["what"]: golden for golden in GOLDEN["items"]}
ALGORITHMS = tuple(HASHERS)


# What an item says, whatever its spelling


def meaning(value: Mapping[str, Any]) -> Any:
    """An attribute value with its type, equal for all spellings of it."""
    ((kind, held),) = value.items()
    match kind:
        case "N":
            return kind, Decimal(held)
        case "B":
            return kind, independent.binary(held)
        case "L":
            return kind, [meaning(inner) for inner in held]
        case "M":
            return kind, {name: meaning(inner) for name, inner in held.items()}
        case "SS" | "NS" | "BS":
            return kind, frozenset(meaning({kind[0]: member}) for member in held)
        case _:
            return kind, held


def has_twins(value: Mapping[str, Any]) -> bool:
    """Whether a set in it has one number in two spellings, which DynamoDB would not take."""
    ((kind, held),) = value.items()
    if kind in ("L", "M"):
        return any(has_twins(inner) for inner in (held if kind == "L" else held.values()))
    return kind == "NS" and len({Decimal(text) for text in held}) < len(held)


def items() -> st.SearchStrategy[Item]:
    """Any item."""
    return st.dictionaries(names(), stored_values(), max_size=6).filter(lambda item: not has_twins({"M": item}))


def near_items() -> st.SearchStrategy[Item]:
    """Items of so few names and values that two of them are often alike, or nearly."""
    short = st.sampled_from(["", "0", "1", "S"])
    leaves = (
        st.builds(lambda text: {"S": text}, short)
        | st.builds(lambda text: {"N": text}, st.sampled_from(["0", "1", "1.0", "10"]))
        | st.builds(lambda text: {"B": text.encode()}, short)
        | st.builds(lambda members: {"SS": members}, st.lists(short, min_size=1, max_size=2, unique=True))
        | st.sampled_from([{"NULL": True}, {"BOOL": True}, {"BOOL": False}])
    )
    values = st.recursive(
        leaves,
        lambda inner: (
            st.builds(lambda held: {"L": held}, st.lists(inner, max_size=2))
            | st.builds(lambda held: {"M": held}, st.dictionaries(st.sampled_from("ab"), inner, max_size=2))
        ),
        max_leaves=3,
    )
    return st.dictionaries(st.sampled_from(["a", "b", "ab"]), values, max_size=2)


def respelled(value: Mapping[str, Any], chance: Random) -> dict[str, Any]:
    """The same value written in another way."""
    ((kind, held),) = value.items()
    match kind:
        case "N":
            return {
                "N": chance.choice([held, str(Decimal(held)), f"{Decimal(held):E}", f"+{held}".replace("+-", "-0")])
            }
        case "B":
            return {"B": chance.choice([bytes, bytearray, memoryview, lambda data: b64encode(data).decode()])(held)}
        case "L":
            return {"L": [respelled(inner, chance) for inner in held]}
        case "M":
            return {"M": respelled_item(held, chance)}
        case "SS" | "NS" | "BS":
            members = [respelled({kind[0]: member}, chance)[kind[0]] for member in held]
            return {kind: chance.sample(members, len(members))}
        case _:
            return dict(value)


def respelled_item(item: Item, chance: Random) -> Item:
    """The same item written in another way, its attributes in another order."""
    return {name: respelled(item[name], chance) for name in chance.sample(sorted(item), len(item))}


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


def test_the_chain_of_the_goldens_is_as_it_always_was() -> None:
    for block in GOLDEN["blocks"]:
        leaves = [independent.binary(entry["L"][2]["B"]) for entry in block["entries"]["L"]]
        algorithm = block["algorithm"]["S"]
        assert root_of(leaves, algorithm) == independent.binary(block["root"]["B"])
        assert block_hash(block, algorithm) == independent.binary(block["hash"]["B"])
        assert block_hash(item_of(block), algorithm) == independent.block_hash(block, algorithm)


def test_the_independent_verifier_finds_nothing_wrong_with_the_chain_of_the_goldens() -> None:
    blocks, events = GOLDEN["blocks"], GOLDEN["events"]
    assert independent.complaints(blocks, events) == []
    assert independent.complaints(map(item_of, blocks), map(item_of, events)) == []


def _changes(item: Item) -> Iterator[Item]:
    """The item with each of its attributes gone, of another type, and, where it is text, longer; and with one more."""
    yield {**item, "more": {"S": ""}}
    for name, value in item.items():
        yield {other: item[other] for other in item if other != name}
        yield {**item, name: {"L": [value]}}
        if "S" in value:
            yield {**item, name: {"S": value["S"] + " "}}


def test_the_independent_verifier_finds_any_change_of_an_event() -> None:
    for index, event in enumerate(GOLDEN["events"]):
        for changed in _changes(event):
            events = [*GOLDEN["events"][:index], changed, *GOLDEN["events"][index + 1 :]]
            assert len(independent.complaints(GOLDEN["blocks"], events)) == 1


def test_the_independent_verifier_finds_any_change_of_a_block() -> None:
    for index, block in enumerate(GOLDEN["blocks"]):
        for changed in _changes(block):
            blocks = [*GOLDEN["blocks"][:index], changed, *GOLDEN["blocks"][index + 1 :]]
            assert independent.complaints(blocks, GOLDEN["events"])


def test_the_independent_verifier_finds_a_block_that_was_made_again_around_other_events() -> None:
    blocks = deepcopy(GOLDEN["blocks"])
    first = blocks[0]
    first["entries"]["L"].pop()
    leaves = [independent.binary(entry["L"][2]["B"]) for entry in first["entries"]["L"]]
    first["root"] = {"B": root_of(leaves, "sha256")}
    first["hash"] = {"B": block_hash(first, "sha256")}
    assert independent.complaints(blocks, GOLDEN["events"]) == [
        "block 2 does not follow the block before",
        "block 2 does not begin after the last event",
        f"event {GOLDEN['events'][1]['id']['S']} is in no block",
    ]


@pytest.mark.parametrize(
    ("order", "wrong"),
    [
        ((1,), "block 1 is not the next by its number"),
        ((1, 0), "block 1 does not follow the block before"),
        ((0, 0), "block 2 is not the next by its key"),
        ((0, 1, 1), "block 3 does not begin after the last event"),
    ],
    ids=["the first is missing", "exchanged", "the first twice", "the last twice"],
)
def test_the_independent_verifier_finds_blocks_missing_exchanged_or_repeated(
    order: tuple[int, ...], wrong: str
) -> None:
    assert wrong in independent.complaints([GOLDEN["blocks"][index] for index in order], [])


# Encoding


@given(items())
def test_what_is_encoded_is_read_back(item: Item) -> None:
    assert meaning({"M": decode_item(encode_item(item))}) == meaning({"M": item})


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


@given(numbers())
def test_a_number_is_read_back_as_the_library_writes_it(value: int | Decimal) -> None:
    assert decode_item(encode_item({"a": {"N": str(value)}})) == {"a": {"N": number_text(value)}}


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


# Decoding


def _item(*attributes: bytes) -> bytes:
    return b"M" + len(attributes).to_bytes(4, "big") + b"".join(attributes)


def _text(text: bytes) -> bytes:
    return b"S" + len(text).to_bytes(4, "big") + text


def _number(text: bytes) -> bytes:
    return b"N" + len(text).to_bytes(4, "big") + text


def _set(tag: bytes, *members: bytes) -> bytes:
    return tag + len(members).to_bytes(4, "big") + b"".join(members)


A, B = _text(b"a"), _text(b"b")
NOT_CANONICAL = {
    "nothing": b"",
    "a value that is no item": A,
    "an unknown tag": _item(A + b"X"),
    "the tag of a type in lower case": _item(A + b"m\x00\x00\x00\x00"),
    "more after the item": _item() + b"\x00",
    "an item after the item": _item() * 2,
    "an end within the count": b"M\x00\x00",
    "an end within a text": _item(A + b"S\x00\x00\x00\x02x"),
    "a length past any end": _item(A + b"S\xff\xff\xff\xff"),
    "a count past any end": _item(A + b"L\xff\xff\xff\xff"),
    "names out of order": _item(B + A, A + A),
    "a name twice": _item(A + A, A + A),
    "a name twice with two values": _item(A + A, A + B),
    "a name that is a number": _item(_number(b"1E0") + A),
    "a text that is not UTF-8": _item(A + _text(b"\xff")),
    "a text with a surrogate": _item(A + _text(b"\xed\xa0\x80")),
    "a text with a long form": _item(A + _text(b"\xc0\x80")),
    "a set out of order": _item(A + _set(b"s", B, A)),
    "a set with a member twice": _item(A + _set(b"s", A, A)),
    "a set of nothing": _item(A + _set(b"s")),
    "a set of another type": _item(A + _set(b"n", A)),
    "a set of sets": _item(A + _set(b"s", _set(b"s", A))),
    "a bool of 2": _item(A + b"?\x02"),
    "nested without end": _item(A + b"L\x00\x00\x00\x01" * 100_000),
    **{
        f"the number {number!r}": _item(A + _number(number.encode()))
        for number in (
            *(
                "",
                "1",
                "10E0",
                "01E0",
                "1E+0",
                "1E00",
                "1E-0",
                "+1E0",
                "-0",
                "0E0",
                "00",
                "1e0",
                "1.5E0",
                " 1E0",
                "1E0 ",
            ),
            *("E0", "-", "NaN", "Infinity", "1E126", "1E-131", "1" * 39 + "E0", "1E" + "9" * 5000, "1_1E0", "\u0661E0"),
        )
    },
}


@pytest.mark.parametrize("what", NOT_CANONICAL)
def test_bytes_that_are_the_encoding_of_no_item_are_refused(what: str) -> None:
    with pytest.raises(CorruptItemError, match="not the encoding of an item"):
        decode_item(NOT_CANONICAL[what])


def _decoded(data: bytes) -> Item | None:
    try:
        return decode_item(data)
    except CorruptItemError:
        return None


@given(items(), st.data())
def test_bytes_with_one_changed_are_another_item_or_none(item: Item, data: st.DataObject) -> None:
    whole = bytearray(encode_item(item))
    index = data.draw(st.integers(0, len(whole) - 1))
    whole[index] ^= data.draw(st.integers(1, 255))
    found = _decoded(bytes(whole))
    assert found is None or (encode_item(found) == whole and meaning({"M": found}) != meaning({"M": item}))


@given(items(), st.data())
def test_bytes_cut_short_or_made_longer_are_no_item(item: Item, data: st.DataObject) -> None:
    whole = encode_item(item)
    assert _decoded(whole[: data.draw(st.integers(0, len(whole) - 1))]) is None
    assert _decoded(whole + data.draw(st.binary(min_size=1, max_size=8))) is None


@given(
    st.binary(max_size=40) | st.lists(st.sampled_from([A, B, _item(), b"M", b"L\x00\x00\x00\x01", b"0"])).map(b"".join)
)
def test_bytes_are_the_encoding_of_the_item_they_decode_to(data: bytes) -> None:
    found = _decoded(data)
    assert found is None or encode_item(found) == data


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


# What comes back from DynamoDB

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
