"""Events of 100 records: in each dialect, in two views, and with every type key in each value."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from aircraftops_data.streams import Decoder
from aircraftops_data.streams.encoding import Dialect, encode
from benchmarks.contenders.own import Airframe
from benchmarks.events import stream_event

_TYPES = ("S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL")


def modified() -> dict[str, Any]:
    """Both images, which differ in two attributes; each has the 33 of an airframe. As Lambda has parsed it."""
    event = json.loads(json.dumps(stream_event()))
    for record in event["Records"]:
        body = record["dynamodb"]
        body["OldImage"] = deepcopy(body["NewImage"]) | {"cycles": {"N": "1"}, "version": {"N": "6"}}
    return event


def new_only() -> dict[str, Any]:
    """The same in the view of new images."""
    event = modified()
    for record in event["Records"]:
        del record["dynamodb"]["OldImage"]
    return event


def all_types() -> dict[str, Any]:
    """The same, with every type key in each value, null where it is not set."""
    event = modified()
    for record in event["Records"]:
        body = record["dynamodb"]
        body |= {name: _with_all(body[name]) for name in ("Keys", "OldImage", "NewImage")}
    return event


def _with_all(image: dict[str, Any]) -> dict[str, Any]:
    return {name: dict.fromkeys(_TYPES) | value for name, value in image.items()}


def in_every_dialect() -> dict[str, Any]:
    """The same records as each dialect has them, the caller's name for it first."""
    event = modified()
    changes = Decoder([Airframe]).records(event)
    every = {dialect.value: encode(changes, dialect) for dialect in Dialect}
    return {**every, "lambda, as text": json.dumps(event), "lambda, all type keys": all_types()}
