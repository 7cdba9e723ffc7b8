"""Reading many by their identities: up to 100 different keys a request, the answers in the order of the inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from aircraftops_data.consumed import Consumed
from aircraftops_data.core.batch import GET_LIMIT, Place, batch_get, place_of
from aircraftops_data.core.context import Context
from aircraftops_data.core.reading import Chunk, Found, is_current, readable
from aircraftops_data.errors import CorruptItemError
from aircraftops_data.model.definition import EntityDefinition, Item
from aircraftops_data.model.entity import Entity
from aircraftops_data.request import Plan
from aircraftops_data.translation.codec import values_of
from aircraftops_data.translation.readers import entities_of

E = TypeVar("E", bound=Entity)

# A source that gives the same few keys again and again must not be read for ever before anything is sent.
_INPUTS_LIMIT = 10 * GET_LIMIT


@dataclass
class Window:
    """The inputs of one request, in order; each different key is in it once."""

    definition: EntityDefinition
    places: list[Place] = field(default_factory=list[Place])
    keys: dict[Place, Item] = field(default_factory=dict[Place, Item])

    def add(self, identity: Mapping[str, Any]) -> None:
        """One more input. Raises InvalidKeyError."""
        key = self.definition.identify(identity)
        place = place_of(key, self.definition.table)
        self.places.append(place)
        self.keys[place] = key

    @property
    def full(self) -> bool:
        """Whether the next input belongs to another request."""
        return len(self.keys) == GET_LIMIT or len(self.places) == _INPUTS_LIMIT


@dataclass(frozen=True)
class Lookup(Generic[E]):
    """How entities of a kind are read by their identities."""

    entity: type[E]
    context: Context
    consistent: bool
    expired: bool

    def window(self) -> Window:
        """An empty one."""
        return Window(self.entity.definition())

    def read(self, window: Window) -> Plan[list[Sequence[Item]]]:
        """The items there are of a window, in no order. Raises UnprocessedItemsError when the tries run out."""
        return batch_get(self.entity.definition(), list(window.keys.values()), self.context, consistent=self.consistent)

    def answers(self, window: Window, responses: list[Sequence[Item]], consumed: Consumed) -> Chunk[E | None]:
        """The entity of each input, None where there is none. Raises CorruptItemError."""
        found: dict[Place, E | None] = {}
        for items in responses:
            found |= self._found(window, items)
        values: list[E | CorruptItemError | None] = [found.get(place) for place in window.places]
        return Chunk(Found(values, range(len(values)), clean=True), (), None, consumed)

    def _found(self, window: Window, items: Sequence[Item]) -> Iterator[tuple[Place, E | None]]:
        definition, now = self.entity.definition(), None if self.expired else self.context.clock.now()
        for position, entity in enumerate(entities_of(items)):
            place = None if entity is None else place_of(definition.key_of(values_of(entity)), definition.table)
            if place in window.keys:
                yield place, entity if is_current(entity, now) else None
            else:
                # Not read in one pass, or its fields are not those of its key: then the key counts.
                item = items[position]
                yield place_of(item, definition.table), readable(definition, item, now)
