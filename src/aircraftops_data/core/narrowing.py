"""What is asked of a reading before it is run: conditions, order, consistency, parts; nothing here sends anything."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Generic, Self, TypeVar

from aircraftops_data.core.partial import partial_of
from aircraftops_data.core.reading import Reading, ReadPolicy, Source
from aircraftops_data.errors import InvalidInputError, NotFoundError, NotUniqueError
from aircraftops_data.model.conditions import Attribute, Condition, FieldPath
from aircraftops_data.model.definition import Item
from aircraftops_data.model.entity import Entity

T = TypeVar("T")


@dataclass(frozen=True)
class Narrowing(Generic[T]):
    """A reading that can be narrowed further; each step gives a new one."""

    reading: Reading[T]

    def where(self, condition: Condition) -> Self:
        """Only items for which this holds; the engine reads (and bills) the others all the same."""
        held = self.reading.filter
        return self._with(filter=condition if held is None else held & condition)

    def newest_first(self) -> Self:
        """In falling order of the sort key. Raises InvalidInputError for a scan, which has no order."""
        if self.reading.source.partition is None:
            raise InvalidInputError("A scan has no order to turn round")
        return self._with(newest_first=True)

    def consistent(self) -> Self:
        """Read what is written now, at twice the read units. Raises InvalidInputError for a global index."""
        index = self.reading.source.index
        if index is not None and not index.local:
            raise InvalidInputError(f"{index.name} is a global index; those have no consistent reads")
        return self._with(consistent=True)

    def include_expired(self) -> Self:
        """Items whose expiry has passed too, as long as DynamoDB has not deleted them."""
        return self._with(include_expired=True)

    def on_corrupt(self, policy: ReadPolicy) -> Self:
        """What becomes of items that do not fit: "raise" (default), "skip", or "collect" in `.corrupt`."""
        return self._with(on_corrupt=policy)

    def _with(self, **options: Any) -> Self:
        return replace(self, reading=replace(self.reading, **options))


def only(items: list[T], reading: Reading[T]) -> T:
    """The only item there is. Raises NotFoundError where there is none, NotUniqueError where there are several."""
    name = "item" if reading.definition is None else reading.definition.name
    if not items:
        raise NotFoundError(f"No {name} matches", entity=name)
    if len(items) > 1:
        raise NotUniqueError(f"More than one {name} matches", entity=name)
    return items[0]


def projected(reading: Reading[Any], fields: tuple[FieldPath | str, ...]) -> Reading[Any]:
    """The same reading of these fields only. Raises InvalidInputError for one that is not there to be read."""
    definition = reading.definition
    assert definition is not None
    entity = definition.entity
    attributes = tuple(_attribute(entity, named) for named in fields)
    for attribute in attributes:
        if not reading.source.carries(attribute.name):
            raise InvalidInputError(f"The index does not carry {attribute.name!r}")
    asked = _asked(entity, attributes, reading.source)
    typed = reading.source.carries(definition.table.managed.entity_type)

    def decode(item: Item) -> Any:
        return partial_of(entity, item, asked, typed=typed)

    return replace(reading, projection=attributes or None, decode=decode, reader=None, refusal=None)


def _asked(entity: type[Entity], attributes: tuple[Attribute, ...], source: Source) -> list[str]:
    """The fields asked for as a whole: those named, and those of the keys; all that the index carries if none is."""
    definition = entity.definition()
    if not attributes:
        return [name for name, stored in definition.attributes.items() if source.carries(stored)]
    keyed = definition.primary.components
    whole = {attribute.name for attribute in attributes if not attribute.path}
    return [name for name, stored in definition.attributes.items() if stored in whole or name in keyed]


def _attribute(entity: type[Entity], named: FieldPath | str) -> Attribute:
    if isinstance(named, FieldPath):
        return named.attribute
    attributes = entity.definition().attributes
    if named not in attributes:
        raise InvalidInputError(f"{entity.__name__} has no field {named!r}")
    return Attribute(attributes[named])
