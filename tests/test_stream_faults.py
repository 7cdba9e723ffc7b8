"""Whatever goes wrong at whichever request: nothing is lost, nothing overtakes, and saying it again mends it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

import pytest

from aircraftops_data import CoreTable
from aircraftops_data.clock import Retry
from aircraftops_data.coordination import Locks
from aircraftops_data.core.context import Context
from aircraftops_data.errors import AircraftOpsDataError
from aircraftops_data.streams import Quarantine, Router
from aircraftops_data.testing import ManualClock
from faults import FAULTS, At, Fault, kind_of, passing
from routing import Gauge, Journal, bad, event, gauge
from sim_engine import MemoryEngine

BATCH = (gauge(1), bad(2, "b"), gauge(3), gauge(4, "b"), gauge(5, "c"), gauge(6, "b"))
TRIES = 8


class Scene:
    """A router over tables in memory, behind a transport that fails at one request."""

    def __init__(self, act: Fault = passing, place: int = 0, times: int = 0) -> None:
        self.act, self.place, self.times = act, place, times
        self.clock = ManualClock()
        self.transport = At(MemoryEngine())
        self.core = CoreTable(self.transport, Context(clock=self.clock, retry=Retry(attempts=3)))
        self.quarantine = Quarantine(self.core, "gauges", attempts=2)
        self.router, self.journal = Router(quarantine=self.quarantine), Journal()
        self.router.on(Gauge, name="journal")(self.journal)
        self.journal.failing = lambda change: ValueError("no") if change.sequence == 3 and self.stubborn else None
        self.stubborn = True
        self.locks = Locks(self.core)

    def deliver(self) -> None:
        """As Lambda does: from the record that was named on, until all are done."""
        left = list(BATCH)
        for _ in range(TRIES):
            named = self.router.handle(event(*left))["batchItemFailures"]
            if not named:
                return
            numbers = [each["dynamodb"]["SequenceNumber"] for each in left]
            left = left[numbers.index(named[0]["itemIdentifier"]) :]
        raise AssertionError("it never ends")

    def replay(self) -> None:
        """As somebody does who mended what was wrong: the handler, and one record that is past mending."""
        self.stubborn = False
        for held in self.quarantine.all():
            if held.item.startswith("GAUGE#b"):
                (first, *_) = self.quarantine.records(held.place)
                if int(first.order) == 2:
                    self.quarantine.discard(self.locks, held.place)
        outcomes = self.quarantine.replay(self.router, self.locks)
        assert all(outcome.error is None or isinstance(outcome.error, AircraftOpsDataError) for outcome in outcomes)

    def done(self) -> bool:
        """Whether nothing is held any more."""
        return not list(self.quarantine.all())


def said_again(scene: Scene, step: Callable[[], None], ended: Callable[[], bool]) -> None:
    for _ in range(TRIES):
        # A lock whose holder could not give it back is free when its beat has stood still.
        scene.clock.advance(120)
        try:
            step()
            if ended():
                return
        except AircraftOpsDataError:
            continue
    raise AssertionError("it never ends")


def handled(scene: Scene, name: str) -> list[int]:
    """What the handler was given of an item, without what came twice in a row."""
    return [reading for reading, _ in groupby(reading for each, reading in scene.journal.given if each == name)]


def places(kinds: Sequence[str], run: Callable[[Scene], None]) -> list[int]:
    """Which of the requests of a run that goes well can meet a fault of these kinds."""
    scene = Scene()
    run(scene)
    return [place for place, operation in enumerate(scene.transport.sent) if kind_of(operation) in kinds]


def parking(scene: Scene) -> None:
    scene.transport.plan(scene.act, scene.place, scene.times)
    said_again(scene, scene.deliver, lambda: True)


def replaying(scene: Scene) -> None:
    scene.deliver()
    scene.transport.plan(scene.act, scene.place, scene.times)
    said_again(scene, scene.replay, scene.done)


@pytest.mark.slow
@pytest.mark.parametrize("run", [parking, replaying])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_any_request_loses_nothing_and_lets_nothing_overtake(
    fault: str, run: Callable[[Scene], None]
) -> None:
    act, times, kinds = FAULTS[fault]
    for place in places(kinds, run):
        scene = Scene(act, place, times)
        run(scene)
        said_again(scene, scene.replay, scene.done)
        assert handled(scene, "a") == [1, 3]
        assert handled(scene, "b") == [4, 6]
        assert handled(scene, "c") == [5]
