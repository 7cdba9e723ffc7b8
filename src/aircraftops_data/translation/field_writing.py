"""Functions that write the fields of an entity or a model as attribute values, made of source text once for each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, cast

from aircraftops_data.model.definition import AttributeValue, Item
from aircraftops_data.model.encoders import instant_text
from aircraftops_data.model.fields import Schema
from aircraftops_data.model.numbers import number_text
from aircraftops_data.translation.values import encode_value

Stored = Callable[[str, Any], AttributeValue | None]
Writer = Callable[[Mapping[str, Any], Stored], Item]

# What pydantic's serializer leaves as it is, itself and through what is around it.
_AS_IT_IS = frozenset(
    {"str", "int", "float", "decimal", "bool", "bytes", "datetime", "date", "time", "timedelta", "uuid", "enum"}
    | {"literal", "none", "nullable", "default", "function-after", "function-before", "function-wrap"}
    | {"list", "set", "frozenset", "dict"}
)
_HOLDING = ("schema", "items_schema", "keys_schema", "values_schema")

_WIDEST = 10**38
_TEXTS = {str}


def plain_texts(values: Collection[Any]) -> bool:
    """Whether there are values, and all are texts that need no second look."""
    return {*map(type, values)} == _TEXTS and "".join(values).isascii()


# How a value of exactly a field's type is written, as source text: what it must be, and what it becomes.
_INLINE = {
    "str": ("type(x) is str and x.isascii()", '{"S": x}'),
    "int": ("type(x) is int and -WIDEST < x < WIDEST", '{"N": str(x)}'),
    "bool": ("x is True or x is False", '{"BOOL": x}'),
    "float": ("type(x) is float", '{"N": number_text(x)}'),
    "decimal": ("type(x) is Decimal", '{"N": number_text(x)}'),
    "date": ("type(x) is date", '{"S": x.isoformat()}'),
    "datetime": ("type(x) is datetime and x.tzinfo is UTC", '{"S": instant_text(x)}'),
    "list": ("type(x) is list and plain_texts(x)", '{"L": [{"S": y} for y in x]}'),
    "set": ("type(x) is set and plain_texts(x)", '{"SS": sorted(x)}'),
    "frozenset": ("type(x) is frozenset and plain_texts(x)", '{"SS": sorted(x)}'),
}
_CALLED = (Decimal, date, datetime, number_text, instant_text, plain_texts)
_KNOWN: dict[str, Any] = {**{found.__name__: found for found in _CALLED}, "UTC": UTC, "WIDEST": _WIDEST}


def writer(fields: Mapping[str, tuple[str, Schema]]) -> Writer:
    """A function that writes these fields (by name: the attribute, the field's schema), made of source text.

    What is of a field's very type is written in place; all else, None too, is left to the function it is given.
    """
    known, lines = dict(_KNOWN), ["def write(values, stored):", " item = {}"]
    for name, (attribute, schema) in fields.items():
        test, result = _written(innermost(schema), known)
        lines += [
            f" x = values[{name!r}]",
            f" if {test}: item[{attribute!r}] = {result}",
            f" elif (found := stored({name!r}, x)) is not None: item[{attribute!r}] = found",
        ]
    exec("\n".join([*lines, " return item"]), known)
    return cast("Writer", known["write"])


def _written(schema: Schema, known: dict[str, Any]) -> tuple[str, str]:
    """What a value must be to be written in place, and how it is; never for a type not known here."""
    if schema["type"] != "model" or not is_flat(schema):
        return _INLINE.get(schema["type"], ("False", "None"))
    number = len(known)
    known[f"model_{number}"], known[f"write_{number}"] = schema["cls"], _model_writer(schema)
    known["encode_inner"] = _encode_inner
    return f"type(x) is model_{number}", f'{{"M": write_{number}(x.__dict__, encode_inner)}}'


def _model_writer(schema: Schema) -> Writer:
    fields = cast("dict[str, Schema]", schema["schema"]["fields"])
    kept = {name: field for name, field in fields.items() if not field.get("serialization_exclude")}
    return writer({name: (field.get("serialization_alias", name), field) for name, field in kept.items()})


def _encode_inner(_: str, value: Any) -> AttributeValue:
    """Inside a model None is stored as NULL, and an empty set as an empty list."""
    return encode_value(value)


def innermost(schema: Schema) -> Schema:
    """The schema of a type itself, inside fields, defaults, rules and None."""
    return _layers(schema)[-1]


def _layers(schema: Schema) -> list[Schema]:
    layers = [schema]
    while schema["type"] != "model" and isinstance(schema.get("schema"), dict):
        schema = schema["schema"]
        layers.append(schema)
    return layers


def is_left_alone(schema: Schema) -> bool:
    """Whether pydantic's serializer gives the very value back, or what is written alike."""
    inner = [schema[name] for name in _HOLDING if name in schema]
    if "serialization" in schema or (schema["type"] not in _AS_IT_IS and schema["type"] != "model-field"):
        return False
    untyped = schema["type"] in ("list", "set", "frozenset", "dict") and not inner
    return not untyped and all(is_left_alone(part) for part in inner)


def is_flat(schema: Schema) -> bool:
    """Whether a value is a model whose serializer only gives its fields, each left alone or such a model again."""
    layers = _layers(schema)
    found = layers[-1]
    if found["type"] != "model" or any("serialization" in layer for layer in layers):
        return False
    inside, config = cast("Schema", found["schema"]), cast("Schema", found.get("config") or {})
    special = found.get("root_model") or config.get("extra_fields_behavior") == "allow"
    if special or inside["type"] != "model-fields" or inside.get("computed_fields") or "serialization" in inside:
        return False
    fields = cast("dict[str, Schema]", inside["fields"]).values()
    return all("serialization_exclude_if" not in field and (is_left_alone(field) or is_flat(field)) for field in fields)
