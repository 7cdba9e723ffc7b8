"""Taking a lock, keeping it and giving it back, as plans.

No stored instant decides anything. Who wants a held lock watches the beat of its holder, and takes the lock once that
has stood still for the holder's lease and a margin, by the watcher's own monotonic clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from typing import Any

from aircraftops_data.clock import Retry
from aircraftops_data.coordination.fencing import held_under, lost
from aircraftops_data.coordination.model import LockBeat, LockName, LockOptions, LockState, LockToken
from aircraftops_data.core.asking import partition_reading
from aircraftops_data.core.commit import commit, write
from aircraftops_data.core.context import Context
from aircraftops_data.core.intents import Create
from aircraftops_data.core.reading import chunk
from aircraftops_data.core.targets import updating
from aircraftops_data.core.writes import Intent
from aircraftops_data.errors import (
    ConditionFailedError,
    ConflictError,
    ContentionError,
    LockHeldError,
    NotFoundError,
    StoreError,
)
from aircraftops_data.request import Plan, Wait

# Who loses a race for a lock looks who has it now; but while another's transaction is under way, that is not known.
_FEW_TRIES = Retry(attempts=3)
_LEAST_WAIT_SECONDS = 0.001
# Many a lock that is watched is freed by its holder and never looked at again: those seen first are forgotten then.
_WATCHED = 10_000


@dataclass(frozen=True, slots=True)
class Ask:
    """An acquisition that is wanted."""

    name: str
    owner: str
    lease: timedelta
    nonce: str
    until: float
    """When to give up, by the monotonic clock."""


@dataclass(frozen=True, slots=True)
class Grip:
    """A lock that was taken: its token, and when its lease ends by the monotonic clock of who took it."""

    token: int
    until: float


@dataclass(frozen=True, slots=True)
class Seen:
    """A lock as one look found it; None and None where it never was."""

    token: LockToken | None
    beat: LockBeat | None

    @property
    def held(self) -> LockToken | None:
        """The lock, where somebody holds it."""
        return self.token if self.token is not None and self.token.state is LockState.HELD else None

    @property
    def mark(self) -> Mark:
        """What changes with every acquisition and every sign of life."""
        token = -1 if self.token is None else self.token.token
        return (token, -1, -1) if self.beat is None else (token, self.beat.token, self.beat.beat)


Mark = tuple[int, int, int]


@dataclass
class Sightings:
    """Since when the beats of held locks have stood still, as far as this process has watched them."""

    _since: dict[str, tuple[Mark, float]] = field(default_factory=dict[str, tuple[Mark, float]])

    def still_since(self, name: str, seen: Seen, now: float) -> float:
        """When this beat was seen first."""
        mark, since = self._since.get(name, (None, now))
        if mark != seen.mark:
            since = now
        self._since[name] = (seen.mark, since)
        for first in list(self._since)[:-_WATCHED] if len(self._since) > _WATCHED else ():
            self._since.pop(first, None)
        return since

    def forget(self, name: str) -> None:
        """The lock is held by nobody who must be watched."""
        self._since.pop(name, None)


def look(name: str, context: Context) -> Plan[Seen]:
    """The items of a lock. 1 read unit."""
    reading = partition_reading(LockToken, {"name": name}, consistent=True, include_expired=True)
    found = (yield from chunk(reading, context, None, None)).found.whole()
    token = next((item for item in found if isinstance(item, LockToken)), None)
    return Seen(token, next((item for item in found if isinstance(item, LockBeat)), None))


def look_at(name: str, context: Context) -> Plan[tuple[LockToken, Seen]]:
    """A lock that is there, and all of it. 1 read unit. Raises NotFoundError where it never was."""
    seen = yield from look(name, context)
    if seen.token is None:
        raise NotFoundError(f"There is no lock {name!r}", entity="LockToken", identity={"name": name})
    return seen.token, seen


def obtain(ask: Ask, sightings: Sightings, options: LockOptions, context: Context) -> Plan[Grip]:
    """Take a lock, when it is to be had before the time is up.

    1 read unit for each look; 1 write unit to take a free one, 4 to follow a dead holder, 6 the first time ever. Raises
    LockHeldError, or what the engine failed with last.
    """
    found: Grip | LockHeldError | StoreError
    for attempt in count():
        try:
            found = yield from _try(ask, sightings, options, context)
        except StoreError as error:
            if not error.retryable:
                raise
            found = error
        if isinstance(found, Grip):
            return found
        now = context.clock.monotonic()
        if now >= ask.until:
            raise found
        pause = context.pause(attempt, options.poll.total_seconds())
        yield Wait(max(_LEAST_WAIT_SECONDS, min(pause, ask.until - now)))
    raise AssertionError("counting has no end")


def _try(ask: Ask, sightings: Sightings, options: LockOptions, context: Context) -> Plan[Grip | LockHeldError]:
    """Take the lock where that is allowed; who has it where not. Raises StoreError when nobody knows."""
    seen, grip = yield from _look_for_own(ask, context)
    if grip is not None:
        return grip
    if seen.held is not None and not _stands_still(seen.held, seen, sightings, options, context):
        return _held_by(seen.held)
    sent, unknown = context.clock.monotonic(), None
    try:
        yield from commit(_taking(ask, seen, context), replace(context, retry=_FEW_TRIES))
        sightings.forget(ask.name)
        grip = Grip(1 + (0 if seen.token is None else seen.token.token), sent + ask.lease.total_seconds())
        if context.clock.monotonic() < grip.until:
            return grip
    except (ConflictError, ContentionError):
        pass
    except StoreError as error:
        unknown = error
    # Who was told no, or too late, or nothing, looks whose the lock is.
    seen, grip = yield from _look_for_own(ask, context)
    if grip is not None:
        return grip
    if unknown is not None or seen.held is None:
        raise unknown or ContentionError(f"Others are about to take lock {ask.name!r}", retryable=True)
    return _held_by(seen.held)


def _look_for_own(ask: Ask, context: Context) -> Plan[tuple[Seen, Grip | None]]:
    """The lock as it is, and one's hold on it: an acquisition whose answer was lost is known by its nonce."""
    seen = yield from look(ask.name, context)
    held = seen.held
    if held is None or held.nonce != ask.nonce:
        return seen, None
    sent = context.clock.monotonic()
    try:
        # Others may have watched it since it was taken, which is longer ago than anybody here knows.
        yield from write(beating(ask.name, held.token), context)
    except (ConditionFailedError, NotFoundError):
        return seen, None
    return seen, Grip(held.token, sent + ask.lease.total_seconds())


def _stands_still(held: LockToken, seen: Seen, sightings: Sightings, options: LockOptions, context: Context) -> bool:
    """Whether the holder has given no sign of life for its lease and the margin."""
    now = context.clock.monotonic()
    return now - sightings.still_since(held.name, seen, now) >= options.patience(held.lease).total_seconds()


def _held_by(held: LockToken) -> LockHeldError:
    message = f"Lock {held.name!r} is held by {held.owner}"
    return LockHeldError(message, name=held.name, owner=held.owner, since=held.acquired_at, token=held.token)


def _taking(ask: Ask, seen: Seen, context: Context) -> Sequence[Intent[Any]]:
    """The writes that take a lock which is as it was seen; of a held one the beat must still be the same."""
    now = context.clock.now()
    fields: dict[str, Any] = {"owner": ask.owner, "lease": ask.lease, "nonce": ask.nonce, "acquired_at": now}
    if seen.token is None:
        token = LockToken(name=ask.name, token=1, state=LockState.HELD, **fields)
        return [Create(token), Create(LockBeat(name=ask.name, token=1)), Create(LockName(name=ask.name))]
    before, watched, beat = seen.mark
    taken = {**fields, "token": before + 1, "state": LockState.HELD}
    same = (LockToken.f.token == before) & (LockToken.f.state == seen.token.state)
    taking = updating(LockToken, name=ask.name, set=taken, where=same)
    if seen.held is None:
        # Who gave it back no longer believes in it, whatever its last heartbeat is told: the beat needs no write.
        return [taking]
    # A query reads item by item: the token may be of a holder that came between, the beat of the one who was watched.
    still = (LockBeat.f.token == watched) & (LockBeat.f.beat == beat)
    return [taking, updating(LockBeat, name=ask.name, set={"token": before + 1, "beat": 0}, where=still)]


def beating(name: str, token: int) -> Intent[Any]:
    """A sign of life, for who still has the lock. Said twice it does no harm. 1 write unit."""
    return updating(LockBeat, name=name, set={"token": token}, add={"beat": 1}, where=LockBeat.f.token <= token)


def kept(name: str, token: int, context: Context) -> Plan[None]:
    """Give a sign of life. Raises LockLostError."""
    try:
        yield from write(beating(name, token), context)
    except (ConditionFailedError, NotFoundError) as refused:
        raise lost(name, token) from refused


def released(name: str, token: int, context: Context) -> Plan[None]:
    """Give a lock back; its token stays. 1 write unit. Raises LockLostError."""
    free = {"state": LockState.FREE, "owner": None}
    try:
        yield from write(updating(LockToken, name=name, set=free, where=held_under(token)), context)
    except NotFoundError as refused:
        raise lost(name, token) from refused
    except ConditionFailedError as refused:
        # Only its holder frees a lock under the holder's token: an earlier try, whose answer was lost.
        if not isinstance(refused.existing, LockToken) or refused.existing.token != token:
            raise lost(name, token) from refused


def revoked(name: str, token: int, context: Context) -> Plan[None]:
    """Take a lock away from who holds it under this token: it is free, under the next token. 4 write units.

    The holder's heartbeats and fences are refused from then on. Raises LockLostError where it is not held so.
    """
    free = {"state": LockState.FREE, "owner": None, "token": token + 1}
    beat = {"token": token + 1, "beat": 0}
    writes: list[Intent[Any]] = [
        updating(LockToken, name=name, set=free, where=held_under(token)),
        updating(LockBeat, name=name, set=beat, where=LockBeat.f.token <= token),
    ]
    try:
        yield from commit(writes, context)
    except ConflictError as refused:
        raise lost(name, token) from refused
