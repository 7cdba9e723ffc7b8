"""Between here and the engine things go wrong, at each request of each way to make or undo changes: done until it is
done, each effect is there once, and the history tells all of it in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from change_cases import (
    CASES,
    FAULTS,
    FOR_READS,
    PASSING,
    WHY,
    Case,
    Crash,
    Interrupt,
    World,
    assert_done_once,
    failure,
    requests_of,
)
from change_journal import assert_sound

from aircraftops_data import AsyncCoreTable, CoreTable
from aircraftops_data.coordination import Change, ChangeOptions, Changes
from aircraftops_data.coordination.aio.changes import AsyncChanges
from aircraftops_data.errors import ChangeFailedError, InvalidInputError, StoreError
from aircraftops_data.model.schema import CORE, JOBS
from aircraftops_data.request import AsyncTransport, Request, Response
from aircraftops_data.testing import ManualClock
from aircraftops_data.transports.aio import async_direct_transport
from faults import READS
from sweeping import Anew, on_dynamodb_local, swept

# Every case at every request: together more than the fast lane has time for.
pytestmark = pytest.mark.slow

Connect = Callable[..., CoreTable]


@swept(CASES, "chunked", "external", "atomic, undone")
def test_whatever_goes_wrong_at_any_request_each_effect_is_there_once(anew: Anew, case: Case) -> None:
    sent = requests_of(anew, case)
    for name, (fault, times) in FAULTS.items():
        for place in (place for place, what in enumerate(sent) if what not in READS or name in FOR_READS):
            world, changes = case.prepared(anew)
            raised = failure(case, world.maker(world.at(fault, place, times)), changes)
            allowed = (ChangeFailedError,) if name in PASSING else (ChangeFailedError, StoreError, Crash, Interrupt)
            assert raised is None or isinstance(raised, allowed), (name, place, raised)
            assert_sound(world.other())
            case.finish(world, changes)
            assert_done_once(case, world, changes, exactly=raised is None)


@on_dynamodb_local
def test_a_task_that_is_cancelled_at_any_request_leaves_all_in_order(connect: Connect, client: Any) -> None:
    """The lock is given back on the way; only an acquisition nobody heard of stays until its lease is over."""

    core = connect(CORE, JOBS)

    async def made(world: World, place: int) -> tuple[bool, list[str]]:
        transport = Cancelling(async_direct_transport(client=client), place)
        maker = AsyncChanges(AsyncCoreTable(transport, core.context), options=ChangeOptions(scope=world.name))
        try:
            await maker.apply(_in_asyncio(world))
        except asyncio.CancelledError:
            return False, transport.sent
        return True, transport.sent

    done, place = False, 0
    while not done:
        world = World(core, ManualClock())
        world.prepare()
        done, sent = asyncio.run(made(world, place))
        assert_sound(world.other())
        held = place == sent.index("TransactWriteItems") if "TransactWriteItems" in sent else False
        other = world.other()
        other.options = replace(other.options, wait=timedelta(minutes=1) if held else timedelta())
        other.apply([world.change("chunked")])
        assert_done_once(CASES["chunked"], world, [world.change("chunked")], exactly=False)
        place += 1
    assert place > 8


class Cancelling:
    """An asyncio transport whose user is cancelled when the engine has done what the request of this number asks."""

    def __init__(self, inner: AsyncTransport, place: int) -> None:
        self._inner = inner
        self._place = place
        self.sent: list[str] = []

    async def send(self, request: Request) -> Response:
        """The response, for who is still there."""
        self.sent.append(request.operation)
        last = len(self.sent) == self._place + 1
        response = await self._inner.send(request)
        if last:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(0)
        return response


def _in_asyncio(world: World) -> list[Change]:
    """The chunked change, by a coroutine."""

    async def chunk(context: Any) -> None:
        world._chunk(context, "chunked", 1)

    return [Change("chunked", chunk, mode="chunked", source="chunked")]


# What people say

Say = Callable[[Changes], object]


def _nothing(source: str) -> Change:
    return Change("it", lambda context: None, source=source)


@dataclass(frozen=True)
class Saying:
    """What somebody says of a change, what was before, and what it comes to."""

    before: Say
    say: Say
    state: str


SAYING = {
    "resolve": Saying(
        lambda maker: maker.apply([_nothing("now")]),
        lambda maker: maker.resolve("it", "rolled_back", reason=WHY),
        "rolled_back",
    ),
    "accept": Saying(
        lambda maker: maker.apply([_nothing("before")]),
        lambda maker: maker.accept(_nothing("now"), reason=WHY),
        "applied",
    ),
    "baseline": Saying(
        lambda maker: None,
        lambda maker: maker.baseline([_nothing("now")], reason=WHY),
        "baselined",
    ),
}


@swept(SAYING, "accept")
def test_what_a_person_says_is_entered_whatever_goes_wrong(anew: Anew, case: Saying) -> None:
    """Said again it is entered again, or refused as what is so already."""
    world = World(anew(CORE, JOBS), ManualClock())
    case.before(world.other())
    case.say(world.maker(transport := world.at()))
    for fault, times in FAULTS.values():
        for place in range(len(transport.sent)):
            world = World(anew(CORE, JOBS), ManualClock())
            case.before(world.other())
            with suppress(StoreError, Crash, Interrupt):
                case.say(world.maker(world.at(fault, place, times)))
            with suppress(InvalidInputError):
                case.say(world.other())
            said = [entry.state for entry in assert_sound(world.other()) if entry.reason == WHY]
            assert 1 <= len(said) <= 2
            assert set(said) == {case.state}
            assert [record.checksum for record in world.other().records()] == [_nothing("now").checksum]
