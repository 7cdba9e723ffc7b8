"""Whether a request is sent again: decisions alone, nothing sent and nothing waited for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aircraftops_data.clock import Chance
from aircraftops_data.errors import AccessDeniedError, ContentionError, StoreError, ThrottledError, TimeoutError
from aircraftops_data.transports.retrying import Budget, Tries

NO_SKEW = timedelta()
THROTTLED = ThrottledError("slow", code="ThrottlingException", retryable=True)
LOST = TimeoutError("lost", code="ReadTimeoutError", retryable=True)
EXPIRED = AccessDeniedError("expired", code="ExpiredTokenException")
SKEWED = StoreError("late", code="RequestTimeTooSkewed")


class Longest(Random):
    """Chance at its worst: every wait is as long as it can be."""

    def random(self) -> float:
        return 1.0


def tries(attempts: int = 3, budget: Budget | None = None) -> Tries:
    """The tries of one request, each wait as long as it can be."""
    return Tries(attempts, budget or Budget(), Chance(Longest()))


def test_the_waits_double_up_to_twenty_seconds() -> None:
    many = tries(14)
    waits = [many.pause(THROTTLED, NO_SKEW) for _ in range(14)]
    assert waits[:4] == [0.05, 0.1, 0.2, 0.4]
    assert waits[-3:] == [20, 20, None]


@given(st.integers(0, 2**32), st.integers(1, 12))
def test_a_wait_is_drawn_from_zero_to_its_ceiling(seed: int, tried: int) -> None:
    some = Tries(20, Budget(), Chance(Random(seed)))
    waits = [some.pause(THROTTLED, NO_SKEW) for _ in range(tried)]
    for number, wait in enumerate(waits):
        assert wait is not None
        assert 0 <= wait <= min(20, 0.05 * 2**number)


@pytest.mark.parametrize(
    "error",
    [
        AccessDeniedError("no", code="AccessDeniedException"),
        StoreError("what", code="BrandNewException"),
        StoreError("no", code="SSLCertVerificationError"),
        ContentionError("busy", code="TransactionConflictException", retryable=True),
    ],
    ids=lambda error: error.code,
)
def test_what_another_try_does_not_mend_is_not_tried_again(error: StoreError) -> None:
    assert tries().pause(error, NO_SKEW) is None


def test_expired_credentials_are_worth_one_more_try_at_once() -> None:
    some = tries(9)
    assert some.pause(EXPIRED, NO_SKEW) == 0
    assert some.pause(EXPIRED, NO_SKEW) is None


@pytest.mark.parametrize("minutes", [5, -5, 600])
def test_a_wrong_clock_is_worth_one_more_try_at_once(minutes: int) -> None:
    some = tries(9)
    assert some.pause(SKEWED, timedelta(minutes=minutes)) == 0
    assert some.pause(SKEWED, timedelta(minutes=minutes)) is None


@pytest.mark.parametrize("minutes", [0, 3.9, -3.9])
def test_a_clock_that_is_right_is_not_the_reason(minutes: float) -> None:
    assert tries().pause(SKEWED, timedelta(minutes=minutes)) is None


def test_what_is_set_right_counts_as_a_try() -> None:
    assert tries(1).pause(EXPIRED, NO_SKEW) is None
    assert tries(1).pause(SKEWED, timedelta(hours=1)) is None


def test_an_outage_uses_up_the_budget_and_success_fills_it_again() -> None:
    budget = Budget()
    lost = [tries(2, budget).pause(LOST, NO_SKEW) for _ in range(51)]
    assert lost.count(None) == 1
    assert lost[-1] is None
    for _ in range(4):
        budget.give()
    assert tries(2, budget).pause(THROTTLED, NO_SKEW) is None
    budget.give()
    assert tries(2, budget).pause(THROTTLED, NO_SKEW) is not None


def test_a_budget_never_holds_more_than_at_first() -> None:
    budget = Budget()
    for _ in range(600):
        budget.give()
    assert budget.take(500)
    assert not budget.take(1)


def test_threads_share_a_budget() -> None:
    budget = Budget()
    assert budget.take(500)

    def both(_: int) -> int:
        budget.give()
        return budget.take(1)

    with ThreadPoolExecutor(16) as pool:
        taken = sum(pool.map(both, range(4_000)))
    assert taken + sum(budget.take(1) for _ in range(4_000 - taken)) == 4_000
    assert not budget.take(1)
