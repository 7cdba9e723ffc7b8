"""The text of expressions, by their shapes; the one module that speaks to pynamodb."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pynamodb.expressions import condition as rendered
from pynamodb.expressions.operand import Path, Value
from pynamodb.expressions.projection import create_projection_expression  # pyright: ignore[reportUnknownVariableType]
from pynamodb.expressions.update import SetAction, Update

from aircraftops_data.errors import InvalidInputError
from aircraftops_data.translation.expressions import Shape


def text_of(shape: Shape, names: dict[str, str], values: dict[str, Any]) -> str:
    """The text of a shape; names and the places of its values are added to those of the other expressions."""
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
