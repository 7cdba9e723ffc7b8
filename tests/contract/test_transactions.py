"""Transactions: all or nothing, in the caller's order, over several tables, with one typed reason an action."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from entities import (
    DESK,
    SHELF,
    Badge,
    Memo,
    Parcel,
    Plane,
    Shift,
    assert_shelf_is_consistent,
    badge,
    everything,
    plane,
    stored,
)

from aircraftops_data import CoreTable
from aircraftops_data.core.intents import Check, Create
from aircraftops_data.errors import (
    AlreadyExistsError,
    ConditionFailedError,
    InvalidInputError,
    InvalidValueError,
    NotFoundError,
    TransactionConflictError,
    UniqueConflictError,
    VersionConflictError,
)
from aircraftops_data.testing import ManualClock
from faults import before, faulty

Connect = Callable[..., CoreTable]
# moto checks neither the size of a transaction nor the digits of a sum.
LOCAL_ONLY = pytest.mark.parametrize(
    "engine", [pytest.param(name, marks=pytest.mark.slow) for name in ("local", "local-async")], indirect=True
)


@pytest.fixture
def core(connect: Connect, clock: ManualClock) -> CoreTable:
    """Two tables, with a clock that stands still."""
    return connect(SHELF, DESK, clock=clock)


class TestAllOfIt:
    def test_every_kind_of_write_over_two_tables(self, core: CoreTable) -> None:
        for tail in ("N2", "N3", "N4", "N5", "N6"):
            core.create(plane(tail))
        with core.transaction() as tx:
            tx.create(plane("N1"))
            tx.put(Memo(number="1", text="hello"))
            tx.replace(core.get(Plane, tail="N2").model_copy(update={"note": "replaced"}))
            tx.update(Plane, tail="N3", set={"note": "updated"}, where=Plane.f.seats == 2)
            tx.update(Plane, tail="N4", set={"operator": "DAL"}, add={"rank": 3})
            tx.delete(Plane, tail="N5")
            tx.move(core.get(Plane, tail="N6"), tail="N7")
            tx.create(badge("1"))
            assert len(everything(core, SHELF)) == 5
        notes = {found.tail: found.note for found in core.scan(Plane)}
        assert notes == {"N1": None, "N2": "replaced", "N3": "updated", "N4": None, "N7": None}
        assert core.get(Plane, tail="N4").content() == plane("N4", operator="DAL", rank=3).content()
        assert core.get(Memo, number="1").text == "hello"
        assert_shelf_is_consistent(everything(core, SHELF), core.context.clock.now().timestamp())

    def test_results_are_in_the_callers_order(self, core: CoreTable) -> None:
        two, three, _ = (core.create(plane(tail)) for tail in ("N2", "N3", "N4"))
        with core.transaction() as tx:
            tx.create(plane("N1"))
            tx.update(two, set={"note": "x"})
            tx.delete(three)
            tx.check(Plane, tail="N4")
            tx.create(badge("1"))
        one, second, _, checked, made = tx.results
        assert one == core.get(Plane, tail="N1")
        assert second in (None, core.get(Plane, tail="N2"))
        assert checked is None
        assert made == core.get(Badge, number="1")

    def test_the_request_keeps_the_callers_order(self, core: CoreTable) -> None:
        core.create(plane("N2"))
        watched, transport = faulty(core)
        with watched.transaction() as tx:
            tx.create(Memo(number="9"))
            tx.check(Plane, tail="N2")
            tx.create(badge("1"))
            tx.put(plane("N1"))
        (request,) = transport.writes
        actions = [next(iter(action.items())) for action in request.parameters["TransactItems"]]
        assert [kind for kind, _ in actions] == ["Put", "ConditionCheck", "Put", "Put", "Put", "Update"]
        assert actions[0][1]["TableName"] == core.context.names[DESK]

    def test_a_hundred_actions_go_in_one(self, core: CoreTable) -> None:
        with core.transaction() as tx:
            for number in range(100):
                tx.create(plane(f"N{number}"))
        assert len(tx.results) == 100
        assert len(everything(core, SHELF)) == 100

    @pytest.mark.parametrize(("planes", "badges"), [(101, 0), (98, 1)])
    def test_a_hundred_and_one_are_refused_before_anything_is_sent(
        self, core: CoreTable, planes: int, badges: int
    ) -> None:
        watched, transport = faulty(core)
        with pytest.raises(InvalidInputError, match="101"), watched.transaction() as tx:
            for number in range(planes):
                tx.create(plane(f"N{number}"))
            for number in range(badges):
                tx.create(badge(str(number)))
        assert transport.sent == []

    def test_nothing_to_do_sends_nothing(self, core: CoreTable) -> None:
        watched, transport = faulty(core)
        with watched.transaction() as tx:
            pass
        assert (transport.sent, tx.results) == ([], [])

    def test_any_other_write_joins(self, core: CoreTable) -> None:
        core.create(plane("N2"))
        with core.transaction() as tx:
            tx.add(Create(plane("N1")))
            tx.add(Check(Plane.definition(), {"tail": "N2"}))
        assert core.find(Plane, tail="N1") is not None


class TestNothingOfIt:
    def test_an_exception_in_the_block_writes_nothing_and_comes_through(self, core: CoreTable) -> None:
        watched, transport = faulty(core)
        with pytest.raises(ZeroDivisionError), watched.transaction() as tx:
            tx.create(plane())
            raise ZeroDivisionError
        assert transport.sent == []
        with pytest.raises(InvalidInputError, match="over"):
            tx.create(plane())

    def test_what_is_added_after_the_block_is_refused(self, core: CoreTable) -> None:
        with core.transaction() as tx:
            tx.create(plane())
        with pytest.raises(InvalidInputError, match="over"):
            tx.create(plane("N2"))

    def test_two_actions_on_one_item_are_refused_before_anything_is_sent(self, core: CoreTable) -> None:
        core.create(plane())
        watched, transport = faulty(core)
        writes: list[Callable[[Any], None]] = [
            lambda tx: tx.check(Plane, tail="N628TS"),
            lambda tx: tx.delete(Plane, tail="N628TS"),
            lambda tx: tx.put(plane()),
        ]
        for write in writes:
            with pytest.raises(InvalidInputError, match="same item"), watched.transaction() as tx:
                tx.update(Plane, tail="N628TS", set={"note": "x"})
                write(tx)
        assert transport.sent == []

    def test_what_cannot_be_is_refused_where_it_is_said(self, core: CoreTable) -> None:
        watched, transport = faulty(core)
        with pytest.raises(InvalidValueError), watched.transaction() as tx:
            tx.create(plane())
            tx.update(Plane, tail="N1", set={"hours": "many"})
        assert transport.sent == []

    @LOCAL_ONLY
    def test_a_transaction_over_4_mb_is_refused_and_nothing_is_written(self, core: CoreTable) -> None:
        with pytest.raises(InvalidInputError), core.transaction() as tx:
            for number in range(11):
                tx.create(Parcel(number=str(number), load="x" * 390_000))
        assert everything(core, SHELF) == []


class TestReasons:
    def test_there_is_one_an_action_typed_and_in_order(self, core: CoreTable) -> None:
        there = core.create(plane("N1"))
        moved_on = core.update(core.create(plane("N2")), set={"note": "x"})
        held = core.create(badge("1"))
        with pytest.raises(TransactionConflictError) as caught, core.transaction() as tx:
            tx.create(Memo(number="1"))
            tx.create(plane("N1"))
            tx.replace(moved_on.model_copy(update={"version": 1}))
            tx.update(Plane, tail="N9", set={"note": "x"})
            tx.check(Memo, number="9")
            tx.create(badge("2", code=held.code))
            tx.create(plane("N3"))
        reasons = caught.value.reasons
        assert [type(reason) for reason in reasons] == [
            type(None),
            AlreadyExistsError,
            VersionConflictError,
            NotFoundError,
            NotFoundError,
            UniqueConflictError,
            type(None),
        ]
        assert (reasons[1].existing, reasons[2].existing) == (there, moved_on)
        assert (reasons[2].expected, reasons[2].found) == (1, 2)
        assert reasons[5].holder == Badge.definition().identify({"number": "1"})
        assert caught.value.__cause__ is not None
        assert (len(everything(core, SHELF)), everything(core, DESK)) == (5, [])

    def test_a_condition_and_a_delete_and_a_move_say_theirs(self, core: CoreTable) -> None:
        one, two, three, four = (core.create(plane(f"N{number}")) for number in range(1, 5))
        with pytest.raises(TransactionConflictError) as caught, core.transaction() as tx:
            tx.check(Plane, tail="N1", where=Plane.f.seats > 5)
            tx.delete(two.model_copy(update={"version": 7}))
            tx.move(three, tail="N4")
            tx.update(Plane, tail="N5", set={"note": "x"}, where=Plane.f.note == "y")
        check, delete, move, update = caught.value.reasons
        assert (type(check), check.existing) == (ConditionFailedError, one)
        assert (type(delete), delete.expected, delete.found) == (VersionConflictError, 7, 1)
        assert (type(move), move.existing) == (AlreadyExistsError, four)
        assert isinstance(update, NotFoundError)

    def test_of_two_reasons_of_one_move_the_first_counts(self, core: CoreTable) -> None:
        core.create(plane("N2"))
        with pytest.raises(TransactionConflictError) as caught, core.transaction() as tx:
            tx.move(plane("N1", version=1), tail="N2")
            tx.create(plane("N3"))
        first, second = caught.value.reasons
        assert isinstance(first, AlreadyExistsError | NotFoundError)
        assert second is None

    @LOCAL_ONLY
    def test_an_item_the_engine_finds_wrong_is_a_reason_too(self, core: CoreTable) -> None:
        core.create(plane(hours=10**37))
        with pytest.raises((TransactionConflictError, InvalidInputError)), core.transaction() as tx:
            tx.update(Plane, tail="N628TS", add={"hours": 10**38 - 1})
            tx.create(plane("N2"))
        assert core.find(Plane, tail="N2") is None

    def test_errors_before_anything_is_sent_are_raised_as_they_are(self, core: CoreTable) -> None:
        with pytest.raises(NotFoundError), core.transaction() as tx:
            tx.create(plane("N1"))
            tx.update(Plane, tail="N9", set={"operator": "DAL"})
        assert everything(core, SHELF) == []


class TestReadsBehindTheScenes:
    def test_updates_that_need_a_read_are_built_on_what_others_left(self, core: CoreTable) -> None:
        core.create(plane("N1"))
        core.create(Shift(name="a", start=1, end=5))
        watched, transport = faulty(core)

        def others() -> None:
            core.update(Plane, tail="N1", set={"typecode": "A359"})
            core.update(Shift, name="a", set={"end": 9})

        transport.plan("TransactWriteItems", before(others))
        with watched.transaction() as tx:
            tx.update(Plane, tail="N1", set={"operator": "DAL"})
            tx.update(Shift, name="a", set={"start": 4})
            tx.create(Memo(number="1"))
        assert transport.operations == ["GetItem", "GetItem", "TransactWriteItems", "TransactWriteItems"]
        assert (stored(core, Plane, tail="N1") or {})["GSI1SK"] == {"S": "TYPE#A359#1999-05-04"}
        assert core.get(Shift, name="a").content() == Shift(name="a", start=4, end=9).content()

    def test_a_rule_broken_meanwhile_writes_nothing(self, core: CoreTable) -> None:
        core.create(Shift(name="a", start=1, end=9))
        watched, transport = faulty(core)
        transport.plan("TransactWriteItems", before(lambda: core.update(Shift, name="a", set={"end": 5})))
        with pytest.raises(InvalidValueError), watched.transaction() as tx:
            tx.update(Shift, name="a", set={"start": 8})
            tx.create(plane("N1"))
        assert core.find(Plane, tail="N1") is None

    def test_an_error_of_one_is_not_hidden_by_the_stale_facts_of_another(self, core: CoreTable) -> None:
        core.create(plane("N1"))
        core.create(plane("N2"))
        watched, transport = faulty(core)
        transport.plan("TransactWriteItems", before(lambda: core.update(Plane, tail="N1", set={"typecode": "A359"})))
        with pytest.raises(TransactionConflictError) as caught, watched.transaction() as tx:
            tx.update(Plane, tail="N1", set={"operator": "DAL"})
            tx.create(plane("N2"))
        assert isinstance(caught.value.reasons[1], AlreadyExistsError)


def test_names_of_tables_may_be_overridden(core: CoreTable) -> None:
    names = replace(core.context.names, overrides={DESK.name: core.context.names[SHELF]})
    joined = CoreTable(core.runner.transport, replace(core.context, names=names))
    with joined.transaction() as tx:
        tx.create(Memo(number="1"))
        tx.create(plane())
    assert len(everything(core, SHELF)) == 2
