"""Reads as plans: what they send, how they go on from page to page, and what they leave out; without any engine."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aircraftops_data import GSI1, CoreTable, Entity, Index, PrimaryKey, SecondaryIndex, Table
from aircraftops_data.core.batch import BatchWrite, batch_get, batch_write, place_of
from aircraftops_data.core.reading import Reading, count, get, page, source_of
from aircraftops_data.errors import (
    AccessDeniedError,
    CorruptItemError,
    InvalidInputError,
    RequestRefusedError,
    ThrottledError,
    UnprocessedItemsError,
)
from aircraftops_data.model.definition import Item
from aircraftops_data.model.schema import KeyAttribute
from aircraftops_data.translation.codec import codec_of
from playing import Stage, context
from throwaway import declare

NARROW = SecondaryIndex("Narrow", KeyAttribute("GSI1PK"), KeyAttribute("GSI1SK"), ("entity_type", "size"))
LOGS = Table("Logs", indexes=(GSI1,), ttl_attribute="delete_at")


class Entry(Entity, table=LOGS, entity_type="entry"):
    """One of many in a partition."""

    log: str
    number: int
    text: str = ""

    primary = PrimaryKey("LOG#{log}", "ENTRY#{number:4}")
    by_text = Index(GSI1, "TEXT#{text}", "ENTRY#{number:4}")


CODEC = codec_of(Entry.definition())


@pytest.fixture
def stage() -> Stage:
    """Where a plan is played."""
    return Stage()


def stored(number: int, /, **attributes: Any) -> Item:
    """A stored entry."""
    return {**CODEC.item(Entry(log="l", number=number)), **attributes}


def key(item: Item) -> Item:
    """The primary key of an item."""
    return {name: item[name] for name in ("PK", "SK")}


def found(*items: Item, more: bool = False) -> dict[str, Any]:
    """A response with these items; there is more behind the last of them."""
    last = {"LastEvaluatedKey": key(items[-1])} if more else {}
    return {
        "Items": list(items),
        "Count": len(items),
        "ConsumedCapacity": {"TableName": "t", "CapacityUnits": 1},
        **last,
    }


def reading(**options: Any) -> Reading[Entry]:
    """A reading of the whole log."""
    return Reading(source_of(Entry.primary(log="l")), CODEC.entity, Entry.definition(), **options)


def numbers(entries: Any) -> list[int]:
    """The numbers of entries."""
    return [entry.number for entry in entries]


EXPIRED = {"delete_at": {"N": str(int(context().clock.now().timestamp()))}}


# Pages


def test_a_page_is_one_request_when_the_engine_gives_all_at_once(stage: Stage) -> None:
    got, start = stage.play(page(reading(), context(), None, 2), found(stored(1), stored(2), more=True))
    assert numbers(got) == [1, 2]
    assert start == key(stored(2))
    assert stage.sent(0) == {
        "TableName": "t-Logs",
        "ReturnConsumedCapacity": "INDEXES",
        "KeyConditionExpression": "(#0 = :0 AND begins_with (#1, :1))",
        "ExpressionAttributeNames": {"#0": "PK", "#1": "SK"},
        "ExpressionAttributeValues": {":0": {"S": "LOG#l"}, ":1": {"S": "ENTRY#"}},
        "Limit": 2,
    }


def test_a_page_goes_on_until_it_is_full(stage: Stage) -> None:
    answers = (found(stored(1), more=True), found(stored(2), more=True), found(stored(3), more=True))
    got, start = stage.play(page(reading(), context(), None, 3), *answers)
    assert numbers(got) == [1, 2, 3]
    assert start == key(stored(3))
    assert [sent.parameters.get("ExclusiveStartKey") for sent in stage.requests] == [
        None,
        key(stored(1)),
        key(stored(2)),
    ]
    assert got.consumed.requests == 3


def test_a_page_the_engine_cut_short_asks_for_no_more_than_is_missing(stage: Stage) -> None:
    stage.play(page(reading(), context(), None, 3), found(stored(1), stored(2), more=True), found(stored(3)))
    assert [sent.parameters["Limit"] for sent in stage.requests] == [3, 1]


def test_a_page_ends_where_nothing_is_left(stage: Stage) -> None:
    got, start = stage.play(page(reading(), context(), None, 9), found(stored(1), more=True), found())
    assert (numbers(got), start) == ([1], None)


def test_behind_a_filter_each_request_looks_at_twice_as_many(stage: Stage) -> None:
    rare = reading(filter=Entry.f.text == "x")
    nothing = {"Items": [], "ScannedCount": 300, "LastEvaluatedKey": key(stored(0))}
    got, start = stage.play(page(rare, context(), None, 300), nothing, nothing, nothing, found(stored(1)))
    assert (numbers(got), start) == ([1], None)
    assert [sent.parameters["Limit"] for sent in stage.requests] == [300, 600, 1000, 1000]


def test_a_page_that_was_given_too_much_goes_on_behind_its_last_item(stage: Stage) -> None:
    rare = reading(filter=Entry.f.text == "x")
    got, start = stage.play(
        page(rare, context(), None, 2),
        found(stored(1), more=True),
        found(stored(2), stored(3), stored(4), more=True),
    )
    assert numbers(got) == [1, 2]
    assert start == key(stored(2))


@given(st.data())
def test_pages_hold_everything_once_and_in_order_whatever_the_engine_gives(data: st.DataObject) -> None:
    fates = data.draw(st.lists(st.sampled_from(["kept", "filtered", "expired"]), max_size=30))
    limit, known = data.draw(st.integers(1, 7)), context()
    start, seen = None, []
    for _ in range(len(fates) + 2):
        plan = page(reading(filter=Entry.f.text == "x"), known, start, limit)
        got, start = played(plan, fates, data)
        assert len(got) == limit or start is None
        seen += numbers(got)
        if start is None:
            break
    assert seen == [number for number, fate in enumerate(fates) if fate == "kept"]


def played(plan: Any, fates: list[str], data: st.DataObject) -> Any:
    """Answers a page plan as an engine would that holds these items and stops early when it likes."""
    try:
        sent = next(plan).parameters
        while True:
            start = sent.get("ExclusiveStartKey")
            first = int(start["SK"]["S"].partition("#")[2]) + 1 if start else 0
            last = min(first + data.draw(st.integers(1, sent["Limit"])), len(fates))
            items = [
                stored(number, **(EXPIRED if fates[number] == "expired" else {}))
                for number in range(first, last)
                if fates[number] != "filtered"
            ]
            more = {"LastEvaluatedKey": key(stored(last - 1))} if last < len(fates) else {}
            sent = plan.send({"Items": items, "ScannedCount": last - first, **more}).parameters
    except StopIteration as finished:
        return finished.value


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_page_takes_1_to_1000_items(limit: int) -> None:
    with pytest.raises(InvalidInputError, match="1 to 1000"):
        next(page(reading(), context(), None, limit))


def test_expired_items_are_left_out_unless_asked_for(stage: Stage) -> None:
    answer = found(stored(1, **EXPIRED), stored(2), stored(3, delete_at={"N": "99999999999"}))
    got, _ = stage.play(page(reading(), context(), None, 9), answer)
    assert numbers(got) == [2, 3]
    got, _ = stage.play(page(reading(include_expired=True), context(), None, 9), answer)
    assert numbers(got) == [1, 2, 3]


def test_what_becomes_of_a_corrupt_item_is_the_callers_choice(stage: Stage) -> None:
    answer = found(stored(1), stored(2, number={"S": "x"}), stored(3))
    with pytest.raises(CorruptItemError):
        stage.play(page(reading(), context(), None, 9), answer)
    skipped, _ = stage.play(page(reading(on_corrupt="skip"), context(), None, 9), answer)
    assert (numbers(skipped), skipped.corrupt) == ([1, 3], [])
    collected, _ = stage.play(page(reading(on_corrupt="collect"), context(), None, 9), answer)
    assert numbers(collected) == [1, 3]
    assert collected.corrupt[0].key == key(stored(2))


def test_options_are_sent_as_the_engine_calls_them() -> None:
    chosen = reading(newest_first=True, consistent=True).request(context(), key(stored(1)), 5).parameters
    assert chosen["ScanIndexForward"] is False
    assert chosen["ConsistentRead"] is True
    assert chosen["ExclusiveStartKey"] == key(stored(1))
    by_index = Reading(source_of(Entry.by_text(text="x")), CODEC.entity, Entry.definition())
    assert by_index.request(context(), None, None).parameters["IndexName"] == "GSI1"


# Counting and getting


def test_a_count_adds_up_pages_and_leaves_out_what_has_expired(stage: Stage) -> None:
    answers = ({"Count": 3, "LastEvaluatedKey": key(stored(3))}, {"Count": 4})
    assert stage.play(count(reading(), context()), *answers) == 7
    assert stage.sent(0)["Select"] == "COUNT"
    assert stage.sent(0)["FilterExpression"] == "(NOT #2 <= :2)"
    assert stage.sent(0)["ExpressionAttributeNames"]["#2"] == "delete_at"
    assert stage.sent(1)["ExclusiveStartKey"] == key(stored(3))


def test_a_count_of_expired_items_too_leaves_none_out(stage: Stage) -> None:
    stage.play(count(reading(include_expired=True), context()), {"Count": 3})
    assert "FilterExpression" not in stage.sent(0)


def test_one_entity_is_one_request(stage: Stage) -> None:
    def plan(**options: Any) -> Any:
        return get(Entry.definition(), key(stored(1)), context(), **{"consistent": False, "expired": False, **options})

    assert stage.play(plan(), {"Item": stored(1)}).number == 1
    assert stage.play(plan(), {}) is None
    assert stage.play(plan(), {"Item": stored(1, **EXPIRED)}) is None
    assert stage.play(plan(expired=True), {"Item": stored(1, **EXPIRED)}).number == 1
    assert "ConsistentRead" not in stage.sent(0)
    stage.play(plan(consistent=True), {})
    assert stage.sent(4)["ConsistentRead"] is True


# Batches


def write_of(number: int) -> BatchWrite[int]:
    """A put of an entry; its number stands for the caller's input."""
    return BatchWrite(number, LOGS, key(stored(number)), stored(number))


def left_over(*numbers: int) -> dict[str, Any]:
    """A response that left these puts undone."""
    return {"UnprocessedItems": {"t-Logs": [{"PutRequest": {"Item": stored(number)}} for number in numbers]}}


def asked(stage: Stage, place: int) -> list[Any]:
    """What a batch request asked for."""
    entries = stage.sent(place)["RequestItems"]["t-Logs"]
    return list(entries["Keys"] if isinstance(entries, dict) else entries)


def test_keys_the_engine_left_are_asked_for_again(stage: Stage) -> None:
    keys = [key(stored(number)) for number in range(3)]
    first = {"Responses": {"t-Logs": [stored(0)]}, "UnprocessedKeys": {"t-Logs": {"Keys": keys[1:]}}}
    second = {"Responses": {"t-Logs": [stored(1)]}, "UnprocessedKeys": {}}
    assert stage.play(batch_get(Entry.definition(), keys, context(), consistent=True), first, second) == [
        [stored(0)],
        [stored(1)],
    ]
    assert asked(stage, 1) == keys[1:]
    assert stage.sent(1)["RequestItems"]["t-Logs"]["ConsistentRead"] is True
    assert len(stage.waits) == 1


def test_keys_that_are_never_taken_are_told(stage: Stage) -> None:
    keys = [key(stored(number)) for number in range(2)]
    never = {"Responses": {}, "UnprocessedKeys": {"t-Logs": {"Keys": keys[1:]}}}
    with pytest.raises(UnprocessedItemsError, match="1 keys were left after 3 tries") as caught:
        stage.play(batch_get(Entry.definition(), keys, context(attempts=3), consistent=False), never, never, never)
    assert caught.value.keys == keys[1:]
    assert caught.value.retryable
    assert len(stage.waits) == 2


def test_items_the_engine_left_are_written_again_and_they_alone(stage: Stage) -> None:
    answers = (left_over(2, 0), left_over(2), {})
    report = stage.play(batch_write([write_of(number) for number in range(3)], context()), *answers)
    assert (report.done, report.failed) == (3, [])
    assert [entry["PutRequest"]["Item"]["SK"]["S"][-1] for entry in asked(stage, 1)] == ["0", "2"]
    assert asked(stage, 2) == [{"PutRequest": {"Item": stored(2)}}]


def test_items_that_are_never_taken_are_reported(stage: Stage) -> None:
    writes = [write_of(number) for number in range(3)]
    report = stage.play(batch_write(writes, context(attempts=2)), left_over(1), left_over(1))
    assert report.done == 2
    assert [failure.entity for failure in report.failed] == [1]
    assert isinstance(report.failed[0].error, UnprocessedItemsError)
    with pytest.raises(UnprocessedItemsError) as caught:
        report.raise_if_failed()
    assert "1 of 3 were not written" in caught.value.__notes__


def test_a_busy_engine_is_asked_again(stage: Stage) -> None:
    report = stage.play(batch_write([write_of(1)], context()), ThrottledError("slow", retryable=True), {})
    assert (report.done, len(stage.waits)) == (1, 1)
    assert stage.requests[0] == stage.requests[1]


def test_an_engine_that_stays_busy_is_reported_with_its_reason(stage: Stage) -> None:
    busy = ThrottledError("slow", retryable=True)
    report = stage.play(batch_write([write_of(1)], context(attempts=2)), busy, busy)
    assert isinstance(report.failed[0].error.__cause__, ThrottledError)


def test_an_item_the_engine_refuses_does_not_take_the_others_along(stage: Stage) -> None:
    no = RequestRefusedError("wrong")
    report = stage.play(batch_write([write_of(number) for number in range(3)], context()), no, {}, no, {})
    assert report.done == 2
    assert [failure.entity for failure in report.failed] == [1]
    assert [len(asked(stage, place)) for place in range(4)] == [3, 1, 1, 1]


def test_any_other_failure_is_reported_for_all_that_waited(stage: Stage) -> None:
    writes = [write_of(number) for number in range(3)]
    report = stage.play(batch_write(writes, context()), left_over(0, 2), AccessDeniedError("no"))
    assert report.done == 1
    assert [failure.entity for failure in report.failed] == [0, 2]


def test_numbers_in_keys_are_the_same_by_value() -> None:
    table = Table("Readings", KeyAttribute("id"), KeyAttribute("at", "N"))
    one, other = ({"id": {"S": "a"}, "at": {"N": text}} for text in ("1.0", "1"))
    assert place_of(one, table) == place_of(other, table)
    assert place_of({"id": {"S": "1"}}, Table("A", KeyAttribute("id"), None)) != place_of(
        {"id": {"B": b"1"}}, Table("A", KeyAttribute("id", "B"), None)
    )


# Before anything is sent


class Silent:
    """A transport that nothing may be sent through."""

    def send(self, request: Any) -> Any:
        raise AssertionError(f"sent {request}")


def test_a_query_can_be_looked_at_without_being_sent() -> None:
    core = CoreTable(Silent(), context())
    request = core.query(Entry.primary(log="l")).where(Entry.f.text == "x").newest_first().request()
    assert request.operation == "Query"
    assert request.parameters["FilterExpression"] == "#2 = :2"


def narrow() -> Any:
    """An entity that is found through an index which carries only some of it."""
    table, fields = Table("Narrow", indexes=(NARROW,)), {"id": str, "size": int, "colour": str}
    return declare(table, fields, PrimaryKey("N#{id}", "N"), by=Index(NARROW, "N", "N#{id}"))


def test_what_cannot_be_read_is_refused_before_anything_is_sent() -> None:
    core, entity = CoreTable(Silent(), context()), narrow()
    with pytest.raises(InvalidInputError, match="global index"):
        core.query(Entry.by_text(text="x")).consistent()
    with pytest.raises(InvalidInputError, match="only parts"):
        core.query(entity.by()).all()
    with pytest.raises(InvalidInputError, match="does not carry 'colour'"):
        core.query(entity.by()).project("colour")
    with pytest.raises(InvalidInputError, match="at least one segment"):
        core.scan(Entry, 0)
    with pytest.raises(InvalidInputError, match="no field 'colour'"):
        core.query(Entry.primary(log="l")).project("colour")


def test_only_what_is_asked_for_and_what_reading_on_needs_is_sent_for() -> None:
    core = CoreTable(Silent(), context())
    asked = core.query(Entry.primary(log="l")).project("text").request().parameters
    assert projected(asked) == {"text", "PK", "SK", "entity_type", "delete_at"}
    asked = core.query(narrow().by()).project("size").request().parameters
    assert projected(asked) == {"size", "PK", "SK", "GSI1PK", "GSI1SK", "entity_type"}


def projected(asked: Any) -> set[str]:
    """The attributes a projection names."""
    return {asked["ExpressionAttributeNames"][place] for place in asked["ProjectionExpression"].split(", ")}
