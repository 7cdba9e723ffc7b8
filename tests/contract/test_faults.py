"""Between here and the engine things go wrong: a write whose reply is lost happens once, nothing is ever half done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from entities import (
    SHELF,
    Badge,
    Plane,
    Shift,
    badge,
    plane,
)
from write_cases import (
    DELETES,
    EVERY,
    IN_TRANSACTION,
    SINGLE,
    TRANSACTION,
    WRITES,
    Case,
    assert_nothing_is_half,
    cases,
    furnish,
)

from aircraftops_data import CoreTable
from aircraftops_data.errors import (
    ConflictError,
    NotFoundError,
    TimeoutError,
    VersionConflictError,
)
from aircraftops_data.testing import ManualClock
from faults import (
    Fault,
    conflicting,
    faulty,
    lost_reply,
    lost_reply_then,
    lost_request,
    throttled,
)
from sweeping import by_both_cores

Connect = Callable[..., CoreTable]
TRIES = 8


@pytest.fixture
def core(connect: Connect, clock: ManualClock) -> CoreTable:
    """The shelf with a plane, a badge and a shift, under a clock that stands still."""
    return furnish(connect(SHELF, clock=clock))


class TestLostReply:
    @by_both_cores
    @cases(WRITES)
    def test_a_write_happens_once_and_returns_what_it_left(self, core: CoreTable, case: Case) -> None:
        watched, transport = faulty(core)
        transport.plan(case.operation, lost_reply, lost_reply)
        written = case.write(watched)
        assert transport.operations.count(case.operation) == 3
        assert written == case.found(core)
        assert written.version == case.version
        assert_nothing_is_half(core)

    @by_both_cores
    @cases(DELETES)
    def test_a_delete_is_no_error(self, core: CoreTable, case: Case) -> None:
        watched, transport = faulty(core)
        transport.plan(case.operation, lost_reply)
        case.write(watched)
        assert transport.operations.count(case.operation) == 2
        assert case.found(core) is None
        assert_nothing_is_half(core)

    @by_both_cores
    @cases(EVERY)
    def test_a_request_that_never_arrived_is_sent_again(self, core: CoreTable, case: Case) -> None:
        watched, transport = faulty(core)
        transport.plan(case.operation, lost_request, lost_request)
        written = case.write(watched)
        assert written.identity() == case.identity
        assert case.found(core) == (None if case in DELETES.values() else written)

    def test_counters_and_sets_count_once(self, core: CoreTable) -> None:
        watched, transport = faulty(core)
        transport.always("UpdateItem", lost_reply)
        with pytest.raises(TimeoutError):
            watched.update(Plane, tail="N1", add={"hours": 1, "marks": {"m"}})
        found = core.get(Plane, tail="N1")
        assert (found.hours, found.marks, found.version) == (6, {"m"}, 2)

    @pytest.mark.parametrize(
        "engine", [pytest.param(name, marks=pytest.mark.slow) for name in ("local", "local-async")], indirect=True
    )
    def test_a_transaction_of_many_happens_once(self, core: CoreTable) -> None:
        watched, transport = faulty(core)
        transport.plan(TRANSACTION, lost_reply, lost_reply)
        with watched.transaction() as tx:
            tx.update(Plane, tail="N1", add={"hours": 1})
            tx.create(badge("2"))
            tx.update(Shift, name="a", set={"start": 2})
            tx.put(plane("N2"))
        tokens = {request.parameters["ClientRequestToken"] for request in transport.writes}
        assert (len(transport.writes), len(tokens)) == (3, 1)
        assert (core.get(Plane, tail="N1").hours, core.get(Badge, number="2").version) == (6, 1)
        assert len(tx.results) == 4
        assert_nothing_is_half(core)

    def test_a_transaction_whose_token_the_engine_forgot_still_knows_itself(self, core: CoreTable) -> None:
        watched, transport = faulty(core)

        def forgotten(request: Any, send: Any) -> Any:
            parameters = {**request.parameters, "ClientRequestToken": "another"}
            return send(type(request)(request.operation, parameters))

        transport.plan(TRANSACTION, lost_reply, forgotten)
        with watched.transaction() as tx:
            tx.update(Plane, tail="N1", add={"hours": 1})
            tx.update(Badge, number="1", set={"note": "x"})
            tx.create(plane("N2"))
        assert (core.get(Plane, tail="N1").hours, core.get(Badge, number="1").version) == (6, 2)
        assert tx.results[2] == core.get(Plane, tail="N2")

    def test_an_error_whose_reply_is_lost_is_the_same_error(self, core: CoreTable) -> None:
        watched, transport = faulty(core)
        transport.always("UpdateItem", arriving_twice)
        with pytest.raises(NotFoundError):
            watched.update(Plane, tail="N9", set={"note": "x"})
        with pytest.raises(VersionConflictError):
            watched.update(Plane, tail="N1", set={"note": "x"}, version=7)

    def test_no_answer_at_all_says_so_and_may_be_tried_again(self, core: CoreTable, clock: ManualClock) -> None:
        watched, transport = faulty(core)
        transport.always("PutItem", lost_request)
        with pytest.raises(TimeoutError) as caught:
            watched.create(plane("N2"))
        assert caught.value.retryable
        assert 1 < len(transport.sent) < TRIES
        assert len(clock.slept) == len(transport.sent) - 1

    @pytest.mark.parametrize("fault", [throttled, conflicting])
    def test_a_write_that_may_have_happened_is_not_said_not_to_have(self, core: CoreTable, fault: Fault) -> None:
        watched, transport = faulty(core)
        transport.plan("UpdateItem", lost_reply)
        transport.always("UpdateItem", fault)
        with pytest.raises(TimeoutError):
            watched.update(Plane, tail="N1", add={"hours": 1})


def arriving_twice(request: Any, send: Any) -> Any:
    """The request arrives twice; only the second answer comes back."""
    try:
        send(request)
    except ConflictError:
        return send(request)
    raise AssertionError("expected a refusal")


class TestAnotherWriterBetweenLossAndRepeat:
    """The reply is lost, another writer changes the item, then the write is repeated.

    A transaction is exact: its token makes the repeat a no-op. A plain write knows itself by the id of the item's last
    write, which the other writer has replaced.
    """

    @pytest.mark.parametrize(
        "engine", [pytest.param(name, marks=pytest.mark.slow) for name in ("local", "local-async")], indirect=True
    )
    @cases(IN_TRANSACTION)
    def test_a_transaction_is_not_repeated(self, core: CoreTable, case: Case) -> None:
        def other() -> None:
            core.update(case.entity, **case.identity, set={"note": "other"})

        watched, transport = faulty(core)
        transport.plan(TRANSACTION, lost_reply_then(other))
        case.write(watched)
        found = case.found(core)
        assert (found.version, found.note) == (case.version + 1, "other")
        assert_nothing_is_half(core)

    @cases(SINGLE)
    def test_a_plain_write_neither_conflicts_nor_happens_twice(self, core: CoreTable, case: Case) -> None:
        mark: Any = {"set": {"end": 99}} if case.entity is Shift else {"add": {"marks": {"other"}}}

        def other() -> None:
            core.update(case.entity, **case.identity, **mark)

        watched, transport = faulty(core)
        transport.plan(case.operation, lost_reply_then(other))
        case.write(watched)
        found = case.found(core)
        assert found.version == case.version + 1
        assert (found.end if case.entity is Shift else found.marks) == (99 if case.entity is Shift else {"other"})
        assert_nothing_is_half(core)

    @cases({name: case for name, case in DELETES.items() if case.operation == "DeleteItem"})
    def test_a_delete_takes_a_successor_along_only_where_nothing_tells_it_apart(
        self, core: CoreTable, clock: ManualClock, case: Case
    ) -> None:
        def other() -> None:
            clock.advance(timedelta(seconds=1))
            core.create(plane("N1", seats=10))
            core.update(Plane, tail="N1", set={"note": "successor"})

        watched, transport = faulty(core)
        transport.plan("DeleteItem", lost_reply_then(other))
        try:
            case.write(watched)
        except ConflictError:
            assert case is not DELETES["delete"]
        survives = case.found(core) is not None
        assert survives == (case is not DELETES["delete"])

    @pytest.mark.parametrize(
        "engine", [pytest.param(name, marks=pytest.mark.slow) for name in ("local", "local-async")], indirect=True
    )
    def test_a_delete_with_uniques_leaves_the_successor(self, core: CoreTable) -> None:
        watched, transport = faulty(core)
        transport.plan(TRANSACTION, lost_reply_then(lambda: core.create(badge("1", note="successor"))))
        watched.delete(Badge, number="1")
        assert core.get(Badge, number="1").note == "successor"
        assert_nothing_is_half(core)
