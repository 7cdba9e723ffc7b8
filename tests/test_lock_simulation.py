"""Locks in virtual time: under every schedule that strays a little, and many that stray a lot, nothing promised breaks.

A schedule that fails is named in the error; `play(rules)(Schedule({...}))` plays it again. AIRCRAFTOPS_SIM_SEEDS is how
many are drawn at random for each of the rules, twice: 60 unless it says otherwise. Of all pairs of strays every fifth
is played, and with AIRCRAFTOPS_SIM_PAIRS=1 each of the 14,000.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from aircraftops_data.coordination import locking
from aircraftops_data.coordination.locking import Seen, Sightings
from aircraftops_data.coordination.model import LockOptions, LockToken
from aircraftops_data.core.context import Context
from sim_engine import Change
from sim_locks import LEASE, OPTIONS, Rules, Scene, play
from sim_schedule import Schedule, ViolationError, draw, explore
from sim_world import ONE_WAY_SECONDS, TIMEOUT_SECONDS

SEEDS = int(os.environ.get("AIRCRAFTOPS_SIM_SEEDS", "60"))
EVERY = int(os.environ.get("AIRCRAFTOPS_SIM_PAIRS", "5"))
HOUR = timedelta(hours=1)
# Holder and watcher may differ by as much as the margin is of the lease, no more.
WITHIN_MARGIN = ({"rate": 0.92}, {"rate": 1.08})
BEYOND_MARGIN = ({"rate": 0.8}, {"rate": 1.2})
SKEWED = ({"wrong_by": -HOUR}, {"wrong_by": HOUR}, {"stands": True})
PAIR = Rules()
RULES = {
    "holders that nap until another is about to follow": Rules(nap=LEASE * 1.3),
    "one clock slow, one fast": Rules(clocks=WITHIN_MARGIN, nap=LEASE * 1.3),
    "a lock released by force": Rules(forced=True),
    "a guarded register": Rules(protection="guard"),
}
MORE = {
    "heartbeats in the background": Rules(background=True, nap=LEASE * 1.3),
    "one clock fast, one slow": Rules(clocks=WITHIN_MARGIN[::-1], nap=LEASE * 1.3),
    "wrong clocks on the wall": Rules(clocks=SKEWED[:2]),
    "machines that are suspended": Rules(suspends=True),
    # Both wait for the same moment; that is when looks are torn.
    "the lock of one that died": Rules(orphaned=True),
}
MANY = {
    "wrong clocks on the wall": Rules(rounds=2, restarts=True, clocks=SKEWED),
    "one clock slow, one fast": Rules(rounds=2, restarts=True, clocks=({}, *WITHIN_MARGIN)),
    "the lock of one that died": Rules(rounds=2, restarts=True, clocks=({}, {}, {}), orphaned=True),
    "releases by force": Rules(rounds=2, restarts=True, clocks=({}, {}, {}), forced=True),
}
POLL_SECONDS = OPTIONS.poll.total_seconds()
FOLLOWED_SECONDS = OPTIONS.patience(LEASE).total_seconds()


def by_name(rules: dict[str, Rules]) -> pytest.MarkDecorator:
    """Each of these."""
    return pytest.mark.parametrize("rules", rules.values(), ids=rules)


@by_name(RULES)
def test_one_stray_anywhere_breaks_nothing(rules: Rules) -> None:
    assert explore(served(rules), strays=1) > 100


@pytest.mark.slow
@by_name(MORE)
def test_one_stray_anywhere_breaks_nothing_here_either(rules: Rules) -> None:
    assert explore(served(rules), strays=1) > 100


def served(rules: Rules) -> Callable[[Schedule], None]:
    """As `play`, and whoever lives gets the lock."""

    def played(schedule: Schedule) -> None:
        play(rules)(schedule).assert_served()

    return played


@pytest.mark.slow
def test_two_strays_anywhere_break_nothing() -> None:
    """With each first stray some of the second ones, with the next others."""
    assert explore(play(replace(PAIR, brief=True)), strays=2, every=EVERY) > 10_000 // EVERY


@by_name(MANY)
def test_many_strays_at_random_break_nothing(rules: Rules) -> None:
    draw(play(rules), range(12), share=0.08)


@pytest.mark.slow
@by_name(MANY)
def test_many_more_strays_at_random_break_nothing(rules: Rules) -> None:
    draw(play(rules), range(SEEDS), share=0.08)
    draw(play(rules), range(SEEDS), share=0.3)


# What a stray comes to


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    """What one stray makes of two machines, each anywhere it may be."""
    played: list[Scene] = []
    explore(lambda schedule: played.append(play(PAIR)(schedule)), strays=1)
    return played


def test_whoever_lives_gets_the_lock(scenes: list[Scene]) -> None:
    assert len(scenes) > 100
    for scene in scenes:
        scene.assert_served()


def test_what_the_network_does_loses_nobody_the_lock(scenes: list[Scene]) -> None:
    """A heartbeat or a release that was not answered is no theft; an acquisition that was not, no other's."""
    told = [scene for scene in scenes if not any("paused" in line or "killed" in line for line in scene.world.log)]
    assert len(told) > 100
    for scene in told:
        assert scene.refused == []
        assert sorted(taken.lock.token for taken in scene.taken) == [1, 2]


def test_an_acquisition_that_was_not_answered_is_known_again_and_not_waited_out(scenes: list[Scene]) -> None:
    lost = [
        scene for scene in scenes if f"{ONE_WAY_SECONDS * 2:8.3f} m0: TransactWriteItems reply lost" in scene.world.log
    ]
    (scene,) = lost
    first = scene.taken[0]
    assert (first.machine.name, first.lock.token) == ("m0", 1)
    assert first.at < 2 * TIMEOUT_SECONDS < LEASE.total_seconds()


def test_heartbeats_in_the_background_keep_the_lock_of_a_holder_that_naps() -> None:
    scene = play(MORE["heartbeats in the background"])(Schedule())
    assert (scene.refused, len(scene.taken)) == ([], 2)


def test_nobody_is_given_a_lock_that_is_over_already(scenes: list[Scene]) -> None:
    assert [scene.world.log for scene in scenes if scene.late] == []


def test_a_machine_that_dies_is_followed_once_its_lease_and_the_margin_are_over(scenes: list[Scene]) -> None:
    """Whoever watches sees the last beat a poll late, and looks again a poll late."""
    died = [scene for scene in scenes if not scene.machines[0].alive and scene.taken[0].machine is scene.machines[0]]
    assert len(died) > 3
    for scene in died:
        last = max(change.at for change in scene.world.engine.history if _of_first(change))
        followed = next(taken.at for taken in scene.taken if taken.machine is scene.machines[1])
        assert followed - last < FOLLOWED_SECONDS + 2 * POLL_SECONDS + 10 * ONE_WAY_SECONDS


def _of_first(change: Change) -> bool:
    """A sign of life of the first holder."""
    return change.of("lock_beat") and change.after is not None and change.after["token"]["N"] == "1"


def test_who_watches_from_the_beginning_follows_a_dead_machine_within_one_poll() -> None:
    scene = play(replace(PAIR, orphaned=True, clocks=({},)))(Schedule())
    dead, heir = scene.taken
    assert heir.at - dead.at < FOLLOWED_SECONDS + POLL_SECONDS + 10 * ONE_WAY_SECONDS


# That the schedules would find it out


def test_without_a_fence_a_late_holder_writes() -> None:
    with pytest.raises(ViolationError, match="written with"):
        explore(play(replace(PAIR, protection="none")), strays=1)


def test_clocks_that_differ_by_more_than_the_margin_let_two_believe_and_one_write() -> None:
    with pytest.raises(ViolationError, match=r"is held|held at once"):
        explore(play(Rules(clocks=BEYOND_MARGIN)), strays=1)


def test_leases_by_the_clock_on_the_wall_are_taken_from_the_living(monkeypatch: pytest.MonkeyPatch) -> None:
    def over(held: LockToken, seen: Seen, sightings: Sightings, options: LockOptions, context: Context) -> Any:
        assert held.acquired_at is not None
        return context.clock.now() > held.acquired_at + held.lease + options.margin

    monkeypatch.setattr(locking, "_stands_still", over)
    with pytest.raises(ViolationError, match=r"is held|held at once"):
        explore(play(Rules(clocks=SKEWED[:2])), strays=0)
