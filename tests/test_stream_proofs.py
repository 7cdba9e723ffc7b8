"""The router under Lambda's mapping, whatever goes wrong: nothing is lost, nothing overtakes, poison is parked.

Histories are drawn at random, each under a schedule that is drawn too; of a small one, the schedules are played one by
one. That these proofs see what is wrong is shown with routers that are.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from lambda_mapping import MappingOptions
from sim_schedule import Drawn, Schedule, draw, explore
from stream_judging import Deploy, Setting, a_router
from stream_naive import CONTROLS, Timeless, router_of
from stream_runs import Run
from stream_scenes import CALM, CURSED, KEYS, REFUSED, SHY, SINK, Storm

pytestmark = pytest.mark.usefixtures("_quietly")
STORM = Setting(storm=Storm())
SETTINGS = {
    "all goes well": Setting(moods=(), replays=False),
    "poison": Setting(replays=False),
    "poison and replays": Setting(),
    "races with replays": Setting(races=True),
    "anything": STORM,
    "anything, and races": replace(STORM, races=True),
    "anything, once": replace(STORM, once=True),
    "anything, lanes and small batches": replace(STORM, options=MappingOptions(batch_size=3, lanes=3), shards=2),
    "anything, bisected": replace(STORM, options=MappingOptions(bisect=True, batch_size=5)),
    "anything, with a window": replace(STORM, options=MappingOptions(window=timedelta(seconds=30), batch_size=4)),
    "anything, no quarantine": replace(
        STORM, quarantined=False, options=MappingOptions(retries=4, bisect=True, batch_size=5)
    ),
}
SLOWLY = Setting(storm=replace(CALM, seconds=2.0), replays=False)


@pytest.fixture
def _quietly(caplog: pytest.LogCaptureFixture) -> None:  # pyright: ignore[reportUnusedFunction]
    """Thousands of records fail here, and nobody wants to read of it."""
    caplog.set_level(logging.CRITICAL, "aircraftops_data")


def played(seed: int, setting: Setting, schedule: Schedule, deploy: Deploy = a_router) -> None:
    """One history under one schedule."""
    Run(schedule, setting, deploy, seed).play(seed, 25)


def each(setting: Setting, seeds: range, share: float = 0.03) -> None:
    """Histories by their seeds, each under a schedule of its own."""
    for seed in seeds:
        draw(partial(played, seed, setting), [seed], share=share)


@pytest.mark.parametrize("name", ["poison and replays", "anything", "anything, once"])
def test_nothing_is_lost_overtaken_or_done_for_nothing(name: str) -> None:
    each(SETTINGS[name], range(1))


@pytest.mark.slow
@pytest.mark.parametrize("setting", SETTINGS.values(), ids=list(SETTINGS))
def test_nothing_is_lost_overtaken_or_done_for_nothing_in_many_histories(setting: Setting) -> None:
    each(setting, range(20))


@pytest.mark.slow
def test_what_is_parked_and_replayed_in_the_same_batch_overtakes_nothing_of_it() -> None:
    each(Setting(races=True, attempts=1, moods=(SHY,)), range(20), share=0.1)


def small(setting: Setting, schedule: Schedule) -> None:
    """A part is good, does harm, is good again, and is scrapped; another is refused by the sink."""
    run = Run(schedule, setting)
    for key, mood in ((KEYS[0], ""), (KEYS[1], REFUSED), (KEYS[0], CURSED), (KEYS[0], ""), (KEYS[1], "")):
        run.scene.stock(key, mood)
    run.scene.scrap(KEYS[0])
    run.finish()


def test_whatever_goes_wrong_once_in_a_small_history_all_comes_right() -> None:
    assert explore(partial(small, STORM), strays=1, every=50) > 5


@pytest.mark.slow
@pytest.mark.parametrize("setting", [STORM, replace(STORM, races=True)], ids=["alone", "in a race"])
def test_whatever_goes_wrong_twice_in_a_small_history_all_comes_right(setting: Setting) -> None:
    assert explore(partial(small, setting), strays=2, every=800) > 100


def slowly(schedule: Schedule, deploy: Deploy = a_router) -> Run:
    """More than a function has the time for, at once."""
    run = Run(schedule, SLOWLY, deploy)
    for number in range(40):
        run.scene.stock(KEYS[number % len(KEYS)])
    run.finish(most=50)
    return run


def test_a_router_stops_before_its_time_is_over_and_names_the_next_record() -> None:
    assert slowly(Schedule()).stops > 1


def times(seed: int, *, once: bool) -> int:
    """How often a function did the same record, at most."""
    setting = Setting(storm=replace(CALM, functions=True), once=once, options=MappingOptions(batch_size=4))
    run = Run(Drawn(seed, 0.1), setting, seed=seed).play(seed, 30)
    return max(Counter((deed.by, deed.sequence) for deed in run.scene.deeds if deed.done and deed.by != SINK).values())


def test_with_once_no_function_is_run_again_for_a_record() -> None:
    assert [times(seed, once=True) for seed in range(2)] == [1, 1]
    assert max(times(seed, once=False) for seed in range(2)) > 1


# The proofs themselves


@pytest.mark.slow
@pytest.mark.parametrize(("deploy", "said"), CONTROLS.values(), ids=list(CONTROLS))
def test_a_router_that_breaks_a_promise_is_found_out(deploy: Deploy, said: str) -> None:
    assert said in found_out(lambda seed: played(seed, Setting(), Drawn(seed, 0.03), deploy), said)


def test_a_router_that_takes_no_heed_of_the_time_is_found_out() -> None:
    with pytest.raises(AssertionError, match="no time"):
        slowly(Schedule(), router_of(Timeless))


def found_out(play: Callable[[int], None], said: str) -> str:
    """All that is said against it, until this is among it."""
    against: list[str] = []
    for seed in range(30):
        try:
            play(seed)
        except AssertionError as violation:
            against.append(str(violation))
            if said in against[-1]:
                break
    return "; ".join(against)
