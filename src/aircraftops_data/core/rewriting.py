"""Maintenance of stored items: what is there is made what it should be, under what was read, whatever wrote it."""

from __future__ import annotations

from functools import cached_property

from aircraftops_data.core.guards import as_read
from aircraftops_data.core.writes import Action, Stamp, Writing, finish
from aircraftops_data.errors import ConditionFailedError, InvalidInputError, VersionConflictError
from aircraftops_data.model.conditions import Attribute, absent
from aircraftops_data.model.definition import EntityDefinition, Item
from aircraftops_data.model.schema import Table
from aircraftops_data.translation.codec import check_size, primary_key
from aircraftops_data.translation.expressions import Changes, expressed


class Rewrite(Writing):
    """Makes the stored item `before` the item `after`: sets the attributes that differ, removes those that are gone.

    The item must still be as it was read, else VersionConflictError or ConditionFailedError: read it again. 1 write
    unit per KB, 2 in a transaction. Raises InvalidInputError where the keys differ, ItemTooLargeError.
    """

    # Version, write id and instants are written only where `after` says so. A writer whose reply was lost knows its
    # write by the last two write ids: one of ours would push its own out. A version that went up would refuse those
    # who read the entity before, though it reads as it did; who makes it read otherwise counts it up in `after`.

    def __init__(self, definition: EntityDefinition, before: Item, after: Item) -> None:
        super().__init__(definition, primary_key(before, definition.table))
        if primary_key(after, definition.table) != self.key:
            raise InvalidInputError(f"{definition.name}: a rewritten item keeps its primary key; use move")
        self._before = before
        self._after = check_size(after, definition.name)

    @property
    def needs_read(self) -> bool:
        """Never: it was read."""
        return False

    @cached_property
    def _touched(self) -> list[str]:
        names = sorted({*self._before, *self._after})
        return [name for name in names if self._before.get(name) != self._after.get(name)]

    @property
    def is_needless(self) -> bool:
        """Whether nothing differs."""
        return not self._touched

    def resolve(self, stored: Item | None, stamp: Stamp) -> list[Action]:
        """One update under all that was read; nothing where nothing differs."""
        if self.is_needless:
            return []
        changes = Changes(
            set={name: self._after[name] for name in self._touched if name in self._after},
            remove=[name for name in self._touched if name not in self._after],
        )
        condition = as_read(self.table, self._before, self._touched)
        parameters = {"TableName": stamp.names[self.table], "Key": self.key}
        parameters |= expressed(UpdateExpression=changes, ConditionExpression=condition)
        return [finish("Update", self.table, self.key, parameters, self._verdict, self._after)]

    def _verdict(self, item: Item | None) -> VersionConflictError | ConditionFailedError:
        expected = self.stored_version(self._before)
        if item is not None and self.stored_version(item) != expected:
            return self.version_conflict(expected, item)
        gone = "is gone" if item is None else "was changed"
        existing = None if item is None else self.existing(item)
        return ConditionFailedError(f"A stored {self.definition.name} {gone} since it was read", existing=existing)

    def outcome(self, item: Item | None) -> None:
        """Nothing."""


class CopyPut:
    """Puts an item as it is into the table of physical name `to`, which has nothing at its key, or what was `seen`.

    Else ConditionFailedError: look again. 1 write unit per KB, 2 in a transaction.
    """

    definition = None

    def __init__(self, table: Table, item: Item, seen: Item | None, to: str) -> None:
        self.table = table
        self.read_key = primary_key(item, table)
        self._item = item
        self._seen = seen
        self._to = to

    @property
    def needs_read(self) -> bool:
        """Never: it was read."""
        return False

    def resolve(self, stored: Item | None, stamp: Stamp) -> list[Action]:
        """One put under what was seen."""
        nothing = absent(Attribute(self.table.partition_key.name))
        condition = nothing if self._seen is None else as_read(self.table, self._seen)
        parameters = {"TableName": self._to, "Item": self._item, **expressed(ConditionExpression=condition)}
        return [finish("Put", self.table, self.read_key, parameters, self._verdict, self._item)]

    def _verdict(self, item: Item | None) -> ConditionFailedError:
        return ConditionFailedError(f"An item of {self._to} has changed since it was looked at")

    def outcome(self, item: Item | None) -> None:
        """Nothing."""
