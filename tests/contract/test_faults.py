"""Between here and the engine things go wrong: a write whose reply is lost happens once, nothing is ever half done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from entities import (
    SHELF,
    Badge,
    Plane,
    Shift,
    assert_shelf_is_consistent,
    badge,
    everything,
    live,
    of_type,
    plane,
    stored,
)

from aircraftops_data import CoreTable, Entity
from aircraftops_data.errors import (
    ConflictError,
    ContentionError,
    NotFoundError,
    RequestRefusedError,
    ThrottledError,
    TimeoutError,
    TransactionConflictError,
    VersionConflictError,
)
from aircraftops_data.testing import ManualClock
from faults import (
    Fault,
    before,
    cancelled,
    conflicting,
    faulty,
    lost_reply,
    lost_reply_then,
    lost_request,
    throttled,
)

Connect = Callable[..., CoreTable]
TRIES = 8
Write = Callable[[CoreTable], Any]


@pytest.fixture
def core(connect: Connect, clock: ManualClock) -> CoreTable:
    """The shelf with a plane, a badge and a shift, under a clock that stands still."""
    core = connect(SHELF, clock=clock)
    core.create(plane("N1", hours=5, seats=9))
    core.create(badge("1"))
    core.create(Shift(name="a", start=1, end=9))
    return core


@dataclass(frozen=True)
class Case:
    """A write, and the item it leaves: None where it deletes."""

    write: Write
    operation: str = "UpdateItem"
    entity: type[Entity] = Plane
    identity: tuple[str, str] = ("tail", "N1")
    version: int = 2

    def found(self, core: CoreTable) -> Any:
        """The item as anybody finds it."""
        return core.find(self.entity, **dict([self.identity]))


def now_at(core: CoreTable, entity: type[Entity], **identity: str) -> Any:
    """An instance read just now."""
    return core.get(entity, **identity)


TRANSACTION = "TransactWriteItems"
BADGE: Any = {"operation": TRANSACTION, "entity": Badge, "identity": ("number", "1")}
SHIFT: Any = {"entity": Shift, "identity": ("name", "a")}
TURN = {"operator": "DAL", "typecode": "A359", "built": date(2020, 1, 1)}

SINGLE: dict[str, Case] = {
    "create": Case(lambda core: core.create(plane("N2")), "PutItem", identity=("tail", "N2"), version=1),
    "put, new": Case(lambda core: core.put(plane("N2")), identity=("tail", "N2"), version=1),
    "put, over": Case(lambda core: core.put(plane("N1", note="x"))),
    "replace": Case(lambda core: core.replace(now_at(core, Plane, tail="N1"))),
    "update, blind": Case(lambda core: core.update(Plane, tail="N1", set={"note": "x"})),
    "update, add": Case(lambda core: core.update(Plane, tail="N1", add={"hours": 1})),
    "update, constrained add": Case(lambda core: core.update(Plane, tail="N1", add={"rank": 1})),
    "update, add to a key": Case(lambda core: core.update(Plane, tail="N1", add={"seats": 1})),
    "update, known keys": Case(lambda core: core.update(Plane, tail="N1", set=TURN)),
    "update, read keys": Case(lambda core: core.update(Plane, tail="N1", set={"operator": "DAL"})),
    "update, remove": Case(lambda core: core.update(Plane, tail="N1", remove=["operator"])),
    "update, instance": Case(lambda core: core.update(now_at(core, Plane, tail="N1"), set={"operator": "DAL"})),
    "update, version": Case(lambda core: core.update(Plane, tail="N1", set={"note": "x"}, version=1)),
    "update, condition": Case(
        lambda core: core.update(Plane, tail="N1", set={"note": "x"}, where=Plane.f.note.does_not_exist())
    ),
    "update, whole": Case(lambda core: core.update(Shift, name="a", add={"start": 1}), **SHIFT),
}
IN_TRANSACTION: dict[str, Case] = {
    "create, uniques": Case(
        lambda core: core.create(badge("2")), TRANSACTION, Badge, identity=("number", "2"), version=1
    ),
    "put, uniques": Case(lambda core: core.put(badge("1", code="new")), **BADGE),
    "replace, uniques": Case(
        lambda core: core.replace(now_at(core, Badge, number="1").model_copy(update={"code": "new"})), **BADGE
    ),
    "update, uniques": Case(lambda core: core.update(Badge, number="1", set={"code": "new"}), **BADGE),
    "update, uniques, instance": Case(
        lambda core: core.update(now_at(core, Badge, number="1"), set={"site": None}), **BADGE
    ),
    "move": Case(
        lambda core: core.move(now_at(core, Plane, tail="N1"), tail="N2"), TRANSACTION, identity=("tail", "N2")
    ),
    "move, uniques": Case(
        lambda core: core.move(now_at(core, Badge, number="1"), number="2"),
        TRANSACTION,
        Badge,
        identity=("number", "2"),
    ),
}
DELETES: dict[str, Case] = {
    "delete": Case(lambda core: core.delete(Plane, tail="N1"), "DeleteItem"),
    "delete, instance": Case(lambda core: core.delete(now_at(core, Plane, tail="N1")), "DeleteItem"),
    "delete, version": Case(lambda core: core.delete(Plane, tail="N1", version=1), "DeleteItem"),
    "delete, condition": Case(lambda core: core.delete(Plane, tail="N1", where=Plane.f.seats == 9), "DeleteItem"),
    "delete, uniques": Case(lambda core: core.delete(Badge, number="1"), **BADGE),
    "delete, uniques, instance": Case(lambda core: core.delete(now_at(core, Badge, number="1")), **BADGE),
}
WRITES = {**SINGLE, **IN_TRANSACTION}
EVERY = {**WRITES, **DELETES}
# Of the plain writes, one for each way they are sent; what is done about throttles and conflicts is the same for all.
PLAIN = {name: EVERY[name] for name in ("create", "put, over", "update, blind", "update, read keys", "delete")}


def cases(which: dict[str, Case]) -> pytest.MarkDecorator:
    """Each of these writes."""
    return pytest.mark.parametrize("case", which.values(), ids=which)


def assert_nothing_is_half(core: CoreTable) -> None:
    """Keys and sentinels agree with the items."""
    assert_shelf_is_consistent(everything(core, SHELF), core.context.clock.now().timestamp())


class TestLostReply:
    @cases(WRITES)
    def test_a_write_happens_once_and_returns_what_it_left(self, core: CoreTable, case: Case) -> None:
        watched, transport = faulty(core)
        transport.plan(case.operation, lost_reply, lost_reply)
        written = case.write(watched)
        assert transport.operations.count(case.operation) == 3
        assert written == case.found(core)
        assert written.version == case.version
        assert_nothing_is_half(core)

    @cases(DELETES)
    def test_a_delete_is_no_error(self, core: CoreTable, case: Case) -> None:
        watched, transport = faulty(core)
        transport.plan(case.operation, lost_reply)
        case.write(watched)
        assert transport.operations.count(case.operation) == 2
        assert case.found(core) is None
        assert_nothing_is_half(core)

    @cases(EVERY)
    def test_a_request_that_never_arrived_is_sent_again(self, core: CoreTable, case: Case) -> None:
        watched, transport = faulty(core)
        transport.plan(case.operation, lost_request, lost_request)
        written = case.write(watched)
        assert written.identity() == dict([case.identity])
        assert case.found(core) == (None if case in DELETES.values() else written)

    def test_counters_and_sets_count_once(self, core: CoreTable) -> None:
        watched, transport = faulty(core)
        transport.always("UpdateItem", lost_reply)
        with pytest.raises(TimeoutError):
            watched.update(Plane, tail="N1", add={"hours": 1, "marks": {"m"}})
        found = core.get(Plane, tail="N1")
        assert (found.hours, found.marks, found.version) == (6, {"m"}, 2)

    @pytest.mark.parametrize("engine", [pytest.param("local", marks=pytest.mark.slow)], indirect=True)
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

    @pytest.mark.parametrize("engine", [pytest.param("local", marks=pytest.mark.slow)], indirect=True)
    @cases(IN_TRANSACTION)
    def test_a_transaction_is_not_repeated(self, core: CoreTable, case: Case) -> None:
        def other() -> None:
            core.update(case.entity, **dict([case.identity]), set={"note": "other"})  # type: ignore[arg-type]

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
            core.update(case.entity, **dict([case.identity]), **mark)

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

    @pytest.mark.parametrize("engine", [pytest.param("local", marks=pytest.mark.slow)], indirect=True)
    def test_a_delete_with_uniques_leaves_the_successor(self, core: CoreTable) -> None:
        watched, transport = faulty(core)
        transport.plan(TRANSACTION, lost_reply_then(lambda: core.create(badge("1", note="successor"))))
        watched.delete(Badge, number="1")
        assert core.get(Badge, number="1").note == "successor"
        assert_nothing_is_half(core)


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
        changes = [before(lambda n=n: core.update(Plane, tail="N1", set={"typecode": n})) for n in ("A", "B")]
        transport.plan("UpdateItem", *changes)
        assert watched.update(Plane, tail="N1", set={"operator": "DAL"}).typecode == "B"
        assert transport.operations.count("GetItem") == 1
        assert_nothing_is_half(core)
