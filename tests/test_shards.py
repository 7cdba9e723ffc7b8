"""Which shards of a stream may be read, given what is known of them; how streams and shards are listed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from aircraftops_data.request import Plan, Request
from aircraftops_data.streams.polling.reading import latest_of
from aircraftops_data.streams.polling.shards import Lineage, Shard, Stream, shards_of, streams_of

P, C, D, G = Shard("p", last=9), Shard("c", "p"), Shard("d", "p"), Shard("g", "c")


def readable(
    listed: Iterable[Shard],
    begun: Iterable[Shard] = (),
    ended: Collection[str] = (),
    initial: str = "",
    skipped: Collection[str] = (),
) -> list[str]:
    return [shard.id for shard in Lineage(list(listed), list(begun), ended, those(initial), skipped).readable()]


def those(names: str) -> list[Shard]:
    return [shard for shard in (P, C, D, G) if shard.id in names]


def test_a_parent_is_read_before_its_children() -> None:
    assert readable([C, P, D], initial="pcd") == ["p"]
    assert readable([C, P, D], [P], "p", initial="pcd") == ["c", "d"]
    assert readable([C, P, D, G], [P, C, D], "pc", initial="p") == ["d", "g"]


def test_what_was_read_to_its_end_is_not_read_again() -> None:
    assert readable([P], [P], "p") == []
    assert Lineage([P], [P], "p").over
    assert not Lineage([P, C], [P], "p").over


def test_a_parent_that_was_gone_at_the_beginning_is_waited_for_by_nobody() -> None:
    assert readable([C, G], initial="cg") == ["c"]


def test_an_unread_shard_that_is_listed_no_more_is_still_to_be_read_before_its_children() -> None:
    assert readable([C], [P], initial="p") == ["p"]
    assert readable([C], initial="p") == ["p"]


def test_a_shard_that_a_later_listing_leaves_out_still_waits_for_its_parent() -> None:
    assert readable([P], initial="pc") == ["p"]
    assert readable([], [P], initial="pcd") == ["p"]


def test_a_parent_nobody_began_that_is_listed_no_more_is_found_by_its_child() -> None:
    assert readable([G], [P], "p", initial="p") == ["c"]


def test_a_child_that_was_begun_asks_no_more_for_its_parent() -> None:
    assert readable([G], [G], (), initial="p", skipped="p") == ["g"]


def test_with_what_is_latest_closed_shards_are_not_read_but_the_children_of_open_ones_are() -> None:
    assert readable([P, C], initial="pc", skipped="p") == ["c"]
    assert readable([P, C, G], [C], "c", initial="pc", skipped="p") == ["g"]


# Listing


def answered(plan: Plan[Any], *answers: dict[str, Any]) -> tuple[list[Request], Any]:
    """What a plan asks when it is answered so, and what it comes to."""
    asked = [next(plan)]
    for answer in answers:
        try:
            asked.append(plan.send(answer))
        except StopIteration as ended:
            return asked, ended.value  # type: ignore[return-value]
    raise AssertionError("it asks for more")


def test_shards_are_listed_page_by_page() -> None:
    first = {"Shards": [{"ShardId": "a"}], "LastEvaluatedShardId": "a"}
    numbers = {"StartingSequenceNumber": "000012", "EndingSequenceNumber": "34"}
    second = {"Shards": [{"ShardId": "b", "ParentShardId": "a", "SequenceNumberRange": numbers}]}
    asked, found = answered(shards_of("arn"), {"StreamDescription": first}, {"StreamDescription": second})
    assert asked == [
        Request("DescribeStream", {"StreamArn": "arn"}),
        Request("DescribeStream", {"StreamArn": "arn", "ExclusiveStartShardId": "a"}),
    ]
    assert found == [Shard("a"), Shard("b", "a", 12, 34)]


def test_a_page_of_shards_may_be_empty_and_more_follow() -> None:
    empty = {"Shards": [], "LastEvaluatedShardId": "a"}
    _, found = answered(
        shards_of("arn"), {"StreamDescription": empty}, {"StreamDescription": {"Shards": [{"ShardId": "b"}]}}
    )
    assert found == [Shard("b")]


def test_streams_of_a_table_are_listed_page_by_page_the_oldest_first() -> None:
    newer = {"StreamArn": "2", "StreamLabel": "2026-11-21T22:28:49.588", "TableName": "t"}
    older = {"StreamArn": "1", "StreamLabel": "2026-11-21T22:28:48.004", "TableName": "t"}
    asked, found = answered(streams_of("t"), {"Streams": [newer], "LastEvaluatedStreamArn": "2"}, {"Streams": [older]})
    assert asked[1].parameters == {"TableName": "t", "ExclusiveStartStreamArn": "2"}
    assert found == [Stream("1", older["StreamLabel"]), Stream("2", newer["StreamLabel"])]


def test_latest_is_asked_of_open_shards_alone() -> None:
    asked, found = answered(latest_of("arn", [P, C]), {"ShardIterator": "there"})
    assert [request.parameters["ShardId"] for request in asked] == ["c"]
    assert found == {"c": "there"}
