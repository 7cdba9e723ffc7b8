# Generated from jobs/aio/turn.py by tools/twins.py; edit that.
"""Running a function once per key: one's turn at it, and the result that is kept for all who ask again."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar, cast

from aircraftops_data.core.commit import write
from aircraftops_data.core.crew import Work
from aircraftops_data.core.intents import Check
from aircraftops_data.core.targets import updating
from aircraftops_data.errors import (
    AircraftOpsDataError,
    ConditionFailedError,
    InvalidInputError,
    LeaseLostError,
    NotFoundError,
)
from aircraftops_data.jobs.content import content, from_text, to_text
from aircraftops_data.jobs.model import Place
from aircraftops_data.jobs.once import Once, OnceState, obtain, outcome

if TYPE_CHECKING:
    from aircraftops_data.jobs.jobs import Jobs

T = TypeVar("T")
_RESULT = "The result"


class Turn:
    """The right to work on a key, until its lease was given on. `token` is higher than that of any turn before.

    Where a key has expired, its tokens begin anew.
    """

    def __init__(self, jobs: Jobs, once: Once, lease: timedelta) -> None:
        self._jobs = jobs
        self._once = once
        self._lease = lease
        self.key = once.key
        self.token = once.token

    def __repr__(self) -> str:
        return f"<turn at {self.key}, token {self.token}>"

    def fence(self) -> Check:
        """That this turn still holds, for a transaction of other writes to carry: `tx.add(turn.fence())`.

        2 write units. The transaction fails with ConditionFailedError once another is at work.
        """
        return Check(Once.definition(), {"key": self.key}, _holds(self._once))

    def heartbeat(self) -> None:
        """Renew the lease from now. 1 write unit. Raises LeaseLostError."""
        _write(self._jobs, self._once, lease_until=self._jobs.context.clock.now() + self._lease)


def _holds(once: Once) -> Any:
    return (Once.f.holder == once.holder) & (Once.f.state == OnceState.RUNNING)


def _write(jobs: Jobs, once: Once, **fields: Any) -> None:
    """Set fields of the work, as long as this turn at it holds. Raises LeaseLostError."""
    change = updating(Once, key=once.key, set=fields, where=_holds(once))
    try:
        jobs.run(write(change, jobs.context))
    except (ConditionFailedError, NotFoundError) as refused:
        message = f"The lease of token {once.token} is over: another has the work on {once.key!r}"
        raise LeaseLostError(message, token=once.token) from refused


def run_once(
    jobs: Jobs, key: str, work: Work[Turn, T], model: Any, lease: timedelta, keep: timedelta, wait: timedelta
) -> T:
    """What the work on a key comes to: done here, or by another before."""
    if min(lease, keep) <= timedelta():
        raise InvalidInputError("A lease lasts longer than nothing, and so does what is kept")
    holder = jobs.context.chance.identifier()
    once = jobs.run(obtain(key, holder, lease, wait, jobs.context, jobs.options.margin))
    if once.holder != holder:
        return cast("T", from_text(model, _kept_text(jobs, once), _RESULT))
    try:
        text = to_text(model, work(Turn(jobs, once, lease)), _RESULT)
        found = content(text, _RESULT, objects=jobs.objects is not None)
        if found.place is Place.OBJECT:
            jobs.store_text(once.object_key, text)
    except BaseException:
        # The token stays, so that it rises with the next turn: outside, too, nobody takes a late one for that.
        with suppress(AircraftOpsDataError):
            _write(jobs, once, state=OnceState.FAILED, expires_at=jobs.context.clock.now() + keep)
        raise
    _write(jobs, once, **outcome(found, jobs.context.clock.now() + keep))
    return cast("T", from_text(model, text, _RESULT))


def _kept_text(jobs: Jobs, once: Once) -> str | None:
    return once.result if once.result_place is None else jobs.object_text(once.object_key, "result")
