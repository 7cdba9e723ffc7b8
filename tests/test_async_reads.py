"""Reading by asyncio: what is read ahead is cancelled and waited for, whoever leaves the loop and how."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest

from aircraftops_data import AsyncCoreTable, AsyncQuery
from aircraftops_data.errors import NotFoundError, ThrottledError
from aircraftops_data.request import Request
from memory import Part, identities, parts
from tasks import clean, settled, table, until_alone, until_cancelled


def query(core: AsyncCoreTable) -> AsyncQuery[Part]:
    """All parts of the bin."""
    return core.query(Part.primary(bin="a"))


# Reading


def test_a_loop_reads_every_item() -> None:
    async def work() -> None:
        core, _ = table(*parts(30))
        assert [part.number async for part in query(core)] == list(range(30))
        assert [part.number for part in await query(core).all()] == list(range(30))
        page = await query(core).page(limit=7)
        assert len(page) == 7
        assert await core.get(Part, bin="a", number=3) == page.items[3]
        with pytest.raises(NotFoundError):
            await core.get(Part, bin="a", number=99)

    clean(work())


def test_from_the_second_page_on_the_next_one_is_read_ahead() -> None:
    async def work() -> None:
        core, transport = table(*parts(40))
        found = aiter(query(core))
        for taken, pages in ((4, 1), (5, 3), (8, 3), (9, 4)):
            while (await anext(found)).number < taken - 1:
                pass
            await settled()
            assert len(transport.arrived) == pages
        await found.aclose()

    clean(work())


async def broken_off(found: AsyncIterator[Part], taken: int) -> None:
    """A loop left after so many items."""
    async for part in found:
        if part.number >= taken:
            break


@pytest.mark.parametrize("taken", [0, 3, 4, 5, 12])
def test_a_loop_left_early_leaves_no_task(taken: int) -> None:
    async def work() -> None:
        core, transport = table(*parts(400))
        await broken_off(aiter(query(core)), taken)
        await until_alone()
        assert len(transport.arrived) <= taken // 4 + 2
        assert transport.under_way == 0

    clean(work())


def test_a_block_left_early_ends_what_is_read_ahead_at_once() -> None:
    async def work() -> None:
        opened = asyncio.Event()

        async def gate(_: Request) -> None:
            if len(transport.arrived) > 2:
                opened.set()
                await until_cancelled(_)

        core, transport = table(*parts(400), gate=gate)
        async with aiter(query(core)) as found:
            for _ in range(5):
                await anext(found)
            await opened.wait()
            assert transport.under_way == 1
        assert transport.under_way == 0
        assert len(asyncio.all_tasks()) == 1
        with pytest.raises(StopAsyncIteration):
            await anext(found)

    clean(work())


@pytest.mark.parametrize("segments", [1, 3])
def test_a_reader_that_is_cancelled_cancels_what_it_reads(segments: int) -> None:
    async def work() -> None:
        core, transport = table(*parts(400), gate=until_cancelled)
        reader = asyncio.create_task(core.scan(Part, segments=segments).all())
        await settled()
        assert transport.under_way == segments
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        assert transport.under_way == 0
        assert len(asyncio.all_tasks()) == 1
        await settled()
        assert len(transport.arrived) == segments

    clean(work())


def test_an_error_of_one_segment_surfaces_and_ends_the_others() -> None:
    async def work() -> None:
        async def gate(request: Request) -> None:
            if request.parameters["Segment"] == 1:
                raise ThrottledError("Too many", retryable=True)
            await until_cancelled(request)

        core, transport = table(*parts(40), gate=gate)
        with pytest.raises(ThrottledError):
            await core.scan(Part, segments=4).all()
        assert transport.under_way == 0

    clean(work())


def test_an_error_of_a_page_nobody_comes_to_is_nobodys_concern() -> None:
    async def work() -> None:
        async def gate(_: Request) -> None:
            if len(transport.arrived) > 2:
                raise ThrottledError("Too many", retryable=True)

        core, transport = table(*parts(40), gate=gate)
        await broken_off(aiter(query(core)), 5)

    clean(work())


@pytest.mark.parametrize("segments", [2, 5])
def test_a_scan_in_segments_finds_everything_once_and_reads_one_page_ahead(segments: int) -> None:
    async def work() -> None:
        core, transport = table(*parts(203))
        found: list[int] = []
        async for part in core.scan(Part, segments=segments):
            found.append(part.number)
            await settled()
            assert len(transport.arrived) > segments
            assert len(transport.arrived) <= -(-len(found) // 4) + 2 * segments
        assert sorted(found) == list(range(203))

    clean(work())


def test_answers_come_in_order_while_requests_are_side_by_side() -> None:
    async def work() -> None:
        async def gate(request: Request) -> None:
            # The earlier a window, the longer it takes.
            for _ in range(50 - len(transport.arrived)):
                await asyncio.sleep(0)

        core, transport = table(*parts(450), gate=gate)
        found = core.get_many(Part, identities(500), concurrency=3)
        numbers = [one and one.number async for one in found]
        assert numbers == [*range(450), *[None] * 50]
        assert transport.most_under_way == 3
        assert found.consumed.read_units == 500

    clean(work())


def test_identities_may_come_from_an_async_source_without_end() -> None:
    async def work() -> None:
        taken = count()

        async def source() -> AsyncIterator[dict[str, Any]]:
            for number in taken:
                await asyncio.sleep(0)
                yield {"bin": "a", "number": number}

        core, _ = table(*parts(3))
        async with core.get_many(Part, source(), concurrency=2) as found:
            seen = [await anext(found) for _ in range(150)]
        assert [one.number for one in seen if one] == [0, 1, 2]
        assert next(taken) <= 150 + 100 * 6

    clean(work())
