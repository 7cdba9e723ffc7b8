"""The full public files, read when they are first needed."""

import csv
import re
from functools import cached_property
from pathlib import Path

from sampling.choice import Record
from sampling.facts import COUNTRY_SPELLINGS, OPERATOR_ALIASES, operator_key

_OPENFLIGHTS = ("id", "Name", "alias", "IATA", "ICAO", "Callsign", "Country", "Active")


class Sources:
    """The folder of the full files."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def table(self, path: str) -> list[Record]:
        """The records of a CSV file with a header."""
        with (self.root / path).open(encoding="utf-8-sig", newline="") as stream:
            return list(csv.DictReader(stream))

    @cached_property
    def register(self) -> list[Record]:
        """The FAA register, joined with its models."""
        return self.table("faa/registry_biz_aircraft.csv")

    @cached_property
    def watched(self) -> list[Record]:
        """plane-alert-db."""
        return self.table("adsb/plane_alert_aircraft.csv")

    @cached_property
    def accidents(self) -> list[Record]:
        """The NTSB's accidents since 1982, without home-built aircraft: there the make is often a person's name."""
        records = self.table("maintenance/ntsb_aviation_data.csv")
        return [record for record in records if record["Amateur.Built"] == "No" and record["Event.Date"] >= "1982"]

    @cached_property
    def types(self) -> dict[str, Record]:
        """Aircraft types by designator: names from the one list, codes from the other, the union of both."""
        named = {
            record["Aircraft TypeDesignator"]: record for record in self.table("types/icao_types_doc8643_list.csv")
        }
        coded = {record["designator"]: record for record in self.table("types/icao_types_tar1090.csv")}
        makers = {record["MANUFACTURER, Model"].partition(", ")[0] for record in named.values()}
        designators = sorted(named.keys() | coded.keys())
        return {one: _type_line(one, named.get(one), coded.get(one), makers) for one in designators}

    @cached_property
    def operators(self) -> list[Record]:
        """The operators of OpenFlights, then those of ICAO's own list, which has no flag for the active ones."""
        # The file writes null as a backslash and N, and a backslash before a quote: only the latter is an escape.
        text = (self.root / "operators/openflights_airlines.dat").read_text(encoding="utf-8").replace(r"\N", r"\\N")
        lines = csv.reader(text.splitlines(), escapechar="\\", doublequote=False)
        known: list[Record] = [dict(zip(_OPENFLIGHTS, line, strict=True)) for line in lines]
        listed = [_of_icao_list(record) for record in self.table("operators/icao_airlines.csv")]
        return [self._operator_line(record) for record in [*known, *listed]]

    @cached_property
    def operators_by_code(self) -> dict[str, Record]:
        """One operator for each ICAO designator: that of OpenFlights, unless ICAO's list gives it another callsign."""
        chosen = {record["ICAO"]: record for record in self.operators if record["Active"]}
        for record in self.operators:
            known = chosen.get(record["ICAO"])
            if not record["Active"] and (known is None or known["Callsign"].upper() != record["Callsign"]):
                chosen[record["ICAO"]] = record
        return chosen

    def _operator_line(self, record: Record) -> Record:
        country = self._countries.get(record["Country"].lower(), record["Country"])
        return {name: record[name] for name in ("ICAO", "IATA", "Name", "Callsign", "Active")} | {"Country": country}

    @cached_property
    def _countries(self) -> dict[str, str]:
        records = self.table("airports/ourairports_countries.csv")
        return {record["name"].lower(): record["code"] for record in records} | COUNTRY_SPELLINGS

    @cached_property
    def _operator_codes(self) -> dict[tuple[str, str], str]:
        """ICAO designators by name and country; ICAO's own list has the last word."""
        records = [record for record in self.operators if re.fullmatch("[A-Z]{3}", record["ICAO"])]
        return {(operator_key(record["Name"]), record["Country"]): record["ICAO"] for record in records}

    def operator_of(self, name: str, country: str) -> str:
        """The ICAO designator of the operator with this name in this country; nothing where none is known."""
        key = operator_key(name)
        return OPERATOR_ALIASES.get(key, self._operator_codes.get((key, country), "")) if key else ""

    @cached_property
    def _address_blocks(self) -> list[tuple[int, int, str]]:
        """The blocks of ICAO addresses with their states, the narrowest first."""
        with (self.root / "types/ICAOHexRange.csv").open(encoding="utf-8", newline="") as stream:
            blocks = [(int(first, 16), int(last, 16), state) for first, last, state, *_ in csv.reader(stream)]
        return sorted(blocks, key=lambda block: block[1] - block[0])

    def country_of(self, icao24: str) -> str:
        """The country whose block holds an address; nothing for a reserved block."""
        number = int(icao24, 16)
        state = next((state for first, last, state in self._address_blocks if first <= number <= last), "")
        return self._countries.get(state.lower(), "")


def _of_icao_list(record: Record) -> Record:
    name = re.sub(r" \([^)]*\)$", "", record["Company"])
    telephony, country = record["Telephony"], record["Country"]
    return {"ICAO": record["3Ltr"], "IATA": "", "Name": name, "Callsign": telephony, "Country": country, "Active": ""}


def _type_line(designator: str, named: Record | None, coded: Record | None, makers: set[str]) -> Record:
    if named:
        maker, _, model = named["MANUFACTURER, Model"].partition(", ")
    else:
        maker, model = _split_name(coded["name"] if coded else "", makers)
    # The list with the codes writes R for the tiltrotors, which ICAO writes T.
    tiltrotor = named is not None and named["Class"] == "Tiltrotor"
    return {
        "Designator": designator,
        "Manufacturer": maker,
        "Model": model,
        "Description": "T2T" if tiltrotor else coded["description_code"] if coded else "",
        "WTC": coded["wtc"] if coded else "",
    }


def _split_name(name: str, makers: set[str]) -> tuple[str, str]:
    """Manufacturer and model of a name that runs them together; the longest manufacturer known wins."""
    words = name.split(" ")
    sizes = range(len(words), 0, -1)
    size = next((size for size in sizes if " ".join(words[:size]) in makers), 1)
    return " ".join(words[:size]), " ".join(words[size:])
