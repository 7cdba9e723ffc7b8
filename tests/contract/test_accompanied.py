"""What goes along with a write: told exactly what was replaced and what is left, and made with it or not at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from entities import (
    NEW_PARTS,
    OLD_PARTS,
    SHELF,
    Badge,
    OldPart,
    Parcel,
    Part,
    Plane,
    Shift,
    badge,
    everything,
    index_keys,
    plane,
    stored,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger import LEDGER, Entry, Ledger, replayed
from test_update_histories import BADGES, IDENTITIES, PLANES, History, Kind, Step, wipe
from write_cases import DELETES, EVERY, TRANSACTION, Case, assert_nothing_is_half, cases, furnish

from aircraftops_data import Aircraft, AircraftOps, AircraftType, CoreTable, Entity
from aircraftops_data.core.accompanied import Accompanied, Changed
from aircraftops_data.core.intents import Check, Create, Put
from aircraftops_data.core.targets import deleting, updating
from aircraftops_data.core.writes import Intent
from aircraftops_data.errors import (
    AlreadyExistsError,
    ConditionFailedError,
    CorruptItemError,
    InvalidInputError,
    ItemTooLargeError,
    NotFoundError,
    TransactionConflictError,
    UniqueConflictError,
    VersionConflictError,
)
from aircraftops_data.model.schema import ITEM_LIMIT_BYTES
from aircraftops_data.request import Request
from aircraftops_data.testing import ManualClock
from aircraftops_data.translation.values import item_size
from faults import faulty

# Transactions, of which moto takes its time.
pytestmark = pytest.mark.slow

Connect = Callable[..., CoreTable]
HOUR = timedelta(hours=1)


@pytest.fixture
def core(connect: Connect, clock: ManualClock) -> CoreTable:
    """The shelf with a plane, a badge and a shift, and an empty ledger."""
    return furnish(connect(SHELF, LEDGER, clock=clock))


@pytest.fixture
def ledger(core: CoreTable) -> Ledger:
    """Where changes are written down."""
    return Ledger(core)


@pytest.fixture
def accounted(core: CoreTable, ledger: Ledger) -> CoreTable:
    """The shelf, with every write in the ledger."""
    return core.along_with(ledger)


def nothing(_: Changed) -> None:
    """Nothing goes along."""


class TestWhatIsTold:
    @cases(EVERY)
    def test_it_is_what_was_there_and_what_is_there_then(
        self, core: CoreTable, accounted: CoreTable, ledger: Ledger, clock: ManualClock, case: Case
    ) -> None:
        there = {repr(one) for one in found_on(core)}
        clock.advance(HOUR)
        written = case.write(accounted)
        (changed,) = ledger.told
        assert changed.entity_type is case.entity
        left = there - {repr(changed.before)} | ({repr(changed.after)} if changed.after is not None else set())
        assert {repr(one) for one in found_on(core)} == left
        assert len(left) == len(there) + (changed.before is None) - (changed.after is None)
        assert written == (changed.before if case in DELETES.values() else changed.after)
        assert changed.operation == next(name for name, one in EVERY.items() if one is case).split(",")[0]
        (entry,) = ledger.entries
        assert entry.entities == (changed.before, changed.after)
        assert_nothing_is_half(core)

    @cases({name: case for name, case in EVERY.items() if case not in DELETES.values()})
    def test_what_is_returned_is_what_a_read_finds(
        self, core: CoreTable, accounted: CoreTable, ledger: Ledger, clock: ManualClock, case: Case
    ) -> None:
        clock.advance(HOUR)
        written = case.write(accounted)
        found = core.get(case.entity, consistent=True, **case.identity)
        assert found == written
        assert repr(found) == repr(written) == repr(ledger.told[0].after)
        assert (found.version, found.updated_at) == (case.version, clock.now())

    def test_an_instance_that_was_altered_is_not_taken_for_what_is_stored(
        self, core: CoreTable, accounted: CoreTable, ledger: Ledger
    ) -> None:
        known = core.get(Plane, tail="N1")
        altered = known.model_copy(update={"hours": 99, "note": "made up"})
        updated = accounted.update(altered, set={"seats": 4})
        assert ledger.told[0].before == known
        assert (updated.hours, updated.note, updated.seats) == (5, None, 4)

    def test_an_update_that_changes_nothing_is_told_too(self, accounted: CoreTable, ledger: Ledger) -> None:
        accounted.update(Plane, tail="N1", set={"seats": 9})
        (changed,) = ledger.told
        assert isinstance(changed.before, Plane)
        assert isinstance(changed.after, Plane)
        assert (changed.before.seats, changed.after.seats, changed.after.version) == (9, 9, 2)

    def test_of_a_delete_of_nothing_nobody_is_told(self, accounted: CoreTable, ledger: Ledger) -> None:
        assert accounted.delete(Plane, tail="N9") is None
        assert accounted.delete(plane("N9", version=3)) is None
        assert (ledger.told, ledger.entries) == ([], [])

    @pytest.mark.parametrize("write", ["create", "put"])
    def test_what_has_expired_is_not_there(
        self, core: CoreTable, accounted: CoreTable, ledger: Ledger, clock: ManualClock, write: str
    ) -> None:
        core.create(badge("2", expires_at=clock.now() + HOUR))
        clock.advance(HOUR)
        written = getattr(accounted, write)(badge("2", note="new"))
        assert [(one.before, one.after) for one in ledger.told] == [(None, written)]
        assert core.get(Badge, number="2", consistent=True) == written
        assert_nothing_is_half(core)

    def test_what_has_expired_is_cleared_away_and_not_told(
        self, core: CoreTable, accounted: CoreTable, ledger: Ledger, clock: ManualClock
    ) -> None:
        core.create(badge("2", expires_at=clock.now() + HOUR))
        clock.advance(HOUR)
        with pytest.raises(NotFoundError):
            accounted.update(Badge, number="2", set={"note": "x"})
        accounted.delete(Badge, number="2")
        assert stored(core, Badge, number="2") is None
        assert ledger.told == []

    def test_nothing_is_written_that_could_not_be_accounted_for(self, core: CoreTable, accounted: CoreTable) -> None:
        parameters = {
            "TableName": core.context.names[SHELF],
            "Key": Plane.definition().identify({"tail": "N1"}),
            "UpdateExpression": "SET hours = :v",
            "ExpressionAttributeValues": {":v": {"S": "many"}},
        }
        core.runner.transport.send(Request("UpdateItem", parameters))
        writes: list[Callable[[], object]] = [
            lambda: accounted.put(plane("N1")),
            lambda: accounted.update(Plane, tail="N1", set={"note": "x"}),
            lambda: accounted.delete(Plane, tail="N1"),
        ]
        for write in writes:
            with pytest.raises(CorruptItemError, match="hours"):
                write()
        assert (stored(core, Plane, tail="N1") or {})["hours"] == {"S": "many"}


def found_on(core: CoreTable) -> list[Entity]:
    """Everything on the shelf, as entities."""
    return [one for kind in (Plane, Badge, Shift) for one in core.scan(kind).consistent()]


class TestOldItems:
    @pytest.mark.parametrize(
        "write",
        [
            lambda core: core.update(Part, number="1", set={"note": "new"}),
            lambda core: core.update(core.get(Part, number="1"), set={"stock": 1}),
            lambda core: core.put(Part(number="1", vendor="bolt")),
            lambda core: core.replace(core.get(Part, number="1")),
            lambda core: core.delete(Part, number="1"),
        ],
        ids=["update", "update instance", "put", "replace", "delete"],
    )
    def test_they_are_told_as_this_code_reads_them(
        self, connect: Connect, clock: ManualClock, write: Callable[[CoreTable], Any]
    ) -> None:
        core = connect(OLD_PARTS, LEDGER, clock=clock)
        assert NEW_PARTS.name == OLD_PARTS.name
        core.create(OldPart(number="1", maker="acme", weight=2, note="n"))
        known, ledger = core.get(Part, number="1"), Ledger(core)
        write(core.along_with(ledger))
        (entry,) = ledger.entries
        assert entry.entities == (known, core.find(Part, consistent=True, number="1"))
        item = stored(core, Part, number="1")
        if item is not None:
            assert not {"maker", "weight"} & set(item)
            assert set(index_keys(item)) == {"GSI1PK", "GSI1SK"}

    def test_what_goes_along_may_be_a_write_of_one(self, connect: Connect, clock: ManualClock) -> None:
        core = connect(OLD_PARTS, SHELF, clock=clock)
        core.create(OldPart(number="1", maker="acme", weight=2))
        core.create(plane("N1"))
        counting = core.along_with(lambda changed: updating(Part, number="1", add={"stock": 1}))
        assert counting.update(Plane, tail="N1", set={"note": "x"}).version == 2
        assert counting.create(plane("N2")).version == 1
        found = core.get(Part, number="1")
        assert (found.stock, found.grams, found.version) == (2, 2000, 3)
        assert core.get(Plane, tail="N1").version == 2


class TestRefusals:
    REFUSED: dict[str, tuple[type[Exception], Callable[[CoreTable], object]]] = {
        "create": (AlreadyExistsError, lambda core: core.create(plane("N1"))),
        "replace": (VersionConflictError, lambda core: core.replace(plane("N1", version=7))),
        "replace nothing": (NotFoundError, lambda core: core.replace(plane("N9", version=1))),
        "update": (VersionConflictError, lambda core: core.update(plane("N1", version=7), set={"note": "x"})),
        "update nothing": (NotFoundError, lambda core: core.update(Plane, tail="N9", set={"note": "x"})),
        "update where": (
            ConditionFailedError,
            lambda core: core.update(Plane, tail="N1", set={"note": "x"}, where=Plane.f.seats == 1),
        ),
        "delete": (VersionConflictError, lambda core: core.delete(plane("N1", version=7))),
        "delete where": (ConditionFailedError, lambda core: core.delete(Plane, tail="N1", where=Plane.f.seats == 1)),
        "unique": (UniqueConflictError, lambda core: core.create(badge("2", code="C1"))),
        "put unique": (UniqueConflictError, lambda core: core.put(badge("2", code="C1"))),
        "update unique": (UniqueConflictError, lambda core: core.update(badge("1", version=1), set={"code": "C3"})),
        "move": (AlreadyExistsError, lambda core: core.move(core.get(Badge, number="1"), number="3")),
        "move nothing": (NotFoundError, lambda core: core.move(plane("N9", version=1), tail="N8")),
        "move what moved on": (VersionConflictError, lambda core: core.move(plane("N1", version=7), tail="N8")),
    }

    @pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED)
    def test_the_error_is_the_write_s_own_and_nothing_is_written(
        self, core: CoreTable, accounted: CoreTable, ledger: Ledger, refused: tuple[type[Exception], Any]
    ) -> None:
        expected, write = refused
        core.create(badge("3"))
        before = everything(core, SHELF)
        with pytest.raises(expected) as plain:
            write(core)
        with pytest.raises(expected) as along:
            write(accounted)
        assert type(along.value) is type(plain.value) is expected
        assert str(along.value) == str(plain.value)
        assert everything(core, SHELF) == before
        assert ledger.entries == []

    @cases(EVERY)
    def test_where_what_goes_along_is_refused_nothing_is_written(self, core: CoreTable, case: Case) -> None:
        taken = core.create(Entry(book="all", number=1, kind="Plane", operation="create"))
        before = everything(core, SHELF)
        with pytest.raises(AlreadyExistsError) as caught:
            case.write(core.along_with(lambda _: Create(taken)))
        assert caught.value.existing == taken
        assert everything(core, SHELF) == before

    def test_what_needs_to_read_cannot_go_along(self, core: CoreTable) -> None:
        reading = core.along_with(lambda _: Put(badge("2")))
        with pytest.raises(InvalidInputError, match="needs to read"):
            reading.update(Plane, tail="N1", set={"note": "x"})

    def test_what_goes_along_cannot_be_a_write_of_the_same_item(self, core: CoreTable) -> None:
        meeting = core.along_with(lambda _: deleting(Plane, tail="N1"))
        with pytest.raises(InvalidInputError, match="same item"):
            meeting.update(Plane, tail="N1", set={"note": "x"})

    def test_nothing_goes_along_with_a_batch_or_a_check(self, accounted: CoreTable, ledger: Ledger) -> None:
        with pytest.raises(InvalidInputError, match="batch"):
            accounted.put_many([plane("N2")])
        with pytest.raises(InvalidInputError, match="batch"):
            accounted.delete_many([plane("N1")])
        with pytest.raises(InvalidInputError, match="Check"):
            Accompanied(Check(Plane.definition(), {"tail": "N1"}), ledger)

    def test_what_a_companion_raises_ends_the_write(self, core: CoreTable) -> None:
        def broken(_: Changed) -> Intent[Any]:
            raise LookupError("broken")

        with pytest.raises(LookupError):
            core.along_with(broken).update(Plane, tail="N1", set={"note": "x"})
        assert core.get(Plane, tail="N1").version == 1


class TestWhereItGoes:
    @cases(EVERY)
    def test_where_nothing_goes_along_the_write_is_what_it_always_is(self, core: CoreTable, case: Case) -> None:
        watched, transport = faulty(core)
        written = case.write(watched.along_with(nothing))
        assert [request.operation for request in transport.writes] == [case.operation]
        assert case.found(core) == (None if case in DELETES.values() else written)

    def test_a_create_reads_nothing_and_other_writes_read_once(self, core: CoreTable, ledger: Ledger) -> None:
        watched, transport = faulty(core)
        accounted = watched.along_with(ledger)
        accounted.create(plane("N2"))
        accounted.put(plane("N1"))
        accounted.update(plane("N1", version=2), set={"note": "x"})
        accounted.delete(plane("N1", version=3))
        assert transport.operations == [TRANSACTION, *["GetItem", TRANSACTION] * 3]
        assert all(request.parameters["ConsistentRead"] for request in transport.sent if "Key" in request.parameters)

    def test_several_go_along_each_in_its_place(self, core: CoreTable) -> None:
        one, other = Ledger(core, "one"), Ledger(core, "other")
        both = core.along_with(one).along_with(nothing).along_with(other)
        both.update(Plane, tail="N1", set={"note": "x"})
        core.update(Plane, tail="N1", set={"note": "y"})
        assert one.told == other.told
        assert [len(ledger.entries) for ledger in (one, other)] == [1, 1]

    def test_a_transaction_takes_along_what_each_of_its_writes_does(
        self, core: CoreTable, accounted: CoreTable, ledger: Ledger
    ) -> None:
        core.create(plane("N4"))
        with accounted.transaction() as tx:
            tx.check(Shift, name="a")
            tx.create(plane("N2"))
            tx.update(Plane, tail="N4", add={"hours": 1})
            tx.put(badge("1", code="new"))
            tx.delete(Badge, number="9")
            tx.add(updating(Plane, tail="N1", set={"note": "untold"}))
        assert [one.operation for one in ledger.told] == ["create", "update", "put"]
        assert tx.results[:5] == [None, *(one.after for one in ledger.told), None]
        assert len(ledger.entries) == 3
        assert core.get(Badge, number="1") == tx.results[3]

    def test_a_transaction_tells_the_reason_at_the_write_it_goes_along_with(
        self, core: CoreTable, accounted: CoreTable, ledger: Ledger
    ) -> None:
        core.create(Entry(book="all", number=1, kind="Plane", operation="create"))
        with pytest.raises(TransactionConflictError) as caught, accounted.transaction() as tx:
            tx.create(plane("N2"))
            tx.update(Plane, tail="N1", add={"hours": 1})
            tx.create(plane("N3"))
        assert [type(reason) for reason in caught.value.reasons] == [type(None), AlreadyExistsError, type(None)]
        assert core.find(Plane, tail="N2") is None

    def test_one_write_of_a_transaction_may_take_something_along(self, core: CoreTable, ledger: Ledger) -> None:
        with core.transaction() as tx:
            tx.add(Accompanied(updating(Plane, tail="N1", add={"hours": 1}), ledger))
            tx.create(plane("N2"))
        (entry,) = ledger.entries
        assert entry.entities == (ledger.told[0].before, tx.results[0])
        assert tx.results[0] == core.get(Plane, tail="N1")

    def test_two_badges_swap_their_codes_and_both_are_told(
        self, core: CoreTable, accounted: CoreTable, ledger: Ledger
    ) -> None:
        core.create(badge("2"))
        with accounted.transaction() as tx:
            tx.update(Badge, number="1", set={"code": "C2"})
            tx.update(Badge, number="2", set={"code": "C1"})
        assert [one.code for one in tx.results] == ["C2", "C1"]
        assert len(ledger.entries) == 2
        assert_nothing_is_half(core)


@pytest.mark.parametrize("engine", [pytest.param("local", marks=pytest.mark.slow)], indirect=True)
def test_the_largest_items_are_accounted_for(core: CoreTable) -> None:
    told: list[Changed] = []

    def brief(changed: Changed) -> Intent[Any]:
        told.append(changed)
        return Create(Entry(book="all", number=len(told), kind="Parcel", operation=changed.operation))

    accounted = core.along_with(brief)
    core.update(core.create(Parcel(number="1", load="")), set={"load": ""})
    room = ITEM_LIMIT_BYTES - item_size(stored(core, Parcel, number="1") or {})
    for size in (room - 100, room - 90):
        accounted.put(Parcel(number="1", load="x" * size))
        accounted.update(Parcel, number="1", set={"load": "y" * size})
        accounted.replace(core.get(Parcel, number="1"))
    assert all(one.after == core.get(Parcel, number="1") for one in told[-1:])
    with pytest.raises(ItemTooLargeError):
        accounted.update(Parcel, number="1", set={"load": "y" * (room + 80)})
    accounted.delete(Parcel, number="1")
    assert [one.operation for one in told] == ["put", "update", "replace", "put", "update", "replace", "delete"]


class Accounted(History):
    """A history whose every write is in a ledger."""

    def __init__(self, core: CoreTable, kind: Kind, clock: ManualClock, ledger: Ledger) -> None:
        super().__init__(core.along_with(ledger), kind, clock)
        self.plain = core
        self.ledger = ledger

    def check_all(self) -> None:
        """The items are those of the model, and those the ledger comes to."""
        self.core = self.plain
        self.check()
        self.check_items()
        found = {
            who: self.plain.find(self.kind.entity, consistent=True, **{self.kind.identity: who}) for who in IDENTITIES
        }
        comes_to: dict[str, Entity | None] = dict.fromkeys(IDENTITIES)
        for one in replayed(self.ledger.entries):
            if one.expires_at is None or one.expires_at > self.clock.now():
                comes_to[getattr(one, self.kind.identity)] = one
        assert comes_to == found


@pytest.mark.parametrize("kind", [PLANES, BADGES], ids=["planes", "badges"])
def test_the_changes_told_come_to_what_is_stored(connect: Connect, clock: ManualClock, engine: str, kind: Kind) -> None:
    core = connect(SHELF, LEDGER, clock=clock)
    books = iter(range(10**6))

    @settings(max_examples=settings().max_examples if engine == "moto" else 20)
    @given(st.lists(kind.steps(), min_size=1, max_size=12))
    def histories(steps: list[Step]) -> None:
        wipe(core)
        history = Accounted(core, kind, clock, Ledger(core, str(next(books))))
        for step in steps:
            history.take(step)
        history.check_all()

    histories()


def test_a_repository_takes_along_what_it_is_told_to(aircraft_ops: AircraftOps) -> None:
    told: list[Changed] = []

    def also(changed: Changed) -> Intent[Any]:
        told.append(changed)
        return Create(AircraftType(designator=f"X{len(told):03}"))

    plain, accounted = aircraft_ops.aircraft, aircraft_ops.aircraft.along_with(also)
    created = accounted.create(Aircraft(icao24="a00001", registration="N1"))
    updated = accounted.update(created, operator="UAL")
    put = accounted.put(Aircraft(icao24="a00001", typecode="B738"))
    replaced = accounted.replace(put.model_copy(update={"operator": "DAL"}))
    assert accounted.delete(replaced) == replaced
    assert accounted.delete(replaced) is None
    states = [None, created, updated, put, replaced, None]
    assert [(one.before, one.after) for one in told] == list(pairwise(states))
    plain.create(created)
    assert accounted.get("a00001") == plain.get("a00001")
    assert len(told) == 5
