"""What type checkers see of locks and changes: nothing here is run, `assert_type` is checked."""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from collections.abc import Mapping
from datetime import timedelta
from typing import assert_type

from aircraftops_data.coordination import Change, ChangeContext, ChangeRecord, Changes, Lock, Locks, Planned, change
from aircraftops_data.coordination.aio import AsyncChangeContext, AsyncChanges, AsyncLock, AsyncLocks
from aircraftops_data.coordination.ready import backfill
from aircraftops_data.entities.aircraft import Aircraft


def blocking(locks: Locks, changes: Changes) -> None:
    with locks.hold("reindex", lease=timedelta(seconds=30)) as lock:
        assert_type(lock, Lock)
        assert_type(lock.token, int)
    with locks.hold_all(["a", "b"]) as held:
        assert_type(held, Mapping[str, Lock])

    @locks.hold("nightly")
    def nightly(lock: Lock, day: str, *, dry: bool = False) -> int:
        return lock.token

    assert_type(nightly("monday", dry=True), int)
    nightly(1)  # type: ignore[arg-type]
    nightly("monday", wet=True)  # type: ignore[call-arg]

    @change("1", mode="chunked", parameters={"a": 1})
    def made(context: ChangeContext) -> None:
        context.go_on(None)

    assert_type(made, Change)
    assert_type(changes.plan([made]), list[Planned])
    assert_type(changes.apply([made, backfill("2", Aircraft)]), list[ChangeRecord])


async def asynchronous(locks: AsyncLocks, changes: AsyncChanges) -> None:
    async with locks.hold("reindex") as lock:
        assert_type(lock, AsyncLock)

    @locks.hold("nightly")
    async def nightly(lock: AsyncLock, day: str) -> int:
        return lock.token

    assert_type(await nightly("monday"), int)

    @change("1")
    async def made(context: AsyncChangeContext) -> None:
        context.go_on(None)

    assert_type(await changes.apply([made]), list[ChangeRecord])
