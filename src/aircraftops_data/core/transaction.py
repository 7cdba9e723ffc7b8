"""Several writes as one: gathered, then committed all together or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from aircraftops_data.core.adding import Delta
from aircraftops_data.core.commit import commit
from aircraftops_data.core.intents import Check, Create, Delete, Move, Put, Replace
from aircraftops_data.core.query import Runner
from aircraftops_data.core.update import FieldChanges, Update
from aircraftops_data.core.writes import Intent
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.model.conditions import Condition
from aircraftops_data.model.entity import Entity

E = TypeVar("E", bound=Entity)


def updating(
    target: type[E] | E,
    *,
    set: Mapping[str, Any] | None = None,
    remove: Sequence[str] = (),
    add: Mapping[str, Delta] | None = None,
    where: Condition | None = None,
    version: int | None = None,
    **identity: Any,
) -> Update[E]:
    """The intent of a partial update, from a class and identity or from an instance."""
    changes = FieldChanges(set or {}, tuple(remove), add or {})
    if isinstance(target, Entity):
        _refuse_identity(target, identity, version)
        return Update(target.definition(), target.identity(), changes, where=where, instance=target)
    return Update(target.definition(), identity, changes, where=where, version=version)


def deleting(
    target: type[Entity] | Entity, *, where: Condition | None = None, version: int | None = None, **identity: Any
) -> Delete:
    """The intent of a delete, from a class and identity or from an instance."""
    if isinstance(target, Entity):
        _refuse_identity(target, identity, version)
        return Delete(target.definition(), target.identity(), version=target.version, where=where)
    return Delete(target.definition(), identity, version=version, where=where)


def _refuse_identity(target: Entity, identity: Mapping[str, Any], version: int | None) -> None:
    if identity or version is not None:
        raise InvalidInputError(f"This {type(target).__name__} knows its identity and version; give neither")


class Transaction:
    """Writes gathered in a `with` block, committed together when it ends, none of them when it raises.

    Up to 100 actions (a unique value takes one more) and 4 MB, kept in order. 2 write units per KB and action.
    Raises TransactionConflictError, with one typed reason or None per action, in order.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._intents: list[Intent[Any]] = []
        self._closed = False
        self.results: list[Any] = []

    def create(self, entity: Entity) -> None:
        """Store an entity that must not exist yet."""
        self.add(Create(entity))

    def put(self, entity: Entity) -> None:
        """Store an entity whether or not it exists."""
        self.add(Put(entity))

    def replace(self, entity: Entity) -> None:
        """Store an entity that exists at the version it was read at."""
        self.add(Replace(entity))

    def update(self, target: type[Entity] | Entity, **changes: Any) -> None:
        """Change named fields; the arguments are those of `CoreTable.update`."""
        self.add(updating(target, **changes))

    def delete(self, target: type[Entity] | Entity, **conditions: Any) -> None:
        """Delete an entity; the arguments are those of `CoreTable.delete`."""
        self.add(deleting(target, **conditions))

    def move(self, entity: Entity, **changes: Any) -> None:
        """Give an entity another primary key."""
        self.add(Move(entity, changes))

    def check(self, entity: type[Entity], *, where: Condition | None = None, **identity: Any) -> None:
        """Let the transaction fail unless this entity exists and the condition holds."""
        self.add(Check(entity.definition(), identity, where))

    def add(self, intent: Intent[Any]) -> None:
        """Join any other write: an audit event, a job, a lock's fence."""
        if self._closed:
            raise InvalidInputError("The transaction is over")
        self._intents.append(intent)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        if kind is None and self._intents:
            self.results = self._runner.run(commit(self._intents, self._runner.context))
