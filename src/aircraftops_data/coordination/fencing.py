"""What keeps a late holder from writing: a check that transactions carry, and a guard in the item written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aircraftops_data.coordination.model import LockState, LockToken
from aircraftops_data.core.intents import Check
from aircraftops_data.core.writes import Stamp
from aircraftops_data.errors import LockLostError
from aircraftops_data.model.conditions import Condition, FieldPath
from aircraftops_data.model.definition import Item


def held_under(token: int) -> Condition:
    """That a lock is held under this token."""
    return (LockToken.f.token == token) & (LockToken.f.state == LockState.HELD)


class Fence(Check):
    """In a transaction: the lock is still held under this token, else LockLostError. 2 write units."""

    def __init__(self, name: str, token: int) -> None:
        super().__init__(LockToken.definition(), {"name": name}, held_under(token))
        self._name = name
        self._token = token

    def failed(self, item: Item | None, stamp: Stamp) -> LockLostError:
        """The lock was given on, or released."""
        return lost(self._name, self._token)


@dataclass(frozen=True, slots=True)
class Guard:
    """A write of one item that no later holder has written: `core.update(..., set={**guard.set}, where=guard.where)`.

    The item carries the highest token that wrote it. It costs nothing beside the write, and protects this item alone.
    """

    set: Mapping[str, Any]
    where: Condition


def guard(field: FieldPath, token: int) -> Guard:
    """The guard of a token, kept in this field."""
    return Guard({field.field: token}, field.does_not_exist() | (field <= token))


def lost(name: str, token: int) -> LockLostError:
    """The lock is another's, or nobody's."""
    return LockLostError(f"Lock {name!r} is no longer held under token {token}", name=name, token=token)
