"""Changes made up for tests of what takes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from aircraftops_data.model.entity import Entity
from aircraftops_data.model.schema import StreamView
from aircraftops_data.streams.change import Cause, Change
from aircraftops_data.streams.decoding import Decoder
from aircraftops_data.streams.encoding import written

BEGUN_AT = datetime(2026, 3, 1, tzinfo=UTC)
_SEQUENCES = count(1)
_ADDRESSES = count(0x100000)


def change(
    old: Entity | None, new: Entity | None, *, view: StreamView = "NEW_AND_OLD_IMAGES", cause: Cause = Cause.USER
) -> Change[Any]:
    """The change that a write makes of one state of an item into another, as a stream tells it."""
    shown = new or old
    assert shown is not None
    raw = written(old, new, table="CoreTable", sequence=next(_SEQUENCES), view=view, cause=cause, at=BEGUN_AT)
    found = Decoder([type(shown)]).record(raw)
    assert isinstance(found, Change)
    return found


def stored(entity: Entity, *, version: int = 1, created_at: datetime = BEGUN_AT) -> Any:
    """An entity as it is read back after `version` writes."""
    updated_at = created_at + timedelta(seconds=version)
    return entity.model_copy(update={"version": version, "created_at": created_at, "updated_at": updated_at})


def history(*states: Entity | None, view: StreamView = "NEW_AND_OLD_IMAGES") -> list[Change[Any]]:
    """The changes that take an item through these states, None for gone; each life begins a second after the last."""
    return list(_history(states, view))


def _history(states: Sequence[Entity | None], view: StreamView) -> Iterator[Change[Any]]:
    old: Any = None
    created_at = BEGUN_AT
    for state in states:
        if state is None:
            created_at += timedelta(seconds=1)
        new = None if state is None else stored(state, version=old.version + 1 if old else 1, created_at=created_at)
        if old is not None or new is not None:
            yield change(old, new, view=view)
        old = new


def fresh_address() -> str:
    """An ICAO address that this process has not used yet."""
    return f"{next(_ADDRESSES):06x}"
