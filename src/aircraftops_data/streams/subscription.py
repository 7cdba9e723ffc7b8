"""What a handler or a sink wants to be given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aircraftops_data.model.entity import Entity
from aircraftops_data.streams.change import Change, Operation

Predicate = Callable[[Change[Any]], bool]


@dataclass(frozen=True)
class Subscription:
    """Changes of one entity, or of everything in the table for None."""

    entity: type[Entity] | None
    operations: frozenset[Operation] = frozenset(Operation)
    changed: frozenset[str] = frozenset()
    """Only changes of one of these fields; empty for any. Where the images do not tell, the change is wanted."""
    where: Predicate | None = None

    def wants(self, change: Change[Any]) -> bool:
        """Whether the change is one of these. Raises what the predicate raises."""
        return (
            self._is_of(change)
            and change.operation in self.operations
            and self._touches(change)
            and (self.where is None or self.where(change))
        )

    def _is_of(self, change: Change[Any]) -> bool:
        return self.entity is None or self.entity is change.entity

    def _touches(self, change: Change[Any]) -> bool:
        if not self.changed:
            return True
        found = change.changed
        return found is None or not self.changed.isdisjoint(found)
