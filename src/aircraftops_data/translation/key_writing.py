"""The keys of an entity, built by a function that is made of source text once for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

from aircraftops_data.model.definition import BoundKey, EntityDefinition, Item, KeyPart
from aircraftops_data.model.encoders import TEXT
from aircraftops_data.model.keys import Component, is_safe

KeyWriter = Callable[[Mapping[str, Any], Item], None]


def key_writer(definition: EntityDefinition) -> KeyWriter:
    """What adds the attributes of the primary key, and of every index these values have an entry in, to an item.

    The same as `BoundKey.build` for each; raises InvalidKeyError as that does.
    """
    known: dict[str, Any] = {"is_safe": is_safe}
    lines = ["def write(values, item):", " pass"]
    for key in definition.keys:
        lines += _key(key, known)
    made: dict[str, Any] = {}
    exec("\n".join(lines), known, made)
    return cast("KeyWriter", made["write"])


def _key(key: BoundKey, known: dict[str, Any]) -> list[str]:
    """Statements that add one key, if none of its components is None."""
    read = [f" {_variable(name)} = values[{name!r}]" for name in key.components]
    whole = " and ".join(f"{_variable(name)} is not None" for name in key.components) or "True"
    return [*read, f" if {whole}:", *(line for part in key.parts for line in _part(part, known))]


def _part(part: KeyPart, known: dict[str, Any]) -> list[str]:
    name = part.attribute.name
    if part.attribute.type != "S":
        known[f"plain_{len(known)}"] = part.plain_value
        (component,) = part.template.components
        return [f"  item[{name!r}] = plain_{len(known) - 1}({_variable(component)})"]
    stored = f"stored_{len(known)}"
    known[stored] = part.text_value
    text = " + '#' + ".join(_segment(part, segment, known) for segment in part.template.segments)
    return [f"  item[{name!r}] = {stored}({text})"]


def _segment(part: KeyPart, segment: str | Component, known: dict[str, Any]) -> str:
    """An expression for one segment; plain text that needs no escape is taken as it is."""
    if isinstance(segment, str):
        return repr(segment)
    encoded, value = f"encoded_{len(known)}", _variable(segment.name)
    known[encoded] = partial(part.template.encoded, segment)
    if segment.encoder is not TEXT:
        return f"{encoded}({value})"
    return f"({value} if type({value}) is str and is_safe({value}) else {encoded}({value}))"


def _variable(name: str) -> str:
    return f"v_{name}"
