"""Coordination in asyncio: the same names with `Async` before them."""

from aircraftops_data.coordination.aio.locks import AsyncHold, AsyncHoldAll, AsyncLock, AsyncLocks

__all__ = ["AsyncHold", "AsyncHoldAll", "AsyncLock", "AsyncLocks"]
