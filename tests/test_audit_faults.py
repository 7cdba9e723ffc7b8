"""Between who appends and the engine things go wrong, at each request: every event is in exactly one block.

Where another acts twice, each of the ways to act has every third pair of requests, and among them they have all;
AIRCRAFTOPS_AUDIT_PAIRS=1 has every way act at each pair.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from itertools import combinations

import pytest

from aircraftops_data.errors import AircraftOpsDataError, StoreError
from aircraftops_data.request import Request, Response
from audit_scenes import (
    ACTS,
    LONG_SECONDS,
    Hand,
    Scene,
    behind,
    chained,
    put_before,
    scenes,
    set_up,
)
from faults import FAULTS, At, Fault, before, conflicting, kind_of, lost_reply_then, passing

# Every fault at every request: together more than the fast lane has time for.
pytestmark = pytest.mark.slow
EVERY = int(os.environ.get("AIRCRAFTOPS_AUDIT_PAIRS", len(ACTS)))


def tried(scene: Scene, transport: At) -> AircraftOpsDataError | None:
    """Call; what was raised."""
    try:
        scene.heard(scene.world.run(scene.call(), transport))
    except StoreError as error:
        return error
    return None


def places(prepare: Callable[[Scene], None]) -> list[str]:
    """The requests of a call where nothing goes wrong."""
    scene = set_up(prepare)
    transport = At(scene.world.engine)
    assert tried(scene, transport) is None
    scene.check()
    return transport.sent


def among(kinds: Sequence[str], fault: Fault) -> Fault:
    """The fault, where the request is of one of these kinds."""
    return lambda request, send: (fault if kind_of(request.operation) in kinds else passing)(request, send)


@scenes
def test_whatever_befalls_a_request_each_event_is_in_one_block_once_it_was_said_again(
    prepare: Callable[[Scene], None],
) -> None:
    cases = 0
    for fault, times, kinds in FAULTS.values():
        # So many times that even the deadline passes, too.
        for often in (times, 10_000):
            for at in (at for at, operation in enumerate(places(prepare)) if kind_of(operation) in kinds):
                scene = set_up(prepare)
                transport = At(scene.world.engine)
                transport.plan(among(kinds, fault), at, often)
                raised = tried(scene, transport)
                transport.plan(passing, 0, 0)
                if raised is not None:
                    assert tried(scene, transport) is None
                assert tried(scene, transport) is None
                scene.check()
                cases += 1
    print(f"{cases} cases")


@scenes
@pytest.mark.parametrize("often", [1, 2], ids=["once", "twice"])
@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
@pytest.mark.parametrize("wake", [0.0, LONG_SECONDS], ids=["at once", "late"])
def test_another_acts_while_one_stands_still_at_any_request(
    prepare: Callable[[Scene], None], act: Callable[[Scene], None], wake: float, often: int
) -> None:
    """Before it arrives, and after it took effect and the answer is lost."""
    every = [*combinations(range(len(places(prepare)) + 3), often)]
    first, step = ([*ACTS.values()].index(act) % EVERY, EVERY) if often > 1 else (0, 1)
    for standing in every[first::step]:
        for lost in (False, True):
            scene = set_up(prepare)
            transport = Standing(scene, partial(act, scene), standing, wake, lost=lost)
            try:
                scene.heard(scene.world.run(scene.call(), transport))
            except StoreError:
                scene.heard(scene.world.run(scene.call()))
            scene.heard(scene.world.run(scene.call()))
            scene.check()


class Standing:
    """An engine on whose way one stands still at some requests while another acts."""

    def __init__(
        self, scene: Scene, act: Callable[[], None], places: Sequence[int], wake: float, *, lost: bool
    ) -> None:
        self._scene = scene
        self._fault = lost_reply_then(self._meanwhile) if lost else before(self._meanwhile)
        self._act = act
        self._wake = wake
        self._places = places
        self._sent = 0

    def _meanwhile(self) -> None:
        self._act()
        self._scene.world.clock.advance(self._wake)

    def send(self, request: Request) -> Response:
        """The answer, late."""
        fault = self._fault if self._sent in self._places else passing
        self._sent += 1
        return fault(request, self._scene.world.engine.send)


@scenes
def test_what_a_process_that_died_at_any_request_left_behind_is_appended_by_another(
    prepare: Callable[[Scene], None],
) -> None:
    for at in range(len(places(prepare))):
        for arrived in (False, True):
            scene = set_up(prepare)
            hand = Hand(scene.world, scene.call())
            hand.go(at)
            if arrived:
                hand.send()
            hand.plan.close()
            scene.heard(scene.world.run(chained(scene.world, scene.mine)))
            scene.check()


def test_events_may_be_said_again_with_what_they_were_put_as() -> None:
    scene = set_up(put_before)
    scene.heard(scene.world.run(scene.call()))
    scene.other()
    for _ in range(2):
        scene.heard(scene.world.run(scene.call()))
        scene.heard(scene.world.run(scene.world.an_appender().append(scene.written or [])))
    scene.check()


def test_losing_a_race_costs_no_read() -> None:
    scene = set_up(behind)
    transport = At(scene.world.engine)
    assert tried(scene, transport) is None
    assert transport.sent == ["TransactWriteItems"] * 2
    scene.check()


def test_who_loses_every_race_says_so_and_nothing_was_done() -> None:
    scene = set_up(put_before)
    transport = At(scene.world.engine)
    transport.plan(conflicting, 0, 10_000)
    assert isinstance(tried(scene, transport), StoreError)
    assert scene.world.head().size == 1
    assert scene.world.clock.monotonic() < 60
