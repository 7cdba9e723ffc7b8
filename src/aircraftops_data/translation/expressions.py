"""Conditions, updates and projections taken apart into shapes and values, and put into the parameters of a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar

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
        parameters["ExpressionAttributeValues"] = dict(zip(_places(len(values)), values, strict=True))
    return parameters


@lru_cache(1024)
def _places(count: int) -> tuple[str, ...]:
    """The placeholders of so many values, as pynamodb numbers them."""
    return tuple(f":{place}" for place in range(count))


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
        shaper = self._SHAPERS.get(type(condition))
        if shaper is None:
            raise InvalidInputError(f"{type(condition).__name__} is not a condition")
        return shaper(self, condition)

    def _both(self, both: Both) -> Shape:
        return ("and", self._condition(both.left), self._condition(both.right))

    def _either(self, either: Either) -> Shape:
        return ("or", self._condition(either.left), self._condition(either.right))

    def _negation(self, negation: Negation) -> Shape:
        if isinstance(negation.inner, Exists):
            return ("absent", self._operand(negation.inner.left))
        return ("not", self._condition(negation.inner))

    def _exists(self, exists: Exists) -> Shape:
        return ("exists", self._operand(exists.left))

    def _comparison(self, compared: Comparison) -> Shape:
        left, right = compared.left, compared.right
        return ("compare", compared.operator, self._operand(left, right), self._operand(right, left))

    def _between(self, between: Between) -> Shape:
        left = between.left
        return ("between", self._operand(left), self._operand(between.low, left), self._operand(between.high, left))

    def _in(self, found: In) -> Shape:
        if not 0 < len(found.choices) <= 100:
            raise InvalidInputError("is_in takes 1 to 100 values")
        return ("in", self._operand(found.left), *[self._operand(choice, found.left) for choice in found.choices])

    def _begins_with(self, begins: BeginsWith) -> Shape:
        return ("begins_with", self._operand(begins.left), self._operand(begins.prefix))

    def _contains(self, contains: Contains) -> Shape:
        return ("contains", self._operand(contains.left), self._operand(contains.part))

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

    _SHAPERS: ClassVar[Mapping[type, Callable[[Any, Any], Shape]]] = {
        Both: _both,
        Either: _either,
        Negation: _negation,
        Exists: _exists,
        Comparison: _comparison,
        Between: _between,
        In: _in,
        BeginsWith: _begins_with,
        Contains: _contains,
    }


@lru_cache(4096)
def _rendered(shapes: tuple[tuple[str, Shape], ...]) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The text of each shape by parameter, and the names they share by placeholder."""
    # Imported where it is first needed: reading by key takes no expressions.
    from aircraftops_data.translation.rendering import text_of

    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    texts = {parameter: text_of(shape, names, values) for parameter, shape in shapes}
    return texts, {place: name for name, place in names.items()}
