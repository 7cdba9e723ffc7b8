"""Pollers that crash, stand still and come back: nothing is lost unsaid, nothing overtakes, no checkpoint goes back.

Histories are drawn at random, each under a schedule that is drawn too. That these proofs see what is wrong is shown
with pollers that are.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from aircraftops_data.streams.polling.gaps import gaps
from aircraftops_data.streams.polling.reading import Missing, Reading
from aircraftops_data.streams.polling.shards import Lineage, Shard
from aircraftops_data.streams.polling.state import Group, Origin, ShardState
from aircraftops_data.streams.polling.work import ShardWork
from poller_runs import NAME, PollerRun
from sim_schedule import Drawn, Schedule, draw
from stream_judging import Setting
from stream_scenes import CALM, KEYS, Kept, Storm
from stream_world import RETENTION

pytestmark = pytest.mark.usefixtures("_quietly")
# Nobody ends a poller that takes its time.
STORM = Setting(storm=Storm(time=False))
QUIETLY = Setting(storm=CALM, moods=(), replays=False)


@dataclass(frozen=True)
class Case:
    """What happens to pollers."""

    setting: Setting
    begun: dict[str, Any] = field(default_factory=dict[str, Any])
    day: bool = False
    """Whether a day passes now and then with nobody reading."""


CASES = {
    "all goes well": Case(QUIETLY),
    "poison and replays": Case(Setting()),
    "standing still": Case(replace(QUIETLY, races=True)),
    "anything": Case(STORM),
    "anything, standing still": Case(replace(STORM, races=True)),
    "anything, three pollers and two shards": Case(replace(STORM, races=True, shards=2), {"pollers": 3}),
    "anything, the latest": Case(replace(STORM, races=True), {"origin": Origin.LATEST}),
    "days": Case(QUIETLY, day=True),
    "anything and days": Case(replace(STORM, races=True, replays=False), day=True),
    "anything and days, the latest": Case(
        replace(STORM, races=True, replays=False), {"origin": Origin.LATEST}, day=True
    ),
}


@pytest.fixture
def _quietly(caplog: pytest.LogCaptureFixture) -> None:  # pyright: ignore[reportUnusedFunction]
    """Thousands of records fail here, and nobody wants to read of it."""
    caplog.set_level(logging.CRITICAL, "aircraftops_data")


def played(seed: int, case: Case, schedule: Schedule) -> None:
    """One history under one schedule."""
    PollerRun(schedule, case.setting, seed, **case.begun).play(seed, 20, day=case.day)


def each(case: Case, seeds: range) -> None:
    """Histories by their seeds, each under a schedule of its own."""
    for seed in seeds:
        draw(partial(played, seed, case), [seed], share=0.03)


@pytest.mark.parametrize("name", ["anything", "days"])
def test_nothing_is_lost_unsaid_or_overtaken(name: str) -> None:
    each(CASES[name], range(1))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_nothing_is_lost_unsaid_or_overtaken_in_many_histories(case: Case) -> None:
    each(case, range(5))


def test_a_shard_of_the_beginning_that_nobody_has_read_for_a_day_has_a_gap() -> None:
    run = PollerRun(Schedule(), QUIETLY, pollers=1)
    (process,) = run.processes
    process.poller.look()
    run.scene.stock(KEYS[0])
    run.scene.clock.advance(RETENTION + timedelta(seconds=1))
    run.scene.world.trim()
    process.poller = run.started()
    run.scene.stock(KEYS[1])
    for _ in range(80):
        run.poll()
        run.scene.clock.advance(1)
    (state,) = gaps(run.scene.core, NAME)
    assert state.stands
    assert not run.scene.deeds


# The proofs themselves


def eager(work: ShardWork, take: Any = ShardWork._take) -> Any:  # pyright: ignore[reportPrivateUsage]
    """The checkpoint is written before the records are dealt with."""
    work._done = work._numbered(work._rest)  # pyright: ignore[reportPrivateUsage]
    work._save()  # pyright: ignore[reportPrivateUsage]
    return take(work)


def childish(lineage: Lineage) -> list[Shard]:
    """Children do not wait for their parents."""
    return sorted(lineage._unread().values(), key=lambda shard: shard.id)  # pyright: ignore[reportPrivateUsage]


def silent(reading: Reading, page: Any = Reading.page) -> Any:
    """What is trimmed is passed over."""
    found = yield from page(reading)
    if not isinstance(found, Missing):
        return found
    reading.anew = True
    return (yield from page(reading))


def unfenced(group: Group, state: ShardState, lock: object, place: object, changes: dict[str, Any]) -> ShardState:
    """Whoever comes late writes all the same."""
    return group.core.update(ShardState, **state.identity(), set=changes)


def unguarded(scene: object, one: Kept, other: Kept) -> bool:
    """The sink takes whatever comes, however old it is."""
    return True


CONTROLS: dict[str, tuple[str, Callable[..., Any], str, str]] = {
    "eager": ("aircraftops_data.streams.polling.work.ShardWork._take", eager, "anything", "is lost"),
    "childish": ("aircraftops_data.streams.polling.shards.Lineage.readable", childish, "anything", "another order"),
    "silent": ("aircraftops_data.streams.polling.reading.Reading.page", silent, "days", "is lost"),
    "unfenced": (
        "aircraftops_data.streams.polling.state.Group._told",
        unfenced,
        "standing still",
        "went back",
    ),
    "unguarded": ("stream_scenes.Scene.newer", unguarded, "standing still", "the sink has another"),
}
"""What is put in the place of what, and what the proofs must say of it in which case."""


@pytest.mark.slow
@pytest.mark.parametrize(("place", "other", "case", "said"), CONTROLS.values(), ids=list(CONTROLS))
def test_pollers_that_break_a_promise_are_found_out(
    monkeypatch: pytest.MonkeyPatch, place: str, other: Callable[..., Any], case: str, said: str
) -> None:
    monkeypatch.setattr(place, other)
    for seed in range(60):
        try:
            played(seed, CASES[case], Drawn(seed, 0.02))
        except AssertionError as violation:
            if said in str(violation):
                return
    pytest.fail("nobody sees it")
