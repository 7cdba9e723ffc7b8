"""The quarantine: what keeps failing is parked whole, nothing of its item overtakes it, everything else flows."""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from string import ascii_letters
from typing import Any

import pytest

from aircraftops_data import CORE, Entity, PrimaryKey
from aircraftops_data.coordination import Locks
from aircraftops_data.errors import (
    AccessDeniedError,
    InvalidInputError,
    LockHeldError,
    LockLostError,
    MissingExtraError,
    NotFoundError,
    ObjectStoreError,
    OnceInProgressError,
    PoisonRecordError,
    ThrottledError,
)
from aircraftops_data.streams import Quarantine, Router, parked
from aircraftops_data.streams.change import Change
from aircraftops_data.testing import ManualClock
from routing import Gauge, Kept, bad, event, gauge, memory, poison, record, routed
from test_stream_router import NONE_FAILED, failed


class Bench:
    """A router with a quarantine in memory."""

    def __init__(self, attempts: int = 3) -> None:
        self.clock = ManualClock()
        self.core = memory(self.clock)
        router, self.journal, quarantine = routed(self.core, attempts=attempts)
        assert quarantine is not None
        self.router, self.quarantine = router, quarantine
        self.locks = Locks(self.core)

    def handle(self, *records: dict[str, Any]) -> dict[str, Any]:
        """What the router answers."""
        return self.router.handle(event(*records))

    def fail(self, *sequences: int) -> None:
        """Let the handler fail at these."""
        self.journal.failing = lambda change: ValueError("no") if change.sequence in sequences else None

    def held(self) -> dict[str, int]:
        """How many records are parked, by item."""
        return {each.item.partition(" ")[0].removeprefix("GAUGE#"): each.count for each in self.quarantine.all()}

    def discard(self) -> None:
        """Throw the first record of each item away."""
        for held in list(self.quarantine.all()):
            self.quarantine.discard(self.locks, held.place)

    def replay(self) -> list[tuple[int, str | None]]:
        """What became of each item: how many were handled, and what stopped it."""
        found = self.quarantine.replay(self.router, self.locks)
        return [(each.handled, None if each.error is None else type(each.error).__name__) for each in found]


class Counts(Entity, table=CORE, entity_type="parked_counts"):
    """Something with many numbers."""

    name: str
    counts: list[int]

    primary = PrimaryKey("COUNTS#{name}", "COUNTS")


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_record_is_parked_once_its_attempts_are_used_up_and_others_flow(bench: Bench) -> None:
    bench.fail(2)
    batch = (gauge(1), gauge(2, "b"), gauge(3, "c"), gauge(4, "b"), gauge(5))
    assert bench.handle(*batch) == failed(2)
    assert bench.handle(*batch[1:]) == failed(2)
    assert bench.held() == {}
    assert bench.handle(*batch[1:]) == NONE_FAILED
    assert bench.journal.given == [("a", 1), ("c", 3), ("a", 5)]
    assert bench.held() == {"b": 2}


def test_whatever_is_odd_about_a_record_it_is_parked(bench: Bench) -> None:
    bench.fail(1)
    unread, deep, long = gauge(1), gauge(2, "b"), gauge(3, "c")
    unread["dynamodb"]["NewImage"]["of nobody"] = {"S": 5}
    deep["dynamodb"]["NewImage"]["unit"] = {"S": "m", "N": "1"}
    for _ in range(3000):
        deep["dynamodb"] = {**deep["dynamodb"], "beside": [deep["dynamodb"].get("beside")]}
    long["dynamodb"]["NewImage"]["unit"] = {"M": {"x" * 350_000: {}}}
    for _ in range(3):
        bench.handle(unread, deep, long)
    assert bench.held() == {"a": 1, "b": 1, "c": 1}


def test_a_poison_is_parked_at_once_for_it_would_fail_however_often_it_is_tried(bench: Bench) -> None:
    assert bench.handle(bad(1), gauge(2), gauge(3, "b")) == NONE_FAILED
    assert bench.held() == {"a": 2}
    (held,) = bench.quarantine.all()
    assert held.reason.startswith("corrupt_entity")
    assert "high" not in held.reason, "a reason holds nothing of an item"


def test_what_comes_later_is_parked_behind_in_the_order_of_the_stream(bench: Bench) -> None:
    bench.handle(bad(1))
    assert bench.handle(gauge(3), gauge(2, "b")) == NONE_FAILED
    assert bench.handle(gauge(20)) == NONE_FAILED
    (held,) = bench.quarantine.all()
    assert [int(each.order) for each in bench.quarantine.records(held.place)] == [1, 3, 20]


def test_what_is_parked_is_the_record_whole(bench: Bench) -> None:
    bench.handle(bad(1))
    (held,) = bench.quarantine.all()
    (one,) = bench.quarantine.records(held.place)
    assert json.loads(bench.quarantine.body(one)) == bad(1)


def test_a_record_delivered_again_is_parked_once(bench: Bench) -> None:
    for _ in range(3):
        assert bench.handle(bad(1), gauge(2)) == NONE_FAILED
    assert bench.held() == {"a": 2}


@pytest.mark.parametrize(
    "error",
    [
        ThrottledError("later", retryable=True),
        AccessDeniedError("not allowed"),
        ObjectStoreError("away"),
        ConnectionResetError(),
        MissingExtraError("pip install it"),
        OnceInProgressError("another runs it"),
        LockHeldError("another has it"),
        LockLostError("it ran out"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_of_what_is_around_is_no_attempt(bench: Bench, error: Exception) -> None:
    bench.journal.failing = lambda change: error
    for _ in range(5):
        assert bench.handle(gauge(1)) == failed(1)
    assert bench.held() == {}


def test_a_record_too_large_for_an_item_is_parked_in_parts(bench: Bench) -> None:
    text = "".join(random.Random(1).choices(ascii_letters, k=390_000))
    large = gauge(1, unit=text)
    large["dynamodb"]["NewImage"]["reading"] = {"S": "high"}
    assert bench.handle(large, gauge(2)) == NONE_FAILED
    (held,) = bench.quarantine.all()
    first, _ = bench.quarantine.records(held.place)
    assert first.parts == 2
    assert json.loads(bench.quarantine.body(first)) == large
    assert bench.quarantine.discard(bench.locks, held.place) == 1
    assert bench.replay() == [(1, None)]


def test_a_large_record_that_comes_again_leaves_what_is_parked_as_it_is(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "".join(random.Random(1).choices(ascii_letters, k=390_000))
    large = gauge(1, unit=text)
    large["dynamodb"]["NewImage"]["reading"] = {"S": "high"}
    assert bench.handle(large) == NONE_FAILED
    # Another release of zlib may compress otherwise.
    monkeypatch.setattr(parked, "compress", partial(zlib.compress, level=0))
    assert bench.handle(large) == NONE_FAILED
    (held,) = bench.quarantine.all()
    (one,) = bench.quarantine.records(held.place)
    assert json.loads(bench.quarantine.body(one)) == large


def test_an_object_that_is_not_there_is_an_attempt(bench: Bench) -> None:
    bench.journal.failing = lambda change: ObjectStoreError("no such object", missing=True)
    assert [bench.handle(gauge(1)) for _ in range(3)] == [failed(1), failed(1), NONE_FAILED]


# Replaying


def test_replaying_gives_what_is_parked_to_the_router_in_order(bench: Bench) -> None:
    bench.fail(1)
    for _ in range(3):
        bench.handle(gauge(1), gauge(2), gauge(3))
    assert bench.journal.given == []
    bench.fail()
    assert bench.replay() == [(3, None)]
    assert bench.journal.given == [("a", 1), ("a", 2), ("a", 3)]
    assert bench.held() == {}
    assert bench.handle(gauge(4)) == NONE_FAILED
    assert bench.journal.given[-1] == ("a", 4)


def test_a_record_that_fails_again_keeps_those_behind_it(bench: Bench) -> None:
    bench.handle(bad(1), gauge(2))
    assert bench.replay() == [(0, PoisonRecordError.__name__)]
    bench.fail(2)
    (held,) = bench.quarantine.all()
    bench.quarantine.discard(bench.locks, held.place)
    assert bench.replay() == [(0, ValueError.__name__)]
    assert bench.held() == {"a": 1}


def test_what_comes_while_an_item_is_replayed_waits_behind(bench: Bench) -> None:
    bench.handle(bad(1), gauge(2))
    (held,) = bench.quarantine.all()
    bench.quarantine.discard(bench.locks, held.place)
    live, _, _ = routed(bench.core)
    arrived = iter([gauge(3), gauge(4)])

    def meanwhile(change: Change[Gauge]) -> None:
        for each in arrived:
            assert live.handle(event(each)) == NONE_FAILED
            break

    bench.journal.failing = meanwhile
    assert bench.replay() == [(3, None)]
    assert bench.journal.given == [("a", 2), ("a", 3), ("a", 4)]


def test_what_was_replayed_and_is_delivered_again_is_passed_over(bench: Bench) -> None:
    bench.fail(1)
    for _ in range(3):
        bench.handle(gauge(1), gauge(2))
    bench.fail()
    bench.replay()
    assert bench.handle(gauge(1), gauge(2), gauge(3)) == NONE_FAILED
    assert bench.journal.given == [("a", 1), ("a", 2), ("a", 3)]


def test_what_was_dealt_with_and_comes_again_while_what_is_behind_it_is_replayed_is_not_parked_behind_that() -> None:
    bench = Bench(attempts=1)
    bench.fail(2)
    batch = gauge(1), gauge(2)
    assert bench.handle(*batch) == NONE_FAILED
    live, again, _ = routed(bench.core)

    def meanwhile(change: Change[Gauge]) -> None:
        assert live.handle(event(*batch)) == NONE_FAILED

    bench.journal.failing = meanwhile
    assert bench.replay() == [(1, None)]
    assert (bench.journal.given, again.given) == ([("a", 1), ("a", 2)], [])


def test_a_stream_that_counts_from_the_beginning_again_is_not_taken_for_what_was_dealt_with(bench: Bench) -> None:
    bench.handle(bad(7))
    parked, later = gauge(1), gauge(2)
    for anew in (parked, later):
        anew["dynamodb"]["ApproximateCreationDateTime"] = bench.clock.now().timestamp() + 3600
    assert bench.handle(parked) == NONE_FAILED
    assert bench.held() == {"a": 2}
    bench.discard()
    bench.discard()
    assert bench.handle(later) == NONE_FAILED
    assert bench.journal.given == [("a", 2)]


def test_an_item_that_was_cleared_may_be_held_again(bench: Bench) -> None:
    bench.handle(bad(1))
    (held,) = bench.quarantine.all()
    bench.quarantine.discard(bench.locks, held.place)
    bench.handle(bad(5), gauge(6))
    assert bench.held() == {"a": 2}
    bench.clock.advance(timedelta(days=30))
    assert bench.held() == {"a": 2}, "what is held does not expire"


def test_two_cannot_replay_one_item_at_once(bench: Bench) -> None:
    bench.fail(1)
    for _ in range(3):
        bench.handle(gauge(1))
    bench.fail()

    def another(change: Change[Gauge]) -> None:
        (other,) = bench.quarantine.replay(bench.router, bench.locks, wait=timedelta())
        assert isinstance(other.error, LockHeldError)

    bench.journal.failing = another
    assert bench.replay() == [(1, None)]


def test_who_lost_the_lock_lets_nothing_go(bench: Bench) -> None:
    bench.fail(1)
    for _ in range(3):
        bench.handle(gauge(1))

    def revoke(change: Change[Gauge]) -> None:
        (lock,) = bench.locks.all()
        bench.locks.release(lock.name, lock.token)

    bench.journal.failing = revoke
    assert bench.replay() == [(0, LockLostError.__name__)]
    assert bench.held() == {"a": 1}


def test_the_lock_of_a_replay_that_died_is_followed_by_another_process(bench: Bench) -> None:
    bench.fail(1)
    for _ in range(3):
        bench.handle(gauge(1))
    bench.fail()
    (held,) = bench.quarantine.all()
    bench.locks.acquire(f"quarantine/gauges/{held.place}", lease=timedelta(seconds=20))
    anew = Locks(bench.core)
    (outcome,) = bench.quarantine.replay(bench.router, anew)
    assert (outcome.handled, outcome.error) == (1, None)


def test_discarding_takes_the_first_or_all(bench: Bench) -> None:
    bench.handle(bad(1), gauge(2), gauge(3))
    (held,) = bench.quarantine.all()
    assert bench.quarantine.discard(bench.locks, held.place) == 1
    assert bench.quarantine.discard(bench.locks, held.place, whole=True) == 2
    with pytest.raises(NotFoundError):
        bench.quarantine.discard(bench.locks, held.place)
    with pytest.raises(InvalidInputError):
        Quarantine(bench.core, "gauges", attempts=0)


def test_what_was_let_go_meanwhile_is_passed_over_by_a_batch_that_had_looked_before(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.handle(bad(1))
    among = bench.quarantine.among

    def discarding(records: Any) -> Any:
        found = among(records)
        bench.discard()
        return found

    monkeypatch.setattr(bench.quarantine, "among", discarding)
    assert bench.handle(bad(1), gauge(2)) == NONE_FAILED
    assert bench.journal.given == [("a", 2)]
    assert bench.held() == {}


def test_what_a_queue_brings_late_is_not_taken_for_what_was_let_go(bench: Bench) -> None:
    def queued(found: dict[str, Any]) -> dict[str, Any]:
        return {"messageId": "m", "eventSource": "aws:sqs", "body": json.dumps(found)}

    bench.handle(queued(bad(2)))
    bench.discard()
    bench.handle(queued(gauge(1)))
    assert bench.journal.given == [("a", 1)]


def test_what_an_export_told_and_was_let_go_says_nothing_of_what_the_stream_tells(bench: Bench) -> None:
    body = bad(1)["dynamodb"]
    line = {
        "Keys": body["Keys"],
        "NewImage": body["NewImage"],
        "Metadata": {"WriteTimestampMicros": "1763640000000000"},
    }
    bench.router.take([bench.router.decoder.record(line, "CoreTable")])
    bench.discard()
    assert bench.handle(gauge(2)) == NONE_FAILED
    assert bench.journal.given == [("a", 2)]


# What nothing but its content tells from others


def test_records_that_nothing_names_are_each_parked(bench: Bench) -> None:
    strangers = [{"what": number} for number in range(3)]
    bench.handle(gauge(1), *strangers)
    bench.handle(gauge(1), *strangers)
    (held,) = bench.quarantine.all()
    bodies = [json.loads(bench.quarantine.body(each)) for each in bench.quarantine.records(held.place)]
    assert sorted(body["what"] for body in bodies) == [0, 1, 2]


def test_snapshots_that_cannot_be_read_are_parked_by_their_items_and_what_comes_later_behind(bench: Bench) -> None:
    def snapshot(found: dict[str, Any]) -> Any:
        return bench.router.decoder.item(found["dynamodb"]["NewImage"], "CoreTable")

    taken = bench.router.take([snapshot(bad(1)), snapshot(bad(1, "b")), snapshot(gauge(2)), snapshot(gauge(3))])
    assert taken.done == 4
    assert bench.held() == {"a": 3, "b": 1}


def test_a_reason_is_never_too_long_to_be_parked() -> None:
    core = memory()
    quarantine = Quarantine(core, "counts")
    router = Router([Counts], quarantine=quarantine)
    found = record(1, Counts(name="a", counts=[1] * 20_000))
    found["dynamodb"]["NewImage"]["counts"] = {"L": [{"S": "x"}] * 20_000}
    assert router.handle(event(found)) == NONE_FAILED
    assert [held.count for held in quarantine.all()] == [1]


def test_a_name_that_no_quarantine_can_have_is_refused_at_once() -> None:
    with pytest.raises(InvalidInputError, match="stream"):
        Quarantine(memory(), "my quarantine")


def test_whatever_parking_raises_is_in_the_answer(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr(bench.quarantine, "park", broken)
    assert bench.handle(gauge(1, "b"), bad(2), gauge(3, "c")) == failed(2)
    assert bench.journal.given == [("b", 1)]


# Sinks


def test_nothing_is_parked_before_the_sinks_have_what_comes_before_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, kept = Bench(attempts=1), Kept()
    bench.router.into(kept, Gauge)
    bench.fail(2)
    park = bench.quarantine.park

    def replayed_at_once(*what: Any) -> Any:
        held = park(*what)
        bench.fail()
        assert bench.replay() == [(1, None)]
        return held

    monkeypatch.setattr(bench.quarantine, "park", replayed_at_once)
    assert bench.handle(gauge(1), gauge(2), gauge(3)) == NONE_FAILED
    assert kept.all == [("a", 1), ("a", 2), ("a", 3)]


def test_what_no_sink_has_yet_is_not_lost_when_what_is_behind_it_is_discarded(bench: Bench) -> None:
    kept = Kept()
    bench.router.into(kept, Gauge)
    kept.raising = lambda changes: ThrottledError("later", retryable=True)
    batch = gauge(1), bad(2), gauge(3, "b")
    assert bench.handle(*batch) == failed(1)
    bench.discard()
    kept.raising = lambda changes: None
    assert bench.handle(*batch) == NONE_FAILED
    assert kept.all == [("a", 1), ("b", 3)]


def test_what_a_sink_refuses_is_parked_once_every_sink_has_what_comes_before_it() -> None:
    bench, first, second = Bench(attempts=1), Kept(), Kept()
    bench.router.into(first, Gauge)
    bench.router.into(second, Gauge)
    first.refusing = lambda change: ValueError("no") if change.sequence == 2 else None
    second.raising = lambda changes: ThrottledError("later", retryable=True)
    batch = gauge(1), gauge(2), gauge(3, "b")
    assert bench.handle(*batch) == failed(1)
    bench.discard()
    second.raising = lambda changes: None
    assert bench.handle(*batch) == NONE_FAILED
    assert second.all == [("a", 1), ("b", 3)]


def test_what_one_sink_refuses_while_another_waits_is_withheld_from_both() -> None:
    bench, first, second = Bench(attempts=1), Kept(), Kept()
    bench.router.into(first, Gauge)
    bench.router.into(second, Gauge)
    first.refusing = lambda change: ValueError("no") if change.sequence == 3 else None
    second.refusing = lambda change: ValueError("no") if change.sequence == 1 else None
    assert bench.handle(gauge(1, "b"), gauge(2), gauge(3), gauge(4, "b"), gauge(5), gauge(6, "c")) == NONE_FAILED
    assert second.all == [("a", 2), ("c", 6)]
    assert bench.held() == {"a": 2, "b": 2}


def test_nothing_is_parked_behind_what_a_backfill_parked_before_the_sinks_have_what_comes_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench, kept = Bench(attempts=1), Kept()
    bench.router.into(kept, Gauge)
    park_behind = bench.quarantine.park_behind

    def fill(sequence: int) -> None:
        bench.router.take([bench.router.decoder.item(bad(sequence)["dynamodb"]["NewImage"], "CoreTable")])

    def meanwhile(behind: Any) -> bool:
        if behind.sequence == 6:
            bench.discard()
        parked = park_behind(behind)
        if behind.sequence == 6:
            fill(2)
        else:
            bench.discard()
            assert bench.replay() == [(1, None)]
        return parked

    fill(1)
    monkeypatch.setattr(bench.quarantine, "park_behind", meanwhile)
    assert bench.handle(gauge(6), gauge(7)) == NONE_FAILED
    assert kept.all == [("a", 6), ("a", 7)]


def test_what_comes_once_a_refused_change_was_replayed_is_not_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, kept = Bench(attempts=1), Kept()
    bench.router.into(kept, Gauge)
    bench.fail(3)
    refused = {1, 5}
    kept.refusing = lambda change: ValueError("no") if change.sequence in refused else None
    park = bench.quarantine.park

    def replayed_at_once(failed: Any, error: Exception) -> Any:
        park(failed, error)
        if failed.sequence == 1:
            refused.discard(1)
            assert bench.replay() == [(1, None)]
        return bench.quarantine.held(failed.place)

    monkeypatch.setattr(bench.quarantine, "park", replayed_at_once)
    assert bench.handle(gauge(1), gauge(2, "b"), gauge(3, "b"), gauge(4), gauge(5, "c")) == NONE_FAILED
    assert kept.all == [("b", 2), ("a", 1), ("a", 4)]
    assert bench.held() == {"b": 1, "c": 1}


def in_a_second(clock: ManualClock) -> Callable[[], bool]:
    """Whether there is no time left, which there is for a second."""
    until = clock.monotonic() + 1
    return lambda: clock.monotonic() >= until


@pytest.mark.parametrize(("attempts", "done"), [(1, 1), (2, 0)])
def test_where_time_runs_out_while_a_sink_raises_for_all_the_first_that_it_refuses_has_its_attempt(
    attempts: int, done: int
) -> None:
    clock, kept = ManualClock(), Kept()
    router, _, _ = routed(memory(clock), attempts=attempts, clock=clock)
    router.into(kept, Gauge)
    calls: list[int] = []

    def broken(changes: Any) -> Exception:
        clock.advance(1)
        calls.append(len(changes))
        return ValueError("no")

    kept.raising = broken
    records = router.decoder.records(event(*(gauge(number, str(number)) for number in range(1, 65))))
    assert router.take(records, in_a_second(clock)).done == done
    assert calls == [64, 32, 16, 8, 4, 2, 1]
    assert router.take(records, in_a_second(clock)).done == done + 1


def test_where_time_runs_out_while_much_is_parked_behind_it_stops_at_the_next() -> None:
    clock, kept = ManualClock(), Kept()
    router, _, _ = routed(memory(clock), attempts=1, clock=clock)
    router.into(kept, Gauge)

    def slowly(change: Change[Any]) -> Exception | None:
        clock.advance(1)
        return ValueError("no") if change.sequence == 1 else None

    kept.refusing = slowly
    records = router.decoder.records(event(*(gauge(number) for number in range(1, 6))))
    taken = router.take(records, in_a_second(clock))
    assert (taken.done, taken.error, taken.parked) == (1, None, 1)
    taken = router.take(records[1:], in_a_second(clock))
    assert (taken.done, taken.parked) == (4, 4)


def test_what_a_sink_refuses_is_parked_with_what_is_behind_it(bench: Bench) -> None:
    bench = Bench(attempts=1)
    kept, last = Kept(), Kept()
    bench.router.into(kept, Gauge)
    bench.router.into(last, Gauge)
    kept.refusing = lambda change: ValueError("no") if change.sequence == 1 else None
    assert bench.handle(gauge(1), gauge(2, "b"), gauge(3)) == NONE_FAILED
    assert bench.held() == {"a": 2}
    assert kept.all == last.all == [("b", 2)]
    kept.refusing = lambda change: None
    assert bench.replay() == [(2, None)]
    assert kept.all == last.all == [("b", 2), ("a", 1), ("a", 3)]


def test_where_the_quarantine_cannot_be_reached_nothing_is_done(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise ThrottledError("away", retryable=True)

    monkeypatch.setattr(bench.quarantine, "among", away)
    assert bench.handle(gauge(1), gauge(2)) == failed(1)
    assert bench.journal.given == []
    monkeypatch.undo()
    monkeypatch.setattr(bench.quarantine, "park", away)
    assert bench.handle(gauge(1, "b"), bad(2), gauge(3, "c")) == failed(2)
    assert bench.journal.given == [("b", 1)]


def test_many_held_items_cost_a_batch_no_more_than_its_own(bench: Bench) -> None:
    records = [bad(number, f"g{number}") for number in range(1, 251)]
    assert bench.handle(*records) == NONE_FAILED
    assert len(bench.held()) == 250
    assert bench.handle(gauge(300, "g7"), gauge(301, "other")) == NONE_FAILED
    assert bench.journal.given == [("other", 301)]


def test_records_without_keys_hold_nobody(bench: Bench) -> None:
    taken = bench.router.take([poison(1), poison(2), *bench.router.decoder.records(event(gauge(3)))])
    assert (taken.done, taken.parked) == (3, 2)
    assert sorted(each.count for each in bench.quarantine.all()) == [1, 1]
