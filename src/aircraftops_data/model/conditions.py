"""Conditions as values: built from an entity's fields, compared, combined and printed; nothing is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NoReturn

Comparator = Literal["=", "<>", "<", "<=", ">", ">="]


@dataclass(frozen=True, eq=True)
class Condition:
    """A yes-or-no question about a stored item; combine with `&`, `|` and `~`."""

    def __and__(self, other: Condition) -> Condition:
        return Both(self, other)

    def __or__(self, other: Condition) -> Condition:
        return Either(self, other)

    def __invert__(self) -> Condition:
        return Negation(self)

    def __bool__(self) -> NoReturn:
        """Refused: `a == 1 and b == 2` would silently drop a part; write `(a == 1) & (b == 2)`."""
        raise TypeError("A condition has no truth value here; combine conditions with &, | and ~")


@dataclass(frozen=True)
class Attribute:
    """A stored attribute named as it is in the item, for what no entity field covers."""

    name: str
    path: tuple[str | int, ...] = ()

    def __str__(self) -> str:
        return self.name + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)


@dataclass(frozen=True)
class Size:
    """The size of an attribute: characters, bytes, or elements."""

    of: Attribute

    def __str__(self) -> str:
        return f"size({self.of})"


@dataclass(frozen=True)
class Stored:
    """An operand that is a DynamoDB attribute value already."""

    value: Any


Operand = Attribute | Size | Stored | Any


def _shown(operand: Operand) -> str:
    return str(operand) if isinstance(operand, Attribute | Size) else repr(operand)


@dataclass(frozen=True)
class Comparison(Condition):
    """Left compared with right."""

    operator: Comparator
    left: Operand
    right: Operand

    def __str__(self) -> str:
        return f"{self.left} {self.operator} {_shown(self.right)}"


@dataclass(frozen=True)
class Between(Condition):
    """Low <= left <= high."""

    left: Operand
    low: Operand
    high: Operand

    def __str__(self) -> str:
        return f"{self.left} BETWEEN {_shown(self.low)} AND {_shown(self.high)}"


@dataclass(frozen=True)
class In(Condition):
    """Left is one of up to 100 values."""

    left: Operand
    choices: tuple[Operand, ...]

    def __str__(self) -> str:
        return f"{self.left} IN ({', '.join(map(_shown, self.choices))})"


@dataclass(frozen=True)
class Exists(Condition):
    """The attribute is stored."""

    left: Operand

    def __str__(self) -> str:
        return f"attribute_exists({self.left})"


@dataclass(frozen=True)
class BeginsWith(Condition):
    """The text begins with a prefix."""

    left: Operand
    prefix: Operand

    def __str__(self) -> str:
        return f"begins_with({self.left}, {self.prefix!r})"


@dataclass(frozen=True)
class Contains(Condition):
    """The text has a part, or the set or list an element."""

    left: Operand
    part: Operand

    def __str__(self) -> str:
        return f"contains({self.left}, {self.part!r})"


@dataclass(frozen=True)
class Both(Condition):
    """Left and right."""

    left: Condition
    right: Condition

    def __str__(self) -> str:
        return f"({self.left} AND {self.right})"


@dataclass(frozen=True)
class Either(Condition):
    """Left or right."""

    left: Condition
    right: Condition

    def __str__(self) -> str:
        return f"({self.left} OR {self.right})"


@dataclass(frozen=True)
class Negation(Condition):
    """Not this."""

    inner: Condition

    def __str__(self) -> str:
        return f"(NOT {self.inner})"


def absent(operand: Operand) -> Condition:
    """The attribute is not stored."""
    return Negation(Exists(operand))


class _Comparable:
    """Something stored that can be compared; comparing gives a `Condition`, not a bool."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def _left(self) -> Operand:
        raise NotImplementedError

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return Comparison("=", self._left(), _operand(other))

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return Comparison("<>", self._left(), _operand(other))

    def __lt__(self, other: object) -> Condition:
        return Comparison("<", self._left(), _operand(other))

    def __le__(self, other: object) -> Condition:
        return Comparison("<=", self._left(), _operand(other))

    def __gt__(self, other: object) -> Condition:
        return Comparison(">", self._left(), _operand(other))

    def __ge__(self, other: object) -> Condition:
        return Comparison(">=", self._left(), _operand(other))


class FieldPath(_Comparable):
    """A field of an entity, or a place inside it, to build conditions and projections from.

    Comparing gives a `Condition`, not a bool: `(Aircraft.f.operator == "UAL") & (Aircraft.f.year_built < 2000)`.
    """

    __slots__ = ("attribute", "entity", "field")

    def __init__(self, entity: type[Any], field: str, attribute: Attribute) -> None:
        self.entity = entity
        self.field = field
        self.attribute = attribute

    def __getitem__(self, step: str | int) -> FieldPath:
        inner = Attribute(self.attribute.name, (*self.attribute.path, step))
        return FieldPath(self.entity, self.field, inner)

    def __getattr__(self, step: str) -> FieldPath:
        if step.startswith("_"):
            raise AttributeError(step)
        return self[step]

    def __str__(self) -> str:
        return str(self.attribute)

    def __repr__(self) -> str:
        return f"{self.entity.__name__}.f.{self.attribute}"

    def _left(self) -> Operand:
        return self.attribute

    def between(self, low: object, high: object) -> Condition:
        """Low <= this <= high."""
        return Between(self.attribute, _operand(low), _operand(high))

    def is_in(self, *choices: object) -> Condition:
        """This is one of up to 100 values."""
        return In(self.attribute, tuple(_operand(choice) for choice in choices))

    def exists(self) -> Condition:
        """The field is stored (it is not None)."""
        return Exists(self.attribute)

    def does_not_exist(self) -> Condition:
        """The field is not stored (it is None)."""
        return absent(self.attribute)

    def starts_with(self, prefix: str) -> Condition:
        """The text begins with `prefix`."""
        return BeginsWith(self.attribute, prefix)

    def contains(self, part: object) -> Condition:
        """The text has this part, or the set or list this element."""
        return Contains(self.attribute, _operand(part))

    def size(self) -> SizePath:
        """The size: characters, bytes, or elements."""
        return SizePath(Size(self.attribute))


class SizePath(_Comparable):
    """The size of a field, to compare with a number, a field or another size."""

    __slots__ = ("size",)

    def __init__(self, size: Size) -> None:
        self.size = size

    def _left(self) -> Operand:
        return self.size


def _operand(value: object) -> Operand:
    if isinstance(value, FieldPath):
        return value.attribute
    return value.size if isinstance(value, SizePath) else value
