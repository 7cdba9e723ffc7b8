"""Pollers on DynamoDB Local: its stream, its locks, threads that run until they are told to stop, a live view."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import pytest

from aircraftops_data import CORE, CoreTable, Entity, PrimaryKey
from aircraftops_data.clock import Retry, SystemClock
from aircraftops_data.coordination import LockOptions, Locks
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.model.schema import AUDIT_EVENTS, JOBS
from aircraftops_data.request import Transport
from aircraftops_data.streams import Change, Decoder, Router
from aircraftops_data.streams.polling.poller import Poller, PollerOptions
from aircraftops_data.streams.polling.state import Group, Origin
from aircraftops_data.streams.polling.tail import tail
from aircraftops_data.streams.polling.work import Step
from aircraftops_data.testing import local_session
from aircraftops_data.transports.streams import streams_transport

pytestmark = pytest.mark.parametrize("engine", [pytest.param("local", marks=pytest.mark.slow)], indirect=True)

Connect = Callable[..., CoreTable]
OPTIONS = PollerOptions(
    lease=timedelta(seconds=1),
    look=timedelta(seconds=0.1),
    idle=timedelta(seconds=0.05),
    retry=Retry(first_seconds=0.01, most_seconds=0.05),
    quiet=1,
)
PATIENCE_SECONDS = 60.0


class Tank(Entity, table=CORE, entity_type="local_tank"):
    """Something that changes."""

    name: str
    litres: int = 0

    primary = PrimaryKey("LOCAL_TANK#{name}", "TANK")


@pytest.fixture
def core(connect: Connect) -> CoreTable:
    return connect(CORE, JOBS)


@pytest.fixture(scope="module")
def streams(local_endpoint: str) -> Iterator[Transport]:
    transport = streams_transport(local_session(), endpoint_url=local_endpoint)
    yield transport
    transport.close()


class Seen:
    """What a handler was given."""

    def __init__(self) -> None:
        self.litres: list[int] = []
        self.entered, self.go_on = Event(), Event()
        self.go_on.set()
        self.router = Router()
        self.router.on(Tank)(self.see)

    def see(self, change: Change[Tank]) -> None:
        """Write it down, once it may go on."""
        self.entered.set()
        assert self.go_on.wait(PATIENCE_SECONDS)
        self.litres.append(0 if change.new is None else change.new.litres)


def poller(core: CoreTable, streams: Transport, seen: Seen, **options: Any) -> Poller:
    locks = Locks(core, options=LockOptions(margin=timedelta(seconds=0.1)))
    return Poller(core, seen.router, streams=streams, locks=locks, name="test", options=replace(OPTIONS, **options))


def fill(core: CoreTable, *litres: int) -> None:
    for each in litres:
        core.put(Tank(name="a", litres=each))


def until(holds: Callable[[], bool]) -> None:
    deadline = monotonic() + PATIENCE_SECONDS
    while not holds():
        assert monotonic() < deadline, "this took too long"
        sleep(0.01)


@contextmanager
def running(*pollers: Poller) -> Iterator[list[Thread]]:
    """Pollers that run meanwhile."""
    threads = [Thread(target=each.run, daemon=True) for each in pollers]
    for thread in threads:
        thread.start()
    try:
        yield threads
    finally:
        for each in pollers:
            each.stop()
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive()


def test_all_there_is_is_drained_and_then_what_came_since(core: CoreTable, streams: Transport) -> None:
    seen = Seen()
    fill(core, 1, 2)
    core.delete(Tank, name="a")
    assert poller(core, streams, seen).drain().records == 3
    fill(core, 3)
    assert poller(core, streams, seen).drain().records == 1
    assert seen.litres == [1, 2, 0, 3]


def test_the_latest_is_what_comes_after_the_group_began(core: CoreTable, streams: Transport) -> None:
    seen = Seen()
    fill(core, 1)
    first = poller(core, streams, seen, origin=Origin.LATEST)
    first.drain()
    fill(core, 2)
    first.drain()
    assert seen.litres == [2]


@pytest.mark.parametrize("origin", Origin, ids=str)
def test_a_stream_that_was_empty_when_it_was_first_read_has_no_gap(
    core: CoreTable, streams: Transport, origin: Origin
) -> None:
    seen = Seen()
    (work,) = poller(core, streams, seen, origin=origin).look()
    assert work.step() is Step.QUIET
    fill(core, 1)
    assert work.step() is Step.READ
    assert (seen.litres, work.state.gap) == ([1], None)
    work.leave()


@pytest.mark.parametrize("origin", Origin, ids=str)
def test_who_looks_at_an_empty_stream_sees_what_comes_and_is_told_of_nothing_missing(
    connect: Connect, streams: Transport, origin: Origin
) -> None:
    # The other stream takes the number behind the starting one of this stream's shard.
    core = connect(CORE, AUDIT_EVENTS)

    class Filling(SystemClock):
        def sleep(self, seconds: float) -> None:
            fill(core, 1)

    name = core.context.names[CORE]
    view = tail(streams, Decoder([Tank]), name, Filling(), origin=origin, missing=pytest.fail)
    change: Any = next(view)
    assert change.new.litres == 1


def test_a_poller_runs_until_it_is_stopped_and_leaves_everything_free(core: CoreTable, streams: Transport) -> None:
    seen = Seen()
    one = poller(core, streams, seen)
    with running(one):
        fill(core, 1)
        until(lambda: seen.litres == [1])
        fill(core, 2)
        until(lambda: seen.litres == [1, 2])
    assert one.works == {}
    assert [lock.state for lock in Locks(core).all()] == ["free"]
    assert Group(core, "test").standing().pollers == ()
    fill(core, 3)
    poller(core, streams, seen).drain()
    assert seen.litres == [1, 2, 3]


def test_who_is_stopped_in_the_middle_of_a_page_finishes_the_record_at_hand_and_writes_it_down(
    core: CoreTable, streams: Transport
) -> None:
    seen = Seen()
    fill(core, 1, 2)
    seen.go_on.clear()
    one = poller(core, streams, seen)
    with running(one) as (thread,):
        assert seen.entered.wait(PATIENCE_SECONDS)
        one.stop()
        # Longer than its lease: that is renewed until the record is done.
        thread.join(1.5)
        assert thread.is_alive()
        assert poller(core, streams, Seen()).look() == []
        seen.go_on.set()
    (state,) = Group(core, "test").standing().shards
    assert seen.litres == [1]
    assert state.place is not None
    assert poller(core, streams, seen).drain().records == 1
    assert seen.litres == [1, 2]


def test_a_signal_stops_a_poller_of_the_main_thread(core: CoreTable, streams: Transport) -> None:
    seen = Seen()
    one = poller(core, streams, seen)
    before = signal.getsignal(signal.SIGTERM)
    fill(core, 1)

    def send() -> None:
        until(lambda: seen.litres == [1])
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=send, daemon=True).start()
    one.run()
    assert seen.litres == [1]
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_record_that_fails_is_taken_again_until_it_does_not(core: CoreTable, streams: Transport) -> None:
    seen, router, left = Seen(), Router(), [3]

    @router.on(Tank)
    def fail(change: Change[Tank]) -> None:
        if left[0]:
            left[0] -= 1
            raise ArithmeticError
        seen.see(change)

    seen.router = router
    fill(core, 1, 2)
    with running(poller(core, streams, seen)):
        until(lambda: seen.litres == [1, 2])
    assert left == [0]


def test_a_handler_that_ends_the_process_ends_run(core: CoreTable, streams: Transport) -> None:
    seen, router = Seen(), Router()

    @router.on(Tank)
    def leave(change: Change[Tank]) -> None:
        raise SystemExit(7)

    seen.router = router
    fill(core, 1)
    with pytest.raises(SystemExit):
        poller(core, streams, seen).run()
    assert [lock.state for lock in Locks(core).all()] == ["free"]


def test_another_follows_when_one_stops(core: CoreTable, streams: Transport) -> None:
    first, second = Seen(), Seen()
    one, other = poller(core, streams, first), poller(core, streams, second)
    with running(one):
        fill(core, 1)
        until(lambda: first.litres == [1])
        with running(other):
            one.stop()
            until(lambda: one.works == {})
            fill(core, 2)
            until(lambda: second.litres == [2])
    assert first.litres == [1]


def test_a_stream_that_is_switched_off_and_on_is_read_to_its_end_and_followed(
    core: CoreTable, streams: Transport, client: Any
) -> None:
    seen = Seen()
    one = poller(core, streams, seen)
    fill(core, 1)
    one.drain()
    fill(core, 2)
    name = core.context.names[CORE]
    client.update_table(TableName=name, StreamSpecification={"StreamEnabled": False})
    said = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    client.update_table(TableName=name, StreamSpecification=said)
    fill(core, 3)
    report = one.drain()
    assert (report.shards, report.ended, report.records) == (2, 1, 2)
    assert seen.litres == [1, 2, 3]


def test_a_table_without_a_stream_is_named(core: CoreTable, streams: Transport) -> None:
    one = Poller(core, Router(), streams=streams, locks=Locks(core), name="test", table=JOBS)
    with pytest.raises(InvalidInputError, match=f"{core.context.names[JOBS]} has no stream"):
        one.run()


# The live view


def test_the_live_view_shows_all_there_is_and_writes_nothing(core: CoreTable, streams: Transport) -> None:
    fill(core, 1, 2)
    core.delete(Tank, name="a")
    seen = Seen()
    found = list(tailed(core, streams, seen, origin=Origin.TRIM_HORIZON, once=True))
    assert [(change.operation, change.entity) for change in found] == [
        (o, Tank) for o in ("insert", "modify", "remove")
    ]
    assert Group(core, "test").standing().starts == ()


def test_the_live_view_follows_what_comes_after_it_began(core: CoreTable, streams: Transport, client: Any) -> None:
    fill(core, 1)
    found: list[int] = []
    looking = Event()

    def look() -> None:
        for change in tailed(core, Noting(streams, looking), Seen()):
            found.append(change.new.litres)
            if len(found) == 2:
                return

    thread = Thread(target=look, daemon=True)
    thread.start()
    assert looking.wait(PATIENCE_SECONDS)
    fill(core, 2, 3)
    thread.join(PATIENCE_SECONDS)
    assert found == [2, 3]


def tailed(core: CoreTable, streams: Transport, seen: Seen, **how: Any) -> Iterator[Any]:
    name = core.context.names[CORE]
    return tail(streams, seen.router.decoder, name, core.context.clock, missing=pytest.fail, **how)


class Noting:
    """A transport that says when pages are asked for."""

    def __init__(self, inner: Transport, asked: Event) -> None:
        self._inner = inner
        self._asked = asked

    def send(self, request: Any) -> Any:
        """The response."""
        if request.operation == "GetRecords":
            self._asked.set()
        return self._inner.send(request)
