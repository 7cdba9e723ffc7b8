"""Create, put, replace, delete and move: what each asks of the stored item, leaves behind, and raises."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from entities import (
    DESK,
    FLEET,
    SHELF,
    Crate,
    Hull,
    Memo,
    Plane,
    Status,
    Tray,
    everything,
    expected_plane_keys,
    index_keys,
    plane,
    stored,
)

from aircraftops_data import CoreTable
from aircraftops_data.errors import (
    AlreadyExistsError,
    ConditionFailedError,
    InvalidInputError,
    InvalidKeyError,
    InvalidValueError,
    NotFoundError,
    VersionConflictError,
)
from aircraftops_data.request import Request
from aircraftops_data.testing import ManualClock
from faults import faulty

Connect = Callable[..., CoreTable]


@pytest.fixture
def core(connect: Connect, clock: ManualClock) -> CoreTable:
    """The shelf, with a clock that stands still."""
    return connect(SHELF, clock=clock)


def add_attribute(core: CoreTable, tail: str, name: str, value: dict[str, Any] | None) -> None:
    """Another program adds an attribute to a plane, or takes one away (None)."""
    parameters: dict[str, Any] = {
        "TableName": core.context.names[SHELF],
        "Key": Plane.definition().identify({"tail": tail}),
        "UpdateExpression": "REMOVE #n" if value is None else "SET #n = :v",
        "ExpressionAttributeNames": {"#n": name},
    }
    if value is not None:
        parameters["ExpressionAttributeValues"] = {":v": value}
    core.runner.transport.send(Request("UpdateItem", parameters))


class TestCreate:
    def test_the_item_holds_fields_keys_and_what_the_library_keeps(self, core: CoreTable, clock: ManualClock) -> None:
        now = {"S": clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")}
        core.create(plane(seats=180, marks={"b", "a"}))
        item = stored(core, Plane, tail="N628TS")
        assert item is not None
        assert item.pop("write_id")["S"]
        assert item == {
            "PK": {"S": "PLANE#N628TS"},
            "SK": {"S": "PLANE"},
            "GSI1PK": {"S": "OPERATOR#UAL"},
            "GSI1SK": {"S": "TYPE#B738#1999-05-04"},
            "GSI2PK": {"S": "STATUS#active"},
            "GSI2SK": {"S": "SEATS#0180#N628TS"},
            "entity_type": {"S": "plane"},
            "version": {"N": "1"},
            "created_at": now,
            "updated_at": now,
            "tail": {"S": "N628TS"},
            "operator": {"S": "UAL"},
            "typecode": {"S": "B738"},
            "built": {"S": "1999-05-04"},
            "status": {"S": "active"},
            "seats": {"N": "180"},
            "hours": {"N": "0"},
            "rank": {"N": "0"},
            "marks": {"SS": ["a", "b"]},
        }

    def test_what_it_returns_is_what_get_and_find_return(self, core: CoreTable, clock: ManualClock) -> None:
        created = core.create(plane())
        assert created.version == 1
        assert created.created_at == created.updated_at == clock.now()
        assert core.get(Plane, tail="N628TS") == core.find(Plane, tail="N628TS", consistent=True) == created

    def test_a_second_one_is_refused_with_the_first_one_untouched(self, core: CoreTable) -> None:
        first = core.create(plane(operator="UAL"))
        with pytest.raises(AlreadyExistsError) as caught:
            core.create(plane(operator="DAL"))
        assert caught.value.existing == first
        assert caught.value.__cause__ is not None
        assert core.get(Plane, tail="N628TS") == first

    def test_what_the_instance_says_of_version_and_instants_does_not_count(
        self, core: CoreTable, clock: ManualClock
    ) -> None:
        old = datetime(2001, 1, 1, tzinfo=UTC)
        created = core.create(plane(version=7, created_at=old, updated_at=old))
        assert (created.version, created.created_at) == (1, clock.now())

    def test_a_half_known_index_key_is_left_out_whole(self, core: CoreTable) -> None:
        core.create(plane(typecode=None))
        item = stored(core, Plane, tail="N628TS") or {}
        assert set(index_keys(item)) == {"GSI2PK", "GSI2SK"}

    def test_a_separator_in_a_value_is_escaped_in_the_key_only(self, core: CoreTable) -> None:
        core.create(plane(operator="A#B%"))
        item = stored(core, Plane, tail="N628TS") or {}
        assert (item["operator"], item["GSI1PK"]) == ({"S": "A#B%"}, {"S": "OPERATOR#A%23B%25"})

    @pytest.mark.parametrize("wrong", [{"tail": "x" * 2100}, {"typecode": "y" * 1100}])
    def test_a_key_over_the_limit_is_refused_before_anything_is_sent(
        self, core: CoreTable, wrong: dict[str, str]
    ) -> None:
        flaky, transport = faulty(core)
        with pytest.raises(InvalidKeyError):
            flaky.create(plane(**wrong))
        assert transport.sent == []

    def test_an_expiry_needs_a_table_that_has_one(self, connect: Connect) -> None:
        desk = connect(DESK)
        with pytest.raises(InvalidValueError, match="no TTL attribute"):
            desk.create(Memo(number="1", expires_at=datetime(2030, 1, 1, tzinfo=UTC)))

    def test_computed_fields_are_not_stored_and_aliases_name_the_attributes(self, core: CoreTable) -> None:
        created = core.create(Crate.model_validate({"number": "1", "size": 3, "in.side": "x", "größe": "XL"}))
        item = stored(core, Crate, number="1") or {}
        assert (item["size"], item["in.side"], item["größe"]) == ({"N": "3"}, {"S": "x"}, {"S": "XL"})
        assert index_keys(item) == {"GSI1PK": "INSIDE#x", "GSI1SK": "CRATE#XL"}
        assert not {"label", "reserved", "dotted", "bay-no #1"} & set(item)
        assert core.get(Crate, number="1") == created


class TestRead:
    def test_get_says_which_entity_and_identity_is_missing(self, core: CoreTable) -> None:
        with pytest.raises(NotFoundError) as caught:
            core.get(Plane, tail="N1")
        assert (caught.value.entity, caught.value.identity) == ("Plane", {"tail": "N1"})

    def test_find_gives_none(self, core: CoreTable) -> None:
        assert core.find(Plane, tail="N1") is None

    @pytest.mark.parametrize("identity", [{}, {"tail": None}, {"tail": 5}, {"tail": "N1", "operator": "UAL"}])
    def test_an_identity_that_is_not_one_is_refused(self, core: CoreTable, identity: dict[str, Any]) -> None:
        with pytest.raises(InvalidKeyError):
            core.find(Plane, **identity)


class TestPut:
    def test_it_stores_what_is_not_there(self, core: CoreTable) -> None:
        put = core.put(plane())
        assert put.version == 1
        assert core.get(Plane, tail="N628TS") == put

    def test_over_an_item_the_version_goes_on_and_the_creation_stays(self, core: CoreTable, clock: ManualClock) -> None:
        created = core.create(plane(note="old", seats=9))
        clock.advance(3600)
        put = core.put(plane(operator=None))
        assert put == core.get(Plane, tail="N628TS")
        assert (put.version, put.created_at, put.updated_at) == (2, created.created_at, clock.now())
        assert (put.note, put.seats, put.operator) == (None, 2, None)
        item = stored(core, Plane, tail="N628TS") or {}
        assert (
            index_keys(item) == expected_plane_keys(item) == {"GSI2PK": "STATUS#active", "GSI2SK": "SEATS#0002#N628TS"}
        )

    def test_what_was_deleted_since_it_was_read_is_created_anew(self, core: CoreTable, clock: ManualClock) -> None:
        created = core.create(plane())
        core.delete(created)
        clock.advance(3600)
        put = core.put(created)
        assert (put.version, put.created_at) == (1, clock.now())
        assert core.get(Plane, tail="N628TS") == put

    def test_attributes_unknown_here_are_kept(self, core: CoreTable) -> None:
        core.create(plane())
        add_attribute(core, "N628TS", "colour", {"S": "white"})
        core.put(plane(operator="DAL"))
        assert (stored(core, Plane, tail="N628TS") or {})["colour"] == {"S": "white"}

    def test_fields_that_are_keys_of_an_index_themselves_survive_each_other(self, connect: Connect) -> None:
        fleet = connect(FLEET)
        fleet.create(Hull(hull="27580", owner="ana", year=1999))
        fleet.put(Hull(hull="27580", year=2001))
        assert fleet.get(Hull, hull="27580").content() == Hull(hull="27580", year=2001).content()


class TestReplace:
    def test_it_stores_every_field_and_counts_the_version(self, core: CoreTable, clock: ManualClock) -> None:
        created = core.create(plane(note="old"))
        clock.advance(60)
        replaced = core.replace(created.model_copy(update={"note": None, "status": Status.STORED}))
        assert (replaced.version, replaced.created_at, replaced.updated_at) == (2, created.created_at, clock.now())
        assert core.get(Plane, tail="N628TS") == replaced
        item = stored(core, Plane, tail="N628TS") or {}
        assert "note" not in item
        assert index_keys(item) == expected_plane_keys(item)

    def test_an_instance_read_before_the_last_write_is_refused(self, core: CoreTable) -> None:
        first = core.create(plane())
        second = core.replace(first)
        with pytest.raises(VersionConflictError) as caught:
            core.replace(first.model_copy(update={"note": "late"}))
        assert (caught.value.expected, caught.value.found, caught.value.existing) == (1, 2, second)
        assert core.get(Plane, tail="N628TS") == second

    def test_an_instance_never_stored_conflicts_with_one_that_was(self, core: CoreTable) -> None:
        core.create(plane())
        with pytest.raises(VersionConflictError) as caught:
            core.replace(plane())
        assert (caught.value.expected, caught.value.found) == (0, 1)

    def test_a_missing_item_is_not_found(self, core: CoreTable) -> None:
        created = core.create(plane())
        core.delete(created)
        with pytest.raises(NotFoundError):
            core.replace(created)
        assert core.find(Plane, tail="N628TS") is None

    def test_an_item_that_carries_no_version_counts_as_version_0(self, core: CoreTable) -> None:
        core.create(plane())
        add_attribute(core, "N628TS", "version", None)
        found = core.get(Plane, tail="N628TS")
        assert (found.version, core.replace(found).version) == (0, 1)


class TestDelete:
    def test_it_returns_what_was_there(self, core: CoreTable) -> None:
        created = core.create(plane())
        assert core.delete(Plane, tail="N628TS") == created
        assert everything(core, SHELF) == []

    def test_nothing_to_delete_is_none(self, core: CoreTable) -> None:
        assert core.delete(Plane, tail="N1") is None

    def test_an_instance_is_deleted_at_its_version_only(self, core: CoreTable) -> None:
        first = core.create(plane())
        second = core.replace(first)
        with pytest.raises(VersionConflictError) as caught:
            core.delete(first)
        assert (caught.value.expected, caught.value.found, caught.value.existing) == (1, 2, second)
        assert core.delete(second) == second
        assert core.delete(second) is None

    def test_a_version_given_is_checked(self, core: CoreTable) -> None:
        core.create(plane())
        with pytest.raises(VersionConflictError):
            core.delete(Plane, tail="N628TS", version=2)
        assert core.delete(Plane, tail="N628TS", version=1) is not None

    def test_a_condition_that_does_not_hold_keeps_the_item(self, core: CoreTable) -> None:
        created = core.create(plane(seats=5))
        with pytest.raises(ConditionFailedError) as caught:
            core.delete(Plane, tail="N628TS", where=Plane.f.seats > 5)
        assert caught.value.existing == created
        assert core.delete(Plane, tail="N628TS", where=Plane.f.seats == 5) == created

    def test_an_instance_takes_no_second_identity(self, core: CoreTable) -> None:
        created = core.create(plane())
        with pytest.raises(InvalidInputError):
            core.delete(created, version=1)  # type: ignore[call-overload]
        with pytest.raises(InvalidInputError):
            core.delete(created, tail="N2")  # type: ignore[call-overload]


class TestMove:
    def test_the_item_goes_to_the_new_key_whole(self, core: CoreTable, clock: ManualClock) -> None:
        created = core.create(plane())
        clock.advance(1)
        moved = core.move(created, tail="N2", built=date(2000, 1, 1))
        assert (moved.version, moved.created_at, moved.updated_at) == (2, created.created_at, clock.now())
        assert core.find(Plane, tail="N628TS") is None
        assert core.get(Plane, tail="N2") == moved
        (item,) = everything(core, SHELF)
        assert index_keys(item) == expected_plane_keys(item)

    def test_a_place_that_is_taken_leaves_both_where_they_are(self, core: CoreTable) -> None:
        one, two = core.create(plane("N1")), core.create(plane("N2"))
        with pytest.raises(AlreadyExistsError) as caught:
            core.move(one, tail="N2")
        assert caught.value.existing == two
        assert (core.get(Plane, tail="N1"), core.get(Plane, tail="N2")) == (one, two)

    def test_an_instance_read_before_the_last_write_stays(self, core: CoreTable) -> None:
        first = core.create(plane())
        second = core.update(Plane, tail="N628TS", set={"note": "x"})
        with pytest.raises(VersionConflictError) as caught:
            core.move(first, tail="N2")
        assert (caught.value.expected, caught.value.found, caught.value.existing) == (1, 2, second)
        assert core.find(Plane, tail="N2") is None

    def test_a_missing_item_is_not_found(self, core: CoreTable) -> None:
        with pytest.raises(NotFoundError):
            core.move(plane(version=1), tail="N2")
        assert everything(core, SHELF) == []

    @pytest.mark.parametrize("changes", [{"seats": 4}, {"tail": "N628TS"}, {"tail": "N2", "wings": 2}, {"version": 3}])
    def test_what_is_no_move_is_refused(self, core: CoreTable, changes: dict[str, Any]) -> None:
        created = core.create(plane())
        with pytest.raises(InvalidInputError):
            core.move(created, **changes)
        assert core.get(Plane, tail="N628TS") == created

    def test_an_index_in_the_partition_moves_along(self, core: CoreTable) -> None:
        core.move(core.create(Tray(number="1", place="A")), number="2")
        (item,) = everything(core, SHELF)
        assert (item["PK"]["S"], index_keys(item)) == ("TRAY#2", {"LSI1SK": "PLACE#A"})


def test_every_write_counts_the_version_by_one_and_moves_updated_at(core: CoreTable, clock: ManualClock) -> None:
    entity = core.create(plane())
    created_at = entity.created_at
    writes: list[Callable[[Plane], Plane]] = [
        core.put,
        core.replace,
        lambda known: core.update(known, set={"note": "a"}),
        lambda known: core.update(Plane, tail=known.tail, set={"note": "b"}),
        lambda known: core.update(Plane, tail=known.tail, add={"hours": 1}),
        lambda known: core.update(Plane, tail=known.tail, set={"operator": "DAL"}),
        lambda known: core.update(Plane, tail=known.tail, set={"operator": "A", "typecode": "B", "built": date.min}),
        lambda known: core.update(Plane, tail=known.tail, add={"rank": 1}),
        lambda known: core.move(known, tail="N2"),
    ]
    for count, write in enumerate(writes, start=2):
        clock.advance(1)
        entity = write(entity)
        assert (entity.version, entity.updated_at) == (count, clock.now())
        assert core.get(Plane, tail=entity.tail) == entity
    assert entity.created_at == created_at
