"""The value types accept what the rules allow, normalise it, and refuse the rest for a stated reason."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from aircraftops_data.entities import values
from aircraftops_data.entities.values import (
    AircraftStatus,
    OwnerKind,
    WakeCategory,
    icao24_of_n_number,
    n_number,
    n_number_of_icao24,
    normalise_civil_mark,
    normalise_mark,
    owner_kind_of_faa,
    status_of_faa,
)
from aircraftops_data.errors import InvalidValueError
from domain_strategies import (
    DIGITS,
    LETTERS,
    US_LETTERS,
    icao24s,
    marks,
    military_marks,
    n_numbers,
    padded,
    registrations,
    us_icao24s,
)

TYPES: dict[str, tuple[Any, Callable[[str], str]]] = {
    "Icao24": (values.Icao24, values.normalise_icao24),
    "CivilMark": (values.CivilMark, values.normalise_civil_mark),
    "Mark": (values.Mark, values.normalise_mark),
    "TypeDesignator": (values.TypeDesignator, values.normalise_type_designator),
    "DescriptionCode": (values.DescriptionCode, values.normalise_description_code),
    "OperatorIcao": (values.OperatorIcao, values.normalise_operator_icao),
    "OperatorIata": (values.OperatorIata, values.normalise_operator_iata),
    "Callsign": (values.Callsign, values.normalise_callsign),
    "CountryCode": (values.CountryCode, values.normalise_country_code),
    "AirportIcao": (values.AirportIcao, values.normalise_airport_icao),
    "AirportIata": (values.AirportIata, values.normalise_airport_iata),
    "Sha256": (values.Sha256, values.normalise_sha256),
}

ACCEPTED = [
    ("Icao24", " A00725    ", "a00725"),
    ("Icao24", "3E92AC", "3e92ac"),
    ("CivilMark", "N1", "N1"),
    ("CivilMark", "n1000a ", "N1000A"),
    ("CivilMark", "N99999", "N99999"),
    ("CivilMark", "N 100AA", "N100AA"),
    ("CivilMark", "NC6404", "NC6404"),
    ("CivilMark", "NX5148", "NX5148"),
    ("CivilMark", "CGMYL", "C-GMYL"),
    ("CivilMark", "XAMEJ", "XA-MEJ"),
    ("CivilMark", "GBJZC", "G-BJZC"),
    ("CivilMark", "9VSQQ", "9V-SQQ"),
    ("CivilMark", "A7HJJ", "A7-HJJ"),
    ("CivilMark", "A4OAA", "A4O-AA"),
    ("CivilMark", "vpbab", "VP-BAB"),
    ("CivilMark", "CF-TLU", "CF-TLU"),
    ("CivilMark", "JA001K", "JA001K"),
    ("CivilMark", "HL7248", "HL7248"),
    ("CivilMark", "UK-78703", "UK-78703"),
    ("CivilMark", "YV469T", "YV469T"),
    ("CivilMark", "HP-1376CMP", "HP-1376CMP"),
    ("CivilMark", "OB-2140-P", "OB-2140-P"),
    ("CivilMark", "OK-YUA 94", "OK-YUA94"),
    ("CivilMark", "B-16740", "B-16740"),
    ("CivilMark", "RDPL-34229", "RDPL-34229"),
    ("Mark", "54+13", "54+13"),
    ("Mark", " u.21-01", "U.21-01"),
    ("Mark", "08  BLUE", "08 BLUE"),
    ("Mark", "ZK333", "ZK333"),
    ("Mark", "NZ7571", "NZ7571"),
    ("Mark", "57-2609", "57-2609"),
    ("Mark", "xamej", "XA-MEJ"),
    ("TypeDesignator", "a20n ", "A20N"),
    ("TypeDesignator", "A002", "A002"),
    ("TypeDesignator", "MT", "MT"),
    ("TypeDesignator", "ZZZZ", "ZZZZ"),
    ("DescriptionCode", "l2j", "L2J"),
    ("DescriptionCode", "LCT", "LCT"),
    ("OperatorIcao", "dlh", "DLH"),
    ("OperatorIata", "8z", "8Z"),
    ("OperatorIata", "4B", "4B"),
    ("Callsign", " Aerovias  Del Cesar", "AEROVIAS DEL CESAR"),
    ("Callsign", "BRASD'OR", "BRASD'OR"),
    ("Callsign", "9F", "9F"),
    ("CountryCode", "de", "DE"),
    ("CountryCode", "XK", "XK"),
    ("AirportIcao", "eddf", "EDDF"),
    ("AirportIata", " fra", "FRA"),
    ("Sha256", "AB" * 32, "ab" * 32),
]

REFUSED = [
    ("Icao24", "000000", "never assigned"),
    ("Icao24", "FFFFFF", "never assigned"),
    ("Icao24", "A0072", "six hexadecimal digits"),
    ("Icao24", "A0072G", "six hexadecimal digits"),
    ("Icao24", "0xA0072", "six hexadecimal digits"),
    ("CivilMark", "1000A", "not a civil registration"),
    ("CivilMark", "N0123", "a digit from 1 to 9"),
    ("CivilMark", "N753OM", "I and O are not used"),
    ("CivilMark", "N1234AB", "1 to 5 letters and digits"),
    ("CivilMark", "N12ABC", "at most two letters"),
    ("CivilMark", "N1A23", "at most two letters"),
    ("CivilMark", "N52-005", "1 to 5 letters and digits"),
    ("CivilMark", "54+13", "not a civil registration"),
    ("CivilMark", "ZK333", "not a civil registration"),
    ("CivilMark", "C-DRF", "not a civil registration"),
    ("CivilMark", "G-15", "not a civil registration"),
    ("CivilMark", "ZK=LFT", "not a civil registration"),
    ("CivilMark", "", "not a civil registration"),
    *[
        ("Mark", placeholder, "not a mark")
        for placeholder in (
            "NONE",
            "UNK",
            "N/A",
            "TWR",
            "GND",
            "SERV",
            "TEST",
            "-",
            "...",
            "????",
            "",
            "Tactical",
            "10-00258?",
        )
    ],
    ("Mark", "N0123", "a digit from 1 to 9"),
    ("Mark", "12345678901234567", "1 to 16"),
    ("TypeDesignator", "P8 ?", "a letter, then 1 to 3"),
    ("TypeDesignator", "UOSUAV", "a letter, then 1 to 3"),
    ("TypeDesignator", "32N", "a letter, then 1 to 3"),
    ("TypeDesignator", "A", "a letter, then 1 to 3"),
    ("DescriptionCode", "R2T", "description code"),
    ("DescriptionCode", "L0-", "description code"),
    ("OperatorIcao", "KW1", "three letters"),
    ("OperatorIcao", "N/A", "three letters"),
    ("OperatorIata", "20", "at least a letter"),
    ("OperatorIata", "&T", "at least a letter"),
    ("OperatorIata", "ЯП", "at least a letter"),
    ("Callsign", " S.A. de C.V.", "callsign"),
    ("Callsign", "AFRICAN BUSINESS-", "callsign"),
    ("Callsign", "A" * 41, "callsign"),
    ("CountryCode", "UK", "ISO 3166"),
    ("CountryCode", "ZZ", "ISO 3166"),
    ("AirportIcao", "K2I3", "four letters"),
    ("AirportIata", r"\N", "three letters"),
    ("Sha256", "ab" * 31, "64 hexadecimal"),
]


@pytest.mark.parametrize(("name", "text", "canonical"), ACCEPTED)
def test_a_well_formed_text_is_normalised_alike_inside_and_outside_pydantic(
    name: str, text: str, canonical: str
) -> None:
    annotation, normalise = TYPES[name]
    assert normalise(text) == canonical
    assert TypeAdapter(annotation).validate_python(text) == canonical


@pytest.mark.parametrize(("name", "text", "reason"), REFUSED)
def test_an_ill_formed_text_is_refused_with_its_reason(name: str, text: str, reason: str) -> None:
    annotation, normalise = TYPES[name]
    with pytest.raises(InvalidValueError, match=re.escape(reason)):
        normalise(text)
    with pytest.raises(ValidationError, match=re.escape(reason)):
        TypeAdapter(annotation).validate_python(text)


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("value", [10543909, b"A00725", None, ["A00725"]])
def test_only_a_string_is_taken(name: str, value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(TYPES[name][0]).validate_python(value)


@pytest.mark.parametrize(("name", "text", "canonical"), ACCEPTED)
def test_a_canonical_text_fits_the_json_schema_of_its_type(name: str, text: str, canonical: str) -> None:
    schema: dict[str, Any] = TypeAdapter(TYPES[name][0]).json_schema()
    assert schema["type"] == "string"
    assert re.search(schema["pattern"], canonical)
    [example] = schema["examples"]
    assert re.search(schema["pattern"], example)


@pytest.mark.parametrize("name", TYPES)
@given(text=st.text())
def test_normalising_any_text_is_idempotent_or_refused(name: str, text: str) -> None:
    normalise = TYPES[name][1]
    try:
        canonical = normalise(text)
    except InvalidValueError:
        return
    assert normalise(canonical) == canonical
    assert canonical == canonical.strip()


@given(n_numbers())
def test_every_n_number_of_the_regulation_is_a_registration(mark: str) -> None:
    assert normalise_civil_mark(mark) == mark
    assert n_number(mark[1:]) == mark


def _allowed_by_47_15(symbols: str) -> bool:
    digits = symbols.rstrip(US_LETTERS)
    return 1 <= len(symbols) <= 5 and digits.isdigit() and digits[0] != "0" and len(symbols) - len(digits) <= 2


@given(n_numbers(), st.data())
def test_an_n_number_with_one_symbol_changed_is_judged_by_the_regulation_alone(mark: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(1, len(mark) - 1))
    symbol = data.draw(st.sampled_from(LETTERS + DIGITS + "-+./?"))
    changed = mark[:place] + symbol + mark[place + 1 :]
    assume(changed[1] not in "CLRX")  # the marks of before 1948
    try:
        accepted = normalise_civil_mark(changed) == changed
    except InvalidValueError:
        accepted = False
    assert accepted == _allowed_by_47_15(changed[1:])


@given(n_numbers(), st.data())
def test_an_n_number_with_one_symbol_too_many_is_judged_by_the_regulation_alone(mark: str, data: st.DataObject) -> None:
    longer = mark + data.draw(st.sampled_from(LETTERS + DIGITS))
    try:
        accepted = normalise_mark(longer) == longer
    except InvalidValueError:
        accepted = False
    assert accepted == _allowed_by_47_15(longer[1:])


@given(padded(registrations()))
def test_padding_and_case_do_not_change_a_registration(text: str) -> None:
    assert normalise_civil_mark(text) == normalise_civil_mark(text.strip().upper())


@given(padded(marks()))
def test_every_mark_is_kept_in_upper_case(text: str) -> None:
    assert normalise_mark(text) == text.strip().upper()


@given(military_marks())
def test_a_military_mark_is_no_registration(mark: str) -> None:
    with pytest.raises(InvalidValueError):
        normalise_civil_mark(mark)


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ-./ ", max_size=20))
def test_a_mark_without_a_digit_is_a_civil_registration_or_none(text: str) -> None:
    try:
        mark = normalise_mark(text)
    except InvalidValueError:
        return
    assert normalise_civil_mark(text) == mark


@given(padded(icao24s()))
def test_every_assignable_address_is_normalised_to_lower_case(text: str) -> None:
    assert values.normalise_icao24(text) == text.strip().lower()


def test_a_bare_faa_number_gets_its_n() -> None:
    assert n_number("1000A ") == "N1000A"
    assert n_number("N1000A") == "N1000A"
    assert n_number("NC6404") == "NC6404"


@pytest.mark.parametrize("text", ["UNKNO", "275D9", "", "0123", "C-GMYL"])
def test_what_is_no_n_number_gets_no_n(text: str) -> None:
    with pytest.raises(InvalidValueError, match="not an N-number"):
        n_number(text)


# The first three are in the FAA's published layout samples; the others are the ends of the range and of its families.
KNOWN_ADDRESSES = [
    ("N1", "a00001"),
    ("N10000", "a00725"),
    ("N100WG", "a006af"),
    ("N1A", "a00002"),
    ("N1AA", "a00003"),
    ("N1ZZ", "a00259"),
    ("N10", "a0025a"),
    ("N2", "a18d50"),
    ("N99999", "adf7c7"),
]


@pytest.mark.parametrize(("mark", "icao24"), KNOWN_ADDRESSES)
def test_an_n_number_and_its_address_lead_to_each_other(mark: str, icao24: str) -> None:
    assert icao24_of_n_number(mark) == icao24
    assert n_number_of_icao24(icao24.upper()) == mark


@given(n_numbers())
def test_every_n_number_has_an_address_of_its_own(mark: str) -> None:
    assert n_number_of_icao24(icao24_of_n_number(mark)) == mark


@given(us_icao24s())
def test_every_address_of_the_us_block_has_an_n_number(icao24: str) -> None:
    assert icao24_of_n_number(n_number_of_icao24(icao24)) == icao24


@pytest.mark.parametrize("icao24", ["a00000", "adf7c8", "ae0000", "3e92ac", "", "zzzzzz"])
def test_an_address_outside_the_us_block_has_no_n_number(icao24: str) -> None:
    with pytest.raises(InvalidValueError, match="a00001 to adf7c7"):
        n_number_of_icao24(icao24)


@pytest.mark.parametrize(("mark", "reason"), [("NC6404", "NC, NL, NR or NX"), ("C-GMYL", "not an N-number")])
def test_a_mark_that_is_no_n_number_has_no_us_address(mark: str, reason: str) -> None:
    with pytest.raises(InvalidValueError, match=reason):
        icao24_of_n_number(mark)


def test_a_vocabulary_forgives_padding_and_case_but_no_other_word() -> None:
    assert AircraftStatus(" active ") is AircraftStatus.ACTIVE
    assert TypeAdapter(WakeCategory).validate_python("j") is WakeCategory.SUPER
    with pytest.raises(ValidationError):
        TypeAdapter(WakeCategory).validate_python("-")


def test_the_faa_codes_map_onto_the_vocabularies() -> None:
    assert status_of_faa("V ") is AircraftStatus.ACTIVE
    assert status_of_faa("27") is AircraftStatus.DEREGISTERED
    assert status_of_faa("5") is AircraftStatus.UNKNOWN
    assert owner_kind_of_faa(" 7") is OwnerKind.LLC
    assert {owner_kind_of_faa(code) for code in "12345789"} == set(OwnerKind)


def test_every_faa_status_code_is_mapped() -> None:
    codes = [*"ADEMNRSTVWXZ", *map(str, range(1, 30))]
    assert {status_of_faa(code) for code in codes} == {
        AircraftStatus.ACTIVE,
        AircraftStatus.DEREGISTERED,
        AircraftStatus.UNKNOWN,
    }


@pytest.mark.parametrize("mapping", [status_of_faa, owner_kind_of_faa])
@pytest.mark.parametrize("code", ["", "6x", "30", "0"])
def test_an_unknown_faa_code_is_refused(mapping: Callable[[str], object], code: str) -> None:
    with pytest.raises(InvalidValueError, match="of the FAA"):
        mapping(code)


@pytest.mark.parametrize(("name", "text", "reason"), REFUSED)
def test_a_refusal_does_not_repeat_the_refused_text(name: str, text: str, reason: str) -> None:
    with pytest.raises(InvalidValueError) as refusal:
        TYPES[name][1](text)
    assert len(text) < 4 or text not in str(refusal.value)
