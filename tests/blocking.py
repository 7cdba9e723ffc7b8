"""The asyncio core behind the blocking one's interface, so that one suite of tests serves both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import cache
from inspect import iscoroutine
from threading import Thread
from typing import Any

from aircraftops_data import AsyncAircraftOps, AsyncCoreTable
from aircraftops_data.access.aio.repository import AsyncRepository
from aircraftops_data.audit.aio.audit import AsyncAudit
from aircraftops_data.audit.aio.chain import AsyncChain
from aircraftops_data.audit.aio.events import AsyncEvents
from aircraftops_data.coordination.aio import AsyncChanges, AsyncHold, AsyncHoldAll, AsyncLock, AsyncLocks
from aircraftops_data.core.aio.merged import AsyncMerged
from aircraftops_data.core.aio.query import AsyncReadable, AsyncResults
from aircraftops_data.core.aio.transaction import AsyncTransaction
from aircraftops_data.core.context import Context
from aircraftops_data.core.cursor import Cursors
from aircraftops_data.core.run import Runner
from aircraftops_data.core.table import CoreTable
from aircraftops_data.jobs.aio import AsyncClaim, AsyncJobs
from aircraftops_data.request import Request, Response, Transport
from aircraftops_data.settings import Settings
from aircraftops_data.transports.aio import async_direct_transport

ASYNC = (
    AsyncAircraftOps,
    AsyncAudit,
    AsyncChain,
    AsyncChanges,
    AsyncClaim,
    AsyncCoreTable,
    AsyncEvents,
    AsyncHold,
    AsyncHoldAll,
    AsyncJobs,
    AsyncLock,
    AsyncLocks,
    AsyncMerged,
    AsyncReadable,
    AsyncRepository,
    AsyncResults,
    AsyncTransaction,
)


@cache
def event_loop() -> asyncio.AbstractEventLoop:
    """One loop for the whole run, in a thread of its own."""
    loop = asyncio.new_event_loop()
    Thread(target=loop.run_forever, name="event loop", daemon=True).start()
    return loop


def waited(work: Coroutine[Any, Any, Any]) -> Any:
    """What it comes to, on the loop, in the caller's context."""
    return asyncio.run_coroutine_threadsafe(work, event_loop()).result()


class InThread:
    """An asyncio transport that sends by a blocking one, each request in a thread."""

    def __init__(self, inner: Transport) -> None:
        self.inner = inner

    async def send(self, request: Request) -> Response:
        """Send it in a thread."""
        return await asyncio.to_thread(self.inner.send, request)


class Blocking:
    """Stands for an asyncio object; what would be awaited or iterated blocks instead."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return _calling(found) if callable(found) and not isinstance(found, type) else blocking(found)

    def __iter__(self) -> Blocking:
        return self if isinstance(self._inner, AsyncResults) else Blocking(aiter(self._inner))

    def __next__(self) -> Any:
        ended = object()
        found = waited(_next_or(self._inner, ended))
        if found is ended:
            raise StopIteration
        return found

    def __enter__(self) -> Any:
        entered = waited(self._inner.__aenter__())
        return self if entered is self._inner else blocking(entered)

    def __exit__(self, *failure: Any) -> None:
        waited(self._inner.__aexit__(*failure))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Blocking) and self._inner == other._inner

    def __hash__(self) -> int:
        return hash(self._inner)

    def __repr__(self) -> str:
        return repr(self._inner)


async def _next_or(items: Any, ended: object) -> Any:
    return await anext(items, ended)


def blocking(value: Any) -> Any:
    """The value, waited for, with a blocking face where it is an asyncio object."""
    if iscoroutine(value):
        return blocking(waited(value))
    if isinstance(value, list):
        return [blocking(one) for one in value]
    if isinstance(value, dict):
        return {name: blocking(one) for name, one in value.items()}
    return Blocking(value) if isinstance(value, ASYNC) else value


def _calling(method: Callable[..., Any]) -> Callable[..., Any]:
    def call(*given: Any, **named: Any) -> Any:
        return blocking(method(*(one._inner if isinstance(one, Blocking) else one for one in given), **named))

    return call


class BlockingCore(Blocking):
    """An `AsyncCoreTable` made and used as a `CoreTable` is; its runner is a blocking one, over the transport given."""

    def __init__(self, transport: Transport, context: Context | None = None, cursor_secret: bytes = b"") -> None:
        super().__init__(AsyncCoreTable(InThread(transport), context, cursor_secret))
        self.runner = Runner(transport, self._inner.context, Cursors(cursor_secret))

    @classmethod
    def connect(cls, *, client: Any, **options: Any) -> BlockingCore:
        """As `CoreTable.connect`, over the asyncio transport to where the client sends."""
        made = CoreTable.connect(client=client, **options)
        core = cls(made.runner.transport, made.context, made.runner.cursors.secret)
        core._inner = AsyncCoreTable(async_direct_transport(client=client), made.context, made.runner.cursors.secret)
        return core


class BlockingOps(Blocking):
    """An `AsyncAircraftOps` made and used as an `AircraftOps` is."""

    def __init__(self, core: BlockingCore) -> None:
        super().__init__(AsyncAircraftOps(core._inner, Settings()))
        self.core = core

    @classmethod
    def connect(cls, **options: Any) -> BlockingOps:
        """As `AircraftOps.connect`."""
        return cls(BlockingCore.connect(**options))
