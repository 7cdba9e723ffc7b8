"""Seeing that a contender did the work: what it read is the airframe, what it sent holds every attribute."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from benchmarks import sample
from benchmarks.contender import PathName

# The number inside `performance` is compared by its text, for not every contender reads it exactly.
_EXACT = ("icao24", "registration", "year_built", "flight_hours", "leased", "last_seen_at", "equipment", "tags")


class NotTheSameWorkError(Exception):
    """A contender left something out; its time would be no comparison."""


def verify(path: PathName, outcome: Any, last_body: str) -> None:
    """Raise NotTheSameWorkError unless the outcome, or what was last sent, is the whole airframe."""
    match path:
        case "page" | "get_many" | "get_async" | "decode_stream":
            _same_airframes(outcome)
        case "get":
            _same_airframes([outcome])
        case "encode":
            _all_there(json.loads(outcome))
        case "put" | "write_many":
            _all_there(_sent(json.loads(last_body)))


def _same_airframes(found: Iterable[Any]) -> None:
    airframes = list(found)
    if not airframes:
        raise NotTheSameWorkError("Nothing was read")
    for airframe in airframes:
        if isinstance(airframe, dict):
            # Parsed and no more: nothing was made of it.
            continue
        expected = sample.values(int(airframe.icao24, 16) - 0xA00000)
        wrong = [name for name in _EXACT if getattr(airframe, name) != expected[name]]
        if Decimal(str(airframe.performance.wingspan_m)) != expected["performance"]["wingspan_m"]:
            wrong.append("performance")
        if wrong:
            raise NotTheSameWorkError(f"{type(airframe).__module__}: {', '.join(wrong)} differ from what is stored")


def _sent(body: Mapping[str, Any]) -> set[str]:
    """The attributes the last item of a write names."""
    if "RequestItems" in body:
        (writes,) = body["RequestItems"].values()
        return set(writes[-1]["PutRequest"]["Item"])
    if "Item" in body:
        return set(body["Item"])
    return {*body["Key"], *body["ExpressionAttributeNames"].values()}


def _all_there(names: Iterable[str]) -> None:
    # The mark of the last write is each library's own affair.
    missing = set(sample.item(0)) - {"write_id"} - set(names)
    if missing:
        raise NotTheSameWorkError(f"Not sent: {', '.join(sorted(missing))}")
