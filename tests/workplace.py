"""A place for workers of both kinds to work in: one table, a clock of its own, and hooks that keep what they heard."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from inspect import isawaitable, isgenerator
from threading import Lock, Thread
from typing import Any

from aircraftops_data import AsyncCoreTable, CoreTable
from aircraftops_data.jobs import Hooks, Job, Jobs, Poll, Worker
from aircraftops_data.jobs.aio import AsyncJobs, AsyncWorker
from aircraftops_data.request import Request, Response, Transport
from aircraftops_data.testing import ManualClock
from blocking import InThread
from faults import FaultyTransport

QUICK = Poll(first=Poll().first / 20, most=Poll().first / 5)
PATIENCE_SECONDS = 20.0
SHORT = timedelta(seconds=0.12)
Condition = Callable[[], object]


class Locked:
    """A transport for engines that take one request at a time."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self._lock = Lock()

    def send(self, request: Request) -> Response:
        """Send it when its turn has come."""
        with self._lock:
            return self._inner.send(request)


class Heard(Hooks):
    """Keeps what it was told, by the names of the hooks."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def __getattribute__(self, name: str) -> Any:
        if not hasattr(Hooks, name) or name.startswith("_"):
            return super().__getattribute__(name)
        return lambda *facts: self.told.append((name, *facts))

    @property
    def names(self) -> list[str]:
        """The hooks that were called, claims aside."""
        return [name for name, *_ in self.told if name != "claimed"]


class Workplace:
    """A table of jobs. `jobs` is for the test; workers have their own way to it, `transport`, which may fail."""

    def __init__(self, core: CoreTable, clock: ManualClock, kind: str) -> None:
        self.clock = clock
        self.kind = kind
        self.hooks = Heard()
        locked = Locked(core.runner.transport)
        self.jobs = Jobs(CoreTable(locked, core.context))
        self.transport = FaultyTransport(locked)
        self.context = core.context

    def worker(self, **options: Any) -> Any:
        """A worker of this kind."""
        given = {"queues": ["default"], "hooks": self.hooks, "poll": QUICK, **options}
        if self.kind == "threads":
            return Worker(Jobs(CoreTable(self.transport, self.context)), **given)
        return AsyncWorker(AsyncJobs(AsyncCoreTable(InThread(self.transport), self.context)), **given)

    def handler(self, function: Callable[[Any], Any]) -> Any:
        """A handler of this kind. A generator's conditions are waited for; what can be awaited is."""
        if self.kind == "tasks":
            return _in_task(function)

        def handler(claim: Any) -> Any:
            found = function(claim)
            return _waited(found) if isgenerator(found) else found

        return handler

    def working(self, function: Callable[[Any], Any], *kinds: str, **options: Any) -> Any:
        """A worker that handles jobs this way."""
        worker = self.worker(**options)
        for kind in kinds or ("k",):
            worker.handles(kind)(self.handler(function))
        return worker

    def run(self, worker: Any, **given: Any) -> None:
        """Run a worker."""
        self.finish(worker.run(**({"until_idle": True} | given)))

    def finish(self, found: Any) -> Any:
        """What it comes to, whether it can be awaited or is there."""
        return asyncio.run(_awaited(found)) if asyncio.iscoroutine(found) else found

    @contextmanager
    def at_work(self, worker: Any) -> Iterator[Thread]:
        """A worker that runs beside the test, and is stopped after it."""
        thread = Thread(target=self.run, args=(worker,), kwargs={"until_idle": False})
        thread.start()
        try:
            yield thread
        finally:
            worker.stop()
            thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()

    def outcome(self, function: Callable[[Any], Any], **how: Any) -> Job:
        """What becomes of one job that is handled this way."""
        job = self.jobs.enqueue("k", **how)
        self.run(self.working(function))
        return self.jobs.get(job.id)


async def _awaited(found: Any) -> Any:
    return await found


def _in_task(function: Callable[[Any], Any]) -> Any:
    async def handler(claim: Any) -> Any:
        found = function(claim)
        if isgenerator(found):
            return await _waited_in_task(found)
        return await found if isawaitable(found) else found

    return handler


def until(condition: Condition, pause_seconds: float = 0.001) -> None:
    """Return once it holds; looks again after each pause."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(pause_seconds)


def _waited(conditions: Generator[Condition, None, Any]) -> Any:
    while True:
        try:
            until(next(conditions))
        except StopIteration as ended:
            return ended.value


async def _waited_in_task(conditions: Generator[Condition, None, Any]) -> Any:
    while True:
        try:
            condition = next(conditions)
        except StopIteration as ended:
            return ended.value
        while not condition():
            await asyncio.sleep(0.001)


def raising(error: BaseException) -> Callable[[Any], Any]:
    """A handler that raises this."""

    def handler(claim: Any) -> Any:
        raise error

    return handler
