"""Partial update: named fields change, and no index key is ever left stale or half.

Three ways, the cheapest that is right: no changed field feeds an index key (one blind update); every component of
each key it feeds is known from the call (one blind update that sets or removes the keys); otherwise the stored item is
read and the update is conditioned on the components read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar, cast

from pydantic import ValidationError

from aircraftops_data.core.adding import Delta, is_blind, refuse_delta, total
from aircraftops_data.core.guards import conjunction
from aircraftops_data.core.intents import OfEntity, evolve, left_behind, refuse_fields, stamped
from aircraftops_data.core.writes import Action, Done, Stale, Stamp, Verdict, Writing, sentinels
from aircraftops_data.errors import CorruptItemError, InvalidInputError, InvalidValueError
from aircraftops_data.model.conditions import Attribute, Comparison, Condition, Stored, absent
from aircraftops_data.model.definition import BoundKey, EntityDefinition, Item
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.fields import problems
from aircraftops_data.translation.codec import values_of
from aircraftops_data.translation.expressions import Changes
from aircraftops_data.translation.values import encode_value

E = TypeVar("E", bound=Entity)


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
    for name, delta in changes.added.items():
        refuse_delta(definition, name, delta)
    assigned = {name: _valid(definition, name, value) for name, value in changes.assigned.items()}
    made = {name: _made(definition, name) for name in changes.removed if _has_factory(definition, name)}
    removed = tuple(name for name in changes.removed if name not in made and _may_be_absent(definition, name))
    return FieldChanges({**assigned, **made}, removed, changes.added)


def _has_factory(definition: EntityDefinition, name: str) -> bool:
    return definition.entity.model_fields[name].default_factory is not None


def _made(definition: EntityDefinition, name: str) -> Any:
    """What a field's factory makes: stored, for it may make something else each time it is asked."""
    field = definition.entity.model_fields[name]
    if field.default_factory_takes_validated_data:
        raise InvalidInputError(f"{definition.name}.{name}: its default depends on other fields; set it")
    return field.get_default(call_default_factory=True)


def _may_be_absent(definition: EntityDefinition, name: str) -> bool:
    if definition.entity.model_fields[name].is_required():
        raise InvalidInputError(f"{definition.name}.{name} is required and cannot be removed")
    return True


def _valid(definition: EntityDefinition, name: str, value: Any) -> Any:
    try:
        return definition.validators.validate(name, value)
    except ValidationError as error:
        found = problems(error, name)
        raise InvalidValueError(f"{definition.name}: {'; '.join(found)}", problems=found) from None


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
        removed = {name: fields[name].default for name in self._changes.removed}
        return {**self._identity, **self._changes.assigned, **removed}

    @cached_property
    def _affected(self) -> list[BoundKey]:
        """The indexes whose key the update may change."""
        return [key for key in self.definition.indexes if self._changes.names() & set(key.components)]

    @cached_property
    def _settled(self) -> set[str]:
        """Fields added to whose sum must be known here: those that feed a key, and those with rules."""
        fed = {name for key in self._affected for name in key.components}
        added = self._changes.added.items()
        return {name for name, delta in added if name in fed or not is_blind(self.definition, name, delta)}

    @cached_property
    def _needed(self) -> set[str]:
        """The fields, not known from the call, that the update is worked out from."""
        open_keys = (key for key in self._affected if not self._left(key))
        return {name for key in open_keys for name in key.components} - set(self._known) | self._settled

    def _left(self, key: BoundKey) -> bool:
        """Whether the update takes the item out of an index, whatever the key's other components are."""
        return any(name in self._known and self._known[name] is None for name in key.components)

    @cached_property
    def _touches_uniques(self) -> bool:
        held = {name for unique in self.definition.uniques for name in unique.fields} | {"expires_at"}
        return bool(self.definition.uniques) and bool(self._changes.names() & held)

    @property
    def _takes_whole(self) -> bool:
        """Whether only the whole stored entity can answer: unique values, rules over several fields, an account."""
        return self.reads_first or self._touches_uniques or self.definition.validators.whole

    @property
    def needs_read(self) -> bool:
        """Whether the stored item must be read first; an instance may stand in for it where the rest is guarded."""
        return self._takes_whole or (self._instance is None and bool(self._needed))

    def resolve(self, stored: Item | None, stamp: Stamp) -> list[Action]:
        """The update, blind, or built on the stored item or on the instance and conditioned on what it was built on."""
        if (stored is None and self.needs_read) or (stored is not None and self.gone(stored, stamp)):
            raise self.not_found()
        if stored is not None and self._version is not None and self._version != self.stored_version(stored):
            raise self.version_conflict(self._version, stored)
        base = cast("E | None", self.codec.entity(stored)) if stored is not None else self._instance
        if base is None:
            return [self._main(stamp, self._field_changes(self._known, stamp), [self.known_schema()], stored)]
        new = stamped(self._applied(base), base.version + 1, stamp.now, base.created_at)
        if stored is not None and (self._takes_whole or self.codec.is_old(stored)):
            return self._rebuilt(base, new, stored, stamp)
        self.full_item(new, stamp, former=True)  # raises before anything is sent where it has grown too large
        guards = [*self._guards(base, stored), self.known_schema()]
        return [self._main(stamp, self._field_changes(values_of(new), stamp), guards, stored)]

    def _rebuilt(self, base: E, new: E, stored: Item, stamp: Stamp) -> list[Action]:
        """Everything the entity says, over what was read; what an older schema left behind goes."""
        whole = OfEntity(new)
        changes = whole.assignment(new, stamp, stored)
        item = left_behind(stored, self.key, changes)
        main = self._main(stamp, changes, [self.unchanged(stored)], stored, item=item)
        if not self._touches_uniques:
            return [main]
        held = whole.holding(base, self.key), whole.holding(new, self.key)
        return [main, *sentinels(self.definition, *held, stamp)]

    def _main(
        self,
        stamp: Stamp,
        changes: Changes,
        guards: list[Condition],
        known: Item | None,
        item: Item | None = None,
    ) -> Action:
        condition = self._condition(stamp, guards)
        return self.action(
            "Update",
            stamp,
            condition,
            lambda found: self._verdict(found, stamp, known),
            item=item,
            changes=changes,
        )

    def _applied(self, base: E) -> E:
        """The entity after the update, validated as a whole."""
        added = self._changes.added.items()
        sums = {name: total(self.definition, name, getattr(base, name), delta) for name, delta in added}
        changed = {name: value for name, value in self._known.items() if name not in self._identity}
        return evolve(base, {**changed, **sums})

    def _field_changes(self, values: Mapping[str, Any], stamp: Stamp) -> Changes:
        """The named fields and the keys they feed, as changes of attributes."""
        managed = self.table.managed
        assigned, removed = self._own_fields(values)
        for key in self._affected:
            built = None if self._left(key) else key.build(values)
            if built is None:
                removed |= {part.attribute.name for part in key.parts} - set(self.definition.attributes.values())
            else:
                assigned |= {name: stored for name, stored in built.items() if name not in self.key}
        assigned |= {managed.updated_at: encode_value(stamp.now), managed.write_id: {"S": stamp.write_id}}
        names = self.definition.attributes
        added = {names[n]: encode_value(delta) for n, delta in self._changes.added.items() if n not in self._settled}
        return Changes(assigned, sorted(removed - set(self.key)), added, count=(managed.version,))

    def _own_fields(self, values: Mapping[str, Any]) -> tuple[Item, set[str]]:
        names = self.definition.attributes
        fields = {name: self.codec.field(name, values[name]) for name in (*self._changes.assigned, *self._settled)}
        assigned = {names[name]: stored for name, stored in fields.items() if stored is not None}
        removed = {names[name] for name, stored in fields.items() if stored is None}
        return assigned, removed | {names[name] for name in self._changes.removed}

    def _guards(self, base: E, stored: Item | None) -> Iterator[Condition]:
        """The stored values this update was built on are still there."""
        for name in sorted(self._needed):
            attribute = self.definition.attributes[name]
            value = self.codec.field(name, getattr(base, name)) if stored is None else stored.get(attribute)
            place = Attribute(attribute)
            yield absent(place) if value is None else Comparison("=", place, Stored(value))

    def _condition(self, stamp: Stamp, guards: list[Condition]) -> Condition:
        parts = [self.alive(stamp), *guards, self.not_mine(stamp)]
        if self._version is not None:
            parts.append(self.at_version(self._version))
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
        other = self.other_schema(item)
        if isinstance(other, CorruptItemError):
            return other
        return Stale(item) if self._outdated(item, known) else self.failed(item, stamp)

    def _outdated(self, item: Item, known: Item | None) -> bool:
        """Whether the refusal may be due to what the update was built on, not to the caller's condition."""
        if known is None:
            return self._where is None or bool(self._needed) or self.codec.is_old(item)
        return self._where is None or known != item

    def outcome(self, item: Item | None) -> E | None:
        """The entity after the update; None where only the engine knows it (an update inside a transaction)."""
        return None if item is None else cast("E", self.codec.entity(item))
