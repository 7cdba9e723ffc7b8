"""Cut the sample in examples/data out of the full public files: `python build_sample.py SOURCE TARGET`.

For maintainers. SOURCE holds the folders faa, adsb, images, types, operators, airports and maintenance with the files
that data/README.md names; TARGET gets the sample. The same files always give the same sample.
"""

import argparse
import csv
import io
from collections.abc import Iterable
from pathlib import Path

from sampling.choice import Record, address, cut
from sampling.fleet import (
    accident_aircraft_lines,
    accident_records,
    deregistered_lines,
    image_lines,
    register_2015_lines,
    register_line,
    register_records,
    watched_lines,
)
from sampling.published import address_lines, airbus_lines, airline_lines
from sampling.related import accident_lines, operator_lines, registration_lines, type_lines
from sampling.sources import Sources

# Widths of the FAA's MASTER file for the columns that are kept.
_REGISTER_WIDTHS = (5, 30, 30, 20, 4, 1, 8, 4, 3)

_TYPE_COLUMNS = {"TYPE DESIGNATOR", "type_designator", "$ICAO Type", "Type.Designator"}
_OPERATOR_COLUMNS = {"OPERATOR", "Operator ICAO", "Operator"}


def main() -> None:
    """Read the arguments and write the sample."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="the folder with the full files")
    parser.add_argument("target", type=Path, help="the folder that gets the sample")
    arguments = parser.parse_args()
    arguments.target.mkdir(parents=True, exist_ok=True)
    build(Sources(arguments.source), arguments.target)


def build(sources: Sources, target: Path) -> None:
    """Cut every file of the sample; what is known about aircraft is cut to the aircraft in it."""
    register = [register_line(sources, record) for record in register_records(sources)]
    old, cancelled = register_2015_lines(sources), deregistered_lines(sources)
    taken = {address(record["N-NUMBER"]) for record in [*register, *cancelled]}
    taken |= {address(record["n_number"]) for record in old}
    watched = watched_lines(sources, taken)
    taken |= {address(record["N-Number"]) for record in sources.register}
    taken |= {record["$ICAO"].lower() for record in sources.watched}
    accidents = accident_records(sources, taken)
    lost = accident_aircraft_lines(sources, accidents)
    spoiled = _spoiled(sources, register)

    _write_register(target / "faa_register.csv", register, spoiled)
    _write(target / "faa_register_2015.csv", old)
    _write(target / "faa_deregistered.csv", cancelled, trailing_comma=True)
    _write(target / "plane_alert_aircraft.csv", watched)
    _write(target / "plane_alert_images.csv", image_lines(sources, watched))
    _write(target / "tar1090_aircraft.csv", addresses := address_lines(sources, register))
    _write_lines(target / "opensky_airbus.jsonl", airbus_lines(sources, addresses))
    _write_lines(target / "openflights_airlines.dat", airline_lines(sources))
    _write(target / "ntsb_aircraft.csv", lost)
    _write(target / "ntsb_events.csv", accident_lines(accidents))
    held = registration_lines(register, old, cancelled, sources.accidents)
    _write(target / "registrations.csv", held + [_with_spoiled_date(record) for record in spoiled[:2]])
    aircraft = (register, old, watched, lost)
    _write(target / "aircraft_types.csv", type_lines(sources, _used(aircraft, _TYPE_COLUMNS)))
    _write(target / "operators.csv", operator_lines(sources, _used(aircraft, _OPERATOR_COLUMNS)))


def _used(files: Iterable[list[Record]], columns: set[str]) -> set[str]:
    """What stands in these columns of these files, nulls apart."""
    found = {record[column] for records in files for record in records for column in record.keys() & columns}
    return found - {"", "NA"}


def _spoiled(sources: Sources, register: list[Record]) -> list[Record]:
    """A few more lines of the register, to be damaged; nothing else in the sample leads to them."""
    taken = {record["N-NUMBER"] for record in register}
    rest = [record for record in register_records(sources, extra=5) if record["N-Number"] not in taken]
    return [register_line(sources, record) for record in cut(rest, 5, "N-Number")]


def _with_spoiled_date(record: Record) -> Record:
    """A mark held since a day that is not in the calendar: the year and the day have changed places."""
    day = record["LAST ACTION DATE"]
    return {
        "Mark": record["N-NUMBER"].ljust(5),
        "Serial": record["SERIAL NUMBER"],
        "Held-From": f"{day[6:]}{day[4:6]}{day[:4]}",
        "Held-Until": "",
    }


def _text(lines: Iterable[Iterable[str]], ending: str = "\n") -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator=ending).writerows(lines)
    return stream.getvalue()


def _write(path: Path, records: list[Record], trailing_comma: bool = False) -> None:
    last = [""] if trailing_comma else []
    lines = [[*records[0], *last], *([*record.values(), *last] for record in records)]
    path.write_text(_text(lines), encoding="utf-8", newline="")


def _write_lines(path: Path, lines: list[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="")


def _write_register(path: Path, records: list[Record], spoiled: list[Record]) -> None:
    """The register as the FAA publishes it: a byte order mark, padded fields, a comma and CRLF at the end of a line."""
    lines = [_padded_line(record) for record in records]
    quote, comma, short = (_padded_line(record) for record in spoiled[2:])
    lines[100:100] = [quote.replace(",", ',"', 1), comma.replace("  ", ", ", 1), short[: len(short) // 3] + "\r\n"]
    header = _text([[*records[0], ""]], "\r\n")
    path.write_text(header + "".join(lines), encoding="utf-8-sig", newline="")


def _padded_line(record: Record) -> str:
    fields = [field.ljust(width) for field, width in zip(record.values(), _REGISTER_WIDTHS, strict=True)]
    return _text([[*fields, ""]], "\r\n")


if __name__ == "__main__":
    main()
