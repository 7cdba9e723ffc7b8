"""The event source mapping in virtual time does what AWS documents of Lambda's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from aircraftops_data.testing import ManualClock
from lambda_mapping import CrashError, Function, FunctionContext, LambdaMapping, MappingOptions
from sim_schedule import Schedule
from stream_world import Raw, StreamWorld, hash_of, key_in, sequence_of

SECOND = timedelta(seconds=1)


class Told:
    """A function that answers as it is told, one answer for each call, and all is well behind the last."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.batches: list[list[int]] = []

    def __call__(self, event: dict[str, Any], context: FunctionContext) -> object:
        """Answer, or raise what the answer is."""
        self.batches.append([number_of(raw) for raw in event["Records"]])
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, BaseException):
            raise answer
        return answer


def number_of(raw: Raw) -> int:
    """The number of the item a record is of."""
    return int(key_in(raw)[0].removeprefix("P#"))


def world_of(count: int) -> StreamWorld:
    """A stream with so many records, of as many items."""
    world = StreamWorld(ManualClock())
    write(world, range(count))
    return world


def write(world: StreamWorld, numbers: Sequence[int], value: str = "a") -> None:
    """Have items written."""
    for number in numbers:
        world.put({"PK": {"S": f"P#{number}"}, "SK": {"S": "S"}, "value": {"S": value}})


def at(world: StreamWorld, *places: int) -> dict[str, Any]:
    """A response that reports the records at these places of the first shard."""
    records = [world.shards[0].records[place] for place in places]
    return {"batchItemFailures": [{"itemIdentifier": raw["dynamodb"]["SequenceNumber"]} for raw in records]}


def run(world: StreamWorld, told: Function, **options: Any) -> LambdaMapping:
    """A mapping that has nothing left to do."""
    mapping = LambdaMapping(world, lambda: told, MappingOptions(**options))
    mapping.run()
    return mapping


def discarded(mapping: LambdaMapping) -> list[tuple[list[int], str]]:
    """What was thrown away, and why."""
    return [([number_of(raw) for raw in each.records], each.condition) for each in mapping.discarded]


SUCCESSES: dict[str, object] = {
    "nothing": None,
    "an empty response": {},
    "an empty list": {"batchItemFailures": []},
    "no list": {"batchItemFailures": None},
}
FAILURES: dict[str, object] = {
    "an empty identifier": {"batchItemFailures": [{"itemIdentifier": ""}]},
    "no identifier": {"batchItemFailures": [{"itemIdentifier": None}]},
    "a wrong name": {"batchItemFailures": [{"item": "1"}]},
    "an unknown identifier": {"batchItemFailures": [{"itemIdentifier": "1"}]},
    "a number": {"batchItemFailures": [{"itemIdentifier": 1}]},
    "no object": "done",
    "an exception": ValueError("no"),
    "a crash": CrashError("no"),
}


@pytest.mark.parametrize("answer", SUCCESSES.values(), ids=list(SUCCESSES))
def test_these_responses_are_a_success(answer: object) -> None:
    told = Told(answer)
    run(world_of(3), told)
    assert told.batches == [[0, 1, 2]]


@pytest.mark.parametrize("answer", FAILURES.values(), ids=list(FAILURES))
def test_these_responses_are_the_failure_of_the_whole_batch(answer: object) -> None:
    told = Told(answer)
    run(world_of(3), told)
    assert told.batches == [[0, 1, 2], [0, 1, 2]]


def test_the_batch_goes_on_from_the_lowest_record_reported() -> None:
    world = world_of(5)
    told = Told(at(world, 3, 1, 4), at(world, 2))
    run(world, told)
    assert told.batches == [[0, 1, 2, 3, 4], [1, 2, 3, 4], [2, 3, 4]]


def test_what_is_reported_is_not_heeded_unless_the_mapping_says_so() -> None:
    world = world_of(2)
    told = Told(at(world, 0))
    run(world, told, partial=False)
    assert told.batches == [[0, 1]]


def test_batches_have_at_most_their_size_and_no_shard_goes_on_behind_a_failed_one() -> None:
    told = Told(None, ValueError("no"))
    run(world_of(5), told, batch_size=2)
    assert told.batches == [[0, 1], [2, 3], [2, 3], [4]]


def test_a_batch_is_gathered_for_as_long_as_the_window() -> None:
    world, told = world_of(1), Told()
    mapping = LambdaMapping(world, lambda: told, MappingOptions(batch_size=3, window=10 * SECOND))
    mapping._read()  # pyright: ignore[reportPrivateUsage]
    write(world, [1])
    mapping.run()
    assert told.batches == [[0, 1]]
    write(world, [2, 3, 4, 5])
    mapping.step()
    assert told.batches == [[0, 1], [2, 3, 4]]


# Bisection, tries, age


def test_a_failed_batch_is_split_in_two_until_one_record_is_left() -> None:
    error = ValueError("no")
    told = Told(error, error, error, None, None)
    run(world_of(4), told, bisect=True)
    assert told.batches == [[0, 1, 2, 3], [0, 1], [0], [0], [1], [2, 3]]


def test_with_a_partial_response_a_batch_is_split_at_the_record_reported() -> None:
    world = world_of(4)
    told = Told(at(world, 2), at(world, 2), at(world, 2), None)
    run(world, told, bisect=True)
    assert told.batches == [[0, 1, 2, 3], [2, 3], [2], [2], [3]]


def test_tries_are_counted_and_what_is_left_of_the_batch_is_thrown_away() -> None:
    world = world_of(4)
    told = Told(at(world, 1), at(world, 1))
    mapping = run(world, told, retries=1, batch_size=3)
    assert told.batches == [[0, 1, 2], [1, 2], [3]]
    assert discarded(mapping) == [([1, 2], "RetryAttemptsExhausted")]


def test_splitting_does_not_count_as_a_try() -> None:
    error = ValueError("no")
    told = Told(*[error] * 4)
    mapping = run(world_of(4), told, retries=1, bisect=True)
    assert told.batches == [[0, 1, 2, 3], [0, 1], [0], [0], [1], [2, 3]]
    assert discarded(mapping) == [([0], "RetryAttemptsExhausted")]


def test_without_a_limit_a_batch_is_tried_until_its_records_expire() -> None:
    world = world_of(2)
    told = Told(*[ValueError("no")] * 200_000)
    mapping = LambdaMapping(world, lambda: told)
    for _ in range(48):
        mapping.step()
        world.clock.advance(timedelta(minutes=30))
    write(world, [2])
    told.answers = []
    mapping.run()
    assert discarded(mapping) == [([0, 1], "RecordAgeExceeded")]
    assert told.batches[-1] == [2]


def test_records_over_the_maximum_age_are_thrown_away() -> None:
    world, told = world_of(1), Told()
    world.clock.advance(61)
    write(world, [1])
    mapping = run(world, told, most_age=timedelta(minutes=1))
    assert told.batches == [[1]]
    assert discarded(mapping) == [([0], "RecordAgeExceeded")]


def test_what_the_filter_does_not_want_is_as_good_as_handled() -> None:
    told = Told()
    run(world_of(5), told, wanted=lambda raw: number_of(raw) % 2 == 0, batch_size=2)
    assert told.batches == [[0, 2], [4]]


# Shards and lanes


def test_a_parent_is_done_before_its_children_begin() -> None:
    world, told = world_of(2), Told(ValueError("no"), ValueError("no"))
    world.split(world.open_shards[0])
    write(world, range(8), "b")
    run(world, told)
    assert told.batches[:3] == [[0, 1]] * 3
    assert sorted(number for batch in told.batches[3:] for number in batch) == list(range(8))


def test_a_lane_that_fails_does_not_keep_others_waiting_and_keys_keep_to_theirs() -> None:
    world = world_of(12)
    lanes = {number: hash_of(f"P#{number}") % 3 for number in range(12)}
    fails = {"times": 5}

    def function(event: dict[str, Any], context: FunctionContext) -> object:
        found = {lanes[number_of(raw)] for raw in event["Records"]}
        assert len(found) == 1
        if found == {lanes[0]} and fails["times"]:
            fails["times"] -= 1
            raise ValueError("no")
        return None

    mapping = LambdaMapping(world, lambda: function, MappingOptions(lanes=3))
    mapping.run()
    handled = [raw for each in mapping.invocations if each.failed is None for raw in each.records]
    slow = [lanes[number_of(raw)] == lanes[0] for raw in handled]
    assert slow == sorted(slow)
    assert sorted(map(number_of, handled)) == list(range(12))
    for lane in range(3):
        sequences = [sequence_of(raw) for raw in handled if lanes[number_of(raw)] == lane]
        assert sequences == sorted(sequences)


# Functions


def test_a_function_knows_how_long_it_has_and_fails_when_that_is_over() -> None:
    world, left = world_of(1), [30, 70]
    seen: list[int] = []

    def function(event: dict[str, Any], context: FunctionContext) -> object:
        world.clock.advance(left.pop())
        seen.append(context.get_remaining_time_in_millis())
        return None

    mapping = LambdaMapping(world, lambda: function, MappingOptions(timeout=60 * SECOND))
    mapping.run()
    assert seen == [0, 30_000]
    assert [each.failed for each in mapping.invocations] == [0, None]


def test_a_sandbox_that_crashed_is_made_anew_and_one_that_failed_is_not() -> None:
    world, made = world_of(1), [Told(ValueError("no"), CrashError("no")), Told(None)]
    deployed = list(made)
    mapping = LambdaMapping(world, lambda: deployed.pop(0))
    mapping.run()
    assert [told.batches for told in made] == [[[0], [0]], [[0]]]


def test_a_batch_may_come_again_though_all_was_well() -> None:
    # The questions: lane, size of the batch, what comes again.
    world, told = world_of(2), Told()
    mapping = LambdaMapping(world, lambda: told, schedule=Schedule({2: 1}))
    mapping.run()
    assert told.batches == [[0, 1], [0, 1]]
    assert list(mapping.repeated.values()) == [1, 1]
