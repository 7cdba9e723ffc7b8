"""Pieces of pydantic-core schemas: what reads one attribute value, and how schemas are put together and changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from operator import itemgetter
from typing import Any, NamedTuple, cast

from pydantic_core import SchemaValidator

from aircraftops_data.errors import CorruptItemError
from aircraftops_data.model.fields import Schema
from aircraftops_data.translation.values import decode_value


class Wired(NamedTuple):
    """A schema that reads what is stored under a type: `kind` is the type, "S" or "N" or ..."""

    kind: str
    schema: Schema
    takes_null: bool = False

    def within(self, schema: Schema) -> Wired:
        """The same inside another schema."""
        return self._replace(schema={**bare(schema), "schema": self.schema})

    def paths(self, attribute: str) -> list[list[str]]:
        """Where to look the value up: under its type, or else something that the schema does not take.

        That is the whole attribute value, a dict. What takes dicts is given what is inside one instead, which for
        every other type is none; only NULL it is shown whole, if it takes that.
        """
        if not self.kind:
            return [[attribute]]
        if self.kind != "M":
            return [[attribute, self.kind], [attribute]]
        kinds = [[attribute, kind] for kind in ("M", "S", "N", "L", "BOOL", "B", "SS", "NS", "BS")]
        return [*kinds, [attribute] if self.takes_null else [attribute, "NULL"]]


@cache
def available() -> bool:
    """Whether this pydantic-core builds a model's schema as it is given, not as the model has it built already."""
    try:
        built({"type": "str"})
    except TypeError:
        return False
    return True


def built(schema: Schema, definitions: Iterable[Schema] = ()) -> SchemaValidator:
    """The validator of a schema. Raises TypeError where pydantic-core lacks the option (pydantic before 2.13)."""
    whole = {"type": "definitions", "schema": schema, "definitions": list(definitions)}
    return SchemaValidator(cast("Any", whole), _use_prebuilt=False)  # pyright: ignore[reportCallIssue, reportUnknownVariableType]


def function(schema_type: str, called: Callable[[Any], Any], **rest: Any) -> Schema:
    """A schema that calls a function of the value alone."""
    return {"type": schema_type, "function": {"type": "no-info", "function": called}, **rest}


def attribute_value(value: Any) -> Any:
    """A whole attribute value in plain Python, as the slow way gives it to the field."""
    try:
        return decode_value(value)
    except CorruptItemError as error:
        raise ValueError("not an attribute value") from error


def null(value: Any) -> None:
    """None, of NULL. Raises ValueError for all else."""
    if value != {"NULL": True}:
        raise ValueError("not null")


def instant(seconds: int) -> datetime:
    """Epoch seconds; a text with a fraction does not get here."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError("no instant") from error


def chain(*steps: Schema) -> Schema:
    """A schema of schemas one after the other."""
    return {"type": "chain", "steps": list(steps)}


def tagged(place: tuple[str, ...], choices: Mapping[str, Schema]) -> Schema:
    """A schema chosen by the text at a place in the input."""
    return {"type": "tagged-union", "discriminator": [list(place)], "choices": dict(choices)}


_NOT_FOR_READING = frozenset({"ref", "metadata", "serialization"})


def bare(schema: Schema) -> Schema:
    """A schema without what validation has no use for, and without its name, which only one may have."""
    return {name: value for name, value in schema.items() if name not in _NOT_FOR_READING}


# What holds schemas by names of their own, and what holds values.
_NAMED = frozenset({"fields", "choices"})
_VALUES = frozenset({"default", "expected", "members"})


def plain(schema: Any) -> Any:
    """A schema for values that are plain Python already, whatever it would take of JSON."""
    if isinstance(schema, list):
        return [plain(inner) for inner in schema]  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(schema, dict):
        return schema
    found = cast("Schema", schema)
    if found.get("type") == "json-or-python":
        return plain(found["python_schema"])
    return {name: _plain_part(name, inner) for name, inner in found.items() if name not in _NOT_FOR_READING}


def _plain_part(name: str, inner: Any) -> Any:
    if name in _VALUES:
        return inner
    if name in _NAMED and isinstance(inner, dict):
        return {own: plain(schema) for own, schema in cast("Schema", inner).items()}
    return plain(inner)


def inside_default(schema: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """A schema changed inside its default: what the default gives has no stored form to be read from."""
    return {**bare(schema), "schema": change(schema["schema"])} if schema["type"] == "default" else change(schema)


def unwrapping(inner: Wired) -> Schema:
    """An element: its attribute value is unwrapped by a function written in C."""
    return function("function-before", itemgetter(inner.kind), schema=inner.schema)
