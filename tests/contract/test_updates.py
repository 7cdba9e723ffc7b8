"""Partial update: named fields change, what follows from them follows, and what it may not do it says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from entities import (
    DESK,
    FLEET,
    SHELF,
    Article,
    Counter,
    Crate,
    Hull,
    Memo,
    Plane,
    Shift,
    Span,
    Status,
    Tray,
    expected_plane_keys,
    index_keys,
    plane,
    stored,
)

from aircraftops_data import CoreTable
from aircraftops_data.errors import (
    ConditionFailedError,
    InvalidInputError,
    InvalidKeyError,
    InvalidValueError,
    NotFoundError,
    VersionConflictError,
)
from aircraftops_data.testing import ManualClock
from faults import before, faulty

Connect = Callable[..., CoreTable]


@pytest.fixture
def core(connect: Connect, clock: ManualClock) -> CoreTable:
    """The shelf, with a clock that stands still."""
    return connect(SHELF, clock=clock)


class TestWays:
    def test_a_field_that_feeds_no_key_is_one_request(self, core: CoreTable) -> None:
        created = core.create(plane())
        watched, transport = faulty(core)
        updated = watched.update(Plane, tail="N628TS", set={"note": "x"}, add={"hours": 2, "marks": {"m"}})
        assert transport.operations == ["UpdateItem"]
        assert updated == core.get(Plane, tail="N628TS")
        assert updated.content() == {**created.content(), "note": "x", "hours": 2, "marks": {"m"}}

    def test_a_key_known_whole_from_the_call_is_one_request(self, core: CoreTable) -> None:
        core.create(plane())
        watched, transport = faulty(core)
        watched.update(Plane, tail="N628TS", set={"operator": "DAL", "typecode": "A359"}, remove=["built"])
        assert transport.operations == ["UpdateItem"]
        assert index_keys(stored(core, Plane, tail="N628TS") or {}) == {
            "GSI2PK": "STATUS#active",
            "GSI2SK": "SEATS#0002#N628TS",
        }

    def test_a_key_known_in_part_takes_a_read_before(self, core: CoreTable) -> None:
        core.create(plane())
        watched, transport = faulty(core)
        watched.update(Plane, tail="N628TS", set={"operator": "DAL"})
        assert transport.operations == ["GetItem", "UpdateItem"]
        assert transport.sent[0].parameters["ConsistentRead"] is True
        keys = index_keys(stored(core, Plane, tail="N628TS") or {})
        assert (keys["GSI1PK"], keys["GSI1SK"]) == ("OPERATOR#DAL", "TYPE#B738#1999-05-04")

    def test_a_component_changed_by_others_between_read_and_write_is_not_lost(self, core: CoreTable) -> None:
        core.create(plane())
        watched, transport = faulty(core)
        others: Callable[[], object] = lambda: core.update(Plane, tail="N628TS", set={"typecode": "A359"})  # noqa: E731
        transport.plan("UpdateItem", before(others))
        updated = watched.update(Plane, tail="N628TS", set={"operator": "DAL"})
        assert transport.operations == ["GetItem", "UpdateItem", "UpdateItem"]
        assert (updated.operator, updated.typecode, updated.version) == ("DAL", "A359", 3)
        item = stored(core, Plane, tail="N628TS") or {}
        assert index_keys(item) == expected_plane_keys(item)

    def test_a_field_removed_goes_back_to_its_default_in_the_key_too(self, core: CoreTable) -> None:
        core.create(plane(status=Status.STORED, seats=100))
        updated = core.update(Plane, tail="N628TS", remove=["status", "seats"])
        assert (updated.status, updated.seats) == (Status.ACTIVE, 2)
        assert index_keys(stored(core, Plane, tail="N628TS") or {})["GSI2SK"] == "SEATS#0002#N628TS"

    def test_a_component_set_to_none_removes_the_whole_entry(self, core: CoreTable) -> None:
        core.create(plane())
        core.update(Plane, tail="N628TS", set={"built": None})
        assert set(index_keys(stored(core, Plane, tail="N628TS") or {})) == {"GSI2PK", "GSI2SK"}
        core.update(Plane, tail="N628TS", set={"built": date(2020, 2, 2)})
        assert index_keys(stored(core, Plane, tail="N628TS") or {})["GSI1SK"] == "TYPE#B738#2020-02-02"

    def test_adding_to_a_component_keeps_its_key(self, core: CoreTable) -> None:
        core.create(plane(seats=9))
        assert core.update(Plane, tail="N628TS", add={"seats": 1}).seats == 10
        assert index_keys(stored(core, Plane, tail="N628TS") or {})["GSI2SK"] == "SEATS#0010#N628TS"

    def test_an_index_in_the_items_own_partition(self, core: CoreTable) -> None:
        core.create(Tray(number="1", place="A"))
        core.update(Tray, number="1", set={"place": "B"})
        assert index_keys(stored(core, Tray, number="1") or {}) == {"LSI1SK": "PLACE#B"}
        core.update(Tray, number="1", set={"place": None})
        assert index_keys(stored(core, Tray, number="1") or {}) == {}

    def test_fields_that_are_keys_of_an_index_themselves(self, connect: Connect) -> None:
        fleet = connect(FLEET)
        fleet.create(Hull(hull="27580", owner="ana", year=1999))
        assert fleet.update(Hull, hull="27580", set={"owner": None}).year == 1999
        assert fleet.update(Hull, hull="27580", set={"year": 2001}).owner is None
        assert fleet.update(Hull, hull="27580", set={"owner": "eve"}).year == 2001
        assert fleet.update(Hull, hull="27580", remove=["year"]).owner == "eve"

    def test_alias_named_attributes(self, core: CoreTable) -> None:
        core.create(Crate(number="1"))
        changes = {"dotted": "x", "reserved": 3, "dashed": "d", "foreign": "XL"}
        where = ~Crate.f.dotted.exists() & (Crate.f.reserved == 0) & Crate.f.foreign.does_not_exist()
        updated = core.update(Crate, number="1", set=changes, where=where)
        assert {name: getattr(updated, name) for name in changes} == changes
        item = stored(core, Crate, number="1") or {}
        assert (item["in.side"], item["size"], item["bay-no #1"]) == ({"S": "x"}, {"N": "3"}, {"S": "d"})
        assert index_keys(item) == {"GSI1PK": "INSIDE#x", "GSI1SK": "CRATE#XL"}
        assert core.update(Crate, number="1", add={"reserved": 2}, remove=["dashed"]).reserved == 5
        assert core.update(Crate, number="1", set={"foreign": None}).dashed is None
        assert index_keys(stored(core, Crate, number="1") or {}) == {}


class TestFromAnInstance:
    def test_its_version_is_checked(self, core: CoreTable) -> None:
        first = core.create(plane())
        second = core.update(first, set={"operator": "DAL"})
        with pytest.raises(VersionConflictError) as caught:
            core.update(first, set={"note": "late"})
        assert (caught.value.expected, caught.value.found, caught.value.existing) == (1, 2, second)
        assert core.get(Plane, tail="N628TS") == second

    def test_no_read_is_needed_for_its_keys(self, core: CoreTable) -> None:
        created = core.create(plane())
        watched, transport = faulty(core)
        updated = watched.update(created, set={"operator": "DAL"})
        assert transport.operations == ["UpdateItem"]
        assert core.get(Plane, tail="N628TS") == updated

    @pytest.mark.parametrize("changes", [{"set": {"typecode": "A359"}}, {"set": {"note": "x"}}, {"add": {"rank": 1}}])
    def test_changes_of_the_instance_that_were_never_stored_reach_neither_keys_nor_result(
        self, core: CoreTable, changes: dict[str, Any]
    ) -> None:
        created = core.create(plane(operator="UAL"))
        edited = created.model_copy(update={"operator": "DAL", "seats": 99, "note": "edited", "rank": 5})
        updated = core.update(edited, **changes)
        item = stored(core, Plane, tail="N628TS") or {}
        assert index_keys(item) == expected_plane_keys(item)
        assert updated == core.get(Plane, tail="N628TS")
        assert (updated.operator, updated.seats) == ("UAL", 2)

    def test_what_the_class_takes_beside_is_refused(self, core: CoreTable) -> None:
        created = core.create(plane())
        with pytest.raises(InvalidInputError):
            core.update(created, set={"note": "x"}, version=1)  # type: ignore[call-overload]

    def test_a_field_of_an_instance_as_it_is_stays_as_it_is(self, core: CoreTable, clock: ManualClock) -> None:
        created = core.create(plane(expires_at=clock.now() + timedelta(days=1)))
        updated = core.update(created, set={"status": Status.STORED})
        assert updated.content() == {**created.content(), "status": Status.STORED}


class TestConditions:
    def test_a_version_given_is_checked(self, core: CoreTable) -> None:
        core.create(plane())
        with pytest.raises(VersionConflictError) as caught:
            core.update(Plane, tail="N628TS", set={"note": "x"}, version=4)
        assert (caught.value.expected, caught.value.found) == (4, 1)
        assert core.update(Plane, tail="N628TS", set={"note": "x"}, version=1).version == 2

    @pytest.mark.parametrize("changes", [{"note": "x"}, {"operator": "DAL"}, {"rank": 3}])
    def test_a_condition_that_does_not_hold_changes_nothing(self, core: CoreTable, changes: dict[str, Any]) -> None:
        created = core.create(plane())
        with pytest.raises(ConditionFailedError) as caught:
            core.update(Plane, tail="N628TS", set=changes, where=Plane.f.operator == "AAL")
        assert caught.value.existing == created
        assert caught.value.__cause__ is not None
        assert core.get(Plane, tail="N628TS") == created

    @pytest.mark.parametrize("changes", [{"note": "x"}, {"operator": "DAL"}])
    def test_an_item_must_exist(self, core: CoreTable, changes: dict[str, Any]) -> None:
        with pytest.raises(NotFoundError):
            core.update(Plane, tail="N1", set=changes)
        with pytest.raises(NotFoundError):
            core.update(plane("N1", version=1), set=changes)
        with pytest.raises(NotFoundError):
            core.update(Plane, tail="N1", set=changes, where=Plane.f.seats > 1, version=3)
        assert stored(core, Plane, tail="N1") is None


REFUSED: list[tuple[dict[str, Any], type[Exception]]] = [
    ({}, InvalidInputError),
    ({"set": {}, "remove": [], "add": {}}, InvalidInputError),
    ({"set": {"wings": 2}}, InvalidInputError),
    ({"set": {"version": 2}}, InvalidInputError),
    ({"set": {"created_at": None}}, InvalidInputError),
    ({"remove": ["updated_at"]}, InvalidInputError),
    ({"set": {"tail": "N2"}}, InvalidInputError),
    ({"remove": ["tail"]}, InvalidInputError),
    ({"set": {"seats": 2}, "add": {"seats": 2}}, InvalidInputError),
    ({"set": {"note": "x"}, "remove": ["note"]}, InvalidInputError),
    ({"remove": ["note", "note"]}, InvalidInputError),
    ({"add": {"hours": "3"}}, InvalidInputError),
    ({"add": {"hours": True}}, InvalidInputError),
    ({"add": {"marks": set()}}, InvalidInputError),
    ({"add": {"hours": float("nan")}}, InvalidInputError),
    ({"set": {"hours": "many"}}, InvalidValueError),
    ({"set": {"status": "lost"}}, InvalidValueError),
    ({"set": {"rank": 10}}, InvalidValueError),
    ({"set": {"hours": None}}, InvalidValueError),
    ({"set": {"hours": 10**38 + 1}}, InvalidValueError),
    ({"set": {"operator": "x" * 2100, "typecode": "B", "built": date.min}}, InvalidKeyError),
    ({"set": {"seats": 12345}}, InvalidKeyError),
]


class TestRefusals:
    @pytest.mark.parametrize(("changes", "error"), REFUSED)
    def test_what_cannot_be_is_refused_before_anything_is_sent(
        self, core: CoreTable, changes: dict[str, Any], error: type[Exception]
    ) -> None:
        created = core.create(plane())
        watched, transport = faulty(core)
        with pytest.raises(error):
            watched.update(Plane, tail="N628TS", **changes)
        assert transport.writes == []
        with pytest.raises(error):
            watched.update(created, **changes)
        assert transport.writes == []

    def test_a_required_field_cannot_be_removed(self, core: CoreTable) -> None:
        core.create(Article(number="1", title="A"))
        with pytest.raises(InvalidInputError, match="required"):
            core.update(Article, number="1", remove=["title"])

    def test_an_expiry_needs_a_table_that_has_one(self, connect: Connect) -> None:
        desk = connect(DESK)
        desk.create(Memo(number="1"))
        with pytest.raises(InvalidValueError, match="no TTL attribute"):
            desk.update(Memo, number="1", set={"expires_at": datetime(2030, 1, 1, tzinfo=UTC)})


class TestRulesOfTheEntity:
    def test_a_rule_over_two_fields_holds_through_updates(self, core: CoreTable) -> None:
        core.create(Shift(name="a", start=6, end=14))
        with pytest.raises(InvalidValueError, match="ends after it starts"):
            core.update(Shift, name="a", set={"start": 15})
        with pytest.raises(InvalidValueError):
            core.update(Shift, name="a", add={"end": -9})
        with pytest.raises(InvalidValueError):
            core.update(Shift, name="a", remove=["end"])
        assert core.update(Shift, name="a", set={"start": 15, "end": 20}).end == 20

    def test_a_rule_over_two_fields_holds_against_what_others_write_meanwhile(self, core: CoreTable) -> None:
        core.create(Shift(name="a", start=6, end=14))
        watched, transport = faulty(core)
        transport.plan("UpdateItem", before(lambda: core.update(Shift, name="a", set={"end": 8})))
        with pytest.raises(InvalidValueError):
            watched.update(Shift, name="a", set={"start": 10})
        found = core.get(Shift, name="a")
        assert (found.start, found.end) == (6, 8)

    @pytest.mark.parametrize("changes", [{"high": 0}, {"low": 9}])
    def test_a_rule_said_by_one_fields_validator_holds_too(self, core: CoreTable, changes: dict[str, int]) -> None:
        created = core.create(Span(name="a", low=1, high=5))
        with pytest.raises(InvalidValueError, match="high is below low"):
            core.update(Span, name="a", set=changes)
        assert core.get(Span, name="a") == created
        assert core.update(Span, name="a", set={"low": 4, "high": 9}).high == 9

    def test_a_field_that_follows_from_another_is_stored_with_its_key(self, core: CoreTable) -> None:
        core.create(Article(number="1", title="Wing Spar"))
        updated = core.update(Article, number="1", set={"title": "Main Gear"})
        assert updated == core.get(Article, number="1")
        item = stored(core, Article, number="1") or {}
        assert (item["slug"], item["GSI1PK"]) == ({"S": "main-gear"}, {"S": "SLUG#main-gear"})

    def test_values_are_stored_as_their_field_normalises_them(self, core: CoreTable) -> None:
        core.create(Counter(name="a"))
        assert core.update(Counter, name="a", set={"tags": {"ab"}, "total": "12"}).tags == {"AB"}
        assert (stored(core, Counter, name="a") or {})["total"] == {"N": "12"}


class TestAdd:
    def test_numbers_and_sets_grow_and_shrink(self, core: CoreTable) -> None:
        core.create(plane(hours=5))
        assert core.update(Plane, tail="N628TS", add={"hours": -7}).hours == -2
        assert core.update(Plane, tail="N628TS", add={"marks": {"a"}}).marks == {"a"}
        assert core.update(Plane, tail="N628TS", add={"marks": {"a", "b"}}).marks == {"a", "b"}

    def test_a_constraint_holds_for_the_sum(self, core: CoreTable) -> None:
        core.create(plane(rank=7))
        assert core.update(Plane, tail="N628TS", add={"rank": 2}).rank == 9
        with pytest.raises(InvalidValueError):
            core.update(Plane, tail="N628TS", add={"rank": 1})
        assert core.get(Plane, tail="N628TS").rank == 9

    def test_a_removed_field_counts_on_from_its_default(self, core: CoreTable) -> None:
        core.create(Counter(name="a", total=50))
        assert core.update(Counter, name="a", remove=["total"]).total == 10
        assert core.update(Counter, name="a", add={"total": 1}).total == 11

    @pytest.mark.parametrize(
        "added",
        [
            {"total": 0.5},
            {"even": 1},
            {"spare": -1},
            {"tags": {"toolong"}},
            {"tags": {1}},
            {"tags": 1},
            {"total": {"x"}},
            {"text": 1},
            {"expires_at": 3600},
        ],
    )
    def test_what_the_field_cannot_hold_is_refused_and_the_item_stays_readable(
        self, core: CoreTable, added: dict[str, Any]
    ) -> None:
        created = core.create(Counter(name="a", total=10))
        with pytest.raises(InvalidInputError):
            core.update(Counter, name="a", add=added)
        assert core.get(Counter, name="a") == created

    def test_elements_are_normalised(self, core: CoreTable) -> None:
        core.create(Counter(name="a", tags={"ab"}))
        assert core.update(Counter, name="a", add={"tags": {"ab", "cd"}}).tags == {"AB", "CD"}
        assert (stored(core, Counter, name="a") or {})["tags"] == {"SS": ["AB", "CD"]}

    def test_a_float_and_an_empty_optional_count_from_nothing(self, core: CoreTable) -> None:
        core.create(Counter(name="a"))
        updated = core.update(Counter, name="a", add={"ratio": 0.1, "spare": 3, "even": 4})
        assert (updated.ratio, updated.spare, updated.even) == (0.1, 3, 4)
