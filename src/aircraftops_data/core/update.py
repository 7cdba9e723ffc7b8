"""Partial update: named fields change, and no index key is ever left stale or half.

Three ways, the cheapest that is right: no changed field feeds an index key (one blind update); every component of
each key it feeds is known from the call (one blind update that sets or removes the keys); otherwise the stored item is
read and the update is conditioned on the components read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Generic, TypeVar, cast

from pydantic import ValidationError

from aircraftops_data.core.intents import OfEntity, conjunction, evolve, refuse_fields, stamped
from aircraftops_data.core.writes import Action, Done, Holding, Stale, Stamp, Verdict, Writing, sentinels
from aircraftops_data.errors import InvalidInputError, InvalidValueError
from aircraftops_data.model.conditions import Attribute, Comparison, Condition, Stored, absent
from aircraftops_data.model.definition import BoundKey, EntityDefinition, Item
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.fields import problems
from aircraftops_data.translation.codec import values_of
from aircraftops_data.translation.expressions import Changes
from aircraftops_data.translation.values import encode_value

E = TypeVar("E", bound=Entity)
Delta = int | float | Decimal | AbstractSet[Any]


@dataclass(frozen=True)
class FieldChanges:
    """What an update says: fields to set, to remove (they go back to their default), and to add to."""

    assigned: Mapping[str, Any]
    removed: Sequence[str]
    added: Mapping[str, Delta]

    def names(self) -> set[str]:
        """Every field named."""
        return {*self.assigned, *self.removed, *self.added}


def checked(definition: EntityDefinition, changes: FieldChanges) -> FieldChanges:
    """The changes with each value as its field normalises it. Raises InvalidInputError, InvalidValueError."""
    names = [*changes.assigned, *changes.removed, *changes.added]
    if not names:
        raise InvalidInputError(f"{definition.name}: the update changes nothing")
    if len(set(names)) != len(names):
        raise InvalidInputError(f"{definition.name}: a field is set, removed or added to more than once")
    refuse_fields(definition, dict.fromkeys(names))
    for name in names:
        if name in definition.primary.components:
            raise InvalidInputError(f"{definition.name}.{name} is part of the primary key; use move")
    for name in changes.removed:
        if definition.entity.model_fields[name].is_required():
            raise InvalidInputError(f"{definition.name}.{name} is required and cannot be removed")
    for name, delta in changes.added.items():
        if not _can_be_added(delta):
            raise InvalidInputError(f"{definition.name}.{name}: add takes a number or a set with elements")
    return FieldChanges(
        {name: _valid(definition, name, value) for name, value in changes.assigned.items()},
        tuple(changes.removed),
        changes.added,
    )


def _can_be_added(delta: object) -> bool:
    if isinstance(delta, AbstractSet):
        return delta != set()
    return isinstance(delta, int | float | Decimal) and not isinstance(delta, bool)


def _valid(definition: EntityDefinition, name: str, value: Any) -> Any:
    try:
        return definition.validators.validate(name, value)
    except ValidationError as error:
        found = problems(error, name)
        raise InvalidValueError(f"{definition.name}: {'; '.join(found)}", problems=found) from error


class Update(Writing, Generic[E]):
    """Changes named fields of an item that must exist. 1 write unit per KB; the third way reads, 1 unit per 4 KB."""

    def __init__(
        self,
        definition: EntityDefinition,
        components: Mapping[str, Any],
        changes: FieldChanges,
        *,
        where: Condition | None = None,
        version: int | None = None,
        instance: E | None = None,
    ) -> None:
        super().__init__(definition, definition.identify(components))
        self._identity = {name: definition.coerce(name, value) for name, value in components.items()}
        self._changes = checked(definition, changes)
        self._where = where
        self._instance = instance
        self._version = instance.version if instance is not None else version

    @cached_property
    def _known(self) -> dict[str, Any]:
        """The fields whose value after the update is known from the call alone."""
        fields = self.definition.entity.model_fields
        removed = {name: fields[name].get_default(call_default_factory=True) for name in self._changes.removed}
        return {**self._identity, **self._changes.assigned, **removed}

    @cached_property
    def _affected(self) -> list[BoundKey]:
        """The indexes whose key the update may change."""
        return [key for key in self.definition.indexes if self._changes.names() & set(key.components)]

    @cached_property
    def _settled(self) -> set[str]:
        """Fields added to whose sum must be known here: those that feed a key, and those with constraints."""
        fed = {name for key in self._affected for name in key.components}
        fields = self.definition.entity.model_fields
        return {name for name in self._changes.added if name in fed or fields[name].metadata}

    @cached_property
    def _touches_uniques(self) -> bool:
        held = {name for unique in self.definition.uniques for name in unique.fields} | {"expires_at"}
        return bool(self.definition.uniques) and bool(self._changes.names() & held)

    @cached_property
    def _whole_validators(self) -> bool:
        """Whether the entity has rules over several fields, which only the whole entity can answer."""
        decorators = self.definition.entity.__pydantic_decorators__
        return bool(decorators.model_validators)

    @property
    def needs_read(self) -> bool:
        """Whether the stored item must be read first."""
        if self._instance is not None:
            return False
        unknown = any(set(key.components) - set(self._known) for key in self._affected)
        return unknown or bool(self._settled) or self._touches_uniques or self._whole_validators

    def resolve(self, stored: Item | None, stamp: Stamp) -> list[Action]:
        """The update, blind or built on the stored item (or on the instance, whose version is then the condition)."""
        if stored is None and self.needs_read:
            raise self.not_found()
        if stored is not None and self.gone(stored, stamp):
            raise self.not_found()
        base = cast("E | None", self.codec.entity(stored)) if stored is not None else self._instance
        if base is None:
            return [self._blind(stamp)]
        return self._built(base, stored, stamp)

    def _blind(self, stamp: Stamp) -> Action:
        changes = self._field_changes(self._known, stamp)
        counter = self.table.managed.version
        counted = Changes(changes.set, changes.remove, changes.add, {}, (counter,))
        return self.action(
            "Update",
            stamp,
            self._condition(stamp, []),
            lambda found: self._verdict(found, stamp, None),
            changes=counted,
        )

    def _built(self, base: E, stored: Item | None, stamp: Stamp) -> list[Action]:
        new = stamped(self._applied(base), base.version + 1, stamp.now, base.created_at)
        rewritten = stored is not None and self.codec.is_old(stored)
        exact = rewritten or self._instance is not None or self._touches_uniques or self._whole_validators
        if rewritten:
            changes = OfEntity(new).assignment(new, stamp, stored)
        else:
            changes = self._field_changes(values_of(new), stamp)
        guards = [self.at_version(base.version)] if exact else list(self._guards(stored or {}))
        item = None
        if exact:
            changes.set[self.table.managed.version] = {"N": str(new.version)}
            item = OfEntity(new).full_item(new, stamp)
        else:
            changes = Changes(changes.set, changes.remove, changes.add, {}, (self.table.managed.version,))
        main = self.action(
            "Update",
            stamp,
            self._condition(stamp, guards, current_schema=not rewritten),
            lambda found: self._verdict(found, stamp, stored),
            item=item,
            changes=changes,
        )
        return [main, *self._sentinels(base, new, stamp)]

    def _applied(self, base: E) -> E:
        """The entity after the update, validated as a whole."""
        sums = {name: _sum(getattr(base, name), delta) for name, delta in self._changes.added.items()}
        changed = {name: value for name, value in self._known.items() if name not in self._identity}
        return evolve(base, {**changed, **sums})

    def _field_changes(self, values: Mapping[str, Any], stamp: Stamp) -> Changes:
        """The named fields and the keys they feed, as changes of attributes."""
        names = self.definition.attributes
        assigned, removed = self._own_fields(values)
        for key in self._affected:
            built = key.build(values)
            if built is None:
                removed += [part.attribute.name for part in key.parts]
            else:
                assigned |= built
        managed = self.table.managed
        assigned[managed.updated_at] = encode_value(stamp.now)
        assigned[managed.write_id] = {"S": stamp.write_id}
        added = {
            names[name]: encode_value(delta) for name, delta in self._changes.added.items() if name not in self._settled
        }
        return Changes(assigned, removed, added)

    def _own_fields(self, values: Mapping[str, Any]) -> tuple[Item, list[str]]:
        assigned: Item = {}
        removed: list[str] = [self.definition.attributes[name] for name in self._changes.removed]
        for name in (*self._changes.assigned, *self._settled):
            stored = self.codec.field(name, values[name])
            if stored is None:
                removed.append(self.definition.attributes[name])
            else:
                assigned[self.definition.attributes[name]] = stored
        return assigned, removed

    def _guards(self, stored: Item) -> Iterator[Condition]:
        """The stored values this update was built on are still there."""
        needed = {name for key in self._affected for name in key.components} | self._settled
        for name in sorted(needed - set(self._known)):
            attribute = self.definition.attributes[name]
            value = stored.get(attribute)
            place = Attribute(attribute)
            yield absent(place) if value is None else Comparison("=", place, Stored(value))

    def _condition(self, stamp: Stamp, guards: list[Condition], *, current_schema: bool = True) -> Condition:
        parts = [self.alive(stamp), *guards, self.not_mine(stamp)]
        if self._version is not None:
            parts.append(self.at_version(self._version))
        if current_schema and self.definition.schema_version > 1:
            marker = Attribute(self.table.managed.schema_version)
            parts.append(Comparison("=", marker, self.definition.schema_version))
        if self._where is not None:
            parts.append(self._where)
        return cast("Condition", conjunction(parts))

    def _verdict(self, item: Item | None, stamp: Stamp, known: Item | None) -> Verdict:
        if self.is_mine(item, stamp):
            return Done(item)
        if item is None or self.gone(item, stamp):
            return self.not_found()
        if self._version is not None and self.stored_version(item) != self._version:
            return self.version_conflict(self._version, item)
        if self._outdated(item, known):
            return Stale(item)
        return self.failed(item, stamp)

    def _outdated(self, item: Item, known: Item | None) -> bool:
        """Whether the refusal may be due to what the update was built on, not to the caller's condition."""
        if self._where is None or (self.codec.is_old(item) and (known is None or not self.codec.is_old(known))):
            return True
        return known is not None and known != item

    def _sentinels(self, base: E, new: E, stamp: Stamp) -> Iterator[Action]:
        if self._touches_uniques:
            return sentinels(self.definition, self._holding(base), self._holding(new), stamp)
        return iter(())

    def _holding(self, entity: E) -> Holding:
        expiry = None if entity.expires_at is None else self.codec.field("expires_at", entity.expires_at)
        return Holding(values_of(entity), self.key, expiry)

    def outcome(self, item: Item | None) -> E | None:
        """The entity after the update; None where only the engine knows it (an update inside a transaction)."""
        return None if item is None else cast("E", self.codec.entity(item))


def _sum(value: Any, delta: Delta) -> Any:
    if isinstance(delta, AbstractSet):
        return {*(value or ()), *delta}
    if isinstance(value, Decimal) or isinstance(delta, Decimal):
        return Decimal(str(value or 0)) + Decimal(str(delta))
    return (value or 0) + delta
