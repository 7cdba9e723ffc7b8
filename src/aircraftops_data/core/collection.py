"""Collections: the items of one partition, sorted out by entity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from aircraftops_data.consumed import Consumed
from aircraftops_data.errors import CorruptItemError
from aircraftops_data.model.definition import Item
from aircraftops_data.model.entity import Entity

E = TypeVar("E", bound=Entity)


class Collection(Mapping[type[Entity], list[Any]]):
    """What one partition holds, by entity: `group[Image]` is a list, `group.aircraft` the entity asked for."""

    def __init__(
        self,
        anchor: type[Entity],
        found: Iterable[Entity | Item],
        consumed: Consumed,
        corrupt: list[CorruptItemError],
    ) -> None:
        self._anchor = anchor
        self._found: dict[type[Entity], list[Any]] = {}
        self.unknown: list[Item] = []
        self.consumed = consumed
        self.corrupt = corrupt
        for value in found:
            if isinstance(value, Entity):
                self._found.setdefault(type(value), []).append(value)
            else:
                self.unknown.append(value)

    def __getitem__(self, entity: type[E]) -> list[E]:
        return self._found.get(entity, [])

    def __iter__(self) -> Iterator[type[Entity]]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __contains__(self, entity: object) -> bool:
        return any(entity is found for found in self._found)

    def first(self, entity: type[E]) -> E | None:
        """The first of an entity in the partition; None where there is none."""
        found = self[entity]
        return found[0] if found else None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        definition = self._anchor.definition()
        if name == definition.entity_type:
            return self.first(self._anchor)
        other = definition.table.entities.get(name)
        if other is None:
            raise AttributeError(f"No entity type {name!r} in {definition.table.name}")
        return self[other.entity]
