"""Changes as messages: what one says, how large it may be, what lies beside it, and how it is read again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aircraftops_data import Aircraft
from aircraftops_data.errors import (
    AccessDeniedError,
    InvalidInputError,
    ItemTooLargeError,
    ObjectStoreError,
    RequestRefusedError,
    StoreError,
    ThrottledError,
    UnknownEventError,
    UnprocessedItemsError,
)
from aircraftops_data.streams.change import Change, Poison
from aircraftops_data.streams.decoding import Decoder, decode
from aircraftops_data.streams.encoding import written
from aircraftops_data.streams.router import Router
from aircraftops_data.streams.sinks.messages import changes_in, event_id_of
from aircraftops_data.streams.sinks.queue import QueueSink
from aircraftops_data.transports.folder import FolderStore
from changes_at_hand import MemoryQueue, Weather, change, changes, patience, refusal, size_of

MIB = 1024**2


def sink_of(queue: Any, url: str = "q.fifo", **options: Any) -> QueueSink:
    return QueueSink(url, client=queue, **{"patience": patience(), **options})


def sized(size: int, **known: Any) -> Change[Any]:
    """A change whose message counts for so many bytes."""
    made = change(**known)
    # A message says how large its item is, in more digits for a larger one.
    for _ in range(3):
        queue = MemoryQueue(most=2 * MIB)
        sink_of(queue, most_bytes=2 * MIB).write([made])
        made = change(text="x" * (len(made.new["text"]) + size - size_of(queue.messages[0])), **known)
    return made


# What a message says


def test_a_message_is_the_change_and_its_attributes_say_what_it_is_of() -> None:
    aircraft = Aircraft(icao24="a835af", registration="N628TS")
    (made,) = decode({"Records": [written(None, aircraft, table="core", event_id="e1")]}, [Aircraft])
    assert isinstance(made, Change)
    queue = MemoryQueue()
    assert sink_of(queue).write([made]) == []
    (held,) = queue.messages
    assert {name: said["StringValue"] for name, said in held["MessageAttributes"].items()} == {
        "entity_type": "aircraft",
        "operation": "insert",
        "event_id": "e1",
    }
    assert (held["MessageGroupId"], held["MessageDeduplicationId"]) == (made.place, "e1")
    (read,) = changes_in(queue.event(), [Aircraft])
    assert read == replace(made, source_id="m0")


def test_a_message_to_a_standard_queue_has_no_group() -> None:
    queue = MemoryQueue()
    sink_of(queue, "q").write([change()])
    assert not queue.messages[0].keys() & {"MessageGroupId", "MessageDeduplicationId"}


@pytest.mark.parametrize("event_id", [None, "", "ä", "a b", "x" * 129, "\ufffe"], ids=ascii)
def test_a_change_without_an_event_id_that_sqs_takes_is_known_by_what_it_says(event_id: str | None) -> None:
    made = replace(change(), event_id=event_id)
    queue = MemoryQueue()
    sink_of(queue).write([made, replace(made, source_id="another batch"), replace(change("a", 2), event_id=event_id)])
    first, second = queue.held
    assert first == event_id_of(made) != second
    assert len(first) == 64


def test_an_item_that_is_read_again_in_another_order_is_known_as_the_same() -> None:
    keys = {"PK": {"S": "A"}, "SK": {"S": "B"}}
    one = {**keys, "tags": {"SS": ["a", "b"]}, "legs": {"L": [{"NS": ["1", "2"]}, {"S": "x"}]}}
    other = {"legs": {"L": [{"NS": ["2", "1"]}, {"S": "x"}]}, "tags": {"SS": ["b", "a"]}, **keys}
    changed = one | {"legs": {"L": [{"S": "x"}, {"NS": ["1", "2"]}]}}
    decoder = Decoder()
    first, again, later = (event_id_of(decoder.item(item, "core")) for item in (one, other, changed))
    assert first == again != later


def test_text_that_sqs_takes_no_character_of_is_sent_and_read_as_it_was() -> None:
    made = change(text="\ufffe\uffff\x00 ü \U0001f6e9")
    queue = MemoryQueue()
    assert sink_of(queue).write([made]) == []
    (read,) = changes_in(queue.event())
    assert isinstance(read, Change)
    assert read.new["text"] == "\ufffe\uffff\x00 ü \U0001f6e9"


# Requests


def test_changes_of_one_item_go_one_a_request_and_those_of_ten_items_together() -> None:
    queue = MemoryQueue()
    sink_of(queue).write(changes(*"abcdefghij", *"abc"))
    assert [len(request) for request in queue.requests] == [10, 3]
    queue = MemoryQueue()
    sink_of(queue).write(changes(*"aaaa"))
    assert queue.requests == [["a-1"], ["a-2"], ["a-3"], ["a-4"]]


def test_changes_of_one_item_go_to_a_standard_queue_together() -> None:
    queue = MemoryQueue()
    sink_of(queue, "q").write(changes(*"a" * 12))
    assert [len(request) for request in queue.requests] == [10, 2]


def test_two_messages_that_fill_a_request_to_the_byte_go_together_and_one_byte_more_parts_them() -> None:
    for more, requests in ((0, 1), (1, 2)):
        queue = MemoryQueue()
        sink_of(queue).write([sized(MIB // 2, item="a"), sized(MIB // 2 + more, item="b")])
        assert len(queue.requests) == requests
        assert len(queue.held) == 2


def test_nothing_is_sent_for_no_changes() -> None:
    queue = MemoryQueue()
    assert sink_of(queue).write([]) == []
    assert queue.requests == []


def test_many_changes_arrive_in_the_order_of_each_item() -> None:
    made = changes(*(f"item{number % 230}" for number in range(500)))
    queue = MemoryQueue(Weather(iter([1, 3, "lost", "throttled", 0] * 20)))
    assert sink_of(queue).write(made) == []
    assert len(queue.held) == 500
    for item in ("item0", "item229"):
        assert [held for held in queue.held if held.startswith(f"{item}-")] == [
            each.event_id for each in made if each.keys == {"PK": {"S": item}}
        ]


# What fails


def test_a_message_that_is_refused_holds_back_those_behind_it_and_no_other() -> None:
    queue = MemoryQueue(Weather(spoilt=frozenset({"a-2"})))
    refused = sink_of(queue).write(changes(*"aabaa"))
    assert queue.held == ["a-1", "b-3"]
    assert [(each.change.event_id, type(each.error)) for each in refused] == [
        ("a-2", RequestRefusedError),
        ("a-4", UnprocessedItemsError),
        ("a-5", UnprocessedItemsError),
    ]
    assert getattr(refused[0].error, "code", None) == "InvalidMessageContents"
    assert queue.requests[-1] == ["a-2"]


def test_a_message_that_is_never_taken_is_refused_once_its_tries_are_used_up() -> None:
    queue = MemoryQueue(Weather(iter([1] * 8)))
    refused = sink_of(queue).write(changes(*"ab"))
    assert [(each.change.event_id, getattr(each.error, "retryable", None)) for each in refused] == [("a-1", True)]
    assert sum("a-1" in request for request in queue.requests) == 8


def test_all_messages_being_refused_each_is() -> None:
    made = changes(*"abcdefghijklm")
    refused = sink_of(MemoryQueue(Weather(spoilt=frozenset(str(each.event_id) for each in made)))).write(made)
    assert [each.change for each in refused] == made


def test_a_queue_that_takes_nothing_raises_and_one_that_stops_to_refuses_the_rest() -> None:
    made = changes(*(f"item{number}" for number in range(30)))
    with pytest.raises(ThrottledError):
        sink_of(MemoryQueue(Weather(iter(["throttled"] * 99)))).write(made)
    queue = MemoryQueue(Weather(iter([0, *["throttled"] * 99])))
    refused = sink_of(queue).write(made)
    assert len(queue.requests) == 1 + 8
    assert [each.change for each in refused] == made[10:]
    assert all(isinstance(each.error, ThrottledError) for each in refused)


def test_a_queue_that_there_is_no_permission_for_raises_at_once() -> None:
    class Forbidden:
        asked = 0

        def send_message_batch(self, **_: Any) -> Any:
            self.asked += 1
            raise refusal("AccessDeniedException")

    queue = Forbidden()
    with pytest.raises(AccessDeniedError):
        sink_of(queue).write(changes(*"ab"))
    assert queue.asked == 1


@pytest.mark.parametrize("code", ["AWS.SimpleQueueService.NonExistentQueue", "KmsAccessDenied"])
def test_a_queue_that_is_not_there_or_cannot_encrypt_raises(code: str) -> None:
    class Broken:
        def send_message_batch(self, **_: Any) -> Any:
            raise refusal(code)

    with pytest.raises(StoreError) as raised:
        sink_of(Broken()).write([change()])
    assert not raised.value.retryable


def test_a_key_of_kms_that_is_asked_too_much_is_asked_again() -> None:
    class Busy(MemoryQueue):
        asked = 0

        def send_message_batch(self, **given: Any) -> Any:
            self.asked += 1
            if self.asked < 3:
                raise refusal("KmsThrottled")
            return super().send_message_batch(**given)

    queue = Busy()
    assert sink_of(queue).write([change()]) == []
    assert queue.held == ["a-1"]


def test_an_entry_no_answer_speaks_of_is_sent_again() -> None:
    class Silent(MemoryQueue):
        def send_message_batch(self, **given: Any) -> Any:
            answer = super().send_message_batch(**given)
            return {} if len(self.requests) == 1 else answer

    queue = Silent()
    assert sink_of(queue).write([change()]) == []
    assert queue.requests == [["a-1"], ["a-1"]]
    assert queue.held == ["a-1"]


# What is too large


def test_a_message_of_the_size_the_queue_takes_is_sent_and_one_byte_more_is_refused() -> None:
    queue = MemoryQueue()
    exact, over = sized(MIB, item="b"), sized(MIB + 1)
    refused = sink_of(queue).write([over, change("a", 2), exact])
    assert [each.change.event_id for each in refused] == ["a-1", "a-2"]
    error = refused[0].error
    assert isinstance(error, ItemTooLargeError)
    assert (error.size_bytes, error.limit_bytes) == (MIB + 1, MIB)
    assert queue.held == ["b-1"]
    assert size_of(queue.messages[0]) == MIB


def test_a_change_too_large_lies_in_an_object_and_comes_back(tmp_path: Path) -> None:
    objects, queue = FolderStore(tmp_path), MemoryQueue(most=2000)
    made = [change(), sized(2000, item="b"), sized(2001, item="c"), change("d", text="ä" * 5000)]
    assert sink_of(queue, objects=objects, most_bytes=2000).write(made) == []
    read = changes_in(queue.event(), objects=objects)
    assert read == [replace(each, source_id=f"m{number}") for number, each in enumerate(made)]
    assert len(list(objects.keys("spill/"))) == 2
    assert json.loads(queue.messages[2]["MessageBody"])["aircraftops_spill"].keys() == {"key", "sha256", "size_bytes"}


def test_a_change_sent_again_lies_in_the_same_object(tmp_path: Path) -> None:
    objects, queue = FolderStore(tmp_path), MemoryQueue(most=2000)
    for source_id in ("m1", "m2"):
        made = replace(change(text="x" * 3000), source_id=source_id, event_id="e/../1")
        sink_of(queue, objects=objects, most_bytes=2000).write([made])
    assert len(queue.messages) == 1
    (key,) = objects.keys()
    assert key.startswith(f"spill/{made.place}/{made.order}-{event_id_of(made)}-")


@pytest.fixture
def spilled(tmp_path: Path) -> tuple[FolderStore, str, str]:
    """Objects, the body of a message that names one, and its key."""
    objects, queue = FolderStore(tmp_path), MemoryQueue(most=2000)
    sink_of(queue, objects=objects, most_bytes=2000).write([change(text="x" * 3000)])
    (key,) = objects.keys()
    return objects, queue.messages[0]["MessageBody"], key


def test_an_object_that_is_another_by_now_is_not_taken_for_the_change(spilled: tuple[FolderStore, str, str]) -> None:
    objects, body, key = spilled
    objects.put(key, objects.get(key) + b" ")
    with pytest.raises(InvalidInputError):
        changes_in(body, objects=objects)


def test_an_object_that_is_gone_is_no_poison(spilled: tuple[FolderStore, str, str], tmp_path: Path) -> None:
    _, body, key = spilled
    with pytest.raises(ObjectStoreError) as raised:
        changes_in(body, objects=FolderStore(tmp_path / "empty"))
    assert raised.value.key == key


def test_a_message_that_names_an_object_needs_to_be_told_where(spilled: tuple[FolderStore, str, str]) -> None:
    with pytest.raises(InvalidInputError, match="objects"):
        changes_in(spilled[1])


@pytest.mark.parametrize("said", [None, [], {}, {"key": "k"}, {"key": 1, "sha256": "x"}], ids=str)
def test_a_message_that_names_no_object_rightly_is_refused(said: Any, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError):
        changes_in(json.dumps({"aircraftops_spill": said}), objects=FolderStore(tmp_path))


def test_a_store_that_fails_raises_and_nothing_is_taken_for_sent(tmp_path: Path) -> None:
    (tmp_path / "spill").write_text("in the way")
    sink = sink_of(MemoryQueue(most=2000), objects=FolderStore(tmp_path), most_bytes=2000)
    with pytest.raises(ObjectStoreError):
        sink.write([change(text="x" * 3000)])


# Reading


def test_one_body_is_read_by_itself_and_what_is_no_change_is_poison() -> None:
    queue = MemoryQueue()
    sink_of(queue).write([change()])
    assert changes_in(queue.messages[0]["MessageBody"]) == [change()]
    (poison,) = changes_in("no JSON, but of aircraftops_spill")
    assert isinstance(poison, Poison)
    quoting = change(text='{"aircraftops_spill": {}}')
    sink_of(queue).write([replace(quoting, event_id="e2")])
    assert len(changes_in(queue.event())) == 2


def test_messages_are_read_however_they_were_received(spilled: tuple[FolderStore, str, str]) -> None:
    objects, body, _ = spilled
    (expected,) = changes_in(body, objects=objects)
    for event in (
        {"Records": [{"messageId": "m", "body": body, "eventSource": "aws:sqs"}]},
        [{"messageId": "m", "body": body, "eventSource": "aws:sqs"}],
        {"Messages": [{"MessageId": "m", "Body": body, "ReceiptHandle": "r"}]},
    ):
        assert changes_in(event, objects=objects) == [replace(expected, source_id="m")]


@pytest.mark.parametrize("event", [{}, {"Records": [1]}, 1, [[]]], ids=str)
def test_what_is_no_event_is_refused(event: Any) -> None:
    with pytest.raises(UnknownEventError):
        changes_in(event)


# Behind a router


def test_a_router_goes_on_from_the_change_that_the_queue_refused() -> None:
    named = ["a835af", "a835b0", "a835b1"]
    records = [
        written(
            None, Aircraft(icao24=icao24, registration="N628TS"), table="core", sequence=number, event_id=f"e{number}"
        )
        for number, icao24 in enumerate(named, 1)
    ]
    queue = MemoryQueue(Weather(spoilt=frozenset({"e2"})))
    router = Router([Aircraft])
    router.into(sink_of(queue), Aircraft)
    assert router.handle({"Records": records}) == {"batchItemFailures": [{"itemIdentifier": "2"}]}
    queue.weather.spoilt = frozenset()
    assert router.handle({"Records": records[1:]}) == {"batchItemFailures": []}
    assert sorted(queue.held) == ["e1", "e2", "e3"]
