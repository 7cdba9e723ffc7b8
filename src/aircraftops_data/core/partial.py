"""A projected read: some fields of an entity, typed, and never mistaken for the whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
        # A copy or a pickle asks for names before any is set.
        if name.startswith("_") or name == "entity":
            raise AttributeError(name)
        if name not in self._values:
            raise AttributeError(f"{name!r} was not read; this part of a {self.entity.__name__} has {sorted(self)}")
        return self._values[name]

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        fields = self.entity.model_fields
        inner = ", ".join(f"{name}={value!r}" for name, value in self._values.items() if fields[name].repr)
        return f"Partial[{self.entity.__name__}]({inner})"


def partial_of(entity: type[E], item: Item, asked: Iterable[str], *, typed: bool) -> Partial[E]:
    """The fields an item carries, its entity type checked where the index carries it. Raises CorruptItemError.

    A field `asked` for as a whole is validated by its own rules, and has its default where nothing is stored; of one
    that was asked for in part, that part is given as it is.
    """
    codec = codec_of(entity.definition())
    if typed:
        codec.check_type(item)
    values = codec.plain(item)
    whole = {name: _validated(entity, item, name, values[name]) for name in asked if name in values}
    return Partial(entity, {**_defaults(entity, asked), **values, **whole})


def _validated(entity: type[Entity], item: Item, name: str, value: Any) -> Any:
    definition = entity.definition()
    try:
        return definition.validators.validate(name, value)
    except ValidationError as error:
        found = problems(error, name)
        raise CorruptItemError(
            f"A stored {definition.name} does not fit: {'; '.join(found)}",
            entity=definition.name,
            key=primary_key(item, definition.table),
            problems=found,
        ) from None


def _defaults(entity: type[Entity], names: Iterable[str]) -> dict[str, Any]:
    fields = entity.model_fields
    return {
        name: fields[name].get_default(call_default_factory=True) for name in names if not fields[name].is_required()
    }
