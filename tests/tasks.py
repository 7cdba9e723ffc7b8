"""Runs asyncio work and sees to it that nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Coroutine
from functools import cache
from typing import Any, TypeVar

from aircraftops_data import AsyncCoreTable
from aircraftops_data.request import Request
from memory import AsyncMemory, Memory, Part
from playing import context

T = TypeVar("T")
Gate = Callable[[Request], Awaitable[Any]]


def table(*held: Part, gate: Gate | None = None) -> tuple[AsyncCoreTable, AsyncMemory]:
    """A table in memory."""
    transport = AsyncMemory(Memory(*held), gate)
    return AsyncCoreTable(transport, context()), transport


def clean(work: Coroutine[Any, Any, T]) -> T:
    """What it comes to; afterwards no task is left, and asyncio had nothing to complain of."""
    complaints: list[dict[str, Any]] = []
    _leave_the_past_alone()

    async def watched() -> T:
        asyncio.get_running_loop().set_exception_handler(lambda _, complaint: complaints.append(complaint))
        result = await work
        await until_alone()
        return result

    result = asyncio.run(watched())
    gc.collect()
    assert complaints == []
    return result


@cache
def _leave_the_past_alone() -> None:
    """What there was before is not looked through each time; late in a run that is a lot."""
    gc.collect()
    gc.freeze()


async def until_alone() -> None:
    """Return when this is the only task; fail when others do not end in many turns of the loop."""
    gc.collect()
    for _ in range(100):
        if len(asyncio.all_tasks()) == 1:
            return
        await asyncio.sleep(0)
    raise AssertionError(f"left behind: {asyncio.all_tasks()}")


async def settled() -> None:
    """Let every task go on until it waits for something that does not come by itself."""
    for _ in range(100):
        await asyncio.sleep(0)


async def until_cancelled(_: Request) -> None:
    """A gate that never opens."""
    await asyncio.Event().wait()
