"""Throttles, conflicts and facts that change: waited out, given up in time, and nothing is ever half done."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from entities import (
    SHELF,
    Badge,
    Plane,
    badge,
    everything,
    live,
    of_type,
    plane,
    stored,
)
from write_cases import (
    IN_TRANSACTION,
    PLAIN,
    TRANSACTION,
    Case,
    Write,
    assert_nothing_is_half,
    cases,
    furnish,
)

from aircraftops_data import CoreTable
from aircraftops_data.errors import (
    ContentionError,
    RequestRefusedError,
    ThrottledError,
    TransactionConflictError,
)
from aircraftops_data.testing import ManualClock
from faults import (
    before,
    cancelled,
    conflicting,
    faulty,
    throttled,
)

Connect = Callable[..., CoreTable]
TRIES = 8


@pytest.fixture
def core(connect: Connect, clock: ManualClock) -> CoreTable:
    """The shelf with a plane, a badge and a shift, under a clock that stands still."""
    return furnish(connect(SHELF, clock=clock))


class TestThrottles:
    @cases(PLAIN)
    def test_a_plain_write_says_so_at_once_and_wrote_nothing(self, core: CoreTable, case: Case) -> None:
        items = everything(core, SHELF)
        watched, transport = faulty(core)
        transport.always(case.operation, throttled)
        with pytest.raises(ThrottledError) as caught:
            case.write(watched)
        assert caught.value.retryable
        assert len(transport.writes) <= TRIES
        assert sorted(map(repr, everything(core, SHELF))) == sorted(map(repr, items))

    @cases(IN_TRANSACTION)
    def test_a_transaction_cancelled_for_now_is_tried_again(self, core: CoreTable, case: Case) -> None:
        watched, transport = faulty(core)
        codes = ("TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded")
        transport.plan(TRANSACTION, *(cancelled(code) for code in codes))
        assert case.write(watched) == case.found(core)
        assert len({request.parameters["ClientRequestToken"] for request in transport.writes}) == 1
        assert_nothing_is_half(core)

    def test_one_throttled_to_the_end_says_that(self, core: CoreTable) -> None:
        watched, transport = faulty(core)
        transport.always(TRANSACTION, cancelled("ThrottlingError"))
        with pytest.raises(ThrottledError):
            watched.create(badge("2"))

    def test_one_refused_by_the_engine_is_not_tried_again(self, core: CoreTable) -> None:
        watched, transport = faulty(core)
        transport.always(TRANSACTION, cancelled("ValidationError"))
        with pytest.raises(RequestRefusedError):
            watched.create(badge("2"))
        with pytest.raises(TransactionConflictError) as caught, watched.transaction() as tx:
            tx.create(plane("N2"))
            tx.create(plane("N3"))
        assert [type(reason) for reason in caught.value.reasons] == [RequestRefusedError, type(None)]
        assert len(transport.writes) == 2


class TestContention:
    @cases(PLAIN)
    def test_a_conflict_that_passes_is_waited_out(self, core: CoreTable, clock: ManualClock, case: Case) -> None:
        watched, transport = faulty(core)
        transport.plan(case.operation, conflicting, conflicting)
        case.write(watched)
        assert len(clock.slept) == 2
        assert_nothing_is_half(core)

    @cases({**PLAIN, **IN_TRANSACTION})
    def test_a_conflict_that_never_passes_is_given_up_with_nothing_written(
        self, core: CoreTable, clock: ManualClock, case: Case
    ) -> None:
        items = everything(core, SHELF)
        watched, transport = faulty(core)
        transport.always(
            case.operation, cancelled("TransactionConflict") if case.operation == TRANSACTION else conflicting
        )
        with pytest.raises(ContentionError) as caught:
            case.write(watched)
        assert caught.value.retryable
        assert len(transport.writes) == TRIES
        assert 0 < sum(clock.slept) < 60
        assert sorted(map(repr, everything(core, SHELF))) == sorted(map(repr, items))

    def test_facts_that_change_at_every_try_are_given_up(self, core: CoreTable) -> None:
        count = iter(range(100))
        watched, transport = faulty(core)
        transport.always(
            "UpdateItem", before(lambda: core.update(Plane, tail="N1", set={"typecode": f"T{next(count)}"}))
        )
        with pytest.raises(ContentionError):
            watched.update(Plane, tail="N1", set={"operator": "DAL"})
        assert len(transport.writes) == TRIES
        assert (stored(core, Plane, tail="N1") or {})["operator"] == {"S": "UAL"}
        assert_nothing_is_half(core)

    @pytest.mark.parametrize("write", ["put", "update", "delete"])
    def test_unique_values_that_change_at_every_try_are_given_up(self, core: CoreTable, write: str) -> None:
        count = iter(range(100))
        watched, transport = faulty(core)
        transport.always(TRANSACTION, before(lambda: core.update(Badge, number="1", set={"code": f"T{next(count)}"})))
        writes: dict[str, Write] = {
            "put": lambda core: core.put(badge("1", code="mine")),
            "update": lambda core: core.update(Badge, number="1", set={"code": "mine"}),
            "delete": lambda core: core.delete(Badge, number="1"),
        }
        with pytest.raises(ContentionError):
            writes[write](watched)
        assert len(transport.writes) == TRIES
        assert len(of_type(live(everything(core, SHELF), 0), "badge")) == 1
        assert_nothing_is_half(core)

    def test_facts_that_change_twice_are_caught_up_with(self, core: CoreTable) -> None:
        watched, transport = faulty(core)
        changes = [before(partial(core.update, Plane, tail="N1", set={"typecode": code})) for code in ("A", "B")]
        transport.plan("UpdateItem", *changes)
        assert watched.update(Plane, tail="N1", set={"operator": "DAL"}).typecode == "B"
        assert transport.operations.count("GetItem") == 1
        assert_nothing_is_half(core)
