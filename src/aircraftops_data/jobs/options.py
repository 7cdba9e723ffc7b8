"""What is the same for all jobs: how long leases, margins and ended jobs last; and what is said once for a kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from aircraftops_data.clock import Retry
from aircraftops_data.jobs.model import DEFAULT_QUEUE, LeaseLoss


@dataclass(frozen=True, slots=True)
class JobOptions:
    """Durations all workers of a table agree on."""

    margin: timedelta = timedelta(seconds=5)
    """How far the clocks of two workers may differ; a lease counts as lost this much after its end."""
    retention: timedelta = timedelta(days=7)
    """How long an ended job is kept."""
    dead_retention: timedelta = timedelta(days=30)
    """How long a dead job is kept, that somebody may want to redrive."""
    slot_wait: timedelta = timedelta(seconds=5)
    """How long a job whose limit is reached waits before it is looked at again."""
    recheck: timedelta = timedelta(minutes=1)
    """How soon a blocked job is looked at, in case nobody told it that its parents ended."""
    progress_every: timedelta = timedelta(seconds=2)
    """How often progress is written at most."""
    tally_parts: int = 8
    """How many items a workflow's counts are spread over: 125 jobs a second can end for each."""


# Source: Sidekiq, River and Oban all wait seconds at first and hours at last; full jitter keeps a crowd apart.
JOB_RETRY = Retry(attempts=20, first_seconds=5.0, most_seconds=3600.0)


@dataclass(frozen=True, slots=True)
class Kind:
    """What is said once for all jobs of a kind.

    `payload` and `result` are what their JSON stands for: a pydantic model, or anything pydantic has a schema for.
    An error of a `fatal` class is not tried again. `retry` says how many attempts there are, and how long to wait.
    """

    name: str
    payload: Any = None
    result: Any = None
    queue: str = DEFAULT_QUEUE
    retry: Retry = field(default=JOB_RETRY)
    fatal: tuple[type[Exception], ...] = ()
    on_lease_lost: LeaseLoss = LeaseLoss.RETRY
