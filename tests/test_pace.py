"""The pace: units per second kept exactly by what responses report, whoever shares it, without a real wait."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aircraftops_data import CoreTable, Limiter, Rate
from aircraftops_data.core.pace import limiter_of, paced
from aircraftops_data.errors import InvalidInputError, ThrottledError
from aircraftops_data.request import Plan, Request, Wait
from aircraftops_data.testing import ManualClock
from memory import Memory, Part, cost, identities, parts
from playing import Stage, context

GET = Request("GetItem", {})


def asking(times: int) -> Plan[list[Any]]:
    """Asks so many times."""
    answers: list[Any] = []
    for _ in range(times):
        answers.append((yield GET))
    return answers


@pytest.mark.parametrize("wrong", [(0, None), (-1, None), (5, 0), (5, -1), (float("nan"), None)])
def test_a_rate_is_more_than_nothing(wrong: tuple[float, float | None]) -> None:
    with pytest.raises(InvalidInputError, match="more than zero"):
        Rate(*wrong)


def test_a_rate_becomes_a_limiter_and_a_limiter_stays_itself() -> None:
    limiter = Limiter(Rate(5))
    assert limiter_of(limiter) is limiter
    assert limiter_of(Rate(5)) is not limiter_of(Rate(5))


@given(
    st.floats(1, 1000),
    st.none() | st.floats(1, 2000),
    st.lists(st.tuples(st.floats(0, 300), st.floats(0, 5)), max_size=40),
)
def test_never_more_is_used_than_the_rate_and_one_burst_allow(
    rate: float, burst: float | None, requests: list[tuple[float, float]]
) -> None:
    clock, limiter, used = ManualClock(), Limiter(Rate(rate, burst)), 0.0
    start = clock.now()
    for units, pause in requests:
        while isinstance(reserved := limiter.reserve(clock.now()), Wait):
            clock.advance(reserved.seconds)
        passed = (clock.now() - start).total_seconds()
        assert used <= rate * passed + (rate if burst is None else burst) + 0.01
        limiter.settle(reserved, units)
        used += units
        clock.advance(pause)


def test_the_rate_is_reached() -> None:
    clock, limiter = ManualClock(), Limiter(Rate(100))
    stage = Stage()
    stage.play(waiting(paced(asking(50), limiter, clock), clock), *[cost(20)] * 50)
    assert sum(clock.slept) == pytest.approx(50 * 20 / 100, abs=0.5)


def waiting(plan: Plan[Any], clock: ManualClock) -> Plan[Any]:
    """The same plan, its waits passed by the clock."""
    answer = None
    while True:
        try:
            effect = plan.send(answer)
        except StopIteration as ended:
            return ended.value
        if isinstance(effect, Wait):
            clock.sleep(effect.seconds)
            answer = None
        else:
            answer = yield effect


def test_it_begins_gently_however_many_begin_at_once() -> None:
    clock, limiter = ManualClock(), Limiter(Rate(500))
    assert isinstance(limiter.reserve(clock.now()), float)
    waits = [limiter.reserve(clock.now()) for _ in range(32)]
    assert waits == [Wait(0.05)] * 32


def test_what_is_set_aside_follows_what_requests_cost() -> None:
    clock, limiter = ManualClock(), Limiter(Rate(1000))
    for _ in range(20):
        reserved = limiter.reserve(clock.now())
        assert isinstance(reserved, float)
        limiter.settle(reserved, 200)
        clock.advance(1)
    reserved = limiter.reserve(clock.now())
    assert isinstance(reserved, float)
    assert reserved == pytest.approx(200, rel=0.01)


def test_a_quiet_time_saves_up_one_burst_and_no_more() -> None:
    clock, limiter = ManualClock(), Limiter(Rate(10, burst=30))
    limiter.reserve(clock.now())
    clock.advance(timedelta(hours=1))
    sent = 0
    while isinstance(reserved := limiter.reserve(clock.now()), float):
        limiter.settle(reserved, 10)
        sent += 1
    assert sent == 4


def test_a_clock_put_back_neither_brings_nor_takes() -> None:
    clock, limiter = ManualClock(), Limiter(Rate(10))
    limiter.reserve(clock.now())
    before = limiter.reserve(clock.now())
    clock.set(clock.now() - timedelta(days=1), backwards=True)
    assert limiter.reserve(clock.now()) == before


def test_a_paced_plan_is_the_same_plan() -> None:
    clock = ManualClock()

    def plan() -> Plan[list[Any]]:
        first = yield GET
        yield Wait(7)
        try:
            yield GET
        except ThrottledError as error:
            return [first, error]
        raise AssertionError

    stage, throttled = Stage(), ThrottledError("slow")
    played = stage.play(paced(plan(), Limiter(Rate(1e9)), clock), {"a": 1}, throttled)
    assert (played, stage.waits, stage.requests) == ([{"a": 1}, throttled], [7], [GET, GET])
    with pytest.raises(ThrottledError):
        Stage().play(paced(asking(1), Limiter(Rate(1e9)), clock), throttled)


def test_a_request_that_fails_keeps_its_share() -> None:
    clock, limiter = ManualClock(), Limiter(Rate(100))
    with pytest.raises(ThrottledError):
        Stage().play(paced(asking(1), limiter, clock), ThrottledError("slow"))
    assert limiter.reserve(clock.now()) == Wait(0.25)


def bins(*held: Part) -> tuple[CoreTable, ManualClock]:
    """A table in memory and its clock."""
    clock = ManualClock()
    made = context()
    return CoreTable(Memory(*held), type(made)(made.names, clock, made.chance)), clock


def test_writes_reads_and_scans_keep_their_rate() -> None:
    core, clock = bins()
    core.put_many(parts(1000), rate=Rate(100))
    assert sum(clock.slept) == pytest.approx(1000 / 100, abs=0.5)
    clock.slept.clear()
    assert len(core.get_many(Part, identities(1000), rate=Rate(200)).all()) == 1000
    assert sum(clock.slept) == pytest.approx(1000 / 200, abs=1)
    clock.slept.clear()
    assert len(core.scan(Part, rate=Rate(500)).all()) == 1000
    assert sum(clock.slept) == pytest.approx(1000 / 500, abs=0.5)


def test_one_limiter_is_kept_over_several_calls() -> None:
    core, clock = bins()
    limiter = Limiter(Rate(100))
    core.put_many(parts(500), rate=limiter)
    core.delete_many(parts(500), rate=limiter, concurrency=4)
    assert sum(clock.slept) == pytest.approx(1000 / 100, abs=0.75)
    assert clock.now() - ManualClock().now() >= timedelta(seconds=9)
