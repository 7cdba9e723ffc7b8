"""Where a group of pollers stands, in JobsTable: how it began, how far each shard is read, who polls, what is missing.

A group is all pollers of one name. What it knows lies in one partition, which takes about 1000 checkpoints a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from aircraftops_data.core.table import CoreTable
from aircraftops_data.errors import AlreadyExistsError, NotFoundError
from aircraftops_data.model.conditions import Condition
from aircraftops_data.model.declarations import PrimaryKey
from aircraftops_data.model.entity import Entity, UtcDatetime
from aircraftops_data.model.quantities import Count
from aircraftops_data.model.schema import JOBS
from aircraftops_data.streams.locking import Lock
from aircraftops_data.streams.polling.shards import Shard, Stream

GroupName = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Checkpoint = Annotated[str, StringConstraints(pattern=r"^\d{40}$")]
"""A sequence number, written so that text is in the order of numbers; none has more digits."""
# A stream lists a closed shard for a day; whether a parent was read to its end is asked until its children are begun.
_KEPT = timedelta(days=3)
# Expiries are of whole seconds.
_A_SECOND = timedelta(seconds=1)


class Origin(StrEnum):
    """Where a group begins to read a table's stream."""

    TRIM_HORIZON = "TRIM_HORIZON"
    """With the oldest record there is."""
    LATEST = "LATEST"
    """With the first record made after it began."""


class InitialShard(BaseModel):
    """A shard there was when a group began with a stream."""

    model_config = ConfigDict(frozen=True)

    parent: str | None = None
    first: Checkpoint | None = None
    """Where it begins; None where some of it was trimmed by then, and who knows how much."""
    latest: str | None = None
    """For LATEST, of one that was open: an iterator, so that the place is the same whenever it is read."""


class StreamStart(Entity, table=JOBS, entity_type="stream_start"):
    """How a group began with a stream; never changed."""

    name: GroupName
    label: str
    arn: str
    origin: Origin = Origin.TRIM_HORIZON
    initial: Mapping[str, InitialShard] = Field(default_factory=dict[str, InitialShard])
    """The shards there were, where it is the first stream of the group; of any other it wants everything."""

    primary = PrimaryKey("STREAM#{name}", "START#{label}")

    @property
    def shards(self) -> list[Shard]:
        """The shards there were."""
        return [Shard(name, known.parent, number_in(known.first)) for name, known in self.initial.items()]

    @property
    def skipped(self) -> frozenset[str]:
        """The shards that were closed already, where the group began with what is latest."""
        if self.origin is Origin.TRIM_HORIZON:
            return frozenset()
        return frozenset(name for name, known in self.initial.items() if known.latest is None)


class Gap(BaseModel):
    """Records were trimmed before anybody read them."""

    model_config = ConfigDict(frozen=True)

    after: Checkpoint | None
    """The last record dealt with before it; None for the beginning of the shard."""
    noticed_at: UtcDatetime
    acknowledged_at: UtcDatetime | None = None
    acknowledged_by: str | None = None


class ShardState(Entity, table=JOBS, entity_type="stream_shard"):
    """How far a shard is read. Deleted some days after it was read to its end, but for the shards of the beginning."""

    name: GroupName
    label: str
    shard: str
    parent: str | None = None
    first: Checkpoint | None = None
    """Where it begins, if that is to be read; None where nobody knows."""
    checkpoint: Checkpoint | None = None
    """The last record dealt with."""
    at: UtcDatetime | None = None
    """When what that record tells of happened, about."""
    ended: bool = False
    """Read to its end (SHARD_END)."""
    token: Count | None = None
    """The highest token of a lease it was written under."""
    gap: Gap | None = None

    primary = PrimaryKey("STREAM#{name}", "SHARD#{label}#{shard}")

    @property
    def place(self) -> int | None:
        """The sequence number of the last record dealt with."""
        return number_in(self.checkpoint)

    @property
    def stands(self) -> bool:
        """Whether a gap keeps it from being read on."""
        return self.gap is not None and self.gap.acknowledged_at is None

    @property
    def reads_anew(self) -> bool:
        """Whether its next record is whatever is left behind a gap that somebody has acknowledged."""
        return self.gap is not None and not self.stands and self.gap.after == self.checkpoint


class PollerMember(Entity, table=JOBS, entity_type="stream_poller"):
    """A poller of a group; one that says no more is gone after a while. Shares are told by it, and nothing else."""

    name: GroupName
    worker: str
    holds: Count
    capacity: Count

    primary = PrimaryKey("STREAM#{name}", "POLLER#{worker}")


@dataclass(frozen=True)
class Standing:
    """All that is known of a group."""

    starts: tuple[StreamStart, ...]
    """The oldest first."""
    shards: tuple[ShardState, ...]
    pollers: tuple[PollerMember, ...]

    def of(self, label: str) -> list[ShardState]:
        """The shards of one stream."""
        return [state for state in self.shards if state.label == label]


def text_of(number: int) -> str:
    """A sequence number as checkpoints have it."""
    return f"{number:040d}"


def number_in(checkpoint: str | None) -> int | None:
    """The sequence number of a checkpoint."""
    return None if checkpoint is None else int(checkpoint)


def not_back(place: int | None) -> Condition:
    """That the checkpoint stored is no later than this place; of one holder's writes, too, the last may come first."""
    stored = ShardState.f.checkpoint
    return stored.does_not_exist() if place is None else stored.does_not_exist() | (stored <= text_of(place))


class Group:
    """What a group knows, read and written. What is told of a shard is told under the lock of that shard."""

    def __init__(self, core: CoreTable, name: str) -> None:
        self.core = core
        self.name = name

    def standing(self) -> Standing:
        """All of it. 0.5 read units per 4 KB, about 10 shards each."""
        found = self.core.collection(StreamStart, name=self.name)
        return Standing(tuple(found[StreamStart]), tuple(found[ShardState]), tuple(found[PollerMember]))

    def begun(self) -> Standing:
        """The same. Raises NotFoundError where no poller of this name has begun."""
        standing = self.standing()
        if not standing.starts:
            raise NotFoundError(f"No poller of the name {self.name!r} has begun", entity="StreamStart")
        return standing

    def begin(self, start: StreamStart) -> StreamStart:
        """The group begins with a stream, unless it has: then as it did. 1 write unit per KB."""
        try:
            return self.core.create(start)
        except AlreadyExistsError as there:
            return there.existing  # type: ignore[no-any-return]

    def claim(self, stream: Stream, shard: Shard, lock: Lock) -> ShardState:
        """How far a shard is read, and from here on no holder before this one changes it. 1 write unit.

        Raises ConditionFailedError where a later holder was there.
        """
        guard = lock.guard(ShardState.f.token)
        identity: dict[str, Any] = {"name": self.name, "label": stream.label, "shard": shard.id}
        for _ in range(2):
            try:
                return self.core.update(ShardState, **identity, set={**guard.set}, where=guard.where)
            except NotFoundError:
                pass
            try:
                first = None if shard.first is None else text_of(shard.first)
                return self.core.create(ShardState(**identity, parent=shard.parent, first=first, token=lock.token))
            except AlreadyExistsError:
                # An earlier holder was late; from now on it is refused.
                continue
        raise NotFoundError(f"The state of shard {shard.id} comes and goes", entity="ShardState", identity=identity)

    def advance(self, state: ShardState, lock: Lock, place: int, at: datetime | None) -> ShardState:
        """The records up to this place are dealt with. 1 write unit. Raises ConditionFailedError for a late holder."""
        moved = {"checkpoint": text_of(place), **({} if at is None else {"at": at})}
        return self._told(state, lock, place, moved)

    def end(self, state: ShardState, lock: Lock, *, kept: bool) -> ShardState:
        """The shard is read to its end. 1 write unit. Raises ConditionFailedError for a late holder."""
        forgotten = {} if kept else {"expires_at": self.core.context.clock.now() + _KEPT}
        return self._told(state, lock, state.place, {"ended": True, **forgotten})

    def note_gap(self, state: ShardState, lock: Lock) -> ShardState:
        """What follows is no longer there. 1 write unit. Raises ConditionFailedError for a late holder."""
        gap = Gap(after=state.checkpoint, noticed_at=self.core.context.clock.now())
        return self._told(state, lock, state.place, {"gap": gap})

    def _told(self, state: ShardState, lock: Lock, place: int | None, changes: Mapping[str, object]) -> ShardState:
        guard = lock.guard(ShardState.f.token)
        where = guard.where & not_back(place)
        return self.core.update(ShardState, **state.identity(), set={**changes, **guard.set}, where=where)

    def report(self, worker: str, holds: int, capacity: int, lasting: timedelta) -> PollerMember:
        """A poller is there, and says so again before this time has passed. 1 write unit."""
        expires_at = self.core.context.clock.now() + lasting + _A_SECOND
        member = PollerMember(name=self.name, worker=worker, holds=holds, capacity=capacity, expires_at=expires_at)
        return self.core.put(member)

    def leave(self, worker: str) -> None:
        """A poller is there no more. 1 write unit."""
        self.core.delete(PollerMember, name=self.name, worker=worker)
