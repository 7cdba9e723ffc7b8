"""Numbers as DynamoDB holds them: up to 38 significant digits, 1E-130 to 9.99E+125, nothing else.

Source: DynamoDB Developer Guide, "Supported data types and naming rules", Number.
"""

import re
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow, Rounded, Subnormal, Underflow

from aircraftops_data.errors import InvalidValueError

_CONTEXT = Context(
    prec=38, Emin=-130, Emax=125, traps=[Inexact, Rounded, Overflow, Underflow, Subnormal, InvalidOperation]
)


# A fraction written out, with few enough digits and none far below the point; most are.
_PLAIN = re.compile(r"-?(?:[1-9]\d{0,17}|0)\.\d{1,6}").fullmatch


def number_text(value: float | Decimal) -> str:
    """The stored text of a number, the same for equal numbers; floats by their shortest repr.

    Raises InvalidValueError where it cannot be exact.
    """
    if isinstance(value, int) and -(10**38) < value < 10**38:
        return str(int(value))
    if not isinstance(value, int) and _PLAIN(text := repr(value) if isinstance(value, float) else str(value)):
        trimmed = text.rstrip("0").rstrip(".")
        return "0" if trimmed == "-0" else trimmed
    try:
        number = _CONTEXT.create_decimal(_trimmed(Decimal(repr(value)) if isinstance(value, float) else Decimal(value)))
    except (Inexact, Rounded, Overflow, Underflow, Subnormal, InvalidOperation) as error:
        raise InvalidValueError("A number must have at most 38 digits and lie within 1E-130 and 9.99E+125") from error
    if not number.is_finite():
        raise InvalidValueError("NaN and Infinity cannot be stored as a number")
    whole = number.as_tuple().exponent >= 0 and number.adjusted() < 38  # type: ignore[operator]
    return str(int(number)) if whole else str(number)


def _trimmed(value: Decimal) -> Decimal:
    """Without trailing zeros, which are no significant digits to DynamoDB but are to `decimal`."""
    if not value.is_finite():
        return value
    if not value:
        return Decimal(0)
    sign, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits)).rstrip("0")
    return Decimal((sign, tuple(map(int, text)), int(exponent) + len(digits) - len(text)))


def number_value(text: str) -> int | Decimal:
    """A stored number: an int where it is written as one, else a Decimal. Raises ValueError, ArithmeticError."""
    try:
        return int(text)
    except ValueError:
        number = Decimal(text)
    if not number.is_finite():
        raise ValueError("NaN and Infinity are no numbers to DynamoDB")
    return number
