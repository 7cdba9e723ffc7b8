"""What is read for an entity: by its primary key, by a query, a scan, or the whole partition it lives in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, TypeVar, cast

from aircraftops_data.core.context import Context
from aircraftops_data.core.guards import conjunction
from aircraftops_data.core.reading import Reading, Source, chunk, get, source_of
from aircraftops_data.errors import InvalidInputError, NotFoundError
from aircraftops_data.model.conditions import Attribute, BeginsWith, Comparison, Condition
from aircraftops_data.model.declarations import KeyQuery
from aircraftops_data.model.definition import EntityDefinition, Item, KeyPart
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.keys import SEPARATOR
from aircraftops_data.model.schema import Table
from aircraftops_data.request import Plan
from aircraftops_data.translation.codec import codec_of, type_of
from aircraftops_data.translation.readers import reader_of

E = TypeVar("E", bound=Entity)


def finding(
    entity: type[E], identity: Mapping[str, Any], context: Context, *, consistent: bool, expired: bool
) -> Plan[E | None]:
    """Read the entity with this identity; None where there is none. Raises InvalidKeyError, CorruptItemError."""
    definition = entity.definition()
    key = definition.identify(identity)
    return cast("E | None", (yield from get(definition, key, context, consistent=consistent, expired=expired)))


def getting(
    entity: type[E], identity: Mapping[str, Any], context: Context, *, consistent: bool, expired: bool
) -> Plan[E]:
    """Like `finding`, and raise NotFoundError where there is none."""
    found = yield from finding(entity, identity, context, consistent=consistent, expired=expired)
    if found is None:
        name = entity.definition().name
        raise NotFoundError(f"No {name} at this key", entity=name, identity=identity)
    return found


def query_reading(query: KeyQuery[Any], *, consistent: bool = False) -> Reading[Any]:
    """What a key query reads."""
    return _reading(query.definition, source_of(query), consistent=consistent)


def every(query: KeyQuery[E], context: Context) -> Plan[list[E]]:
    """All that a key query finds, read strongly; for few items. 1 read unit per 4 KB. Raises CorruptItemError."""
    reading: Reading[E] = query_reading(query, consistent=True)
    found: list[E] = []
    start: Item | None = None
    while True:
        part = yield from chunk(reading, context, start, None)
        found += part.found.whole()
        start = part.next
        if start is None:
            return found


def scan_reading(entity: type[Entity], segments: int) -> Reading[Any]:
    """The whole table of an entity, the others left out. Raises InvalidInputError for less than one segment."""
    if segments < 1:
        raise InvalidInputError("A scan has at least one segment")
    definition = entity.definition()
    return _reading(definition, Source(definition.table), _of_kind(definition), segments=segments)


def partition_reading(entity: type[Entity], components: Mapping[str, Any], **options: Any) -> Reading[Entity | Item]:
    """Everything in the partition an entity lives in. Raises InvalidInputError unless its key is known."""
    definition = entity.definition()
    part = definition.primary.partition
    for name in components:
        part.template.component(name)
    place = part.value({name: definition.coerce(name, value) for name, value in components.items()})
    if place is None:
        raise InvalidInputError("A collection needs every component of the partition key")
    table = definition.table
    reader = reader_of(*table.entities.values()) if table.typed else None
    source = Source(table, partition=(part.attribute.name, place))
    return Reading(source, partial(_of_any_kind, table), reader=reader, **options)


def _of_any_kind(table: Table, item: Item) -> Entity | Item:
    """The entity an item is of; the item itself where nobody declared its type. Raises CorruptItemError."""
    definition = table.entities.get(type_of(item, table) or "")
    return item if definition is None else codec_of(definition).entity(item)


def _reading(
    definition: EntityDefinition, source: Source, condition: Condition | None = None, **options: Any
) -> Reading[Any]:
    refusal = None
    if source.index is not None and source.index.projection != "ALL":
        refusal = f"{source.index.name} carries only parts of a {definition.name}; ask for them with .project()"
    decode, reader = codec_of(definition).entity, reader_of(definition)
    return Reading(source, decode, definition, condition, reader=reader, refusal=refusal, **options)


def _of_kind(definition: EntityDefinition) -> Condition | None:
    """What tells the items of an entity in a scan: its type, or else the literals its primary key begins with."""
    table = definition.table
    if table.typed:
        return Comparison("=", Attribute(table.managed.entity_type), definition.entity_type)
    return conjunction([condition for part in definition.primary.parts for condition in _literally(part)])


def _literally(part: KeyPart) -> Iterator[Condition]:
    literals, attribute = part.template.leading_literals, Attribute(part.attribute.name)
    if not part.template.components:
        yield Comparison("=", attribute, part.template.text)
    elif literals:
        yield BeginsWith(attribute, SEPARATOR.join((*literals, "")))
