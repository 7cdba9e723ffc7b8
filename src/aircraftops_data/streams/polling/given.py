"""What a poller is given: locks to hold shards by, and what takes the records it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol, TypeAlias

from aircraftops_data.model.conditions import Condition, FieldPath
from aircraftops_data.streams.change import AnyRecord, Record

Raw: TypeAlias = Mapping[str, Any]
"""A record as GetRecords gives it."""


class Guard(Protocol):
    """What a write of one item carries so that no late holder makes it."""

    @property
    def set(self) -> Mapping[str, Any]:
        """The token, in its field."""
        ...

    @property
    def where(self) -> Condition:
        """That no later holder has written the item."""
        ...


class Lock(Protocol):
    """A lock in hand, as `ops.locks` gives it."""

    @property
    def token(self) -> int:
        """Higher than that of any holder before."""
        ...

    def guard(self, field: FieldPath) -> Guard:
        """For a write of an item that keeps the token in this field."""
        ...

    def check(self) -> None:
        """Raises LockLostError once the lease is over."""
        ...

    def beat(self) -> None:
        """Renew the lease; what goes wrong is logged."""
        ...

    def release(self) -> None:
        """Give it back. Raises LockLostError."""
        ...


class Locks(Protocol):
    """The locks of a table: `ops.locks`."""

    def acquire(self, name: str, *, lease: timedelta, owner: str | None = None) -> Lock:
        """Take a lock that is free, or whose holder gave no sign of life for its lease. Raises LockHeldError."""
        ...


class Decoder(Protocol):
    """Makes changes of records."""

    def record(self, raw: Raw, table: str | None = None) -> AnyRecord:
        """The change a record tells of, or why it cannot be read."""
        ...


class Taken(Protocol):
    """What became of records: the first `done` are dealt with."""

    @property
    def done(self) -> int:
        """How many."""
        ...

    @property
    def failed(self) -> Record | None:
        """The one behind them, where it failed."""
        ...

    @property
    def error(self) -> Exception | None:
        """What it failed with."""
        ...


class Router(Protocol):
    """Takes records in their order."""

    @property
    def decoder(self) -> Decoder:
        """What it wants records read by."""
        ...

    def take(self, records: Sequence[AnyRecord]) -> Taken:
        """Deal with records up to the first that fails; when this returns, what is done is kept for good."""
        ...
