"""The router under Lambda's mapping, whatever goes wrong: nothing is lost, nothing overtakes, poison is parked.

The schedules of the small histories are played one by one, those of large ones at random.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from lambda_mapping import MappingOptions
from sim_schedule import Drawn, Schedule, draw, explore
from stream_runs import Run, Setting
from stream_scenes import Storm

STORM = Setting(storm=Storm())
SETTINGS = {
    "all goes well": Setting(moods=(), replays=False),
    "poison": Setting(replays=False),
    "poison and replays": Setting(),
    "anything": STORM,
    "anything, once": replace(STORM, once=True),
    "anything, lanes and small batches": replace(STORM, options=MappingOptions(batch_size=3, lanes=3), shards=2),
    "anything, bisected": replace(STORM, options=MappingOptions(bisect=True, batch_size=5)),
    "anything, with a window": replace(STORM, options=MappingOptions(window=timedelta(seconds=30), batch_size=4)),
    "anything, no quarantine": replace(
        STORM, quarantined=False, options=MappingOptions(retries=4, bisect=True, batch_size=5)
    ),
}


def played(seed: int, setting: Setting, schedule: Schedule) -> None:
    """One history under one schedule."""
    Run(schedule, setting, seed=seed).play(seed, 25)


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=list(SETTINGS))
def test_nothing_is_lost_overtaken_or_done_for_nothing(setting: Setting) -> None:
    for seed in range(4):
        draw(partial(played, seed, setting), range(seed, seed + 1), share=0.03)
