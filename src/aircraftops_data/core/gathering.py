"""Writes gathered one after another, to be committed together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aircraftops_data.core.accompanied import Companion, accompanied
from aircraftops_data.core.intents import Check, Create, Move, Put, Replace
from aircraftops_data.core.targets import deleting, updating
from aircraftops_data.core.writes import Intent
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.model.conditions import Condition
from aircraftops_data.model.entity import Entity


class Gathering:
    """The writes of a transaction, in order, until it is over."""

    def __init__(self, companions: Sequence[Companion] = ()) -> None:
        self._companions = companions
        self._intents: list[Intent[Any]] = []
        self._closed = False
        self.results: list[Any] = []
        """What each write left, in order, once they are committed."""

    def create(self, entity: Entity) -> None:
        """Store an entity that must not exist yet."""
        self._add(Create(entity))

    def put(self, entity: Entity) -> None:
        """Store an entity whether or not it exists."""
        self._add(Put(entity))

    def replace(self, entity: Entity) -> None:
        """Store an entity that exists at the version it was read at."""
        self._add(Replace(entity))

    def update(self, target: type[Entity] | Entity, **changes: Any) -> None:
        """Change named fields; the arguments are those of `CoreTable.update`."""
        self._add(updating(target, **changes))

    def delete(self, target: type[Entity] | Entity, **conditions: Any) -> None:
        """Delete an entity; the arguments are those of `CoreTable.delete`."""
        self._add(deleting(target, **conditions))

    def move(self, entity: Entity, **changes: Any) -> None:
        """Give an entity another primary key."""
        self._add(Move(entity, changes))

    def check(self, entity: type[Entity], *, where: Condition | None = None, **identity: Any) -> None:
        """Let the transaction fail unless this entity exists and the condition holds."""
        self.add(Check(entity.definition(), identity, where))

    def _add(self, intent: Intent[Any]) -> None:
        self.add(accompanied(intent, self._companions))

    def add(self, intent: Intent[Any]) -> None:
        """Join any other write: an audit event, a job, a lock's fence."""
        if self._closed:
            raise InvalidInputError("The transaction is over")
        self._intents.append(intent)

    def close(self) -> list[Intent[Any]]:
        """What was gathered; nothing joins it any more."""
        self._closed = True
        return self._intents
