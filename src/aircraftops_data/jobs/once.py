"""A function run once per key: who runs it under which lease, and what it left for those who ask again."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count
from typing import Any, cast

from aircraftops_data.core.asking import finding
from aircraftops_data.core.commit import write
from aircraftops_data.core.context import Context
from aircraftops_data.core.intents import Create
from aircraftops_data.core.targets import updating
from aircraftops_data.core.writes import Intent
from aircraftops_data.errors import AlreadyExistsError, NotFoundError, OnceInProgressError, VersionConflictError
from aircraftops_data.jobs.content import Content
from aircraftops_data.jobs.model import Name, Place
from aircraftops_data.model.declarations import PrimaryKey
from aircraftops_data.model.entity import Entity, UtcDatetime
from aircraftops_data.model.quantities import Count
from aircraftops_data.model.schema import JOBS
from aircraftops_data.request import Plan, Wait

KEEP = timedelta(days=1)
"""How long a result is replayed, unless said otherwise."""


class OnceState(StrEnum):
    """Where the work on a key stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    """Its function raised: the next caller runs it again."""


class Once(Entity, table=JOBS, entity_type="once"):
    """The work on a key, and its result once it is done; it expires some time after it has ended."""

    key: Name
    token: Count
    """Rises by one with each run."""
    holder: Name
    """The run that is under way or was the last: tokens begin anew once a key has expired, this never does."""
    state: OnceState = OnceState.RUNNING
    lease_until: UtcDatetime
    result: str | None = None
    result_place: Place | None = None
    """OBJECT where the result lies in the bucket; else it is here, for nobody writes this item again."""

    primary = PrimaryKey("ONCE#{key}", "ONCE")

    def free(self, now: datetime, margin: timedelta) -> bool:
        """Whether a run may begin: the last one failed, or let its lease run out, whatever the clocks show."""
        lost = self.state is OnceState.RUNNING and self.lease_until + margin <= now
        return lost or self.state is OnceState.FAILED

    @property
    def object_key(self) -> str:
        """Where in the bucket the result lies: elsewhere for each run, so that a late one overwrites nothing."""
        return f"once/{self.key}/{self.holder}.json"


def outcome(found: Content, expires_at: datetime) -> dict[str, Any]:
    """The fields of work that is done."""
    apart = found.place is Place.OBJECT
    result = {"result": None if apart else found.text, "result_place": found.place if apart else None}
    return {"state": OnceState.DONE, "expires_at": expires_at, **result}


def obtain(key: str, holder: str, lease: timedelta, wait: timedelta, context: Context, margin: timedelta) -> Plan[Once]:
    """The work on a key, which is now this holder's, or is done. Raises OnceInProgressError after `wait`."""
    deadline = context.clock.now() + wait
    for attempt in count():
        once = yield from _acquire(key, holder, lease, context, margin)
        if once.holder == holder or once.state is OnceState.DONE:
            return once
        left = (deadline - context.clock.now()).total_seconds()
        if left <= 0:
            raise OnceInProgressError(f"Another is at work on {key!r}", until=once.lease_until, existing=once)
        yield Wait(min(left, context.pause(attempt)))
    raise AssertionError("counting has no end")


def _acquire(key: str, holder: str, lease: timedelta, context: Context, margin: timedelta) -> Plan[Once]:
    """The work on a key as it is, after it was made this holder's where it could be."""
    while True:
        now = context.clock.now()
        found = yield from finding(Once, {"key": key}, context, consistent=True, expired=False)
        if found is not None and not found.free(now, margin):
            return found
        try:
            return cast("Once", (yield from write(_begun(key, found, holder, now + lease), context)))
        except (AlreadyExistsError, VersionConflictError, NotFoundError):
            # Another was faster, or it has just expired: see what there is now.
            continue


def _begun(key: str, found: Once | None, holder: str, until: datetime) -> Intent[Once | None]:
    if found is None:
        return Create(Once(key=key, token=1, holder=holder, lease_until=until))
    fields = {"holder": holder, "state": OnceState.RUNNING, "lease_until": until, "expires_at": None}
    return updating(found, set={**fields, "token": found.token + 1})
