"""What may be added to a field, and when the engine can add it without anybody knowing the sum."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from decimal import Decimal
from typing import Any, get_args, get_origin

from pydantic_core import PydanticUndefined

from aircraftops_data.errors import InvalidInputError
from aircraftops_data.model.definition import EntityDefinition

Delta = int | float | Decimal | AbstractSet[Any]
_NUMBERS: dict[Any, tuple[type, ...]] = {int: (int,), float: (int, float, Decimal), Decimal: (int, Decimal)}
_MEMBERS = (str, int, Decimal, bytes)


def refuse_delta(definition: EntityDefinition, name: str, delta: Any) -> None:
    """Raise InvalidInputError for what cannot be added to anything, or to a field of this kind."""
    if name == "expires_at":
        raise InvalidInputError(f"{definition.name}.expires_at is an instant; set it")
    number = isinstance(delta, int | float | Decimal) and not isinstance(delta, bool)
    if not number and not (isinstance(delta, AbstractSet) and delta != set()):
        raise InvalidInputError(f"{definition.name}.{name}: add takes a number or a set with elements")


def is_blind(definition: EntityDefinition, name: str, delta: Delta) -> bool:
    """Whether the engine can add: whatever the sum, the field can hold it, and what is absent counts as nothing.

    Otherwise the stored value is read, and the sum validated like any other value.
    """
    field = definition.entity.model_fields[name]
    kind, optional = _kind(field.annotation)
    absent_is_nothing = field.default is None if optional else field.default in (PydanticUndefined, 0)
    if not definition.validators.free(name) or not absent_is_nothing:
        return False
    if isinstance(delta, AbstractSet):
        return _is_plain_set(kind, delta) and field.default_factory in (None, set, frozenset)
    return field.default_factory is None and isinstance(delta, _NUMBERS.get(kind, ()))


def _kind(annotation: Any) -> tuple[Any, bool]:
    """A type without None, and whether None was in it."""
    parts = get_args(annotation)
    if type(None) not in parts or get_origin(annotation) in (set, frozenset):
        return annotation, False
    rest = [part for part in parts if part is not type(None)]
    return (rest[0] if len(rest) == 1 else None), True


def _is_plain_set(kind: Any, delta: AbstractSet[Any]) -> bool:
    members = get_args(kind)
    if get_origin(kind) not in (set, frozenset) or len(members) != 1 or members[0] not in _MEMBERS:
        return False
    return all(type(member) is members[0] for member in delta)


def total(definition: EntityDefinition, name: str, value: Any, delta: Delta) -> Any:
    """The sum of a field's value and what is added. Raises InvalidInputError where the two do not add up."""
    try:
        if isinstance(delta, AbstractSet):
            return {*(value or ()), *delta}
        if isinstance(value, Decimal) or isinstance(delta, Decimal):
            return Decimal(str(value or 0)) + Decimal(str(delta))
        return (value or 0) + delta
    except (TypeError, ArithmeticError) as error:
        raise InvalidInputError(f"{definition.name}.{name}: what is added does not fit what is there") from error
