"""Checks a stored audit chain by what is written of its format alone; it shares no code with the library.

As a script it reads a JSON file {"blocks": [...], "events": [...]}, items in DynamoDB's JSON, and prints what is wrong.
"""

from __future__ import annotations

import hashlib
import json
import sys
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

ALGORITHMS = ("sha256", "sha512", "sha3_256", "blake2b")
Item = Mapping[str, Mapping[str, Any]]


def digest(algorithm: str, data: bytes) -> bytes:
    """The hash of some bytes."""
    if algorithm not in ALGORITHMS:
        raise ValueError(f"no algorithm {algorithm}")
    return hashlib.new(algorithm, data).digest()


def binary(held: str | bytes) -> bytes:
    """A binary value, which JSON has as base64."""
    return b64decode(held, validate=True) if isinstance(held, str) else bytes(held)


def number(text: str) -> str:
    """The one spelling of a number."""
    sign, digits, exponent = Decimal(text).as_tuple()
    whole, power = int("".join(map(str, digits))), int(exponent)
    if whole == 0:
        return "0"
    while whole % 10 == 0:
        whole, power = whole // 10, power + 1
    return f"{'-' if sign else ''}{whole}E{power}"


def sized(tag: str, data: bytes) -> bytes:
    """A tag, the length of what follows, and that."""
    return tag.encode() + len(data).to_bytes(4, "big") + data


def counted(tag: str, members: Sequence[bytes]) -> bytes:
    """A tag, how many follow, and those."""
    return tag.encode() + len(members).to_bytes(4, "big") + b"".join(members)


def encode(value: Mapping[str, Any]) -> bytes:
    """The bytes of an attribute value; of an item, those of {"M": item}."""
    ((kind, held),) = value.items()
    match kind:
        case "S":
            return sized("S", held.encode())
        case "N":
            return sized("N", number(held).encode())
        case "B":
            return sized("B", binary(held))
        case "BOOL":
            return b"?" + bytes([held])
        case "NULL":
            return b"0"
        case "L":
            return counted("L", [encode(member) for member in held])
        case "M":
            ordered = sorted((name.encode(), inner) for name, inner in held.items())
            return counted("M", [sized("S", name) + encode(inner) for name, inner in ordered])
        case "SS" | "NS" | "BS":
            return counted(kind[0].lower(), sorted(encode({kind[0]: member}) for member in held))
        case _:
            raise ValueError(f"no type {kind}")


def leaf(item: Item, algorithm: str) -> bytes:
    """The hash of an event."""
    return digest(algorithm, b"\x00" + encode({"M": item}))


def block_hash(item: Item, algorithm: str) -> bytes:
    """The hash of a block."""
    rest = {name: value for name, value in item.items() if name != "hash"}
    return digest(algorithm, b"\x02" + encode({"M": rest}))


def root(leaves: Sequence[bytes], algorithm: str) -> bytes:
    """The hash of a Merkle tree, as RFC 6962 defines it."""
    if len(leaves) < 2:
        return leaves[0] if leaves else digest(algorithm, b"")
    left = 1
    while left * 2 < len(leaves):
        left *= 2
    return digest(algorithm, b"\x01" + root(leaves[:left], algorithm) + root(leaves[left:], algorithm))


def complaints(blocks: Iterable[Item], events: Iterable[Item]) -> list[str]:
    """What is wrong with a chain, from its first block on, and with these of its events; nothing where all is well."""
    found: list[str] = []
    leaves: dict[tuple[str, str], tuple[str, bytes]] = {}
    previous, first_seq = bytes(32), 1
    for expected, block in enumerate(blocks, 1):
        try:
            algorithm, entries = block["algorithm"]["S"], [entry["L"] for entry in block["entries"]["L"]]
            held = [binary(entry[2]["B"]) for entry in entries]
            computed = block_hash(block, algorithm)
            checks = {
                "is not the next by its number": block["number"]["N"] == str(expected),
                "is not the next by its key": block["SK"]["S"] == f"BLOCK#{expected:012}",
                "is of another encoding": block["encoding"]["N"] == "1",
                "does not follow the block before": binary(block["previous"]["B"]) == previous,
                "does not begin after the last event": block["first_seq"]["N"] == str(first_seq),
                "has a leaf of another length": all(len(one) == len(computed) for one in held),
                "has another root than its leaves": binary(block["root"]["B"]) == root(held, algorithm),
                "was changed: its hash is another": binary(block["hash"]["B"]) == computed,
            }
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, ArithmeticError):
            return [*found, f"block {expected} cannot be read"]
        found += [f"block {expected} {wrong}" for wrong, right in checks.items() if not right]
        for entry, one in zip(entries, held, strict=True):
            event = (entry[0]["S"], entry[1]["S"])
            found += [f"event {event[1]} is in block {expected} once more"] if event in leaves else []
            leaves[event] = (algorithm, one)
        previous, first_seq = computed, first_seq + len(held)
    return found + [wrong for event in events for wrong in _of_event(event, leaves)]


def _of_event(item: Item, leaves: Mapping[tuple[str, str], tuple[str, bytes]]) -> list[str]:
    try:
        resource, name = item["resource"]["S"], item["id"]["S"]
        algorithm, held = leaves.get((resource, name), ("", b""))
        if not algorithm:
            return [f"event {name} is in no block"]
        return [] if leaf(item, algorithm) == held else [f"event {name} was changed: its hash is another"]
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError):
        return ["an event cannot be read"]


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    wrong = complaints(given["blocks"], given["events"])
    print("\n".join(wrong) or "nothing is wrong")
    sys.exit(bool(wrong))
