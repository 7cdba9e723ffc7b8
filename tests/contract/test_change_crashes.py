"""Deployers apply the same changes and are killed, stopped and lied to meanwhile: each effect is there once.

AIRCRAFTOPS_CRASH_DEPLOYERS (how many at a time: a run for each number) and AIRCRAFTOPS_CRASH_CHUNKS make it longer.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from random import Random
from time import monotonic

import pytest
from change_crew import LOST, ChangeGate, Deployed, Deployment, deploy, deploy_once
from change_journal import ChangeCall, assert_sound, make_tallies, tallies, violations
from job_crew import Crew, crew, go_on, stop, until

from aircraftops_data import CoreTable
from aircraftops_data.coordination import ChangeState
from aircraftops_data.model.schema import CORE, JOBS

pytestmark = pytest.mark.parametrize("engine", [pytest.param("local-direct", marks=pytest.mark.slow)], indirect=True)

Connect = Callable[..., CoreTable]
DEPLOYERS = [int(number) for number in os.environ.get("AIRCRAFTOPS_CRASH_DEPLOYERS", "1,4").split(",")]
CHUNKS = int(os.environ.get("AIRCRAFTOPS_CRASH_CHUNKS", "16"))
# On two slow cores; a run that still goes on then does not end.
PATIENCE_SECONDS = 120.0 + CHUNKS


@pytest.fixture
def core(connect: Connect) -> CoreTable:
    """Both tables, under the machine's own clock."""
    return connect(CORE, JOBS)


@pytest.fixture
def deployment(core: CoreTable, local_endpoint: str) -> Deployment:
    """What deployers are told; all tallies are at nothing."""
    deployment = Deployment(local_endpoint, core.context.names.prefix, "", chunks=CHUNKS)
    for place in deployment.counted():
        make_tallies(core, [place, f"{place} token"])
    return deployment


def all_applied(deployment: Deployment) -> Callable[[], bool]:
    """Whether every change is applied by now."""
    changes, ids = deployment.changes(), {change.id for change in deployment.declared()}
    return lambda: {one.id for one in changes.records() if one.state is ChangeState.APPLIED} == ids


@pytest.mark.parametrize("size", DEPLOYERS)
def test_each_effect_is_there_once_whatever_becomes_of_the_deployers(
    core: CoreTable, deployment: Deployment, size: int
) -> None:
    began, over, random = monotonic(), all_applied(deployment), Random(size)
    with crew(replace(deployment, lost_replies=0.02), size, deploy) as deployers:
        while not over():
            assert monotonic() - began < PATIENCE_SECONDS
            _let_get_on(deployment, random.randint(1, 10))
            deployers.harm(_holder(deployment, deployers) if random.random() < 0.85 else None)
        last = deployers.hire()
        for process in (*deployers.processes, last):
            process.join(60)
            assert process.exitcode == 0
    _assert_made_once(core, deployment)
    _assert_told_right(core, deployment)
    _tell(deployment, deployers, monotonic() - began)


def _let_get_on(deployment: Deployment, steps: int) -> None:
    """Wait until so many steps and chunks are done, or, where nobody gets on, for a while."""
    records, deadline = deployment.changes().records(), monotonic() + 4

    def done() -> int:
        return sum(record.version for record in records)

    enough = done() + steps
    until(lambda: done() >= enough or monotonic() > deadline, PATIENCE_SECONDS)


def _holder(deployment: Deployment, deployers: Crew) -> int | None:
    """The place of the deployer that has the lock."""
    held = deployment.changes()._locks.all()
    pids = [int((lock.owner or "-0").rpartition("-")[2]) for lock in held]
    return next((place for place, process in enumerate(deployers.processes) if process.pid in pids), None)


def _assert_made_once(core: CoreTable, deployment: Deployment) -> None:
    places = deployment.counted()
    assert dict(zip(places, tallies(core, places), strict=True)) == dict.fromkeys(places, 1)
    tokens = tallies(core, [f"{place} token" for place in places])
    assert tokens == sorted(tokens)
    entries = assert_sound(deployment.changes(), deployment.declared())
    calls = core.query(ChangeCall.primary(place="c external")).consistent().all()
    begun = {one.attempt for one in entries if (one.change_id, one.state) == ("c external", ChangeState.STARTED)}
    assert {one.key for one in calls} == {"crash:c external:0"}
    assert 0 < len({one.attempt for one in calls}) == len(calls)
    assert {one.attempt for one in calls} <= begun


def _assert_told_right(core: CoreTable, deployment: Deployment) -> None:
    """Who says that it made a change did; whoever came last found nothing to do."""
    entries = deployment.changes().history().all()
    applied = {one.change_id: one.operator for one in entries if one.state is ChangeState.APPLIED}
    reports = core.query(Deployed.primary(run="crash")).consistent().all()
    for report in reports:
        assert {applied[id] for id in report.made} <= {report.worker}
    made = [id for report in reports for id in report.made]
    assert len(set(made)) == len(made)
    assert max(reports, key=lambda one: int(one.worker[1:])).made == []


def _tell(deployment: Deployment, deployers: Crew, seconds: float) -> None:
    """The figures of the run, for `pytest -s`."""
    entries = deployment.changes().history().all()
    tokens = {entry.token for entry in entries}
    print(f"\n{seconds:.0f} s, {len(entries)} entries under {len(tokens)} tokens")
    print(f"{deployers.killed} deployers killed, {deployers.stopped} stopped and let go on")


# One that is stopped past its lease

PLACES = {"an atomic change": "a atomic", "a chunk": f"b chunked-{CHUNKS // 2}"}


def late_deployer(core: CoreTable, deployment: Deployment, place: str, *without: str) -> int | None:
    """One is stopped in the middle of a part until another has made all, and then goes on: how it ends."""
    told = replace(deployment, waits_at=place, without=without, takes_seconds=0.0)
    with crew(told, 1, deploy_once) as first:
        (process,) = first.processes
        until(lambda: core.find(ChangeGate, name="inside", consistent=True) is not None, 60)
        stop(process)
        core.create(ChangeGate(name="go on"))
        with crew(replace(told, without=()), 1, deploy) as second:
            (other,) = second.processes
            other.join(60)
            assert other.exitcode == 0
        assert all_applied(deployment)()
        go_on(process)
        process.join(60)
        return process.exitcode


@pytest.mark.parametrize(
    ("place", "without"),
    [
        pytest.param(PLACES["an atomic change"], (), id="an atomic change"),
        pytest.param(PLACES["a chunk"], (), id="a chunk"),
        pytest.param(PLACES["a chunk"], ("fence",), id="a chunk, no fence"),
    ],
)
def test_a_deployer_that_was_stopped_past_its_lease_can_write_nothing(
    core: CoreTable, deployment: Deployment, place: str, without: tuple[str, ...]
) -> None:
    """The fence refuses it, and so would the version of the record alone."""
    assert late_deployer(core, deployment, place, *without) == LOST
    _assert_made_once(core, deployment)


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_without_fence_and_version_the_same_deployer_writes_and_the_tallies_show_it(
    core: CoreTable, deployment: Deployment, place: str
) -> None:
    late_deployer(core, deployment, place, "fence", "version")
    assert tallies(core, [place]) == [2]
    changes = deployment.changes()
    assert violations(changes.history().all(), changes.records()) != []
