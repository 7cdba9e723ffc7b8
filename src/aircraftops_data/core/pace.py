"""Pace: a limit in request units per second, kept by what the responses say their requests cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from threading import Lock
from typing import Any, TypeVar

from aircraftops_data.clock import Clock
from aircraftops_data.consumed import consumed_of
from aircraftops_data.errors import AircraftOpsDataError, InvalidInputError
from aircraftops_data.request import Effect, Plan, Request, Response, Wait

T = TypeVar("T")

# A batch of small items, until the first response tells better.
_FIRST_GUESS_UNITS = 25.0
# Shorter waits are lost in rounding; so are smaller debts.
_LEAST_WAIT_SECONDS = 0.001
_LEAST_DEBT_UNITS = 1e-6


@dataclass(frozen=True)
class Rate:
    """So many request units a second, reads and writes counted alike; after a quiet time up to `burst` at once.

    Without `burst` it is a second's worth. Raises InvalidInputError unless both are above zero.
    """

    units_per_second: float
    burst: float | None = None

    def __post_init__(self) -> None:
        if not self.units_per_second > 0 or not (self.burst is None or self.burst > 0):
            raise InvalidInputError("A rate is more than zero units a second, with a burst of more than zero")


class Limiter:
    """Keeps a rate over all the calls it is given to; safe to share between threads and tasks.

    A bucket of units fills at the rate and is charged what each response reports. A request goes when the bucket is
    not in debt, with what the last ones cost set aside for it, so that many at once do not overdraw it together. It
    begins empty: the first second brings no burst.
    """

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._most = rate.units_per_second if rate.burst is None else rate.burst
        self._level = 0.0
        self._filled_at: datetime | None = None
        self._guess = min(float(rate.units_per_second), _FIRST_GUESS_UNITS)
        self._lock = Lock()

    def reserve(self, now: datetime) -> Wait | float:
        """The units set aside for a request that may go now; or how long to wait before asking again."""
        with self._lock:
            self._fill(now)
            if self._level < -_LEAST_DEBT_UNITS:
                return Wait(max(_LEAST_WAIT_SECONDS, -self._level / self._rate.units_per_second))
            self._level -= self._guess
            return self._guess

    def settle(self, reserved: float, units: float) -> None:
        """Charge what a request cost in place of what was set aside for it."""
        with self._lock:
            self._level = min(self._most, self._level + reserved - units)
            self._guess = (self._guess + units) / 2

    def _fill(self, now: datetime) -> None:
        if self._filled_at is not None:
            # A clock that was put back brings nothing, and takes nothing.
            passed = max(0.0, (now - self._filled_at).total_seconds())
            self._level = min(self._most, self._level + passed * self._rate.units_per_second)
        self._filled_at = now


def limiter_of(rate: Rate | Limiter) -> Limiter:
    """The limiter given, or one of its own for a rate."""
    return Limiter(rate) if isinstance(rate, Rate) else rate


def paced(plan: Plan[T], limiter: Limiter, clock: Clock) -> Plan[T]:
    """The same plan, waiting before each request as long as the limiter says. A request that fails keeps its share."""
    step: Callable[[], Effect] = partial(next, plan)
    while True:
        try:
            effect = step()
        except StopIteration as finished:
            return finished.value  # type: ignore[no-any-return]
        try:
            answer = yield from _sent(effect, limiter, clock)
        except AircraftOpsDataError as error:
            step = partial(plan.throw, error)
        else:
            step = partial(plan.send, answer)


def _sent(effect: Effect, limiter: Limiter, clock: Clock) -> Plan[Any]:
    if not isinstance(effect, Request):
        return (yield effect)
    while isinstance(reserved := limiter.reserve(clock.now()), Wait):
        yield reserved
    response: Response = yield effect
    cost = consumed_of(effect.operation, response)
    limiter.settle(reserved, cost.read_units + cost.write_units)
    return response
