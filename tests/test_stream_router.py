"""The router: who is given what, in which order, and what it answers when something fails."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest

from aircraftops_data.errors import (
    DefinitionError,
    InvalidInputError,
    PoisonRecordError,
    ThrottledError,
)
from aircraftops_data.jobs import Jobs
from aircraftops_data.streams import Change, Router
from aircraftops_data.testing import ManualClock
from routing import AT, Gauge, Journal, Kept, Note, bad, event, gauge, memory, record, routed

NONE_FAILED: dict[str, Any] = {"batchItemFailures": []}


def failed(*sequences: int) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": str(sequence)} for sequence in sequences]}


class Remaining:
    """Lambda's context on a clock that moves by itself with each question of a handler."""

    def __init__(self, clock: ManualClock, seconds: float) -> None:
        self._clock, self._end = clock, clock.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return int((self._end - self._clock.monotonic()) * 1000)


# Who is given what


def test_a_function_is_given_the_changes_of_its_entity_in_order() -> None:
    router, journal, _ = routed()
    assert router.handle(event(gauge(1), record(2, Note(name="n")), gauge(3, "b"), gauge(4))) == NONE_FAILED
    assert journal.given == [("a", 1), ("b", 3), ("a", 4)]


def test_a_function_may_ask_for_operations_fields_and_a_predicate() -> None:
    given: dict[str, list[int | None]] = {"removed": [], "unit": [], "high": []}
    router = Router()
    router.on(Gauge, "remove")(lambda change: given["removed"].append(change.sequence))

    @router.on(Gauge, "insert", "modify", changed={"unit"})
    def unit(change: Change[Gauge]) -> None:
        given["unit"].append(change.sequence)

    @router.on(Gauge, where=lambda change: change.new is not None and change.new.reading > 2)
    def high(change: Change[Gauge]) -> None:
        given["high"].append(change.sequence)

    one = Gauge(name="a", reading=1)
    router.handle(
        event(
            record(1, one.model_copy(update={"unit": "hPa"})),
            record(2, one.model_copy(update={"reading": 3}), one),
            record(3, one.model_copy(update={"unit": "m"}), one),
            record(4, None, one),
        )
    )
    assert given == {"removed": [4], "unit": [1, 3], "high": [2]}


def test_what_the_images_do_not_tell_is_given_whatever_has_changed() -> None:
    seen: list[int | None] = []
    router = Router()
    router.on(Gauge, changed={"unit"})(lambda change: seen.append(change.sequence))
    one = Gauge(name="a", reading=1)
    router.handle(event(record(1, one, one, view="NEW_IMAGE")))
    assert seen == [1]


def test_functions_of_one_change_are_called_in_the_order_they_were_registered() -> None:
    said: list[str] = []
    router = Router()
    for word in ("first", "second", "third"):
        router.on(Gauge, name=word)(lambda change, word=word: said.append(word))
    router.handle(event(gauge(1)))
    assert said == ["first", "second", "third"]


@pytest.mark.parametrize(
    "options",
    [{"changed": {"colour"}}, {"changed": {"version"}}, {"operations": ("insert", "upsert")}],
    ids=["field", "version", "operation"],
)
def test_what_an_entity_does_not_tell_of_cannot_be_asked_for(options: Any) -> None:
    with pytest.raises(DefinitionError, match="Gauge has no"):
        Router().on(Gauge, *options.pop("operations", ()), **options)
    with pytest.raises(DefinitionError, match="at least one entity"):
        Router().into(Kept())


def test_two_functions_of_one_name_are_told_apart_by_a_name() -> None:
    router = Router()
    router.on(Gauge)(lambda change: None)
    with pytest.raises(DefinitionError, match="name="):
        router.on(Gauge)(lambda change: None)
    router.on(Note)(lambda change: None)


def test_what_is_no_event_of_a_stream_is_refused() -> None:
    router, _, _ = routed()
    with pytest.raises(InvalidInputError):
        router.handle({"detail": "something else"})


# Failures


def test_it_stops_at_the_first_failure_and_names_exactly_that() -> None:
    router, journal, _ = routed()
    journal.failing = lambda change: ValueError("no") if change.sequence == 2 else None
    assert router.handle(event(gauge(1), gauge(2, "b"), gauge(3, "c"))) == failed(2)
    assert journal.given == [("a", 1)]


def test_a_record_without_an_identifier_fails_the_whole_batch() -> None:
    router, journal, _ = routed()
    journal.failing = lambda change: ValueError("no")
    found = gauge(1)
    del found["dynamodb"]["SequenceNumber"]
    assert router.handle(event(found)) == {"batchItemFailures": [{"itemIdentifier": ""}]}


def test_a_predicate_that_raises_is_a_failure_of_the_record() -> None:
    router = Router()
    router.on(Gauge, where=lambda change: 1 // 0 > 0)(lambda change: None)
    assert router.handle(event(gauge(1))) == failed(1)


def test_without_a_quarantine_a_poison_stops_the_batch() -> None:
    router, journal, _ = routed()
    taken = router.take(router.decoder.records(event(gauge(1), bad(2), gauge(3))))
    assert taken.done == 1
    assert taken.failed is not None
    assert taken.failed.sequence == 2
    assert isinstance(taken.error, PoisonRecordError)
    assert journal.given == [("a", 1)]


def test_of_a_queue_every_message_from_the_failed_one_on_is_named() -> None:
    router, journal, _ = routed()
    journal.failing = lambda change: ValueError("no") if change.sequence == 2 else None
    messages = [
        {"messageId": f"m{n}", "eventSource": "aws:sqs", "body": json.dumps(gauge(n, name))}
        for n, name in ((1, "a"), (2, "b"), (3, "c"))
    ]
    answer = router.handle({"Records": messages})
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m2"}, {"itemIdentifier": "m3"}]}


def test_before_the_deadline_it_stops_and_names_the_next_record() -> None:
    clock = ManualClock()
    router, journal, _ = routed(clock=clock)
    router.on(Gauge, name="slow")(lambda change: clock.advance(4))
    # 20 seconds, of which 5 are kept: records may begin in the first 15.
    answer = router.handle(event(*(gauge(n, str(n)) for n in range(1, 8))), Remaining(clock, 20))
    assert answer == failed(5)
    assert [reading for _, reading in journal.given] == [1, 2, 3, 4]


def test_of_a_short_time_half_is_kept() -> None:
    clock = ManualClock()
    router, _, _ = routed(clock=clock)
    router.on(Gauge, name="slow")(lambda change: clock.advance(1))
    assert router.handle(event(gauge(1), gauge(2), gauge(3)), Remaining(clock, 3)) == failed(3)


def test_a_record_that_comes_twice_in_a_batch_is_handled_once() -> None:
    router, journal, _ = routed()
    assert router.handle(event(gauge(1), gauge(1), gauge(2), gauge(1))) == NONE_FAILED
    assert journal.given == [("a", 1), ("a", 2)]


def test_with_once_no_function_is_run_again_for_a_record_it_went_through() -> None:
    core = memory()
    router, journal, _ = routed(once=Jobs(core).once, name="gauges")
    other = Journal()
    router.on(Gauge, name="other")(other)
    other.failing = lambda change: ValueError("no") if change.sequence == 2 else None
    batch = event(gauge(1), gauge(2))
    assert router.handle(batch) == failed(2)
    other.failing = lambda change: None
    assert router.handle(batch) == NONE_FAILED
    assert journal.given == other.given == [("a", 1), ("a", 2)]


def test_with_once_a_router_has_a_name_of_its_own() -> None:
    with pytest.raises(DefinitionError, match="name="):
        Router(once=Jobs(memory()).once)


def test_with_once_a_record_that_was_written_to_kinesis_twice_is_handled_once() -> None:
    router, journal, _ = routed(once=Jobs(memory()).once, name="gauges")
    found = gauge(1)
    del found["dynamodb"]["SequenceNumber"]
    data = b64encode(json.dumps(found).encode()).decode()
    for number in ("100", "101"):
        told = {"eventSource": "aws:kinesis", "kinesis": {"sequenceNumber": number, "data": data}}
        assert router.handle(event(told)) == NONE_FAILED
    assert journal.given == [("a", 1)]


def test_with_once_a_snapshot_is_given_each_time_it_is_taken() -> None:
    router, journal, _ = routed(once=Jobs(memory()).once, name="gauges")
    for number in (1, 2):
        router.take([router.decoder.item(gauge(number)["dynamodb"]["NewImage"], "CoreTable")])
    assert journal.given == [("a", 1), ("a", 2)]


# Sinks


def test_a_sink_gets_the_changes_in_one_write_once_the_functions_went_through() -> None:
    router, journal, _ = routed()
    kept = Kept()
    router.into(kept, Gauge)
    journal.failing = lambda change: ValueError("no") if change.sequence == 3 else None
    assert router.handle(event(gauge(1), gauge(2, "b"), gauge(3), gauge(4, "c"))) == failed(3)
    assert kept.batches == [[("a", 1), ("b", 2)]]


def test_a_change_that_a_sink_refuses_is_the_one_that_failed() -> None:
    router, _, _ = routed()
    kept, last = Kept(), Kept()
    router.into(kept, Gauge)
    router.into(last, Gauge)
    kept.refusing = lambda change: ValueError("no") if change.sequence == 2 else None
    assert router.handle(event(gauge(1), gauge(2, "b"), gauge(3, "c"))) == failed(2)
    assert kept.all == [("a", 1), ("c", 3)]
    assert last.all == [("a", 1)], "a sink behind is given what is not to come again"


def test_a_sink_that_raises_for_one_change_is_given_the_others() -> None:
    core = memory()
    router, _, quarantine = routed(core, attempts=1)
    kept = Kept()
    router.into(kept, Gauge)
    kept.raising = lambda changes: ValueError("no") if any(change.sequence == 5 for change in changes) else None
    assert router.handle(event(*(gauge(n, str(n % 7)) for n in range(1, 15)))) == NONE_FAILED
    assert sorted(reading for _, reading in kept.all) == [1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 13, 14]
    assert quarantine is not None
    (held,) = quarantine.all()
    assert held.count == 2, "12 is of the same item as 5"


def test_what_may_pass_is_written_again_as_a_whole_and_parks_nothing() -> None:
    core = memory()
    router, _, quarantine = routed(core, attempts=1)
    kept = Kept()
    router.into(kept, Gauge)
    kept.raising = lambda changes: ThrottledError("later", retryable=True)
    assert router.handle(event(gauge(1), gauge(2))) == failed(1)
    kept.raising = lambda changes: None
    assert router.handle(event(gauge(1), gauge(2))) == NONE_FAILED
    assert quarantine is not None
    assert list(quarantine.all()) == []
    assert AT.tzinfo is not None
