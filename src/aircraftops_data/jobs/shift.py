# Generated from jobs/aio/shift.py by tools/twins.py; edit that.
"""The claims a worker has in hand: their handlers run, their leases kept, and what comes of each told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import Any, Self

from aircraftops_data.core.hands import Hands
from aircraftops_data.errors import (
    AircraftOpsDataError,
    CancelRequestedError,
    ConflictError,
    JobStateError,
    LeaseLostError,
    NoHandlerError,
    NotFoundError,
    ObjectStoreError,
    StoreError,
)
from aircraftops_data.jobs.claim import Claim
from aircraftops_data.jobs.crew import Call, Ending, Handler
from aircraftops_data.jobs.jobs import Jobs
from aircraftops_data.jobs.model import Job
from aircraftops_data.jobs.working import (
    LOG,
    Hooks,
    Interrupted,
    Pace,
    Poll,
    Snooze,
    did_succeed,
    exception_of,
    is_ours,
    tell,
    tell_abandoned,
    tell_ending,
)

# How long giving back, and telling what some just came to, may take when a worker ends.
_LAST_SECONDS = 5.0


class Held:
    """A claim in hand."""

    def __init__(self, claim: Claim, lease: timedelta) -> None:
        self.claim = claim
        self.call = Call()
        self.began = monotonic()
        self.beat_at = self.began + lease.total_seconds() / 3
        self.losses = claim.job.lease_losses
        self.beating = False
        self.over = False
        """The handler has come to an end; what it came to is being told."""
        self.lost = False
        self.released = False

    @property
    def at_work(self) -> bool:
        """Whether the handler still needs the lease."""
        return not self.over and not self.released and not self.lost and is_ours(self.claim)

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return monotonic() - self.began

    def lose(self, now: datetime) -> None:
        """The lease is over: its handler is told by `claim.check()`."""
        if is_ours(self.claim):
            self.claim.job = self.claim.job.model_copy(update={"lease_until": now})
        self.lost = True
        self.call.interrupt()


class Shift:
    """Handlers at work on claims, from `with` to its end. `leave` is called when a handler ends the process."""

    def __init__(
        self,
        jobs: Jobs,
        handlers: Mapping[str, Handler],
        hooks: Hooks,
        lease: timedelta,
        leave: Callable[[BaseException], None],
    ) -> None:
        self.hands = Hands()
        self._jobs = jobs
        self._handlers = handlers
        self._hooks = hooks
        self._lease = lease
        self._leave = leave
        self._held: set[Held] = set()
        self._releasing: set[Held] = set()

    def __enter__(self) -> Self:
        self.hands.__enter__()
        self.hands.every(self._lease.total_seconds() / 12, self._keep_leases)
        return self

    def __exit__(self, *failure: Any) -> None:
        self.hands.__exit__(*failure)

    def __len__(self) -> int:
        return len(self._held)

    def take(self, claim: Claim) -> Held:
        """Have a claim in hand: its lease is kept from now on."""
        held = Held(claim, self._lease)
        self._held.add(held)
        return held

    def work(self, held: Held) -> None:
        """Run the handler of a claim and tell what it came to. Raises nothing a handler or the engine raises."""
        claim, result, error = held.claim, None, None
        tell(self._hooks.claimed, claim)
        try:
            result = held.call.result(self._handler_of(claim), claim)
        except BaseException as raised:  # noqa: BLE001 - whatever it is, it is told; an exit is made afterwards
            error = raised
        held.over = True
        if not held.released:
            self._finish(held, result, error)
        if isinstance(error, KeyboardInterrupt | SystemExit):
            self._leave(error)

    def drop(self, held: Held) -> None:
        """Have a claim in hand no more."""
        self._held.discard(held)

    def _handler_of(self, claim: Claim) -> Handler:
        try:
            return self._handlers[claim.job.kind]
        except KeyError:
            raise NoHandlerError(f"This worker has no handler for {claim.job.kind!r}", kind=claim.job.kind) from None

    # What a handler came to

    def _finish(self, held: Held, result: Any, error: BaseException | None) -> None:
        claim, lost = held.claim, False
        try:
            ending = self._ending(held, result, error)
            if ending is None:
                lost = held.lost or claim.job.lease_losses > held.losses
            else:
                claim.job, error = self._told(held, ending, error)
        except (LeaseLostError, NotFoundError) as late:
            lost = held.lost or _is_loss(late, held)
        except Exception as failure:  # noqa: BLE001 - told; the lease runs out and the job runs again
            tell_abandoned(self._hooks, claim, failure)
            return
        if lost:
            LOG.warning("The lease was lost: %r", claim)
            tell(self._hooks.lost_lease, claim)
        else:
            tell_ending(self._hooks, claim, claim.job, error, held.seconds)

    def _ending(self, held: Held, result: Any, error: BaseException | None) -> Ending | None:
        """The call that tells what a handler came to; None where there is nothing left to tell."""
        claim = held.claim
        if not is_ours(claim):
            if error is not None and not isinstance(error, Interrupted | JobStateError):
                LOG.error("The handler raised after the job had left its hands: %r", claim, exc_info=error)
            # What was committed with other writes has not been told to the children.
            return claim.complete if did_succeed(claim) else None
        match error:
            case None:
                return partial(claim.complete, result)
            case Snooze():
                return partial(claim.snooze, error.delay)
            case Interrupted() if held.lost:
                return None
            case Interrupted() if claim.cancel_requested:
                return claim.stop
            case JobStateError() if error.job_id == claim.id:
                return self._ending_of_refused(held, error)
            case KeyboardInterrupt() | SystemExit():
                return claim.release
            case _:
                return partial(claim.fail, exception_of(error))

    def _ending_of_refused(self, held: Held, error: JobStateError) -> Ending | None:
        """What a refusal of the claim's own means, which the handler let through."""
        if isinstance(error, LeaseLostError):
            held.lost = True
            return None
        is_asked = isinstance(error, CancelRequestedError)
        return held.claim.stop if is_asked else partial(held.claim.fail, error)

    def _told(self, held: Held, ending: Ending, error: BaseException | None) -> tuple[Job, BaseException | None]:
        """Tell it; a result that cannot be stored fails the attempt. The job, and the error it failed with if any."""
        try:
            return self._insist(held, ending), error
        except (StoreError, ObjectStoreError, ConflictError, NotFoundError):
            raise
        except Exception as refused:
            if error is not None:
                raise
            return self._insist(held, partial(held.claim.fail, refused)), refused

    def _insist(self, held: Held, ending: Ending) -> Job:
        """Tell it again and again while the lease lasts: each ending may be told twice by the same holder."""
        clock, chance = self._jobs.context.clock, self._jobs.context.chance
        until = held.claim.job.lease_until or clock.now() + self._lease
        pace = Pace(Poll(), chance)
        while True:
            try:
                return ending()
            except (StoreError, ObjectStoreError) as error:
                if clock.now() >= until:
                    raise
                LOG.warning("An outcome could not be told yet: %r", held.claim, exc_info=error)
            clock.sleep(pace.pause())

    # Leases

    def _keep_leases(self) -> None:
        """Renew each lease once a third of it has passed, and give up those that ran out by this clock."""
        for held in tuple(self._held):
            now, until = self._jobs.context.clock.now(), held.claim.job.lease_until
            if not held.at_work:
                continue
            if until is not None and now >= until:
                held.lose(now)
            elif not held.beating and monotonic() >= held.beat_at:
                held.beating = True
                self.hands.start(self._beat, held)

    def _beat(self, held: Held) -> None:
        """Renew a lease. Where the engine fails, the next round tries again."""
        try:
            asked_to_cancel = held.claim.heartbeat()
            held.beat_at = monotonic() + self._lease.total_seconds() / 3
            if asked_to_cancel:
                held.call.interrupt()
        except (ConflictError, NotFoundError) as error:
            if _is_loss(error, held):
                held.lose(self._jobs.context.clock.now())
        except AircraftOpsDataError as error:
            LOG.warning("A lease could not be renewed: %r", held.claim, exc_info=error)
            tell(self._hooks.heartbeat_failed, held.claim, error)
        finally:
            held.beating = False

    # The end

    def drain(self, grace: timedelta, hurried: Callable[[], bool]) -> None:
        """Let the handlers finish within `grace`, or until there is a hurry; then give back what has not finished."""
        until = monotonic() + grace.total_seconds()
        while self._held and not hurried() and (left := until - monotonic()) > 0:
            self.hands.rest(left)
        for held in tuple(self._held):
            if not held.over:
                self._release(held)
        until = monotonic() + _LAST_SECONDS
        while self._is_telling() and (left := until - monotonic()) > 0:
            self.hands.rest(left)

    def _is_telling(self) -> bool:
        return bool(self._releasing) or any(held.over for held in tuple(self._held))

    def _release(self, held: Held) -> None:
        held.released = True
        held.call.interrupt()
        self._releasing.add(held)
        self.hands.start(self._given_back, held)

    def _given_back(self, held: Held) -> None:
        try:
            self.give_back(held.claim)
        finally:
            self._releasing.discard(held)
            self.hands.ring()

    def give_back(self, claim: Claim) -> None:
        """Give back a claim whose handler is not to go on, or never began."""
        try:
            claim.release()
        except (ConflictError, NotFoundError):
            # It ended in this moment, or is another's.
            return
        except AircraftOpsDataError as error:
            tell_abandoned(self._hooks, claim, error)
            return
        tell(self._hooks.released, claim)


def _is_loss(error: AircraftOpsDataError, held: Held) -> bool:
    """Whether a refusal means that the lease was lost; otherwise the handler ended the job itself."""
    if isinstance(error, NotFoundError):
        return True
    job: Job = getattr(error, "existing", None) or held.claim.job
    return job.lease_losses > held.losses
