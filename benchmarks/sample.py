"""The airframes that every contender reads and writes: as Python values, and as the item all of them store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

TABLE = "BenchmarkTable"
OPERATOR = "UAL"
ENTITY_TYPE = "airframe"
FLEET = 500
"""How many airframes there are: a page of a query holds them all."""

_TYPES = ("B738", "A20N", "E75L", "B77W")
_MAKERS = ("Boeing", "Airbus", "Embraer", "Boeing")
_MODELS = ("737-800 Next Generation", "A320-251N neo", "ERJ-175 Long Wing", "777-300ER")
_AIRPORTS = ("KSFO", "KDEN", "KORD", "KEWR", "KIAH")
_START = datetime(2026, 11, 21, 7, 0, 0, 123456, tzinfo=UTC)


def values(number: int) -> dict[str, Any]:
    """The 24 fields of an airframe; `lessor` and `retired_at` are absent, as in most items."""
    kind = number % len(_TYPES)
    return {
        "icao24": f"{0xA00000 + number:06x}",
        "registration": f"N{10000 + number}",
        "serial_number": f"{34000 + 7 * number}",
        "typecode": _TYPES[kind],
        "manufacturer": _MAKERS[kind],
        "model": _MODELS[kind],
        "operator": OPERATOR,
        "status": "IN_SERVICE",
        "base_airport": _AIRPORTS[number % len(_AIRPORTS)],
        "country": "US",
        "lessor": None,
        "year_built": 1998 + number % 28,
        "seats": 126 + number % 60,
        "cycles": 9000 + 13 * number,
        "max_takeoff_kg": 78245 + number,
        "flight_hours": Decimal("41873.4") + number,
        "hourly_cost": Decimal("3127.55") + number,
        "military": False,
        "leased": number % 3 == 0,
        "last_seen_at": _START + timedelta(seconds=number),
        "retired_at": None,
        "performance": {
            "engines": 2,
            "engine_model": "CFM56-7B26",
            "wingspan_m": Decimal("35.79"),
            "range_km": 5436 + number,
        },
        "equipment": ["ADS-B Out", "TCAS II 7.1", "CPDLC", "SATCOM Ku-band"],
        "tags": {"etops-180", "winglets", "ife"},
    }


def keys(number: int) -> dict[str, str]:
    """The key attributes of the table and its two indexes."""
    known = values(number)
    fleet, airframe = f"FLEET#{OPERATOR}", f"AIRFRAME#{known['icao24']}"
    return {
        "PK": fleet,
        "SK": airframe,
        "GSI1PK": f"REGISTRATION#{known['registration']}",
        "GSI1SK": airframe,
        "GSI2PK": f"TYPE#{known['typecode']}",
        "GSI2SK": f"{fleet}#{known['registration']}",
    }


def kept(number: int) -> dict[str, Any]:
    """What is stored beside the fields and keys: the type, the version, the instants and the mark of the last write."""
    return {
        "entity_type": ENTITY_TYPE,
        "version": 7,
        "created_at": _START - timedelta(days=number),
        "updated_at": _START,
        "write_id": f"{0xABCDEF0123456789 + number:016x}",
    }


def present(given: dict[str, Any]) -> dict[str, Any]:
    """Without what is None."""
    return {name: value for name, value in given.items() if value is not None}


@cache
def item(number: int) -> dict[str, dict[str, Any]]:
    """The airframe as DynamoDB stores it."""
    whole = {**values(number), **keys(number), **kept(number)}
    return {name: attribute(value) for name, value in present(whole).items()}


def attribute(value: object) -> dict[str, Any]:
    """A value as DynamoDB holds it, of the few types an airframe has."""
    return _KINDS.get(type(value), lambda text: {"S": text})(value)


def instant_text(instant: datetime) -> str:
    """An instant of UTC as it is stored: 2026-11-21T07:00:00.123456Z."""
    return instant.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


_KINDS: dict[type, Callable[[Any], dict[str, Any]]] = {
    bool: lambda value: {"BOOL": value},
    int: lambda value: {"N": str(value)},
    Decimal: lambda value: {"N": str(value)},
    datetime: lambda value: {"S": instant_text(value)},
    set: lambda value: {"SS": sorted(value)},
    list: lambda value: {"L": [attribute(inner) for inner in value]},
    dict: lambda value: {"M": {name: attribute(inner) for name, inner in value.items()}},
}
