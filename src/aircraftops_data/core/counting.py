"""Adding to an entity's numbers whether or not it exists yet: counters, which nobody creates first."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from aircraftops_data.core.writes import Action, Stamp, Writing
from aircraftops_data.model.definition import EntityDefinition, Item
from aircraftops_data.translation.expressions import Changes
from aircraftops_data.translation.values import encode_value


class Count(Writing):
    """Adds to numbers of an entity whose other fields all have defaults; what is not there begins at 0.

    1 write unit. The entity may be in no index, have no unique values and no schema but its first.
    """

    def __init__(self, definition: EntityDefinition, components: Mapping[str, Any], deltas: Mapping[str, int]) -> None:
        super().__init__(definition, definition.identify(components))
        self._components = {name: definition.coerce(name, value) for name, value in components.items()}
        self._deltas = deltas

    @property
    def needs_read(self) -> bool:
        """Never."""
        return False

    def resolve(self, stored: Item | None, stamp: Stamp) -> list[Action]:
        """One update that adds, and sets what tells the item's kind where nothing was there."""
        managed, names, now = self.table.managed, self.definition.attributes, encode_value(stamp.now)
        own = {names[name]: self.codec.field(name, value) for name, value in self._components.items()}
        fixed: Item = {name: value for name, value in own.items() if value is not None and name not in self.key}
        fixed |= {managed.created_at: now}
        if self.table.typed:
            fixed[managed.entity_type] = {"S": self.definition.entity_type}
        changes = Changes(
            set={managed.updated_at: now, managed.write_id: {"S": stamp.write_id}},
            add={names[name]: encode_value(delta) for name, delta in self._deltas.items()},
            set_if_absent=fixed,
            count=(managed.version,),
        )
        verdict = partial(self.mine_or_stale, stamp=stamp)
        return [self.action("Update", stamp, self.not_mine(stamp), verdict, changes=changes)]

    def outcome(self, item: Item | None) -> Any:
        """The entity after it; None where only the engine knows it."""
        return None if item is None else self.codec.entity(item)
