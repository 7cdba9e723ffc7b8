"""Pollers that are to stop, that come too late, or that cannot read: what they still do, and what they say of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from time import monotonic, sleep

import pytest

from aircraftops_data.clock import SystemClock
from aircraftops_data.coordination import Locks
from aircraftops_data.errors import InvalidInputError, LockLostError
from aircraftops_data.model.schema import AUDIT_EVENTS
from aircraftops_data.streams import Change, Router
from aircraftops_data.streams.polling.poller import Poller
from aircraftops_data.streams.polling.state import ShardState
from aircraftops_data.streams.polling.work import Step
from polling import NAME, Scene, Tank, refusing
from stream_world import sequence_of


@pytest.fixture
def scene() -> Scene:
    return Scene()


def routed(scene: Scene, work: Callable[[int], object]) -> Poller:
    """A poller whose records are dealt with by a function of a tank's litres."""
    router = Router()

    @router.on(Tank)
    def took(change: Change[Tank]) -> None:  # pyright: ignore[reportUnusedFunction]
        assert change.new is not None
        work(change.new.litres)

    return Poller(scene.core, router, streams=scene.streams, locks=Locks(scene.core), name=NAME)


def place(scene: Scene, number: int) -> int:
    """The place of the first shard's record of this number, from 1."""
    return sequence_of(scene.world.shards[0].records[number - 1])


def soon(holds: Callable[[], bool]) -> None:
    """Wait until something holds. Raises AssertionError where it does not within 30 seconds."""
    until = monotonic() + 30
    while not holds():
        assert monotonic() < until
        sleep(0.01)


def only_state(scene: Scene) -> ShardState:
    (state,) = scene.states().values()
    return state


def test_whose_lease_ends_amid_a_page_takes_no_more_of_it(scene: Scene) -> None:
    scene.fill("a", *range(1, 11))
    taken: list[int] = []

    def slow(litres: int) -> None:
        taken.append(litres)
        scene.clock.advance(timedelta(seconds=10))

    (work,) = routed(scene, slow).look()
    with pytest.raises(LockLostError):
        work.step()
    assert taken == [1, 2, 3]
    assert only_state(scene).place is None


def test_who_is_to_give_a_shard_back_writes_down_how_far_it_came_and_leaves_the_rest(scene: Scene) -> None:
    scene.fill("a", *range(1, 11))

    def leave(litres: int) -> None:
        work.leaving = litres == 4

    poller = routed(scene, leave)
    (work,) = poller.look()
    assert work.step() is Step.READ
    assert (work.records, work.failures) == (4, 0)
    assert only_state(scene).place == place(scene, 4)


def test_a_poller_told_to_stop_amid_a_page_ends_behind_the_record_at_hand() -> None:
    scene = Scene(clock=SystemClock())  # type: ignore[arg-type]
    scene.fill("a", *range(1, 11))
    taken: list[int] = []

    def stop(litres: int) -> None:
        taken.append(litres)
        if litres == 3:
            poller.stop()
            soon(lambda: all(work.leaving for work in poller.works.values()))

    poller = routed(scene, stop)
    poller.run()
    assert taken == [1, 2, 3]
    assert only_state(scene).place == place(scene, 3)
    again: list[int] = []
    routed(scene, again.append).drain()
    assert again == [4, 5, 6, 7, 8, 9, 10]


def test_the_lag_grows_while_a_shard_cannot_be_read(scene: Scene) -> None:
    poller = scene.poller()
    (work,) = poller.look()
    assert work.step() is Step.QUIET
    scene.clock.advance(20)
    scene.streams.planned["GetRecords"] = refusing("AccessDeniedException")
    with pytest.raises(Exception, match="AccessDenied"):
        work.step()
    assert poller.lag == timedelta(seconds=20)


def test_the_lag_grows_while_the_first_record_of_a_shard_fails(scene: Scene) -> None:
    scene.fill("a", 1)
    scene.taker.fails = lambda record: True
    poller = scene.poller()
    (work,) = poller.look()
    scene.clock.advance(20)
    assert work.step() is Step.FAILED
    assert poller.lag == timedelta(seconds=20)


def test_draining_looks_once_for_each_generation_of_shards() -> None:
    scene = Scene(shards=20)
    for shard in scene.world.open_shards:
        scene.world.roll(shard)
    assert scene.poller().drain().shards == 40
    # The beginning, each of both generations, and one that finds nothing more.
    assert scene.requests.count("ListStreams") == 3


def test_a_name_is_of_one_table(scene: Scene) -> None:
    scene.fill("a", 1)
    scene.poller().drain()
    other = Poller(
        scene.core, scene.taker, streams=scene.streams, locks=Locks(scene.core), name=NAME, table=AUDIT_EVENTS
    )
    with pytest.raises(InvalidInputError, match="AuditEventsTable need another name"):
        other.look()
    assert scene.taker.of("a") == [1]
