"""What plans need from around them, and how they send a request whose answer may get lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import cast

from aircraftops_data.clock import Chance, Clock, Retry, SystemClock
from aircraftops_data.errors import ContentionError, StoreError, ThrottledError
from aircraftops_data.model.schema import Table
from aircraftops_data.request import Plan, Request, Response, Wait


@dataclass(frozen=True)
class TableNames:
    """The physical names of tables: each definition's own name behind a prefix, or an override."""

    prefix: str = ""
    overrides: Mapping[str, str] = field(default_factory=dict[str, str])

    def __getitem__(self, table: Table) -> str:
        return self.overrides.get(table.name, self.prefix + table.name)


@dataclass(frozen=True)
class Context:
    """What plans need from around them: names, time, chance and the retry policy."""

    names: TableNames = TableNames()
    clock: Clock = field(default_factory=SystemClock)
    chance: Chance = field(default_factory=Chance)
    retry: Retry = field(default_factory=Retry)

    def pause(self, attempt: int, most: float = inf) -> float:
        """The seconds to wait before the try after `attempt`, by the retry policy: with jitter, and up to `most`."""
        return self.chance.jitter(min(self.retry.ceiling(attempt), most))

    def back_off(self, attempt: int, give_up: Callable[[int], StoreError]) -> Plan[None]:
        """Wait before the try after `attempt`. Raises what `give_up` makes of the tries when they are used up."""
        if attempt + 1 >= self.retry.attempts:
            raise give_up(self.retry.attempts)
        yield Wait(self.pause(attempt))


# The transport has its own retries; these are for an answer that was lost after them.
_RESENDS = 3


def send(request: Request, context: Context) -> Plan[Response]:
    """Send a request; where no answer came, send the very same bytes again a few times.

    Every request of this library may be repeated: reads change nothing, transactions carry a token, and writes carry
    a write id by which the second try recognises the first.
    """
    unknown: StoreError | None = None
    for attempt in range(_RESENDS):
        try:
            return cast("Response", (yield request))
        except StoreError as error:
            busy = isinstance(error, ThrottledError | ContentionError)
            if not error.retryable or (busy and unknown is None):
                raise
            # Once an answer was lost, "throttled" or "contended" would say that nothing was done, which nobody knows.
            unknown = unknown or error
            if attempt + 1 == _RESENDS:
                raise unknown from error
            yield Wait(context.pause(attempt))
    raise AssertionError("the last try returns or raises")
