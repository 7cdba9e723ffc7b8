"""The design check: no two entities of a table may meet in one key, or in one another's queries."""

from __future__ import annotations

from collections.abc import Iterator

from aircraftops_data.errors import DefinitionError
from aircraftops_data.model.definition import BoundKey, EntityDefinition


def register(definition: EntityDefinition) -> None:
    """Add an entity to its table. Raises DefinitionError naming both entities where it cannot live with another.

    The same class declared again (a reload, a notebook cell) takes the place of its former self.
    """
    known = definition.table.entities
    others = [other for other in known.values() if not _same_class(definition, other)]
    for other in others:
        check_pair(definition, other)
    check_pair(definition, definition)
    for former in [name for name, other in known.items() if _same_class(definition, other)]:
        del known[former]
    known[definition.entity_type] = definition


def _same_class(one: EntityDefinition, other: EntityDefinition) -> bool:
    return (one.entity.__module__, one.entity.__qualname__) == (other.entity.__module__, other.entity.__qualname__)


def check_pair(one: EntityDefinition, other: EntityDefinition) -> None:
    """Raise DefinitionError where the key spaces of two entities of a table meet."""
    if one is not other and one.entity_type == other.entity_type:
        _refuse(one, other, f"share the entity type {one.entity_type!r}")
    for problem in _meetings(one, other):
        _refuse(one, other, problem)


def _refuse(one: EntityDefinition, other: EntityDefinition, problem: str) -> None:
    raise DefinitionError(f"{one.name} and {other.name} {problem}", entities=(one.name, other.name))


def _meetings(one: EntityDefinition, other: EntityDefinition) -> Iterator[str]:
    if one is not other:
        for left in one.keys:
            for right in other.keys:
                if left.index == right.index and _meet(left, right):
                    yield f"overlap in {_place(left)}: {_written(left)} and {_written(right)}"
    for holder, against in ((one, other), (other, one)):
        for unique in holder.uniques:
            if unique.part.template.overlaps(against.primary.partition.template):
                yield f"overlap: {against.name}'s partition key can be a unique sentinel of {holder.name}"


def _meet(left: BoundKey, right: BoundKey) -> bool:
    """Whether a query of one could meet an item of the other."""
    if not left.partition.template.overlaps(right.partition.template):
        return False
    if left.sort is None or right.sort is None:
        return True
    one, other = left.sort.template, right.sort.template
    return one.captures(other) or other.captures(one)


def _place(key: BoundKey) -> str:
    return "the primary key" if key.index is None else key.index.name


def _written(key: BoundKey) -> str:
    return " / ".join(repr(part.template.text) for part in key.parts)
