"""What encoding an event and taking its hash takes, beside hashes of JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from aircraftops_data.audit.encoding import encode_item, leaf_hash
from aircraftops_data.model.definition import Item

OWN = "encoding, leaf hash"
AT_ONCE = 500


def works(items: Sequence[Item]) -> dict[str, Callable[[], object]]:
    """Each way to hash these items, all of them in a turn."""
    from boto3.dynamodb.types import TypeSerializer

    plain, serialize = [_plain({"M": item}) for item in items], TypeSerializer().serialize
    return {
        OWN: lambda: [leaf_hash(item, "sha256") for item in items],
        "json.dumps in order of names, SHA-256": lambda: [_json_hash(each) for each in plain],
        "TypeSerializer of boto3, json.dumps in order of names, SHA-256": lambda: [
            _json_hash({name: serialize(value) for name, value in each.items()}) for each in plain
        ],
    }


def mean_bytes(items: Sequence[Item]) -> int:
    """How large an encoded item is."""
    return sum(len(encode_item(item)) for item in items) // len(items)


def _json_hash(value: Mapping[str, Any]) -> bytes:
    return sha256(json.dumps(value, sort_keys=True).encode()).digest()


def _plain(stored: Mapping[str, Any]) -> Any:
    ((kind, value),) = stored.items()
    if kind == "M":
        return {name: _plain(inner) for name, inner in value.items()}
    if kind == "L":
        return [_plain(inner) for inner in value]
    return int(value) if kind == "N" else value
