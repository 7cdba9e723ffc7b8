"""The age of what a change tells: a number that rises with every write of an item, also when it is made anew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from aircraftops_data.model.entity import Entity
from aircraftops_data.streams.change import Change, Operation

_SINCE = datetime(2020, 1, 1, tzinfo=UTC)
_VERSION_BITS = 21


def age_of(change: Change[Any]) -> int | None:
    """The age of what there is after a change; None where its images do not tell. Fits 63 bits.

    Versions begin anew when an item is deleted and made again, so the instant of its making comes first.
    """
    if change.operation is Operation.REMOVE:
        return None if change.old is None else _age(change.old) + 1
    return None if change.new is None else _age(change.new)


def _age(entity: Entity) -> int:
    passed = 0 if entity.created_at is None else (entity.created_at - _SINCE) // timedelta(milliseconds=1)
    return (passed << _VERSION_BITS) + entity.version
