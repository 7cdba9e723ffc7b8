"""The fields of an entity as attribute values, by a function that is made once for each entity.

Most fields are written as they are; only what holds models, or has a serializer, goes through pydantic's first.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, cast

from aircraftops_data.errors import InvalidValueError
from aircraftops_data.model.definition import MANAGED_FIELDS, AttributeValue, EntityDefinition, Item
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.fields import Schema, model_fields, set_kind
from aircraftops_data.translation.field_writing import Stored, is_flat, is_left_alone, writer
from aircraftops_data.translation.values import check_nesting, encode_value


class FieldEncoders:
    """Writes the fields an entity has of its own; a value is taken to be what its field allows."""

    def __init__(self, definition: EntityDefinition) -> None:
        self._definition = definition
        self._entity = definition.entity
        self.own = {name: stored for name, stored in definition.attributes.items() if name not in MANAGED_FIELDS}
        self._sets = {name for name in self.own if set_kind(self._entity, name) is not None}
        fields = self._entity.model_fields
        self._dumped_as = {name: fields[name].serialization_alias or name for name in fields}
        self._absent_is_none = {name for name in self.own if fields[name].default is None}
        schema = cast("Schema", self._entity.__pydantic_core_schema__)
        schemas, _, _ = model_fields(schema)
        whole = _serialised_whole(schema)
        self._plain = {name for name in fields if not whole and is_left_alone(schemas[name])}
        self._flat = {name for name in self.own if not whole and name not in self._plain and is_flat(schemas[name])}
        self._dumped = set(self.own) - self._plain - self._flat
        unknown: Schema = {"type": "any"}
        core = {name: unknown if name in self._dumped else schemas[name] for name in self.own}
        self._write = writer({name: (attribute, core[name]) for name, attribute in self.own.items()})

    def every(self, entity: Entity) -> Item:
        """The entity's own fields by attribute; None is left out where absence reads back as None."""
        values: Mapping[str, Any] = entity.__dict__
        if self._dumped:
            dumped = entity.model_dump(include=self._dumped, by_alias=True, warnings=False)
            values = {**values, **{name: dumped[self._dumped_as[name]] for name in self._dumped}}
        try:
            return self._write(values, self._left)
        except InvalidValueError:
            return self._one_by_one(values)

    def _left(self, name: str, value: Any) -> AttributeValue | None:
        """What is not written in place; a model of another class than its field's is cut down to that."""
        cut = name in self._flat and value is not None
        return self._stored(name, self._dump(name, value) if cut else value)

    def _one_by_one(self, values: Mapping[str, Any]) -> Item:
        """The same, more slowly; the error says which field it was."""
        every = {attribute: self._named(name, values[name], self._left) for name, attribute in self.own.items()}
        return {attribute: stored for attribute, stored in every.items() if stored is not None}

    def one(self, name: str, value: Any) -> AttributeValue | None:
        """One field by itself; None where nothing is stored for it."""
        return self._named(name, value if name in self._plain else self._dump(name, value), self._stored)

    def _dump(self, name: str, value: Any) -> Any:
        """What pydantic's serializer makes of a field."""
        partial = self._entity.model_construct(**{name: value})
        return partial.model_dump(include={name}, by_alias=True, warnings=False)[self._dumped_as[name]]

    def _named(self, name: str, value: Any, write: Stored) -> AttributeValue | None:
        try:
            return write(name, value)
        except InvalidValueError as error:
            place = f"{self._definition.name}.{name}: {error.message}"
            raise InvalidValueError(place, problems=(f"{error.message} @ {name}",)) from error

    def _stored(self, name: str, value: Any) -> AttributeValue | None:
        if value is None:
            return None if name in self._absent_is_none else {"NULL": True}
        if isinstance(value, AbstractSet) and not value:
            if name not in self._sets:
                raise InvalidValueError("DynamoDB has no empty set; use None for none")
            # Stored as nothing and read back as empty, where the field cannot also be None.
            return None
        return check_nesting(encode_value(value))


def _serialised_whole(schema: Schema) -> bool:
    """Whether the entity has a serializer of its own, which may make anything of a field."""
    found = schema
    while found["type"] != "model-fields":
        if "serialization" in found or found["type"] == "definition-ref":
            return True
        found = found["schema"]
    return False
