"""Reading one shard page by page, as a plan: expired iterators, pages empty or delivered twice, trimmed data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias, cast

from aircraftops_data.errors import RequestRefusedError, StoreError
from aircraftops_data.request import Plan, Request, Response
from aircraftops_data.streams.polling.shards import Shard

# API Reference, DynamoDB Streams: GetRecords and GetShardIterator.
MOST_RECORDS = 1000
_EXPIRED = "ExpiredIteratorException"
_TRIMMED = "TrimmedDataAccessException"
_NO_SHARD = "ResourceNotFoundException"
_LEAST_DIGITS = 21
_TRIES = 3
# How far off AWS lets a clock be that signs requests, and so how far off the one is by which a reading began.
_SKEW = timedelta(minutes=5)

Raw: TypeAlias = Mapping[str, Any]
"""A record as GetRecords gives it."""


@dataclass(frozen=True, slots=True)
class Page:
    """Records that follow those read before; none may be there, and still more follow."""

    records: Sequence[Raw]
    ended: bool
    """There is nothing behind them: the shard is closed and read."""


@dataclass(frozen=True, slots=True)
class Missing:
    """What follows those read before is no longer there; nobody knows whether that was anything."""


def number_of(raw: Raw) -> int | None:
    """The sequence number of a record; None for one that has none."""
    text = str(raw.get("dynamodb", {}).get("SequenceNumber", ""))
    return int(text) if text.isdecimal() else None


def iterator_of(arn: str, shard: str, kind: str, number: int | None = None) -> Plan[str]:
    """An iterator of a shard. Raises StoreError, RequestRefusedError."""
    asked: dict[str, Any] = {"StreamArn": arn, "ShardId": shard, "ShardIteratorType": kind}
    if number is not None:
        asked["SequenceNumber"] = f"{number:0{_LEAST_DIGITS}d}"
    response = cast("Response", (yield Request("GetShardIterator", asked)))
    return str(response["ShardIterator"])


def latest_of(arn: str, shards: Iterable[Shard]) -> Plan[dict[str, str]]:
    """An iterator for each open shard, behind all that is in it now."""
    found: dict[str, str] = {}
    for shard in shards:
        if shard.last is None:
            found[shard.id] = yield from iterator_of(arn, shard.id, "LATEST")
    return found


def is_since(began: datetime, at: datetime | None) -> bool:
    """Whether a record may have been made after a reading of the latest began, whose iterator expired unused."""
    return at is None or at >= began - _SKEW


def whole_of(arn: str, shards: Iterable[Shard]) -> Plan[set[str]]:
    """The shards of which nothing was trimmed by now; none of an engine that takes no starting sequence number."""
    found: set[str] = set()
    for shard in shards:
        try:
            if shard.first is not None:
                yield from iterator_of(arn, shard.id, "AT_SEQUENCE_NUMBER", shard.first)
                found.add(shard.id)
        except RequestRefusedError:
            continue
        except StoreError as error:
            if error.code not in (_TRIMMED, _NO_SHARD):
                raise
    return found


@dataclass(slots=True)
class Reading:
    """A shard being read, from behind `after`, from an `iterator`, or from its beginning (TRIM_HORIZON).

    `first`, the starting sequence number, is given where the beginning must be there: a shard whose first records were
    trimmed is Missing then, which reading from TRIM_HORIZON would pass over in silence. With `anew` somebody has
    acknowledged that records are missing: it is read from whatever is left.
    """

    arn: str
    shard: str
    _: KW_ONLY
    after: int | None = None
    iterator: str | None = None
    first: int | None = None
    anew: bool = False
    limit: int = MOST_RECORDS

    def page(self) -> Plan[Page | Missing]:
        """The next page. Raises StoreError; then it may be asked again."""
        for attempt in range(_TRIES):
            try:
                if self.iterator is None:
                    self.iterator = yield from self._positioned()
                asked = {"ShardIterator": self.iterator, "Limit": self.limit}
                response = cast("Response", (yield Request("GetRecords", asked)))
            except StoreError as error:
                if error.code not in (_EXPIRED, _TRIMMED, _NO_SHARD):
                    raise
                # DynamoDB Local says so of a shard that was empty when the iterator was made: its beginning tells.
                asked_again = error.code == _EXPIRED or (error.code == _TRIMMED and self._begins_there())
                self.iterator = None
                if error.code == _NO_SHARD and self.anew:
                    return Page((), ended=True)
                if not asked_again and not self.anew:
                    return Missing()
                if attempt + 1 == _TRIES:
                    raise
            else:
                return self._taken(response)
        raise AssertionError("the last try returns or raises")

    def _begins_there(self) -> bool:
        """Whether nothing was read yet by an iterator, and it can be asked whether the beginning is there."""
        return self.iterator is not None and self.after is None and self.first is not None

    def _positioned(self) -> Plan[str]:
        if self.after is not None and not self.anew:
            return (yield from iterator_of(self.arn, self.shard, "AFTER_SEQUENCE_NUMBER", self.after))
        oldest = yield from iterator_of(self.arn, self.shard, "TRIM_HORIZON")
        if self.first is not None and not self.anew:
            # Whatever is trimmed from here on, the iterator itself tells of.
            try:
                yield from iterator_of(self.arn, self.shard, "AT_SEQUENCE_NUMBER", self.first)
            except RequestRefusedError:
                # An engine that does not take a number that no record has: nobody knows.
                self.first = None
        return oldest

    def _taken(self, response: Response) -> Page:
        self.iterator = response.get("NextShardIterator")
        return Page(list(self._new(response["Records"])), ended=self.iterator is None)

    def _new(self, records: Sequence[Raw]) -> Iterator[Raw]:
        """The records that were not read before."""
        for raw in records:
            number = number_of(raw)
            if number is None or self.after is None or number > self.after:
                self.after = self.after if number is None else number
                self.anew = False
                yield raw
