"""Cuts for the ingestion example: lines are chosen, and then left as their source published them."""

import json
import re
from collections import Counter

from aircraftops_data.entities.values import normalise_mark, normalise_type_designator
from sampling.choice import Record, accepts, address, cut
from sampling.related import is_usable_type
from sampling.sources import Sources

_JETS_COUNT, _BARE_COUNT, _KNOWN_COUNT = 110, 12, 30
_AIRBUS_COUNT, _AIRLINE_COUNT = 90, 150
_STATIONS = {"TWR", "GND", "SERV", "TEST"}
# What tells an aircraft and its operator; names of operators repeat what their designators say.
_AIRBUS_FIELDS = ("icao24", "manufacturername", "model", "typecode", "icaoaircrafttype", "operatoricao", "built")


def address_lines(sources: Sources, register: list[Record]) -> list[Record]:
    """Lines of tar1090-db: ground stations, military marks, what has no mark or type, jets, aircraft of the register.

    Among the others is no US civil mark and nothing but jets, so that hardly any belongs to a person.
    """
    records = sources.table("adsb/tar1090_aircraft.csv")
    known = {address(record["N-NUMBER"]) for record in register}
    foreign = [record for record in records if not address(record["registration"])]
    chosen = [
        *[record for record in foreign if _is_odd(record)],
        *cut([record for record in foreign if _is_jet(sources, record)], _JETS_COUNT, "icao24"),
        *cut([record for record in foreign if not record["registration"]], _BARE_COUNT, "icao24"),
        *cut([record for record in records if record["icao24"].lower() in known], _KNOWN_COUNT, "icao24"),
    ]
    icao24s = {record["icao24"] for record in chosen}
    kept = ("icao24", "registration", "typecode", "flags")
    return [{name: record[name] for name in kept} for record in records if record["icao24"] in icao24s]


def _is_odd(record: Record) -> bool:
    typecode = record["typecode"]
    return (
        record["registration"] in _STATIONS
        or re.search("[+.]", record["registration"]) is not None
        or (typecode != "" and not accepts(normalise_type_designator, typecode))
    )


def _is_jet(sources: Sources, record: Record) -> bool:
    known = sources.types.get(record["typecode"])
    return accepts(normalise_mark, record["registration"]) and (
        known is not None and is_usable_type(known) and re.fullmatch("L[234]J", known["Description"]) is not None
    )


def airbus_lines(sources: Sources, addresses: list[Record]) -> list[str]:
    """Lines of the OpenSky sample: some by lot, all with stray spaces or odd codes, some of aircraft cut already."""
    text = (sources.root / "adsb/opensky_airbus.jsonl").read_text(encoding="utf-8")
    records: list[Record] = [json.loads(line) for line in text.splitlines()]
    known = {record["icao24"].lower() for record in addresses}
    odd = [record for record in records if _is_odd_airbus(record)]
    chosen = {
        record["icao24"]
        for record in [
            *cut(records, _AIRBUS_COUNT, "icao24"),
            *cut(odd, _AIRBUS_COUNT // 3, "icao24"),
            *[record for record in records if record["icao24"] in known],
        ]
    }
    return [
        json.dumps({name: record[name] for name in _AIRBUS_FIELDS}, ensure_ascii=False, separators=(",", ":"))
        for record in records
        if record["icao24"] in chosen
    ]


def _is_odd_airbus(record: Record) -> bool:
    spaced = any(record[name] != record[name].strip() for name in _AIRBUS_FIELDS)
    return spaced or not re.fullmatch("[A-Z][A-Z0-9]{1,3}|", record["typecode"]) or "FI5" in record["operatoricao"]


def airline_lines(sources: Sources) -> list[str]:
    """Lines of OpenFlights: some by lot, and all that share a designator, are escaped or spell null another way."""
    lines = (sources.root / "operators/openflights_airlines.dat").read_text(encoding="utf-8").splitlines()
    codes = Counter(_code(line) for line in lines)
    shared = {code for code, count in codes.items() if count > 1 and re.fullmatch('"[A-Z]{3}"', code)}
    records: list[Record] = [{"line": line} for line in lines]
    chosen = {record["line"] for record in cut(records, _AIRLINE_COUNT, "line")}
    chosen |= {line for line in lines if _code(line) in shared or re.search(r"""\\'|\.\.\.|"n"$|\x1b|N/A""", line)}
    return [line for line in lines if line in chosen]


def _code(line: str) -> str:
    """The ICAO designator as it is written: the fourth field from the end, where no comma can be before a quote."""
    return line.rsplit(",", 4)[1]
