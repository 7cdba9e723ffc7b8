"""What goes along with a write when replies get lost and others write in between: made once, and of what was there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import pytest
from entities import SHELF, Badge, Parcel, Plane, Shift, badge, everything, plane
from ledger import LEDGER, Entry, Ledger
from write_cases import (
    DELETES,
    EVERY,
    TRANSACTION,
    Case,
    assert_nothing_is_half,
    cases,
    furnish,
)

from aircraftops_data import CoreTable, Entity
from aircraftops_data.core.intents import Create
from aircraftops_data.errors import (
    AlreadyExistsError,
    ConflictError,
    ContentionError,
    NotFoundError,
    TimeoutError,
    UniqueConflictError,
    VersionConflictError,
)
from aircraftops_data.model.definition import Item
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
)
from sweeping import by_both_cores

# Every case at every request: together more than the fast lane has time for.
pytestmark = pytest.mark.slow

Connect = Callable[..., CoreTable]


@pytest.fixture
def core(connect: Connect, clock: ManualClock) -> CoreTable:
    """The shelf with a plane, a badge and a shift, and an empty ledger."""
    return furnish(connect(SHELF, LEDGER, clock=clock))


# One for each kind of write and way of making it; EVERY has more that are made alike once what is there is known.
SOME = {
    name: EVERY[name]
    for name in (
        *("create", "put, new", "put, over", "replace", "update, read keys", "update, instance", "update, condition"),
        *("create, uniques", "put, uniques", "replace, uniques", "update, uniques", "move", "move, uniques"),
        *("delete", "delete, instance", "delete, condition", "delete, uniques"),
    )
}


def assert_told_once(ledger: Ledger, first: Entity | None, last: Entity | None) -> None:
    """The ledger has one change, from this to that."""
    (entry,) = ledger.entries
    assert entry.entities == (first, last)


PASSING: dict[str, tuple[Fault, ...]] = {
    "reply lost": (lost_reply,),
    "replies lost": (lost_reply, lost_reply),
    "requests lost": (lost_request, lost_request),
    "request and reply lost": (lost_request, lost_reply),
    "in conflict": (conflicting, conflicting),
    "cancelled by a conflict": (cancelled("TransactionConflict"), cancelled("TransactionConflict")),
    "cancelled by throttling": (cancelled("ThrottlingError"),),
    "in conflict, then reply lost": (conflicting, lost_reply),
}


class TestLostReplies:
    @by_both_cores
    @pytest.mark.parametrize("faults", PASSING.values(), ids=PASSING)
    @cases(SOME)
    def test_a_write_and_what_goes_along_happen_once(
        self, core: CoreTable, case: Case, faults: tuple[Fault, ...]
    ) -> None:
        known = case.found(core) if case.operation != "PutItem" else None
        watched, transport = faulty(core)
        ledger = Ledger(core)
        accounted = watched.along_with(ledger)
        transport.plan(TRANSACTION, *faults)
        written = case.write(accounted)
        found = case.found(core)
        assert written == (known if case in DELETES.values() else found)
        assert len(ledger.told) == 1
        assert_told_once(ledger, ledger.told[0].before, found)
        sent = [request.parameters for request in transport.writes]
        assert sent == sent[:1] * len(sent)
        assert_nothing_is_half(core)

    @by_both_cores
    @cases(EVERY)
    def test_a_token_the_engine_forgot_makes_no_difference(self, core: CoreTable, case: Case) -> None:
        known = case.found(core)
        watched, transport = faulty(core)
        ledger = Ledger(core)

        def forgotten(request: Any, send: Any) -> Any:
            return send(type(request)(request.operation, {**request.parameters, "ClientRequestToken": "another"}))

        transport.plan(TRANSACTION, lost_reply, forgotten)
        written = case.write(watched.along_with(ledger))
        assert written == (known if case in DELETES.values() else case.found(core))
        assert len(ledger.entries) == 1
        assert_nothing_is_half(core)

    def test_no_answer_at_all_says_so(self, core: CoreTable) -> None:
        watched, transport = faulty(core)
        ledger = Ledger(core)
        transport.always(TRANSACTION, lost_reply)
        with pytest.raises(TimeoutError):
            watched.along_with(ledger).update(Plane, tail="N1", add={"hours": 1})
        assert (core.get(Plane, tail="N1").hours, len(ledger.entries)) == (6, 1)

    @pytest.mark.parametrize(
        "engine", [pytest.param(name, marks=pytest.mark.slow) for name in ("local", "local-async")], indirect=True
    )
    @cases({name: case for name, case in EVERY.items() if case.version == 2 and case not in DELETES.values()})
    def test_another_writer_after_the_loss_is_not_overwritten(self, core: CoreTable, case: Case) -> None:
        mark: Any = {"end": 99} if case.entity is Shift else {"note": "other"}

        def other() -> None:
            core.update(case.entity, **case.identity, set=mark)

        watched, transport = faulty(core)
        ledger = Ledger(core)
        transport.plan(TRANSACTION, lost_reply_then(other))
        written = case.write(watched.along_with(ledger))
        found = case.found(core)
        assert (found.version, written.version) == (case.version + 1, case.version)
        assert_told_once(ledger, ledger.told[0].before, written)


def item_of(core: CoreTable, entity: type[Entity], **identity: Any) -> Any:
    """The entity as anybody finds it now."""
    return core.find(entity, consistent=True, **identity)


# What another writer may do to the case's entity, whatever the case does; each leaves another state.
def touched(core: CoreTable, case: Case) -> None:
    """It is updated."""
    core.update(case.entity, **case.identity, set={"end": 98} if case.entity is Shift else {"note": "other"})


def renewed(core: CoreTable, case: Case) -> None:
    """It is deleted and created anew, at the version it had."""
    core.delete(case.entity, **case.identity)
    core.create(other_one(case))


def renewed_later(core: CoreTable, case: Case) -> None:
    """It is deleted, created anew and updated to a higher version."""
    renewed(core, case)
    for _ in range(3):
        touched(core, case)


def put_in_bulk(core: CoreTable, case: Case) -> None:
    """It is put by a batch, which leaves any version it likes and no write id."""
    core.put_many([other_one(case)]).raise_if_failed()


def removed(core: CoreTable, case: Case) -> None:
    """It is deleted."""
    core.delete(case.entity, **case.identity)


def appeared(core: CoreTable, case: Case) -> None:
    """It is there, though it was not."""
    core.put(other_one(case))


def other_one(case: Case) -> Entity:
    """The case's entity as another writer has it."""
    who = case.who[1]
    if case.entity is Plane:
        return plane(who, hours=77, rank=3, note=None, operator="XXX")
    if case.entity is Badge:
        return badge(who, code="other", site="XXX")
    return Shift(name=who, start=2, end=50)


INTERLUDES = {one.__name__: one for one in (touched, renewed, renewed_later, put_in_bulk, removed, appeared)}
Interlude = Callable[[CoreTable, Case], None]


class TestAnotherWriterInBetween:
    @by_both_cores
    @pytest.mark.parametrize("interlude", INTERLUDES.values(), ids=INTERLUDES)
    @cases(SOME)
    def test_what_is_told_is_what_was_replaced_or_nothing_is_told(
        self, core: CoreTable, case: Case, interlude: Interlude
    ) -> None:
        watched, transport = faulty(core)
        ledger = Ledger(core)
        seen: list[list[Item]] = []
        there: list[Any] = []

        def others() -> None:
            try:
                interlude(core, case)
            except NotFoundError:
                core.put(other_one(case))
            seen.append(everything(core, SHELF))
            there.extend(item_of(core, kind, **who) for kind, who in PLACES)

        transport.plan(TRANSACTION, before(others))
        try:
            written = case.write(watched.along_with(ledger))
        except (ConflictError, NotFoundError):
            assert everything(core, SHELF) == seen[0]
            assert ledger.entries == []
            return
        if written is None:
            assert ledger.entries == []
            return
        (entry,) = ledger.entries
        first, last = entry.entities
        assert first is None or first in there
        assert (item_of(core, case.entity, **case.identity)) == last
        assert written == (first if case in DELETES.values() else last)
        if first is None:
            assert not any(one is not None and one.identity() == case.identity for one in there)
        assert_nothing_is_half(core)

    def test_a_put_goes_over_whatever_came_in_between(self, core: CoreTable) -> None:
        watched, transport = faulty(core)
        ledger = Ledger(core)
        states = iter(range(10))

        def other() -> None:
            core.put(plane("N2", hours=next(states)))

        transport.plan(TRANSACTION, before(other), before(other), before(other))
        written = watched.along_with(ledger).put(plane("N2", note="mine"))
        assert [getattr(one.before, "hours", None) for one in ledger.told] == [None, 0, 1, 2]
        (entry,) = ledger.entries
        assert entry.entities == (ledger.told[-1].before, written)
        assert written.version == 4
        # What a refusal brings along need not be read again.
        assert transport.operations.count("GetItem") == 1

    def test_it_gives_up_where_others_never_end(self, core: CoreTable) -> None:
        watched, transport = faulty(core)
        ledger = Ledger(core)
        transport.always(TRANSACTION, before(lambda: core.update(Plane, tail="N1", add={"hours": 1})))
        with pytest.raises(ContentionError):
            watched.along_with(ledger).put(plane("N1"))
        assert ledger.entries == []

    def test_an_instance_that_is_late_is_told_its_version(self, core: CoreTable) -> None:
        watched, transport = faulty(core)
        ledger = Ledger(core)
        known = core.get(Plane, tail="N1")
        transport.plan(TRANSACTION, before(lambda: core.update(Plane, tail="N1", add={"hours": 1})))
        with pytest.raises(VersionConflictError) as caught:
            watched.along_with(ledger).update(known, set={"note": "x"})
        assert (caught.value.expected, caught.value.found) == (1, 2)
        assert ledger.entries == []

    def test_a_conflict_and_what_others_know_better_is_the_conflict(self, core: CoreTable) -> None:
        watched, transport = faulty(core)
        taken = core.create(Entry(book="all", number=1, kind="Plane", operation="put"))
        transport.plan(TRANSACTION, before(lambda: core.create(plane("N2"))))
        with pytest.raises(AlreadyExistsError, match="Plane"):
            watched.along_with(lambda _: Create(taken)).create(plane("N2"))


PLACES: list[tuple[type[Entity], dict[str, Any]]] = [
    *((Plane, {"tail": who}) for who in ("N1", "N2")),
    *((Badge, {"number": who}) for who in ("1", "2")),
    (Shift, {"name": "a"}),
]


class TestUniqueValues:
    """What a write was built on is held by more than a version: an item created anew has the same again."""

    WRITES: dict[str, Callable[[CoreTable, Badge], object]] = {
        "put": lambda core, _: core.put(badge("1", code="mine")),
        "replace": lambda core, known: core.replace(known.model_copy(update={"code": "mine"})),
        "update": lambda core, _: core.update(Badge, number="1", set={"code": "mine"}),
        "update instance": lambda core, known: core.update(known, set={"code": "mine"}),
        "delete": lambda core, _: core.delete(Badge, number="1"),
        "move": lambda core, known: core.move(known, number="2"),
    }

    @by_both_cores
    @pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
    def test_none_stays_held_where_the_item_was_created_anew_in_between(
        self, core: CoreTable, write: Callable[[CoreTable, Badge], object]
    ) -> None:
        known = core.get(Badge, number="1")

        def renew() -> None:
            core.delete(Badge, number="1")
            core.create(badge("1", code="another", desk="elsewhere"))

        watched, transport = faulty(core)
        transport.plan(TRANSACTION, before(renew))
        write(watched, known)
        assert_nothing_is_half(core)


@pytest.mark.parametrize(
    "engine", [pytest.param(name, marks=pytest.mark.slow) for name in ("local", "local-direct")], indirect=True
)
def test_of_many_writers_at_once_each_replaced_what_one_other_left(connect: Connect) -> None:
    core = connect(SHELF, LEDGER)
    books = [str(who) for who in range(4)]
    with ThreadPoolExecutor(4) as threads:
        for running in [threads.submit(write_anything, core, Ledger(core, book)) for book in books]:
            running.result(120)
    changes = [entry.entities for book in books for entry in Ledger(core, book).entries]
    replaced = Counter(repr(first) for first, _ in changes if first is not None)
    left = Counter(repr(last) for _, last in changes if last is not None)
    assert len(changes) > 40
    assert max(left.values()) == 1
    assert replaced <= left
    assert list(left - replaced) == [repr(one) for one in core.scan(Parcel).consistent()]


def write_anything(core: CoreTable, ledger: Ledger) -> None:
    """Write the same two parcels again and again, in any way."""
    accounted, random = core.along_with(ledger), Random(ledger.book)
    for step in range(30):
        parcel = Parcel(number=random.choice("12"), load=f"{ledger.book}/{step}")
        writes: list[Callable[[], object]] = [
            lambda one=parcel: accounted.create(one),
            lambda one=parcel: accounted.put(one),
            lambda one=parcel: accounted.update(Parcel, number=one.number, set={"load": one.load}),
            lambda one=parcel: accounted.delete(Parcel, number=one.number),
        ]
        try:
            random.choice(writes)()
        except (ConflictError, ContentionError, NotFoundError, UniqueConflictError):
            continue
