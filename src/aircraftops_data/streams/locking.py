"""What streams are handed by others: locks, as `ops.locks` has them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, Protocol

from aircraftops_data.core.writes import Intent
from aircraftops_data.model.conditions import Condition, FieldPath

LEASE = timedelta(seconds=20)
WAIT = timedelta(seconds=30)
"""For longer than the lease: by then the lock of a process that died is free."""


class Guard(Protocol):
    """What a write of one item carries so that no late holder makes it."""

    @property
    def set(self) -> Mapping[str, Any]: ...

    @property
    def where(self) -> Condition: ...


class Lock(Protocol):
    """A lock in hand. Once its lease is over, `check` and `release` raise LockLostError."""

    @property
    def token(self) -> int: ...

    def guard(self, field: FieldPath) -> Guard: ...

    def fence(self) -> Intent[Any]: ...

    def check(self) -> None: ...

    def beat(self) -> None: ...

    def release(self) -> None: ...


class Locks(Protocol):
    """The locks of a table. Both raise LockHeldError."""

    def acquire(self, name: str, *, lease: timedelta, owner: str | None = None) -> Lock: ...

    def hold(self, name: str, *, lease: timedelta, wait: timedelta) -> AbstractContextManager[Lock]: ...
