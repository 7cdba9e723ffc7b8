"""Whatever goes wrong on the way: each change ends where it was sent, in order, or is among the refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aircraftops_data.errors import StoreError
from aircraftops_data.streams.change import Change
from aircraftops_data.streams.sinks.firehose import FirehoseSink
from aircraftops_data.streams.sinks.queue import QueueSink
from aircraftops_data.streams.sinks.sink import Refused
from changes_at_hand import MemoryFirehose, MemoryQueue, Weather, changes, id_in, patience

ATTEMPTS = 3
items = st.lists(st.sampled_from("abcdefghijklmnop"), min_size=1, max_size=20)
plans = st.lists(st.sampled_from(["throttled", "away", "lost"]) | st.integers(0, 1023), max_size=16)
spoils = st.frozensets(st.integers(1, 20), max_size=3)


def weather_of(made: Sequence[Change[Any]], plan: list[str | int], spoilt: frozenset[int]) -> Weather:
    return Weather(iter(plan), frozenset(str(change.event_id) for change in made if change.sequence in spoilt))


def written(sink: QueueSink | FirehoseSink, made: Sequence[Change[Any]]) -> Sequence[Refused] | None:
    """What was refused; None where the sink raised instead."""
    try:
        return sink.write(made)
    except StoreError as error:
        assert error.retryable
        return None


def assert_closed(made: Sequence[Change[Any]], refused: Sequence[Refused]) -> set[str | None]:
    """What is behind a refused change is refused too, and all are told in order; the event ids of the others."""
    out = {each.change.event_id for each in refused}
    assert [each.change for each in refused] == [change for change in made if change.event_id in out]
    for each in refused:
        assert {c.event_id for c in made if c.place == each.change.place and c.order > each.change.order} <= out
    return {change.event_id for change in made} - out


@given(items, plans, spoils)
def test_a_fifo_queue_has_each_change_once_and_in_order_or_it_is_refused(
    named: list[str], plan: list[str | int], spoilt: frozenset[int]
) -> None:
    made = changes(*named)
    queue = MemoryQueue(weather_of(made, plan, spoilt))
    refused = written(QueueSink("q.fifo", client=queue, patience=patience(ATTEMPTS)), made)
    for item in set(named):
        asked = [change.event_id for change in made if change.keys["PK"] == {"S": item}]
        assert [held for held in queue.held if held in asked] == asked[: sum(held in asked for held in queue.held)]
    if refused is not None:
        assert assert_closed(made, refused) <= set(queue.held)
        assert not queue.weather.spoilt - {each.change.event_id for each in refused}
    assert max(Counter(sent for request in queue.requests for sent in request).values()) <= ATTEMPTS


@given(items, plans, spoils)
def test_a_standard_queue_has_each_change_or_it_is_refused(
    named: list[str], plan: list[str | int], spoilt: frozenset[int]
) -> None:
    made = changes(*named)
    queue = MemoryQueue(weather_of(made, plan, spoilt))
    refused = written(QueueSink("q", client=queue, patience=patience(ATTEMPTS)), made)
    if refused is not None:
        assert assert_closed(made, refused) <= set(queue.held)


@given(items, plans, spoils)
def test_a_stream_of_firehose_has_each_change_or_it_is_refused(
    named: list[str], plan: list[str | int], spoilt: frozenset[int]
) -> None:
    made = changes(*named)
    firehose = MemoryFirehose(weather_of(made, plan, spoilt))
    refused = written(FirehoseSink("s", client=firehose, patience=patience(ATTEMPTS)), made)
    if refused is not None:
        assert assert_closed(made, refused) <= {id_in(line) for line in firehose.lines}


@given(items, plans)
def test_a_caller_that_writes_what_is_left_again_has_everything_in_the_queue_at_last(
    named: list[str], plan: list[str | int]
) -> None:
    made = left = changes(*named)
    queue = MemoryQueue(Weather(iter(plan)))
    sink = QueueSink("q.fifo", client=queue, patience=patience(ATTEMPTS))
    while left:
        refused = written(sink, left)
        left = left if refused is None else [each.change for each in refused]
    assert sorted(queue.held) == sorted(str(change.event_id) for change in made)
    for item in set(named):
        numbers = [int(held.partition("-")[2]) for held in queue.held if held.startswith(f"{item}-")]
        assert numbers == sorted(numbers)


@pytest.mark.parametrize("kind", ["throttled", "away", "lost"])
def test_waits_grow_and_end(kind: str) -> None:
    queue = MemoryQueue(Weather(iter([kind] * 100)))
    held = patience(8)
    with pytest.raises(StoreError) as raised:
        QueueSink("q", client=queue, patience=held).write(changes("a", "b"))
    assert raised.value.retryable
    assert len(queue.requests) == 8
    slept = held.clock.slept  # type: ignore[attr-defined]
    assert len(slept) == 7
    assert all(0 <= seconds <= held.retry.ceiling(number) for number, seconds in enumerate(slept))
