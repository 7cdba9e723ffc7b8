"""Lambda's event source mapping of a stream, in virtual time: batches per shard and lane, tries, what it throws away.

Sources: AWS Lambda Developer Guide, "How Lambda processes records from stream and queue-based event sources" (each
record at least once; order within a shard, and within a partition key where a shard has several batches at a time),
"Using Lambda with DynamoDB" (a failed batch is tried again until it succeeds, expires or its tries are used up, and
the shard waits meanwhile; splitting a batch does not count as a try; up to 10 batches of a shard at a time),
"Configuring partial batch response with DynamoDB and Lambda" (what is a success, a failure, a checkpoint; with
bisection the batch is split at the reported record and only what remains is tried again) and "Retain discarded
records" (their conditions).
Where these are silent, the harder way is taken: tries already made still count when a partial response has shortened
the batch (as LocalStack's poller and captures of the real mapping have it), and what is thrown away is the whole rest.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aircraftops_data.testing import ManualClock
from sim_schedule import Schedule
from stream_world import RETENTION, Raw, Shard, StreamWorld, hash_of, key_in, made_at

Function = Callable[[dict[str, Any], "FunctionContext"], object]
NO_TIME = timedelta()
_BETWEEN = timedelta(seconds=1)
# How many sandboxes of a function are alive at the same time, at most.
_SANDBOXES = 2


class CrashError(BaseException):
    """The process is gone; no function of it catches this."""


class FunctionContext:
    """What Lambda hands to a function beside the event."""

    function_name = "stream"
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:stream"

    def __init__(self, clock: ManualClock, timeout: timedelta, number: int) -> None:
        self._clock = clock
        self.deadline = clock.now() + timeout
        self.aws_request_id = f"{number:032x}"

    def get_remaining_time_in_millis(self) -> int:
        """Until Lambda ends the function; 0 when that is past."""
        return max(0, (self.deadline - self._clock.now()) // timedelta(milliseconds=1))


def _everything(raw: Raw) -> bool:
    return True


@dataclass(frozen=True)
class MappingOptions:
    """The parameters of an event source mapping, by what they mean."""

    batch_size: int = 100
    window: timedelta = NO_TIME
    lanes: int = 1
    """The parallelisation factor: so many batches of a shard at the same time."""
    bisect: bool = False
    partial: bool = True
    """Whether it heeds batch item failures."""
    retries: int | None = None
    """None: until the records expire."""
    most_age: timedelta | None = None
    timeout: timedelta = timedelta(minutes=1)
    """The function's own."""
    wanted: Callable[[Raw], bool] = _everything
    """The filter criteria: what does not match is as good as handled."""


@dataclass(frozen=True)
class Discarded:
    """What the on-failure destination is told of."""

    records: tuple[Raw, ...]
    condition: str


@dataclass(frozen=True)
class Invocation:
    """One call of the function and what came of it: `answer` is what it returned, or the exception."""

    records: tuple[Raw, ...]
    answer: object
    failed: int | None
    """The place in the batch from which on it is tried again; None where all is well."""


@dataclass
class _Batch:
    records: list[Raw]
    tries: int = 0


@dataclass(eq=False)
class _Lane:
    """Some keys of a shard: what was read of them, and the batches that failed and are tried again, first."""

    backlog: deque[tuple[datetime, Raw]] = field(default_factory=deque[tuple[datetime, Raw]])
    again: deque[_Batch] = field(default_factory=deque[_Batch])
    past: list[Raw] = field(default_factory=list[Raw])
    """What was dealt with."""
    turn: int = 0
    """When it had its last turn."""

    @property
    def busy(self) -> bool:
        """Whether anything is left to do."""
        return bool(self.backlog or self.again)


@dataclass(eq=False)
class _Reading:
    """How far a shard was read, and its lanes."""

    shard: Shard
    lanes: list[_Lane]
    place: int = 0

    @property
    def done(self) -> bool:
        """Whether the shard is closed and everything in it was dealt with."""
        read = self.place >= len(self.shard.records)
        return self.shard.last is not None and read and not any(lane.busy for lane in self.lanes)


class LambdaMapping:
    """Runs a function over a stream. `deploy` makes the function of a new sandbox; what it remembers dies with it."""

    def __init__(
        self,
        world: StreamWorld,
        deploy: Callable[[], Function],
        options: MappingOptions = MappingOptions(),
        schedule: Schedule | None = None,
    ) -> None:
        self.world = world
        self.options = options
        self.invocations: list[Invocation] = []
        self.discarded: list[Discarded] = []
        self.repeated: Counter[str] = Counter()
        """How often a record, by its sequence number, was delivered again though all had been well."""
        self._deploy = deploy
        self._schedule = schedule or Schedule()
        self._sandboxes: list[Function] = []
        self._readings: dict[str, _Reading] = {}
        self._turns = 0

    def run(self, most: int = 10_000) -> None:
        """Invoke until there is nothing left to do, or so often."""
        for _ in range(most):
            if not self.step():
                return

    def step(self) -> bool:
        """Invoke once, or wait for a batching window if that is all there is to do; whether there was anything."""
        self._read()
        lanes = [lane for reading in self._readings.values() for lane in reading.lanes if lane.busy]
        if not lanes:
            return False
        due = sorted(
            (lane for lane in lanes if self._due_at(lane) <= self.world.clock.now()), key=lambda each: each.turn
        )
        if not due:
            self.world.clock.set(min(map(self._due_at, lanes)))
            return True
        # Lanes do not wait for each other; the one that has waited longest is next, when all goes plainly.
        lane = sorted(due, key=lambda each: each.turn)[self._schedule.choose(len(due))]
        self._turns += 1
        lane.turn = self._turns
        batch = self._without_old(self._next_batch(lane))
        if batch.records:
            self._after(lane, batch, self._invoke(batch.records))
        self.world.clock.advance(_BETWEEN)
        return True

    # Reading

    def _read(self) -> None:
        """Take in what is new, of the shards whose parents are done: parents come before children."""
        for shard in self.world.shards:
            if shard.id not in self._readings and self._may_begin(shard):
                self._readings[shard.id] = _Reading(shard, [_Lane() for _ in range(self.options.lanes)])
        for reading in self._readings.values():
            for raw in reading.shard.records[reading.place :]:
                if self.options.wanted(raw):
                    lane = reading.lanes[hash_of(key_in(raw)[0]) % self.options.lanes]
                    lane.backlog.append((self.world.clock.now(), raw))
            reading.place = len(reading.shard.records)

    def _may_begin(self, shard: Shard) -> bool:
        if shard.parent is None or self.world.shard(shard.parent) is None:
            return shard.parent not in self._readings or self._readings[shard.parent].done
        return shard.parent in self._readings and self._readings[shard.parent].done

    def _due_at(self, lane: _Lane) -> datetime:
        if lane.again or len(lane.backlog) >= self.options.batch_size:
            return self.world.clock.now()
        return lane.backlog[0][0] + self.options.window

    def _next_batch(self, lane: _Lane) -> _Batch:
        if lane.again:
            return lane.again.popleft()
        # A batch may have fewer records than could be had.
        size = min(len(lane.backlog), self.options.batch_size)
        if size > 1 and self._schedule.choose(2):
            size //= 2
        return _Batch([lane.backlog.popleft()[1] for _ in range(size)])

    def _without_old(self, batch: _Batch) -> _Batch:
        now, most = self.world.clock.now().timestamp(), min(self.options.most_age or RETENTION, RETENTION)
        old = [raw for raw in batch.records if now - made_at(raw) > most.total_seconds()]
        if old:
            self.discarded.append(Discarded(tuple(old), "RecordAgeExceeded"))
        return _Batch(batch.records[len(old) :], batch.tries)

    # Invoking

    def _invoke(self, records: Sequence[Raw]) -> int | None:
        """The place from which on the batch is tried again; None where it need not be."""
        context = FunctionContext(self.world.clock, self.options.timeout, len(self.invocations))
        function, answer, failed = self._sandbox(), None, 0
        try:
            answer = function({"Records": list(records)}, context)
            if context.get_remaining_time_in_millis() == 0:
                raise CrashError("Task timed out")
            with suppress(_MalformedError):
                failed = self._failed(answer, records)
        except CrashError as crash:
            self._sandboxes.remove(function)
            answer = crash
        except Exception as error:  # noqa: BLE001 - whatever a function raises is its failure
            answer = error
        self.invocations.append(Invocation(tuple(records), answer, failed))
        return failed

    def _sandbox(self) -> Function:
        """One that is warm, or a new one."""
        number = self._schedule.choose(_SANDBOXES) if self._sandboxes else 0
        if number >= len(self._sandboxes):
            self._sandboxes.append(self._deploy())
        return self._sandboxes[number]

    def _failed(self, answer: object, records: Sequence[Raw]) -> int | None:
        if not self.options.partial:
            return None
        named = [record["dynamodb"]["SequenceNumber"] for record in records]
        failed = failures_in(answer)
        if not set(failed) <= set(named):
            raise _MalformedError("An identifier is of no record of the batch")
        return min(map(named.index, failed), default=None)

    def _after(self, lane: _Lane, batch: _Batch, failed: int | None) -> None:
        """Put back what is tried again, in its order."""
        options, records = self.options, batch.records
        lane.past += records if failed is None else records[:failed]
        if failed is None:
            self._repeat(lane, len(records))
        elif options.bisect and len(records) > 1:
            middle = len(records) // 2
            parts = [records[failed:]] if failed else [records[:middle], records[middle:]]
            lane.again.extendleft(_Batch(part, batch.tries) for part in reversed(parts))
        elif options.retries is not None and batch.tries >= options.retries:
            self.discarded.append(Discarded(tuple(records[failed:]), "RetryAttemptsExhausted"))
        else:
            lane.again.appendleft(_Batch(records[failed:], batch.tries + 1))

    def _repeat(self, lane: _Lane, size: int) -> None:
        """At least once: now and then a batch comes again though all was well, or even what came before it too."""
        kind = self._schedule.choose(3)
        if kind:
            records = lane.past[-size:] if kind == 1 else lane.past[-self.options.batch_size :]
            self.repeated.update(raw["dynamodb"]["SequenceNumber"] for raw in records)
            lane.again.appendleft(_Batch(records))


class _MalformedError(Exception):
    """A response that says that the whole batch failed, or says nothing that is known."""


def failures_in(answer: object) -> list[str]:
    """The identifiers a response reports. Raises _MalformedError where it counts as the failure of the whole batch.

    Nothing at all, an empty response, and an empty list or none under batchItemFailures are a success.
    """
    if answer is None or answer == {}:
        return []
    if not isinstance(answer, Mapping):
        raise _MalformedError("The response is no object")
    reported = answer.get("batchItemFailures")
    if reported is None:
        return []
    if not isinstance(reported, list):
        raise _MalformedError("batchItemFailures is no list")
    found = [each.get("itemIdentifier") if isinstance(each, Mapping) else None for each in reported]
    if not all(isinstance(identifier, str) and identifier for identifier in found):
        raise _MalformedError("An identifier is empty, or named otherwise")
    return found
