"""Unique values: no two items hold the same, through every kind of write, and nothing is left behind when they go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from entities import (
    SHELF,
    Badge,
    assert_shelf_is_consistent,
    badge,
    everything,
    expected_sentinels,
    found_sentinels,
    of_type,
    plane,
)

from aircraftops_data import CoreTable
from aircraftops_data.errors import (
    AlreadyExistsError,
    ConditionFailedError,
    InvalidInputError,
    InvalidKeyError,
    NotFoundError,
    TransactionConflictError,
    UniqueConflictError,
    VersionConflictError,
)
from aircraftops_data.testing import ManualClock
from faults import before, faulty

Connect = Callable[..., CoreTable]


@pytest.fixture
def core(connect: Connect, clock: ManualClock) -> Iterator[CoreTable]:
    """The shelf; whatever a test did, at its end the sentinels are exactly those of the badges stored."""
    core = connect(SHELF, clock=clock)
    yield core
    assert_shelf_is_consistent(everything(core, SHELF), clock.now().timestamp())


def sentinels(core: CoreTable) -> set[str]:
    """The unique values held."""
    return {key.removeprefix("UNIQUE#badge#") for key in found_sentinels(everything(core, SHELF))}


class TestCreate:
    def test_the_values_are_held(self, core: CoreTable) -> None:
        created = core.create(badge())
        assert core.get(Badge, number="1") == created
        assert sentinels(core) == {"code#C1", "site+desk#DEN#D1"}

    @pytest.mark.parametrize(
        ("fields", "constraint"), [({"code": "C1"}, ("code",)), ({"desk": "D1"}, ("site", "desk"))]
    )
    def test_a_value_held_by_another_is_refused_and_nothing_is_written(
        self, core: CoreTable, fields: dict[str, str], constraint: tuple[str, ...]
    ) -> None:
        core.create(badge("1"))
        with pytest.raises(UniqueConflictError) as caught:
            core.create(badge("2", **fields))
        assert (caught.value.entity, caught.value.constraint) == ("Badge", constraint)
        assert caught.value.holder == Badge.definition().identify({"number": "1"})
        assert caught.value.__cause__ is not None
        assert core.find(Badge, number="2") is None

    def test_the_message_does_not_hold_the_value(self, core: CoreTable) -> None:
        core.create(badge("1", code="secret-code"))
        with pytest.raises(UniqueConflictError) as caught:
            core.create(badge("2", code="secret-code"))
        assert "secret-code" not in str(caught.value)

    def test_the_same_item_twice_exists_already(self, core: CoreTable) -> None:
        first = core.create(badge("1"))
        with pytest.raises(AlreadyExistsError) as caught:
            core.create(badge("1", code="other", desk="other"))
        assert caught.value.existing == first

    def test_the_very_same_item_twice_exists_already_too(self, core: CoreTable) -> None:
        first = core.create(badge("1"))
        with pytest.raises(AlreadyExistsError) as caught:
            core.create(badge("1"))
        assert caught.value.existing == first

    def test_none_in_any_field_lifts_the_rule(self, core: CoreTable) -> None:
        for number in "123":
            core.create(badge(number, code=None, desk=None))
        for number, desk in (("4", "D1"), ("5", "D1")):
            core.create(badge(number, site=None, desk=desk))
        assert sentinels(core) == {"code#C4", "code#C5"}

    def test_values_that_would_run_together_stay_apart(self, core: CoreTable) -> None:
        core.create(badge("1", site="a#b", desk="c"))
        core.create(badge("2", site="a", desk="b#c"))
        core.create(badge("3", site="a%23b", desk="c"))
        assert len(sentinels(core)) == 6

    def test_a_value_too_long_for_a_key_is_refused(self, core: CoreTable) -> None:
        with pytest.raises(InvalidKeyError):
            core.create(badge(code="x" * 2048))


class TestUpdate:
    def test_a_value_given_up_is_free_and_the_new_one_is_held(self, core: CoreTable) -> None:
        core.create(badge("1"))
        assert core.update(Badge, number="1", set={"code": "new"}).code == "new"
        assert sentinels(core) == {"code#new", "site+desk#DEN#D1"}
        core.create(badge("2", code="C1"))

    def test_a_value_held_by_another_is_refused_and_nothing_changes(self, core: CoreTable) -> None:
        core.create(badge("1"))
        two = core.create(badge("2"))
        for changes in ({"code": "C1"}, {"desk": "D1"}, {"code": "free", "desk": "D1", "note": "x"}):
            with pytest.raises(UniqueConflictError):
                core.update(Badge, number="2", set=changes)
            with pytest.raises(UniqueConflictError):
                core.update(two, set=changes)
        assert core.get(Badge, number="2") == two

    def test_one_field_of_two_changes_both_ways(self, core: CoreTable) -> None:
        core.create(badge("1"))
        core.update(Badge, number="1", set={"site": "ORD"})
        assert sentinels(core) == {"code#C1", "site+desk#ORD#D1"}
        core.update(Badge, number="1", set={"site": None})
        assert sentinels(core) == {"code#C1"}
        core.update(Badge, number="1", set={"site": "DEN", "code": None})
        assert sentinels(core) == {"site+desk#DEN#D1"}

    def test_the_value_it_has_already_is_no_conflict(self, core: CoreTable) -> None:
        core.create(badge("1"))
        assert core.update(Badge, number="1", set={"code": "C1", "site": "DEN"}).version == 2

    def test_a_field_of_no_constraint_is_one_plain_request(self, core: CoreTable) -> None:
        core.create(badge("1"))
        watched, transport = faulty(core)
        watched.update(Badge, number="1", set={"note": "x"})
        assert transport.operations == ["UpdateItem"]

    def test_its_errors_are_those_of_any_update(self, core: CoreTable) -> None:
        first = core.create(badge("1"))
        with pytest.raises(NotFoundError):
            core.update(Badge, number="9", set={"code": "x"})
        with pytest.raises(ConditionFailedError) as failed:
            core.update(Badge, number="1", set={"code": "x"}, where=Badge.f.note == "y")
        assert failed.value.existing == first
        second = core.update(first, set={"code": "x"})
        with pytest.raises(VersionConflictError) as conflict:
            core.update(first, set={"code": "z"})
        assert (conflict.value.expected, conflict.value.found, conflict.value.existing) == (1, 2, second)
        with pytest.raises(VersionConflictError):
            core.update(Badge, number="1", set={"code": "z"}, version=1)

    def test_a_value_changed_by_others_between_read_and_write_is_given_up_right(self, core: CoreTable) -> None:
        core.create(badge("1"))
        watched, transport = faulty(core)
        transport.plan("TransactWriteItems", before(lambda: core.update(Badge, number="1", set={"code": "b"})))
        watched.update(Badge, number="1", set={"code": "c"})
        assert sentinels(core) == {"code#c", "site+desk#DEN#D1"}

    def test_what_an_instance_claims_but_never_stored_is_not_given_up_in_its_stead(self, core: CoreTable) -> None:
        created = core.create(badge("1"))
        edited = created.model_copy(update={"code": "edited", "site": "ORD"})
        updated = core.update(edited, set={"desk": "D9"})
        assert updated == core.get(Badge, number="1")


class TestPutAndReplace:
    @pytest.mark.parametrize("write", ["put", "replace"])
    def test_values_move_with_the_write(self, core: CoreTable, write: str) -> None:
        created = core.create(badge("1"))
        written = getattr(core, write)(created.model_copy(update={"code": "new", "desk": None}))
        assert sentinels(core) == {"code#new"}
        assert written == core.get(Badge, number="1")
        assert (written.version, written.created_at) == (2, created.created_at)

    @pytest.mark.parametrize("write", ["put", "replace"])
    def test_a_value_held_by_another_is_refused_and_nothing_changes(self, core: CoreTable, write: str) -> None:
        core.create(badge("1"))
        two = core.create(badge("2"))
        with pytest.raises(UniqueConflictError):
            getattr(core, write)(two.model_copy(update={"code": "C1"}))
        assert core.get(Badge, number="2") == two

    def test_put_stores_what_is_not_there(self, core: CoreTable) -> None:
        assert core.put(badge("1")) == core.get(Badge, number="1")
        with pytest.raises(UniqueConflictError):
            core.put(badge("2", code="C1"))

    def test_replace_refuses_what_it_always_refuses(self, core: CoreTable) -> None:
        first = core.create(badge("1"))
        second = core.replace(first)
        with pytest.raises(VersionConflictError) as caught:
            core.replace(first.model_copy(update={"code": "x"}))
        assert (caught.value.expected, caught.value.found, caught.value.existing) == (1, 2, second)
        core.delete(second)
        with pytest.raises(NotFoundError):
            core.replace(second)

    def test_others_between_read_and_write_are_seen(self, core: CoreTable) -> None:
        created = core.create(badge("1"))
        watched, transport = faulty(core)
        transport.plan("TransactWriteItems", before(lambda: core.update(Badge, number="1", set={"code": "b"})))
        assert watched.put(badge("1", code="c")).version == 3
        transport.plan("TransactWriteItems", before(lambda: core.update(Badge, number="1", set={"code": "d"})))
        with pytest.raises(VersionConflictError):
            watched.replace(created.model_copy(update={"version": 3, "code": "e"}))
        assert sentinels(core) == {"code#d", "site+desk#DEN#D1"}


class TestDelete:
    @pytest.mark.parametrize("by_instance", [True, False])
    def test_the_values_are_free_again(self, core: CoreTable, by_instance: bool) -> None:
        created = core.create(badge("1"))
        assert (core.delete(created) if by_instance else core.delete(Badge, number="1")) == created
        assert everything(core, SHELF) == []

    def test_nothing_to_delete_is_none(self, core: CoreTable) -> None:
        assert core.delete(Badge, number="1") is None

    def test_refused_deletes_keep_the_values(self, core: CoreTable) -> None:
        first = core.create(badge("1"))
        core.update(first, set={"note": "x"})
        with pytest.raises(VersionConflictError):
            core.delete(first)
        with pytest.raises(ConditionFailedError):
            core.delete(Badge, number="1", where=Badge.f.note == "y")
        assert sentinels(core) == {"code#C1", "site+desk#DEN#D1"}

    def test_a_value_changed_by_others_between_read_and_delete_goes_too(self, core: CoreTable) -> None:
        core.create(badge("1"))
        watched, transport = faulty(core)
        transport.plan("TransactWriteItems", before(lambda: core.update(Badge, number="1", set={"code": "b"})))
        assert watched.delete(Badge, number="1") is not None
        assert everything(core, SHELF) == []

    def test_one_deleted_by_others_between_read_and_delete_is_none(self, core: CoreTable) -> None:
        core.create(badge("1"))
        watched, transport = faulty(core)
        transport.plan("TransactWriteItems", before(lambda: core.delete(Badge, number="1")))
        assert watched.delete(Badge, number="1") is None


class TestMove:
    def test_the_values_go_along(self, core: CoreTable) -> None:
        moved = core.move(core.create(badge("1")), number="2")
        assert core.get(Badge, number="2") == moved
        with pytest.raises(UniqueConflictError) as caught:
            core.create(badge("3", code="C1"))
        assert caught.value.holder == Badge.definition().identify({"number": "2"})

    def test_values_may_change_on_the_way(self, core: CoreTable) -> None:
        core.move(core.create(badge("1")), number="2", code="new", desk=None)
        assert sentinels(core) == {"code#new"}

    def test_a_value_held_by_another_keeps_it_where_it_is(self, core: CoreTable) -> None:
        one = core.create(badge("1"))
        core.create(badge("3"))
        with pytest.raises(UniqueConflictError):
            core.move(one, number="2", code="C3")
        assert core.get(Badge, number="1") == one

    def test_what_the_instance_claims_but_never_stored_leaves_no_orphan(self, core: CoreTable) -> None:
        created = core.create(badge("1"))
        edited = created.model_copy(update={"code": "edited"})
        core.move(edited, number="2")


class TestSwap:
    def test_two_items_swap_values_one_after_the_other(self, core: CoreTable) -> None:
        core.create(badge("1"))
        core.create(badge("2"))
        core.update(Badge, number="1", set={"code": None})
        core.update(Badge, number="2", set={"code": "C1"})
        core.update(Badge, number="1", set={"code": "C2"})
        assert (core.get(Badge, number="1").code, core.get(Badge, number="2").code) == ("C2", "C1")

    def test_two_items_swap_values_in_one_transaction(self, core: CoreTable) -> None:
        core.create(badge("1"))
        core.create(badge("2"))
        with core.transaction() as tx:
            tx.update(Badge, number="1", set={"code": "C2"})
            tx.update(Badge, number="2", set={"code": "C1"})
        assert (core.get(Badge, number="1").code, core.get(Badge, number="2").code) == ("C2", "C1")

    def test_a_value_is_handed_over_in_one_transaction(self, core: CoreTable) -> None:
        core.create(badge("1"))
        with core.transaction() as tx:
            tx.delete(Badge, number="1")
            tx.create(badge("2", code="C1"))
        assert core.get(Badge, number="2").code == "C1"

    def test_two_new_items_with_one_value_are_refused_in_one_transaction(self, core: CoreTable) -> None:
        with pytest.raises((InvalidInputError, TransactionConflictError)), core.transaction() as tx:
            tx.create(badge("1"))
            tx.create(badge("2", code="C1"))
        assert everything(core, SHELF) == []


class TestTogetherWithOthers:
    def test_uniques_join_any_transaction(self, core: CoreTable) -> None:
        core.create(badge("1"))
        with pytest.raises(TransactionConflictError) as caught, core.transaction() as tx:
            tx.create(plane())
            tx.create(badge("2", code="C1"))
        first, second = caught.value.reasons
        assert first is None
        assert isinstance(second, UniqueConflictError)
        assert len(everything(core, SHELF)) == 3

    def test_the_stored_sentinels_carry_what_tells_them_apart(self, core: CoreTable) -> None:
        core.create(badge("1"))
        items = everything(core, SHELF)
        assert found_sentinels(items) == expected_sentinels(of_type(items, "badge"))
        for item in of_type(items, "unique"):
            assert item["SK"] == {"S": "UNIQUE"}
            assert set(item) == {"PK", "SK", "entity_type", "holder", "write_id"}

    def test_a_scan_of_badges_gives_badges_alone(self, core: CoreTable) -> None:
        made: list[Any] = [core.create(badge(number)) for number in "12"]
        assert sorted(core.scan(Badge), key=lambda found: found.number) == made
