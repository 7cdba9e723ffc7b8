"""Locks on every engine: who gets one, when another may take it, and what a late holder can do no more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aircraftops_data import JOBS, CoreTable, Entity, PrimaryKey, Table
from aircraftops_data.coordination import Lock, LockBeat, LockName, LockOptions, Locks, LockState, LockToken
from aircraftops_data.errors import (
    ConditionFailedError,
    InvalidInputError,
    LockHeldError,
    LockLostError,
    NotFoundError,
    TransactionConflictError,
)
from aircraftops_data.testing import ManualClock
from coordination_over import locks_over
from faults import faulty

LEASE = timedelta(seconds=30)
OPTIONS = LockOptions()
OVER = OPTIONS.patience(LEASE)
Connect = Callable[..., CoreTable]


class Gauge(Entity, table=JOBS, entity_type="gauge"):
    """What a lock protects."""

    name: str
    value: int = 0
    fence: int | None = None

    primary = PrimaryKey("GAUGE#{name}", "GAUGE")


@pytest.fixture
def core(core_of_jobs: CoreTable) -> CoreTable:
    """A fresh JobsTable."""
    return core_of_jobs


@pytest.fixture
def locks(core: CoreTable) -> Locks:
    """Its locks."""
    return locks_over(core)


@pytest.fixture
def others(core: CoreTable) -> Locks:
    """The locks of another process, which has seen nothing yet."""
    return locks_over(core)


def take(locks: Locks, **terms: Any) -> Lock:
    """The lock all tests are about."""
    return locks.acquire("reindex", lease=LEASE, **terms)


class TestTaking:
    def test_tokens_rise_with_each_acquisition_and_outlive_the_release(self, locks: Locks) -> None:
        tokens: list[int] = []
        for _ in range(3):
            lock = take(locks)
            tokens.append(lock.token)
            lock.release()
        assert tokens == [1, 2, 3]
        assert locks.get("reindex").state is LockState.FREE

    def test_one_that_is_held_says_who_has_it_and_since_when(self, locks: Locks, clock: ManualClock) -> None:
        since = clock.now()
        take(locks, owner="deployer-1")
        clock.advance(5)
        with pytest.raises(LockHeldError) as caught:
            take(locks)
        assert (caught.value.owner, caught.value.since, caught.value.token) == ("deployer-1", since, 1)
        assert caught.value.name == "reindex"

    def test_who_does_not_wait_asks_once(self, core: CoreTable, locks: Locks, clock: ManualClock) -> None:
        take(locks)
        watched, transport = faulty(core)
        with pytest.raises(LockHeldError):
            take(locks_over(watched))
        assert (transport.operations, clock.slept) == (["Query"], [])

    def test_who_waits_looks_again_with_jitter_until_the_time_is_up(
        self, locks: Locks, others: Locks, clock: ManualClock
    ) -> None:
        take(locks)
        with pytest.raises(LockHeldError):
            take(others, wait=timedelta(seconds=10))
        # The last wait is never shorter than a millisecond.
        assert 10 <= round(sum(clock.slept), 3) <= 10.001
        assert len(set(clock.slept)) > 5
        assert max(clock.slept) <= OPTIONS.poll.total_seconds()

    def test_who_waits_gets_it_when_it_is_given_back(self, core: CoreTable, others: Locks) -> None:
        clock = Meanwhile()
        lock = take(others)
        clock.at(3.0, lock.release)
        found = take(locks_over(type(core)(core.runner.transport, clocked(core, clock))), wait=timedelta(seconds=20))
        assert found.token == 2
        assert clock.monotonic() < 3.0 + OPTIONS.poll.total_seconds()

    def test_different_names_have_nothing_to_do_with_each_other(self, locks: Locks) -> None:
        assert [locks.acquire(name).token for name in ("a", "a#b", "A", "LOCK#a")] == [1, 1, 1, 1]

    def test_one_that_was_never_taken_is_not_found(self, locks: Locks) -> None:
        with pytest.raises(NotFoundError):
            locks.get("reindex")
        with pytest.raises(LockLostError):
            locks.release("reindex", 1)

    @pytest.mark.parametrize(
        "terms",
        [{"lease": timedelta()}, {"lease": timedelta(seconds=-1)}, {"prove": timedelta()}],
        ids=lambda terms: next(iter(terms)),
    )
    def test_a_time_of_nothing_is_refused_before_anything_is_sent(self, core: CoreTable, terms: dict[str, Any]) -> None:
        watched, transport = faulty(core)
        with pytest.raises(InvalidInputError):
            locks_over(watched).hold("reindex", **terms)
        assert transport.sent == []

    def test_all_locks_can_be_listed_without_a_scan(self, core: CoreTable, locks: Locks) -> None:
        held = locks.acquire("b", owner="me")
        locks.acquire("a").release()
        watched, transport = faulty(core)
        assert [(lock.name, lock.state, lock.owner) for lock in locks_over(watched).all()] == [
            ("a", LockState.FREE, None),
            ("b", LockState.HELD, "me"),
        ]
        assert "Scan" not in transport.operations
        assert held.token == locks.get("b").token


class Meanwhile(ManualClock):
    """A clock during whose sleep others do something."""

    def __init__(self) -> None:
        super().__init__()
        self._planned: list[tuple[float, Callable[[], object]]] = []

    def at(self, second: float, work: Callable[[], object]) -> None:
        """Do this when so much time has passed."""
        self._planned.append((second, work))

    def sleep(self, seconds: float) -> None:
        """Sleep; what is planned for meanwhile is done at its time."""
        until = self.monotonic() + seconds
        for planned in sorted((one for one in self._planned if one[0] <= until), key=lambda one: one[0]):
            self._planned.remove(planned)
            self.advance(max(0.0, planned[0] - self.monotonic()))
            planned[1]()
        self.advance(until - self.monotonic())

    async def sleep_async(self, seconds: float) -> None:
        """In a thread, for what others do may wait for the event loop."""
        await asyncio.to_thread(self.sleep, seconds)


def clocked(core: CoreTable, clock: ManualClock) -> Any:
    """The context of a core by another clock."""
    return replace(core.context, clock=clock)


class TestDeadHolders:
    def test_one_is_followed_after_its_lease_and_the_margin_and_no_earlier(
        self, locks: Locks, others: Locks, clock: ManualClock
    ) -> None:
        dead, began = take(locks), clock.monotonic()
        found = take(others, wait=timedelta(minutes=5))
        passed = timedelta(seconds=clock.monotonic() - began)
        assert OVER <= passed <= OVER + OPTIONS.poll
        assert (dead.token, found.token) == (1, 2)

    def test_the_lease_that_counts_is_the_holders(self, locks: Locks, others: Locks, clock: ManualClock) -> None:
        take(locks)
        with pytest.raises(LockHeldError):
            others.acquire("reindex", lease=timedelta(seconds=1), wait=timedelta(seconds=20))

    def test_a_beat_begins_the_watch_anew(self, core: CoreTable, locks: Locks) -> None:
        clock = Meanwhile()
        lock = take(locks)
        clock.at(25.0, lock.heartbeat)
        clock.at(50.0, lock.heartbeat)
        found = take(locks_over(type(core)(core.runner.transport, clocked(core, clock))), wait=timedelta(minutes=5))
        assert found.token == 2
        assert 50.0 + OVER.total_seconds() <= clock.monotonic() <= 50.0 + OVER.total_seconds() + 2

    def test_no_wall_clock_decides(self, locks: Locks, others: Locks, clock: ManualClock) -> None:
        take(locks)
        clock.set(datetime(2150, 1, 1, tzinfo=UTC))
        with pytest.raises(LockHeldError):
            take(others)
        clock.set(datetime(2000, 1, 1, tzinfo=UTC), backwards=True)
        with pytest.raises(LockHeldError):
            take(others, wait=timedelta(seconds=20))
        assert take(others, wait=timedelta(seconds=20)).token == 2

    def test_who_asks_now_and_then_follows_as_well(self, locks: Locks, others: Locks, clock: ManualClock) -> None:
        take(locks)
        for _ in range(2):
            with pytest.raises(LockHeldError):
                take(others)
            clock.advance(OVER / 2)
        assert take(others).token == 2

    def test_who_has_seen_nothing_must_watch_first(self, locks: Locks, others: Locks, clock: ManualClock) -> None:
        take(locks)
        clock.advance(timedelta(days=1))
        with pytest.raises(LockHeldError):
            take(others)


class TestLateHolders:
    @pytest.fixture
    def late(self, locks: Locks, others: Locks) -> Lock:
        """A holder whose lock was taken over."""
        lock = take(locks)
        assert take(others, wait=timedelta(minutes=5)).token == 2
        return lock

    def test_one_is_refused_whatever_it_does(self, late: Lock, others: Locks) -> None:
        for call in (late.heartbeat, late.release, late.check):
            with pytest.raises(LockLostError) as caught:
                call()
            assert (caught.value.name, caught.value.token) == ("reindex", 1)
        assert others.get("reindex").token == 2
        assert others.get("reindex").state is LockState.HELD

    def test_its_fence_keeps_a_transaction_from_being_written(self, core: CoreTable, late: Lock) -> None:
        with pytest.raises(TransactionConflictError) as caught, core.transaction() as tx:
            tx.create(Gauge(name="speed"))
            tx.add(late.fence())
        created, fenced = caught.value.reasons
        assert created is None
        assert isinstance(fenced, LockLostError)
        assert core.find(Gauge, name="speed") is None

    def test_its_guard_keeps_an_item_a_later_holder_wrote(
        self, core: CoreTable, locks: Locks, others: Locks, clock: ManualClock
    ) -> None:
        core.create(Gauge(name="speed"))
        early = take(locks).guard(Gauge.f.fence)
        core.update(Gauge, name="speed", set={"value": 1, **early.set}, where=early.where)
        core.update(Gauge, name="speed", set={"value": 2, **early.set}, where=early.where)
        later = take(others, wait=timedelta(minutes=5)).guard(Gauge.f.fence)
        core.update(Gauge, name="speed", set={"value": 3, **later.set}, where=later.where)
        with pytest.raises(ConditionFailedError):
            core.update(Gauge, name="speed", set={"value": 4, **early.set}, where=early.where)
        found = core.get(Gauge, name="speed")
        assert (found.value, found.fence) == (3, 2)


class TestHolders:
    def test_the_fence_lets_a_holder_write(self, core: CoreTable, locks: Locks) -> None:
        lock = take(locks)
        with core.transaction() as tx:
            tx.add(lock.fence())
            tx.create(Gauge(name="speed"))
        assert core.get(Gauge, name="speed").version == 1

    def test_heartbeats_do_not_get_in_the_way_of_fences(self, core: CoreTable, locks: Locks) -> None:
        lock = take(locks)
        before = core.get(LockToken, name="reindex")
        lock.heartbeat()
        assert core.get(LockToken, name="reindex") == before
        assert core.get(LockBeat, name="reindex").beat == 1

    def test_one_that_released_has_it_no_more(self, core: CoreTable, locks: Locks) -> None:
        lock = take(locks)
        lock.release()
        lock.release()
        with pytest.raises(LockLostError):
            lock.check()
        with pytest.raises(TransactionConflictError), core.transaction() as tx:
            tx.add(lock.fence())
            tx.create(Gauge(name="speed"))

    def test_the_lease_runs_from_before_the_last_beat_was_sent(self, locks: Locks, clock: ManualClock) -> None:
        lock = take(locks)
        clock.advance(LEASE - timedelta(seconds=1))
        lock.check()
        lock.heartbeat()
        clock.advance(LEASE - timedelta(seconds=1))
        lock.check()
        clock.advance(1)
        with pytest.raises(LockLostError):
            lock.check()

    def test_a_lease_that_ran_out_unseen_can_be_renewed(self, locks: Locks, clock: ManualClock) -> None:
        lock = take(locks)
        clock.advance(2 * LEASE)
        lock.heartbeat()
        lock.check()

    def test_a_release_by_force_takes_effect_at_once(self, core: CoreTable, locks: Locks, others: Locks) -> None:
        lock = take(locks)
        with pytest.raises(LockLostError):
            others.release("reindex", 7)
        others.release("reindex", lock.token)
        with pytest.raises(LockLostError):
            lock.heartbeat()
        with pytest.raises(TransactionConflictError), core.transaction() as tx:
            tx.add(lock.fence())
            tx.create(Gauge(name="speed"))
        with pytest.raises(LockLostError):
            others.release("reindex", lock.token)
        assert take(others).token == 3

    def test_nothing_of_a_lock_is_ever_deleted(self, core: CoreTable, locks: Locks) -> None:
        take(locks).release()
        assert core.get(LockToken, name="reindex").expires_at is None
        assert core.get(LockBeat, name="reindex").token == 1
        assert core.get(LockName, name="reindex").version == 1


class TestHolding:
    def test_a_block_holds_it_and_gives_it_back(self, locks: Locks, others: Locks) -> None:
        with locks.hold("reindex") as lock:
            lock.check()
            with pytest.raises(LockHeldError):
                take(others)
        assert locks.get("reindex").state is LockState.FREE

    def test_a_block_that_raises_gives_it_back_too(self, locks: Locks) -> None:
        with pytest.raises(KeyError), locks.hold("reindex"):
            raise KeyError("x")
        assert locks.get("reindex").state is LockState.FREE

    def test_a_block_during_which_it_was_lost_ends_with_that(self, locks: Locks, others: Locks) -> None:
        with pytest.raises(LockLostError), locks.hold("reindex") as lock:
            others.release("reindex", lock.token)

    def test_what_a_block_raised_goes_before_the_loss_which_is_noted(self, locks: Locks, others: Locks) -> None:
        with pytest.raises(KeyError) as caught, locks.hold("reindex") as lock:
            others.release("reindex", lock.token)
            raise KeyError("x")
        assert "no longer held" in "".join(caught.value.__notes__)

    def test_it_is_not_reentrant(self, locks: Locks) -> None:
        hold = locks.hold("reindex")
        with hold:
            with pytest.raises(InvalidInputError), hold:
                pass
            with pytest.raises(LockHeldError), locks.hold("reindex"):
                pass

    def test_a_hold_can_be_used_again(self, locks: Locks) -> None:
        hold = locks.hold("reindex")
        tokens: list[int] = []
        for _ in range(2):
            with hold as lock:
                tokens.append(lock.token)
        assert tokens == [1, 2]

    def test_several_are_taken_in_one_order_and_found_by_name(self, core: CoreTable) -> None:
        watched, transport = faulty(core)
        with locks_over(watched).hold_all(["b", "a", "c"]) as held:
            assert {name: lock.token for name, lock in held.items()} == {"a": 1, "b": 1, "c": 1}
        taken = [request.parameters["TransactItems"][0]["Put"]["Item"]["name"]["S"] for request in transport.writes[:3]]
        assert taken == ["a", "b", "c"]

    def test_of_several_none_is_kept_where_one_cannot_be_had(self, locks: Locks, others: Locks) -> None:
        others.acquire("b")
        with pytest.raises(LockHeldError), locks.hold_all(["a", "b"]):
            pass
        assert others.acquire("a").token == 2

    @pytest.mark.parametrize("names", [[], ["a", "a"], "ab"], ids=["none", "twice", "text"])
    def test_names_that_make_no_set_of_locks_are_refused(self, locks: Locks, names: Any) -> None:
        with pytest.raises(InvalidInputError):
            locks.hold_all(names)


class TestOtherTables:
    def test_locks_can_lie_in_a_table_of_their_own(self, connect: Connect, core: CoreTable, clock: ManualClock) -> None:
        bare = Table("LocksAlone")
        own = connect(bare, clock=clock).context.names[bare]
        lock = take(locks_over(core, table=own))
        with pytest.raises(NotFoundError):
            locks_over(core).get("reindex")
        with core.transaction() as tx:
            tx.add(lock.fence())
            tx.create(Gauge(name="speed"))
        locks_over(core, table=own).release("reindex", lock.token)
        with pytest.raises(TransactionConflictError), core.transaction() as tx:
            tx.add(lock.fence())
            tx.create(Gauge(name="height"))
