"""Batches: order, duplicates and limits are the library's business; what was left undone is told exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from entities import (
    DESK,
    SHELF,
    Badge,
    Memo,
    Parcel,
    Plane,
    assert_shelf_is_consistent,
    badge,
    everything,
    expected_plane_keys,
    index_keys,
    of_type,
    plane,
    stored,
)

from aircraftops_data import CoreTable, Entity, Progress, Report, metered
from aircraftops_data.errors import (
    InvalidKeyError,
    InvalidValueError,
    ItemTooLargeError,
    StoreError,
    ThrottledError,
    TimeoutError,
    UniqueConflictError,
    UnprocessedItemsError,
)
from aircraftops_data.testing import ManualClock
from faults import Fault, conflicting, faulty, lost_reply, lost_request, taking, throttled

Connect = Callable[..., CoreTable]
TRIES = 8


@pytest.fixture
def core(connect: Connect, clock: ManualClock) -> CoreTable:
    """The shelf, with a clock that stands still."""
    return connect(SHELF, clock=clock)


def planes(count: int, start: int = 0) -> list[Plane]:
    """So many different planes."""
    return [plane(f"N{number}") for number in range(start, start + count)]


class TestGetMany:
    def test_order_and_duplicates_are_kept_and_missing_ones_are_none(self, core: CoreTable) -> None:
        one, two = core.create(plane("N1")), core.create(plane("N2"))
        asked = [{"tail": tail} for tail in ("N2", "N9", "N1", "N2")]
        assert core.get_many(Plane, asked).all() == [two, None, one, two]
        assert core.get_many(Plane, iter(asked), consistent=True).all() == [two, None, one, two]

    def test_nothing_asked_is_nothing_sent(self, core: CoreTable) -> None:
        watched, transport = faulty(core)
        assert watched.get_many(Plane, []).all() == []
        assert transport.sent == []

    @pytest.mark.parametrize("concurrency", [1, 3])
    def test_more_than_a_hundred_keys_take_several_requests_each_with_different_keys(
        self, core: CoreTable, engine: str, concurrency: int
    ) -> None:
        core.put_many(planes(205))
        watched, transport = faulty(core)
        asked = [{"tail": f"N{number % 205}"} for number in range(400)]
        # moto is not safe to use from several threads.
        found = watched.get_many(Plane, asked, concurrency=concurrency if engine != "moto" else 1).all()
        assert [one.tail if one else None for one in found] == [identity["tail"] for identity in asked]
        asked_for = [request.parameters["RequestItems"][core.context.names[SHELF]] for request in transport.sent]
        assert [len(part["Keys"]) for part in asked_for] == [100, 100, 100, 100]

    def test_an_expired_item_is_none(self, core: CoreTable, clock: ManualClock) -> None:
        core.create(plane("N1", expires_at=clock.now() + timedelta(hours=1)))
        clock.advance(timedelta(hours=1))
        assert core.get_many(Plane, [{"tail": "N1"}]).all() == [None]

    def test_an_identity_that_is_not_one_is_refused_before_anything_is_sent(self, core: CoreTable) -> None:
        watched, transport = faulty(core)
        with pytest.raises(InvalidKeyError):
            watched.get_many(Plane, [{"tail": "N1"}, {}]).all()
        assert transport.sent == []

    def test_keys_the_engine_leaves_are_asked_again(self, core: CoreTable, clock: ManualClock) -> None:
        made = [core.create(one) for one in planes(5)]
        watched, transport = faulty(core)
        transport.plan("BatchGetItem", taking(2), taking(0), taking(1))
        assert watched.get_many(Plane, [one.identity() for one in made]).all() == made
        assert len(transport.sent) == 4
        assert len(clock.slept) == 3

    def test_keys_throttled_whole_are_asked_again(self, core: CoreTable) -> None:
        made = core.create(plane())
        watched, transport = faulty(core)
        transport.plan("BatchGetItem", throttled, throttled)
        assert watched.get_many(Plane, [made.identity()]).all() == [made]

    def test_keys_the_engine_never_takes_are_named_in_the_end(self, core: CoreTable) -> None:
        made = [core.create(one) for one in planes(3)]
        watched, transport = faulty(core)
        transport.plan("BatchGetItem", taking(1))
        transport.always("BatchGetItem", taking(0))
        with pytest.raises(UnprocessedItemsError) as caught:
            watched.get_many(Plane, [one.identity() for one in made]).all()
        assert caught.value.keys == [Plane.definition().identify(one.identity()) for one in made[1:]]
        assert caught.value.retryable
        assert len(transport.sent) == TRIES


class TestPutMany:
    def test_all_of_a_stream_is_stored_25_a_request(self, core: CoreTable, clock: ManualClock) -> None:
        watched, transport = faulty(core)
        report = watched.put_many(iter(planes(60)))
        assert (report.done, report.failed) == (60, [])
        sizes = [len(request.parameters["RequestItems"][core.context.names[SHELF]]) for request in transport.sent]
        assert sizes == [25, 25, 10]
        items = everything(core, SHELF)
        assert len(items) == 60
        assert all(index_keys(item) == expected_plane_keys(item) for item in items)
        found = core.get(Plane, tail="N7")
        assert (found.version, found.created_at, found.updated_at) == (1, clock.now(), clock.now())

    def test_an_instance_read_before_goes_on_from_its_version(self, core: CoreTable, clock: ManualClock) -> None:
        created = core.create(plane())
        clock.advance(60)
        core.put_many([created.model_copy(update={"note": "x"})])
        found = core.get(Plane, tail="N628TS")
        assert (found.version, found.created_at, found.updated_at) == (2, created.created_at, clock.now())

    def test_nothing_is_nothing(self, core: CoreTable) -> None:
        watched, transport = faulty(core)
        report: Report[Plane] = watched.put_many([])
        assert (report.done, report.failed, transport.sent) == (0, [], [])

    def test_several_kinds_go_together(self, core: CoreTable) -> None:
        several: list[Entity] = [plane(), Parcel(number="1"), badge("1")]
        report = core.put_many(several)
        assert (report.done, len(everything(core, SHELF))) == (3, 5)

    @pytest.mark.parametrize("distance", [1, 30, 120])
    def test_of_a_key_given_twice_the_last_wins(self, core: CoreTable, distance: int) -> None:
        first, last = plane("X", note="first"), plane("X", note="last")
        report = core.put_many([first, *planes(distance), last])
        assert report.done == distance + 2
        assert core.get(Plane, tail="X").note == "last"

    def test_what_cannot_be_stored_is_told_and_the_rest_is_stored(self, core: CoreTable) -> None:
        wrong = [
            Parcel(number="1", load="x" * 410_000),
            plane("y" * 2100),
            Parcel(number="2", load=float("nan")),
            Parcel(number="3", load={1: 2}),
            Parcel(number="4", load="\ud800"),
            Parcel(number="5", load=object()),
        ]
        good = planes(30)
        report = core.put_many([*good[:10], *wrong, *good[10:]])
        assert report.done == 30
        failed = {id(failure.entity): type(failure.error) for failure in report.failed}
        assert set(failed) == {id(one) for one in wrong}
        assert failed[id(wrong[0])] is ItemTooLargeError
        assert failed[id(wrong[1])] is InvalidKeyError
        assert set(failed.values()) == {ItemTooLargeError, InvalidKeyError, InvalidValueError}
        assert len(everything(core, SHELF)) == 30

    def test_one_item_the_engine_alone_refuses_does_not_take_its_neighbours_along(self, core: CoreTable) -> None:
        deep: object = "x"
        for _ in range(40):
            deep = [deep]
        report = core.put_many([*planes(10), Parcel(number="deep", load=deep), *planes(10, start=10)])
        assert [failure.entity.identity() for failure in report.failed] == [{"number": "deep"}]
        assert (report.done, len(everything(core, SHELF))) == (20, 20)

    def test_the_report_can_raise_what_failed(self, core: CoreTable) -> None:
        core.put_many([plane()]).raise_if_failed()
        report = core.put_many([plane(), Parcel(number="1", load={1: 2})])
        with pytest.raises(InvalidValueError) as caught:
            report.raise_if_failed()
        assert caught.value.__notes__ == ["1 of 2 were not written"]

    def test_progress_counts_what_was_dealt_with(self, core: CoreTable) -> None:
        seen: list[Progress] = []
        report = core.put_many([*planes(130), Parcel(number="1", load={1: 2})], progress=seen.append)
        assert [one.inputs for one in seen] == sorted({one.inputs for one in seen})
        assert [one.done for one in seen] == [25, 50, 75, 100, 125, 130]
        assert seen[-1] == Progress(130, 1, report.consumed)

    def test_a_generator_that_raises_midway_writes_nothing_more(self, core: CoreTable) -> None:
        def source() -> Iterator[Plane]:
            yield from planes(130)
            raise ZeroDivisionError

        seen: list[Progress] = []
        with pytest.raises(ZeroDivisionError) as caught:
            core.put_many(source(), progress=seen.append)
        assert len(everything(core, SHELF)) == seen[-1].done == 125
        assert caught.value.__notes__ == ["125 were written before the source failed"]

    def test_it_measures_itself(self, core: CoreTable) -> None:
        with metered() as meter:
            report = core.put_many([*planes(30), badge("1")])
        assert report.consumed.write_units == meter.consumed.write_units > 0
        assert report.consumed.requests == meter.consumed.requests

    def test_side_by_side_is_the_same(self, connect: Connect, engine: str) -> None:
        core = connect(SHELF)
        # moto is not safe to use from several threads.
        concurrency = 4 if engine != "moto" else 1
        report = core.put_many(iter([*planes(180), badge("1"), badge("2")]), concurrency=concurrency)
        assert (report.done, report.failed, len(everything(core, SHELF))) == (182, [], 186)
        gone = core.delete_many(core.scan(Plane), concurrency=concurrency)
        assert (gone.done, len(everything(core, SHELF))) == (180, 6)


class TestUniques:
    def test_they_are_kept_and_conflicts_are_told(self, core: CoreTable, clock: ManualClock) -> None:
        core.create(badge("1"))
        report = core.put_many([badge("1", code="new"), badge("2"), badge("3", code="C2"), badge("4", code="C1")])
        assert [failure.entity.number for failure in report.failed] == ["3"]
        assert isinstance(report.failed[0].error, UniqueConflictError)
        assert report.done == 3
        assert_shelf_is_consistent(everything(core, SHELF), clock.now().timestamp())

    def test_they_are_given_up_by_delete_many(self, core: CoreTable) -> None:
        core.put_many([badge("1"), badge("2"), plane()])
        report = core.delete_many([badge("1"), badge("2"), plane(), badge("9")])
        assert (report.done, report.failed, everything(core, SHELF)) == (4, [], [])

    def test_of_a_key_given_twice_the_last_wins(self, core: CoreTable, clock: ManualClock) -> None:
        core.put_many([badge("1", code="a"), badge("2"), badge("1", code="b")])
        assert core.get(Badge, number="1").code == "b"
        assert_shelf_is_consistent(everything(core, SHELF), clock.now().timestamp())


class TestDeleteMany:
    def test_all_go_whatever_their_version_and_missing_ones_do_not_matter(self, core: CoreTable) -> None:
        for one in planes(30):
            core.create(one)
        core.update(Plane, tail="N3", set={"note": "x"})
        report = core.delete_many([*planes(30), *planes(5), plane("N99")])
        assert (report.done, report.failed, everything(core, SHELF)) == (36, [], [])


class TestWhatTheEngineLeaves:
    @pytest.mark.parametrize("bulk", ["put_many", "delete_many"])
    def test_it_is_tried_again_with_growing_waits(self, core: CoreTable, clock: ManualClock, bulk: str) -> None:
        watched, transport = faulty(core)
        transport.plan("BatchWriteItem", taking(10), taking(0), taking(5))
        report = getattr(watched, bulk)(planes(20))
        assert (report.done, report.failed) == (20, [])
        asked = [len(request.parameters["RequestItems"][core.context.names[SHELF]]) for request in transport.sent]
        assert asked == [20, 10, 10, 5]
        assert len(clock.slept) == 3
        assert len(everything(core, SHELF)) == (20 if bulk == "put_many" else 0)

    def test_what_is_never_taken_is_told_exactly(self, core: CoreTable) -> None:
        watched, transport = faulty(core)
        transport.plan("BatchWriteItem", taking(10))
        transport.always("BatchWriteItem", taking(0))
        report = watched.put_many(planes(20))
        assert len(transport.sent) == TRIES
        assert report.done == 10
        assert [failure.entity for failure in report.failed] == planes(20)[10:]
        assert all(isinstance(failure.error, UnprocessedItemsError) for failure in report.failed)
        assert {item["tail"]["S"] for item in everything(core, SHELF)} == {one.tail for one in planes(10)}

    def test_of_duplicates_never_taken_none_counts_as_done(self, core: CoreTable) -> None:
        watched, transport = faulty(core)
        transport.always("BatchWriteItem", taking(0))
        report = watched.put_many([plane("N1", note="a"), plane("N1", note="b")])
        assert everything(core, SHELF) == []
        assert (report.done, len(report.failed)) == (0, 2)

    def test_a_batch_that_fails_whole_leaves_the_others_written(self, core: CoreTable) -> None:
        watched, transport = faulty(core)
        transport.plan("BatchWriteItem", lost_request, lost_request, lost_request)
        report = watched.put_many(planes(30))
        assert (report.done, len(report.failed), len(everything(core, SHELF))) == (5, 25, 5)
        assert all(isinstance(failure.error, TimeoutError) for failure in report.failed)

    @pytest.mark.parametrize("fault", [throttled, conflicting])
    def test_a_batch_refused_whole_for_now_is_tried_again(self, core: CoreTable, fault: Fault) -> None:
        watched, transport = faulty(core)
        transport.plan("BatchWriteItem", fault, fault)
        report = watched.put_many(planes(3))
        assert (report.done, report.failed) == (3, [])

    def test_a_batch_always_throttled_is_given_up(self, core: CoreTable) -> None:
        watched, transport = faulty(core)
        transport.always("BatchWriteItem", throttled)
        report = watched.put_many(planes(3))
        assert (report.done, len(report.failed)) == (0, 3)
        assert isinstance(report.failed[0].error, StoreError)
        assert isinstance(report.failed[0].error, ThrottledError | UnprocessedItemsError)
        assert 1 <= len(transport.sent) <= TRIES

    @pytest.mark.parametrize("bulk", ["put_many", "delete_many"])
    def test_a_lost_reply_changes_nothing(self, core: CoreTable, bulk: str) -> None:
        watched, transport = faulty(core)
        transport.plan("BatchWriteItem", lost_reply)
        report = getattr(watched, bulk)(planes(3))
        assert (report.done, report.failed) == (3, [])
        assert {item["version"]["N"] for item in everything(core, SHELF)} == ({"1"} if bulk == "put_many" else set())


def test_a_batch_of_an_entity_elsewhere_goes_to_its_own_table(connect: Connect) -> None:
    core = connect(SHELF, DESK)
    core.put_many([plane(), Memo(number="1")])
    assert (len(everything(core, SHELF)), len(everything(core, DESK))) == (1, 1)
    assert stored(core, Memo, number="1") is not None
    assert len(of_type(everything(core, SHELF), "plane")) == 1
