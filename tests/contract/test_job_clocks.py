"""Workers whose clocks differ: within the margin no two hold a job at once, beyond it the fence refuses the late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from job_items import Items, Register, assert_sound

from aircraftops_data import CoreTable
from aircraftops_data.errors import LeaseLostError, TransactionConflictError
from aircraftops_data.jobs import Claim, JobOptions, JobState
from aircraftops_data.jobs.jobs import Jobs
from aircraftops_data.model.schema import JOBS
from aircraftops_data.testing import ManualClock
from aircraftops_data.testing.clock import START

pytestmark = pytest.mark.parametrize(
    "engine", [pytest.param("moto"), pytest.param("local", marks=pytest.mark.slow)], indirect=True
)

Connect = Callable[..., CoreTable]
LEASE = timedelta(seconds=10)
OPTIONS = JobOptions(margin=timedelta(seconds=5))
TICK = timedelta(seconds=1)
FAR = timedelta(minutes=10)


@dataclass
class Worker:
    """One with a clock of its own, so much ahead of the true time (or behind it)."""

    core: CoreTable
    jobs: Jobs
    clock: ManualClock
    ahead: timedelta
    claim: Claim | None = None

    def see(self, true: timedelta) -> None:
        """Its clock goes on to what it shows at this true time."""
        self.clock.set(START + FAR + true + self.ahead)

    def try_to_claim(self) -> None:
        """Claim the job, where it may be had."""
        self.claim = self.claim or self.jobs.claim("default", worker="w", lease=LEASE)

    def holds(self) -> bool:
        """Whether it goes on working, by all it knows."""
        if self.claim is None:
            return False
        try:
            self.claim.check()
        except LeaseLostError:
            return False
        return True


Hire = Callable[[timedelta], Worker]


@pytest.fixture
def core(connect: Connect, clock: ManualClock) -> CoreTable:
    """JobsTable."""
    return connect(JOBS, clock=clock)


@pytest.fixture
def hire(core: CoreTable) -> Hire:
    """Makes workers on the same table."""

    def hired(ahead: timedelta) -> Worker:
        clock = ManualClock(START)
        own: Any = type(core)(core.runner.transport, replace(core.context, clock=clock))
        worker = Worker(own, Jobs(own, options=OPTIONS), clock, ahead)
        worker.see(timedelta())
        return worker

    return hired


def seconds(*counts: int) -> list[timedelta]:
    return [timedelta(seconds=count) for count in counts]


@pytest.mark.parametrize("beats", [(), (3, 9)], ids=lambda beats: f"beats at {list(beats)}")
@pytest.mark.parametrize("ahead", [-5, 0, 5], ids=lambda ahead: f"{ahead} s ahead")
def test_no_two_hold_a_job_at_once_while_their_clocks_differ_by_no_more_than_the_margin(
    hire: Hire, ahead: int, beats: tuple[int, ...]
) -> None:
    first, second = hire(timedelta()), hire(timedelta(seconds=ahead))
    first.jobs.enqueue("kind")
    first.try_to_claim()
    assert first.claim is not None
    true = timedelta()
    while second.claim is None:
        true += TICK
        first.see(true)
        second.see(true)
        if true in seconds(*beats):
            first.claim.heartbeat()
        second.try_to_claim()
        assert not (first.holds() and second.holds())
        assert true < 4 * LEASE
    assert not first.holds()
    assert second.claim.token == first.claim.token + 1


LATE: dict[str, Callable[[Claim], object]] = {
    "heartbeat": lambda claim: claim.heartbeat(),
    "complete": lambda claim: claim.complete(),
    "fail": lambda claim: claim.fail(ValueError()),
    "snooze": lambda claim: claim.snooze(timedelta()),
    "stop": lambda claim: claim.stop(),
}


@pytest.mark.parametrize("late", LATE.values(), ids=LATE.keys())
def test_far_beyond_the_margin_the_late_holder_believes_it_holds_and_is_refused(
    hire: Hire, core: CoreTable, late: Callable[[Claim], object]
) -> None:
    first, second = hire(timedelta()), hire(FAR)
    first.jobs.enqueue("kind")
    first.try_to_claim()
    second.try_to_claim()
    assert first.claim is not None
    assert second.claim is not None
    assert first.holds()
    with pytest.raises(TransactionConflictError), first.core.transaction() as tx:
        tx.add(first.claim.fence())
        tx.put(Register(job_id=first.claim.id, token=first.claim.token))
    with pytest.raises(LeaseLostError):
        late(first.claim)
    items = Items.of(core)
    assert_sound(items, second.clock.now())
    assert items.all(Register) == []
    assert second.claim.complete().state is JobState.SUCCEEDED
