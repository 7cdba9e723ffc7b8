"""The fixed arithmetic between US N-numbers and ICAO 24-bit addresses: every N-number has its own address."""

import re

from aircraftops_data.entities.marks import n_number
from aircraftops_data.errors import InvalidValueError

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_FIRST = 0xA00001
_LAST = 0xADF7C7

# How many N-numbers begin with the same 1, 2, 3, 4 or 5 digits, and how many of those have no further digit.
# Addresses count up in the order "as it is, then with letters, then with one more digit".
_FAMILY = (101_711, 10_111, 951, 35, 1)
_WITHOUT_MORE_DIGITS = (601, 601, 601, 25, 1)


def icao24_of_n_number(mark: str) -> str:
    """The ICAO 24-bit address that belongs to a US N-number, from `N1` = `a00001` to `N99999` = `adf7c7`.

    The FAA derives the Mode S code of its register from the N-number, so the address stays with the mark, not with the
    airframe. Raises InvalidValueError for a mark that is no N-number; the historic NC, NL, NR and NX marks have none.
    """
    found = re.fullmatch("N([1-9][0-9]*)([A-Z]*)", n_number(mark))
    if found is None:
        raise InvalidValueError("an NC, NL, NR or NX mark has no ICAO 24-bit address")
    digits, letters = found.groups()
    address = _FIRST + (int(digits[0]) - 1) * _FAMILY[0]
    for place, digit in enumerate(digits[1:], start=1):
        address += _WITHOUT_MORE_DIGITS[place - 1] + int(digit) * _FAMILY[place]
    return f"{address + _letters_offset(letters, stride=_stride(len(digits))):06x}"


def n_number_of_icao24(icao24: str) -> str:
    """The US N-number that owns an ICAO 24-bit address (hexadecimal, any case): `a00725` gives `N10000`.

    Raises InvalidValueError outside `a00001` to `adf7c7`, where US addresses are not tied to an N-number.
    """
    if not re.fullmatch("[0-9A-Fa-f]{6}", icao24) or not _FIRST <= int(icao24, 16) <= _LAST:
        raise InvalidValueError("not the ICAO 24-bit address of an N-number: a00001 to adf7c7 are")
    digit, rest = divmod(int(icao24, 16) - _FIRST, _FAMILY[0])
    digits = str(digit + 1)
    while rest >= _WITHOUT_MORE_DIGITS[len(digits) - 1]:
        digit, rest = divmod(rest - _WITHOUT_MORE_DIGITS[len(digits) - 1], _FAMILY[len(digits)])
        digits += str(digit)
    return f"N{digits}{_letters_at(rest, stride=_stride(len(digits)))}"


def _stride(digit_count: int) -> int:
    """How many addresses one first letter takes: itself and its 24 pairs, or itself alone after a fourth digit."""
    return 25 if digit_count < 4 else 1


def _letters_offset(letters: str, stride: int) -> int:
    if not letters:
        return 0
    first = 1 + _LETTERS.index(letters[0]) * stride
    return first if len(letters) == 1 else first + 1 + _LETTERS.index(letters[1])


def _letters_at(offset: int, stride: int) -> str:
    if offset == 0:
        return ""
    first, pair = divmod(offset - 1, stride)
    return _LETTERS[first] + (_LETTERS[pair - 1] if pair else "")
