"""What a poller finds when it looks: the stream to read now, the shards of it that may be read, and who else polls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aircraftops_data.errors import InvalidInputError
from aircraftops_data.streams.heads import table_in
from aircraftops_data.streams.polling.reading import latest_of, whole_of
from aircraftops_data.streams.polling.shards import Lineage, Shard, Stream, shards_of, streams_of
from aircraftops_data.streams.polling.state import (
    InitialShard,
    Origin,
    PollerMember,
    ShardState,
    Standing,
    StreamStart,
    number_in,
    text_of,
)
from aircraftops_data.streams.polling.work import LOG, Desk


@dataclass(frozen=True)
class Look:
    """What there is to do."""

    stream: Stream
    start: StreamStart
    ready: tuple[Shard, ...]
    """The shards that may be read now, whoever holds them."""
    gaps: tuple[ShardState, ...]
    """Those that stand."""
    pollers: tuple[PollerMember, ...]


def look_at(desk: Desk, origin: Origin) -> Look:
    """Look; the first of all pollers begins. Raises InvalidInputError where the table has no stream, or the name
    is another table's."""
    standing = desk.group.standing()
    foreign = next((start.arn for start in standing.starts if table_in(start.arn) != desk.table), None)
    if foreign is not None:
        raise InvalidInputError(
            f"Pollers named {desk.group.name!r} read {foreign}; those of {desk.table} need another name"
        )
    streams = desk.run(streams_of(desk.table))
    if not streams and not standing.starts:
        raise InvalidInputError(f"Table {desk.table} has no stream, or is not there")
    starts = {start.label: start for start in standing.starts}
    gaps = tuple(state for state in standing.shards if state.stands)
    order = _in_order(streams, standing)
    for stream in order:
        start = starts.get(stream.label) or _begun(desk, stream, origin, first=not starts)
        starts[stream.label] = start
        listed = desk.run(shards_of(stream.arn)) if stream in streams else []
        lineage = lineage_of(listed, standing.of(stream.label), start)
        if stream == order[-1] or not lineage.over:
            still = {gap.shard for gap in gaps}
            ready = tuple(shard for shard in lineage.readable() if shard.id not in still)
            return Look(stream, start, ready, gaps, standing.pollers)
    raise AssertionError("the last stream is looked at")


def _in_order(streams: Sequence[Stream], standing: Standing) -> list[Stream]:
    """The streams of the group, the oldest first: the one it began with and all since; the latest where it begins."""
    if not standing.starts:
        return list(streams[-1:])
    began = [Stream(start.arn, start.label) for start in standing.starts]
    later = [stream for stream in streams if stream.label >= began[0].label and stream not in began]
    return sorted([*began, *later], key=lambda stream: stream.label)


def lineage_of(listed: Sequence[Shard], states: Sequence[ShardState], start: StreamStart) -> Lineage:
    """What a group knows of a stream's shards."""
    begun = [Shard(state.shard, state.parent, number_in(state.first)) for state in states]
    # Of the shards of the beginning some was trimmed by then; what is told of them now says nothing of that.
    known = [shard for shard in listed if shard.id not in start.initial]
    ended = {state.shard for state in states if state.ended}
    return Lineage(known, begun, ended, start.shards, start.skipped)


def _begun(desk: Desk, stream: Stream, origin: Origin, *, first: bool) -> StreamStart:
    """How the group begins with a stream; of any but its first it wants everything."""
    group = desk.group
    start = StreamStart(name=group.name, label=stream.label, arn=stream.arn)
    if not first:
        LOG.warning("Table %s has another stream; what changed while it had none is in neither", desk.table)
        return group.begin(start)
    listed = desk.run(shards_of(stream.arn))
    by_id = {shard.id: shard for shard in listed}
    if origin is Origin.LATEST:
        # Read from the iterators; where those have expired unused, nobody knows what was trimmed meanwhile.
        latest, whole = desk.run(latest_of(stream.arn, listed)), set(by_id)
    else:
        latest, whole = dict[str, str](), desk.run(whole_of(stream.arn, listed))
    initial = {name: _initial(shard, latest.get(name), name in whole) for name, shard in by_id.items()}
    return group.begin(start.model_copy(update={"origin": origin, "initial": initial}))


def _initial(shard: Shard, latest: str | None, whole: bool) -> InitialShard:
    first = None if shard.first is None or not whole else text_of(shard.first)
    return InitialShard(parent=shard.parent, first=first, latest=latest)
