"""What tasks do for the worker: handlers at work, rounds in the background, a bell. Its twin is `jobs.crew`."""

from __future__ import annotations

import asyncio
from asyncio import Task
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Self, TypeAlias, TypeVar

from aircraftops_data.jobs.aio.claim import AsyncClaim
from aircraftops_data.jobs.model import Job
from aircraftops_data.jobs.working import LOG, Interrupted

T = TypeVar("T")
Handler: TypeAlias = Callable[[AsyncClaim], Awaitable[Any]]
Ending: TypeAlias = Callable[[], Awaitable[Job]]
Work: TypeAlias = Callable[[T], Coroutine[Any, Any, None]]
Round: TypeAlias = Callable[[], Awaitable[None]]
_LEAVING = (KeyboardInterrupt, SystemExit)


class AsyncCall:
    """A handler at work, in a task of its own."""

    _task: Task[Any] | None = None
    _interrupted = False

    async def result(self, handler: Handler, claim: AsyncClaim) -> Any:
        """What it returns. Raises what it raises; Interrupted where it was cancelled."""
        if self._interrupted:
            raise Interrupted("The handler was cancelled before it began")
        self._task = asyncio.create_task(_guarded(handler, claim), name=f"aircraftops-{claim.id}")
        await asyncio.wait({self._task})
        if self._task.cancelled():
            raise Interrupted("The handler was cancelled")
        result, leaving = self._task.result()
        if leaving is not None:
            raise leaving
        return result

    def interrupt(self) -> None:
        """Cancel it; once, so that it can clean up."""
        if self._task is not None and not self._interrupted:
            self._task.cancel()
        self._interrupted = True


async def _guarded(handler: Handler, claim: AsyncClaim) -> tuple[Any, BaseException | None]:
    """What would tear the loop down with the task is handed on as a value."""
    try:
        return await handler(claim), None
    except _LEAVING as error:
        return None, error


class AsyncHands:
    """Tasks for a worker. Leaving them cancels what is still there."""

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
        self._keep(asyncio.create_task(work(value), name="aircraftops-job"))

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


async def aside(work: Callable[..., T], *given: Any) -> T:
    """What a blocking call comes to, made in a thread."""
    return await asyncio.to_thread(work, *given)
