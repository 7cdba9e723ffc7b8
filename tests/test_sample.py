"""The shipped sample: it is complete and consistent, names nobody, and its dirty lines are refused one by one."""

import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from aircraftops_data.entities import values

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))

from demo import sample
from ingestion.formats import FILES as INGESTED
from sampling.choice import cut
from sampling.facts import faa_designator, ntsb_designator, operator_key, owner_kind_code

READERS: dict[str, Callable[..., Iterator[sample.Read]]] = {
    "aircraft_types": sample.aircraft_types,
    "operators": sample.operators,
    "aircraft": sample.aircraft,
    "registrations": sample.registrations,
    "images": sample.images,
    "maintenance_events": sample.maintenance_events,
}
FILES = {
    "aircraft_types": ["aircraft_types.csv"],
    "operators": ["operators.csv"],
    "aircraft": [
        "faa_register.csv",
        "faa_register_2015.csv",
        "faa_deregistered.csv",
        "plane_alert_aircraft.csv",
        "ntsb_aircraft.csv",
    ],
    "registrations": ["registrations.csv"],
    "images": ["plane_alert_images.csv"],
    "maintenance_events": ["ntsb_events.csv"],
}
FIELD_TYPES: dict[str, Any] = {
    "icao24": values.Icao24,
    "registration": values.Mark,
    "mark": values.CivilMark,
    "typecode": values.TypeDesignator,
    "designator": values.TypeDesignator,
    "description_code": values.DescriptionCode,
    "operator": values.OperatorIcao,
    "icao": values.OperatorIcao,
    "iata": values.OperatorIata,
    "callsign": values.Callsign,
    "country": values.CountryCode,
    "status": values.AircraftStatus,
    "owner_kind": values.OwnerKind,
    "wake_category": values.WakeCategory,
    "kind": values.MaintenanceKind,
    "state": values.ImageState,
    "held_from": date,
    "held_until": date,
    "occurred_on": date,
    "year_built": int,
    "military": bool,
    "active": bool,
}


def accepted(name: str) -> list[dict[str, Any]]:
    """What a reader makes of the shipped files."""
    return [item for _, item in sample.sorted_out(READERS[name]())[0]]


def refused(name: str) -> list[sample.Refused]:
    """What a reader refuses in the shipped files."""
    return sample.sorted_out(READERS[name]())[1]


@pytest.mark.parametrize("name", READERS)
def test_every_line_is_read_or_refused(name: str) -> None:
    seen = Counter(read.line_number if isinstance(read, sample.Refused) else read[0] for read in READERS[name]())
    lengths = [len((sample.DATA / file).read_text(encoding="utf-8").splitlines()) for file in FILES[name]]
    assert set(seen) == set(range(2, max(lengths) + 1))
    assert name == "images" or sum(seen.values()) == sum(lengths) - len(lengths)


def test_the_sample_has_about_three_thousand_aircraft_and_what_belongs_to_them() -> None:
    assert {name: len(accepted(name)) for name in READERS} == {
        "aircraft_types": 295,
        "operators": 141,
        "aircraft": 2935,
        "registrations": 1804,
        "images": 1301,
        "maintenance_events": 443,
    }


def test_one_to_two_percent_of_the_sample_is_refused_for_stated_reasons() -> None:
    refusals = [refusal for name in READERS for refusal in refused(name)]
    total = len(refusals) + sum(len(accepted(name)) for name in READERS)
    assert 0.01 < len(refusals) / total < 0.02
    assert Counter((refusal.file, refusal.reason.partition(":")[0]) for refusal in refusals) == {
        ("aircraft_types.csv", "designator"): 8,
        ("aircraft_types.csv", "description_code"): 4,
        ("operators.csv", "icao"): 5,
        ("operators.csv", "callsign"): 3,
        ("operators.csv", "country"): 1,
        ("faa_register.csv", "the line is not CSV"): 1,
        ("faa_register.csv", "the line has 3 fields, not 10"): 1,
        ("faa_register.csv", "the line has 11 fields, not 10"): 1,
        ("plane_alert_aircraft.csv", "registration"): 24,
        ("ntsb_aircraft.csv", "registration"): 21,
        ("ntsb_events.csv", "registration"): 21,
        ("registrations.csv", "held_from"): 2,
    }


@pytest.mark.parametrize("name", READERS)
def test_what_is_read_is_canonical_already(name: str) -> None:
    for item in accepted(name):
        for field in item.keys() & FIELD_TYPES.keys():
            assert TypeAdapter(FIELD_TYPES[field]).validate_python(item[field], strict=True) == item[field]


@pytest.mark.parametrize("name", ["registrations", "images", "maintenance_events"])
def test_what_is_known_of_an_aircraft_leads_to_an_aircraft_of_the_sample(name: str) -> None:
    assert {item["icao24"] for item in accepted(name)} <= {item["icao24"] for item in accepted("aircraft")}


def test_every_type_and_operator_of_an_aircraft_is_in_the_sample() -> None:
    aircraft = accepted("aircraft")
    assert {item["typecode"] for item in aircraft if "typecode" in item} <= {
        item["designator"] for item in accepted("aircraft_types")
    }
    assert {item["operator"] for item in aircraft if "operator" in item} <= {
        item["icao"] for item in accepted("operators")
    }


def test_identities_occur_once_except_where_the_readme_says_so() -> None:
    def repeated(name: str, *fields: str) -> list[Any]:
        counts = Counter(tuple(item.get(field) for field in fields) for item in accepted(name))
        return sorted(key for key, count in counts.items() if count > 1)

    assert repeated("aircraft", "icao24") == [("a00001",)]
    assert repeated("aircraft_types", "designator") == []
    assert repeated("operators", "icao") == []
    assert repeated("registrations", "icao24", "held_from", "mark") == []
    assert repeated("maintenance_events", "event_id") == []
    assert len(repeated("images", "image_id")) == 13


def test_us_aircraft_carry_the_address_of_their_n_number() -> None:
    us = [item for item in accepted("aircraft") if re.match("N[0-9]", item.get("registration", ""))]
    assert len(us) > 2000
    assert [item for item in us if values.icao24_of_n_number(item["registration"]) != item["icao24"]] == []


def test_a_reused_mark_has_its_earlier_and_its_present_airframe() -> None:
    held = [item for item in accepted("registrations") if item["mark"] == "N2623"]
    assert [(item["held_from"], item.get("serial_number")) for item in held] == [
        (date(1982, 2, 4), None),
        (date(2023, 12, 20), "5650"),
    ]
    marks = Counter(item["mark"] for item in accepted("registrations"))
    assert len([mark for mark, count in marks.items() if count > 1]) == 15


def test_no_file_has_a_column_for_persons_or_places() -> None:
    columns = {
        column.strip().lower()
        for path in sample.DATA.glob("*.csv")
        for column in path.read_text(encoding="utf-8-sig").splitlines()[0].split(",")
    }
    assert {column for column in columns if "name" in column} == {"name"}
    for word in ("owner", "street", "city", "zip", "county", "location", "narrative", "pilot", "latitude"):
        assert [column for column in columns if word in column] == []
    named = [path.name for path in sample.DATA.glob("*.csv") if ",Name," in path.read_text(encoding="utf-8")]
    assert named == ["operators.csv"]


def test_the_sample_is_small_and_every_file_is_described() -> None:
    files = [path for path in sample.DATA.iterdir() if path.name != "README.md"]
    readme = (sample.DATA / "README.md").read_text(encoding="utf-8")
    assert {path.name for path in files} == {file for files_of in FILES.values() for file in files_of} | {*INGESTED}
    assert sum(path.stat().st_size for path in files) < 1_500_000
    assert [path.name for path in files if f"`{path.name}`" not in readme] == []


def read_with(name: str, file: str, text: str) -> list[sample.Read]:
    """What a reader makes of a folder where one file holds its header and this text, and the others headers alone."""
    with tempfile.TemporaryDirectory() as folder:
        for other in FILES[name]:
            shutil.copy(sample.DATA / other, folder)
            path = Path(folder, other)
            header = path.read_text(encoding="utf-8-sig").splitlines()[0]
            path.write_text(header + "\n" + (text if other == file else ""), encoding="utf-8", errors="surrogatepass")
        return list(READERS[name](Path(folder)))


ANY_LINE = st.text(st.characters(exclude_characters="\r\n"), max_size=80)


@pytest.mark.parametrize(("name", "file"), [(name, file) for name, files in FILES.items() for file in files])
@settings(max_examples=25, deadline=None)
@given(lines=st.lists(ANY_LINE | st.lists(ANY_LINE, min_size=5, max_size=12).map(",".join), min_size=1, max_size=4))
def test_no_line_whatever_breaks_a_reader_or_disappears(name: str, file: str, lines: list[str]) -> None:
    reads = read_with(name, file, "".join(f"{line}\n" for line in lines))
    numbers = {read.line_number if isinstance(read, sample.Refused) else read[0] for read in reads}
    assert numbers == set(range(2, len(lines) + 2))


def test_a_stray_quote_spoils_its_own_line_only() -> None:
    good, bad = "DLH,LH,Lufthansa,LUFTHANSA,Y,DE\n", 'DLH,LH,"Lufthansa,LUFTHANSA,Y,DE\n'
    reads = read_with("operators", "operators.csv", good + bad + good)
    assert [isinstance(read, sample.Refused) for read in reads] == [False, True, False]


def test_bytes_that_are_no_utf8_are_refused() -> None:
    reads = read_with("operators", "operators.csv", "DLH,LH,Luft\udc80hansa,LUFTHANSA,Y,DE\n")
    assert reads == [sample.Refused("operators.csv", 2, "the line is not UTF-8")]


@pytest.mark.parametrize(
    ("since", "read"),
    [
        ("20240823", date(2024, 8, 23)),
        ("2024-08-23", date(2024, 8, 23)),
        ("8/3/2024", date(2024, 8, 3)),
        ("20242308", "held_from: month must be in 1..12"),
        ("23.08.2024", "held_from: not a date of the form yyyymmdd, yyyy-mm-dd or m/d/yyyy"),
        ("", "held_from: missing"),
        ("        ", "held_from: missing"),
    ],
)
def test_dates_are_read_in_the_formats_of_all_sources(since: str, read: date | str) -> None:
    [one] = read_with("registrations", "registrations.csv", f"10000,1,{since},\n")
    assert (one.reason if isinstance(one, sample.Refused) else one[1]["held_from"]) == read


def test_a_cut_keeps_all_lines_of_a_chosen_key_in_their_order() -> None:
    records = [{"key": str(number % 10), "number": str(number)} for number in range(100)]
    chosen = cut(records, 3, "key")
    assert len(chosen) == 30
    assert chosen == [record for record in records if record in chosen]
    assert chosen == cut(reversed(records), 3, "key")[::-1]


def test_the_joins_of_the_cut_know_when_they_know_nothing() -> None:
    assert faa_designator("PC-12/47E") == "PC12"
    assert faa_designator("BD-100-1A10") == ""
    assert ntsb_designator("Cessna", "172N") == "C172"
    assert ntsb_designator("Cessna", "172RG") == "C72R"
    assert operator_key("AMERICAN AIRLINES, INC. (FORT WORTH, TX)") == operator_key("American Airlines")
    assert [owner_kind_code(name) for name in ("AN OWNER LLC", "AN OWNER INC", "STATE OF TEXAS", "OWNER JO A")] == [
        "7",
        "3",
        "5",
        "",
    ]
