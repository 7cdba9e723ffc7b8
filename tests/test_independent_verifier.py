"""The verifier that shares no code with the library agrees with it, and finds whatever was changed in a chain."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest

import independent_verifier as independent
from aircraftops_data.audit.encoding import block_hash
from aircraftops_data.audit.merkle import root_of
from aircraftops_data.model.definition import Item
from aircraftops_data.wire import item_of

GOLDEN = json.loads((Path(__file__).parent / "golden" / "audit_encoding.json").read_text(encoding="utf-8"))


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
