"""How far an entity has come: a number that rises with every change, also when its item is deleted and made again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from aircraftops_data.errors import InvalidInputError
from aircraftops_data.model.entity import Entity
from aircraftops_data.streams.change import Change, Operation

VERSION_BITS = 21
_BITS = 63
_FIRST = datetime(2020, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def age(entity: Entity) -> int:
    """The milliseconds from 2020 to its creation, then 21 bits of its version: at most 63 bits, until 2159.

    The version alone starts anew when an item is deleted and made again. Two lives of one item are told apart by when
    they began, so the clocks of those who write it must agree better than that. A write that brings an older beginning
    along is older than what was there: `put_many` of an instance that others have written or deleted since it was read,
    and `move` to the key of an item that began later and is gone. Raises InvalidInputError for an entity that was never
    stored, or was more than two million times.
    """
    name = type(entity).__name__
    if entity.created_at is None:
        raise InvalidInputError(f"{name} has no created_at: what was never stored by this library has no age")
    if not 0 <= entity.version < 1 << VERSION_BITS:
        raise InvalidInputError(f"{name}: version {entity.version} does not fit in {VERSION_BITS} bits")
    found = _begun(entity.created_at) | entity.version
    if found >> _BITS:
        raise InvalidInputError(f"{name}: created_at is after what fits in an age")
    return found


def _begun(at: datetime) -> int:
    """The age of what began then, before its first version. Before 2020 this library gave no item a second life."""
    return max(0, (at - _FIRST) // _MILLISECOND) << VERSION_BITS


def age_of(change: Change[Any]) -> int | None:
    """The age of what a change left; of a removal, one more than that of what it took away. None without the image.

    An incremental export shows at most what was there when its window began, not what a removal took away: such a one
    has the age of its moment at least, before which all began that it may have been. Raises InvalidInputError as `age`
    does.
    """
    image = image_of(change)
    if change.operation is not Operation.REMOVE:
        return None if image is None else age(image)
    known = None if image is None else age(image) + 1
    if change.at is None or change.sequence is not None or change.event_id is not None:
        return known
    return max(known or 0, _begun(change.at))


def image_of(change: Change[Any]) -> Entity | None:
    """The entity as it was before a removal, or as it is after any other change; None where that is left out."""
    image = change.old if change.operation is Operation.REMOVE else change.new
    return image if isinstance(image, Entity) else None
