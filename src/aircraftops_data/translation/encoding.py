"""The fields of an entity as attribute values, worked out once per entity: which are written as they are, and which
only pydantic's serializer can take apart."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, cast

from aircraftops_data.errors import InvalidValueError
from aircraftops_data.model.definition import MANAGED_FIELDS, AttributeValue, EntityDefinition, Item
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.fields import Schema, model_fields, set_kind
from aircraftops_data.translation.values import SCALARS, check_nesting, encode_value

# What pydantic's serializer leaves as it is, itself and through what is around it.
_AS_IT_IS = frozenset(
    {"str", "int", "float", "decimal", "bool", "bytes", "datetime", "date", "time", "timedelta", "uuid", "enum"}
    | {"literal", "none", "nullable", "default", "function-after", "function-before", "function-wrap"}
    | {"list", "set", "frozenset", "dict"}
)


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
        self._plain = {name for name in fields if not _serialised_whole(schema) and _is_left_alone(schemas[name])}
        self._dumped = set(self.own) - self._plain

    def every(self, entity: Entity) -> Item:
        """The entity's own fields by attribute; None is left out where absence reads back as None."""
        values: Mapping[str, Any] = entity.__dict__
        if self._dumped:
            dumped = entity.model_dump(include=self._dumped, by_alias=True, warnings=False)
            values = {**values, **{name: dumped[self._dumped_as[name]] for name in self._dumped}}
        item: Item = {}
        name = ""
        try:
            for name, attribute in self.own.items():
                value = values[name]
                scalar = SCALARS.get(type(value))
                stored = self._stored(name, value) if scalar is None else scalar(value)
                if stored is not None:
                    item[attribute] = stored
        except InvalidValueError as error:
            raise self._refused(name, error) from error
        return item

    def one(self, name: str, value: Any) -> AttributeValue | None:
        """One field by itself; None where nothing is stored for it."""
        if name not in self._plain:
            partial = self._entity.model_construct(**{name: value})
            value = partial.model_dump(include={name}, by_alias=True, warnings=False)[self._dumped_as[name]]
        try:
            return self._stored(name, value)
        except InvalidValueError as error:
            raise self._refused(name, error) from error

    def _stored(self, name: str, value: Any) -> AttributeValue | None:
        if value is None:
            return None if name in self._absent_is_none else {"NULL": True}
        if isinstance(value, AbstractSet) and not value:
            if name not in self._sets:
                raise InvalidValueError("DynamoDB has no empty set; use None for none")
            # Stored as nothing and read back as empty, where the field cannot also be None.
            return None
        return check_nesting(encode_value(value))

    def _refused(self, name: str, error: InvalidValueError) -> InvalidValueError:
        place = f"{self._definition.name}.{name}"
        return InvalidValueError(f"{place}: {error.message}", problems=(f"{error.message} @ {name}",))


def _is_left_alone(schema: Any) -> bool:
    """Whether serializing gives the very value back, or what is written alike."""
    found = cast("Schema", schema)
    inner = [found[name] for name in ("schema", "items_schema", "keys_schema", "values_schema") if name in found]
    if "serialization" in found or (found["type"] not in _AS_IT_IS and found["type"] != "model-field"):
        return False
    untyped = found["type"] in ("list", "set", "frozenset", "dict") and not inner
    return not untyped and all(_is_left_alone(part) for part in inner)


def _serialised_whole(schema: Schema) -> bool:
    """Whether the entity has a serializer of its own, which may make anything of a field."""
    found: Any = schema
    while isinstance(found, dict) and found["type"] != "model-fields":
        if "serialization" in found:
            return True
        if found["type"] == "definition-ref":
            return True
        found = found["schema"]
    return False
