"""How OpenSearch keeps the fields of entities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from types import NoneType
from typing import Annotated, Any, NewType, get_args, get_origin

from pydantic import BaseModel

from aircraftops_data.errors import DefinitionError
from aircraftops_data.model.entity import Entity

Said = dict[str, Any]

# Values to filter, sort and count by; a longer one than this is found by its words alone.
_TEXT: Said = {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 1024}}}
_OTHER: Said = {"type": "object", "enabled": False}
# In this order: a bool is an int, a datetime is a date.
_KINDS: Sequence[tuple[type | tuple[type, ...], Said]] = (
    (Enum, _TEXT),
    (bool, {"type": "boolean"}),
    (int, {"type": "long"}),
    ((float, Decimal), {"type": "double"}),
    (date, {"type": "date"}),
    ((BaseModel, Mapping), _OTHER),
)


def mapping_of(fields: Mapping[type[Entity], Sequence[str]]) -> Said:
    """The mapping of an index for these fields; what it does not name is kept and not searched.

    Raises DefinitionError where a field of two entities is of different kinds: they need an index each.
    """
    found: dict[str, Said] = {}
    for entity, names in fields.items():
        for name in names:
            kind = kind_of(entity.model_fields[name].annotation)
            if found.setdefault(name, kind) != kind:
                raise DefinitionError(f"{entity.__name__}.{name} is of another kind than {name} of another entity")
    return {
        "dynamic": False,
        "properties": {
            "entity": {"type": "keyword"},
            "identity": _OTHER,
            "fields": {"dynamic": False, "properties": found},
            "text": {"type": "text"},
        },
    }


def kind_of(annotation: Any) -> Said:
    """How values of a type are kept; as text where they may be of several kinds."""
    kinds = [_kind(part) for part in _parts(annotation)]
    if _OTHER in kinds:
        return _OTHER
    return kinds[0] if kinds and all(kind == kinds[0] for kind in kinds) else _TEXT


def _kind(kind: Any) -> Said:
    if kind in (Any, object) or is_dataclass(kind):
        return _OTHER
    if isinstance(kind, type):
        return next((said for of, said in _KINDS if issubclass(kind, of)), _TEXT)
    return _TEXT


def _parts(annotation: Any, aliases: tuple[Any, ...] = ()) -> Iterator[Any]:
    """The plain types in a type: those it may be, or is a list or a set of. An alias may speak of itself."""
    origin = get_origin(annotation)
    if isinstance(annotation, NewType):
        yield from _parts(annotation.__supertype__, aliases)
    elif hasattr(annotation, "__value__"):
        yield from () if annotation in aliases else _parts(annotation.__value__, (*aliases, annotation))
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        yield origin
    elif origin is None:
        yield from () if annotation is NoneType else (annotation,)
    else:
        for part in get_args(annotation)[: 1 if origin is Annotated else None]:
            yield from () if part is Ellipsis else _parts(part, aliases)
