"""The shards of a table's streams: how they are listed, and which of them may be read now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self, cast

from aircraftops_data.errors import ThrottledError
from aircraftops_data.request import Plan, Request, Response, Wait

# API Reference, DescribeStream: ten a second, of all who ask. A page has 100 shards, and botocore's legacy mode of
# retries knows nothing of it.
_TRIES = 3
_WAIT = Wait(1.0)


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of a stream; the changes of one item follow one another in it, and then in its children."""

    id: str
    parent: str | None = None
    first: int | None = None
    """Its starting sequence number."""
    last: int | None = None
    """Its ending one; None while it is open, and where nothing is known of it."""

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """A shard as DescribeStream tells of it."""
        numbers = told.get("SequenceNumberRange", {})
        first, last = numbers.get("StartingSequenceNumber"), numbers.get("EndingSequenceNumber")
        return cls(told["ShardId"], told.get("ParentShardId"), first and int(first), last and int(last))


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream of a table. Switched off and on again, the table has another one, with a later label."""

    arn: str
    label: str


def streams_of(table: str) -> Plan[list[Stream]]:
    """The streams of a table that can still be read, the oldest first."""
    found = yield from _listed("ListStreams", {"TableName": table}, "Streams", "StreamArn")
    # Labels are instants in ISO format.
    return sorted((Stream(told["StreamArn"], told["StreamLabel"]) for told in found), key=lambda stream: stream.label)


def shards_of(arn: str) -> Plan[list[Shard]]:
    """The shards of a stream, in no order; closed ones are listed for a day."""
    found = yield from _listed("DescribeStream", {"StreamArn": arn}, "Shards", "ShardId")
    return [Shard.of(told) for told in found]


def _listed(operation: str, asked: Mapping[str, Any], what: str, key: str) -> Plan[list[Mapping[str, Any]]]:
    """All that an operation lists of `what`, page by page; a page goes on behind the `key` of the last."""
    found: list[Mapping[str, Any]] = []
    begin: dict[str, Any] = {}
    while True:
        response = yield from _page(Request(operation, {**asked, **begin}))
        page = response.get("StreamDescription", response)
        found += page.get(what, ())
        if f"LastEvaluated{key}" not in page:
            return found
        begin = {f"ExclusiveStart{key}": page[f"LastEvaluated{key}"]}


def _page(request: Request) -> Plan[Response]:
    """One page, asked for again where it was one too many: a listing that fails begins with its first."""
    for _ in range(_TRIES - 1):
        try:
            return cast("Response", (yield request))
        except ThrottledError:
            yield _WAIT
    return cast("Response", (yield request))


@dataclass(frozen=True)
class Lineage:
    """What is known of a stream's shards: those listed now, those begun, and those there were at the beginning."""

    listed: Iterable[Shard]
    begun: Iterable[Shard]
    """Those somebody began to read, listed or not."""
    ended: Collection[str]
    """Those read to their end."""
    initial: Iterable[Shard] = ()
    """Those listed when the reading began: what their parents held is none of ours. If ended, they are named so."""
    skipped: Collection[str] = ()
    """Those of the initial ones that are not to be read."""

    def readable(self) -> list[Shard]:
        """The shards to read now, by id: their parents are read to the end, they themselves are not."""
        shards = self._unread()
        ready = [shard for shard in shards.values() if shard.parent not in shards]
        return sorted(ready, key=lambda shard: shard.id)

    @property
    def over(self) -> bool:
        """Whether all there is has been read to the end."""
        return not self._unread()

    def _unread(self) -> dict[str, Shard]:
        """Every shard not read to its end: also one that was trimmed before anybody began it, and one that a listing
        leaves out for a while."""
        begun = {shard.id: shard for shard in self.begun}
        initial = {shard.id: shard for shard in self.initial}
        every = initial | begun | {shard.id: shard for shard in self.listed}
        known, inside = {*every, *self.ended}, {*begun, *initial}
        for shard in list(every.values()):
            if shard.parent is not None and shard.parent not in known and shard.id not in inside:
                every[shard.parent] = Shard(shard.parent)
        done = {*self.ended, *self.skipped}
        return {name: shard for name, shard in every.items() if name not in done}
