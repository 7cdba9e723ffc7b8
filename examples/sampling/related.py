"""The cuts of what is known about the aircraft: types, operators, marks held and accidents."""

import re

from aircraftops_data.entities.values import (
    normalise_callsign,
    normalise_country_code,
    normalise_description_code,
    normalise_operator_iata,
    normalise_type_designator,
)
from sampling.choice import Record, accepts, cut
from sampling.sources import Sources

_EXTRA_TYPES, _UNUSABLE_TYPES = 60, 12
_EXTRA_OPERATORS, _UNUSABLE_OPERATORS = 60, 10
_NULLS = {"", "-", r"\N", "N/A"}


def registration_lines(
    register: list[Record], old: list[Record], cancelled: list[Record], accidents: list[Record]
) -> list[Record]:
    """Which airframe held which mark since when, each date in the format of its source.

    The accidents add the earlier holders of marks that are in the register by now.
    """
    now = {f"N{record['N-NUMBER']}" for record in register}
    before = [record for record in accidents if record["Registration.Number"] in now]
    return [
        *[
            _held(record["N-NUMBER"], record["SERIAL-NUMBER"], record["CERT-ISSUE-DATE"], record["CANCEL-DATE"])
            for record in cancelled
        ],
        *[_held(record["Registration.Number"], "", record["Event.Date"], "") for record in before],
        *[
            _held(record["n_number"], record["serial_number"], record["cert_issue_date"], record["expiration_date"])
            for record in old
        ],
        *[
            _held(record["N-NUMBER"].ljust(5), record["SERIAL NUMBER"], record["LAST ACTION DATE"], "")
            for record in register
        ],
    ]


def _held(mark: str, serial: str, since: str, until: str) -> Record:
    return {"Mark": mark, "Serial": serial, "Held-From": since, "Held-Until": until}


def accident_lines(records: list[Record]) -> list[Record]:
    """The accidents without place, carrier and narrative."""
    keys = ("Accident.Number", "Event.Id", "Investigation.Type", "Event.Date", "Registration.Number")
    facts = ("Injury.Severity", "Aircraft.damage", "Purpose.of.flight", "Weather.Condition", "Broad.phase.of.flight")
    return [{name: record[name] for name in (*keys, *facts)} for record in records]


def type_lines(sources: Sources, used: set[str]) -> list[Record]:
    """The types in use, some others, and some lines that are no types."""
    records = list(sources.types.values())
    chosen = [
        *cut([record for record in records if is_usable_type(record)], _EXTRA_TYPES, "Designator"),
        *cut([record for record in records if not is_usable_type(record)], _UNUSABLE_TYPES, "Designator"),
    ]
    designators = used | {record["Designator"] for record in chosen}
    return [record for record in records if record["Designator"] in designators]


def is_usable_type(record: Record) -> bool:
    """Whether the library will take this type."""
    described = record["Description"] in _NULLS or accepts(normalise_description_code, record["Description"])
    return described and accepts(normalise_type_designator, record["Designator"])


def operator_lines(sources: Sources, used: set[str]) -> list[Record]:
    """The operators in use, some others of OpenFlights, and some lines there that are no operators."""
    records = [record for record in sources.operators_by_code.values() if record["ICAO"] not in _NULLS]
    chosen = [
        *cut(
            [record for record in records if record["Active"] and _is_usable_operator(record)], _EXTRA_OPERATORS, "ICAO"
        ),
        *cut(
            [record for record in records if record["Active"] and not _is_usable_operator(record)],
            _UNUSABLE_OPERATORS,
            "ICAO",
        ),
    ]
    codes = used | {record["ICAO"] for record in chosen}
    return [record for record in records if record["ICAO"] in codes]


def _is_usable_operator(record: Record) -> bool:
    return (
        bool(re.fullmatch("[A-Z]{3}", record["ICAO"]))
        and accepts(normalise_country_code, record["Country"])
        and (record["IATA"] in _NULLS or accepts(normalise_operator_iata, record["IATA"]))
        and (record["Callsign"] in _NULLS or accepts(normalise_callsign, record["Callsign"]))
    )
