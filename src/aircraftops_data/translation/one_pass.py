"""An entity's pydantic-core schema, rewritten to read DynamoDB's JSON itself: from bytes to entities in one pass.

Every field looks its value up under the type it is stored as (`["registration", "S"]`). Where that is not there, it
finds the whole attribute value instead, which no field takes: so an item of another shape fails here, and is read the
slow way, with the same result and better errors. A field with a type this module does not know is decoded by a
function and then validated as always.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC
from functools import cache
from operator import methodcaller
from typing import Any, ClassVar, NamedTuple, cast

from aircraftops_data.model.definition import EntityDefinition
from aircraftops_data.model.entity import in_utc
from aircraftops_data.model.fields import Schema, looks_around, model_fields, set_kind
from aircraftops_data.translation.schemas import (
    Wired,
    attribute_value,
    bare,
    chain,
    function,
    inside_default,
    instant,
    null,
    plain,
    tagged,
    unwrapping,
)
from aircraftops_data.wire import binary_of


class ItemSchema(NamedTuple):
    """What reads an item, and the definitions it may refer to, by name."""

    schema: Schema
    definitions: dict[str, Schema]


class Unreadable(Exception):
    """An entity, or a part of one, that cannot be read in one pass."""


@cache
def item_schema(definition: EntityDefinition) -> ItemSchema | None:
    """What reads a whole item of an entity; None where only the slow way can."""
    schema = cast("Schema", definition.entity.__pydantic_core_schema__)
    if definition.ambiguous or looks_around(schema):
        return None
    try:
        return _Rewriting(definition, schema).item()
    except Unreadable:
        return None


_STORED = {
    **dict.fromkeys(("str", "datetime", "date", "time", "timedelta", "uuid"), "S"),
    **dict.fromkeys(("int", "float", "decimal"), "N"),
    "bool": "BOOL",
}
# What pydantic would take besides: bytes for text, "yes" for true, NaN for a number.
_EXACT: Mapping[str, Schema] = {
    "str": {"strict": True},
    "bool": {"strict": True},
    "float": {"allow_inf_nan": False},
    "decimal": {"allow_inf_nan": False},
}
_TEXT: Schema = {"type": "str", "strict": True}
# The same as `in_utc`, without a step into Python; where that refuses, this ends the one pass.
_IN_UTC = methodcaller("astimezone", UTC)


class _Rewriting:
    """The rewriting of one entity's schema, piece by piece; each takes a schema and gives it `Wired`, or None."""

    def __init__(self, definition: EntityDefinition, schema: Schema) -> None:
        self._definition = definition
        self._schema = schema
        _, _, known = model_fields(schema)
        self._definitions = {found["ref"]: found for found in known}
        self._open: set[str] = set()

    # The item

    def item(self) -> ItemSchema:
        """The model, its fields by attribute name, kept to items of its type and schema version."""
        whole = self._model(self._schema, self._entity_fields)
        table, version = self._definition.table, self._definition.schema_version
        if version > 1:
            whole = tagged((table.managed.schema_version, "N"), {str(version): whole})
        return ItemSchema(whole, {ref: plain(found) | {"ref": ref} for ref, found in self._definitions.items()})

    def _entity_fields(self, fields: Mapping[str, Schema]) -> dict[str, Schema]:
        return {name: {**bare(field), **self._entity_field(name, field["schema"])} for name, field in fields.items()}

    def _entity_field(self, name: str, schema: Schema) -> Schema:
        attribute = self._definition.attributes.get(name)
        if attribute is None:
            # Stored nowhere, and no attribute has an empty name.
            return {"schema": plain(schema), "validation_alias": [[""]]}
        wired = self._expiry(schema) if name == "expires_at" else self._optional_field(schema)
        keys = [[part] for part in dict.fromkeys(self._key_attributes(name)) if part != attribute]
        if keys and not wired.kind:
            raise Unreadable
        return {"schema": self._with_empty_set(name, wired.schema), "validation_alias": self._paths(name, wired) + keys}

    def _paths(self, name: str, wired: Wired) -> list[list[str]]:
        attribute, managed = self._definition.attributes[name], self._definition.table.managed
        paths = wired.paths(attribute)
        if name == "version" and self._definition.schema_version == 1:
            # An item that says it has a schema version is not read here: a dict is no version.
            return [[managed.schema_version], *paths]
        return paths

    def _expiry(self, schema: Schema) -> Wired:
        steps = [{"type": "int"}, function("function-plain", instant)]
        return Wired("N", inside_default(schema, lambda inner: chain(*steps, plain(inner))))

    def _optional_field(self, schema: Schema) -> Wired:
        """A field; where absence reads back as None, None is never stored as such."""
        inner = schema.get("schema", {})
        lean = schema["type"] == "default" and schema.get("default", schema) is None and inner["type"] == "nullable"
        wired = self._value(inner["schema"]) if lean else None
        if wired is None or wired.takes_null or schema.get("validate_default"):
            return self._field(schema)
        # What is there is a value: {"S": null} is none, and left to the slow way.
        return wired.within(schema)

    def _key_attributes(self, name: str) -> Iterator[str]:
        """The key attributes a component is read from where its own is missing; finding one here is a failure."""
        for key in self._definition.keys:
            for part in key.parts:
                if name in part.template.components:
                    yield part.attribute.name

    def _with_empty_set(self, name: str, schema: Schema) -> Schema:
        """An empty set is stored as nothing and read back as empty, whatever the field's default."""
        empty = set_kind(self._definition.entity, name)
        if empty is None:
            return schema
        inner = schema["schema"] if schema["type"] == "default" else schema
        return {"type": "default", "schema": inner, "default_factory": empty, "validate_default": True}

    # Models

    def _model(self, schema: Schema, fields: Callable[[Mapping[str, Schema]], dict[str, Schema]]) -> Schema:
        """A model and what is around it. Raises Unreadable for rules that see the input before it is a model."""
        kind = schema["type"]
        if kind == "definitions":
            return self._model(schema["schema"], fields)
        if kind == "definition-ref":
            with self._opened(schema["schema_ref"]) as found:
                return self._model(found, fields)
        if kind == "function-after":
            return {**bare(schema), "schema": self._model(schema["schema"], fields)}
        if kind == "model-fields" and "extras_schema" not in schema and "extras_keys_schema" not in schema:
            return {**bare(schema), "fields": fields(schema["fields"])}
        if kind != "model" or schema.get("custom_init") or schema.get("root_model"):
            raise Unreadable
        config = cast("Schema", schema.get("config") or {})
        if config.get("strict") or schema.get("strict") or config.get("extra_fields_behavior") == "allow":
            raise Unreadable
        config = {**config, "validate_by_name": False, "validate_by_alias": True}
        if fields == self._entity_fields:
            config["extra_fields_behavior"] = "ignore"
        return {**bare(schema), "config": config, "schema": self._model(schema["schema"], fields)}

    def _opened(self, ref: str) -> _Opened:
        if ref in self._open:
            raise Unreadable
        return _Opened(self._open, ref, self._definitions[ref])

    def _nested_fields(self, fields: Mapping[str, Schema]) -> dict[str, Schema]:
        return {name: self._nested_field(name, field) for name, field in fields.items()}

    def _nested_field(self, name: str, field: Schema) -> Schema:
        wired = self._field(field["schema"])
        alias = field.get("validation_alias", name)
        if not isinstance(alias, str):
            raise Unreadable
        paths = [path for known in dict.fromkeys((alias, name)) for path in wired.paths(known)]
        return {**bare(field), "schema": wired.schema, "validation_alias": paths}

    # Values

    def _field(self, schema: Schema) -> Wired:
        """A field's value; one of a type not known here is decoded by a function. Its kind is then empty."""
        wired = self._value(schema)
        if wired is not None:
            return wired
        decoded = function("function-before", attribute_value, schema={"type": "any"})
        return Wired("", inside_default(schema, lambda inner: {**decoded, "schema": plain(inner)}))

    def _value(self, schema: Schema) -> Wired | None:
        kind = schema["type"]
        if schema.get("strict") and kind != "str":
            return None
        rewrite = self._REWRITES.get(kind)
        if rewrite is not None:
            return rewrite(self, schema)
        stored = _STORED.get(kind)
        return None if stored is None else Wired(stored, {**bare(schema), **_EXACT.get(kind, {})})

    def _default(self, schema: Schema) -> Wired | None:
        return None if schema.get("on_error", "raise") != "raise" else self._around(schema)

    def _nullable(self, schema: Schema) -> Wired | None:
        """What may be None, and is stored as NULL then."""
        inner = self._value(schema["schema"])
        if inner is None or inner.takes_null:
            return None
        choices = [inner.schema, function("function-plain", null)]
        # What takes dicts might take NULL for one.
        choices = choices[::-1] if inner.kind == "M" else choices
        return Wired(inner.kind, {"type": "union", "mode": "left_to_right", "choices": choices}, takes_null=True)

    def _around(self, schema: Schema) -> Wired | None:
        """A default, or a rule that comes after: it stays, around what it was around."""
        inner = self._value(schema["schema"])
        if inner is None or schema.get("function") != {"type": "no-info", "function": in_utc}:
            return None if inner is None else inner.within(schema)
        return inner.within(function("function-after", _IN_UTC))

    def _before(self, schema: Schema) -> Wired | None:
        """A rule that sees the value first is given it in plain Python."""
        inner = self._value(schema["schema"])
        return Wired("S", chain(_TEXT, plain(schema))) if inner is not None and inner.kind == "S" else None

    def _choice(self, schema: Schema) -> Wired | None:
        """An enum or a literal whose values are all texts, or all whole numbers."""
        found = schema["members"] if schema["type"] == "enum" else schema["expected"]
        values = [value.value if isinstance(value, enum.Enum) else value for value in found]
        if values and all(isinstance(value, str) for value in values):
            return Wired("S", chain(_TEXT, plain(schema)))
        if values and all(type(value) is int for value in values):
            return Wired("N", chain({"type": "int"}, plain(schema)))
        return None

    def _bytes(self, schema: Schema) -> Wired | None:
        return Wired("B", chain(function("function-plain", binary_of), bare(schema)))

    def _list(self, schema: Schema) -> Wired | None:
        inner = None if "items_schema" not in schema else self._value(schema["items_schema"])
        if inner is None or inner.takes_null:
            return None
        return Wired("L", {**bare(schema), "items_schema": unwrapping(inner)})

    def _set(self, schema: Schema) -> Wired | None:
        inner = None if "items_schema" not in schema else self._value(schema["items_schema"])
        if inner is None or inner.kind not in ("S", "N"):
            return None
        return Wired(f"{inner.kind}S", {**bare(schema), "items_schema": inner.schema})

    def _dict(self, schema: Schema) -> Wired | None:
        keys, values = schema.get("keys_schema"), schema.get("values_schema")
        inner = None if values is None else self._value(values)
        if keys is None or keys["type"] != "str" or values is None or inner is None or inner.takes_null:
            return None
        return Wired("M", {**bare(schema), "keys_schema": bare(keys), "values_schema": unwrapping(inner)})

    def _nested(self, schema: Schema) -> Wired | None:
        try:
            return Wired("M", self._model(schema, self._nested_fields))
        except Unreadable:
            return None

    def _reference(self, schema: Schema) -> Wired | None:
        try:
            with self._opened(schema["schema_ref"]) as found:
                return self._value(found)
        except Unreadable:
            return None

    _REWRITES: ClassVar[Mapping[str, Callable[[Any, Schema], Wired | None]]] = {
        "default": _default,
        "nullable": _nullable,
        "function-after": _around,
        "function-before": _before,
        "function-wrap": _before,
        "enum": _choice,
        "literal": _choice,
        "bytes": _bytes,
        "list": _list,
        "set": _set,
        "frozenset": _set,
        "dict": _dict,
        "model": _nested,
        "definition-ref": _reference,
    }


class _Opened:
    """A definition while it is looked into: a second look inside the first is a model that holds itself."""

    def __init__(self, opened: set[str], ref: str, found: Schema) -> None:
        self._opened, self._ref, self._found = opened, ref, found

    def __enter__(self) -> Schema:
        self._opened.add(self._ref)
        return self._found

    def __exit__(self, *_: object) -> None:
        self._opened.remove(self._ref)
