"""The live view of a stream, through everything that may happen while somebody looks for long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from aircraftops_data import CORE
from aircraftops_data.errors import StoreError, ThrottledError
from aircraftops_data.request import Request, Response
from aircraftops_data.streams.change import AnyRecord
from aircraftops_data.streams.decoding import Decoder
from aircraftops_data.streams.polling.state import Origin
from aircraftops_data.streams.polling.tail import tail
from aircraftops_data.testing import ManualClock
from polling import Scene, Tank, refusing, told
from stream_api import StreamsApi
from stream_world import StreamWorld


class Looking(ManualClock):
    """A clock on which things happen while somebody waits; who waits for nothing more has seen all there is."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Callable[[], object]] = []

    def sleep(self, seconds: float) -> None:
        """Let time pass, and the next event happen."""
        super().sleep(seconds)
        if not self.events:
            raise KeyboardInterrupt
        self.events.pop(0)()


@pytest.fixture
def clock() -> Looking:
    return Looking()


@pytest.fixture
def scene(clock: Looking) -> Scene:
    return Scene(clock=clock)


def view(scene: Scene, origin: Origin = Origin.LATEST) -> Iterator[AnyRecord]:
    return tail(scene.streams, Decoder([Tank]), CORE.name, scene.clock, origin=origin, missing=pytest.fail)


def seen(scene: Scene, origin: Origin = Origin.LATEST) -> list[int]:
    """What is shown until nothing more happens."""
    found: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        for record in view(scene, origin):
            found.append(told(record)[1])
    return found


def test_a_machine_that_slept_is_not_shown_what_was_before_it_looked(scene: Scene, clock: Looking) -> None:
    scene.fill("a", 1)
    clock.advance(timedelta(hours=1))
    clock.events = [lambda: clock.advance(timedelta(hours=1)), lambda: scene.fill("a", 2)]
    assert seen(scene) == [2]


def test_a_listing_that_fails_for_a_while_does_not_end_the_view(scene: Scene, clock: Looking) -> None:
    def busy() -> Response:
        raise ThrottledError("busy", code="LimitExceededException", retryable=True)

    clock.events = [lambda: scene.streams.planned.update(DescribeStream=busy), lambda: scene.fill("a", 1)]
    assert seen(scene) == [1]


def test_who_asks_for_what_there_is_now_is_told_where_that_cannot_be_read(scene: Scene) -> None:
    scene.fill("a", 1)

    class Away:
        def send(self, request: Request) -> Response:
            if request.operation == "GetRecords":
                raise StoreError("away", code="EndpointConnectionError", retryable=True)
            return scene.streams.send(request)

    view = tail(Away(), Decoder([Tank]), CORE.name, scene.clock, once=True, missing=pytest.fail)
    with pytest.raises(StoreError, match="away"):
        list(view)


def test_a_permission_that_lacks_ends_the_view(scene: Scene, clock: Looking) -> None:
    clock.events = [lambda: scene.streams.planned.update(DescribeStream=refusing("AccessDeniedException"))]
    with pytest.raises(StoreError, match="AccessDenied"):
        list(view(scene))


class _Both:
    """A table that has had two streams; of the second it cannot be told at once what it has."""

    def __init__(self, *worlds: StreamWorld) -> None:
        self._apis = {world.arn: StreamsApi(world) for world in worlds}
        self._new = worlds[-1].arn

    def send(self, request: Request) -> Response:
        """What the stream answers that is asked for; a listing names both."""
        if request.operation == "ListStreams":
            return {"Streams": [each for api in self._apis.values() for each in api.send(request)["Streams"]]}
        if request.parameters.get("StreamArn") == self._new:
            self._new = ""
            raise StoreError("InternalServerError", code="InternalServerError", retryable=True)
        asked = request.parameters.get("StreamArn") or request.parameters["ShardIterator"].partition("|")[0]
        return self._apis[asked].send(request)


@pytest.mark.parametrize("origin", Origin, ids=str)
def test_a_stream_that_is_switched_off_is_followed_by_the_next_one(
    scene: Scene, clock: Looking, origin: Origin
) -> None:
    def switch() -> None:
        old = scene.world
        old._close(old.shards[0])  # pyright: ignore[reportPrivateUsage]
        scene.world = StreamWorld(clock, CORE.name)
        scene.streams.inner = _Both(old, scene.world)
        scene.fill("a", 3)

    scene.fill("a", 1)
    clock.events = [lambda: scene.fill("a", 2), switch, *[lambda: None] * 2, lambda: scene.fill("a", 4)]
    before = [1] if origin is Origin.TRIM_HORIZON else []
    assert seen(scene, origin) == [*before, 2, 3, 4]
