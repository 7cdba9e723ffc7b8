"""The commands about locks: who holds which, whether its holder lives, and taking one away from who does not."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

import typer

from aircraftops_data.cli.moments import beside_now, spoken
from aircraftops_data.cli.options import AsJson, EndpointUrl, Prefix, connected
from aircraftops_data.cli.output import show, show_one
from aircraftops_data.coordination.locking import Seen, look_at
from aircraftops_data.coordination.locks import Locks
from aircraftops_data.coordination.model import LockState, LockToken
from aircraftops_data.model.encoders import instant_text

locks = typer.Typer(no_args_is_help=True, help="Locks: who holds which, whether they live, and taking one away.")

LockName = Annotated[str, typer.Argument(help="The lock's name.", metavar="NAME")]
Record = dict[str, Any]
EVERY_SECONDS = 1.0


class Life(StrEnum):
    """What watching a lock found."""

    ALIVE = "alive"
    STANDING_STILL = "standing still"
    FREE = "free"


@locks.command("list")
def listing(
    held: Annotated[bool, typer.Option("--held", help="Only those that somebody holds.")] = False,
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """List every lock there ever was: who holds it, under which token, for which lease, since when by their clock."""
    ops = connected(endpoint_url, prefix)
    now = ops.core.context.clock.now()
    found = [lock for lock in ops.locks.all() if not held or lock.state is LockState.HELD]
    show([_listed(lock, now, as_json=as_json) for lock in found], as_json=as_json)


@locks.command("show")
def shown(
    name: LockName,
    watch: Annotated[
        int | None,
        typer.Option(help="Watch until the beat moves, for so long, at most its lease.", min=1, metavar="SECONDS"),
    ] = None,
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Show a lock and the beat of its holder; with --watch, whether that moves, which is all that tells of life."""
    found = connected(endpoint_url, prefix).locks
    clock = found.context.clock
    began = clock.monotonic()
    lock, seen, life = _watched(found, name, timedelta(seconds=watch or 0))
    record = _listed(lock, clock.now(), as_json=as_json) | {"beat": None if seen.beat is None else seen.beat.beat}
    if watch is not None:
        passed = timedelta(seconds=clock.monotonic() - began)
        record |= _lively(life, passed) if as_json else {"watched": _life(life, passed, lock.lease)}
    show_one(record, as_json=as_json)


@locks.command("release")
def release(
    name: LockName,
    token: Annotated[int, typer.Option(help="The token seen; under another nothing is done.", min=1)],
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Take a lock away from who holds it under this token: their heartbeats and fenced writes are refused at once."""
    found = connected(endpoint_url, prefix).locks
    before = found.get(name)
    found.release(name, token)
    now = found.context.clock.now()
    record = _listed(found.get(name), now, as_json=as_json)
    show_one(record | {"taken_from": before.owner, "under_token": token}, as_json=as_json)


# Watching


def _watched(locks: Locks, name: str, length: timedelta) -> tuple[LockToken, Seen, Life]:
    """A lock as it was seen last, and what its beat did for so long or for its lease. Raises NotFoundError."""
    clock = locks.context.clock
    first, seen = _look(locks, name)
    lock, mark = first, seen.mark
    until = clock.monotonic() + min(length, first.lease).total_seconds()
    while seen.held is not None and seen.mark == mark and (left := until - clock.monotonic()) > 0:
        clock.sleep(min(EVERY_SECONDS, left))
        lock, seen = _look(locks, name)
    if seen.held is None:
        return lock, seen, Life.FREE
    return lock, seen, Life.STANDING_STILL if seen.mark == mark else Life.ALIVE


def _look(locks: Locks, name: str) -> tuple[LockToken, Seen]:
    return locks.run(look_at(name, locks.context))


def _lively(life: Life, passed: timedelta) -> Record:
    return {"watched": {"found": life, "seconds": round(passed.total_seconds(), 3)}}


def _life(life: Life, passed: timedelta, lease: timedelta) -> str:
    match life:
        case Life.FREE:
            return "free"
        case Life.ALIVE:
            return f"alive: the beat moved within {spoken(passed)}"
        case Life.STANDING_STILL if passed >= lease:
            return f"standing still for {spoken(passed)}, its whole lease: who waits for it gets it"
        case Life.STANDING_STILL:
            return f"standing still for {spoken(passed)} of its lease"


# What is printed


def _listed(lock: LockToken, now: datetime, *, as_json: bool) -> Record:
    record: Record = {"name": lock.name, "state": lock.state, "owner": lock.owner, "token": lock.token}
    at = lock.acquired_at
    if as_json:
        acquired = None if at is None else instant_text(at)
        return {**record, "lease_seconds": lock.lease.total_seconds(), "acquired_at": acquired}
    since = None if at is None or lock.state is LockState.FREE else beside_now(at, now)
    return {**record, "lease": spoken(lock.lease), "since": since}
