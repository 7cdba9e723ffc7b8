"""The states of a job and the moves between them; everything else about jobs obeys this table."""

from __future__ import annotations

from enum import StrEnum

from aircraftops_data.errors import JobStateError


class JobState(StrEnum):
    """Where a job stands."""

    BLOCKED = "blocked"
    """Waits for its parents, or is held until somebody releases it."""
    SCHEDULED = "scheduled"
    """Runs at a later moment: it was asked to, or snoozed. Claimable from that moment on, as it stands."""
    AVAILABLE = "available"
    """May run now."""
    RUNNING = "running"
    """Claimed: a worker holds its lease."""
    RETRYABLE = "retryable"
    """Failed, and runs again after its back-off."""
    SUCCEEDED = "succeeded"
    CANCELLED = "cancelled"
    DEAD = "dead"
    """Failed for good: its attempts are used up, or the error cannot be mended by trying again."""
    EXPIRED = "expired"
    """Its deadline passed before it could run."""

    @property
    def live(self) -> bool:
        """Whether something can still become of the job; it has a ticket exactly then."""
        return self not in ENDED

    @property
    def status(self) -> str:
        """The coarse name others know: PENDING, PROCESSING, COMPLETED or FAILED."""
        return _STATUS[self]


_S = JobState
WAITING = frozenset({_S.SCHEDULED, _S.AVAILABLE, _S.RETRYABLE})
"""What a worker may claim once it is due."""
ENDED = frozenset({_S.SUCCEEDED, _S.CANCELLED, _S.DEAD, _S.EXPIRED})
"""What ends a job; all but the first can be redriven."""

_ENDINGS = frozenset({_S.CANCELLED, _S.DEAD, _S.EXPIRED})
MOVES: dict[JobState, frozenset[JobState]] = {
    _S.BLOCKED: _ENDINGS | {_S.SCHEDULED, _S.AVAILABLE},
    **dict.fromkeys(sorted(WAITING), _ENDINGS | {_S.RUNNING}),
    _S.RUNNING: _ENDINGS | WAITING | {_S.RUNNING, _S.BLOCKED, _S.SUCCEEDED},
    _S.SUCCEEDED: frozenset(),
    **dict.fromkeys(sorted(_ENDINGS), frozenset({_S.AVAILABLE})),
}
"""The states each state may go to."""

_STATUS = {
    **dict.fromkeys(("blocked", *WAITING), "PENDING"),
    _S.RUNNING: "PROCESSING",
    _S.SUCCEEDED: "COMPLETED",
    **dict.fromkeys(_ENDINGS, "FAILED"),
}


def refuse_move(job_id: str, before: JobState, after: JobState) -> None:
    """Raise JobStateError unless a job may go from one state to the other."""
    if after not in MOVES[before]:
        raise JobStateError(f"A job that is {before} cannot become {after}", job_id=job_id, state=before)
