"""Pollers on a stream in memory: what they read and in which order, checkpoints, leases, shares, gaps."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest

from aircraftops_data.clock import Retry
from aircraftops_data.errors import (
    ConditionFailedError,
    InvalidInputError,
    LockLostError,
    NotFoundError,
    TableMissingError,
)
from aircraftops_data.request import Request
from aircraftops_data.streams.polling.gaps import acknowledge, gaps
from aircraftops_data.streams.polling.poller import Drained, Poller, PollerOptions
from aircraftops_data.streams.polling.state import Group, Origin, StreamStart
from aircraftops_data.streams.polling.work import ShardWork, Step
from polling import NAME, Scene, refusing, told

LEASE = timedelta(seconds=30)
DAY = timedelta(days=1, minutes=1)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def only_work(poller: Poller) -> ShardWork:
    (work,) = poller.look()
    return work


# Reading


def test_all_there_is_is_read_and_written_down(scene: Scene) -> None:
    scene.fill("a", 1, 2, 3)
    report = scene.poller().drain()
    assert report == Drained(shards=1, records=3)
    assert scene.taker.of("a") == [1, 2, 3]
    (shard,) = scene.world.shards
    state = scene.state(shard)
    assert state.place == int(shard.records[-1]["dynamodb"]["SequenceNumber"])
    assert (state.ended, state.token) == (False, 1)


def test_another_poller_goes_on_where_the_first_ended(scene: Scene) -> None:
    scene.fill("a", 1, 2)
    scene.poller().drain()
    scene.fill("a", 3)
    assert scene.poller().drain().records == 1
    assert scene.taker.of("a") == [1, 2, 3]


def test_parents_are_read_before_their_children_and_ends_are_written_down(scene: Scene) -> None:
    (first,) = scene.world.shards
    scene.fill("a", 1)
    scene.world.split(first)
    scene.fill("a", 2)
    for shard in scene.world.open_shards:
        scene.world.roll(shard)
    scene.fill("a", 3)
    report = scene.poller().drain()
    assert (report.shards, report.ended, report.records) == (5, 3, 3)
    assert scene.taker.of("a") == [1, 2, 3]
    assert {name for name, state in scene.states().items() if state.ended} == {
        shard.id for shard in scene.world.shards if shard.last is not None
    }


def test_children_come_from_their_oldest_record_wherever_their_group_began(scene: Scene) -> None:
    scene.fill("a", 1)
    poller = scene.poller(origin=Origin.LATEST)
    poller.drain()
    scene.world.roll(scene.world.open_shards[0])
    scene.fill("a", 2)
    poller.drain()
    assert scene.taker.of("a") == [2]


def test_a_page_of_records_is_as_large_as_the_options_say(scene: Scene) -> None:
    scene.fill("a", *range(1, 8))
    batches: list[int] = []
    scene.taker.then = lambda: batches.append(len(scene.taker.given))
    scene.poller(limit=3).drain()
    assert batches == [0, 3, 6]


def test_a_table_without_a_stream_is_refused(scene: Scene) -> None:
    scene.streams.planned["ListStreams"] = lambda: {"Streams": []}
    with pytest.raises(InvalidInputError, match="has no stream"):
        scene.poller().drain()


@pytest.mark.parametrize(
    "wrong", [{"limit": 0}, {"limit": 1001}, {"concurrency": 0}, {"quiet": 0}, {"lease": timedelta()}], ids=str
)
def test_options_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        PollerOptions(**wrong)


# Beginning with what is latest


def test_the_latest_is_what_came_after_the_group_began_whenever_it_is_read(scene: Scene) -> None:
    scene.fill("a", 1)
    scene.poller(origin=Origin.LATEST).look()[0].leave()
    scene.fill("a", 2)
    scene.clock.advance(60)
    scene.poller(origin=Origin.TRIM_HORIZON).drain()
    assert scene.taker.of("a") == [2]


def test_the_latest_is_not_lost_when_nobody_read_for_longer_than_iterators_live(scene: Scene) -> None:
    scene.fill("a", 1)
    scene.clock.advance(timedelta(hours=1))
    scene.poller(origin=Origin.LATEST).look()[0].leave()
    scene.clock.advance(60)
    scene.fill("a", 2)
    scene.clock.advance(timedelta(hours=1))
    scene.poller(origin=Origin.LATEST).drain()
    assert scene.taker.of("a") == [2]


def test_with_what_is_latest_shards_closed_by_then_are_not_read(scene: Scene) -> None:
    scene.fill("a", 1)
    scene.world.roll(scene.world.open_shards[0])
    scene.fill("a", 2)
    poller = scene.poller(origin=Origin.LATEST)
    assert poller.drain().shards == 1
    scene.fill("a", 3)
    poller.drain()
    assert scene.taker.of("a") == [3]


# Records that fail


def test_what_was_done_before_a_record_that_fails_is_written_down_and_nothing_behind_it_is_done(scene: Scene) -> None:
    scene.fill("a", 1, 2, 3)
    scene.taker.fails = lambda record: told(record) == ("a", 2)
    work = only_work(scene.poller())
    assert work.step() is Step.FAILED
    assert scene.taker.of("a") == [1]
    assert work.state.place == int(scene.world.shards[0].records[0]["dynamodb"]["SequenceNumber"])
    assert work.step() is Step.FAILED
    assert (scene.taker.of("a"), work.failures) == ([1], 2)
    scene.taker.fails = lambda record: False
    assert work.step() is Step.READ
    assert scene.taker.of("a") == [1, 2, 3]


def test_draining_tries_again_and_then_raises_what_the_record_failed_with(scene: Scene) -> None:
    scene.fill("a", 1)
    scene.taker.fails = lambda record: True
    with pytest.raises(ArithmeticError):
        scene.poller(retry=Retry(attempts=4)).drain()
    assert len(scene.clock.slept) == 3
    scene.taker.fails = lambda record: False
    scene.poller().drain()
    assert scene.taker.of("a") == [1]


# Leases


def test_a_shard_in_hand_is_nobody_elses(scene: Scene) -> None:
    scene.fill("a", 1)
    one, other = scene.poller(), scene.poller()
    work = only_work(one)
    assert other.look() == []
    assert other.drain().shards == 0
    work.leave()
    assert [found.shard for found in other.look()] == [work.shard]


def test_a_dead_pollers_shard_is_followed_after_its_lease(scene: Scene) -> None:
    scene.fill("a", 1)
    only_work(scene.poller())
    other = scene.poller()
    assert other.look() == []
    scene.clock.advance(LEASE + timedelta(seconds=2))
    assert only_work(other).step() is Step.READ


def test_a_late_holder_finds_out_before_it_takes_anything(scene: Scene) -> None:
    scene.fill("a", 1)
    work = only_work(scene.poller())
    scene.clock.advance(LEASE)
    with pytest.raises(LockLostError):
        work.step()
    assert scene.taker.given == []


def test_a_late_holder_moves_no_checkpoint_once_another_has_the_shard(scene: Scene) -> None:
    scene.fill("a", 1, 2)
    late, other = only_work(scene.poller(limit=1)), scene.poller(limit=1)
    other.look()
    scene.clock.advance(LEASE + timedelta(seconds=2))
    (other_work,) = other.look()
    group = Group(scene.core, NAME)
    with pytest.raises(ConditionFailedError):
        group.advance(late.state, late._lock, 10**20, None)
    assert other_work.step() is Step.READ
    with pytest.raises(ConditionFailedError):
        group.end(late.state, late._lock, kept=True)
    with pytest.raises(ConditionFailedError):
        group.note_gap(late.state, late._lock)


def test_one_holders_checkpoints_never_go_back_in_whatever_order_they_arrive(scene: Scene) -> None:
    scene.fill("a", 1, 2)
    work = only_work(scene.poller())
    before = work.state
    work.step()
    first = int(scene.world.shards[0].records[0]["dynamodb"]["SequenceNumber"])
    group = Group(scene.core, NAME)
    with pytest.raises(ConditionFailedError):
        group.advance(before, work._lock, first, None)
    assert group.advance(before, work._lock, work.state.place or 0, None).place == work.state.place


def test_a_checkpoint_whose_outcome_is_unknown_is_written_again_before_anything_else(scene: Scene) -> None:
    scene.fill("a", 1)
    work = only_work(scene.poller())

    def missing(*_: Any) -> Any:
        raise TableMissingError("gone", code="ResourceNotFoundException")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Group, "advance", missing)
        with pytest.raises(TableMissingError):
            work.step()
    assert work.step() is Step.QUIET
    assert scene.taker.of("a") == [1]
    assert scene.state(scene.world.shards[0]).checkpoint is not None


# Shares


def test_pollers_share_the_shards_and_one_with_too_many_gives_one_back() -> None:
    scene = Scene(shards=4)
    one, other = scene.poller(), scene.poller()
    assert len(one.look()) == 4
    assert other.look() == []
    one.look()
    giving = [work for work in one.works.values() if work.leaving]
    assert len(giving) == 1
    one._leave(giving[0])
    assert [work.shard for work in other.look()] == [giving[0].shard]
    one.look()
    (second,) = [work for work in one.works.values() if work.leaving]
    one._leave(second)
    assert len(other.look()) == 1
    one.look()
    assert not any(work.leaving for poller in (one, other) for work in poller.works.values())


def test_a_poller_that_is_full_leaves_the_rest_to_others() -> None:
    scene = Scene(shards=5)
    small, large = scene.poller(concurrency=1), scene.poller()
    assert len(small.look()) == 1
    assert len(large.look()) == 4
    small.look()
    large.look()
    assert not any(work.leaving for work in large.works.values())


def test_who_says_no_more_has_no_share_after_a_while() -> None:
    scene = Scene(shards=2)
    gone, left = scene.poller(), scene.poller()
    for work in gone.look():
        work.leave()
    assert len(left.look()) == 1
    scene.clock.advance(timedelta(minutes=1))
    assert len(left.look()) == 1


# Gaps


def read_then_fall_behind(scene: Scene) -> None:
    """One record is read; then nobody reads for over a day, in which others come and the oldest go."""
    scene.fill("a", 1)
    scene.poller().drain()
    scene.fill("a", 2)
    scene.clock.advance(DAY)
    scene.fill("a", 3)
    scene.world.trim()


def test_trimmed_records_are_a_gap_and_nothing_is_read_until_it_is_acknowledged(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    read_then_fall_behind(scene)
    with caplog.at_level(logging.ERROR):
        report = scene.poller().drain()
    assert "stands until that is acknowledged" in caplog.text
    (gap,) = report.gaps
    assert [each.shard for each in gaps(scene.core, NAME)] == [gap.shard]
    assert gap.gap is not None
    assert gap.gap.after == gap.checkpoint
    assert scene.poller().drain().gaps == (gap,)
    assert scene.taker.of("a") == [1]


def test_an_acknowledged_gap_is_read_on_from_what_is_left(scene: Scene) -> None:
    read_then_fall_behind(scene)
    (gap,) = scene.poller().drain().gaps
    known = acknowledge(scene.core, NAME, gap.shard, by="operator")
    assert known.gap is not None
    assert (known.gap.acknowledged_by, known.gap.acknowledged_at) == ("operator", scene.clock.now())
    assert scene.poller().drain() == Drained(shards=1, records=1)
    assert scene.taker.of("a") == [1, 3]
    scene.fill("a", 4)
    scene.poller().drain()
    assert scene.taker.of("a") == [1, 3, 4]


def test_an_acknowledged_gap_stays_known_while_nothing_is_left_to_read(scene: Scene) -> None:
    scene.fill("a", 1)
    scene.poller().drain()
    scene.clock.advance(DAY)
    scene.world.trim()
    (gap,) = scene.poller().drain().gaps
    acknowledge(scene.core, NAME, gap.shard, by="operator")
    for _ in range(2):
        assert scene.poller().drain().gaps == ()


def test_children_wait_for_a_gap_and_other_shards_flow() -> None:
    scene = Scene(shards=2)
    names = {shard.id: next(n for n in "abcdefgh" if home(scene, n) is shard) for shard in scene.world.shards}
    one, other = scene.world.shards
    scene.fill(names[one.id], 1)
    scene.poller().drain()
    scene.fill(names[one.id], 2)
    scene.clock.advance(DAY)
    scene.world.roll(one)
    scene.world.trim()
    scene.fill(names[one.id], 3)
    scene.fill(names[other.id], 7)
    (gap,) = scene.poller().drain().gaps
    assert gap.shard == one.id
    assert (scene.taker.of(names[one.id]), scene.taker.of(names[other.id])) == ([1], [7])
    acknowledge(scene.core, NAME, one.id, by="operator")
    scene.poller().drain()
    assert scene.taker.of(names[one.id]) == [1, 3]


def home(scene: Scene, name: str) -> Any:
    from stream_world import hash_of

    return next(shard for shard in scene.world.shards if hash_of(f"POLLED_TANK#{name}") in shard.hashes)


def test_a_shard_that_is_gone_before_it_was_read_to_its_end_is_a_gap(scene: Scene) -> None:
    scene.fill("a", 1)
    scene.poller().drain()
    (shard,) = scene.world.shards
    scene.fill("a", 2)
    scene.world.roll(shard)
    scene.clock.advance(DAY)
    scene.world.trim()
    scene.fill("a", 3)
    (gap,) = scene.poller().drain().gaps
    assert gap.shard == shard.id
    assert scene.taker.of("a") == [1]
    acknowledge(scene.core, NAME, shard.id, by="operator")
    assert scene.poller().drain() == Drained(shards=2, ended=1, records=1)
    assert scene.taker.of("a") == [1, 3]


def test_a_shard_that_came_and_went_unread_is_a_gap(scene: Scene) -> None:
    """Its parent was read to the end, its child is there: only the lineage tells of what was between."""
    scene.fill("a", 1)
    (first,) = scene.world.shards
    scene.world.roll(first)
    scene.fill("a", 2)
    work = only_work(scene.poller())
    assert [work.step() for _ in range(2)] == [Step.READ, Step.OVER]
    work.leave()
    (between,) = scene.world.open_shards
    scene.world.roll(between)
    scene.clock.advance(DAY)
    scene.world.trim()
    scene.fill("a", 3)
    (gap,) = scene.poller().drain().gaps
    assert gap.shard == between.id
    assert scene.taker.of("a") == [1]


def test_a_shard_whose_first_records_went_before_it_was_begun_is_a_gap(scene: Scene) -> None:
    scene.fill("a", 1)
    work = only_work(scene.poller())
    scene.world.roll(scene.world.shards[0])
    assert [work.step() for _ in range(2)] == [Step.READ, Step.OVER]
    work.leave()
    scene.fill("a", 2)
    scene.clock.advance(DAY)
    scene.fill("a", 3)
    scene.world.trim()
    (gap,) = scene.poller().drain().gaps
    assert gap.shard == scene.world.open_shards[0].id
    acknowledge(scene.core, NAME, gap.shard, by="operator")
    scene.poller().drain()
    assert scene.taker.of("a") == [1, 3]


def test_what_was_gone_when_the_group_began_is_no_gap(scene: Scene) -> None:
    scene.fill("a", 1)
    scene.world.roll(scene.world.shards[0])
    scene.clock.advance(DAY)
    scene.world.trim()
    scene.fill("a", 2)
    assert scene.poller().drain() == Drained(shards=1, records=1)


def test_what_goes_after_the_group_began_and_before_anybody_read_is_a_gap(scene: Scene) -> None:
    scene.fill("a", 1)
    for work in scene.poller().look():
        work.leave()
    scene.clock.advance(DAY)
    scene.fill("a", 2)
    scene.world.trim()
    (gap,) = scene.poller().drain().gaps
    assert gap.gap is not None
    assert gap.gap.after is None
    acknowledge(scene.core, NAME, gap.shard, by="operator")
    scene.poller().drain()
    assert scene.taker.of("a") == [2]


def test_a_shard_trimmed_in_part_when_the_group_began_is_read_from_what_is_left(scene: Scene) -> None:
    scene.fill("a", 1)
    scene.clock.advance(DAY)
    scene.fill("a", 2)
    scene.world.trim()
    assert scene.poller().drain() == Drained(shards=1, records=1)
    assert scene.taker.of("a") == [2]


def test_a_listing_that_leaves_a_shard_out_for_a_while_changes_nothing(scene: Scene) -> None:
    scene.fill("a", 1)
    (parent,) = scene.world.shards
    scene.world.roll(parent)
    scene.fill("a", 2)
    poller = scene.poller()
    # The second listing of the first look knows nothing of the child.

    def listed() -> Any:
        scene.streams.planned["DescribeStream"] = lambda: {"StreamDescription": {"Shards": []}}
        return scene.api.send(Request("DescribeStream", {"StreamArn": scene.world.arn}))

    scene.streams.planned["DescribeStream"] = listed
    (work,) = poller.look()
    assert work.shard.id == parent.id


def test_a_gap_that_does_not_stand_is_not_acknowledged(scene: Scene) -> None:
    scene.fill("a", 1)
    scene.poller().drain()
    with pytest.raises(NotFoundError, match="No gap stands"):
        acknowledge(scene.core, NAME, scene.world.shards[0].id, by="operator")


# What is kept


def test_the_ends_of_shards_are_forgotten_after_some_days_but_for_those_of_the_beginning(scene: Scene) -> None:
    first = scene.world.shards[0]
    scene.world.roll(first)
    poller = scene.poller()
    poller.drain()
    second = scene.world.open_shards[0]
    # Only the first shard was closed when the group began.
    scene.world.roll(second)
    third = scene.world.open_shards[0]
    poller.drain()
    scene.world.roll(third)
    poller.drain()
    ended = {name for name, state in scene.states().items() if state.ended}
    assert ended == {first.id, second.id, third.id}
    assert scene.state(first).expires_at is None
    assert scene.state(third).expires_at == scene.clock.now() + timedelta(days=3)


def test_another_stream_of_the_table_is_read_from_its_beginning_once_the_first_is_read(scene: Scene) -> None:
    scene.fill("a", 1)
    scene.poller(origin=Origin.LATEST).drain()
    scene.fill("a", 2)
    scene.world._close(scene.world.shards[0])
    poller = scene.poller(origin=Origin.LATEST)
    poller.drain()
    first_arn = scene.world.arn
    scene.clock.advance(60)
    other = type(scene.world)(scene.clock, scene.world.table)
    both = [{"StreamArn": arn, "StreamLabel": arn.rpartition("/")[2]} for arn in (other.arn, first_arn)]
    scene.api._world = other
    scene.world = other
    scene.fill("a", 3)
    scene.streams.planned["ListStreams"] = lambda: {"Streams": both}
    scene.streams.planned["DescribeStream"] = lambda: {"StreamDescription": {"Shards": []}}
    (work,) = poller.look()
    assert work.step() is Step.READ
    assert scene.taker.of("a") == [2, 3]
    starts = {start.arn: start for start in scene.core.query(StreamStart.primary(name=NAME)).all()}
    assert starts[other.arn].initial == {}


def test_an_unexpected_refusal_is_raised_and_the_shard_given_back(scene: Scene) -> None:
    scene.fill("a", 1)
    scene.streams.planned["GetRecords"] = refusing("AccessDenied")
    with pytest.raises(Exception, match="AccessDenied"):
        scene.poller().drain()
    assert scene.poller().drain().records == 1


def test_the_lag_is_the_age_of_the_last_record_dealt_with_until_there_is_nothing_behind_it(scene: Scene) -> None:
    poller = scene.poller(limit=1)
    scene.fill("a", 1, 2)
    scene.clock.advance(40)
    assert poller.lag == timedelta()
    scene.clock.advance(2)
    work = only_work(poller)
    work.step()
    assert poller.lag == timedelta(seconds=42)
    work.step()
    work.step()
    assert poller.lag == timedelta()
