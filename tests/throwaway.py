"""Entities declared for one test, and a model of what DynamoDB selects by a key condition."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from types import new_class
from typing import Any

from aircraftops_data import Entity, Index, PrimaryKey, Table
from aircraftops_data.model.declarations import KeyQuery, SortCondition
from aircraftops_data.model.definition import Item

_NUMBERS = count()


def declare(
    table: Table, fields: Mapping[str, Any], primary: PrimaryKey, *, entity_type: str | None = None, **body: Any
) -> Any:
    """An entity class with these annotated fields (a value in `body` is a default, an index or a unique)."""
    name = f"Throwaway{next(_NUMBERS)}"
    namespace = {
        "__module__": __name__,
        "__qualname__": name,
        "__annotations__": {**dict.fromkeys(fields), **fields},
        "primary": primary,
        **body,
    }
    keywords = {"table": table, "entity_type": entity_type or name.lower()}
    return new_class(name, (Entity,), keywords, lambda body: body.update(namespace))


def indexed(table: Table, fields: Mapping[str, Any], index: Any, partition: str, sort: str | None = None) -> Any:
    """An entity with an id of its own that is found through one index, as `.by`."""
    return declare(table, {"id": str, **fields}, PrimaryKey("ID#{id}", "ID"), by=Index(index, partition, sort))


def stored_bytes(value: Mapping[str, Any]) -> bytes:
    """A text key as DynamoDB compares it: UTF-8, byte by byte."""
    return str(value["S"]).encode()


def selects(query: KeyQuery[Any], key: Item) -> bool:
    """Whether DynamoDB would give the item with this key of the query's table or index."""
    partition, sort = query.key.partition, query.key.sort
    if key[partition.attribute.name] != query.partition:
        return False
    return query.sort is None or sort is None or _holds(query.sort, stored_bytes(key[sort.attribute.name]))


def _holds(condition: SortCondition, key: bytes) -> bool:
    bounds = [stored_bytes(value) for value in condition.values]
    match condition.operator:
        case "=":
            return key == bounds[0]
        case "begins_with":
            return key.startswith(bounds[0])
        case "BETWEEN":
            return bounds[0] <= key <= bounds[1]
        case ">=":
            return key >= bounds[0]
        case "<=":
            return key <= bounds[0]
        case other:
            raise AssertionError(f"DynamoDB has no sort-key operator {other!r}")
