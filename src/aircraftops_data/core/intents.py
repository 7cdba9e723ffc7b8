"""Writes of whole entities: create, put, replace, delete, move, and a check that changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from pydantic import ValidationError

from aircraftops_data.core.guards import conjunction
from aircraftops_data.core.writes import Action, Done, Holding, Stale, Stamp, Verdict, Writing, sentinels
from aircraftops_data.errors import InvalidInputError, InvalidValueError
from aircraftops_data.model.conditions import Condition
from aircraftops_data.model.definition import MANAGED_FIELDS, EntityDefinition, Item
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.fields import problems
from aircraftops_data.translation.codec import values_of
from aircraftops_data.translation.expressions import Changes

E = TypeVar("E", bound=Entity)


def stamped(entity: E, version: int, now: datetime, created_at: datetime | None = None) -> E:
    """The entity as it will be stored: its version and instants set."""
    return entity.model_copy(update={"version": version, "created_at": created_at or now, "updated_at": now})


def evolve(entity: E, changes: Mapping[str, Any]) -> E:
    """A copy with these fields changed, validated as a whole. Raises InvalidValueError."""
    refuse_fields(entity.definition(), changes)
    return cast("E", valid(entity.definition(), {**values_of(entity), **changes}))


def valid(definition: EntityDefinition, values: Mapping[str, Any]) -> Any:
    """The entity of these fields. Raises InvalidValueError.

    What is written is always validated: `model_copy(update=...)` checks nothing.
    """
    try:
        return definition.validate(values)
    except ValidationError as error:
        found = problems(error)
        raise InvalidValueError(f"{definition.name}: {'; '.join(found)}", problems=found) from None


def refuse_fields(definition: EntityDefinition, names: Mapping[str, Any]) -> None:
    """Raise InvalidInputError for a field the entity does not have, or that only the library changes."""
    for name in names:
        if name not in definition.entity.model_fields:
            raise InvalidInputError(f"{definition.name} has no field {name!r}")
        if name in MANAGED_FIELDS - {"expires_at"}:
            raise InvalidInputError(f"{definition.name}.{name} is kept by the library")


class OfEntity(Writing, Generic[E]):
    """A write of a whole entity."""

    def __init__(self, entity: E) -> None:
        definition = entity.definition()
        self.entity = cast("E", valid(definition, values_of(entity)))
        super().__init__(definition, definition.key_of(values_of(self.entity)))

    @property
    def needs_read(self) -> bool:
        """Only where unique values must be moved from what was there, or somebody must know that."""
        return self.reads_first or bool(self.definition.uniques)

    def holding(self, entity: Entity, key: Item) -> Holding:
        """What the entity holds its unique values with."""
        expiry = None if entity.expires_at is None else self.codec.field("expires_at", entity.expires_at)
        return Holding(values_of(entity), key, expiry)

    def held(self, stored: Item | None, stamp: Stamp) -> Holding | None:
        """What the stored item holds; nothing once it has expired, for then its sentinels have too."""
        if stored is None or self.gone(stored, stamp):
            return None
        return self.holding(self.codec.entity(stored), self.key)

    def resettled(self, entity: E, stored: Item | None, stamp: Stamp) -> Iterable[Action]:
        """The actions that take the unique sentinels from what the stored item held to what this entity will."""
        if not self.definition.uniques:
            return ()
        return sentinels(self.definition, self.held(stored, stamp), self.holding(entity, self.key), stamp)

    def assignment(self, entity: E, stamp: Stamp, stored: Item | None = None) -> Changes:
        """What sets every attribute of the entity and removes those it has no value for.

        Of an old `stored` item the attributes its schema had and the current one has not go too; others stay.
        """
        item = self.full_item(entity, stamp, former=True)
        gone = () if stored is None else self.codec.left_behind(stored)
        remove = sorted(self.definition.stored_names.union(gone).difference(item, self.key))
        created = self.table.managed.created_at
        if_absent = {created: item.pop(created)}
        for name in self.key:
            del item[name]
        return Changes(set=item, remove=remove, set_if_absent=if_absent)

    def outcome(self, item: Item | None) -> E | None:
        """The entity as stored; None where only the engine knows it (in a transaction of several writes)."""
        return None if item is None else cast("E", self.codec.entity(item))


class Create(OfEntity[E]):
    """The entity must not exist; one that has expired does not count. 1 write unit per KB, 2 per unique value more."""

    @property
    def needs_read(self) -> bool:
        """Never."""
        return False

    def resolve(self, stored: Item | None, stamp: Stamp) -> list[Action]:
        """A put where nothing is, and a claim for each unique value."""
        entity = stamped(self.entity, 1, stamp.now)
        item = self.full_item(entity, stamp)
        put = self.action("Put", stamp, self.vacant(stamp), lambda found: self._verdict(found, stamp), item=item)
        return [put, *self.resettled(entity, None, stamp)]

    def _verdict(self, item: Item | None, stamp: Stamp) -> Verdict:
        return Done(item) if self.is_mine(item, stamp) else self.taken(item)


class Put(OfEntity[E]):
    """The entity, whether or not something is there; the version goes on from what was there."""

    def resolve(self, stored: Item | None, stamp: Stamp) -> list[Action]:
        """One update that sets or removes every attribute; if the stored item is known, only over that."""
        version = self.stored_version(stored) if stored else 0
        # An item that is made anew is created now, whenever the instance that is put was.
        entity = stamped(self.entity, version + 1, stamp.now)
        changes, condition, item = self.assignment(entity, stamp, stored), self.not_mine(stamp), None
        if self.needs_read or stored is not None:
            condition = condition & self.unchanged(stored)
            item = left_behind(stored, self.key, changes)
        else:
            condition = condition & self.known_schema()
            counter = self.table.managed.version
            del changes.set[counter]
            changes.count = (counter,)
        main = self.action(
            "Update", stamp, condition, lambda found: self._verdict(found, stamp), item=item, changes=changes
        )
        return [main, *self.resettled(entity, stored, stamp)]

    def _verdict(self, item: Item | None, stamp: Stamp) -> Verdict:
        if self.is_mine(item, stamp):
            return Done(item)
        return self.other_schema(item) or Stale(item)


class Replace(OfEntity[E]):
    """The entity must exist, at the version this instance was read at. 1 write unit per KB."""

    def resolve(self, stored: Item | None, stamp: Stamp) -> list[Action]:
        """One update that sets or removes every attribute, conditioned on the version."""
        version = self.entity.version
        if self.needs_read and not self._current(stored, stamp):
            raise self.refusal(stored, version, stamp)
        entity = stamped(self.entity, version + 1, stamp.now, self.entity.created_at)
        changes = self.assignment(entity, stamp, stored)
        condition, item = self.alive(stamp), None
        if stored is None:
            condition = condition & self.at_version(version) & self.known_schema()
        else:
            condition = condition & self.unchanged(stored)
            item = left_behind(stored, self.key, changes)
        main = self.action(
            "Update", stamp, condition, lambda found: self._verdict(found, stamp), item=item, changes=changes
        )
        return [main, *self.resettled(entity, stored, stamp)]

    def _current(self, stored: Item | None, stamp: Stamp) -> bool:
        if stored is None or self.gone(stored, stamp):
            return False
        return self.stored_version(stored) == self.entity.version

    def _verdict(self, item: Item | None, stamp: Stamp) -> Verdict:
        if self.is_mine(item, stamp):
            return Done(item)
        if self._current(item, stamp):
            return self.other_schema(item) or Stale(item)
        return self.refusal(item, self.entity.version, stamp)


def left_behind(stored: Item | None, key: Item, changes: Changes) -> Item:
    """The item an update leaves, worked out from the item it was conditioned on."""
    before = {name: value for name, value in (stored or key).items() if name not in changes.remove}
    return {**changes.set_if_absent, **before, **changes.set}


class Delete(Writing):
    """The item, if it is there; an instance's version is checked. 1 write unit per KB, 2 per unique value more."""

    def __init__(
        self,
        definition: EntityDefinition,
        components: Mapping[str, Any],
        *,
        version: int | None = None,
        where: Condition | None = None,
    ) -> None:
        super().__init__(definition, definition.identify(components))
        self._version = version
        self._where = where

    @property
    def needs_read(self) -> bool:
        """Only where unique values must be given up, or somebody must know what was there."""
        return self.reads_first or bool(self.definition.uniques)

    def resolve(self, stored: Item | None, stamp: Stamp) -> list[Action]:
        """A delete under the version and condition given; nothing at all where there is no item."""
        if self.needs_read and stored is None:
            return []
        condition = self._condition(stored)
        delete = self.action("Delete", stamp, condition, lambda found: self._verdict(found, stamp, stored), item=stored)
        if stored is None or self.gone(stored, stamp):
            return [delete]
        held = Holding(values_of(self.codec.entity(stored)), self.key, stored.get(self.table.ttl_attribute or ""))
        return [delete, *sentinels(self.definition, held, None, stamp)]

    def _condition(self, stored: Item | None) -> Condition | None:
        parts: list[Condition] = []
        if self._version is not None:
            parts.append(self.unchanged(None) | self.at_version(self._version))
        if stored is not None:
            parts.append(self.unchanged(stored))
        if self._where is not None:
            parts.append(self.unchanged(None) | self._where)
        return conjunction(parts)

    def _verdict(self, item: Item | None, stamp: Stamp, known: Item | None) -> Verdict:
        if self._version is not None and item is not None and self.stored_version(item) != self._version:
            return self.version_conflict(self._version, item)
        if self._where is None or (known is not None and known != item):
            return Stale(item)
        return self.failed(item, stamp)

    def outcome(self, item: Item | None) -> Any:
        """What was deleted; None where there was nothing, or nothing readable."""
        return None if item is None else self.existing(item)


class Check(Writing):
    """In a transaction: the item exists and the condition holds. 2 write units per KB."""

    @property
    def needs_read(self) -> bool:
        """Never."""
        return False

    def __init__(
        self, definition: EntityDefinition, components: Mapping[str, Any], where: Condition | None = None
    ) -> None:
        super().__init__(definition, definition.identify(components))
        self._where = where

    def resolve(self, stored: Item | None, stamp: Stamp) -> list[Action]:
        """One condition check."""
        condition = self.alive(stamp) if self._where is None else self.alive(stamp) & self._where
        return [self.action("ConditionCheck", stamp, condition, lambda found: self.failed(found, stamp))]

    def outcome(self, item: Item | None) -> None:
        """Nothing."""


class Move(OfEntity[E]):
    """The entity goes to another primary key: the old item is deleted and the new one created, in one transaction."""

    def __init__(self, entity: E, changes: Mapping[str, Any]) -> None:
        self._old = entity
        super().__init__(evolve(entity, changes))
        self.read_key = self.definition.identify(entity.identity())
        if self.key == self.read_key:
            raise InvalidInputError(f"{self.definition.name}: the primary key stays the same; use replace")

    def resolve(self, stored: Item | None, stamp: Stamp) -> list[Action]:
        """Create there, delete here at the version known, and hand the unique values over."""
        version = self._old.version
        left = Writing(self.definition, self.read_key)
        if self.needs_read and (stored is None or self.gone(stored, stamp) or self.stored_version(stored) != version):
            raise left.refusal(stored, version, stamp)
        entity = stamped(self.entity, version + 1, stamp.now, self._old.created_at)
        there = self.action(
            "Put",
            stamp,
            self.vacant(stamp),
            lambda found: Done(found) if self.is_mine(found, stamp) else self.taken(found),
            item=self.full_item(entity, stamp),
        )
        expected = left.at_version(version) if stored is None else left.unchanged(stored)
        here = left.action(
            "Delete", stamp, left.alive(stamp) & expected, lambda found: self._left_verdict(left, found, stamp)
        )
        if stored is None:
            return [there, here]
        old = self.holding(self.codec.entity(stored), self.read_key)
        return [there, here, *sentinels(self.definition, old, self.holding(entity, self.key), stamp)]

    def _left_verdict(self, left: Writing, item: Item | None, stamp: Stamp) -> Verdict:
        if item is not None and not self.gone(item, stamp) and self.stored_version(item) == self._old.version:
            return Stale(item)
        return left.refusal(item, self._old.version, stamp)
