"""DynamoDB's expressions, evaluated: conditions and updates as the library writes them, on an item in memory.

Source: DynamoDB Developer Guide, "Condition and filter expressions" and "Update expressions". What the library never
writes (functions in an update but if_not_exists, an update of a part of a document) is refused as unknown.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping
from decimal import Context, Decimal
from functools import lru_cache
from operator import ge, gt, le, lt
from typing import Any

Value = Mapping[str, Any]
Item = Mapping[str, Value]

_TOKEN = re.compile(r"<>|<=|>=|[=<>(),+]|[#:]?\w+(?:\.#\w+|\[\d+\])*")
_STEP = re.compile(r"#?\w+")
_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
_CLAUSES = frozenset({"SET", "REMOVE", "ADD"})

# The digits DynamoDB keeps of a number.
EXACT = Context(prec=38)


class InvalidExpressionError(Exception):
    """An expression that does not fit the item; DynamoDB calls it a ValidationException."""


def holds(expression: str | None, parameters: Mapping[str, Any], item: Item) -> bool:
    """Whether a condition holds of an item; of no item that is empty. True where there is no condition."""
    return expression is None or _Reading(expression, parameters, item).whole_condition()


def updated(parameters: Mapping[str, Any], item: Item) -> dict[str, Value]:
    """The item as an update leaves it. Raises InvalidExpressionError."""
    return _Reading(parameters["UpdateExpression"], parameters, item).whole_update()


def plain(value: Value) -> Any:
    """A value that equals another just where DynamoDB says so: numbers by amount, sets in any order."""
    ((kind, content),) = value.items()
    if kind == "N":
        return kind, Decimal(content)
    if kind in ("SS", "BS"):
        return kind, frozenset(content)
    if kind == "NS":
        return kind, frozenset(map(Decimal, content))
    if kind == "L":
        return kind, tuple(map(plain, content))
    if kind == "M":
        return kind, frozenset((name, plain(inner)) for name, inner in content.items())
    return kind, content


def ordered(value: Value) -> tuple[str, Any]:
    """A value by which others of its kind sort: text by its bytes, as DynamoDB does."""
    kind, content = plain(value)
    return (kind, content.encode()) if kind == "S" else (kind, content)


@lru_cache(4096)
def _tokens(expression: str) -> tuple[str, ...]:
    return tuple(_TOKEN.findall(expression))


class _Reading:
    """An expression on its way from the first token to the last, against one item."""

    def __init__(self, expression: str, parameters: Mapping[str, Any], item: Item) -> None:
        self._left = deque(_tokens(expression))
        self._names: Mapping[str, str] = parameters.get("ExpressionAttributeNames", {})
        self._values: Mapping[str, Value] = parameters.get("ExpressionAttributeValues", {})
        self._item = item

    def whole_condition(self) -> bool:
        """Whether it holds."""
        result = self._either()
        assert not self._left, self._left
        return result

    def whole_update(self) -> dict[str, Value]:
        """What it makes of the item; every operand is of the item as it was."""
        changed = dict(self._item)
        clause = ""
        while self._left:
            if self._left[0] in _CLAUSES:
                clause = self._left.popleft()
            else:
                self._expect(",")
            self._change(clause, self._names[self._left.popleft()], changed)
        return changed

    # Conditions, the loosest binding first; both sides are always read

    def _either(self) -> bool:
        result = self._both()
        while self._take("OR"):
            result = self._both() or result
        return result

    def _both(self) -> bool:
        result = self._negation()
        while self._take("AND"):
            result = self._negation() and result
        return result

    def _negation(self) -> bool:
        return not self._negation() if self._take("NOT") else self._simple()

    def _simple(self) -> bool:
        if self._take("("):
            result = self._either()
            self._expect(")")
            return result
        known = _FUNCTIONS.get(self._left[0])
        if known is not None:
            self._left.popleft()
            return known(*self._arguments())
        return self._comparison(self._operand())

    def _comparison(self, left: Value | None) -> bool:
        word = self._left.popleft()
        if word == "BETWEEN":
            low = self._operand()
            self._expect("AND")
            return _compared(">=", left, low) & _compared("<=", left, self._operand())
        if word == "IN":
            return any(_compared("=", left, choice) for choice in self._arguments())
        return _compared(word, left, self._operand())

    def _arguments(self) -> list[Value | None]:
        self._expect("(")
        found = [self._operand()]
        while self._take(","):
            found.append(self._operand())
        self._expect(")")
        return found

    def _operand(self) -> Value | None:
        word = self._left.popleft()
        if word.startswith(":"):
            return self._values[word]
        if word == "size":
            return _size(*self._arguments())
        if word == "if_not_exists":
            found, otherwise = self._arguments()
            return otherwise if found is None else found
        return self._at(word)

    def _at(self, path: str) -> Value | None:
        first, *rest = _STEP.findall(path)
        found = self._item.get(self._names[first])
        for step in rest:
            if found is None:
                return None
            if step.startswith("#"):
                found = found.get("M", {}).get(self._names[step])
            else:
                found = dict(enumerate(found.get("L", ()))).get(int(step))
        return found

    # Updates

    def _change(self, clause: str, name: str, changed: dict[str, Value]) -> None:
        if clause == "REMOVE":
            changed.pop(name, None)
        elif clause == "ADD":
            changed[name] = _added(self._item.get(name), self._operand())
        else:
            self._expect("=")
            value = self._operand()
            if self._take("+"):
                value = _sum(value, self._operand())
            if value is None:
                raise InvalidExpressionError("An operand of the update is an attribute that is not there")
            changed[name] = value

    def _take(self, word: str) -> bool:
        found = bool(self._left) and self._left[0] == word
        if found:
            self._left.popleft()
        return found

    def _expect(self, word: str) -> None:
        found = self._left.popleft()
        assert found == word, f"{word!r} expected, not {found!r}"


def _compared(operator: str, left: Value | None, right: Value | None) -> bool:
    if operator in ("=", "<>"):
        same = left is not None and right is not None and plain(left) == plain(right)
        return same is (operator == "=")
    if left is None or right is None:
        return False
    (kind, lesser), (other, greater) = ordered(left), ordered(right)
    return kind == other and kind in "SNB" and _ORDERS[operator](lesser, greater)


def _begins(found: Value | None, prefix: Value) -> bool:
    return found is not None and "S" in found and found["S"].startswith(prefix["S"])


def _contains(found: Value | None, part: Value) -> bool:
    if found is None:
        return False
    kind, content = plain(found)
    sought_kind, sought = plain(part)
    if kind == "L":
        return (sought_kind, sought) in content
    return kind in (sought_kind, f"{sought_kind}S") and sought in content


_FUNCTIONS: Mapping[str, Callable[..., bool]] = {
    "attribute_exists": lambda found: found is not None,
    "attribute_not_exists": lambda found: found is None,
    "begins_with": _begins,
    "contains": _contains,
}


def _size(found: Value | None) -> Value | None:
    if found is None or not {"N", "BOOL", "NULL"}.isdisjoint(found):
        return None
    ((_, content),) = found.items()
    return {"N": str(len(content))}


def _added(found: Value | None, delta: Value | None) -> Value:
    if found is not None and delta is not None and {*found} == {*delta} & {"SS", "NS", "BS"}:
        ((kind, members),) = delta.items()
        return {kind: sorted({*found[kind], *members})}
    return dict(delta or {}) if found is None else _sum(found, delta)


def _sum(left: Value | None, right: Value | None) -> Value:
    if left is None or right is None or "N" not in left or "N" not in right:
        raise InvalidExpressionError("An operand of a sum is no number")
    return {"N": f"{EXACT.add(Decimal(left['N']), Decimal(right['N'])):f}"}
