"""The value types of the domain: each validates and normalises a text, in pydantic fields and outside them.

Every type has a plain function under it (`Icao24` and `normalise_icao24`) that returns the canonical text or raises
InvalidValueError, which is a ValueError. All functions strip padding, settle the case, and leave a canonical text as
it is. The types take strings only; their JSON schema describes the canonical text.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, Strict, WithJsonSchema

from aircraftops_data.entities.marks import n_number, normalise_civil_mark, normalise_mark
from aircraftops_data.entities.us_addresses import icao24_of_n_number, n_number_of_icao24
from aircraftops_data.entities.vocabulary import (
    AircraftStatus,
    ImageState,
    MaintenanceKind,
    OwnerKind,
    WakeCategory,
    owner_kind_of_faa,
    status_of_faa,
)
from aircraftops_data.errors import InvalidValueError

__all__ = [
    "AircraftStatus",
    "AirportIata",
    "AirportIcao",
    "Callsign",
    "CivilMark",
    "CountryCode",
    "DescriptionCode",
    "Icao24",
    "ImageState",
    "MaintenanceKind",
    "Mark",
    "OperatorIata",
    "OperatorIcao",
    "OwnerKind",
    "Sha256",
    "TypeDesignator",
    "WakeCategory",
    "icao24_of_n_number",
    "n_number",
    "n_number_of_icao24",
    "normalise_airport_iata",
    "normalise_airport_icao",
    "normalise_callsign",
    "normalise_civil_mark",
    "normalise_country_code",
    "normalise_description_code",
    "normalise_icao24",
    "normalise_mark",
    "normalise_operator_iata",
    "normalise_operator_icao",
    "normalise_sha256",
    "normalise_type_designator",
    "owner_kind_of_faa",
    "status_of_faa",
]

_ICAO24 = "[0-9a-f]{6}"
_TYPE_DESIGNATOR = "[A-Z][A-Z0-9]{1,3}"
_DESCRIPTION_CODE = "[LSAGHT][1-8C][PTJER]"
_OPERATOR_ICAO = "[A-Z]{3}"
_OPERATOR_IATA = "[A-Z][A-Z0-9]|[0-9][A-Z]"
_CALLSIGN = "[A-Z0-9](?:[A-Z0-9 '-]{0,38}[A-Z0-9])?"
_COUNTRY_CODE = "[A-Z]{2}"
_AIRPORT_ICAO = "[A-Z]{4}"
_AIRPORT_IATA = "[A-Z]{3}"
_SHA256 = "[0-9a-f]{64}"

# ISO 3166-1 alpha-2, and XK: user-assigned there, yet the code for Kosovo in every airport data set.
_ISO_3166 = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA
    CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA
    GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP
    KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS
    MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS
    RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW
    TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW
"""
_COUNTRIES = frozenset(_ISO_3166.split())


def normalise_icao24(text: str) -> str:
    """An ICAO 24-bit aircraft address as six lower-case hexadecimal digits.

    000000 and ffffff are refused: ICAO Annex 10, volume III, does not let them be assigned to an aircraft.
    """
    icao24 = _matching(_ICAO24, text.strip().lower(), "an ICAO 24-bit address: six hexadecimal digits are needed")
    if icao24 in ("000000", "ffffff"):
        raise InvalidValueError("not an ICAO 24-bit address: all zeros and all ones are never assigned")
    return icao24


def normalise_type_designator(text: str) -> str:
    """An ICAO aircraft type designator: 2 to 4 upper-case letters and digits, a letter first. ZZZZ means "none".

    Source: ICAO Doc 8643. Only the form is checked; the document itself changes every month.
    """
    return _matching(_TYPE_DESIGNATOR, _upper(text), "a type designator: a letter, then 1 to 3 letters or digits")


def normalise_description_code(text: str) -> str:
    """The description of an aircraft type such as `L2J`: airframe, number of engines, kind of engine.

    Source: ICAO Doc 8643: Landplane, Seaplane, Amphibian, Gyrocopter, Helicopter, Tiltrotor; 1 to 8 engines, or C for
    two that drive one propeller; Piston, Turboprop, Jet, Electric, Rocket.
    """
    return _matching(_DESCRIPTION_CODE, _upper(text), "a description code such as L2J (ICAO Doc 8643)")


def normalise_operator_icao(text: str) -> str:
    """An operator's ICAO designator: three upper-case letters. Source: ICAO Doc 8585."""
    return _matching(_OPERATOR_ICAO, _upper(text), "an operator's ICAO designator: three letters are needed")


def normalise_operator_iata(text: str) -> str:
    """An airline's IATA designator: two letters or digits, at least one a letter. Source: IATA Resolution 762."""
    return _matching(_OPERATOR_IATA, _upper(text), "an airline's IATA designator: two symbols, one at least a letter")


def normalise_callsign(text: str) -> str:
    """A telephony designator in upper case with single spaces: letters, digits, `'` and `-`, at most 40 in all.

    Dots and commas are refused: in public files they are the tail of a company name, not a callsign.
    """
    callsign = " ".join(text.upper().split())
    return _matching(_CALLSIGN, callsign, "a callsign: up to 40 letters, digits, spaces, apostrophes and hyphens")


def normalise_country_code(text: str) -> str:
    """An ISO 3166-1 alpha-2 country code in upper case; XK is taken for Kosovo."""
    code = _upper(text)
    if code not in _COUNTRIES:
        raise InvalidValueError("not a country code of ISO 3166-1 alpha-2")
    return code


def normalise_airport_icao(text: str) -> str:
    """An ICAO location indicator: four upper-case letters. Source: ICAO Doc 7910; local codes such as K2I3 are none."""
    return _matching(_AIRPORT_ICAO, _upper(text), "an ICAO location indicator: four letters are needed")


def normalise_airport_iata(text: str) -> str:
    """An IATA location identifier: three upper-case letters. Source: IATA Resolution 763."""
    return _matching(_AIRPORT_IATA, _upper(text), "an IATA airport code: three letters are needed")


def normalise_sha256(text: str) -> str:
    """A SHA-256 digest as 64 lower-case hexadecimal digits."""
    return _matching(_SHA256, text.strip().lower(), "a SHA-256 digest: 64 hexadecimal digits are needed")


def _upper(text: str) -> str:
    return text.strip().upper()


def _matching(pattern: str, text: str, what: str) -> str:
    if not re.fullmatch(pattern, text):
        raise InvalidValueError(f"not {what}")
    return text


def _schema(pattern: str, example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^(?:{pattern})$", "examples": [example]})


Icao24 = Annotated[str, Strict(), AfterValidator(normalise_icao24), _schema(_ICAO24, "a00001")]
CivilMark = Annotated[
    str, Strict(), AfterValidator(normalise_civil_mark), _schema(r"[A-Z0-9]+(-[A-Z0-9]+){0,2}", "C-GMYL")
]
Mark = Annotated[str, Strict(), AfterValidator(normalise_mark), _schema(r"[A-Z0-9][A-Z0-9 .+/-]{0,15}", "54+13")]
TypeDesignator = Annotated[str, Strict(), AfterValidator(normalise_type_designator), _schema(_TYPE_DESIGNATOR, "A20N")]
DescriptionCode = Annotated[
    str, Strict(), AfterValidator(normalise_description_code), _schema(_DESCRIPTION_CODE, "L2J")
]
OperatorIcao = Annotated[str, Strict(), AfterValidator(normalise_operator_icao), _schema(_OPERATOR_ICAO, "DLH")]
OperatorIata = Annotated[str, Strict(), AfterValidator(normalise_operator_iata), _schema(_OPERATOR_IATA, "LH")]
Callsign = Annotated[str, Strict(), AfterValidator(normalise_callsign), _schema(_CALLSIGN, "LUFTHANSA")]
CountryCode = Annotated[str, Strict(), AfterValidator(normalise_country_code), _schema(_COUNTRY_CODE, "DE")]
AirportIcao = Annotated[str, Strict(), AfterValidator(normalise_airport_icao), _schema(_AIRPORT_ICAO, "EDDF")]
AirportIata = Annotated[str, Strict(), AfterValidator(normalise_airport_iata), _schema(_AIRPORT_IATA, "FRA")]
Sha256 = Annotated[str, Strict(), AfterValidator(normalise_sha256), _schema(_SHA256, "0" * 64)]
