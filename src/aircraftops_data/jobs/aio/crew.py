"""What tasks do for the worker: handlers at work. Its twin is `jobs.crew`."""

from __future__ import annotations

import asyncio
from asyncio import Task
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, TypeVar

from aircraftops_data.jobs.aio.claim import AsyncClaim
from aircraftops_data.jobs.model import Job
from aircraftops_data.jobs.working import Interrupted

T = TypeVar("T")
Handler: TypeAlias = Callable[[AsyncClaim], Awaitable[Any]]
Ending: TypeAlias = Callable[[], Awaitable[Job]]
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


async def aside(work: Callable[..., T], *given: Any) -> T:
    """What a blocking call comes to, made in a thread."""
    return await asyncio.to_thread(work, *given)
