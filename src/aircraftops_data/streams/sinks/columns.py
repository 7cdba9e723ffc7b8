"""The columns that an entity's fields are in files for analytics, and the row of a change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, cast

from aircraftops_data.errors import DefinitionError, InvalidInputError, InvalidValueError
from aircraftops_data.model.definition import AttributeValue
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.fields import Schema, model_fields
from aircraftops_data.model.privacy import PrivacyKind, private_parts
from aircraftops_data.streams.change import Change
from aircraftops_data.streams.sinks.telling import about, held_by, told_fields
from aircraftops_data.translation.codec import codec_of
from aircraftops_data.translation.values import decode_value, encode_value
from aircraftops_data.transports.parquet import COUNT, DAY, FLAG, INSTANT, OCTETS, REAL, TEXT, Row, json_text

PARTITION = "date"
"""What the files are partitioned by; no field can be a column of this name."""
ABOUT: Mapping[str, str] = {
    "_operation": TEXT,
    "_cause": TEXT,
    "_sequence": TEXT,
    "_event_id": TEXT,
    "_at": INSTANT,
    "_place": TEXT,
    "_version": COUNT,
    "_age": COUNT,
}
"""The columns that tell of the change."""

_JSON = "json"
_INT64 = range(-(1 << 63), 1 << 63)
_BY_BASE: tuple[tuple[type, str], ...] = ((bool, FLAG), (int, COUNT), (float, REAL), (bytes, OCTETS))
_BY_NAME = {
    "bool": FLAG,
    "int": COUNT,
    "float": REAL,
    "bytes": OCTETS,
    "date": DAY,
    "datetime": INSTANT,
    **dict.fromkeys(("str", "uuid", "decimal", "time", "timedelta", "url", "multi-host-url"), TEXT),
}


class Columns:
    """The fields of an entity as columns, and rows of its changes.

    Without `fields`, all but those marked PERSONAL or SECRET, and `version`, which is `_version`; else those named.
    Raises DefinitionError for one that there is not, for a SECRET one, and for names that SQL cannot tell apart.
    """

    def __init__(self, entity: type[Entity], fields: Sequence[str] | None = None) -> None:
        self._entity = entity
        self._codec = codec_of(entity.definition())
        named = told_fields(entity, fields, but=("version",))
        # Athena and Trino write all names small.
        small = Counter([PARTITION, *(name.lower() for name in named)])
        if twice := sorted(name for name, count in small.items() if count > 1):
            raise DefinitionError(f"{entity.__name__}: more than one column would be named {', '.join(twice)}")
        kinds = _kinds_of(entity)
        self._fields = {name: kinds[name] for name in named}
        self._personal = fields is not None
        self.kinds: Mapping[str, str] = {
            **{name: TEXT if kind == _JSON else kind for name, kind in self._fields.items()},
            **ABOUT,
        }

    def row(self, change: Change[Any]) -> Row:
        """The row of a change: of a removal with what there was, else with what there is now.

        Where the stream's view leaves that out, with the fields of the primary key alone. Raises InvalidInputError for
        a change of another entity, InvalidValueError for an integer beyond 64 bits.
        """
        if change.entity is not self._entity:
            raise InvalidInputError(f"The change is not one of {self._entity.__name__}")
        held = held_by(change)
        row = {name: self._value(name, kind, held.get(name)) for name, kind in self._fields.items()}
        return row | about(change)

    def _value(self, name: str, kind: str, value: Any) -> Any:
        if value is None:
            return None
        if kind == COUNT:
            return _whole(name, value)
        if kind in _AS_THEY_ARE:
            return value
        stored = self._codec.field(name, value) or encode_value(value)
        return self._json(stored, value) if kind == _JSON else _text(stored)

    def _json(self, stored: AttributeValue, value: Any) -> str | None:
        """What is stored, as JSON; without what models inside mark as private."""
        plain = decode_value(stored)
        for path, kind in private_parts(value):
            if (kind is PrivacyKind.SECRET or not self._personal) and not _cut(plain, path):
                # It is stored in another shape than it has: nobody knows where the private part lies.
                return None
        return json_text(plain)


# Instants of entities are in UTC.
_AS_THEY_ARE = frozenset({FLAG, REAL, OCTETS, DAY, INSTANT})


def _kinds_of(entity: type[Entity]) -> dict[str, str]:
    """The kind of column of each field; JSON for what holds others, and for what may be of several kinds."""
    fields, _, definitions = model_fields(cast("Schema", entity.__pydantic_core_schema__))
    known = {str(schema["ref"]): schema for schema in definitions}
    found = {name: _kinds(field["schema"], known) for name, field in fields.items()}
    return {name: kinds.pop() if len(kinds) == 1 else _JSON for name, kinds in found.items()}


def _kinds(schema: Schema, known: Mapping[str, Schema]) -> set[str]:
    """The kinds of values, other than None, that pydantic makes of a field's input."""
    match schema["type"]:
        case "none":
            return set()
        case "union":
            # A choice may be a pair: the choice and its name.
            choices: list[Any] = [choice if isinstance(choice, dict) else choice[0] for choice in schema["choices"]]
            return {kind for choice in choices for kind in _kinds(choice, known)}
        case "literal":
            return {_kind_of(value.__class__) for value in schema["expected"] if value is not None}
        case "enum":
            return {_kind_of(schema["cls"])}
        case "definition-ref":
            # A type that holds itself is JSON in any case.
            return _kinds(known[schema["schema_ref"]], {ref: {"type": "any"} for ref in known})
        case named if named in _BY_NAME:
            return {_BY_NAME[named]}
        case "nullable" | "default" | "function-after" | "function-before" | "function-wrap":
            return _kinds(schema["schema"], known)
        case _:
            return {_JSON}


def _kind_of(held: type) -> str:
    return next((kind for base, kind in _BY_BASE if issubclass(held, base)), TEXT)


def _whole(name: str, value: int) -> int:
    # A plain int: to look for any other, a range is gone through number by number.
    number = int(value)
    if number not in _INT64:
        raise InvalidValueError(f"{name} is beyond 64 bits", problems=(f"beyond 64 bits @ {name}",))
    return number


def _text(stored: AttributeValue) -> str:
    """Text and numbers as they are stored, digit by digit; anything else as JSON."""
    ((kind, value),) = stored.items()
    return value if kind in ("S", "N") else json_text(decode_value(stored))


def _cut(plain: Any, path: Sequence[str | int]) -> bool:
    """Take what lies at a path out of maps and lists; whether it was found there."""
    try:
        *way, last = path
        for step in way:
            plain = plain[step]
        del plain[last]
    except (LookupError, TypeError, ValueError):
        return False
    return True
