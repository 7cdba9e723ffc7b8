"""Who appends at once, in every order of their requests: every event is in exactly one block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest

from aircraftops_data.request import Plan
from audit_chains import World
from audit_scenes import (
    LONG_SECONDS,
    Hand,
    Receipts,
    Scene,
    chained,
    recorded,
)


def schedules(start: Callable[[], tuple[Scene, list[Hand]]]) -> Iterator[tuple[Scene, list[Hand]]]:
    """Every order in which the requests of some plans can arrive, each played to its end."""
    waiting: list[list[int]] = [[]]
    while waiting:
        order = waiting.pop()
        scene, hands = start()
        for place in order:
            hands[place].step()
        while left := [place for place, hand in enumerate(hands) if hand.waiting is not None]:
            waiting += [[*order, place] for place in left[1:]]
            order = [*order, left[0]]
            hands[left[0]].step()
        yield scene, hands


def played(start: Callable[[], tuple[Scene, list[Hand]]]) -> int:
    """Check every order; how many there are."""
    count = 0
    for scene, hands in schedules(start):
        for hand in hands:
            assert hand.result is not None
            scene.heard(hand.result)
        scene.check()
        count += 1
    return count


def two(first: Callable[[Scene], Plan[Receipts]], second: Callable[[Scene], Plan[Receipts]], *, begun: bool) -> int:
    """Every order of two plans' requests, over a chain that has been begun or not."""

    def start() -> tuple[Scene, list[Hand]]:
        scene = Scene()
        if begun:
            scene.other()
        scene.mine = scene.world.make(1)
        return scene, [Hand(scene.world, plan(scene)) for plan in (first, second)]

    return played(start)


def theirs(scene: Scene) -> Plan[Receipts]:
    """Other events."""
    made = scene.world.make(1)
    scene.others += made
    return chained(scene.world, made)


def mine(scene: Scene) -> Plan[Receipts]:
    """The events of the scene."""
    return chained(scene.world, scene.mine)


def found(scene: Scene) -> Plan[Receipts]:
    """The events of the scene, by one who finds them there."""
    scene.world.run(recorded(scene.world, scene.mine))
    return chained(scene.world, scene.mine)


def ours(scene: Scene) -> Plan[Receipts]:
    """The events of the scene, by the one appender of a process."""
    return chained(scene.world, scene.mine, scene.used())


def others_of_ours(scene: Scene) -> Plan[Receipts]:
    """Other events, by the same appender."""
    made = scene.world.make(1)
    scene.others += made
    return chained(scene.world, made, scene.used())


PAIRS = {
    "the same events by one appender": (ours, ours),
    "different events by one appender": (ours, others_of_ours),
    "different events": (mine, theirs),
    "the same events": (mine, mine),
    "the same events, left behind": (found, mine),
}


@pytest.mark.slow
@pytest.mark.parametrize("begun", [False, True], ids=["a new chain", "a chain"])
@pytest.mark.parametrize("pair", [pytest.param(pair, id=name) for name, pair in PAIRS.items()])
def test_two_that_append_at_once_in_every_order_of_their_requests(pair: Any, begun: bool) -> None:
    count = two(*pair, begun=begun)
    print(f"{count} orders")
    assert count >= 70


@pytest.mark.parametrize("seed", [pytest.param(0), *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 10))])
def test_many_that_append_at_once_in_orders_by_chance(seed: int) -> None:
    """Some say what others say, some die, some get no answer."""
    random = Random(seed)
    for _ in range(60):
        scene = Scene(world=World(seed=random.randrange(10**6)))
        scene.mine = scene.world.make(5)
        hands = [Hand(scene.world, chained(scene.world, random.sample(scene.mine, 2))) for _ in range(5)]
        while left := [hand for hand in hands if hand.waiting is not None]:
            hand = random.choice(left)
            if random.random() < 0.04:
                hand.plan.close()
                hands.remove(hand)
            elif random.random() < 0.1:
                # It takes effect, and nobody hears of it.
                hand.send()
                scene.world.clock.advance(random.choice([1, LONG_SECONDS]))
                hand.step()
            else:
                hand.step()
        for hand in hands:
            scene.heard(hand.result or {})
        scene.heard(scene.world.run(chained(scene.world, scene.mine)))
        scene.check()
