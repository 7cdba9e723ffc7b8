"""Items for the tests of audit chains: any, nearly alike, and the same one written in other ways."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import strategies as st

import independent_verifier as independent
from aircraftops_data.model.definition import Item
from strategies import names, stored_values


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
