"""Whether a request is sent again, and after how long: decisions alone, for every transport that drives itself.

Source: AWS SDKs and Tools Reference Guide, "Retry behavior" (standard mode), and botocore's retries/standard.py.
"""

from __future__ import annotations

from datetime import timedelta
from threading import Lock

from aircraftops_data.clock import Chance, Retry
from aircraftops_data.errors import StoreError, TimeoutError

_CAPACITY = 500
_RETRY_COST = 5
_TIMEOUT_COST = 10

# The transaction plans wait for these by their own count.
_LEFT_TO_PLANS = frozenset({"TransactionConflictException"})
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException"})
_SKEWED = frozenset({"InvalidSignatureException", "RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"})
# AWS takes signatures that are off by up to 5 minutes; the SDKs set their clock right from 4 on.
_SKEW = timedelta(minutes=4)


class Budget:
    """Tokens that retries use up and successes give back, so that an outage is not met with a flood. For threads."""

    def __init__(self) -> None:
        self._tokens = _CAPACITY
        self._lock = Lock()

    def take(self, cost: int) -> bool:
        """Whether there were so many tokens to take."""
        with self._lock:
            enough = self._tokens >= cost
            self._tokens -= cost if enough else 0
            return enough

    def give(self) -> None:
        """One token back for a success; full, as it mostly is, it takes no lock."""
        if self._tokens < _CAPACITY:
            with self._lock:
                self._tokens = min(_CAPACITY, self._tokens + 1)


def is_skewed(error: StoreError, skew: timedelta) -> bool:
    """Whether the request was refused for the time in its signature, which is `skew` behind the server's."""
    return error.code in _SKEWED and abs(skew) > _SKEW


class Tries:
    """The tries of one request."""

    def __init__(self, attempts: int, budget: Budget, chance: Chance) -> None:
        self._policy = Retry(attempts=attempts, first_seconds=0.05, most_seconds=20)
        self._budget = budget
        self._chance = chance
        self._made = 0
        self._mended = False

    def pause(self, error: StoreError, skew: timedelta) -> float | None:
        """Seconds to wait before the next try, or None for no more.

        A wrong clock and expired credentials are set right once, at once; anything else waits and costs tokens.
        """
        self._made += 1
        if self._made >= self._policy.attempts:
            return None
        if not self._mended and (error.code in _EXPIRED or is_skewed(error, skew)):
            self._mended = True
            return 0.0
        if not error.retryable or error.code in _LEFT_TO_PLANS:
            return None
        if not self._budget.take(_TIMEOUT_COST if isinstance(error, TimeoutError) else _RETRY_COST):
            return None
        return self._chance.jitter(self._policy.ceiling(self._made - 1))
