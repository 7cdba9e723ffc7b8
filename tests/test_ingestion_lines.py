"""The ingestion example reads every kind of dirt, and says of what it cannot read no more than why."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aircraftops_data import Aircraft, Operator, Registration
from aircraftops_data.entities.values import AircraftStatus
from ingesting import DATA, few_lines
from ingestion.files import Folder, chunked
from ingestion.formats import FILES, Refusal, Said, Statement
from ingestion.judging import Looked, Outcome, Quarantined, Stored, Unchanged, judge
from ingestion.lines import Line, lines_of
from ingestion.quarantine import ReasonKind

K = ReasonKind
REGISTER = (
    "\ufeffN-NUMBER,SERIAL NUMBER,MFR,MODEL,YEAR MFR,TYPE REGISTRANT,LAST ACTION DATE,TYPE DESIGNATOR,OPERATOR,\r\n"
)
REGISTER_2015 = (
    "n_number,serial_number,mfr_mdl_code,year_mfr,type_registrant,cert_issue_date,status_code,expiration_date,"
    "mode_s_code,mode_s_code_hex,type_designator\n"
)
DEREGISTERED = (
    "N-NUMBER,SERIAL-NUMBER,MFR-MDL-CODE,STATUS-CODE,YEAR-MFR,CERT-ISSUE-DATE,CANCEL-DATE,MODE-S-CODE,"
    "KIT MFR, KIT MODEL,MODE S CODE HEX,\n"
)
HEARD = "icao24,registration,typecode,flags\n"


def said(folder: Path, file: str, text: str) -> list[Said]:
    """What the lines of a file with this text say."""
    (folder / file).write_bytes(text.encode())
    return list(Folder(folder, {file: FILES[file]}).said(file))


def only(folder: Path, file: str, text: str) -> Any:
    """The entity the one line is there for, or the kinds of reason against it."""
    (one,) = said(folder, file, text)
    return [reason.kind for reason in one.reasons] if isinstance(one, Refusal) else one.main


def register_line(**changed: str) -> str:
    """A line of the register as the FAA pads it."""
    cells = {"n": "1A   ", "serial": "7   ", "mfr": "BELL", "model": "206B ", "year": "1999", "kind": "3"}
    cells |= {"date": "20240131", "type": "B06 ", "operator": "   "} | changed
    return f"{','.join(cells.values())},\r\n"


def aircraft_of(folder: Path, text: str) -> Any:
    """The aircraft that a line of the register tells of by the way."""
    (one,) = said(folder, "faa_register.csv", REGISTER + text)
    assert isinstance(one, Statement)
    return one.about("Aircraft")


def test_padding_byte_order_mark_crlf_and_the_comma_at_the_end_are_read_over(tmp_path: Path) -> None:
    (one,) = said(tmp_path, "faa_register.csv", REGISTER + register_line())
    assert isinstance(one, Statement)
    assert one.line == 2
    assert one.main == Registration(mark="N1A", icao24="a00002", held_from=date(2024, 1, 31), serial_number="7")
    aircraft = one.about("Aircraft")
    assert isinstance(aircraft, Aircraft)
    assert (aircraft.model, aircraft.typecode, aircraft.operator) == ("206B", "B06", None)


@pytest.mark.parametrize("year", ["0000", "    ", ""])
def test_a_year_that_is_none_is_no_year(tmp_path: Path, year: str) -> None:
    assert aircraft_of(tmp_path, register_line(year=year)).year_built is None


def test_a_file_without_line_end_at_its_end_has_its_last_line(tmp_path: Path) -> None:
    assert isinstance(only(tmp_path, "faa_register.csv", REGISTER + register_line().rstrip()), Registration)


def test_a_header_alone_gives_nothing_and_blank_lines_are_no_lines(tmp_path: Path) -> None:
    assert said(tmp_path, "faa_register.csv", REGISTER) == []
    assert [one.line for one in said(tmp_path, "faa_register.csv", REGISTER + "\r\n" + register_line())] == [3]


@pytest.mark.parametrize(
    ("line", "kinds"),
    [
        pytest.param(register_line(mfr="BELL, INC"), [K.SHIFTED], id="a comma without quotes"),
        pytest.param(register_line()[:-3] + ",X\r\n", [K.SHIFTED], id="something behind the last comma"),
        pytest.param("1A   ,7\r\n", [K.SHIFTED], id="cut short"),
        pytest.param(register_line(serial='"7'), [K.UNREADABLE], id="a stray quote"),
        pytest.param(register_line(n="     "), [K.MISSING], id="no mark"),
        pytest.param(register_line(date="        "), [K.MISSING], id="no date"),
        pytest.param(register_line(date="20240231"), [K.INVALID], id="no such day"),
        pytest.param(register_line(date="31012024"), [K.INVALID], id="day and year exchanged"),
        pytest.param(register_line(n="1O   "), [K.INVALID], id="a letter no mark has"),
        pytest.param(register_line(year="99", date=""), [K.MISSING, K.INVALID], id="two faults, both told"),
        pytest.param(register_line(model="X" * 201), [K.INVALID], id="longer than the entity takes"),
    ],
)
def test_a_line_of_the_register_that_cannot_be_taken_says_why(tmp_path: Path, line: str, kinds: list[K]) -> None:
    assert only(tmp_path, "faa_register.csv", REGISTER + line) == kinds


def test_bytes_that_are_no_utf8_spoil_their_line_alone(tmp_path: Path) -> None:
    (tmp_path / "faa_register.csv").write_bytes(
        REGISTER.encode() + register_line(mfr="BÉLL").encode("latin-1") + register_line().encode()
    )
    first, second = Folder(tmp_path, {"faa_register.csv": FILES["faa_register.csv"]}).said("faa_register.csv")
    assert isinstance(first, Refusal)
    assert [reason.kind for reason in first.reasons] == [K.UNREADABLE]
    assert isinstance(second, Statement)


def line_2015(octal: str = "50000002", hexadecimal: str = "A00002", code: str = "056185D") -> str:
    """A line of the register of 2015."""
    return f"N1A,NA,{code},2008,3,2008-08-28,V,2018-01-31,{octal},{hexadecimal},NA\n"


@pytest.mark.parametrize("hexadecimal", ["A00002", "a00002"])
def test_hexadecimal_codes_of_either_case_model_codes_with_letters_and_na_are_read(
    tmp_path: Path, hexadecimal: str
) -> None:
    found = only(tmp_path, "faa_register_2015.csv", REGISTER_2015 + line_2015(hexadecimal=hexadecimal))
    held = {"held_from": date(2008, 8, 28), "held_until": date(2018, 1, 31)}
    assert found == Registration(mark="N1A", icao24="a00002", **held)


@pytest.mark.parametrize(
    ("line", "kinds"),
    [
        pytest.param(line_2015(octal="50000003"), [K.CODES_DISAGREE], id="octal and hexadecimal"),
        pytest.param(line_2015("50000001", "A00001"), [K.CODES_DISAGREE], id="address and mark"),
        pytest.param(line_2015(octal="50000009"), [K.INVALID], id="no octal digit"),
        pytest.param(line_2015(code="X56185D"), [K.INVALID], id="no model code"),
    ],
)
def test_codes_that_cannot_be_are_refused(tmp_path: Path, line: str, kinds: list[K]) -> None:
    assert only(tmp_path, "faa_register_2015.csv", REGISTER_2015 + line) == kinds


def test_a_reused_mark_gives_both_airframes_and_a_header_with_a_leading_space_is_found(tmp_path: Path) -> None:
    text = DEREGISTERED + (
        "1    ,121 ,1000102,V ,    ,19370716,19390901,50000001,      ,      ,A00001    ,\n"
        "1    ,058B,0191006,V ,    ,19450601,19480512,50000001,KITS  ,DREAM ,A00001    ,\n"
    )
    lines = said(tmp_path, "faa_deregistered.csv", text)
    repeats = Looked().look("faa_deregistered.csv", lines)
    first, second = (judge(line, repeats, _nothing) for line in lines)
    assert isinstance(first, Stored)
    assert isinstance(second, Stored)
    assert [type(entity).__name__ for entity in first.entities] == ["Registration", "Aircraft"]
    assert [type(entity).__name__ for entity in second.entities] == ["Registration"]
    assert isinstance(lines[1], Statement)
    told = lines[1].about("Aircraft")
    assert isinstance(told, Aircraft)
    assert (told.model, told.status) == ("DREAM", AircraftStatus.DEREGISTERED)


def _nothing(_: object) -> None:
    return None


@pytest.mark.parametrize("station", ["TWR,TWR", "GND,GND", "SERV,", ",TEST"])
def test_a_ground_station_is_no_aircraft(tmp_path: Path, station: str) -> None:
    assert only(tmp_path, "tar1090_aircraft.csv", f"{HEARD}1059DA,{station},00\n") == [K.NO_AIRCRAFT]


@pytest.mark.parametrize(
    ("line", "mark", "military"),
    [("3EA2D7,54+13,TOR,10", "54+13", True), ("3425D6,U.21-01,C650,10", "U.21-01", True), ("008696,,,00", None, False)],
)
def test_marks_that_are_no_n_numbers_and_no_marks_at_all_are_read(
    tmp_path: Path, line: str, mark: str | None, military: bool
) -> None:
    found = only(tmp_path, "tar1090_aircraft.csv", f"{HEARD}{line}\n")
    assert (found.registration, found.military) == (mark, military)


def test_a_type_that_is_none_is_refused(tmp_path: Path) -> None:
    assert only(tmp_path, "tar1090_aircraft.csv", f"{HEARD}AE6809,,P8 ?,10\n") == [K.INVALID]


def test_json_lines_with_null_lower_case_and_stray_spaces_are_read(tmp_path: Path) -> None:
    text = '{"icao24":"461f53","model":"Airbus A350-941 ","typecode":null,"operatoricao":"FIN","built":"2015-01-01"}\n'
    found = only(tmp_path, "opensky_airbus.jsonl", text)
    assert found == Aircraft(icao24="461f53", model="Airbus A350-941", operator="FIN", year_built=2015)


@pytest.mark.parametrize("text", ['{"icao24":', "[1]", '"461f53"'])
def test_a_line_that_is_no_json_object_is_unreadable(tmp_path: Path, text: str) -> None:
    assert only(tmp_path, "opensky_airbus.jsonl", text) == [K.UNREADABLE]


@pytest.mark.parametrize("null", ["", r"\N", '""', '"-"', '"N/A"', '"..."', r'"\\' + "'" + r"\\" + "'" + '"'])
def test_nulls_of_every_spelling_are_nothing(tmp_path: Path, null: str) -> None:
    found = only(tmp_path, "openflights_airlines.dat", f'7,"Air",{null},{null},"AIR",{null},{null},"n"\n')
    assert found == Operator(icao="AIR", name="Air", active=False)


def test_a_quote_behind_a_backslash_does_not_end_a_field(tmp_path: Path) -> None:
    line = r'11806,"Say \"Air\", d\'Aviation","","E9","AFR","AFRICOMPANY","Congo","Y"' + "\n"
    assert only(tmp_path, "openflights_airlines.dat", line).name == 'Say "Air", d\'Aviation'


def outcomes(folder: Folder) -> Iterator[tuple[str, Said, Outcome]]:
    """What becomes of every line of a folder."""
    looked = Looked()
    for file in folder.formats:
        lines = list(folder.said(file))
        repeats = looked.look(file, lines)
        yield from ((file, line, judge(line, repeats, folder.earlier)) for line in lines)


def test_a_line_said_again_is_unchanged_and_one_that_says_otherwise_is_told_from_which(tmp_path: Path) -> None:
    again = "008696,ZS-CMF,CRJ2,00\n008696,ZS-CMF,,00\n008696,ZS-CMF,CRJ9,00\n0086AA,ZS-CMF,CRJ2,00\n"
    (tmp_path / "tar1090_aircraft.csv").write_text(f"{HEARD}008696,ZS-CMF,CRJ2,00\n{again}")
    folder = Folder(tmp_path, {"tar1090_aircraft.csv": FILES["tar1090_aircraft.csv"]})
    found = [outcome for _, _, outcome in outcomes(folder)]
    assert [type(outcome) for outcome in found] == [Stored, Unchanged, Unchanged, Quarantined, Quarantined]
    said_why = [str(reason) for outcome in found if isinstance(outcome, Quarantined) for reason in outcome.reasons]
    assert said_why == [
        "says otherwise: Aircraft: line 2 of tar1090_aircraft.csv has the say on typecode",
        "mark taken: registration: line 2 of tar1090_aircraft.csv gives it to another aircraft",
    ]


def test_no_two_lines_write_the_same_item_or_mark() -> None:
    written: Counter[tuple[Any, ...]] = Counter()
    for _, _, outcome in outcomes(Folder(DATA)):
        for entity in outcome.entities if isinstance(outcome, Stored) else ():
            written[type(entity).__name__, *entity.identity().values()] += 1
            if isinstance(entity, Aircraft) and entity.registration:
                written["mark", entity.registration] += 1
    assert len(written) > 4000
    assert [key for key, count in written.items() if count > 1] == []


def test_the_sample_has_every_kind_of_reason_but_one() -> None:
    """No public file here has two codes for an address that disagree."""
    kinds = {
        reason.kind
        for _, _, outcome in outcomes(Folder(DATA))
        if isinstance(outcome, Quarantined)
        for reason in outcome.reasons
    }
    assert kinds == set(ReasonKind) - {K.CODES_DISAGREE}


def test_no_reason_repeats_what_the_line_held() -> None:
    for file, _, outcome in outcomes(Folder(DATA)):
        if isinstance(outcome, Quarantined):
            told = " ".join(str(reason) for reason in outcome.reasons)
            assert [cell for cell in _held(file, outcome.line) if cell in told] == []


def _held(file: str, number: int) -> list[str]:
    """The cells of a line that are long enough not to stand in a reason by chance."""
    with (DATA / file).open("rb") as stream:
        text = next(line for line in lines_of(stream) if line.number == number).raw.decode()
    cells = json.loads(text).values() if FILES[file].split is None else text.replace('"', ",").split(",")
    return [cell.strip() for cell in cells if len(cell.strip()) > 3]


@pytest.mark.parametrize("file", FILES)
def test_a_line_of_nothing_but_names_is_refused_without_a_word_of_them(tmp_path: Path, file: str) -> None:
    first = (DATA / file).read_text("utf-8-sig").splitlines()[0]
    form = FILES[file]
    width = len(form.columns) or len(first.rstrip(",").split(","))
    if form.split is None:
        text = '{"icao24":"JOHN DOE","model":"JOHN DOE","typecode":"JOHN DOE","operatoricao":"JOHN DOE"}\n'
    else:
        comma = "," if first.endswith(",") else ""
        text = (f"{first}\n" if form.header else "") + ",".join(["JOHN DOE"] * width) + f"{comma}\n"
    (one,) = said(tmp_path, file, text)
    assert isinstance(one, Refusal)
    assert "JOHN" not in repr(one)


LINE = st.binary(max_size=60).filter(lambda raw: b"\n" not in raw and raw.strip(b"\r") != b"")


@pytest.mark.parametrize("file", FILES)
@given(lines=st.lists(LINE, min_size=1, max_size=4))
def test_no_line_whatever_breaks_a_reader_or_disappears(file: str, lines: list[bytes]) -> None:
    form = FILES[file]
    names = form.names(next(lines_of([(DATA / file).read_bytes().splitlines()[0]])) if form.header else None)
    read = [form.says(names, Line(number, raw)) for number, raw in enumerate(lines, start=2)]
    assert [one.line for one in read] == list(range(2, len(lines) + 2))


def test_chunks_cover_all_lines_once() -> None:
    assert list(chunked([2, 3, 5, 8, 9], 2)) == [(2, 3), (5, 8), (9, 9)]
    assert list(chunked([], 2)) == []


def test_other_contents_are_another_run(tmp_path: Path) -> None:
    first = few_lines(tmp_path)
    (tmp_path / "tar1090_aircraft.csv").write_text(HEARD)
    assert Folder(tmp_path, first.formats).run == Folder(tmp_path, first.formats).run
    before = (DATA / "tar1090_aircraft.csv").read_bytes()
    changed = Folder(tmp_path, first.formats).run
    (tmp_path / "tar1090_aircraft.csv").write_bytes(before)
    assert Folder(tmp_path, first.formats).run != changed
