"""The fields of an entity as attribute values, by a function that is made once for each entity.

Most fields are written as they are; only what holds models, or has a serializer, goes through pydantic's first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, cast

from aircraftops_data.errors import InvalidValueError
from aircraftops_data.model.definition import MANAGED_FIELDS, AttributeValue, EntityDefinition, Item
from aircraftops_data.model.encoders import instant_text
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.fields import Schema, model_fields, set_kind
from aircraftops_data.model.numbers import number_text
from aircraftops_data.translation.values import check_nesting, encode_value

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
        core = {name: _innermost(schemas[name]) if name in self._plain else {} for name in self.own}
        self._fast = compiled({name: (attribute, core[name]) for name, attribute in self.own.items()})

    def every(self, entity: Entity) -> Item:
        """The entity's own fields by attribute; None is left out where absence reads back as None."""
        values: Mapping[str, Any] = entity.__dict__
        if self._dumped:
            dumped = entity.model_dump(include=self._dumped, by_alias=True, warnings=False)
            values = {**values, **{name: dumped[self._dumped_as[name]] for name in self._dumped}}
        try:
            return self._fast(values, self._stored)
        except InvalidValueError:
            return self._one_by_one(values)

    def _one_by_one(self, values: Mapping[str, Any]) -> Item:
        """The same, more slowly; the error says which field it was."""
        every = {attribute: self._named(name, values[name]) for name, attribute in self.own.items()}
        return {attribute: stored for attribute, stored in every.items() if stored is not None}

    def one(self, name: str, value: Any) -> AttributeValue | None:
        """One field by itself; None where nothing is stored for it."""
        if name not in self._plain:
            partial = self._entity.model_construct(**{name: value})
            value = partial.model_dump(include={name}, by_alias=True, warnings=False)[self._dumped_as[name]]
        return self._named(name, value)

    def _named(self, name: str, value: Any) -> AttributeValue | None:
        try:
            return self._stored(name, value)
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


Stored = Callable[[str, Any], AttributeValue | None]

# How a value of exactly a field's type is written, as source text: what it must be, and what it becomes.
_INLINE = {
    "str": ("type(x) is str and x.isascii()", '{"S": x}'),
    "int": ("type(x) is int and -WIDEST < x < WIDEST", '{"N": str(x)}'),
    "bool": ("x is True or x is False", '{"BOOL": x}'),
    "float": ("type(x) is float", '{"N": number_text(x)}'),
    "decimal": ("type(x) is Decimal", '{"N": number_text(x)}'),
    "date": ("type(x) is date", '{"S": x.isoformat()}'),
    "datetime": ("type(x) is datetime and x.tzinfo is UTC", '{"S": instant_text(x)}'),
}
_NAMES: dict[str, Any] = {found.__name__: found for found in (Decimal, date, datetime, number_text, instant_text)}
_NAMES |= {"UTC": UTC, "WIDEST": 10**38}


def compiled(fields: Mapping[str, tuple[str, Schema]]) -> Callable[[Mapping[str, Any], Stored], Item]:
    """A function that writes these fields (by name: the attribute, the type's schema), made of source text.

    What is of a field's very type is written in place; all else, None too, is left to the function it is given.
    """
    lines = ["def encode(values, stored):", " item = {}"]
    for name, (attribute, schema) in fields.items():
        test, result = _INLINE.get(schema.get("type", ""), ("False", "None"))
        lines += [
            f" x = values[{name!r}]",
            f" if {test}: item[{attribute!r}] = {result}",
            f" elif (found := stored({name!r}, x)) is not None: item[{attribute!r}] = found",
        ]
    made: dict[str, Any] = {}
    exec("\n".join([*lines, " return item"]), dict(_NAMES), made)
    return cast("Callable[[Mapping[str, Any], Stored], Item]", made["encode"])


def _innermost(schema: Schema) -> Schema:
    """The schema of a field's type itself, inside defaults, rules and None."""
    while isinstance(schema.get("schema"), dict):
        schema = schema["schema"]
    return schema


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
