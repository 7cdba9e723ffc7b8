"""Writes meet expiry: an item whose time has passed is gone for every write, whether or not the engine deleted it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from entities import (
    SHELF,
    Badge,
    Plane,
    assert_shelf_is_consistent,
    badge,
    everything,
    expected_sentinels,
    found_sentinels,
    of_type,
    plane,
    stored,
)

from aircraftops_data import CoreTable
from aircraftops_data.errors import NotFoundError, TransactionConflictError, UniqueConflictError
from aircraftops_data.request import Request
from aircraftops_data.testing import ManualClock

Connect = Callable[..., CoreTable]
HOUR = timedelta(hours=1)


@pytest.fixture
def core(connect: Connect, clock: ManualClock) -> CoreTable:
    """The shelf, with a clock that stands still, far ahead of the engines': they delete nothing by themselves."""
    return connect(SHELF, clock=clock)


@pytest.fixture
def expired(core: CoreTable, clock: ManualClock) -> Plane:
    """A plane whose time passed a moment ago, still in the table."""
    created = core.create(plane(expires_at=clock.now() + HOUR, note="first"))
    clock.advance(HOUR)
    assert stored(core, Plane, tail="N628TS") is not None
    return created


class TestAnExpiredItem:
    def test_it_is_there_to_its_last_second(self, core: CoreTable, clock: ManualClock) -> None:
        created = core.create(plane(expires_at=clock.now() + HOUR))
        clock.advance(HOUR - timedelta(seconds=1))
        assert core.update(created, set={"note": "just in time"}).version == 2

    def test_it_can_be_created_anew_from_the_start(self, core: CoreTable, clock: ManualClock, expired: Plane) -> None:
        created = core.create(plane(operator="DAL"))
        assert (created.version, created.created_at, created.note) == (1, clock.now(), None)
        assert core.get(Plane, tail="N628TS") == created

    def test_update_does_not_find_it(self, core: CoreTable, expired: Plane) -> None:
        for changes in ({"note": "x"}, {"operator": "DAL"}, {"rank": 3}, {"expires_at": None}):
            with pytest.raises(NotFoundError):
                core.update(Plane, tail="N628TS", set=changes)
            with pytest.raises(NotFoundError):
                core.update(expired, set=changes)
        assert (stored(core, Plane, tail="N628TS") or {})["note"] == {"S": "first"}

    def test_replace_and_move_do_not_find_it(self, core: CoreTable, expired: Plane) -> None:
        with pytest.raises(NotFoundError):
            core.replace(expired)
        with pytest.raises(NotFoundError):
            core.move(expired, tail="N2")

    def test_a_transaction_does_not_find_it(self, core: CoreTable, expired: Plane) -> None:
        with pytest.raises(TransactionConflictError) as caught, core.transaction() as tx:
            tx.check(Plane, tail="N628TS")
            tx.create(plane("N2"))
        assert isinstance(caught.value.reasons[0], NotFoundError)
        assert core.find(Plane, tail="N2") is None

    def test_put_takes_its_place_without_its_expiry(self, core: CoreTable, expired: Plane) -> None:
        put = core.put(plane(note="second"))
        assert (put.expires_at, put.note) == (None, "second")
        assert core.get(Plane, tail="N628TS") == put

    def test_another_can_move_to_its_place(self, core: CoreTable, expired: Plane) -> None:
        moved = core.move(core.create(plane("N2")), tail="N628TS")
        assert core.get(Plane, tail="N628TS") == moved

    def test_deleting_it_clears_it_away(self, core: CoreTable, expired: Plane) -> None:
        core.delete(Plane, tail="N628TS")
        assert everything(core, SHELF) == []


class TestChangesOfExpiry:
    def test_fractions_of_a_second_are_cut(self, core: CoreTable, clock: ManualClock) -> None:
        instant = clock.now() + timedelta(seconds=90, microseconds=999_999)
        created = core.create(plane(expires_at=instant))
        assert created.expires_at == instant.replace(microsecond=0)
        assert core.get(Plane, tail="N628TS") == created

    def test_it_can_be_put_off_and_lifted(self, core: CoreTable, clock: ManualClock) -> None:
        core.create(plane(expires_at=clock.now() + HOUR))
        core.update(Plane, tail="N628TS", set={"expires_at": clock.now() + 3 * HOUR})
        clock.advance(2 * HOUR)
        assert core.update(Plane, tail="N628TS", remove=["expires_at"]).expires_at is None
        clock.advance(24 * HOUR)
        assert core.get(Plane, tail="N628TS").version == 3
        assert "delete_at" not in (stored(core, Plane, tail="N628TS") or {})

    def test_the_sentinels_follow_every_change(self, core: CoreTable, clock: ManualClock) -> None:
        changes: list[Callable[[], object]] = [
            lambda: core.create(badge(expires_at=clock.now() + HOUR)),
            lambda: core.update(Badge, number="1", set={"expires_at": clock.now() + 2 * HOUR}),
            lambda: core.update(Badge, number="1", set={"code": "other"}),
            lambda: core.update(Badge, number="1", remove=["expires_at"]),
            lambda: core.put(badge(expires_at=clock.now() + HOUR)),
            lambda: core.replace(core.get(Badge, number="1").model_copy(update={"expires_at": None})),
            lambda: core.update(core.get(Badge, number="1"), set={"expires_at": clock.now() + HOUR}),
            lambda: core.move(core.get(Badge, number="1"), number="2", expires_at=clock.now() + 3 * HOUR),
        ]
        for change in changes:
            change()
            items = everything(core, SHELF)
            assert found_sentinels(items) == expected_sentinels(of_type(items, "badge"))
            assert len(found_sentinels(items)) == 2


class TestUniqueValuesOfAnExpiredItem:
    @pytest.fixture(autouse=True)
    def _expired_badge(self, core: CoreTable, clock: ManualClock) -> None:
        """Badge 1 held C1 and (DEN, D1) until its time passed."""
        core.create(badge("1", expires_at=clock.now() + HOUR))
        with pytest.raises(UniqueConflictError):
            core.create(badge("2", code="C1"))
        clock.advance(HOUR)

    @pytest.fixture
    def heir(self, core: CoreTable) -> Badge:
        """Badge 2 holds badge 1's values now."""
        return core.create(badge("2", code="C1", desk="D1"))

    def test_they_can_be_taken_by_another(self, core: CoreTable, clock: ManualClock, heir: Badge) -> None:
        assert core.get(Badge, number="2") == heir
        assert_shelf_is_consistent(everything(core, SHELF), clock.now().timestamp())

    def test_deleting_the_expired_one_leaves_them_with_the_heir(
        self, core: CoreTable, clock: ManualClock, heir: Badge
    ) -> None:
        core.delete(Badge, number="1")
        assert_shelf_is_consistent(everything(core, SHELF), clock.now().timestamp())
        with pytest.raises(UniqueConflictError) as caught:
            core.create(badge("3", code="C1"))
        assert caught.value.holder == Badge.definition().identify({"number": "2"})

    @pytest.mark.parametrize("write", ["create", "put"])
    def test_writing_over_the_expired_one_cannot_take_them_back(
        self, core: CoreTable, clock: ManualClock, heir: Badge, write: str
    ) -> None:
        with pytest.raises(UniqueConflictError):
            getattr(core, write)(badge("1"))
        renewed = getattr(core, write)(badge("1", code="new", desk="new"))
        assert core.get(Badge, number="1") == renewed
        assert_shelf_is_consistent(everything(core, SHELF), clock.now().timestamp())

    @pytest.mark.parametrize("write", ["create", "put"])
    def test_where_nobody_took_them_the_same_key_may_have_them_again(
        self, core: CoreTable, clock: ManualClock, write: str
    ) -> None:
        getattr(core, write)(badge("1"))
        assert_shelf_is_consistent(everything(core, SHELF), clock.now().timestamp())
        with pytest.raises(UniqueConflictError):
            core.create(badge("2", code="C1"))

    def test_an_update_of_the_expired_one_is_refused(self, core: CoreTable, clock: ManualClock, heir: Badge) -> None:
        with pytest.raises(NotFoundError):
            core.update(Badge, number="1", set={"code": "x"})
        with pytest.raises(NotFoundError):
            core.update(Badge, number="1", set={"expires_at": clock.now() + HOUR})
        assert_shelf_is_consistent(everything(core, SHELF), clock.now().timestamp())

    def test_the_engine_may_delete_sentinel_and_item_in_any_order(self, core: CoreTable, clock: ManualClock) -> None:
        for gone in everything(core, SHELF):
            key = {"PK": gone["PK"], "SK": gone["SK"]}
            core.runner.transport.send(_delete(core, key))
            core.put(badge("1"))
            assert_shelf_is_consistent(everything(core, SHELF), clock.now().timestamp())
            core.delete(Badge, number="1")
            core.create(badge("1", expires_at=clock.now() + HOUR))
            clock.advance(HOUR)


def _delete(core: CoreTable, key: dict[str, dict[str, str]]) -> Request:
    return Request("DeleteItem", {"TableName": core.context.names[SHELF], "Key": key})


def test_a_clock_that_runs_behind_can_still_delete_an_item_whose_values_another_took(
    core: CoreTable, clock: ManualClock
) -> None:
    late = CoreTable(core.runner.transport, replace(core.context, clock=ManualClock(clock.now())))
    core.create(badge("1", expires_at=clock.now() + HOUR))
    clock.advance(HOUR)
    core.create(badge("2", code="C1", desk="D1"))
    late.delete(Badge, number="1")
    assert_shelf_is_consistent(everything(core, SHELF), clock.now().timestamp())
    assert len(of_type(everything(core, SHELF), "badge")) == 1
