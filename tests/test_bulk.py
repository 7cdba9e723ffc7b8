"""Bulk work: streams in, bounded memory, nothing overtaken, every input accounted for; without any engine."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count, repeat
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aircraftops_data import CoreTable, Progress, metered
from aircraftops_data.core.batch import Report, batch_write
from aircraftops_data.core.packing import PUTS, Packing, Unit
from aircraftops_data.errors import InvalidInputError, InvalidKeyError, UnprocessedItemsError
from aircraftops_data.request import Request, Response
from memory import Memory, Part, Tagged, identities, parts
from playing import Stage, context


class Gated:
    """A transport that calls `gate` before each request goes on."""

    def __init__(self, memory: Memory, gate: Callable[[Request], object]) -> None:
        self._memory = memory
        self._gate = gate

    def send(self, request: Request) -> Response:
        """Wait at the gate, then send."""
        self._gate(request)
        return self._memory.send(request)


def table(*held: Part, gate: Callable[[Request], object] = lambda _: None) -> tuple[CoreTable, Memory]:
    """A table in memory."""
    memory = Memory(*held)
    return CoreTable(Gated(memory, gate), context()), memory


def numbers(request: Request) -> list[int]:
    """The parts a batch puts or asks for, by number."""
    ((_, asked),) = request.parameters["RequestItems"].items()
    keys = asked["Keys"] if isinstance(asked, dict) else [write["PutRequest"]["Item"] for write in asked]
    return [int(key["SK"]["S"].removeprefix("PART#")) for key in keys]


def idle() -> bool:
    """Whether no thread of the library is left."""
    return not [thread for thread in threading.enumerate() if thread.name.startswith("aircraftops")]


class Counted:
    """Endless parts, and how many were taken."""

    def __init__(self, stop: int | None = None) -> None:
        self.taken = 0
        self._stop = stop

    def __iter__(self) -> Iterator[Part]:
        for number in count():
            if number == self._stop:
                raise ZeroDivisionError
            self.taken += 1
            yield Part(number=number)


class Enough(Exception):
    """Stops an endless work from inside."""


# Packing


@given(st.lists(st.integers(0, 30), max_size=200), st.randoms(use_true_random=False))
def test_of_each_key_the_last_write_wins_in_whatever_order_requests_end(given_numbers: list[int], random: Any) -> None:
    packing, stored, flying = Packing[Part](PUTS, context()), dict[int, str](), list[Unit[Part]]()

    def end_one() -> None:
        unit = flying.pop(random.randrange(len(flying)))
        for write in unit.writes.values():
            stored[write.entity.number] = write.entity.note
        packing.settle(unit, Report(len(unit.entities)))

    for place, number in enumerate(given_numbers):
        unit = packing.take(Part(number=number, note=str(place)))
        unit = packing.rest() if unit is None and random.random() < 0.1 else unit
        while unit is not None and not packing.may_go(unit):
            end_one()
        if unit is not None:
            assert len(unit.writes) <= 25
            packing.start(unit)
            flying.append(unit)
    while flying:
        end_one()
    if (last := packing.rest()) is not None:
        flying.append(last)
        end_one()
    assert stored == {number: str(place) for place, number in enumerate(given_numbers)}
    assert packing.report.done == len(given_numbers)


def test_one_key_without_end_is_sent_before_long() -> None:
    packing = Packing[Part](PUTS, context())
    taken = Counter(type(packing.take(Part(number=1, note=str(number)))) for number in range(1000))
    assert taken[Unit] == 4


def test_an_entity_with_unique_values_is_a_unit_by_itself() -> None:
    packing = Packing[Any](PUTS, context())
    assert packing.take(Part(number=1)) is None
    unit = packing.take(Tagged(number=1, tag="a"))
    assert unit is not None
    assert unit.entities == [Tagged(number=1, tag="a")]
    assert unit.intent is not None
    packing.start(unit)
    again = packing.take(Tagged(number=1, tag="b"))
    assert again is not None
    assert not packing.may_go(again)


def test_inputs_that_share_a_write_share_its_fate() -> None:
    packing = Packing[Part](PUTS, context(attempts=1))
    for note in "abc":
        packing.take(Part(number=1, note=note))
    unit = packing.rest()
    assert unit is not None
    left = {"t-Bins": [write.request for write in unit.writes.values()]}
    part = Stage().play(batch_write(list(unit.writes.values()), packing.context), {"UnprocessedItems": left})
    packing.settle(unit, part)
    assert [failure.entity.note for failure in packing.report.failed] == ["a", "b", "c"]
    assert {type(failure.error) for failure in packing.report.failed} == {UnprocessedItemsError}
    assert packing.progress == Progress(0, 3, part.consumed)


# Writing


@pytest.mark.parametrize("concurrency", [1, 2, 5])
def test_an_endless_source_is_read_a_bounded_way_ahead(concurrency: int) -> None:
    source, seen = Counted(), list[tuple[int, int]]()

    def told(progress: Progress) -> None:
        seen.append((progress.done, source.taken))
        if len(seen) == 40:
            raise Enough

    core, memory = table()
    with pytest.raises(Enough):
        core.put_many(source, concurrency=concurrency, progress=told)
    assert max(taken - done for done, taken in seen) <= 25 * (2 * concurrency + 1)
    assert len(memory.items) <= source.taken
    assert idle()


def test_requests_go_on_while_one_is_slow() -> None:
    """The first request ends only when twice as many as fit in a window have gone past it."""
    others, enough = Counter[str](), threading.Event()

    def gate(request: Request) -> None:
        if 0 in numbers(request):
            assert enough.wait(timeout=30)
            return
        others.update(["sent"])
        if others["sent"] == 3:
            enough.set()

    core, memory = table(gate=gate)
    report = core.put_many(parts(25 * 4), concurrency=2)
    assert (report.done, len(memory.items)) == (100, 100)


def test_a_key_whose_write_is_under_way_is_held_back() -> None:
    second_arrived = threading.Event()

    def gate(request: Request) -> None:
        if 100 in numbers(request):
            second_arrived.set()
        assert second_arrived.wait(timeout=30)

    core, memory = table(gate=gate)
    source = [*parts(25, note="first"), *parts(25, start=100), *parts(25, note="last")]
    assert core.put_many(source, concurrency=4).done == 75
    assert {memory.items["BIN#a", f"PART#{number:06}"]["note"]["S"] for number in range(25)} == {"last"}


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_source_that_fails_ends_the_work_and_what_was_sent_counts(concurrency: int) -> None:
    core, memory = table()
    seen: list[Progress] = []
    with pytest.raises(ZeroDivisionError) as caught:
        core.put_many(Counted(stop=260), concurrency=concurrency, progress=seen.append)
    assert len(memory.items) == seen[-1].done == 250
    assert caught.value.__notes__ == ["250 were written before the source failed"]
    assert idle()


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_callback_that_fails_stops_the_work(concurrency: int) -> None:
    def told(_: Progress) -> None:
        raise Enough

    core, memory = table()
    with pytest.raises(Enough):
        core.put_many(Counted(), concurrency=concurrency, progress=told)
    assert 25 <= len(memory.items) <= 25 * (2 * concurrency + 1)
    assert idle()


def test_a_transport_that_breaks_stops_the_work() -> None:
    def gate(request: Request) -> None:
        if 100 in numbers(request):
            raise ZeroDivisionError

    core, memory = table(gate=gate)
    with pytest.raises(ZeroDivisionError):
        core.put_many(Counted(), concurrency=3)
    assert len(memory.items) <= 25 * (4 + 2 * 3)
    assert idle()


def test_progress_ends_at_what_the_report_says_even_where_all_failed() -> None:
    core, _ = table()
    seen: list[Progress] = []
    report = core.put_many([Part(bin="x" * 3000, number=1)], progress=seen.append)
    assert seen == [Progress(0, 1, report.consumed)]
    seen.clear()
    core.put_many([], progress=seen.append)
    assert seen == []


def test_a_bulk_write_measures_itself_in_threads_too() -> None:
    core, _ = table()
    with metered() as meter:
        report = core.put_many([*parts(120), *(Tagged(number=n, tag=str(n)) for n in range(3))], concurrency=4)
    assert report.consumed == meter.consumed
    assert report.consumed.requests == 5 + 2 * 3


@pytest.mark.parametrize("concurrency", [0, -1])
def test_there_is_at_least_one_request_at_a_time(concurrency: int) -> None:
    core, memory = table()
    for call in (core.put_many, core.delete_many):
        with pytest.raises(InvalidInputError, match="At least one"):
            call(parts(1), concurrency=concurrency)
    with pytest.raises(InvalidInputError, match="At least one"):
        core.get_many(Part, [{"number": 1}], concurrency=concurrency)
    assert memory.sent == []


# Reading


@pytest.mark.parametrize("concurrency", [1, 3])
@given(asked=st.lists(st.integers(0, 400), max_size=500))
def test_answers_come_in_the_order_of_their_inputs(concurrency: int, asked: list[int]) -> None:
    core, memory = table(*parts(200))
    found = core.get_many(Part, [{"bin": "a", "number": number} for number in asked], concurrency=concurrency)
    assert [one and one.number for one in found] == [number if number < 200 else None for number in asked]
    assert found.consumed.requests == len(memory.sent)
    assert all(len(set(numbers(request))) == len(numbers(request)) <= 100 for request in memory.sent)


def test_nothing_is_read_until_the_first_answer_is_asked_for() -> None:
    core, memory = table(*parts(3))
    found = core.get_many(Part, identities(3))
    assert memory.sent == []
    assert next(found) == core.get(Part, bin="a", number=0)
    assert found.consumed.read_units == 3


@pytest.mark.parametrize("concurrency", [1, 3])
def test_identities_without_end_are_taken_a_bounded_way_ahead(concurrency: int) -> None:
    taken = count()
    core, _ = table()
    source = ({"bin": "a", "number": number} for number in taken)
    with core.get_many(Part, source, concurrency=concurrency) as found:
        for _ in range(1000):
            assert next(found) is None
    assert next(taken) <= 1000 + 100 * (2 * concurrency + 2)
    assert idle()


def test_a_loop_left_early_leaves_no_thread() -> None:
    core, memory = table()
    for _ in core.get_many(Part, ({"bin": "a", "number": number} for number in count()), concurrency=3):
        break
    assert idle()
    assert len(memory.sent) <= 8


def test_a_key_given_without_end_is_read_once_for_a_thousand_inputs() -> None:
    core, memory = table(*parts(1))
    with core.get_many(Part, repeat({"bin": "a", "number": 0})) as found:
        assert [one and one.number for _, one in zip(range(1500), found, strict=False)] == [0] * 1500
    assert [numbers(request) for request in memory.sent] == [[0], [0]]


@pytest.mark.parametrize("concurrency", [1, 3])
def test_a_failing_source_of_identities_fails_after_what_was_asked_is_answered(concurrency: int) -> None:
    def source() -> Iterator[dict[str, Any]]:
        yield from identities(250)
        raise ZeroDivisionError

    core, memory = table(*parts(250))
    found, seen = core.get_many(Part, source(), concurrency=concurrency), list[int]()
    with pytest.raises(ZeroDivisionError):
        seen.extend(one.number for one in found if one)
    assert seen == list(range(200))
    assert len(memory.sent) == 2


def test_an_identity_that_is_not_one_fails_when_it_is_reached() -> None:
    core, _ = table(*parts(100))
    found, seen = core.get_many(Part, [*identities(100), {}]), list[int]()
    with pytest.raises(InvalidKeyError):
        seen.extend(one.number for one in found if one)
    assert seen == list(range(100))


# Scanning


@pytest.mark.parametrize("segments", [2, 5])
def test_a_scan_in_segments_finds_everything_once(segments: int) -> None:
    core, _ = table(*parts(203))
    assert sorted(part.number for part in core.scan(Part, segments=segments)) == list(range(203))


def test_segments_go_on_while_one_is_slow() -> None:
    """The first page of one segment comes only when the other has been read to its end."""
    ended = threading.Event()

    def gate(request: Request) -> None:
        if request.parameters["Segment"] == 0 and "ExclusiveStartKey" not in request.parameters:
            assert ended.wait(timeout=30)

    core, _ = table(*parts(80), gate=gate)
    found: list[int] = []
    for part in core.scan(Part, segments=2):
        found.append(part.number)
        if len(found) == 40:
            ended.set()
    assert {number % 2 for number in found[:40]} == {1}
    assert sorted(found) == list(range(80))


@pytest.mark.parametrize("taken", [0, 1, 30])
def test_each_segment_reads_one_page_ahead_and_a_loop_left_early_stops_all(taken: int) -> None:
    core, memory = table(*parts(400))
    with iter(core.scan(Part, segments=4)) as found:
        for _ in range(taken):
            next(found)
    pages = -(-taken // 4)
    assert pages <= len(memory.sent) <= (pages + 4 if taken else 0)
    assert idle()
