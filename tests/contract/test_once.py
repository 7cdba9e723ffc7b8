"""Once per key on every engine: one result for all who ask, whoever is late or fails."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from once_cases import KEEP, LEASE, LOST, Work, kept
from pydantic import BaseModel

from aircraftops_data import CoreTable
from aircraftops_data.errors import (
    ConditionFailedError,
    InvalidInputError,
    InvalidValueError,
    ItemTooLargeError,
    LeaseLostError,
    OnceInProgressError,
    TransactionConflictError,
)
from aircraftops_data.jobs import Jobs, Queue
from aircraftops_data.jobs.once import Once, OnceState
from aircraftops_data.testing import ManualClock
from faults import before, lost_request
from jobs_over import faulty_at, jobs_over


class Receipt(BaseModel):
    """What a charge leaves."""

    number: int
    at: datetime


@pytest.fixture
def core(core_of_jobs: CoreTable) -> CoreTable:
    """The table of the jobs."""
    return core_of_jobs


class TestOnce:
    def test_it_runs_once_and_all_get_what_it_left(self, jobs: Jobs) -> None:
        work = Work()
        assert [jobs.once("k", work) for _ in range(3)] == [{"run": 1}] * 3
        assert jobs.once("other", work) == {"run": 2}
        assert work.tokens == [1, 1]

    def test_the_first_gets_what_the_others_do(self, jobs: Jobs) -> None:
        assert jobs.once("k", lambda turn: {"pair": (1, 2)}) == {"pair": [1, 2]}  # type: ignore[comparison-overlap]
        assert jobs.once("k", Work()) == {"pair": [1, 2]}

    @pytest.mark.parametrize("value", [None, False, 0, "", [], {"é": "🚀"}], ids=ascii)
    def test_any_json_is_a_result(self, jobs: Jobs, value: Any) -> None:
        assert jobs.once("k", lambda turn: value) == value
        assert jobs.once("k", Work()) == value

    def test_a_typed_result_comes_back_as_its_model(self, jobs: Jobs) -> None:
        receipt = Receipt(number=7, at=datetime(2100, 1, 1, tzinfo=UTC))
        assert jobs.once("k", lambda turn: receipt, result=Receipt) == receipt
        assert jobs.once("k", Work(), result=Receipt) == receipt

    def test_a_key_may_be_any_text(self, jobs: Jobs) -> None:
        keys = ["a#b", "a", "a%23b", "é/🚀?", "x" * 200]
        assert [jobs.once(key, lambda turn: turn.key) for key in keys] == keys
        assert [jobs.once(key, Work()) for key in keys] == keys

    @pytest.mark.parametrize("key", ["", "x" * 201])
    def test_a_key_that_cannot_be_is_refused(self, jobs: Jobs, key: str) -> None:
        work = Work()
        with pytest.raises(InvalidInputError):
            jobs.once(key, work)
        assert work.tokens == []

    @pytest.mark.parametrize("name", ["lease", "keep"])
    def test_durations_are_longer_than_nothing(self, jobs: Jobs, name: str) -> None:
        with pytest.raises(InvalidInputError):
            jobs.once("k", Work(), **{name: timedelta()})

    def test_it_runs_again_once_the_result_has_expired(self, core: CoreTable, jobs: Jobs, clock: ManualClock) -> None:
        work = Work()
        jobs.once("k", work, keep=timedelta(hours=1))
        clock.advance(timedelta(minutes=59))
        assert jobs.once("k", work) == {"run": 1}
        clock.advance(timedelta(minutes=1))
        assert jobs.once("k", work) == {"run": 2}

    def test_only_what_has_ended_expires(self, core: CoreTable, jobs: Jobs, clock: ManualClock) -> None:
        jobs.once("k", lambda turn: assert_none(kept(core)))
        found = kept(core)
        assert found is not None
        assert (found.state, found.expires_at) == (OnceState.DONE, clock.now().replace(microsecond=0) + KEEP)


def assert_none(once: Once | None) -> None:
    """It is at work, and does not expire."""
    assert once is not None
    assert (once.state, once.expires_at) == (OnceState.RUNNING, None)


class TestFailures:
    def test_an_error_goes_on_and_the_next_caller_runs_it_again(self, core: CoreTable, jobs: Jobs) -> None:
        work = Work(ValueError("no"), ValueError("again"))
        for message in ("no", "again"):
            with pytest.raises(ValueError, match=message):
                jobs.once("k", work)
        assert jobs.once("k", work) == {"run": 3}
        assert jobs.once("k", work) == {"run": 3}
        assert work.tokens == [1, 2, 3]

    def test_what_failed_and_is_never_asked_for_again_expires(
        self, core: CoreTable, jobs: Jobs, clock: ManualClock
    ) -> None:
        work = Work(ValueError("no"))
        with pytest.raises(ValueError, match="no"):
            jobs.once("k", work)
        found = kept(core)
        assert found is not None
        assert found.expires_at == clock.now().replace(microsecond=0) + KEEP
        clock.advance(KEEP)
        assert jobs.once("k", work) == {"run": 2}
        assert work.tokens == [1, 1]

    def test_a_run_after_a_failure_does_not_expire_while_it_is_at_work(self, core: CoreTable, jobs: Jobs) -> None:
        with pytest.raises(ValueError, match="no"):
            jobs.once("k", Work(ValueError("no")))
        jobs.once("k", lambda turn: assert_none(kept(core)))

    @pytest.mark.parametrize(
        ("value", "model", "error"),
        [
            (object(), None, InvalidValueError),
            (float("nan"), None, InvalidValueError),
            ({"number": "x"}, Receipt, InvalidValueError),
            ("x" * 500_000, None, ItemTooLargeError),
        ],
        ids=["object", "nan", "model", "size"],
    )
    def test_a_result_that_cannot_be_kept_is_a_failure(
        self, jobs: Jobs, value: Any, model: Any, error: type[Exception]
    ) -> None:
        with pytest.raises(error):
            jobs.once("k", lambda turn: value, result=model)
        assert jobs.once("k", Work()) == {"run": 1}

    def test_an_error_is_told_even_where_the_key_cannot_be_given_back(
        self, core: CoreTable, jobs: Jobs, clock: ManualClock
    ) -> None:
        watched, _ = faulty_at(core, -1, lost_request)
        watched.runner.transport.always("UpdateItem", lost_request)
        with pytest.raises(ValueError, match="mine"):
            jobs_over(watched).once("k", Work(ValueError("mine")))
        with pytest.raises(OnceInProgressError):
            jobs.once("k", Work())
        clock.advance(LOST)
        assert jobs.once("k", Work()) == {"run": 1}


class TestLeases:
    def test_another_at_work_is_an_error_that_says_until_when(self, jobs: Jobs, clock: ManualClock) -> None:
        def inner(turn: Any) -> str:
            with pytest.raises(OnceInProgressError) as caught:
                jobs.once("k", Work())
            assert caught.value.until == clock.now() + LEASE
            return "outer"

        assert jobs.once("k", inner) == "outer"
        assert jobs.once("k", Work()) == "outer"

    def test_a_lost_lease_is_taken_over_and_the_late_one_changes_nothing(
        self, core: CoreTable, jobs: Jobs, clock: ManualClock
    ) -> None:
        work, tokens = Work(), list[int]()

        def late(turn: Any) -> str:
            tokens.append(turn.token)
            clock.advance(LOST - timedelta.resolution)
            with pytest.raises(OnceInProgressError):
                jobs.once("k", work)
            clock.advance(timedelta.resolution)
            assert jobs.once("k", work) == {"run": 1}
            with pytest.raises(LeaseLostError):
                turn.heartbeat()
            return "late"

        with pytest.raises(LeaseLostError) as caught:
            jobs.once("k", late)
        assert (caught.value.token, tokens, work.tokens) == (1, [1], [2])
        assert jobs.once("k", Work()) == {"run": 1}

    def test_a_late_failure_leaves_the_work_of_another_alone(self, jobs: Jobs, clock: ManualClock) -> None:
        def late(turn: Any) -> None:
            clock.advance(LOST)
            jobs.once("k", lambda turn: "in time")
            raise ValueError("late")

        with pytest.raises(ValueError, match="late"):
            jobs.once("k", late)
        assert jobs.once("k", Work()) == "in time"

    def test_the_token_rises_though_the_one_that_took_over_failed(self, jobs: Jobs, clock: ManualClock) -> None:
        work = Work(ValueError("second"))

        def late(turn: Any) -> str:
            clock.advance(LOST)
            with pytest.raises(ValueError, match="second"):
                jobs.once("k", work)
            jobs.once("k", lambda turn: work.tokens.append(turn.token))
            return "late"

        with pytest.raises(LeaseLostError):
            jobs.once("k", late)
        assert work.tokens == [2, 3]

    def test_a_late_one_is_told_apart_after_its_key_expired_and_tokens_began_anew(
        self, jobs: Jobs, clock: ManualClock
    ) -> None:
        def late(turn: Any) -> str:
            clock.advance(LOST)
            jobs.once("k", Work())
            clock.advance(KEEP)
            return jobs.once("k", lambda another: outlive(turn, another))

        def outlive(turn: Any, another: Any) -> str:
            assert turn.token == another.token == 1
            with pytest.raises(LeaseLostError):
                turn.heartbeat()
            another.heartbeat()
            return "new"

        with pytest.raises(LeaseLostError):
            jobs.once("k", late)
        assert jobs.once("k", Work()) == "new"

    def test_a_heartbeat_keeps_the_lease(self, jobs: Jobs, clock: ManualClock) -> None:
        def long(turn: Any) -> str:
            for _ in range(5):
                clock.advance(LEASE)
                turn.heartbeat()
            with pytest.raises(OnceInProgressError):
                jobs.once("k", Work())
            return "long"

        assert jobs.once("k", long) == "long"

    def test_a_turn_that_has_ended_holds_no_more(self, core: CoreTable, jobs: Jobs) -> None:
        turns: list[Any] = []
        jobs.once("k", turns.append)
        before_that = kept(core)
        with pytest.raises(LeaseLostError):
            turns[0].heartbeat()
        with pytest.raises(TransactionConflictError), core.transaction() as tx:
            tx.add(turns[0].fence())
            tx.create(Queue(name="late"))
        assert kept(core) == before_that

    def test_a_late_one_nobody_took_over_from_is_in_time(self, jobs: Jobs, clock: ManualClock) -> None:
        def late(turn: Any) -> str:
            clock.advance(100 * LEASE)
            return "late"

        assert jobs.once("k", late) == "late"

    def test_a_fence_lets_a_transaction_happen_only_while_the_turn_holds(
        self, core: CoreTable, jobs: Jobs, clock: ManualClock
    ) -> None:
        def fenced(turn: Any) -> str:
            with core.transaction() as tx:
                tx.add(turn.fence())
                tx.create(Queue(name="in time"))
            clock.advance(LOST)
            jobs.once("k", Work())
            with pytest.raises(TransactionConflictError) as caught, core.transaction() as tx:
                tx.add(turn.fence())
                tx.create(Queue(name="late"))
            assert [type(reason) for reason in caught.value.reasons] == [ConditionFailedError, type(None)]
            return "fenced"

        with pytest.raises(LeaseLostError):
            jobs.once("k", fenced)
        assert [queue.name for queue in jobs.queues()] == ["in time"]


class TestWaiting:
    def test_the_result_may_come_while_one_waits(self, core: CoreTable, jobs: Jobs, clock: ManualClock) -> None:
        watched, sent = faulty_at(core, 2, before(lambda: finish(core)))
        core.create(Once(key="k", token=1, holder="other", lease_until=clock.now() + LEASE))
        work = Work()
        assert jobs_over(watched).once("k", work, wait=timedelta(seconds=30)) == "theirs"
        assert ([request.operation for request in sent], work.tokens) == (["GetItem"] * 3, [])

    def test_the_wait_is_kept_to_with_growing_pauses(self, core: CoreTable, jobs: Jobs, clock: ManualClock) -> None:
        core.create(Once(key="k", token=1, holder="other", lease_until=clock.now() + LEASE))
        start = clock.now()
        watched, sent = faulty_at(core, -1, lost_request)
        with pytest.raises(OnceInProgressError):
            jobs_over(watched).once("k", Work(), wait=timedelta(seconds=30))
        assert clock.now() - start == timedelta(seconds=30)
        assert len(sent) == len(clock.slept) + 1 < 60
        assert max(clock.slept) > 1

    def test_who_waits_takes_over_once_the_lease_is_lost(self, core: CoreTable, jobs: Jobs, clock: ManualClock) -> None:
        core.create(Once(key="k", token=1, holder="dead", lease_until=clock.now() + LEASE))
        start, work = clock.now(), Work()
        assert jobs.once("k", work, wait=2 * LOST) == {"run": 1}
        assert clock.now() - start >= LOST
        assert work.tokens == [2]

    def test_who_waits_runs_it_where_the_other_failed(self, core: CoreTable, jobs: Jobs, clock: ManualClock) -> None:
        core.create(Once(key="k", token=1, holder="other", lease_until=clock.now() + LEASE))
        watched, _ = faulty_at(core, 1, before(lambda: core.update(Once, key="k", set={"state": OnceState.FAILED})))
        work = Work()
        assert jobs_over(watched).once("k", work, wait=timedelta(seconds=30)) == {"run": 1}
        assert work.tokens == [2]


def finish(core: CoreTable) -> None:
    """Another ends the work."""
    core.update(Once, key="k", set={"state": OnceState.DONE, "result": '"theirs"'})
