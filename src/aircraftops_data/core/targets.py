"""What an update or a delete is aimed at: a class and an identity, or an instance that knows its version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from aircraftops_data.core.adding import Delta
from aircraftops_data.core.intents import Delete
from aircraftops_data.core.update import FieldChanges, Update
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
