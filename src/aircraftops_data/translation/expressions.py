"""Conditions, updates and projections as DynamoDB expression strings; the one place that speaks to pynamodb."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
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


@dataclass(slots=True)
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


Expression = Condition | Changes | list[Attribute]
Shape = tuple[Any, ...]
"""An expression without its values: nested tuples of words and attribute names, so that it can be looked up."""

_VALUE: Shape = ("value",)


def expressed(encode: OperandEncoder = encode_operand, **expressions: Expression | None) -> dict[str, Any]:
    """The parameters that hold these expressions (by the parameter's name) and the names and values they share.

    The text of an expression depends on its shape alone: it is made once for each and kept.
    """
    values: list[AttributeValue] = []
    shaping = _Shaping(encode, values)
    shapes = tuple((name, shaping.shape(found)) for name, found in expressions.items() if found is not None)
    texts, names = _rendered(shapes)
    parameters: dict[str, Any] = dict(texts)
    if names:
        parameters["ExpressionAttributeNames"] = dict(names)
    if values:
        parameters["ExpressionAttributeValues"] = {f":{place}": value for place, value in enumerate(values)}
    return parameters


class _Shaping:
    """Takes expressions apart: the shape is given, the values go to a list, in the order they will be named in."""

    def __init__(self, encode: OperandEncoder, values: list[AttributeValue]) -> None:
        self._encode = encode
        self._values = values

    def shape(self, expression: Expression) -> Shape:
        """The shape of an expression."""
        if isinstance(expression, Changes):
            return self._changes(expression)
        if isinstance(expression, list):
            return ("projection", *((attribute.name, *attribute.path) for attribute in expression))
        return self._condition(expression)

    def _changes(self, changes: Changes) -> Shape:
        self._values += changes.set.values()
        self._values += changes.set_if_absent.values()
        self._values += [{"N": "0"}, {"N": "1"}] * len(changes.count)
        self._values += [changes.set[former] for _, former in changes.shift]
        self._values += changes.add.values()
        added = tuple((name, *stored) for name, stored in changes.add.items())
        plain = (changes.set, changes.set_if_absent, changes.count, changes.shift, changes.remove)
        return ("update", *map(tuple, plain), added)

    def _condition(self, condition: Condition) -> Shape:
        match condition:
            case Both(left, right):
                return ("and", self._condition(left), self._condition(right))
            case Either(left, right):
                return ("or", self._condition(left), self._condition(right))
            case Negation(Exists(left)):
                return ("absent", self._operand(left))
            case Negation(inner):
                return ("not", self._condition(inner))
            case Exists(left):
                return ("exists", self._operand(left))
            case _:
                return self._compared(condition)

    def _compared(self, condition: Condition) -> Shape:
        match condition:
            case Comparison(operator, left, right):
                return ("compare", operator, self._operand(left, right), self._operand(right, left))
            case Between(left, low, high):
                return ("between", self._operand(left), self._operand(low, left), self._operand(high, left))
            case In(left, choices):
                if not 0 < len(choices) <= 100:
                    raise InvalidInputError("is_in takes 1 to 100 values")
                return ("in", self._operand(left), *[self._operand(choice, left) for choice in choices])
            case BeginsWith(left, prefix):
                return ("begins_with", self._operand(left), self._operand(prefix))
            case Contains(left, part):
                return ("contains", self._operand(left), self._operand(part))
            case _:
                raise InvalidInputError(f"{type(condition).__name__} is not a condition")

    def _operand(self, operand: Operand, against: Operand = None) -> Shape:
        if isinstance(operand, Attribute):
            return ("path", operand.name, *operand.path)
        if isinstance(operand, Size):
            return ("size", operand.of.name, *operand.of.path)
        if isinstance(operand, Stored):
            self._values.append(operand.value)
        elif operand is None:
            raise InvalidValueError("Nothing equals None in a condition; use exists() or does_not_exist()")
        else:
            self._values.append(self._encode(against if isinstance(against, Attribute) else None, operand))
        return _VALUE


_KEPT_SHAPES = 4096


@lru_cache(_KEPT_SHAPES)
def _rendered(shapes: tuple[tuple[str, Shape], ...]) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The text of each shape by parameter, and the names they share by placeholder."""
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    texts = {parameter: _text(shape, names, values) for parameter, shape in shapes}
    return texts, {place: name for name, place in names.items()}


def _text(shape: Shape, names: dict[str, str], values: dict[str, Any]) -> str:
    if shape[0] == "projection":
        return str(create_projection_expression([_path(*path) for path in shape[1:]], names))
    made = _update(*shape[1:]) if shape[0] == "update" else _made(shape)
    return str(made.serialize(names, values))


def _update(
    assigned: Iterable[str],
    if_absent: Iterable[str],
    counted: Iterable[str],
    shifted: Iterable[tuple[str, str]],
    removed: Iterable[str],
    added: Iterable[tuple[str, str]],
) -> Any:
    update = Update()
    for name in assigned:
        update.add_action(SetAction(Path([name]), _value()))
    for name in if_absent:
        update.add_action(SetAction(Path([name]), Path([name]) | _value()))
    for name in counted:
        update.add_action(SetAction(Path([name]), (Path([name]) | _value("N")) + _value("N")))
    for name, former in shifted:
        update.add_action(SetAction(Path([name]), Path([former]) | _value()))
    for name in removed:
        update.add_action(Path([name]).remove())
    for name, kind in added:
        update.add_action(Path([name]).add(_value(kind)))
    return update


def _value(kind: str = "S") -> Value:
    """A value of which only the place counts; pynamodb looks at the type of what is added."""
    return Value({kind: [""] if kind.endswith("S") and kind != "S" else "0"})


def _made(shape: Shape) -> Any:
    """A condition or an operand of pynamodb's."""
    word, *rest = shape
    if word == "value":
        return _value()
    if word == "path":
        return _path(*rest)
    if word == "size":
        return rendered.size(_path(*rest))  # pyright: ignore[reportUnknownMemberType]
    if word == "compare":
        return rendered.Comparison(rest[0], *map(_made, rest[1:]))
    return _CONDITIONS[word](*map(_made, rest))


_CONDITIONS: dict[str, Callable[..., Any]] = {
    "and": rendered.And,
    "or": rendered.Or,
    "not": rendered.Not,
    "exists": rendered.Exists,
    "absent": rendered.NotExists,
    "between": rendered.Between,
    "in": rendered.In,
    "begins_with": rendered.BeginsWith,
    "contains": rendered.Contains,
}


def _path(*steps: str | int) -> Path:
    """A document path; pynamodb writes list positions as part of the segment before them."""
    segments: list[str] = []
    for step in steps:
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
