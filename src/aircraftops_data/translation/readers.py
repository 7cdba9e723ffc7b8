"""Readers of responses: from bytes to entities in one pass, with what the engine says around them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from typing import Any, overload

from aircraftops_data.model.definition import AttributeValue, EntityDefinition, Item, ItemView
from aircraftops_data.model.fields import Schema
from aircraftops_data.request import Response
from aircraftops_data.translation.one_pass import ItemSchema, item_schema
from aircraftops_data.translation.schemas import available, built, tagged
from aircraftops_data.wire import members, parsed


class ReadItems(Sequence[Item]):
    """Items that were read as entities: `entities` has them in order, None where an item takes the slow way.

    As a sequence these are the items as stored; the bytes are parsed again the first time one is asked for.
    """

    def __init__(self, entities: list[Any], stored: Callable[[], Sequence[Item]]) -> None:
        self.entities = entities
        self._stored = stored

    @cached_property
    def _items(self) -> Sequence[Item]:
        return self._stored()

    @overload
    def __getitem__(self, index: int) -> Item: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Item]: ...

    def __getitem__(self, index: int | slice) -> Item | Sequence[Item]:
        return self._items[index]

    def __len__(self) -> int:
        return len(self.entities)


def entities_of(items: Sequence[Item]) -> list[Any]:
    """The entities that were read of these items, in order, None where one takes the slow way."""
    return items.entities if isinstance(items, ReadItems) else [None] * len(items)


class ReadItem(Mapping[str, AttributeValue]):
    """One item that was read as an `entity`; as a mapping, the item as stored."""

    def __init__(self, entity: Any, stored: Callable[[], Item]) -> None:
        self.entity = entity
        self._stored = stored

    @cached_property
    def _item(self) -> Item:
        return self._stored()

    def __getitem__(self, name: str) -> AttributeValue:
        return self._item[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._item)

    def __len__(self) -> int:
        return len(self._item)


class EntityReader:
    """Reads the items of responses as the entities they are of; what does not fit is left to the slow way."""

    def __init__(self, item: ItemSchema) -> None:
        definitions = [{**item.schema, "ref": _ITEM}, *item.definitions.values()]
        self._item = built(_REFERENCE, definitions)
        self._response = built(_response_schema(_REFERENCE), definitions)

    def entity(self, item: ItemView) -> Any:
        """The entity of an item that was parsed already; None where that takes the slow way. Never raises."""
        try:
            return self._item.validate_python(item)
        except Exception:  # noqa: BLE001 - a rule of the user's may raise anything; the slow way tells what it was
            return None

    def read(self, body: bytes) -> Response | None:
        """The response with `ReadItems` and `ReadItem`s in it; None for a body that is not such a response."""
        try:
            found: dict[str, Any] = self._response.validate_json(body)
            rest = members({name: found.pop(name) for name in _KEYS if name in found})
        except Exception:  # noqa: BLE001 - as above
            return None
        return found | rest | {name: _wrapped(name, found[name], body) for name in _HOLD_ITEMS if name in found}


_ITEM = "one item"
_REFERENCE: Schema = {"type": "definition-ref", "schema_ref": _ITEM}
_KEYS = ("LastEvaluatedKey", "UnprocessedKeys")
_HOLD_ITEMS = ("Item", "Attributes", "Items", "Responses")


def _response_schema(item: Schema) -> Schema:
    """A response of any of the operations that bring items; of many, those that do not fit become None."""
    one_of_many: Schema = {"type": "default", "schema": item, "default": None, "on_error": "default"}
    items: Schema = {"type": "list", "items_schema": one_of_many}
    places: dict[str, Schema] = {
        "Item": item,
        "Attributes": item,
        "Items": items,
        "Responses": {"type": "dict", "keys_schema": {"type": "str"}, "values_schema": items},
        "Count": {"type": "int"},
        "ScannedCount": {"type": "int"},
        "ConsumedCapacity": {"type": "any"},
        **{name: {"type": "any"} for name in _KEYS},
    }
    fields = {name: {"type": "typed-dict-field", "schema": found, "required": False} for name, found in places.items()}
    return {"type": "typed-dict", "fields": fields}


def _wrapped(name: str, value: Any, body: bytes) -> Any:
    if name == "Items":
        return ReadItems(value, lambda: parsed(body)["Items"])
    if name == "Responses":
        return {table: ReadItems(read, _batch(table, body)) for table, read in value.items()}
    return ReadItem(value, lambda: parsed(body)[name])


def _batch(table: str, body: bytes) -> Callable[[], Sequence[Item]]:
    return lambda: parsed(body)["Responses"][table]


@cache
def item_reader(definition: EntityDefinition) -> Callable[[Any], Any] | None:
    """What reads an item that is known to be of this entity, parsed already; None where one pass cannot.

    It raises whatever it likes for what does not fit: the slow way tells what that is.
    """
    found = item_schema(definition) if available() else None
    return None if found is None else built(found.schema, found.definitions.values()).validate_python


@cache
def reader_of(*definitions: EntityDefinition) -> EntityReader | None:
    """What reads items of these entities of one table; None where one pass cannot, or this pydantic-core cannot."""
    schemas = {found.entity_type: item_schema(found) for found in definitions} if available() else {}
    known = {name: found for name, found in schemas.items() if found is not None}
    if not known:
        return None
    refs = {ref: schema for found in known.values() for ref, schema in found.definitions.items()}
    choices = {name: found.schema for name, found in known.items()}
    managed = definitions[0].table.managed
    if definitions[0].table.typed:
        return EntityReader(ItemSchema(tagged((managed.entity_type, "S"), choices), refs))
    (only,) = choices.values()
    return EntityReader(ItemSchema(only, refs))
