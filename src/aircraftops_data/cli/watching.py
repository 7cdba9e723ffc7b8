"""A live view of queues, a workflow or a job. The view is a function of a snapshot and an earlier one, for rates."""

from __future__ import annotations

import json
import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from rich.console import Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from aircraftops_data.cli import job_records
from aircraftops_data.cli.moments import beside_now, spoken
from aircraftops_data.cli.output import console, grid
from aircraftops_data.clock import Clock
from aircraftops_data.errors import NotFoundError
from aircraftops_data.jobs import Job, JobState, Progress, QueueHealth
from aircraftops_data.jobs.jobs import Jobs
from aircraftops_data.jobs.model import WorkflowStatus
from aircraftops_data.model.encoders import instant_text

EVERY_SECONDS = 1.0
SHOWN = 20
"""Running jobs on the screen."""
SEARCHED = 2000
"""A workflow of more jobs is not searched for its running ones, which would be read anew every second."""
_REMEMBERED = 10
_WIDTH = 20


@dataclass(frozen=True)
class Snapshot:
    """What is watched, at an instant."""

    at: datetime
    title: str
    queues: tuple[QueueHealth, ...] = ()
    workflow: WorkflowStatus | None = None
    jobs: tuple[Job, ...] = ()
    """Those whose progress is shown."""
    ended: bool = False
    """Nothing will change any more."""


Look = Callable[[], Snapshot]
Draw = Callable[[Snapshot, Snapshot], None]


# Snapshots


def of_queues(jobs: Jobs, names: list[str]) -> Snapshot:
    """Queues; where none is named, all that were ever used."""
    known = names or [queue.name for queue in jobs.queues()]
    queues = tuple(jobs.health(name) for name in known)
    running = tuple(job for queue in queues for job in queue.running)
    return Snapshot(jobs.context.clock.now(), f"queues: {', '.join(known) or 'none yet'}", queues, None, running)


def of_workflow(jobs: Jobs, name: str) -> Snapshot:
    """A workflow: exact counts, and its running jobs unless it is very large. Raises NotFoundError."""
    status = jobs.workflow(name)
    if status.jobs == 0:
        raise NotFoundError(f"There is no workflow {name}")
    running: tuple[Job, ...] = ()
    if status.live > 0 and status.jobs <= SEARCHED:
        found = jobs.in_workflow(name).where(Job.f.state == JobState.RUNNING).on_corrupt("skip")
        running = tuple(islice(found, SHOWN))
    now = jobs.context.clock.now()
    return Snapshot(now, f"workflow {name}", (), status, running, ended=status.live == 0)


def of_job(jobs: Jobs, job_id: str) -> Snapshot:
    """One job, until it has ended. Raises NotFoundError."""
    job, now = jobs.get(job_id), jobs.context.clock.now()
    title = f"{job.kind} {job.id}: {job.state}, attempt {job.attempt} of {job.max_attempts}"
    return Snapshot(now, title, jobs=(job,), ended=not job.state.live)


# The view


def view(now: Snapshot, before: Snapshot) -> RenderableType:
    """The whole screen."""
    title = Text(f"{now.title}  {now.at:%H:%M:%S}Z", style="bold")
    return Group(title, *_workflow(now, before), *_queues(now), *_progress(now, before), *_warnings(now))


def _workflow(now: Snapshot, before: Snapshot) -> Iterator[RenderableType]:
    status = now.workflow
    if status is not None:
        table = Table.grid(padding=(0, 2))
        bar = ProgressBar(total=status.jobs, completed=status.ended, width=_WIDTH)
        table.add_row(bar, f"{status.ended}/{status.jobs} ended", _pace(now, before))
        yield table
        yield Text(counts(status))
        if status.jobs > SEARCHED:
            yield Text(f"over {SEARCHED} jobs: running ones are not looked for", style="dim")


def counts(status: WorkflowStatus) -> str:
    """A workflow's jobs by how they ended."""
    named = ("live", "succeeded", "cancelled", "dead", "expired")
    return ", ".join(f"{getattr(status, name)} {name}" for name in named)


def _pace(now: Snapshot, before: Snapshot) -> str:
    """How many jobs end in a second, and when at that rate all have."""
    assert now.workflow is not None
    ended = now.workflow.ended - (0 if before.workflow is None else before.workflow.ended)
    rate = _rate(ended, now, before)
    return "" if rate <= 0 else f"{rate:.1f}/s, {spoken(timedelta(seconds=now.workflow.live / rate))} left"


def _rate(difference: float, now: Snapshot, before: Snapshot) -> float:
    seconds = (now.at - before.at).total_seconds()
    return difference / seconds if seconds > 0 else 0.0


def _queues(now: Snapshot) -> Iterator[RenderableType]:
    if now.queues:
        yield grid([job_records.health_in_words(queue) for queue in now.queues])
        yield Text(job_records.HEALTH_LEGEND, style="dim")


def _progress(now: Snapshot, before: Snapshot) -> Iterator[RenderableType]:
    if not now.jobs:
        return
    earlier = {job.id: job for job in before.jobs}
    table = Table.grid(padding=(0, 2))
    # On a narrow screen the message gives way, never the id.
    table.add_column(no_wrap=True, max_width=30)
    table.add_column(no_wrap=True, min_width=32)
    for job in now.jobs[:SHOWN]:
        table.add_row(*_job(job, earlier.get(job.id), now, before))
    yield table
    if len(now.jobs) > SHOWN:
        yield Text(f"and {len(now.jobs) - SHOWN} more are running", style="dim")


def _job(job: Job, earlier: Job | None, now: Snapshot, before: Snapshot) -> list[RenderableType]:
    progress = job.progress
    if progress is None:
        return [escape(job.kind), job.id, Text(), Text(_standing(job, now.at), style="dim")]
    known = progress.total is not None
    bar = ProgressBar(total=progress.total, completed=progress.done, width=_WIDTH) if known else Text()
    told = " ".join(filter(None, (job_records.far(progress), _speed(progress, earlier, now, before), progress.message)))
    return [escape(job.kind), job.id, bar, Text(told, no_wrap=True, overflow="ellipsis")]


def _speed(progress: Progress, earlier: Job | None, now: Snapshot, before: Snapshot) -> str:
    """How much of it is done in a second, by what was done earlier."""
    if earlier is None or earlier.progress is None:
        return ""
    rate = _rate(progress.done - earlier.progress.done, now, before)
    return f"({rate:.1f}/s)" if rate > 0 else ""


def _standing(job: Job, now: datetime) -> str:
    return (
        job.state
        if job.state is JobState.RUNNING or job.due_at is None
        else f"{job.state}, due {beside_now(job.due_at, now)}"
    )


def _warnings(now: Snapshot) -> Iterator[RenderableType]:
    for queue in now.queues:
        for warning in queue.warnings:
            yield Text(f"! {queue.queue.name}: {warning.message}", style="yellow")


# Without a terminal


def line(now: Snapshot) -> str:
    """The same in one line, without the moment."""
    parts = [now.title, *([] if now.workflow is None else [counts(now.workflow)])]
    parts += [
        f"{queue.queue.name}: {job_records.depth(queue)} due, {len(queue.running)} running" for queue in now.queues
    ]
    parts += [f"{job.kind} {job_records.far(job.progress)}" for job in now.jobs[:SHOWN] if job.progress is not None]
    return "; ".join(parts)


def record(now: Snapshot) -> dict[str, Any]:
    """The same for programs."""
    status = now.workflow
    return {
        "at": instant_text(now.at),
        "queues": [job_records.health(queue) for queue in now.queues],
        "workflow": None if status is None else {"live": status.live, **_counted(status)},
        "jobs": [job_records.listed(job, now.at, as_json=True) for job in now.jobs],
        "ended": now.ended,
    }


def _counted(status: WorkflowStatus) -> dict[str, int]:
    return {name: getattr(status, name) for name in WorkflowStatus.__slots__}


@dataclass
class Lines:
    """Prints a line for each snapshot that says something new; as JSON, for each."""

    as_json: bool
    _last: str = field(default="", init=False)

    def __call__(self, now: Snapshot, before: Snapshot) -> None:
        if self.as_json:
            print(json.dumps(record(now), default=str), flush=True)  # noqa: T201
        elif line(now) != self._last:
            self._last = line(now)
            print(f"{now.at:%Y-%m-%d %H:%M:%S}Z {self._last}", flush=True)  # noqa: T201


# The loop


def repeat(look: Look, draw: Draw, clock: Clock) -> None:
    """Look and draw each second, until nothing changes any more."""
    seen: deque[Snapshot] = deque(maxlen=_REMEMBERED)
    while True:
        seen.append(look())
        draw(seen[-1], seen[0])
        if seen[-1].ended:
            return
        clock.sleep(EVERY_SECONDS)


def watch(look: Look, clock: Clock, *, as_json: bool) -> None:
    """Show what changes until it ends or Ctrl-C: on a terminal in place, elsewhere and as JSON line by line."""
    try:
        if as_json or not sys.stdout.isatty():
            repeat(look, Lines(as_json), clock)
            return
        with Live(console=console(), auto_refresh=False) as live:
            repeat(look, lambda now, before: live.update(view(now, before), refresh=True), clock)
    except KeyboardInterrupt:
        return
