"""Conditions, updates and projections as DynamoDB expression strings; the one place that speaks to pynamodb."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pynamodb.expressions import condition as rendered
from pynamodb.expressions.operand import Path, Value
from pynamodb.expressions.projection import create_projection_expression  # pyright: ignore[reportUnknownVariableType]
from pynamodb.expressions.update import SetAction, Update

from aircraftops_data.errors import InvalidInputError, InvalidValueError
from aircraftops_data.model.conditions import (
    Attribute,
    BeginsWith,
    Between,
    Both,
    Comparison,
    Condition,
    Contains,
    Either,
    Exists,
    In,
    Negation,
    Operand,
    Size,
    Stored,
)
from aircraftops_data.model.definition import AttributeValue, Item
from aircraftops_data.translation.values import encode_value

OperandEncoder = Callable[[Attribute | None, Any], AttributeValue]
"""How a plain operand compared with an attribute is written; the entity's codec where there is one."""


def encode_operand(_: Attribute | None, value: Any) -> AttributeValue:
    """An operand by its own type."""
    return encode_value(value)


@dataclass(frozen=True)
class Changes:
    """What an update does to attributes, by their stored names."""

    set: Item = field(default_factory=dict[str, AttributeValue])
    remove: Sequence[str] = ()
    add: Item = field(default_factory=dict[str, AttributeValue])
    set_if_absent: Item = field(default_factory=dict[str, AttributeValue])
    shift: Sequence[tuple[str, str]] = ()
    """Attributes that take what another, which is set, was before."""
    count: Sequence[str] = ()
    """Attributes that go up by one, from 0 where they are absent."""


class Expressions:
    """Gathers the expressions of one request and the names and values they share."""

    def __init__(self, encode: OperandEncoder = encode_operand) -> None:
        self._encode = encode
        self._names: dict[str, str] = {}
        self._values: dict[str, Any] = {}

    def condition(self, condition: Condition) -> str:
        """A condition, filter or key condition."""
        return str(self._rendered(condition).serialize(self._names, self._values))

    def update(self, changes: Changes) -> str:
        """An update expression."""
        update = Update()
        for name, stored in changes.set.items():
            update.add_action(SetAction(Path([name]), Value(stored)))
        for name, stored in changes.set_if_absent.items():
            update.add_action(SetAction(Path([name]), Path([name]) | Value(stored)))
        for name in changes.count:
            update.add_action(SetAction(Path([name]), (Path([name]) | Value({"N": "0"})) + Value({"N": "1"})))
        for name, former in changes.shift:
            update.add_action(SetAction(Path([name]), Path([former]) | Value(changes.set[former])))
        for name in changes.remove:
            update.add_action(Path([name]).remove())
        for name, stored in changes.add.items():
            update.add_action(Path([name]).add(Value(stored)))
        return str(update.serialize(self._names, self._values))

    def projection(self, attributes: Iterable[Attribute]) -> str:
        """The attributes to read."""
        return str(create_projection_expression([_path(attribute) for attribute in attributes], self._names))

    def parameters(self) -> dict[str, Any]:
        """The request parameters that carry the names and values used."""
        found: dict[str, Any] = {}
        if self._names:
            found["ExpressionAttributeNames"] = {place: name for name, place in self._names.items()}
        if self._values:
            found["ExpressionAttributeValues"] = self._values
        return found

    def _rendered(self, condition: Condition) -> Any:
        match condition:
            case Both(left, right):
                return rendered.And(self._rendered(left), self._rendered(right))
            case Either(left, right):
                return rendered.Or(self._rendered(left), self._rendered(right))
            case Negation(Exists(left)):
                return rendered.NotExists(self._operand(left))
            case Negation(inner):
                return rendered.Not(self._rendered(inner))
            case Exists(left):
                return rendered.Exists(self._operand(left))
            case _:
                return self._compared(condition)

    def _compared(self, condition: Condition) -> Any:
        match condition:
            case Comparison(operator, left, right):
                return rendered.Comparison(operator, self._operand(left, right), self._operand(right, left))
            case Between(left, low, high):
                bounds = (self._operand(bound, left) for bound in (low, high))
                return rendered.Between(self._operand(left), *bounds)
            case In(left, choices):
                if not 0 < len(choices) <= 100:
                    raise InvalidInputError("is_in takes 1 to 100 values")
                return rendered.In(self._operand(left), *(self._operand(choice, left) for choice in choices))
            case BeginsWith(left, prefix):
                return rendered.BeginsWith(self._operand(left), self._operand(prefix))
            case Contains(left, part):
                return rendered.Contains(self._operand(left), self._operand(part))
            case _:
                raise InvalidInputError(f"{type(condition).__name__} is not a condition")

    def _operand(self, operand: Operand, against: Operand = None) -> Any:
        match operand:
            case Attribute():
                return _path(operand)
            case Size(of):
                return rendered.size(_path(of))  # pyright: ignore[reportUnknownMemberType]
            case Stored(value):
                return Value(dict(value))
            case None:
                raise InvalidValueError("Nothing equals None in a condition; use exists() or does_not_exist()")
            case _:
                return Value(self._encode(against if isinstance(against, Attribute) else None, operand))


def _path(attribute: Attribute) -> Path:
    """A document path; pynamodb writes list positions as part of the segment before them."""
    segments: list[str] = []
    for step in (attribute.name, *attribute.path):
        if isinstance(step, str):
            segments.append(_name(step))
        elif step < 0:
            raise InvalidInputError("A position in a list counts from 0; there is none from the end")
        else:
            segments[-1] += f"[{step}]"
    return Path(segments)


def _name(name: str) -> str:
    if not name or "[" in name or "]" in name:
        raise InvalidInputError(f"Attribute name {name!r} is empty or holds a bracket, which expressions cannot name")
    return name
