"""Locks and changes over either core, the blocking and the asyncio one, behind one interface."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from aircraftops_data import CoreTable
from aircraftops_data.coordination import Change, Changes, Locks
from aircraftops_data.coordination.aio import AsyncChanges, AsyncLocks
from blocking import Blocking, BlockingCore


def locks_over(core: CoreTable, **options: Any) -> Locks:
    """The locks of a core, called as the blocking ones are."""
    if isinstance(core, BlockingCore):
        return cast("Locks", Blocking(AsyncLocks(core._inner, **options)))
    return Locks(core, **options)


def changes_over(core: CoreTable, **options: Any) -> Changes:
    """The changes of a core, called as the blocking ones are, with blocking functions."""
    if isinstance(core, BlockingCore):
        return cast("Changes", BlockingChanges(AsyncChanges(core._inner, **options)))
    return Changes(core, **options)


class BlockingChanges(Blocking):
    """An `AsyncChanges` used as a `Changes` is; the functions of its changes run in threads."""

    def __getattr__(self, name: str) -> Any:
        method = super().__getattr__(name)
        return _declaring(method) if name in ("plan", "apply", "verify", "baseline", "roll_back", "accept") else method


def _declaring(method: Callable[..., Any]) -> Callable[..., Any]:
    def call(declared: Any, **given: Any) -> Any:
        several = isinstance(declared, Change)
        return method(in_threads(declared) if several else [in_threads(one) for one in declared], **given)

    return call


def in_threads(change: Change) -> Change:
    """The same change for asyncio."""
    made = Change(
        change.id,
        change.function and _in_thread(change.function),
        plan=change.plan,
        mode=change.mode,
        order=change.order,
        parameters=change.parameters,
        recovery=change.recovery,
        rate=change.rate,
    )
    # Of the function as it was written, not of what runs it here.
    made.checksum = change.checksum
    made.probe = change.probe and _in_thread(change.probe)
    made.rollback = change.rollback and _in_thread(change.rollback)
    return made


def _in_thread(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    async def run(context: Any) -> Any:
        return await asyncio.to_thread(function, _Context(context))

    return run


class _Context(Blocking):
    """A change's context with a blocking core and lock."""

    @property
    def core(self) -> Any:
        """What it reads with."""
        return Blocking(self._inner.core)

    @property
    def lock(self) -> Any:
        """The lock of its maker."""
        return Blocking(self._inner.lock)
