"""Writing by asyncio: what is cancelled sends nothing more, and what was sent was sent whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from itertools import count

import pytest

from aircraftops_data import AsyncAircraftOps, AsyncCoreTable, Progress, Rate, metered
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.request import Request
from aircraftops_data.testing import ManualClock
from memory import AsyncMemory, Memory, Part, Tagged, identities, parts
from playing import context
from tasks import clean, settled, table, until_cancelled

# Writing


class Endless:
    """Parts without end, as an iterable of either kind, and how many were taken."""

    def __init__(self) -> None:
        self.taken = 0
        self.closed = False

    def plain(self) -> Iterator[Part]:
        for number in count():
            self.taken += 1
            yield Part(number=number)

    async def slow(self) -> AsyncIterator[Part]:
        try:
            for number in count():
                await asyncio.sleep(0)
                self.taken += 1
                yield Part(number=number)
        finally:
            self.closed = True


@pytest.mark.parametrize("kind", ["plain", "slow"])
@pytest.mark.parametrize("concurrency", [1, 4])
def test_an_endless_source_is_read_a_bounded_way_ahead(kind: str, concurrency: int) -> None:
    async def work() -> None:
        source, never = Endless(), asyncio.Event()

        async def gate(_: Request) -> None:
            if len(transport.arrived) > 10:
                await never.wait()

        core, transport = table(gate=gate)
        writer = asyncio.create_task(core.put_many(getattr(source, kind)(), concurrency=concurrency))
        while transport.under_way < concurrency or source.taken < 25 * 10:
            await asyncio.sleep(0)
        await settled()
        assert source.taken <= 25 * (10 + 2 * concurrency + 1)
        assert transport.most_under_way == concurrency
        writer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writer
        assert source.closed == (kind == "slow")

    clean(work())


def test_a_bulk_write_that_is_cancelled_sends_nothing_more() -> None:
    async def work() -> None:
        async def gate(request: Request) -> None:
            if len(transport.arrived) > 6:
                await until_cancelled(request)

        core, transport = table(gate=gate)
        writer = asyncio.create_task(core.put_many(Endless().plain(), concurrency=3))
        while transport.under_way < 3:
            await asyncio.sleep(0)
        writer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writer
        sent, arrived = len(transport.memory.sent), len(transport.arrived)
        assert len(transport.memory.items) == 25 * sent
        assert transport.under_way == 0
        await settled()
        assert (len(transport.memory.sent), len(transport.arrived)) == (sent, arrived)

    clean(work())


def test_a_key_whose_write_is_under_way_is_held_back() -> None:
    async def work() -> None:
        opened = asyncio.Event()

        async def gate(_: Request) -> None:
            if len(transport.arrived) == 1:
                await opened.wait()

        core, transport = table(gate=gate)
        source = [*parts(25, note="first"), *parts(25, start=100), *parts(25, note="last"), *parts(25, start=200)]
        writer = asyncio.create_task(core.put_many(source, concurrency=8))
        await settled()
        assert len(transport.arrived) == 2
        opened.set()
        assert (await writer).done == 100
        assert {transport.memory.items["BIN#a", f"PART#{n:06}"]["note"]["S"] for n in range(25)} == {"last"}

    clean(work())


def test_requests_go_on_while_one_is_slow() -> None:
    async def work() -> None:
        opened = asyncio.Event()

        async def gate(_: Request) -> None:
            if len(transport.arrived) == 1:
                await opened.wait()

        def told(progress: Progress) -> None:
            if progress.done == 25 * 30:
                opened.set()

        core, transport = table(gate=gate)
        report = await core.put_many(parts(25 * 31), concurrency=2, progress=told)
        assert report.done == 25 * 31

    clean(work())


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_source_that_fails_ends_the_work_and_what_was_sent_counts(concurrency: int) -> None:
    async def work() -> None:
        async def source() -> AsyncIterator[Part]:
            for part in parts(260):
                yield part
            raise ZeroDivisionError

        core, transport = table()
        seen: list[Progress] = []
        with pytest.raises(ZeroDivisionError):
            await core.put_many(source(), concurrency=concurrency, progress=seen.append)
        assert len(transport.memory.items) == seen[-1].done == 250

    clean(work())


def test_a_callback_that_fails_stops_the_work() -> None:
    async def work() -> None:
        def told(_: Progress) -> None:
            raise ZeroDivisionError

        core, transport = table()
        with pytest.raises(ZeroDivisionError):
            await core.put_many(Endless().plain(), concurrency=3, progress=told)
        assert transport.under_way == 0
        assert len(transport.memory.items) <= 25 * 7

    clean(work())


def test_what_is_scanned_can_be_deleted_as_it_comes() -> None:
    async def work() -> None:
        core, transport = table(*parts(120))
        report = await core.delete_many(core.scan(Part, segments=3), concurrency=2)
        assert (report.done, transport.memory.items) == (120, {})

    clean(work())


def test_a_scan_that_feeds_a_write_ends_with_it() -> None:
    async def work() -> None:
        core, transport = table(*parts(400))

        def told(_: Progress) -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await core.delete_many(core.scan(Part, segments=3), progress=told)
        assert len(asyncio.all_tasks()) == 1
        assert transport.under_way == 0

    clean(work())


def test_waits_go_through_the_clock_and_let_others_go_on() -> None:
    async def work() -> None:
        core, _ = table()
        clock = core.context.clock
        assert isinstance(clock, ManualClock)
        await core.put_many(parts(500), concurrency=4, rate=Rate(100))
        assert sum(clock.slept) == pytest.approx(500 / 100, abs=1)

    clean(work())


# Transactions


@pytest.mark.parametrize("leave", ["cancelled", "raised"])
def test_a_transaction_left_by_an_error_writes_nothing(leave: str) -> None:
    async def work() -> None:
        core, transport = table()

        async def block() -> None:
            async with core.transaction() as tx:
                tx.put(Part(number=1))
                if leave == "raised":
                    raise ZeroDivisionError
                await until_cancelled(Request("GetItem", {}))

        task = asyncio.create_task(block())
        await settled()
        task.cancel()
        with pytest.raises((asyncio.CancelledError, ZeroDivisionError)):
            await task
        assert transport.arrived == []

    clean(work())


def test_a_transaction_commits_when_its_block_ends() -> None:
    async def work() -> None:
        core, transport = table()
        async with core.transaction() as tx:
            tx.create(Part(number=1))
            tx.create(Part(number=2))
        assert [request.operation for request in transport.arrived] == ["TransactWriteItems"]
        assert [one.number for one in tx.results] == [1, 2]
        with pytest.raises(InvalidInputError, match="over"):
            tx.create(Part(number=3))

    clean(work())


# Costs


def test_a_block_measures_what_its_tasks_cost_and_no_others() -> None:
    async def work() -> None:
        core, _ = table(*parts(40))

        async def measured(requests: int) -> int:
            with metered() as meter:
                async with asyncio.TaskGroup() as group:
                    for _ in range(requests):
                        group.create_task(core.find(Part, bin="a", number=1))
            return meter.consumed.requests

        assert await asyncio.gather(*(measured(number) for number in (1, 2, 3))) == [1, 2, 3]
        with metered() as meter:
            report = await core.put_many([*parts(120), Tagged(number=1, tag="a")], concurrency=4)
            await core.scan(Part, segments=3).all()
            await core.get_many(Part, identities(5)).all()
        assert meter.consumed.requests == sum(1 for _ in core.runner.transport.arrived) - 6  # type: ignore[attr-defined]
        assert report.consumed.write_units == meter.consumed.write_units

    clean(work())


# Closing


def test_leaving_the_block_closes_the_transport() -> None:
    class Closing(AsyncMemory):
        closed = 0

        async def aclose(self) -> None:
            self.closed += 1

    async def work() -> None:
        transport = Closing(Memory())
        with suppress(ZeroDivisionError):
            async with AsyncAircraftOps(AsyncCoreTable(transport, context())):
                raise ZeroDivisionError
        assert transport.closed == 1
        await AsyncCoreTable(AsyncMemory(Memory())).aclose()

    clean(work())


def test_a_transport_nobody_knows_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="'pigeon'"):
        AsyncAircraftOps.connect(transport="pigeon")  # type: ignore[arg-type]
