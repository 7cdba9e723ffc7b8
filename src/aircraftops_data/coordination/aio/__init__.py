"""Coordination in asyncio: the same names with `Async` before them."""

from aircraftops_data.coordination.aio.attempt import AsyncChangeContext
from aircraftops_data.coordination.aio.changes import AsyncChanges
from aircraftops_data.coordination.aio.locks import AsyncHold, AsyncHoldAll, AsyncLock, AsyncLocks

__all__ = ["AsyncChangeContext", "AsyncChanges", "AsyncHold", "AsyncHoldAll", "AsyncLock", "AsyncLocks"]
