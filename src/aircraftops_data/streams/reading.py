"""Which of the listed entities a record is of, by its type and its key, and its images read as that."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, cast

from aircraftops_data.errors import CorruptItemError, InvalidKeyError
from aircraftops_data.model.definition import AttributeValue, EntityDefinition, ItemView
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.fields import Schema, model_fields
from aircraftops_data.model.keys import SEPARATOR, KeyTemplate
from aircraftops_data.streams.change import PoisonKind, identity_of
from aircraftops_data.streams.stored import UnreadableError, is_map, is_plain, plain
from aircraftops_data.translation.codec import EntityCodec, codec_of
from aircraftops_data.translation.readers import item_reader

_NOTHING: AttributeValue = {}


class Reading:
    """Reads the images of one entity, and knows its keys. Made once for each entity of a decoder."""

    def __init__(self, definition: EntityDefinition) -> None:
        self.definition = definition
        self.entity: type[Entity] = definition.entity
        self._codec: EntityCodec[Any] = codec_of(definition)
        self._read = item_reader(definition)
        self._type = {"S": definition.entity_type} if definition.table.typed else None
        self._type_attribute = definition.table.managed.entity_type
        self._deep = [definition.attributes[name] for name in _deep_fields(definition)]
        parts = definition.primary.parts
        self._parts = [(part.attribute.name, part.attribute.type, _matcher(part.template)) for part in parts]

    def has(self, keys: ItemView) -> bool:
        """Whether a primary key has the form of this entity's."""
        if len(keys) != len(self._parts):
            return False
        for name, kind, matches in self._parts:
            held = keys.get(name, _NOTHING).get(kind)
            if held is None or (matches is not None and not matches(held)):
                return False
        return True

    def image(self, image: ItemView) -> Any:
        """The entity of an image. Raises UnreadableError."""
        read, kind = self._read, self._type
        try:
            typed = kind is None or image.get(self._type_attribute) == kind
            if typed and read is not None and is_plain(image, self._deep):
                return read(image)
        except Exception:  # noqa: BLE001, S110 - whatever it is, the slow way tells
            pass
        return self._slowly(plain(image))

    def _slowly(self, image: ItemView) -> Any:
        try:
            return self._codec.slow_entity(image)
        except CorruptItemError as error:
            reason = "; ".join(error.problems) or error.message
            raise _corrupt(f"{self.definition.name} does not fit: {reason}") from error
        except Exception as error:
            raise _corrupt(f"{self.definition.name} does not fit: its rules raise {type(error).__name__}") from error

    def check_identity(self, keys: ItemView) -> None:
        """Raise UnreadableError unless the components can be read from the key."""
        try:
            identity_of(self.entity, keys)
        except InvalidKeyError as error:
            raise _corrupt(f"The key is not one of {self.definition.name}: {error.message}") from error


class Readings:
    """The listed entities, of one table or several."""

    def __init__(self, entities: Iterable[type[Entity]]) -> None:
        self._all = [Reading(entity.definition()) for entity in entities]
        self._by_type: dict[str, dict[str, list[Reading]]] = {}
        for reading in self._all:
            table = reading.definition.table
            if table.typed:
                types = self._by_type.setdefault(table.managed.entity_type, {})
                types.setdefault(reading.definition.entity_type, []).append(reading)
        tables = {reading.definition.table: None for reading in self._all}
        self.primary_keys = list(dict.fromkeys(tuple(part.name for part in table.attributes) for table in tables))

    def of_image(self, image: ItemView, keys: ItemView, table: str | None) -> Reading | None:
        """What reads this image: by its type, which must not contradict its key. Raises UnreadableError."""
        for attribute, types in self._by_type.items():
            found = _text(image.get(attribute))
            listed = None if found is None else types.get(found)
            if listed is not None:
                if len(listed) == 1 and listed[0].has(keys):
                    return listed[0]
                reading = _only([one for one in listed if one.has(keys)], table)
                if reading is None:
                    raise _corrupt(f"The type says {listed[0].definition.name}, the key is not of that form")
                return reading
        reading = self.of_keys(keys, table)
        if reading is not None and reading.definition.table.typed:
            _refuse_strangers(reading, image)
            return None
        return reading

    def of_keys(self, keys: ItemView, table: str | None) -> Reading | None:
        """What has keys of this form; None for none of the listed. Raises UnreadableError where two have."""
        return _only([one for one in self._all if one.has(keys)], table)


def _refuse_strangers(reading: Reading, image: ItemView) -> None:
    """An item under the key of an entity must say that it is one, unless it is of a table with types of its own."""
    table = reading.definition.table
    found = _text(image.get(table.managed.entity_type))
    if found is None or found in table.entities:
        said = "no type" if found is None else table.entities[found].name
        raise _corrupt(f"The key is one of {reading.definition.name}, the image says {said}")


def _only(found: list[Reading], table: str | None) -> Reading | None:
    if len(found) > 1:
        found = [one for one in found if table is not None and table.endswith(one.definition.table.name)] or found
    if len(found) > 1:
        names = " and ".join(one.definition.name for one in found)
        raise _corrupt(f"The key could be one of {names}, and nothing tells which")
    return found[0] if found else None


def _text(value: object) -> str | None:
    held = value.get("S") if is_map(value) else None
    return held if isinstance(held, str) else None


def _matcher(template: KeyTemplate) -> Callable[[str], object] | None:
    """Tells keys of a template by its literals; None where it takes any."""
    if template.whole:
        return None
    segments = (re.escape(part) if isinstance(part, str) else f"[^{SEPARATOR}]*" for part in template.segments)
    return re.compile(SEPARATOR.join(segments)).fullmatch


_SCALARS = frozenset(
    {
        *("str", "bytes", "int", "float", "decimal", "bool", "date", "time", "datetime", "timedelta", "uuid", "enum"),
        *("literal", "set", "frozenset", "default", "nullable", "function-before", "function-after", "function-wrap"),
    }
)


def _deep_fields(definition: EntityDefinition) -> list[str]:
    """The fields that may be stored as maps or lists, in which an attribute value may hide that is not plain."""
    fields, _, _ = model_fields(cast("Schema", definition.entity.__pydantic_core_schema__))
    return [name for name in definition.attributes if not _is_scalar(fields[name]["schema"])]


def _is_scalar(schema: Schema) -> bool:
    inner = [schema[name] for name in ("schema", "items_schema") if name in schema]
    return schema["type"] in _SCALARS and all(map(_is_scalar, inner))


def _corrupt(reason: str) -> UnreadableError:
    return UnreadableError(PoisonKind.CORRUPT_ENTITY, reason)
