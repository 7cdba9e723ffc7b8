"""Plays a plan by hand: the engine's answers are given, what the plan sends is looked at."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from aircraftops_data.clock import Chance, Retry
from aircraftops_data.core.context import Context, TableNames
from aircraftops_data.errors import AircraftOpsDataError
from aircraftops_data.request import Plan, Request, Wait
from aircraftops_data.testing.clock import ManualClock

T = TypeVar("T")
Answer = Mapping[str, Any] | AircraftOpsDataError


def context(seed: int = 7, **retry: Any) -> Context:
    """A context in which nothing is left to chance: a clock that stands still, seeded jitter."""
    return Context(TableNames("t-"), ManualClock(), Chance(Random(seed)), Retry(**retry))


@dataclass
class Stage:
    """Where a plan is played; keeps what it sent and how long it waited."""

    requests: list[Request] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def play(self, plan: Plan[T], *answers: Answer) -> T:
        """What the plan comes to when the engine answers so; each answer must be asked for."""
        left = deque(answers)
        try:
            effect = next(plan)
            while True:
                effect = self._answer(plan, effect, left)
        except StopIteration as finished:
            assert not left, f"{len(left)} answers were not asked for"
            return finished.value  # type: ignore[no-any-return]

    def _answer(self, plan: Plan[Any], effect: Request | Wait, left: deque[Answer]) -> Request | Wait:
        if isinstance(effect, Wait):
            self.waits.append(effect.seconds)
            return plan.send(None)
        self.requests.append(effect)
        assert left, f"no answer is left for {effect}"
        answer = left.popleft()
        return plan.throw(answer) if isinstance(answer, AircraftOpsDataError) else plan.send(answer)

    @property
    def operations(self) -> list[str]:
        """The operations sent, in order."""
        return [request.operation for request in self.requests]

    def sent(self, place: int) -> Mapping[str, Any]:
        """The parameters of one request."""
        return self.requests[place].parameters
