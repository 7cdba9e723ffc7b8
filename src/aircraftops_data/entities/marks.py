"""Registration marks: the grammar of US N-numbers, of other civil marks, and of whatever else an aircraft may carry."""

import re

from aircraftops_data.errors import InvalidValueError

# 14 CFR 47.15(b): at most five symbols after N, the first of them 1-9, at most two letters, those last, never I or O.
_US = re.compile(r"N[1-9](?:[0-9]{0,4}|[0-9]{0,3}[A-HJ-NP-Z]|[0-9]{0,2}[A-HJ-NP-Z]{2})")

# Until 1948 a second letter told the category: Commercial, Limited, Restricted, eXperimental.
_US_HISTORIC = re.compile(r"N[CLRX][1-9](?:[0-9]{0,4}|[0-9]{0,3}[A-HJ-NP-Z])")

# Nationality marks of ICAO Annex 7, with a few that were withdrawn but are still painted on old airframes
# (CF Canada, UN Kazakhstan, T9 Bosnia). Those with a narrower grammar of their own stand in _SERIES.
_NATIONS = """
    3A 3B 3C 3D 3X 4K 4L 4O 4R 4U 4W 4X 5A 5B 5H 5N 5R 5T 5U 5V 5W 5X 5Y 6O 6V 6W 6Y 7O 7P 7Q 7T 8P 8Q 8R
    9A 9G 9H 9J 9K 9L 9M 9N 9Q 9S 9T 9U 9V 9Y A2 A3 A5 A6 A7 A8 AP C2 C3 C5 C6 C9 CC CF CN CP CR CS CU CX
    D2 D4 D6 DQ E3 E4 E5 E7 EC EI EJ EK EM EP ER ES ET EW EX EY EZ H4 HA HB HC HH HJ HK HP HR HS HZ J2 J3 J5
    J6 J7 J8 JU JY LN LQ LV LX LY LZ OB OD OE OH OK OM OO OY P2 P4 PH PJ PK PP PR PS PT PU PZ RA RF RP S2 S3
    S5 S7 S9 SE SN SP ST SU SX T2 T3 T7 T8A T9 TC TF TG TI TJ TL TN TR TS TT TU TY TZ UN UP UR V2 V3 V4 V5 V6 V7
    V8 VH VN VT XA XB XC XT XU XY XZ YA YI YJ YK YL YN YR YS YU Z3 Z6 Z8 ZA ZJ ZK ZL ZM ZP ZS ZT ZU
"""
_ANY_GROUP = r"[A-Z0-9]{3,7}(?:-[A-Z])?"
_SERIES = {
    "2": r"[A-Z]{4}",
    "B": r"[HKLM][A-Z]{2}|[0-9][A-Z0-9]{3}|[0-9]{5}",
    "C": r"[FGI][A-Z]{3}",
    "D": r"[A-Z]{4}|[0-9]{4}",
    "F": r"[A-Z]{4}",
    "G": r"[A-Z]{4}",
    "I": r"[A-Z]{4}|[A-Z0-9][0-9]{3}",
    "M": r"[A-Z]{4}",
    "P": r"[0-9]{3}",
    "Z": r"[A-Z]{3}",
    "3DC": r"[A-Z]{2,3}",
    "9XR": r"[A-Z]{2,3}",
    "A4O": r"[A-Z]{2,3}",
    "A9C": r"[A-Z]{2,3}",
    "HI": r"[0-9]{3,4}",
    "HL": r"[0-9]{4}|[A-Z][0-9]{3}",
    "JA": r"[0-9]{4}|[0-9]{3}[A-Z]|[0-9]{2}[A-Z]{2}",
    "RDPL": r"[0-9]{5}",
    "UK": r"[0-9]{5}",
    "VP": r"[ABCFGLM][A-Z]{2}",
    "VQ": r"[BCHT][A-Z]{2}",
    "YV": r"[0-9]{3,4}[A-Z]?",
}
# Annex 7 asks for the hyphen only before a letter; these states write their numbers without one.
_UNHYPHENATED = {"HI", "HL", "JA", "UK", "YV"}

_GROUP_AFTER_HYPHEN = {nation: re.compile(_SERIES.get(nation, _ANY_GROUP)) for nation in [*_NATIONS.split(), *_SERIES]}
_GROUP_JOINED = {nation: re.compile(_SERIES.get(nation, r"[A-Z]{3}")) for nation in _GROUP_AFTER_HYPHEN}

_OTHER_MARK = re.compile(r"(?=.*[0-9])[A-Z0-9](?:[A-Z0-9 .+/-]{0,14}[A-Z0-9])?")


def n_number(text: str) -> str:
    """A US mark from a file that leaves the N out, as the FAA's own do: `1000A ` becomes `N1000A`.

    A mark that has its N already is accepted too. Raises InvalidValueError for anything else.
    """
    mark = _squeezed(text)
    mark = mark if mark.startswith("N") else f"N{mark}"
    if not _is_us(mark):
        raise InvalidValueError(_us_fault(mark))
    return mark


def normalise_civil_mark(text: str) -> str:
    """A civil registration mark in upper case, with the hyphen its state writes: `cgmyl` becomes `C-GMYL`.

    A missing hyphen is put in only before letters, because letters and digits without a hyphen are often a military
    serial (`ZK333` is a Typhoon, not a New Zealander). The form cannot tell who flies it: state aircraft that are
    marked like civil ones (`F-RBAY`, `RF-36092`) pass. Sources: 14 CFR 47.15, ICAO Annex 7 and its list of marks.
    Raises InvalidValueError for military serials, unknown nationality marks, bare FAA numbers and placeholders.
    """
    mark = _squeezed(text)
    if _is_us(mark):
        return mark
    if re.match("N[0-9]", mark):
        raise InvalidValueError(_us_fault(mark))
    civil = _hyphenated(mark) if "-" in mark else _joined(mark)
    if civil is None:
        raise InvalidValueError("not a civil registration: a nationality mark and a group its state issues are needed")
    return civil


def normalise_mark(text: str) -> str:
    """The mark an aircraft carries: a civil registration, or else a military serial or code such as `54+13`.

    A civil mark is written as `normalise_civil_mark` writes it; a mark of N and a digit must be a true N-number.
    Any other mark has 1 to 16 letters, digits, spaces and `. + / -`, and at least one digit: that alone keeps out
    the placeholders of public files (NONE, UNK, N/A, TWR, GND, ????). Raises InvalidValueError.
    """
    try:
        return normalise_civil_mark(text)
    except InvalidValueError:
        mark = " ".join(text.upper().split())
        if re.match("N[0-9]", mark):
            raise
    if not _OTHER_MARK.fullmatch(mark):
        raise InvalidValueError("not a mark: 1 to 16 letters, digits, spaces or . + / - with at least one digit")
    return mark


def _squeezed(text: str) -> str:
    return "".join(text.upper().split())


def _is_us(mark: str) -> bool:
    return bool(_US.fullmatch(mark) or _US_HISTORIC.fullmatch(mark))


def _us_fault(mark: str) -> str:
    symbols = mark[1:]
    if not 1 <= len(symbols) <= 5:
        return "not an N-number: 1 to 5 letters and digits follow the N"
    if symbols[0] not in "123456789":
        return "not an N-number: the first symbol after the N is a digit from 1 to 9"
    if "I" in symbols or "O" in symbols:
        return "not an N-number: the letters I and O are not used"
    return "not an N-number: after the digits come at most two letters"


def _hyphenated(mark: str) -> str | None:
    nation, _, group = mark.partition("-")
    pattern = _GROUP_AFTER_HYPHEN.get(nation)
    return mark if pattern and pattern.fullmatch(group) else None


def _joined(mark: str) -> str | None:
    for size in range(1, 5):
        nation, group = mark[:size], mark[size:]
        pattern = _GROUP_JOINED.get(nation)
        if pattern is None or not pattern.fullmatch(group):
            continue
        if nation in _UNHYPHENATED:
            return mark
        if group.isalpha():
            return f"{nation}-{group}"
    return None
