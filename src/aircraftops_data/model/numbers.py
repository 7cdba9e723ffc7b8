"""Numbers as DynamoDB holds them: up to 38 significant digits, 1E-130 to 9.99E+125, nothing else.

Source: DynamoDB Developer Guide, "Supported data types and naming rules", Number.
"""

from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow, Rounded, Subnormal, Underflow

from aircraftops_data.errors import InvalidValueError

_CONTEXT = Context(
    prec=38, Emin=-130, Emax=125, traps=[Inexact, Rounded, Overflow, Underflow, Subnormal, InvalidOperation]
)


def number_text(value: float | Decimal) -> str:
    """The stored text of a number; floats by their shortest repr. Raises InvalidValueError where it cannot be exact."""
    if isinstance(value, int) and -(10**38) < value < 10**38:
        return str(int(value))
    try:
        number = _CONTEXT.create_decimal(repr(float(value)) if isinstance(value, float) else _trimmed(value))
    except (Inexact, Rounded, Overflow, Underflow, Subnormal, InvalidOperation) as error:
        raise InvalidValueError("A number must have at most 38 digits and lie within 1E-130 and 9.99E+125") from error
    if not number.is_finite():
        raise InvalidValueError("NaN and Infinity cannot be stored as a number")
    return str(number)


def _trimmed(value: Decimal | int) -> Decimal:
    """Without trailing zeros, which are no significant digits to DynamoDB but are to `decimal`."""
    sign, digits, exponent = Decimal(value).as_tuple()
    if not isinstance(exponent, int):
        return Decimal(value)
    kept = list(digits)
    while len(kept) > 1 and kept[-1] == 0:
        kept.pop()
    return Decimal((sign, tuple(kept), exponent + len(digits) - len(kept)))


def number_value(text: str) -> int | Decimal:
    """A stored number: an int where it is written as one, else a Decimal."""
    try:
        return int(text)
    except ValueError:
        return Decimal(text)
