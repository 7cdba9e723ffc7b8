"""Ready-made changes of stored items, chunk by chunk: backfill an index, upgrade, rename an attribute, copy a table.

Each chunk reads a strongly consistent scan on until `page` items need a write, and is one transaction of those and of
where the next begins. Nothing is written that is right already, so a chunk may be run any number of times. An item that
was changed or deleted since it was read cancels the transaction, and the chunk is to be run again.

An item that does not fit its entity stops the change with a CorruptItemError that names its key, before anything of
its chunk is written. Correct or delete that item and resume: the change goes on with the same chunk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, cast

from aircraftops_data.coordination.change import Change
from aircraftops_data.coordination.paging import Finding, Writes, gather
from aircraftops_data.core.asking import scan_reading
from aircraftops_data.core.batch import GET_LIMIT, Place, batch_get_from, place_of
from aircraftops_data.core.context import Context
from aircraftops_data.core.pace import Rate
from aircraftops_data.core.reading import Reading, Source
from aircraftops_data.core.rewriting import CopyPut, Rewrite
from aircraftops_data.core.writes import HOLDER
from aircraftops_data.errors import (
    AircraftOpsDataError,
    CorruptItemError,
    DefinitionError,
    InvalidInputError,
    UniqueConflictError,
)
from aircraftops_data.model.conditions import Attribute, BeginsWith
from aircraftops_data.model.definition import EntityDefinition, Item
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.schema import SENTINEL, SecondaryIndex, Table
from aircraftops_data.request import Plan
from aircraftops_data.translation.codec import EntityCodec, codec_of, is_expired, primary_key, type_of

PAGE_LIMIT = 80
"""The most items a chunk writes: a transaction has room for the record and the fence beside."""

Correction = Callable[[EntityCodec[Any], Item], Item]
"""What a stored item should be; the item itself where it is right. Raises CorruptItemError, InvalidInputError."""


def backfill(
    id: str,
    entity: type[Entity],
    *,
    leaving: Sequence[SecondaryIndex] = (),
    page: int = 50,
    order: str | None = None,
    rate: Rate | None = None,
) -> Change:
    """Give every stored item of an entity the index attributes its definition builds, and take those it does not.

    `leaving` names indexes the entity was in once and declares no longer; without it their attributes stay. Versions
    and instants stay, so that nobody else's write is refused for it. 1 read unit per 4 KB of the whole table; an item
    that is not right yet takes 2 write units per KB, and as much for each entry put into an index or taken out.

    Expired items are left alone. Raises DefinitionError, InvalidInputError unless 1 <= page <= 80. The change fails
    with CorruptItemError where an item does not fit, or must be upgraded first because an index is keyed by a field.
    """
    definition = entity.definition()
    names = _index_attributes(definition) | _left_attributes(definition, leaving)
    source = f"backfill 1: {_kind(definition)}" + "".join(f", leaving {index.name}" for index in leaving)
    find = partial(_rewrites, definition, partial(_indexed, names))
    return _change(id, source, _stored_items(definition), find, page, order, rate)


def upgrade(
    id: str, entity: type[Entity], *, page: int = 50, order: str | None = None, rate: Rate | None = None
) -> Change:
    """Store every item that an older schema version of an entity wrote as the current one writes it, keys included.

    Attributes nobody here knows stay; those the old schema had and the upgraders took away go. Versions and instants
    stay, for the entity reads as it did. Unique values are held as they were: let upgraders keep them. 1 read unit per
    4 KB of the whole table, 2 write units per KB of each old item, and as much for each index entry that changes.

    Expired items are left alone. Raises InvalidInputError unless 1 <= page <= 80. The change fails with
    CorruptItemError for an item that does not fit, is of a newer schema, or would get another primary key.
    """
    definition = entity.definition()
    source = f"upgrade 1: {_kind(definition)}"
    find = partial(_rewrites, definition, _upgraded)
    return _change(id, source, _stored_items(definition), find, page, order, rate)


def rename(
    id: str,
    entity: type[Entity],
    old: str,
    new: str,
    *,
    page: int = 50,
    order: str | None = None,
    rate: Rate | None = None,
) -> Change:
    """Make the stored attribute `old` of every item of an entity the attribute `new`.

    Versions count up: whoever read an item before would write back an entity that lacks the value. Index keys are
    left as they are; where a field feeds one, `backfill` after it. 1 read unit per 4 KB of the whole table, 2 write
    units per KB of each item that has `old`, and as much for its entry in each index that carries it.

    Expired items are left alone. Raises DefinitionError for an attribute of a key or one the library keeps,
    InvalidInputError unless 1 <= page <= 80. The change fails with CorruptItemError for an item that has both
    attributes, or that has `old` and an older schema version, whose upgraders count on it.
    """
    definition = entity.definition()
    _refuse_names(definition, old, new)
    source = f"rename 1: {_kind(definition)}, {old} to {new}"
    find = partial(_rewrites, definition, partial(_renamed, old, new))
    return _change(id, source, _stored_items(definition), find, page, order, rate)


def copy(
    id: str,
    table: Table,
    *,
    to: str | Table,
    entity: type[Entity] | None = None,
    page: int = 50,
    order: str | None = None,
    rate: Rate | None = None,
) -> Change:
    """Copy every item of a table, or of one entity with what holds its unique values, to another table.

    `to` is the other's physical name, or a definition with the same primary key. Items go as they are, versions and
    expiry included. One that the other table has at the same or a newer version stays there as it is; an unversioned
    one stays in any case. What is written or deleted here after its page was read is not followed: stop the writers,
    or copy again under another id; what was deleted here meanwhile then stays there.

    1 read unit per 4 KB here, and one per 4 KB (at least one an item) there; 2 write units per KB of each item that is
    put, and as much for each index entry. Expired items are left alone. Raises DefinitionError where keys differ or the
    entity is of another table, InvalidInputError unless 1 <= page <= 80. The change fails with UniqueConflictError
    where a unique value is held for another item there, and with InvalidInputError where both tables are the same.
    """
    definition = None if entity is None else entity.definition()
    _refuse_target(table, to, definition)
    kind = f"everything of {table.name}" if definition is None else _kind(definition)
    source = f"copy 1: {kind} to {to if isinstance(to, str) else to.name}"
    return _change(id, source, _whole_items(table, definition), partial(_copies, table, to), page, order, rate)


def _kind(definition: EntityDefinition) -> str:
    return f"{definition.entity_type} of {definition.table.name}"


def _change(
    id: str, source: str, reading: Reading[Any], find: Finding, page: int, order: str | None, rate: Rate | None
) -> Change:
    if page not in range(1, PAGE_LIMIT + 1):
        raise InvalidInputError(f"A chunk writes 1 to {PAGE_LIMIT} items, not {page}")
    plan = partial(gather, reading, find, page)
    return Change(id=id, plan=plan, mode="chunked", source=source, order=order, rate=rate)


# Rewriting


def _stored_items(definition: EntityDefinition) -> Reading[Any]:
    """The items of an entity as they are stored."""
    return replace(scan_reading(definition.entity, 1), consistent=True, reader=None)


def _rewrites(definition: EntityDefinition, correct: Correction, items: Sequence[Item], _: Context) -> Plan[Writes]:
    """What makes each item what it should be; None for one that is."""
    yield from ()
    codec = codec_of(definition)
    return [_rewrite(codec, correct, item) for item in items]


def _rewrite(codec: EntityCodec[Any], correct: Correction, item: Item) -> Rewrite | None:
    try:
        rewrite = Rewrite(codec.definition, item, correct(codec, item))
    except (CorruptItemError, InvalidInputError) as error:
        raise _named(error, codec.definition, item) from error
    return None if rewrite.is_needless else rewrite


def _named(error: AircraftOpsDataError, definition: EntityDefinition, item: Item) -> CorruptItemError:
    """The error of an item, its key named in what an operator gets to read."""
    key = primary_key(item, definition.table)
    where = ", ".join(f"{name} {next(iter(stored.values()))!r}" for name, stored in key.items())
    if isinstance(error, CorruptItemError):
        return type(error)(f"{error.message} (at {where})", **error.fields)
    return _unfit(definition, item, f"{error} (at {where})")


def _unfit(definition: EntityDefinition, item: Item, problem: str) -> CorruptItemError:
    return CorruptItemError(
        f"A stored {definition.name} cannot be rewritten: {problem}",
        entity=definition.name,
        key=primary_key(item, definition.table),
        problems=(problem,),
    )


def _entity(codec: EntityCodec[Any], item: Item) -> Entity:
    """The entity of an item. An index key that no template of today reads is a former one's: as good as none."""
    try:
        return cast("Entity", codec.entity(item))
    except CorruptItemError as error:
        definition = codec.definition
        keys = _index_attributes(definition).difference(definition.attributes.values())
        try:
            return cast("Entity", codec.entity(_without(item, keys)))
        except CorruptItemError:
            raise error from None


def _without(item: Item, names: AbstractSet[str]) -> Item:
    return {name: value for name, value in item.items() if name not in names}


# Backfill


def _index_attributes(definition: EntityDefinition) -> frozenset[str]:
    """The attributes of an entity's indexes, but for those of the primary key, which local indexes share."""
    names = {part.attribute.name for key in definition.indexes for part in key.parts}
    return frozenset(names - {attribute.name for attribute in definition.table.attributes})


def _left_attributes(definition: EntityDefinition, leaving: Sequence[SecondaryIndex]) -> frozenset[str]:
    """The attributes of indexes the entity is to be taken out of."""
    kept = definition.stored_names | {attribute.name for attribute in definition.table.attributes}
    names = {attribute.name for index in leaving for attribute in index.attributes}
    foreign = [index.name for index in leaving if index not in definition.table.indexes]
    if foreign or names & kept:
        what = f"no index {foreign[0]}" if foreign else f"a use for {', '.join(sorted(names & kept))}"
        raise DefinitionError(f"{definition.name} cannot leave it: it has {what}")
    return frozenset(names)


def _indexed(names: frozenset[str], codec: EntityCodec[Any], item: Item) -> Item:
    """The item with the index attributes its entity builds."""
    built = codec.item(_entity(codec, item))
    wrong = {name for name in names if item.get(name) != built.get(name)}
    # An upgrader would take what a field is now for what it was in its own schema.
    if codec.is_old(item) and not wrong.isdisjoint(codec.definition.attributes.values()):
        raise _unfit(codec.definition, item, "a field that keys an index is of an older schema version; upgrade first")
    return _without(item, wrong) | {name: built[name] for name in wrong if name in built}


# Upgrade


def _upgraded(codec: EntityCodec[Any], item: Item) -> Item:
    """The item as the current schema version writes it."""
    if not codec.is_old(item):
        return item
    definition, table = codec.definition, codec.definition.table
    key, built = primary_key(item, table), codec.item(_entity(codec, item))
    if place_of(built, table) != place_of(item, table):
        raise _unfit(definition, item, "the upgraded entity has another primary key; move it")
    # What the library keeps is not the entity's to lose: an upgrader may return a dict of its own.
    gone = codec.left_behind(item).union(definition.stored_names) - table.managed.names() - set(key)
    del built[table.managed.version]
    return _without(item, gone) | built | key


# Rename


def _refuse_names(definition: EntityDefinition, old: str, new: str) -> None:
    table = definition.table
    kept = {*table.managed.names(), table.ttl_attribute, *(attribute.name for attribute in table.key_attributes)}
    for name in (old, new):
        if name in kept:
            raise DefinitionError(f"{definition.name}: attribute {name!r} is part of a key, or kept by the library")
    if not old or not new or old == new:
        raise DefinitionError(f"{definition.name}: renaming takes two names, not {old!r} and {new!r}")


def _renamed(old: str, new: str, codec: EntityCodec[Any], item: Item) -> Item:
    """The item with one attribute under its new name."""
    definition, counter = codec.definition, codec.definition.table.managed.version
    if old not in item:
        return item
    if new in item:
        raise _unfit(definition, item, f"it has both {old!r} and {new!r}")
    if codec.is_old(item):
        raise _unfit(definition, item, f"it has {old!r} of an older schema version; upgrade first")
    renamed = {new if name == old else name: value for name, value in item.items()}
    # Who read the item before sees no value under the new name, and would store that under the version it read.
    return renamed | {counter: {"N": str(int(item.get(counter, {}).get("N", "0")) + 1)}}


# Copy


def _refuse_target(table: Table, to: str | Table, definition: EntityDefinition | None) -> None:
    if isinstance(to, Table) and to.attributes != table.attributes:
        raise DefinitionError(f"{to.name} has another primary key than {table.name}")
    if definition is not None and definition.table is not table:
        raise DefinitionError(f"{definition.name} is not of {table.name}")


def _whole_items(table: Table, definition: EntityDefinition | None) -> Reading[Any]:
    """Every item of a table, or those of an entity and the sentinels of its unique values."""
    if definition is None:
        return Reading(Source(table), dict, consistent=True)
    reading = _stored_items(definition)
    if not definition.uniques or reading.filter is None:
        return reading
    sentinels = BeginsWith(Attribute(table.partition_key.name), f"UNIQUE#{definition.entity_type}#")
    return replace(reading, filter=reading.filter | sentinels)


def _copies(table: Table, to: str | Table, items: Sequence[Item], context: Context) -> Plan[Writes]:
    """What puts each item into the other table; None for one that is there already."""
    name = to if isinstance(to, str) else context.names[to]
    if name == context.names[table]:
        raise InvalidInputError(f"{name} cannot be copied to itself")
    there = yield from _already_there(table, name, items, context)
    return [_copied(table, item, there.get(place_of(item, table)), name, context.clock.now()) for item in items]


def _copied(table: Table, item: Item, seen: Item | None, name: str, now: datetime) -> CopyPut | None:
    goes = seen is None or is_expired(seen, table, now) or _goes_over(item, seen, table)
    return CopyPut(table, item, seen, name) if goes else None


def _already_there(table: Table, name: str, items: Sequence[Item], context: Context) -> Plan[Mapping[Place, Item]]:
    """What the other table has at the keys of these items."""
    found: dict[Place, Item] = {}
    for begin in range(0, len(items), GET_LIMIT):
        keys = [primary_key(item, table) for item in items[begin : begin + GET_LIMIT]]
        for response in (yield from batch_get_from(name, keys, context, consistent=True)):
            found |= {place_of(item, table): item for item in response}
    return found


def _goes_over(item: Item, seen: Item, table: Table) -> bool:
    """Whether an item replaces the one seen in the other table."""
    if not (_is_sentinel(item, table) and _is_sentinel(seen, table)):
        here, there = (int(one.get(table.managed.version, {}).get("N", "0")) for one in (item, seen))
        return here > there
    if item[HOLDER] != seen[HOLDER]:
        raise UniqueConflictError("A unique value is held for another item there", holder=seen[HOLDER]["M"])
    # It expires with the item it is held for.
    return table.ttl_attribute is not None and item.get(table.ttl_attribute) != seen.get(table.ttl_attribute)


def _is_sentinel(item: Item, table: Table) -> bool:
    marked = type_of(item, table) == SENTINEL if table.typed else table.managed.version not in item
    return marked and HOLDER in item
