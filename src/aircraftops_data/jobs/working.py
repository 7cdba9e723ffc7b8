"""What both workers share that neither threads nor tasks have a part in: pacing, hooks, names."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, ParamSpec

from aircraftops_data.clock import Chance
from aircraftops_data.core.process import this_process
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.jobs.model import Job
from aircraftops_data.jobs.states import JobState

if TYPE_CHECKING:
    from aircraftops_data.jobs.aio.claim import AsyncClaim
    from aircraftops_data.jobs.claim import Claim

    AnyClaim = Claim | AsyncClaim

P = ParamSpec("P")
LOG = logging.getLogger("aircraftops_data.jobs")


class Snooze(Exception):
    """Raised by a handler: run the job again after `delay`; no attempt is used."""

    def __init__(self, delay: timedelta) -> None:
        super().__init__(delay)
        self.delay = delay


class Interrupted(Exception):
    """A handler was stopped from outside before it came to an end."""


@dataclass(frozen=True, slots=True)
class Poll:
    """How long an idle worker waits before it looks again: from `first`, doubled each time, to `most`; full jitter."""

    first: timedelta = timedelta(seconds=0.1)
    most: timedelta = timedelta(seconds=5)

    def __post_init__(self) -> None:
        if not timedelta() < self.first <= self.most:
            raise InvalidInputError("A worker waits longer than nothing at first, and no less later on")


class Pace:
    """The waits of one who has nothing to do."""

    def __init__(self, poll: Poll, chance: Chance) -> None:
        self._poll = poll
        self._chance = chance
        self._ceiling = poll.first

    def reset(self) -> None:
        """There was something to do."""
        self._ceiling = self._poll.first

    def pause(self) -> float:
        """The next wait, in seconds."""
        ceiling, self._ceiling = self._ceiling, min(2 * self._ceiling, self._poll.most)
        return self._chance.jitter(ceiling.total_seconds())


class Hooks:
    """What a worker tells of its work, for metrics; override what is of interest.

    Called from the threads or on the loop of the worker: be quick. What a hook raises is logged and goes no further.
    """

    def claimed(self, claim: AnyClaim) -> None:
        """A job was claimed; its handler is about to start."""

    def succeeded(self, claim: AnyClaim, seconds: float) -> None:
        """A job has succeeded, after so many seconds."""

    def failed(self, claim: AnyClaim, error: BaseException | None, seconds: float) -> None:
        """An attempt failed; `claim.job.state` says whether there is another. None: the handler failed it itself."""

    def snoozed(self, claim: AnyClaim) -> None:
        """A handler put its job off."""

    def cancelled(self, claim: AnyClaim) -> None:
        """A job ended as cancelled, as somebody had asked."""

    def released(self, claim: AnyClaim) -> None:
        """A job was given back unfinished, for the worker stops."""

    def lost_lease(self, claim: AnyClaim) -> None:
        """The lease was lost while the handler ran; what it returned counts for nothing."""

    def abandoned(self, claim: AnyClaim, error: Exception) -> None:
        """What a handler came to could not be told; the job runs again once the lease has run out."""

    def heartbeat_failed(self, claim: AnyClaim, error: Exception) -> None:
        """A lease could not be renewed; it is tried again while the lease lasts."""

    def poll_failed(self, error: Exception) -> None:
        """Looking for jobs failed, measuring did, or a message could not be used; it is tried again."""

    def measured(self, queue: str, oldest_due_age: timedelta, depth: int) -> None:
        """How long the longest waiting of a queue's due jobs has been due, and how many are (of each shard 100)."""


def tell(hook: Callable[P, object], *facts: P.args, **named: P.kwargs) -> None:
    """Call a hook; what it raises is logged."""
    try:
        hook(*facts, **named)
    except Exception:
        LOG.exception("A hook failed: %s", getattr(hook, "__name__", hook))


def tell_ending(hooks: Hooks, claim: AnyClaim, job: Job, error: BaseException | None, seconds: float) -> None:
    """Tell what became of a job at the hands of its handler."""
    match job.state:
        case JobState.SUCCEEDED:
            tell(hooks.succeeded, claim, seconds)
        case JobState.CANCELLED:
            tell(hooks.cancelled, claim)
        case JobState.RETRYABLE | JobState.DEAD | JobState.EXPIRED:
            LOG.warning("Attempt %s failed, the job is %s: %r", job.attempt, job.state, claim, exc_info=error)
            tell(hooks.failed, claim, error, seconds)
        case _ if isinstance(error, KeyboardInterrupt | SystemExit):
            tell(hooks.released, claim)
        case _:
            # Its handler put it off; it may be in other hands already.
            tell(hooks.snoozed, claim)


def tell_poll_failed(hooks: Hooks, error: Exception) -> None:
    """Tell that looking for work failed."""
    LOG.warning("Looking for work failed", exc_info=error)
    tell(hooks.poll_failed, error)


def tell_abandoned(hooks: Hooks, claim: AnyClaim, error: Exception) -> None:
    """Tell that an outcome could not be told."""
    LOG.error("What it came to could not be told, it will run again: %r", claim, exc_info=error)
    tell(hooks.abandoned, claim, error)


def is_ours(claim: AnyClaim) -> bool:
    """Whether, by what is known, the job is still in this claim's hands."""
    return claim.job.state is JobState.RUNNING and claim.job.fence == claim.token


def did_succeed(claim: AnyClaim) -> bool:
    """Whether the job has succeeded in this claim's hands."""
    return claim.job.state is JobState.SUCCEEDED and claim.job.fence == claim.token


def exception_of(error: BaseException) -> Exception:
    """What an attempt fails with, whatever a handler raised."""
    return error if isinstance(error, Exception) else RuntimeError(f"The handler raised {type(error).__name__}")


def worker_identity(chance: Chance) -> str:
    """Host name, process id and a nonce, so that no two workers there ever were share a name."""
    return f"{this_process()}-{chance.identifier(32)}"


def check_queues(queues: Sequence[str], needed: bool) -> tuple[str, ...]:
    """The queues a worker claims from. Raises InvalidInputError for none, and for a name where a list is meant."""
    if isinstance(queues, str):
        raise InvalidInputError(f"Queues are given as a list: queues=[{queues!r}]")
    if needed and not queues:
        raise InvalidInputError("A worker needs a queue to claim from")
    return tuple(queues)
