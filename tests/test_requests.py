"""Requests, running plans, waiting, and what it all costs."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from random import Random
from threading import Event, get_ident
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aircraftops_data.clock import Chance, Retry, SystemClock
from aircraftops_data.consumed import Consumed, consumed_of, metered, record, total
from aircraftops_data.core.context import send
from aircraftops_data.core.run import run, side_by_side
from aircraftops_data.errors import (
    AircraftOpsDataError,
    ContentionError,
    NotFoundError,
    StoreError,
    ThrottledError,
    TimeoutError,
)
from aircraftops_data.request import Plan, Request, Wait
from aircraftops_data.testing.clock import ManualClock
from playing import Stage, context

GET = Request("GetItem", {"TableName": "T", "Key": {"PK": {"S": "a"}}})
BROKEN = StoreError("broken", retryable=True)

# Requests


def test_requests_are_equal_when_they_would_send_the_same() -> None:
    assert Request("GetItem", {"TableName": "T", "Key": {"PK": {"S": "a"}}}) == GET
    assert Request("GetItem", {"TableName": "T", "Key": {"PK": {"S": "b"}}}) != GET
    assert Request("DeleteItem", GET.parameters) != GET


def test_a_request_prints_as_its_operation_and_parameters() -> None:
    assert str(GET) == 'GetItem {\n  "TableName": "T",\n  "Key": {\n    "PK": {\n      "S": "a"\n    }\n  }\n}'
    assert "b'raw'" in str(Request("PutItem", {"Item": {"raw": {"B": b"raw"}}}))


def test_a_request_is_itself_after_pickling_and_cannot_be_changed() -> None:
    assert pickle.loads(pickle.dumps(GET)) == GET
    with pytest.raises(AttributeError):
        GET.operation = "PutItem"  # type: ignore[misc]


# Running


class Engine:
    """A transport that answers with what it is given, in turn."""

    def __init__(self, *answers: Any) -> None:
        self._answers = iter(answers)
        self.sent: list[Request] = []

    def send(self, request: Request) -> Any:
        self.sent.append(request)
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


def twice() -> Plan[list[Any]]:
    """Asks, waits, asks again, and gives back what it was told."""
    first = yield GET
    yield Wait(1.5)
    try:
        second = yield GET
    except StoreError as error:
        second = error.code
    return [first, second]


def test_a_plan_is_run_to_its_end() -> None:
    clock, engine = ManualClock(), Engine({"a": 1}, {"b": 2})
    assert run(twice(), engine, clock) == [{"a": 1}, {"b": 2}]
    assert engine.sent == [GET, GET]
    assert clock.slept == [1.5]


def test_an_error_is_handed_to_the_plan_which_may_go_on() -> None:
    assert run(twice(), Engine({"a": 1}, StoreError("no", code="X")), ManualClock()) == [{"a": 1}, "X"]


def test_an_error_the_plan_does_not_take_is_raised() -> None:
    with pytest.raises(NotFoundError):
        run(twice(), Engine({"a": 1}, NotFoundError("gone")), ManualClock())


def test_an_error_that_is_not_the_librarys_ends_the_run() -> None:
    with pytest.raises(ZeroDivisionError):
        run(twice(), Engine(ZeroDivisionError()), ManualClock())


def test_a_lost_answer_is_met_with_the_very_same_request_up_to_three_times() -> None:
    stage = Stage()
    assert stage.play(send(GET, context()), BROKEN, TimeoutError("lost", retryable=True), {"a": 1}) == {"a": 1}
    assert stage.requests == [GET, GET, GET]
    assert len(stage.waits) == 2
    with pytest.raises(StoreError):
        stage.play(send(GET, context()), BROKEN, BROKEN, BROKEN)


@pytest.mark.parametrize(
    "error", [StoreError("broken"), ThrottledError("slow", retryable=True), ContentionError("busy", retryable=True)]
)
def test_what_the_transport_retried_already_is_raised_at_once(error: AircraftOpsDataError) -> None:
    stage = Stage()
    with pytest.raises(type(error)):
        stage.play(send(GET, context()), error)
    assert stage.waits == []


# Side by side


@given(st.lists(st.integers(), max_size=30), st.integers(1, 5))
def test_work_side_by_side_keeps_the_order_of_its_inputs(inputs: list[int], concurrency: int) -> None:
    assert list(side_by_side(lambda value: value * 2, inputs, concurrency)) == [value * 2 for value in inputs]


def test_inputs_are_taken_as_they_are_needed() -> None:
    taken: list[int] = []

    def source() -> Iterator[int]:
        for value in range(1000):
            taken.append(value)
            yield value

    results = side_by_side(lambda value: value, source(), 3)
    assert next(results) == 0
    assert len(taken) <= 2 * 3
    results.close()  # type: ignore[attr-defined]


def test_work_is_done_side_by_side() -> None:
    both = [Event(), Event()]

    def meet(place: int) -> bool:
        both[place].set()
        return both[1 - place].wait(timeout=30)

    assert list(side_by_side(meet, [0, 1], 2)) == [True, True]


def test_one_at_a_time_needs_no_thread() -> None:
    assert list(side_by_side(lambda _: get_ident(), [1, 2], 1)) == [get_ident()] * 2


def test_after_an_error_nothing_more_is_started() -> None:
    started: list[int] = []

    def work(value: int) -> int:
        started.append(value)
        if value == 0:
            raise KeyError(value)
        return value

    with pytest.raises(KeyError):
        list(side_by_side(work, range(1000), 2))
    assert len(started) <= 4


# Chance and retry


@given(st.integers(), st.floats(0, 1e6))
def test_jitter_lies_between_nothing_and_its_ceiling_and_is_repeatable(seed: int, ceiling: float) -> None:
    one, other = Chance(Random(seed)), Chance(Random(seed))
    drawn = [one.jitter(ceiling) for _ in range(5)]
    assert all(0 <= wait <= ceiling for wait in drawn)
    assert drawn == [other.jitter(ceiling) for _ in range(5)]


@given(st.integers(), st.sampled_from([8, 64, 128]))
def test_an_identifier_has_its_bits_in_hexadecimal(seed: int, bits: int) -> None:
    found = Chance(Random(seed)).identifier(bits)
    assert len(found) == bits // 4
    assert 0 <= int(found, 16) < 2**bits


def test_identifiers_differ() -> None:
    assert len({Chance().identifier() for _ in range(1000)}) == 1000


def test_ceilings_double_up_to_the_most() -> None:
    retry = Retry(first_seconds=0.1, most_seconds=1.0)
    assert [retry.ceiling(attempt) for attempt in range(5)] == [0.1, 0.2, 0.4, 0.8, 1.0]
    assert Retry().ceiling(1000) == Retry().ceiling(10_000) == Retry().most_seconds


def test_the_systems_clock_gives_utc() -> None:
    assert SystemClock().now().utcoffset() is not None
    assert SystemClock().now().utcoffset().total_seconds() == 0  # type: ignore[union-attr]


# What it costs

INDEXED = {
    "TableName": "T",
    "CapacityUnits": 5.0,
    "Table": {"CapacityUnits": 2.0},
    "GlobalSecondaryIndexes": {"GSI1": {"CapacityUnits": 3.0}},
    "LocalSecondaryIndexes": {"LSI1": {"CapacityUnits": 0.0}},
}


@pytest.mark.parametrize(
    ("operation", "reported", "cost"),
    [
        ("PutItem", INDEXED, Consumed(0, 5, 1, {"T": 2, "T/GSI1": 3})),
        ("Query", INDEXED, Consumed(5, 0, 1, {"T": 2, "T/GSI1": 3})),
        ("GetItem", {"TableName": "T", "CapacityUnits": 0.5}, Consumed(0.5, 0, 1, {"T": 0.5})),
        ("BatchGetItem", [{"TableName": "T", "CapacityUnits": 1.0}], Consumed(1, 0, 1, {"T": 1})),
        ("TransactWriteItems", [INDEXED, INDEXED], Consumed(0, 10, 1, {"T": 4, "T/GSI1": 6})),
        ("PutItem", None, Consumed(0, 0, 1)),
    ],
)
def test_a_response_tells_what_its_request_cost(operation: str, reported: Any, cost: Consumed) -> None:
    assert consumed_of(operation, {"ConsumedCapacity": reported}) == cost


def test_costs_add_up() -> None:
    one, other = Consumed(1, 2, 1, {"T": 3}), Consumed(0.5, 0, 2, {"T": 1, "U": 2})
    assert one + other == Consumed(1.5, 2, 3, {"T": 4, "U": 2})
    assert total([one, other]) == one + other
    assert total([]) == Consumed()
    assert (str(one), str(Consumed())) == ("1 RU + 2 WU", "0")


def costing(units: float) -> dict[str, Any]:
    """A response that tells what its request cost."""
    return {"ConsumedCapacity": {"TableName": "T", "CapacityUnits": units}}


def test_a_block_is_told_what_it_cost_and_so_is_the_one_around_it() -> None:
    with metered() as outer:
        record("Query", costing(1))
        with metered() as inner:
            run(twice(), Engine({"ConsumedCapacity": {"TableName": "T", "CapacityUnits": 2.0}}, {}), ManualClock())
        list(side_by_side(lambda _: record("PutItem", costing(1)), range(10), 3))
    record("Query", costing(100))
    assert (inner.consumed.read_units, inner.consumed.requests) == (2, 2)
    assert (outer.consumed.read_units, outer.consumed.write_units, outer.consumed.requests) == (3, 10, 13)
