"""The images in stream records: items as they were before or after a change."""

from __future__ import annotations

from typing import Any

from aircraftops_data.errors import DefinitionError
from aircraftops_data.model.definition import ItemView
from aircraftops_data.model.entity import Entity
from aircraftops_data.translation.codec import EntityCodec, codec_of, type_of


class Images:
    """Reads images as the entities they are of, told by their type; all entities are of one table.

    An image may be as Lambda gives it (binary values are base64) or as boto3 does (they are bytes).
    Raises DefinitionError unless the table stores the type of each item.
    """

    def __init__(self, *entities: type[Entity]) -> None:
        definitions = [entity.definition() for entity in entities]
        tables = {definition.table.name: definition.table for definition in definitions}
        if len(tables) != 1:
            raise DefinitionError("Images are of the entities of one table, and of at least one of them")
        (self._table,) = tables.values()
        if not self._table.typed:
            raise DefinitionError(f"{self._table.name} does not store entity types; its images cannot be told apart")
        self._codecs: dict[str | None, EntityCodec[Any]] = {d.entity_type: codec_of(d) for d in definitions}

    def entity(self, image: ItemView) -> Any:
        """The entity of an image; None where it is of none of those given. Raises CorruptItemError."""
        codec = self._codecs.get(type_of(image, self._table))
        return None if codec is None else codec.entity(image)
