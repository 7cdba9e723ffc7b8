"""Lambda's event patterns: whether a text is one, and whether an event is as it asks.

By AWS Lambda's "Filter rule syntax" (Lambda Developer Guide, "Control which events Lambda sends to your function"), and
where that is silent by Event Ruler, the library of AWS behind it (github.com/aws/event-ruler). Known differences:

- Lambda compares numbers as they are written: 300, 300.0 and 3.0e2 differ. Here a number is what JSON made of it, so
  300 and 300.0 differ, and 300.0 and 3.0e2 do not.
- What Event Ruler can and Lambda's page does not list is refused here: `wildcard`, `cidr`, `exactly`, and whatever is
  no text, number or list of either under `anything-but`. Whether Lambda takes them is not said.
- Of a name given twice in one JSON object only the last counts here.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt
from typing import Any, NoReturn, TypeGuard

from aircraftops_data.errors import InvalidInputError

Rule = Callable[[Any], bool]
"""Whether a value of the event will do."""
Branch = Mapping[str, tuple[Rule, ...]]
"""What must hold together: for each field, a rule that does. Fields are written as names joined with dots."""
_Places = tuple[tuple[str, int], ...]

_ABSENT = object()
_MOST_BRANCHES = 1000
_MOST = 5.0e9
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {"=": eq, "<": lt, "<=": le, ">": gt, ">=": ge}
_RANGES = {"=", "<", "<=", ">", ">=", "> <", "> <=", ">= <", ">= <="}


def is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether a value is what JSON calls an object."""
    return isinstance(value, Mapping)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Whether a value is what JSON calls an array."""
    return isinstance(value, list)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern that has been read."""

    names: frozenset[str]
    """What it asks for at the top of the event, outside of any `$or`."""
    branches: tuple[Branch, ...]

    @classmethod
    def of(cls, pattern: str | Mapping[str, Any]) -> Pattern:
        """Read a pattern, as JSON text or out of it. Raises InvalidInputError for what AWS would refuse."""
        read = _json(pattern) if isinstance(pattern, str) else pattern
        if not is_object(read):
            _refuse("it is not a JSON object")
        for name in ("data", "dynamodb"):
            if is_array(read.get(name)):
                _refuse(f"{name!r} is data, whose pattern is an object")
        return cls(frozenset(read), tuple(_object(read, "", [{}])))

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Whether the event has what the pattern asks for."""
        leaves: defaultdict[str, list[tuple[Any, _Places]]] = defaultdict(list)
        for name, value, places in _leaves(event, "", ()):
            leaves[name].append((value, places))
        return any(_holds(list(branch.items()), leaves, ()) for branch in self.branches)


def _holds(
    wanted: list[tuple[str, tuple[Rule, ...]]],
    leaves: Mapping[str, list[tuple[Any, _Places]]],
    chosen: tuple[_Places, ...],
) -> bool:
    """Whether each field has a value that will do, none of them in different elements of one array."""
    if not wanted:
        return True
    (name, rules), *rest = wanted
    return any(
        any(rule(value) for rule in rules)
        and all(_together(places, others) for others in chosen)
        and _holds(rest, leaves, (*chosen, places))
        for value, places in leaves.get(name, [(_ABSENT, ())])
    )


def _together(one: _Places, other: _Places) -> bool:
    for (array, index), (same, at) in zip(one, other, strict=False):
        if array != same:
            return True
        if index != at:
            return False
    return True


def _leaves(value: Any, name: str, places: _Places) -> Iterator[tuple[str, Any, _Places]]:
    """Every value that holds no others, with its field's name and the elements of arrays it lies in."""
    if is_object(value):
        for part, below in value.items():
            yield from _leaves(below, f"{name}.{part}" if name else part, places)
    elif is_array(value):
        for index, below in enumerate(value):
            yield from _leaves(below, name, (*places, (name, index)))
    else:
        yield name, value, places


def _refuse(reason: str) -> NoReturn:
    raise InvalidInputError(f"No pattern that Lambda takes: {reason}")


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=lambda name: _refuse(f"{name} is no JSON"))
    except json.JSONDecodeError as error:
        raise InvalidInputError(f"No pattern that Lambda takes: no JSON at character {error.pos}") from error


def _object(node: Mapping[str, Any], within: str, branches: list[Branch], *, alternative: bool = False) -> list[Branch]:
    """The branches, each with what the object asks for too."""
    if not node:
        _refuse("empty objects are not allowed")
    for part, below in node.items():
        name = f"{within}.{part}" if within else part
        if part == "$or":
            branches = _alternatives(below, within, branches)
        elif alternative and part in _RESERVED:
            _refuse(f"{part!r} is reserved within '$or'")
        elif is_object(below):
            branches = _object(below, name, branches, alternative=alternative)
        elif is_array(below):
            branches = [_with(branch, name, below) for branch in branches]
        else:
            _refuse(f"{name!r} must be an object or an array")
    return branches


def _alternatives(nodes: Any, within: str, branches: list[Branch]) -> list[Branch]:
    if not is_array(nodes) or len(nodes) < 2:
        _refuse("'$or' takes an array of two objects or more")
    found: list[Branch] = []
    for node in nodes:
        if not is_object(node):
            _refuse("'$or' takes objects only")
        found += _object(node, within, branches, alternative=True)
    if len(found) > _MOST_BRANCHES:
        _refuse(f"'$or' makes more than {_MOST_BRANCHES} combinations")
    return found


def _with(branch: Branch, name: str, values: list[Any]) -> Branch:
    if not values:
        _refuse(f"{name!r} is an empty array")
    if name in branch:
        _refuse(f"{name!r} is asked for twice")
    return {**branch, name: tuple(_rule(value, name) for value in values)}


def _rule(value: Any, name: str) -> Rule:
    if is_object(value):
        match list(value.items()):
            case [(operator, operand)] if operator in _OPERATORS:
                return _OPERATORS[operator](operand)
            case _:
                _refuse(f"{name!r} takes one of {', '.join(_OPERATORS)} in an object")
    if value is not None and not isinstance(value, str | int | float):
        _refuse(f"{name!r} takes texts, numbers, true, false, null and objects")
    return _equals(value)


def _equals(wanted: Any) -> Rule:
    return lambda value: type(value) is type(wanted) and value == wanted


def _of_texts(name: str, compare: Callable[[str, str], bool]) -> Callable[[Any], Rule]:
    def rule(operand: Any) -> Rule:
        if not isinstance(operand, str):
            _refuse(f"{name!r} takes a text")
        return lambda value: isinstance(value, str) and compare(value, operand)

    return rule


def _anything_but(operand: Any) -> Rule:
    values = operand if is_array(operand) else [operand]
    if not (values and (all(isinstance(value, str) for value in values) or all(map(_is_number, values)))):
        _refuse("'anything-but' takes a text, a number, or a list of either")
    refused = [_equals(value) for value in values]
    return lambda value: value is not _ABSENT and not any(rule(value) for rule in refused)


def _numeric(operand: Any) -> Rule:
    terms = operand if is_array(operand) else []
    operators, bounds = terms[::2], terms[1::2]
    if len(operators) != len(bounds) or " ".join(map(str, operators)) not in _RANGES:
        _refuse("'numeric' takes a comparison and a number, or a lower and an upper bound")
    if not all(_is_number(bound) and abs(bound) <= _MOST for bound in bounds):
        _refuse("'numeric' takes numbers from -5.0e9 to 5.0e9")
    if len(bounds) == 2 and bounds[0] >= bounds[1]:
        _refuse("the lower bound of 'numeric' must be below the upper one")
    comparisons = [(_COMPARISONS[operator], bound) for operator, bound in zip(operators, bounds, strict=True)]
    return lambda value: _is_number(value) and all(compare(value, bound) for compare, bound in comparisons)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _exists(operand: Any) -> Rule:
    if not isinstance(operand, bool):
        _refuse("'exists' takes true or false")
    return lambda value: (value is not _ABSENT) == operand


_OPERATORS: Mapping[str, Callable[[Any], Rule]] = {
    "anything-but": _anything_but,
    "equals-ignore-case": _of_texts("equals-ignore-case", lambda value, text: value.lower() == text.lower()),
    "exists": _exists,
    "numeric": _numeric,
    "prefix": _of_texts("prefix", str.startswith),
    "suffix": _of_texts("suffix", str.endswith),
}
# Event Ruler takes no field of these names in a "$or": there they are taken for misplaced rules.
_RESERVED = {*_OPERATORS, *_COMPARISONS, "exactly", "wildcard", "cidr", "regex"}
