"""Write intents: what each write means, resolved to DynamoDB actions once the facts it needs are known.

An intent may need the stored item first (`needs_read`); `resolve` then gives the actions: the item's own first, the
unique sentinels behind it. A failed condition comes back to the action, which explains it: a typed error, `Done`
(an earlier try of this very write took effect and only its answer was lost), or `Stale` (the facts have changed:
resolve again with the item as it is now).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar

from aircraftops_data.core.context import TableNames
from aircraftops_data.core.guards import as_read
from aircraftops_data.errors import (
    AircraftOpsDataError,
    AlreadyExistsError,
    ConditionFailedError,
    CorruptItemError,
    NotFoundError,
    UniqueConflictError,
    VersionConflictError,
)
from aircraftops_data.model.conditions import Attribute, Comparison, Condition, Exists, Negation, Stored, absent
from aircraftops_data.model.definition import AttributeValue, EntityDefinition, Item, UniqueKey
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.schema import SENTINEL, Table
from aircraftops_data.translation.codec import EntityCodec, check_size, codec_of, is_expired
from aircraftops_data.translation.expressions import Changes, expressed

T_co = TypeVar("T_co", covariant=True)
ActionKind = Literal["Put", "Update", "Delete", "ConditionCheck"]
HOLDER = "holder"


@dataclass(frozen=True, slots=True)
class Stamp:
    """What one commit writes on all it touches: the instant, and an id by which a repeated try knows itself."""

    now: datetime
    write_id: str
    names: TableNames
    lost: frozenset[str] = frozenset()
    """The sentinels an item no longer holds, found out on the way; they are left to whoever has them."""


@dataclass(frozen=True, slots=True)
class Done:
    """An earlier try of this write took effect; `item` is what it left."""

    item: Item | None


@dataclass(frozen=True, slots=True)
class Stale:
    """What the write was resolved with is no longer so; `item` is the stored item now (None: there is none)."""

    item: Item | None


@dataclass(frozen=True, slots=True)
class Lost:
    """A sentinel to be given up is held by another: the item counted as expired by a clock ahead of ours."""

    place: str


Verdict = Done | Stale | Lost | AircraftOpsDataError


@dataclass(frozen=True)
class Action:
    """One action of a write: ready parameters, and what a failed condition of it means."""

    kind: ActionKind
    table: Table
    key: Item
    parameters: Mapping[str, Any]
    explain: Callable[[Item | None], Verdict]
    item: Item | None = None
    releases: Item | None = None
    """The key of the item that gives up its unique value by this action."""
    claim_from: Callable[[Item], Action] | None = None
    """This claim of a unique value, taken over from the item of this key."""

    @property
    def is_plain_put(self) -> bool:
        """Whether it puts its item whatever is there."""
        return self.kind == "Put" and "ConditionExpression" not in self.parameters

    @property
    def place(self) -> tuple[str, str]:
        """Where the action lands, to tell whether two actions meet in one item."""
        return self.parameters["TableName"], repr(sorted(self.key.items()))


class Intent(Protocol[T_co]):
    """A write that knows what it means."""

    read_key: Item

    @property
    def table(self) -> Table:
        """Where it writes, and where what it needs is read."""
        ...

    @property
    def definition(self) -> EntityDefinition | None:
        """The entity it writes; None for items of whatever kind."""
        ...

    @property
    def needs_read(self) -> bool:
        """Whether the stored item must be known before the actions are."""
        ...

    def resolve(self, stored: Item | None, stamp: Stamp) -> list[Action]:
        """The actions, given the stored item where it was read. Raises what the stored item already rules out."""
        ...

    def outcome(self, item: Item | None) -> T_co:
        """What the caller gets, given the item the write left (or, for a delete, took away)."""
        ...


class Writing:
    """What every intent shares: its codec, and the conditions and explanations writes are made of."""

    reads_first = False
    """Whether it reads what is stored even where it need not, and is made only over that."""

    def __init__(self, definition: EntityDefinition, key: Item) -> None:
        self.definition = definition
        self.key = key
        self.read_key = key

    @property
    def codec(self) -> EntityCodec[Any]:
        """The entity's codec."""
        return codec_of(self.definition)

    @property
    def table(self) -> Table:
        """The entity's table."""
        return self.definition.table

    def alive(self, stamp: Stamp) -> Condition:
        """There is an item, and its expiry has not passed."""
        present = Exists(Attribute(self.table.partition_key.name))
        if self.table.ttl_attribute is None:
            return present
        return present & Negation(Comparison("<=", Attribute(self.table.ttl_attribute), _epoch(stamp.now)))

    def vacant(self, stamp: Stamp) -> Condition:
        """There is no item, or only one whose expiry has passed."""
        return vacant(self.table, stamp)

    def at_version(self, version: int) -> Condition:
        """The stored version is this one; 0 stands for an item that carries none."""
        attribute = Attribute(self.table.managed.version)
        return Comparison("=", attribute, version) if version else absent(attribute)

    def unchanged(self, stored: Item | None) -> Condition:
        """The item is still what was read, of the same schema version (an upgrade leaves all else), or still absent."""
        if stored is None:
            return absent(Attribute(self.table.partition_key.name))
        return as_read(self.table, stored, (self.table.managed.schema_version,))

    def known_schema(self) -> Condition:
        """The item, where there is one, was written by the schema version of this code."""
        attribute, current = Attribute(self.table.managed.schema_version), self.definition.schema_version
        if current == 1:
            return absent(attribute)
        nothing = absent(Attribute(self.table.partition_key.name))
        return nothing | Comparison("=", attribute, Stored({"N": str(current)}))

    def other_schema(self, item: Item | None) -> Stale | CorruptItemError | None:
        """What a write by another schema version calls for: an older item is rewritten, a newer one refused."""
        try:
            return Stale(item) if item is not None and self.codec.is_old(item) else None
        except CorruptItemError as error:
            return error

    def not_mine(self, stamp: Stamp) -> Condition:
        """Neither the last write of the item nor the one before it was an earlier try of this one."""
        managed, mine = self.table.managed, Stored({"S": stamp.write_id})
        last, before = (Comparison("=", Attribute(n), mine) for n in (managed.write_id, managed.former_write_id))
        return Negation(last) & Negation(before)

    def is_mine(self, item: Item | None, stamp: Stamp) -> bool:
        """Whether the last write of the item was an earlier try of this one."""
        return is_mine(item, self.table, stamp)

    def mine_or_stale(self, item: Item | None, stamp: Stamp) -> Verdict:
        """The verdict of a write that is right whatever is stored, once it knows that."""
        return Done(item) if self.is_mine(item, stamp) else Stale(item)

    def gone(self, item: Item | None, stamp: Stamp) -> bool:
        """Whether, to a reader, there is no item."""
        return item is None or is_expired(item, self.table, stamp.now)

    def stored_version(self, item: Item) -> int:
        """The version an item carries; 0 where none."""
        return int(item.get(self.table.managed.version, {}).get("N", 0))

    def not_found(self) -> NotFoundError:
        """There is no such item."""
        identity = {name: stored.get("S", "") for name, stored in self.key.items()}
        return NotFoundError(f"No {self.definition.name} at this key", entity=self.definition.name, identity=identity)

    def version_conflict(self, expected: int, item: Item) -> VersionConflictError:
        """The stored version is not the expected one."""
        found = self.stored_version(item)
        return VersionConflictError(
            f"{self.definition.name} is at version {found}, not {expected}",
            expected=expected,
            found=found,
            existing=self.existing(item),
        )

    def full_item(self, entity: Entity, stamp: Stamp, *, former: bool = False) -> Item:
        """The entity's whole item with this commit's mark. Raises ItemTooLargeError, counting the `former` mark."""
        managed, mark = self.table.managed, {"S": stamp.write_id}
        item = {**self.codec.item(entity), managed.write_id: mark}
        check_size({**item, managed.former_write_id: mark} if former else item, self.definition.name)
        return item

    def refusal(self, item: Item | None, expected: int, stamp: Stamp) -> NotFoundError | VersionConflictError:
        """Why a write that expects a version cannot be made on this item."""
        if item is None or self.gone(item, stamp):
            return self.not_found()
        return self.version_conflict(expected, item)

    def existing(self, item: Item) -> Any:
        """The stored item as an entity; None where it does not fit, for an error must not hide another."""
        try:
            return self.codec.entity(item)
        except CorruptItemError:
            return None

    def action(
        self,
        kind: ActionKind,
        stamp: Stamp,
        condition: Condition | None,
        explain: Callable[[Item | None], Verdict],
        *,
        item: Item | None = None,
        changes: Changes | None = None,
    ) -> Action:
        """An action on this intent's own item; `item` is what it leaves there, where that is known."""
        parameters: dict[str, Any] = {"TableName": stamp.names[self.table]}
        parameters |= {"Item": item} if kind == "Put" else {"Key": self.key}
        if changes is not None:
            managed = self.table.managed
            changes.shift = ((managed.former_write_id, managed.write_id),)
        parameters |= expressed(self.codec.operand, UpdateExpression=changes, ConditionExpression=condition)
        return finish(kind, self.table, self.key, parameters, explain, item)

    def failed(self, item: Item | None, stamp: Stamp) -> AircraftOpsDataError:
        """The caller's own condition does not hold."""
        if item is None or self.gone(item, stamp):
            return self.not_found()
        return ConditionFailedError(
            f"The condition on {self.definition.name} does not hold", existing=self.existing(item)
        )

    def taken(self, item: Item | None) -> AlreadyExistsError:
        """Something is there already."""
        return AlreadyExistsError(
            f"{self.definition.name} exists already at this key", existing=None if item is None else self.existing(item)
        )


def finish(
    kind: ActionKind,
    table: Table,
    key: Item,
    parameters: dict[str, Any],
    explain: Callable[[Item | None], Verdict],
    item: Item | None = None,
) -> Action:
    """An action of these parameters; one with a condition is given the stored item where that fails."""
    if "ConditionExpression" in parameters:
        parameters["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return Action(kind, table, key, parameters, explain, item)


def vacant(table: Table, stamp: Stamp) -> Condition:
    """There is no item at a key, or only one whose expiry has passed."""
    nothing = absent(Attribute(table.partition_key.name))
    if table.ttl_attribute is None:
        return nothing
    return nothing | Comparison("<=", Attribute(table.ttl_attribute), _epoch(stamp.now))


def is_mine(item: Item | None, table: Table, stamp: Stamp) -> bool:
    """Whether the last write of an item, or the one before it, was an earlier try of this one."""
    managed, mine = table.managed, {"S": stamp.write_id}
    return item is not None and mine in (item.get(managed.write_id), item.get(managed.former_write_id))


def _epoch(now: datetime) -> Stored:
    return Stored({"N": str(int(now.timestamp()))})


@dataclass(frozen=True)
class Holding:
    """The values an item holds its uniques with: by field, plus its key and expiry."""

    values: Mapping[str, Any]
    key: Item
    expiry: AttributeValue | None


def sentinels(definition: EntityDefinition, old: Holding | None, new: Holding | None, stamp: Stamp) -> Iterator[Action]:
    """The actions that take the unique sentinels from what an item held to what it will hold."""
    for unique in definition.uniques:
        before = None if old is None else unique.part.value(old.values)
        after = None if new is None else unique.part.value(new.values)
        if before is not None and old is not None and before != after and before["S"] not in stamp.lost:
            yield _release(definition, before, old, stamp)
        if after is not None and new is not None and not (before == after and _same(old, new)):
            yield _claim(definition, unique, after, (old or new).key, new, stamp)


def _same(old: Holding | None, new: Holding) -> bool:
    return old is not None and (old.key, old.expiry) == (new.key, new.expiry)


def _sentinel_key(table: Table, place: AttributeValue) -> Item:
    key = {table.partition_key.name: place}
    return key if table.sort_key is None else {**key, table.sort_key.name: {"S": "UNIQUE"}}


def _claim(
    definition: EntityDefinition, unique: UniqueKey, place: AttributeValue, former: Item, new: Holding, stamp: Stamp
) -> Action:
    """Hold a value for an item: it is free, or held for the item of the `former` key."""
    table, key = definition.table, _sentinel_key(definition.table, place)
    item: Item = {**key, HOLDER: {"M": new.key}, table.managed.write_id: {"S": stamp.write_id}}
    if table.typed:
        item[table.managed.entity_type] = {"S": SENTINEL}
    if new.expiry is not None and table.ttl_attribute is not None:
        item[table.ttl_attribute] = new.expiry
    condition = expressed(ConditionExpression=vacant(table, stamp) | _held_for(former))
    parameters: dict[str, Any] = {"TableName": stamp.names[table], "Item": item, **condition}
    claim = finish("Put", table, key, parameters, _sentinel_verdict(definition, unique, stamp))

    def taken_over(other: Item) -> Action:
        return _claim(definition, unique, place, other, new, stamp)

    return replace(claim, claim_from=taken_over)


def _release(definition: EntityDefinition, place: AttributeValue, old: Holding, stamp: Stamp) -> Action:
    table, key = definition.table, _sentinel_key(definition.table, place)
    condition = expressed(ConditionExpression=absent(Attribute(table.partition_key.name)) | _held_for(old.key))
    parameters: dict[str, Any] = {"TableName": stamp.names[table], "Key": key, **condition}
    release = finish("Delete", table, key, parameters, lambda _: Lost(place["S"]))
    return replace(release, releases=old.key)


def _held_for(key: Item) -> Condition:
    return Comparison("=", Attribute(HOLDER), Stored({"M": key}))


def _sentinel_verdict(
    definition: EntityDefinition, unique: UniqueKey, stamp: Stamp
) -> Callable[[Item | None], Verdict]:
    def explain(item: Item | None) -> Verdict:
        if is_mine(item, definition.table, stamp):
            return Done(None)
        return UniqueConflictError(
            f"Another {definition.name} holds this {' + '.join(unique.fields)}",
            entity=definition.name,
            constraint=unique.fields,
            holder=(item or {}).get(HOLDER, {}).get("M", {}),
        )

    return explain
