"""Workflows: jobs that wait for others, what a failure means for them, and how far it all has come."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from job_cases import assert_table_is_consistent, claimed

from aircraftops_data.errors import InvalidInputError, NotFoundError, StoreError
from aircraftops_data.jobs import After, Job, JobState
from aircraftops_data.jobs.model import Child, Parent
from aircraftops_data.testing import ManualClock

# Each takes moto about half a second.
pytestmark = pytest.mark.slow

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def consistent(jobs: Any) -> Any:
    """After each test the table is what its jobs say."""
    yield
    assert_table_is_consistent(jobs)


def asked(jobs: Any, kind: str, *parents: Any, **how: Any) -> Job:
    """A job of the workflow under test."""
    return jobs.enqueue(kind, workflow="w", parents=parents, **how)


def states(jobs: Any, *known: Job) -> list[str]:
    """Where these jobs stand."""
    return [jobs.get(job.id).state for job in known]


def edges(jobs: Any) -> int:
    """How many halves of edges there are."""
    return len(jobs.core.scan(Parent).all()) + len(jobs.core.scan(Child).all())


def test_a_join_runs_when_the_last_parent_has_succeeded(jobs: Any) -> None:
    parents = [asked(jobs, "part") for _ in range(3)]
    join = asked(jobs, "join", *parents)
    assert join.state is JobState.BLOCKED
    for left in (2, 1, 0):
        claimed(jobs).complete()
        assert jobs.get(join.id).state == (JobState.BLOCKED if left else JobState.AVAILABLE)
    claim = claimed(jobs)
    assert claim.id == join.id
    claim.complete()
    assert edges(jobs) == 0


@pytest.fixture
def too_many(engine: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """More parents than one transaction is given; fewer are, where transactions are as slow as moto's."""
    if engine != "moto":
        return 45
    monkeypatch.setattr("aircraftops_data.jobs.enqueueing._PARENTS_AT_ONCE", 3)
    return 7


def test_a_join_of_more_parents_than_a_transaction_takes(jobs: Any, too_many: int) -> None:
    parents = [asked(jobs, "part") for _ in range(too_many)]
    join = asked(jobs, "join", *parents)
    assert edges(jobs) == 2 * too_many
    for claim in jobs.claims(jobs.claimer("w"), "default", count=too_many):
        assert jobs.get(join.id).state is JobState.BLOCKED
        claim.complete()
    assert (claimed(jobs).id, edges(jobs)) == (join.id, 0)


def test_a_big_join_that_is_there_already_leaves_no_edges(jobs: Any, too_many: int) -> None:
    parents = [asked(jobs, "part") for _ in range(too_many)]
    join = asked(jobs, "join", *parents, unique="k")
    assert asked(jobs, "join", *parents, unique="k").id == join.id
    assert edges(jobs) == 2 * too_many


def test_a_job_can_fan_out_and_each_of_its_children_waits_for_it(jobs: Any) -> None:
    root = asked(jobs, "root")
    children = [asked(jobs, "leaf", root) for _ in range(5)]
    claimed(jobs).complete()
    assert set(states(jobs, *children)) == {JobState.AVAILABLE}


def test_a_child_of_parents_that_have_ended_does_not_wait(jobs: Any) -> None:
    parent = asked(jobs, "a")
    claimed(jobs).complete()
    assert asked(jobs, "b", parent).state is JobState.AVAILABLE


def test_a_child_keeps_its_own_time(jobs: Any, clock: ManualClock) -> None:
    parent = asked(jobs, "a")
    child = asked(jobs, "b", parent, run_at=HOUR)
    claimed(jobs).complete()
    assert jobs.get(child.id).state is JobState.SCHEDULED
    assert jobs.claim("default", worker="w") is None
    clock.advance(HOUR)
    assert claimed(jobs).id == child.id


@pytest.mark.parametrize("ending", ["dead", "cancelled", "expired"])
def test_the_failure_of_a_parent_means_what_the_edge_says(jobs: Any, clock: ManualClock, ending: str) -> None:
    parent = asked(jobs, "a", max_attempts=1, deadline=HOUR)
    cancel = asked(jobs, "b", After(parent))
    grandchild = asked(jobs, "c", cancel)
    run = asked(jobs, "b", After(parent, "run"))
    hold = asked(jobs, "b", After(parent, "hold"))
    if ending == "dead":
        claimed(jobs).fail(OSError())
    elif ending == "cancelled":
        jobs.cancel(parent.id)
    else:
        clock.advance(HOUR)
        jobs.claim("default", worker="w")
    assert jobs.get(parent.id).state == ending
    assert states(jobs, cancel, grandchild, hold) == ["cancelled", "cancelled", "blocked"]
    assert jobs.get(run.id).state in {"available", "running"}


def test_a_held_child_runs_once_its_parent_was_redriven_and_succeeded(jobs: Any) -> None:
    parent = asked(jobs, "a", max_attempts=1)
    child = asked(jobs, "b", After(parent, "hold"))
    claimed(jobs).fail(OSError())
    assert jobs.get(child.id).state is JobState.BLOCKED
    jobs.redrive(parent.id)
    claimed(jobs).complete()
    assert (claimed(jobs).id, edges(jobs)) == (child.id, 0)


def test_a_held_child_runs_once_somebody_releases_it(jobs: Any) -> None:
    parent = asked(jobs, "a", max_attempts=1)
    child = asked(jobs, "b", After(parent, "hold"))
    claimed(jobs).fail(OSError())
    assert jobs.release(child.id).state is JobState.AVAILABLE
    assert (claimed(jobs).id, edges(jobs)) == (child.id, 0)


def test_the_edges_of_a_child_that_has_ended_go_when_its_parent_fails(jobs: Any) -> None:
    parent = asked(jobs, "a", max_attempts=1)
    child = asked(jobs, "b", After(parent, "hold"))
    jobs.cancel(child.id)
    claimed(jobs).fail(OSError())
    assert (states(jobs, child), edges(jobs)) == ([JobState.CANCELLED], 0)


def test_a_join_with_several_policies_waits_for_all(jobs: Any) -> None:
    one, two = asked(jobs, "1", max_attempts=1), asked(jobs, "2")
    join = asked(jobs, "join", After(one, "run"), two)
    jobs.claim_by_id(one.id, jobs.claimer("w")).fail(OSError())
    assert jobs.get(join.id).state is JobState.BLOCKED
    claimed(jobs).complete()
    assert claimed(jobs).id == join.id


def test_a_child_that_was_cancelled_stays_so(jobs: Any) -> None:
    parent = asked(jobs, "a")
    child = asked(jobs, "b", parent)
    jobs.cancel(child.id)
    claimed(jobs).complete()
    assert states(jobs, child) == [JobState.CANCELLED]


def test_a_blocked_job_expires_at_its_deadline(jobs: Any, clock: ManualClock) -> None:
    parent = asked(jobs, "a", run_at=2 * HOUR)
    child = asked(jobs, "b", parent, deadline=HOUR)
    leaf = asked(jobs, "c", child)
    clock.advance(HOUR)
    assert jobs.claim("default", worker="w") is None
    assert states(jobs, parent, child, leaf) == ["scheduled", "expired", "cancelled"]


def test_children_nobody_told_find_out_by_themselves(jobs: Any, clock: ManualClock, monkeypatch: Any) -> None:
    parent, other = asked(jobs, "a"), asked(jobs, "a", max_attempts=1)
    child, lost = asked(jobs, "b", parent), asked(jobs, "b", other)
    for module in ("aircraftops_data.jobs.jobs", "aircraftops_data.jobs.aio.jobs"):
        monkeypatch.setattr(f"{module}.settle", crashing)
    for known in (parent, other):
        claim = jobs.claim_by_id(known.id, jobs.claimer("w"))
        with pytest.raises(StoreError):
            claim.complete() if known is parent else claim.fail(OSError())
    assert states(jobs, parent, other, child, lost) == ["succeeded", "dead", "blocked", "blocked"]
    clock.advance(jobs.options.recheck)
    # The look at the first makes it available; it is claimed by the next to come.
    jobs.claim("default", worker="w")
    assert states(jobs, child)[0] in {"available", "running"}
    jobs.claim("default", worker="w")
    assert states(jobs, lost) == ["cancelled"]


def crashing(*_: Any) -> Any:
    """A plan that does not get far."""
    raise StoreError("the process is gone", retryable=False)
    yield


@pytest.mark.slow
def test_a_blocked_job_is_looked_at_more_and_more_rarely(jobs: Any, clock: ManualClock) -> None:
    parent = asked(jobs, "a", run_at=timedelta(days=9))
    child = asked(jobs, "b", parent)
    waits = []
    for _ in range(24):
        clock.set(jobs.get(child.id).due_at)
        assert jobs.claim("default", worker="w") is None
        waits.append(jobs.get(child.id).due_at - clock.now())
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (jobs.options.recheck, 60 * jobs.options.recheck)


def test_the_jobs_of_a_workflow_are_listed_with_their_states(jobs: Any) -> None:
    one = asked(jobs, "a")
    two = asked(jobs, "b", one)
    jobs.enqueue("a", workflow="other")
    jobs.enqueue("a")
    assert {job.id: job.state for job in jobs.in_workflow("w")} == {one.id: "available", two.id: "blocked"}


def test_the_counts_of_a_workflow_are_exact(jobs: Any) -> None:
    known = [asked(jobs, "a", max_attempts=1) for _ in range(6)]
    claims = jobs.claims(jobs.claimer("w"), "default", count=4)
    for claim in claims[:2]:
        claim.complete()
    claims[2].fail(OSError())
    jobs.cancel(next(job for job in known if job.id not in {claim.id for claim in claims}).id)
    status = jobs.workflow("w")
    assert (status.jobs, status.succeeded, status.dead, status.cancelled, status.live) == (6, 2, 1, 1, 2)
    jobs.redrive(claims[2].id)
    assert (jobs.workflow("w").dead, jobs.workflow("w").live) == (0, 3)
    assert jobs.workflow("nobody's").jobs == 0


def test_parents_are_of_the_same_workflow_and_there(jobs: Any) -> None:
    stranger = jobs.enqueue("a", workflow="other")
    with pytest.raises(InvalidInputError):
        asked(jobs, "b", stranger)
    with pytest.raises(NotFoundError):
        asked(jobs, "b", "nobody")
    with pytest.raises(InvalidInputError):
        asked(jobs, "b", "x", "x")


def test_a_child_asked_for_in_a_transaction_is_looked_at_soon(jobs: Any, clock: ManualClock) -> None:
    parent = asked(jobs, "a")
    claimed(jobs).complete()
    with jobs.core.transaction() as tx:
        tx.add(jobs.enqueue_action("b", workflow="w", parents=[parent]))
    clock.advance(jobs.options.recheck)
    jobs.claim("default", worker="w")
    assert jobs.get(tx.results[0].job_id).state in {"available", "running"}
