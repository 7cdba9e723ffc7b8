"""Pollers that are to stop, that come too late, or that cannot read: what they still do, and what they say of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic, sleep
from typing import Any

import pytest

from aircraftops_data.clock import SystemClock
from aircraftops_data.coordination import Locks
from aircraftops_data.errors import InvalidInputError, LockLostError, ThrottledError
from aircraftops_data.model.schema import AUDIT_EVENTS
from aircraftops_data.request import Request, Response
from aircraftops_data.streams import Change, Router
from aircraftops_data.streams.polling.poller import Poller
from aircraftops_data.streams.polling.state import ShardState
from aircraftops_data.streams.polling.work import Step
from aircraftops_data.streams.sinks.sink import Refused
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


@dataclass
class Noting:
    """A sink that writes down what it is given, and then does something."""

    then: Callable[[], object] = lambda: None
    given: list[list[int]] = field(default_factory=list[list[int]])

    def write(self, changes: Sequence[Change[Any]]) -> list[Refused]:
        """Take all of them."""
        self.given.append([change.new.litres for change in changes])
        self.then()
        return []


@pytest.mark.parametrize("where", ["in a function", "in a sink", "in a sink that raises"])
def test_whose_lease_ends_gives_the_sinks_nothing_more(scene: Scene, where: str) -> None:
    scene.fill("a", 1, 2, 3, 4)

    def slow(change: object = None) -> None:
        scene.clock.advance(timedelta(seconds=31))

    def fail() -> None:
        slow()
        raise ArithmeticError

    # What the second wants is behind what the first was given first: it could be written up to where that failed.
    first, second = Noting({"in a sink": slow, "in a sink that raises": fail}.get(where, lambda: None)), Noting()
    router = Router()
    router.on(Tank, where=lambda change: change.new.litres == 4 and where == "in a function")(slow)
    router.into(first, Tank, where=lambda change: change.new.litres > 1)
    router.into(second, Tank)
    (work,) = Poller(scene.core, router, streams=scene.streams, locks=Locks(scene.core), name=NAME).look()
    with pytest.raises(LockLostError):
        work.step()
    assert (first.given, second.given) == ([] if where == "in a function" else [[2, 3, 4]], [])
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


def test_the_lag_is_that_of_the_record_at_hand_however_long_there_was_none_before_it(scene: Scene) -> None:
    scene.fill("a", 1)
    poller = scene.poller(lease=timedelta(hours=2))
    (work,) = poller.look()
    work.step()
    scene.clock.advance(timedelta(hours=1))
    assert work.step() is Step.QUIET
    scene.fill("a", 2)
    scene.clock.advance(5)
    scene.taker.fails = lambda record: True
    assert work.step() is Step.FAILED
    assert poller.lag == timedelta(seconds=5)


def test_a_shard_that_cannot_be_given_back_is_in_hand_no_more(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.fill("a", 1)
    poller = scene.poller()
    (work,) = poller.look()

    def broken(_: object) -> None:
        raise OSError("no socket")

    monkeypatch.setattr(type(work._lock), "release", broken)  # pyright: ignore[reportPrivateUsage]
    poller._leave(work)  # pyright: ignore[reportPrivateUsage]
    assert poller.works == {}


@dataclass
class Limited:
    """A transport that takes its time, and lets ten listings of shards through in a second, as AWS does."""

    scene: Scene
    listed_at: list[float] = field(default_factory=list[float])

    def send(self, request: Request) -> Response:
        """The response."""
        clock = self.scene.clock
        clock.advance(0.01)
        if request.operation == "DescribeStream":
            lately = [at for at in self.listed_at if clock.monotonic() - at < 1]
            if len(lately) == 10:
                raise ThrottledError("Rate exceeded", code="LimitExceededException", retryable=True)
            self.listed_at = [*lately, clock.monotonic()]
        return self.scene.streams.send(request)


def test_shards_of_more_pages_than_aws_lists_in_a_second_are_found() -> None:
    scene = Scene(shards=1600)
    poller = Poller(scene.core, scene.taker, streams=Limited(scene), locks=Locks(scene.core), name=NAME)
    assert len(poller.look()) == poller.options.concurrency


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
