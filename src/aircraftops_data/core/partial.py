"""A projected read: some fields of an entity, typed, and never mistaken for the whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from aircraftops_data.errors import CorruptItemError
from aircraftops_data.model.definition import Item
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.fields import problems
from aircraftops_data.translation.codec import codec_of, primary_key

E = TypeVar("E", bound=Entity)


class Partial(Mapping[str, Any], Generic[E]):
    """The fields of an entity that were read, as attributes and as a mapping; asking for another is an error."""

    __slots__ = ("_values", "entity")

    def __init__(self, entity: type[E], values: Mapping[str, Any]) -> None:
        self.entity = entity
        self._values = dict(values)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._values:
            raise AttributeError(f"{name!r} was not read; this part of a {self.entity.__name__} has {sorted(self)}")
        return self._values[name]

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        inner = ", ".join(f"{name}={value!r}" for name, value in self._values.items())
        return f"Partial[{self.entity.__name__}]({inner})"


def partial_of(entity: type[E], item: Item) -> Partial[E]:
    """The fields an item carries, each validated by its own rules. Raises CorruptItemError."""
    definition = entity.definition()
    values = codec_of(definition).plain(item)
    try:
        return Partial(entity, {name: definition.validators.validate(name, value) for name, value in values.items()})
    except ValidationError as error:
        found = problems(error)
        raise CorruptItemError(
            f"A stored {definition.name} does not fit: {'; '.join(found)}",
            entity=definition.name,
            key=primary_key(item, definition.table),
            problems=found,
        ) from error
