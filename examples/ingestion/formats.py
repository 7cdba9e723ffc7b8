"""What a line of each file says, as entities of the library."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aircraftops_data import Aircraft, AircraftType, Entity, Operator, Registration
from aircraftops_data.entities.values import (
    AircraftStatus,
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
from ingestion.cells import Cells, day, flag, model_code, octal, one_of, year, year_of_date
from ingestion.lines import Line, LineError, Split, backslash_fields, csv_fields, json_fields, named
from ingestion.quarantine import Reason, ReasonKind

STATIONS = frozenset({"TWR", "GND", "SERV", "TEST"})


@dataclass(frozen=True, slots=True)
class Statement:
    """What a line says: the entity it is there for, and what it tells by the way, which may be known better."""

    line: int
    main: Entity
    aside: tuple[Entity, ...] = ()

    def about(self, entity: str) -> Entity | None:
        """What it says of an entity by this name."""
        return next((said for said in (self.main, *self.aside) if type(said).__name__ == entity), None)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line that says nothing that can be taken, and why."""

    line: int
    reasons: tuple[Reason, ...]


Said = Statement | Refusal
Entities = Iterable[Entity | None]


@dataclass(frozen=True, slots=True)
class Format:
    """How a file is written. `read` turns cells into entities, the main one first; `split` is None for JSON lines."""

    read: Callable[[Cells], Entities]
    split: Split | None = csv_fields
    columns: tuple[str, ...] = ()
    """The columns of a file without a header."""
    nulls: frozenset[str] = frozenset()

    @property
    def header(self) -> bool:
        """Whether the first line names the columns."""
        return self.split is not None and not self.columns

    def names(self, first: Line | None) -> list[str]:
        """The columns, given the first line where that is a header. Raises LineError."""
        return list(self.columns) if first is None or self.split is None else self.split(first.text())

    def says(self, names: list[str], line: Line) -> Said:
        """What a line says."""
        try:
            cells = Cells(self._cells(names, line), self.nulls)
        except LineError as error:
            return Refusal(line.number, (error.reason,))
        made = list(self.read(cells))
        if cells.reasons:
            return Refusal(line.number, tuple(cells.reasons))
        main, *aside = [entity for entity in made if entity is not None]
        return Statement(line.number, main, tuple(aside))

    def _cells(self, names: list[str], line: Line) -> Mapping[str, str]:
        if self.split is None:
            return json_fields(line.text())
        return named(names, self.split(line.text()))


def _us_aircraft(cells: Cells, mark: str | None, icao24: str | None, **values: Any) -> Aircraft | None:
    return cells.entity(Aircraft, icao24=icao24, registration=mark, country="US", military=False, **values)


def _register(cells: Cells) -> Entities:
    """The register of today: who is in it is registered, and its address follows from the mark."""
    mark = cells.need("mark", "N-NUMBER", n_number)
    icao24 = cells.take("icao24", "N-NUMBER", icao24_of_n_number) if mark else None
    since = cells.need("held_from", "LAST ACTION DATE", day)
    serial = cells.text("SERIAL NUMBER")
    aircraft = _us_aircraft(
        cells,
        mark,
        icao24,
        serial_number=serial,
        manufacturer=cells.text("MFR"),
        model=cells.text("MODEL"),
        year_built=cells.take("year_built", "YEAR MFR", year),
        owner_kind=cells.take("owner_kind", "TYPE REGISTRANT", owner_kind_of_faa),
        typecode=cells.take("typecode", "TYPE DESIGNATOR", normalise_type_designator),
        operator=cells.take("operator", "OPERATOR", normalise_operator_icao),
        status=AircraftStatus.ACTIVE,
    )
    return cells.entity(Registration, mark=mark, icao24=icao24, held_from=since, serial_number=serial), aircraft


def _register_2015(cells: Cells) -> Entities:
    mark = cells.need("mark", "n_number", n_number)
    icao24 = _address_of_faa(cells, mark, "mode_s_code", "mode_s_code_hex")
    since = cells.need("held_from", "cert_issue_date", day)
    until = cells.take("held_until", "expiration_date", day)
    serial = cells.text("serial_number")
    cells.take("model_code", "mfr_mdl_code", model_code)
    aircraft = _us_aircraft(
        cells,
        mark,
        icao24,
        serial_number=serial,
        year_built=cells.take("year_built", "year_mfr", year),
        owner_kind=cells.take("owner_kind", "type_registrant", owner_kind_of_faa),
        typecode=cells.take("typecode", "type_designator", normalise_type_designator),
        status=cells.need("status", "status_code", status_of_faa),
    )
    held = {"mark": mark, "icao24": icao24, "held_from": since, "held_until": until}
    return cells.entity(Registration, **held, serial_number=serial), aircraft


def _deregistered(cells: Cells) -> Entities:
    """Cancelled registrations. The status code is the last one before, so it says nothing."""
    mark = cells.need("mark", "N-NUMBER", n_number)
    icao24 = _address_of_faa(cells, mark, "MODE-S-CODE", "MODE S CODE HEX")
    since = cells.need("held_from", "CERT-ISSUE-DATE", day)
    until = cells.need("held_until", "CANCEL-DATE", day)
    serial = cells.text("SERIAL-NUMBER")
    cells.take("model_code", "MFR-MDL-CODE", model_code)
    built = cells.take("year_built", "YEAR-MFR", year)
    held = {"mark": mark, "icao24": icao24, "held_from": since, "held_until": until}
    aircraft = _us_aircraft(
        cells,
        mark,
        icao24,
        serial_number=serial,
        manufacturer=cells.text("KIT MFR"),
        model=cells.text("KIT MODEL"),
        year_built=built,
        status=AircraftStatus.DEREGISTERED,
    )
    return cells.entity(Registration, **held, serial_number=serial), aircraft


def _address_of_faa(cells: Cells, mark: str | None, octal_column: str, hex_column: str) -> str | None:
    """The address, which the FAA writes twice and which follows from the mark besides."""
    icao24 = cells.need("icao24", hex_column, normalise_icao24)
    code = cells.take("mode_s_code", octal_column, octal)
    if icao24 is None:
        return None
    if code is not None and code != int(icao24, 16):
        cells.refuse(ReasonKind.CODES_DISAGREE, "icao24", "the octal and the hexadecimal code are two addresses")
    elif mark is not None and icao24_of_n_number(mark) != icao24:
        cells.refuse(ReasonKind.CODES_DISAGREE, "icao24", "the address is that of another mark")
    return icao24


def _watched(cells: Cells) -> Entities:
    """A watch list: state and service aircraft of all the world."""
    kind = cells.text("#CMPG")
    yield cells.entity(
        Aircraft,
        icao24=cells.need("icao24", "$ICAO", normalise_icao24),
        registration=cells.take("registration", "$Registration", normalise_mark),
        model=cells.text("$Type"),
        typecode=cells.take("typecode", "$ICAO Type", normalise_type_designator),
        operator=cells.take("operator", "Operator ICAO", normalise_operator_icao),
        owner_kind=None if kind == "Civ" else OwnerKind.GOVERNMENT,
        country=cells.take("country", "Country", normalise_country_code),
        military=kind == "Mil",
    )


def _heard(cells: Cells) -> Entities:
    """Whatever answers to a Mode S address, ground stations among them; the first flag is for the military."""
    if STATIONS & {cells.text("registration"), cells.text("typecode")}:
        cells.refuse(ReasonKind.NO_AIRCRAFT, text="a ground station or test equipment")
        return
    yield cells.entity(
        Aircraft,
        icao24=cells.need("icao24", "icao24", normalise_icao24),
        registration=cells.take("registration", "registration", normalise_mark),
        typecode=cells.take("typecode", "typecode", normalise_type_designator),
        military=(cells.text("flags") or "").startswith("1"),
    )


def _airbus(cells: Cells) -> Entities:
    yield cells.entity(
        Aircraft,
        icao24=cells.need("icao24", "icao24", normalise_icao24),
        manufacturer=cells.text("manufacturername"),
        model=cells.text("model"),
        typecode=cells.take("typecode", "typecode", normalise_type_designator),
        operator=cells.take("operator", "operatoricao", normalise_operator_icao),
        year_built=cells.take("year_built", "built", year_of_date),
    )


def _airline(cells: Cells) -> Entities:
    yield cells.entity(
        Operator,
        icao=cells.need("icao", "icao", normalise_operator_icao),
        iata=cells.take("iata", "iata", normalise_operator_iata),
        name=cells.need("name", "name", str),
        callsign=cells.take("callsign", "callsign", normalise_callsign),
        active=cells.need("active", "active", flag),
    )


def _type(cells: Cells) -> Entities:
    yield cells.entity(
        AircraftType,
        designator=cells.need("designator", "Designator", normalise_type_designator),
        manufacturer=cells.text("Manufacturer"),
        model=cells.text("Model"),
        description_code=cells.take("description_code", "Description", normalise_description_code),
        wake_category=cells.take("wake_category", "WTC", one_of(WakeCategory)),
    )


AIRLINE_COLUMNS = ("id", "name", "alias", "iata", "icao", "callsign", "country", "active")

FILES: dict[str, Format] = {
    "faa_register.csv": Format(_register),
    "faa_register_2015.csv": Format(_register_2015, nulls=frozenset({"NA"})),
    "faa_deregistered.csv": Format(_deregistered),
    "plane_alert_aircraft.csv": Format(_watched),
    "tar1090_aircraft.csv": Format(_heard),
    "opensky_airbus.jsonl": Format(_airbus, split=None),
    "openflights_airlines.dat": Format(
        _airline, backslash_fields, AIRLINE_COLUMNS, frozenset({r"\N", "-", "N/A", "...", r"\'\'"})
    ),
    "aircraft_types.csv": Format(_type, nulls=frozenset({"-"})),
}
"""The files in the order of trust: of two lines about one thing the first has the say."""
