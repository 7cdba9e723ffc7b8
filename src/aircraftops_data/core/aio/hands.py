"""What tasks do in the background: work that was started, rounds, a bell. Its twin is `core.hands`."""

from __future__ import annotations

import asyncio
from asyncio import Task
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from inspect import iscoroutinefunction
from typing import Any, Concatenate, ParamSpec, Self, TypeAlias, TypeVar

from aircraftops_data.core.hands import LOG

S = TypeVar("S")
T = TypeVar("T")
P = ParamSpec("P")
Work: TypeAlias = Callable[[T], Coroutine[Any, Any, None]]
Round: TypeAlias = Callable[[], Awaitable[None]]
Given: TypeAlias = Callable[Concatenate[S, P], Awaitable[T]]
"""A function that is given something before its other arguments."""
Called: TypeAlias = Callable[P, Coroutine[Any, Any, T]]


def runs_here(function: Callable[..., Any]) -> bool:
    """Whether the function can be awaited: it is a coroutine function."""
    return iscoroutinefunction(function)


class AsyncHands:
    """Tasks in the background. Leaving them cancels what is still there."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._loop = None
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1)

    def start(self, work: Work[T], value: T) -> None:
        """Set to work in the background, in the caller's context."""
        self._keep(asyncio.create_task(work(value), name="aircraftops"))

    def every(self, seconds: float, work: Round) -> None:
        """Do this again and again until the end, so many seconds after it was done."""
        self._keep(asyncio.create_task(self._rounds(seconds, work), name="aircraftops"))

    def _keep(self, task: Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _rounds(self, seconds: float, work: Round) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await work()
            except Exception:  # noqa: BLE001 - logged; the next round comes all the same
                LOG.exception("A round in the background failed")

    def ring(self) -> None:
        """Wake who rests, or let the next rest be none. May be called from anywhere."""
        loop = self._loop
        if loop is not None:
            # The loop may end just now; then nobody rests.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._rung.set)

    async def rest(self, seconds: float | None) -> None:
        """Wait until the bell rings, or so many seconds."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._rung.wait(), seconds)
        self._rung.clear()
