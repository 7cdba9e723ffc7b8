"""The stream in memory does what DynamoDB Streams documents: shards, iterators, trimming, and pages of every kind."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from aircraftops_data.errors import StoreError, ThrottledError
from aircraftops_data.model.definition import Item
from aircraftops_data.request import Request, Response
from aircraftops_data.testing import ManualClock
from sim_schedule import Schedule
from stream_api import PAGE_BYTES, PAGE_RECORDS, StreamsApi
from stream_world import Shard, StreamWorld, hash_of, key_in, sequence_of

DAY = timedelta(hours=24)


def item(number: int, value: str = "a", **more: Any) -> Item:
    """An item, another for every number."""
    return {"PK": {"S": f"P#{number}"}, "SK": {"S": "S"}, "value": {"S": value}, **more}


@pytest.fixture
def clock() -> ManualClock:
    """It moves when told to."""
    return ManualClock()


@pytest.fixture
def world(clock: ManualClock) -> StreamWorld:
    """A table with one shard."""
    return StreamWorld(clock)


def asked(world: StreamWorld, operation: str, schedule: Schedule | None = None, **parameters: Any) -> Response:
    """What the engine answers."""
    return StreamsApi(world, schedule).send(Request(operation, parameters))


def described(world: StreamWorld, schedule: Schedule | None = None, **parameters: Any) -> dict[str, Any]:
    """The description of the stream."""
    found: dict[str, Any] = asked(world, "DescribeStream", schedule, StreamArn=world.arn, **parameters)
    return found["StreamDescription"]  # type: ignore[no-any-return]


def iterator(world: StreamWorld, shard: Shard, kind: str = "TRIM_HORIZON", **parameters: Any) -> str:
    """An iterator of a shard."""
    told = {"StreamArn": world.arn, "ShardId": shard.id, "ShardIteratorType": kind, **parameters}
    return str(asked(world, "GetShardIterator", **told)["ShardIterator"])


def numbers(answer: Response) -> list[str]:
    """Which records a page has, by their sequence numbers."""
    return [record["dynamodb"]["SequenceNumber"] for record in answer["Records"]]


def read(world: StreamWorld, begin: str | None) -> list[str]:
    """All records from an iterator on."""
    found: list[str] = []
    while begin is not None:
        answer = asked(world, "GetRecords", ShardIterator=begin)
        found += numbers(answer)
        begin = answer.get("NextShardIterator") if answer["Records"] else None
    return found


def code_of(refused: pytest.ExceptionInfo[StoreError]) -> str:
    """What DynamoDB calls its refusal."""
    return refused.value.code


# Records


def test_each_write_that_changes_an_item_leaves_one_record_with_both_images(world: StreamWorld) -> None:
    world.put(item(1))
    world.put(item(1))
    world.put(item(1, "b"))
    world.delete(("P#1", "S"))
    (shard,) = world.shards
    assert [raw["eventName"] for raw in shard.records] == ["INSERT", "MODIFY", "REMOVE"]
    images = [(raw["dynamodb"].get("OldImage"), raw["dynamodb"].get("NewImage")) for raw in shard.records]
    assert images == [(None, item(1)), (item(1), item(1, "b")), (item(1, "b"), None)]
    assert not world.items


@pytest.mark.parametrize(
    ("view", "shown"),
    [
        ("KEYS_ONLY", set()),
        ("OLD_IMAGE", {"OldImage"}),
        ("NEW_IMAGE", {"NewImage"}),
        ("NEW_AND_OLD_IMAGES", {"OldImage", "NewImage"}),
    ],
)
def test_the_view_says_which_images_are_shown(clock: ManualClock, view: str, shown: set[str]) -> None:
    world = StreamWorld(clock, view=view)
    world.put(item(1))
    world.put(item(1, "b"))
    (shard,) = world.shards
    assert {name for name in shard.records[1]["dynamodb"] if name.endswith("Image")} == shown


def test_sequence_numbers_rise_by_number_and_not_as_text(world: StreamWorld) -> None:
    for number in range(30):
        world.put(item(number))
    found = [raw["dynamodb"]["SequenceNumber"] for raw in world.shards[0].records]
    assert found == sorted(found, key=int)
    assert found != sorted(found)


def test_only_an_item_whose_time_has_passed_is_deleted_by_the_service(world: StreamWorld, clock: ManualClock) -> None:
    due = int(clock.now().timestamp()) + 60
    world.put(item(1, delete_at={"N": str(due)}))
    world.put(item(2))
    clock.advance(60)
    world.expire()
    assert list(world.items) == [("P#2", "S")]
    last = world.shards[0].records[-1]
    assert last["userIdentity"] == {"principalId": "dynamodb.amazonaws.com", "type": "Service"}


def test_the_keys_of_a_split_shard_are_shared_by_its_children(world: StreamWorld) -> None:
    (parent,) = world.shards
    world.split(parent)
    for number in range(20):
        world.put(item(number))
    _, *children = world.shards
    assert [child.parent for child in children] == [parent.id, parent.id]
    assert parent.last is not None
    assert parent.last < min(sequence_of(raw) for child in children for raw in child.records)
    for child in children:
        assert child.records
        assert all(hash_of(key_in(raw)[0]) in child.hashes for raw in child.records)


# Shards


def test_shards_come_in_pages_and_closed_ones_have_an_ending(world: StreamWorld) -> None:
    for _ in range(4):
        world.roll(world.open_shards[0])
    first = described(world, Limit=3)
    rest = described(world, Limit=3, ExclusiveStartShardId=first["LastEvaluatedShardId"])
    assert "LastEvaluatedShardId" not in rest
    found = {shard["ShardId"]: shard for shard in (*first["Shards"], *rest["Shards"])}
    assert set(found) == {shard.id for shard in world.shards}
    ended = ["EndingSequenceNumber" in found[shard.id]["SequenceNumberRange"] for shard in world.shards]
    assert ended == [True, True, True, True, False]


def test_shards_come_in_no_order_of_their_age(world: StreamWorld) -> None:
    for _ in range(6):
        world.roll(world.open_shards[0])
    assert [shard["ShardId"] for shard in described(world)["Shards"]] != [shard.id for shard in world.shards]


def test_children_may_be_listed_later_than_their_parent_is_closed(world: StreamWorld, clock: ManualClock) -> None:
    (parent,) = world.shards
    world.roll(parent)
    late = Schedule({1: 1})
    assert [shard["ShardId"] for shard in described(world, late)["Shards"]] == [parent.id]
    clock.advance(60)
    assert len(described(world, Schedule({1: 1}))["Shards"]) == 2


def test_a_shard_that_was_closed_a_day_ago_is_gone_and_still_named_as_a_parent(
    world: StreamWorld, clock: ManualClock
) -> None:
    (parent,) = world.shards
    world.roll(parent)
    clock.advance(DAY)
    world.trim()
    (child,) = described(world)["Shards"]
    assert child["ParentShardId"] == parent.id
    with pytest.raises(StoreError) as refused:
        iterator(world, parent)
    assert code_of(refused) == "ResourceNotFoundException"


# Iterators


def test_iterators_begin_where_they_are_told_to(world: StreamWorld) -> None:
    for number in range(4):
        world.put(item(number))
    (shard,) = world.shards
    found = [raw["dynamodb"]["SequenceNumber"] for raw in shard.records]
    assert read(world, iterator(world, shard)) == found
    assert read(world, iterator(world, shard, "AT_SEQUENCE_NUMBER", SequenceNumber=found[1])) == found[1:]
    assert read(world, iterator(world, shard, "AFTER_SEQUENCE_NUMBER", SequenceNumber=found[1])) == found[2:]
    latest = iterator(world, shard, "LATEST")
    assert read(world, latest) == []
    world.put(item(9))
    assert len(read(world, latest)) == 1


def test_an_iterator_is_good_for_less_than_15_minutes(world: StreamWorld, clock: ManualClock) -> None:
    begin = iterator(world, world.shards[0])
    clock.advance(14 * 60)
    begin = asked(world, "GetRecords", ShardIterator=begin)["NextShardIterator"]
    clock.advance(14 * 60)
    asked(world, "GetRecords", ShardIterator=begin)
    clock.advance(60)
    with pytest.raises(StoreError) as refused:
        asked(world, "GetRecords", ShardIterator=begin)
    assert code_of(refused) == "ExpiredIteratorException"


def test_what_is_older_than_a_day_is_trimmed(world: StreamWorld, clock: ManualClock) -> None:
    world.put(item(1))
    (shard,) = world.shards
    clock.advance(DAY - timedelta(minutes=1))
    begin = iterator(world, shard)
    world.put(item(2))
    clock.advance(60)
    world.trim()
    with pytest.raises(StoreError) as refused:
        asked(world, "GetRecords", ShardIterator=begin)
    assert code_of(refused) == "TrimmedDataAccessException"
    gone, kept = (raw["dynamodb"]["SequenceNumber"] for raw in shard.records)
    with pytest.raises(StoreError) as refused:
        iterator(world, shard, "AFTER_SEQUENCE_NUMBER", SequenceNumber=gone)
    assert code_of(refused) == "TrimmedDataAccessException"
    assert read(world, iterator(world, shard)) == [kept]


# Pages


def test_a_closed_shard_ends_and_an_open_one_goes_on(world: StreamWorld) -> None:
    (shard,) = world.shards
    world.put(item(1))
    begin = iterator(world, shard)
    assert "NextShardIterator" in asked(world, "GetRecords", ShardIterator=begin)
    world.roll(shard)
    assert "NextShardIterator" not in asked(world, "GetRecords", ShardIterator=begin)


def test_a_page_has_at_most_a_thousand_records_or_a_megabyte(world: StreamWorld) -> None:
    (shard,) = world.shards
    for number in range(PAGE_RECORDS + 1):
        world.put(item(number))
    begin = iterator(world, shard)
    assert len(numbers(asked(world, "GetRecords", ShardIterator=begin))) == PAGE_RECORDS
    assert len(numbers(asked(world, "GetRecords", ShardIterator=begin, Limit=2))) == 2
    begin = iterator(world, shard, "LATEST")
    for number in range(3):
        world.put(item(number, "x" * (PAGE_BYTES // 2)))
    assert len(numbers(asked(world, "GetRecords", ShardIterator=begin))) == 1
    assert len(read(world, begin)) == 3


def test_a_page_may_be_empty_short_or_delivered_again_and_nothing_is_lost_by_it(world: StreamWorld) -> None:
    for number in range(4):
        world.put(item(number))
    (shard,) = world.shards
    found = [raw["dynamodb"]["SequenceNumber"] for raw in shard.records]
    expected = {1: [], 2: found[:2], 3: found}
    for kind, page in expected.items():
        answer = asked(world, "GetRecords", Schedule({1: kind}), ShardIterator=iterator(world, shard))
        assert numbers(answer) == page
        follows = read(world, answer["NextShardIterator"])
        assert follows == (found if kind == 3 else found[len(page) :])


def test_a_request_may_be_throttled_or_meet_an_error_of_the_server(world: StreamWorld) -> None:
    with pytest.raises(ThrottledError):
        described(world, Schedule({0: 1}))
    with pytest.raises(StoreError) as refused:
        described(world, Schedule({0: 2}))
    assert refused.value.retryable


def test_a_stream_that_is_not_there_is_not_found(world: StreamWorld) -> None:
    assert asked(world, "ListStreams", TableName="Other")["Streams"] == []
    (found,) = asked(world, "ListStreams", TableName=world.table)["Streams"]
    assert found["StreamArn"] == world.arn
    with pytest.raises(StoreError) as refused:
        asked(world, "DescribeStream", StreamArn="arn:aws:dynamodb:::other")
    assert code_of(refused) == "ResourceNotFoundException"
