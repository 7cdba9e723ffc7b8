"""Readers of the shipped sample: every line of a file becomes keyword arguments for an entity, or a stated refusal."""

import csv
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from aircraftops_data.entities.values import (
    AircraftStatus,
    ImageState,
    MaintenanceKind,
    OwnerKind,
    WakeCategory,
    icao24_of_n_number,
    n_number,
    normalise_callsign,
    normalise_country_code,
    normalise_description_code,
    normalise_icao24,
    normalise_mark,
    normalise_operator_iata,
    normalise_operator_icao,
    normalise_type_designator,
    owner_kind_of_faa,
    status_of_faa,
)

DATA = Path(__file__).parents[1] / "data"

T = TypeVar("T")
Line = dict[str, str]
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that gave no item, and why."""

    file: str
    line_number: int
    reason: str


Read = tuple[int, Values] | Refused


def sorted_out(reads: Iterable[Read]) -> tuple[list[tuple[int, Values]], list[Refused]]:
    """What was read and what was refused, so that both can be counted."""
    accepted: list[tuple[int, Values]] = []
    refused: list[Refused] = []
    for read in reads:
        if isinstance(read, Refused):
            refused.append(read)
        else:
            accepted.append(read)
    return accepted, refused


def aircraft_types(folder: Path = DATA) -> Iterator[Read]:
    """Arguments for AircraftType."""
    return _read(folder / "aircraft_types.csv", _aircraft_type)


def operators(folder: Path = DATA) -> Iterator[Read]:
    """Arguments for Operator."""
    return _read(folder / "operators.csv", _operator)


def aircraft(folder: Path = DATA) -> Iterator[Read]:
    """Arguments for Aircraft, from the five files that describe aircraft; an address may come twice."""
    yield from _read(folder / "faa_register.csv", _registered)
    yield from _read(folder / "faa_register_2015.csv", _registered_2015)
    yield from _read(folder / "faa_deregistered.csv", _deregistered)
    yield from _read(folder / "plane_alert_aircraft.csv", _watched)
    yield from _read(folder / "ntsb_aircraft.csv", _in_accident)


def registrations(folder: Path = DATA) -> Iterator[Read]:
    """Arguments for RegistrationRecord."""
    return _read(folder / "registrations.csv", _registration)


def images(folder: Path = DATA) -> Iterator[Read]:
    """Arguments for ImageMetadata; a line has up to four links, and a link may come twice."""
    return _read_many(folder / "plane_alert_images.csv", _images)


def maintenance_events(folder: Path = DATA) -> Iterator[Read]:
    """Arguments for MaintenanceEvent, from accident reports."""
    return _read(folder / "ntsb_events.csv", _accident)


def _read(path: Path, convert: Callable[[Line], Values]) -> Iterator[Read]:
    return _read_many(path, lambda line: [convert(line)])


def _read_many(path: Path, convert: Callable[[Line], list[Values]]) -> Iterator[Read]:
    with path.open(encoding="utf-8-sig", errors="replace") as stream:
        names = _fields(next(stream, ""))
        for line_number, text in enumerate(stream, start=2):
            try:
                items = convert(_line(names, text))
            except ValueError as refusal:
                yield Refused(path.name, line_number, str(refusal))
            else:
                yield from (
                    (line_number, {name: item[name] for name in item if item[name] is not None}) for item in items
                )


def _line(names: list[str], text: str) -> Line:
    if "\N{REPLACEMENT CHARACTER}" in text:
        raise ValueError("the line is not UTF-8")
    fields = _fields(text)
    if len(fields) != len(names):
        raise ValueError(f"the line has {len(fields)} fields, not {len(names)}")
    return dict(zip(names, fields, strict=True))


def _fields(text: str) -> list[str]:
    """The fields of one line, without padding. Each line is parsed alone: a stray quote spoils no other line."""
    try:
        return [field.strip() for record in csv.reader([text], strict=True) for field in record]
    except csv.Error as error:
        raise ValueError(f"the line is not CSV: {error}") from error


def _given(line: Line, column: str, null: str = "") -> str | None:
    """A field, or None if it is empty or holds the file's word for null; `NA` is Namibia in another file."""
    return line[column] if line[column] not in ("", null) else None


def _optional(name: str, convert: Callable[[str], T], text: str | None) -> T | None:
    if text is None:
        return None
    try:
        return convert(text)
    except ValueError as refusal:
        raise ValueError(f"{name}: {refusal}") from refusal


def _required(name: str, convert: Callable[[str], T], text: str | None) -> T:
    value = _optional(name, convert, text)
    if value is None:
        raise ValueError(f"{name}: missing")
    return value


def _year(text: str) -> int | None:
    """A year of four digits; the FAA writes 0000 where it knows none."""
    if not re.fullmatch("0000|(19|20)[0-9]{2}", text):
        raise ValueError("not a year of the 20th or 21st century")
    return int(text) or None


def _date(text: str) -> date:
    """A date as any of the sources writes it: yyyymmdd, yyyy-mm-dd or m/d/yyyy."""
    if re.fullmatch("[0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return date.fromisoformat(text)
    if not re.fullmatch("[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}", text):
        raise ValueError("not a date of the form yyyymmdd, yyyy-mm-dd or m/d/yyyy")
    month, day, year = map(int, text.split("/"))
    return date(year, month, day)


def _us_mark(line: Line, column: str) -> Values:
    mark = _required("registration", n_number, _given(line, column))
    return {"registration": mark, "icao24": _required("registration", icao24_of_n_number, mark)}


def _designator(line: Line, column: str, null: str = "") -> str | None:
    return _optional("typecode", normalise_type_designator, _given(line, column, null))


def _operator_code(line: Line, column: str) -> str | None:
    return _optional("operator", normalise_operator_icao, _given(line, column))


def _registered(line: Line) -> Values:
    """The file is a current register: a line in it is a registered aircraft."""
    return _us_mark(line, "N-NUMBER") | {
        "serial_number": _given(line, "SERIAL NUMBER"),
        "manufacturer": _given(line, "MFR"),
        "model": _given(line, "MODEL"),
        "year_built": _optional("year_built", _year, _given(line, "YEAR MFR")),
        "owner_kind": _optional("owner_kind", owner_kind_of_faa, _given(line, "TYPE REGISTRANT")),
        "typecode": _designator(line, "TYPE DESIGNATOR"),
        "operator": _operator_code(line, "OPERATOR"),
        "status": AircraftStatus.ACTIVE,
        "country": "US",
        "military": False,
    }


def _registered_2015(line: Line) -> Values:
    return {
        "icao24": _required("icao24", normalise_icao24, _given(line, "mode_s_code_hex")),
        "registration": _required("registration", n_number, _given(line, "n_number")),
        "serial_number": _given(line, "serial_number", "NA"),
        "year_built": _optional("year_built", _year, _given(line, "year_mfr", "NA")),
        "owner_kind": _optional("owner_kind", owner_kind_of_faa, _given(line, "type_registrant")),
        "typecode": _designator(line, "type_designator", "NA"),
        "status": _required("status", status_of_faa, _given(line, "status_code")),
        "country": "US",
        "military": False,
    }


def _deregistered(line: Line) -> Values:
    """The status code in this file is the last one before the cancellation, so it says nothing."""
    return {
        "icao24": _required("icao24", normalise_icao24, _given(line, "MODE S CODE HEX")),
        "registration": _required("registration", n_number, _given(line, "N-NUMBER")),
        "serial_number": _given(line, "SERIAL-NUMBER"),
        "year_built": _optional("year_built", _year, _given(line, "YEAR-MFR")),
        "status": AircraftStatus.DEREGISTERED,
        "country": "US",
        "military": False,
    }


def _watched(line: Line) -> Values:
    """A watch list does not say whether an aircraft still flies."""
    return {
        "icao24": _required("icao24", normalise_icao24, _given(line, "$ICAO")),
        "registration": _optional("registration", normalise_mark, _given(line, "$Registration")),
        "model": _given(line, "$Type"),
        "typecode": _designator(line, "$ICAO Type"),
        "operator": _operator_code(line, "Operator ICAO"),
        "owner_kind": None if line["#CMPG"] == "Civ" else OwnerKind.GOVERNMENT,
        "status": AircraftStatus.UNKNOWN,
        "country": _optional("country", normalise_country_code, _given(line, "Country")),
        "military": line["#CMPG"] == "Mil",
    }


def _in_accident(line: Line) -> Values:
    return _us_mark(line, "Registration.Number") | {
        "manufacturer": _given(line, "Make"),
        "model": _given(line, "Model"),
        "typecode": _designator(line, "Type.Designator"),
        "operator": _operator_code(line, "Operator"),
        "status": AircraftStatus.DESTROYED if line["Destroyed"] == "Yes" else AircraftStatus.UNKNOWN,
        "country": "US",
        "military": False,
    }


def _aircraft_type(line: Line) -> Values:
    return {
        "designator": _required("designator", normalise_type_designator, _given(line, "Designator")),
        "manufacturer": _given(line, "Manufacturer"),
        "model": _given(line, "Model"),
        "description_code": _optional("description_code", normalise_description_code, _given(line, "Description")),
        "wake_category": _optional("wake_category", WakeCategory, _given(line, "WTC", "-")),
    }


def _operator(line: Line) -> Values:
    return {
        "icao": _required("icao", normalise_operator_icao, _given(line, "ICAO")),
        "iata": _optional("iata", normalise_operator_iata, _given(line, "IATA")),
        "name": _required("name", str, _given(line, "Name")),
        "callsign": _optional("callsign", normalise_callsign, _given(line, "Callsign")),
        "country": _optional("country", normalise_country_code, _given(line, "Country")),
        "active": _optional("active", lambda flag: flag.upper() == "Y", _given(line, "Active")),
    }


def _registration(line: Line) -> Values:
    mark = _us_mark(line, "Mark")
    return {
        "mark": mark["registration"],
        "icao24": mark["icao24"],
        "held_from": _required("held_from", _date, _given(line, "Held-From")),
        "held_until": _optional("held_until", _date, _given(line, "Held-Until")),
        "serial_number": _given(line, "Serial"),
    }


def _images(line: Line) -> list[Values]:
    icao24 = _required("icao24", normalise_icao24, _given(line, "$ICAO"))
    links = [line[column] for column in line if column != "$ICAO" and line[column]]
    if not links:
        raise ValueError("source_url: missing")
    return [_image(icao24, link) for link in links]


def _image(icao24: str, link: str) -> Values:
    if not link.startswith(("https://", "http://")):
        raise ValueError("source_url: not a web address")
    path = link.partition("?")[0].lower()
    suffixes = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}
    return {
        "image_id": hashlib.sha256(link.encode()).hexdigest()[:16],
        "icao24": icao24,
        "source_url": link,
        "state": ImageState.PENDING,
        "content_type": next((kind for suffix, kind in suffixes.items() if path.endswith(suffix)), None),
    }


def _accident(line: Line) -> Values:
    """Severity is that of the injuries; the NTSB counts the dead in brackets."""
    kind = _required("kind", MaintenanceKind, _given(line, "Investigation.Type"))
    severity = line["Injury.Severity"].partition("(")[0].upper().replace("-", "_")
    return {
        "event_id": _required("event_id", str, _given(line, "Accident.Number")),
        "icao24": _us_mark(line, "Registration.Number")["icao24"],
        "occurred_on": _required("occurred_on", _date, _given(line, "Event.Date")),
        "kind": kind,
        "summary": _summary(line),
        "severity": severity,
    }


def _summary(line: Line) -> str:
    """Phase of flight, damage, weather and purpose in a few coded words."""
    damage = (_given(line, "Aircraft.damage") or "no").lower()
    said = [line["Broad.phase.of.flight"], f"{damage} damage", line["Weather.Condition"], line["Purpose.of.flight"]]
    return ", ".join(part for part in said if part not in ("", "UNK", "Unknown"))
