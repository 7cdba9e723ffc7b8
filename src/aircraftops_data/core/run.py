"""Running plans against a transport: one by one, or many side by side with bounded memory."""

from __future__ import annotations

import contextvars
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from aircraftops_data.clock import Clock
from aircraftops_data.consumed import consumed_of, record
from aircraftops_data.errors import AircraftOpsDataError
from aircraftops_data.request import Plan, Request, Transport, Wait

T = TypeVar("T")
S = TypeVar("S")


def run(plan: Plan[T], transport: Transport, clock: Clock) -> T:
    """Drive a plan to its end: send what it asks for, wait where it says so, and hand errors back to it."""
    step: Callable[[], Any] = lambda: next(plan)  # noqa: E731 - the next move, chosen by what came of the last
    while True:
        try:
            effect = step()
        except StopIteration as finished:
            return finished.value  # type: ignore[no-any-return]
        if isinstance(effect, Wait):
            clock.sleep(effect.seconds)
            step = lambda: plan.send(None)  # noqa: E731
        else:
            step = _answered(plan, effect, transport)


def _answered(plan: Plan[Any], request: Request, transport: Transport) -> Callable[[], Any]:
    try:
        response = transport.send(request)
    except AircraftOpsDataError as error:
        failure = error
        return lambda: plan.throw(failure)
    record(consumed_of(request.operation, response))
    return lambda: plan.send(response)


def side_by_side(work: Callable[[S], T], inputs: Iterable[S], concurrency: int) -> Iterator[T]:
    """The results of `work` in the order of `inputs`, which are taken as they are needed: at most 2 x `concurrency`
    are held. After an error nothing more is started, and what runs is waited for."""
    if concurrency <= 1:
        yield from map(work, inputs)
        return
    with ThreadPoolExecutor(concurrency, thread_name_prefix="aircraftops") as pool:
        running: deque[Future[T]] = deque()
        try:
            for value in inputs:
                running.append(pool.submit(contextvars.copy_context().run, work, value))
                if len(running) >= 2 * concurrency:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            for future in running:
                future.cancel()
