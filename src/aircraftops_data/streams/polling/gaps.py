"""Gaps: records that were trimmed before anybody read them. A shard with one stands until somebody says so."""

from __future__ import annotations

from aircraftops_data.core.table import CoreTable
from aircraftops_data.errors import NotFoundError
from aircraftops_data.streams.polling.state import Group, ShardState


def gaps(core: CoreTable, name: str) -> list[ShardState]:
    """The shards of a group that stand, by id: `state.gap.after` is the last record dealt with before the gap.

    Raises NotFoundError where no poller of this name has begun.
    """
    found = [state for state in Group(core, name).begun().shards if state.stands]
    return sorted(found, key=lambda state: state.shard)


def acknowledge(core: CoreTable, name: str, shard: str, *, by: str) -> ShardState:
    """That records are missing is known: the shard is read on, from the oldest record it still has. 1 write unit.

    What is missing must come another way: by a backfill of the table. Raises NotFoundError where no such gap stands,
    VersionConflictError where somebody was quicker.
    """
    state = next((state for state in gaps(core, name) if state.shard == shard), None)
    if state is None or state.gap is None:
        raise NotFoundError(f"No gap stands at {shard!r} of {name!r}", entity="ShardState")
    told = {"acknowledged_at": core.context.clock.now(), "acknowledged_by": by}
    return core.update(state, set={"gap": state.gap.model_copy(update=told)})
