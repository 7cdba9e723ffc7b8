"""What the commands print of jobs and queues: for people, and as JSON. Only a job's own record has its payload."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aircraftops_data.cli.moments import beside_now, dated, short
from aircraftops_data.jobs import DeadJob, Failure, Job, Priority, Progress, Queue, QueueHealth, Redriven
from aircraftops_data.model.encoders import instant_text

Record = dict[str, Any]
TEXT_LIMIT = 500
"""Characters of a payload or result that are shown to people."""
_INSTANTS = ("created_at", "run_at", "due_at", "lease_until", "deadline_at", "cancel_requested_at", "finished_at")


# Lists


def listed(job: Job, now: datetime, *, as_json: bool) -> Record:
    """A job in a list."""
    record: Record = {"id": job.id, "kind": job.kind, "queue": job.queue, "priority": job.priority, "state": job.state}
    return record | (_plainly(job) if as_json else _briefly(job, now))


def _plainly(job: Job) -> Record:
    fields = ("status", "workflow", "attempt", "max_attempts", "worker", *_INSTANTS)
    progress = None if job.progress is None else {"done": job.progress.done, "total": job.progress.total}
    return {name: _plain(getattr(job, name)) for name in fields} | {"progress": progress}


def _briefly(job: Job, now: datetime) -> Record:
    at = job.finished_at if job.due_at is None else job.due_at
    return {
        "attempt": f"{job.attempt}/{job.max_attempts}",
        "due" if job.state.live else "ended": None if at is None else beside_now(at, now, short),
        "progress": None if job.progress is None else far(job.progress),
        "worker": job.worker if job.lease_until is not None else None,
    }


def listed_dead(dead: DeadJob, now: datetime, *, as_json: bool) -> Record:
    """A dead job in the list of its day."""
    record = {"id": dead.job_id, "kind": dead.kind, "queue": dead.queue, "error": dead.error}
    if as_json:
        return {**record, "died_at": instant_text(dead.finished_at)}
    return {**record, "died": beside_now(dead.finished_at, now, short)}


def redriven(outcome: Redriven) -> Record:
    """What became of a dead job that was to run again."""
    refused = outcome.refused
    text = "redriven" if refused is None else f"refused: {type(refused).__name__}: {refused.message}"
    return {"id": outcome.dead.job_id, "kind": outcome.dead.kind, "outcome": text}


def far(progress: Progress) -> str:
    """How far a job is: 120/5000, or 120 where the end is not known."""
    return str(progress.done) if progress.total is None else f"{progress.done}/{progress.total}"


# One job


@dataclass(frozen=True)
class Whole:
    """Everything of one job."""

    job: Job
    payload: Any
    result: Any
    waits_for: Sequence[Record]
    children: Sequence[Record]


def whole(known: Whole) -> Record:
    """Everything of a job, as JSON has it: instants in ISO format, payload and result uncut."""
    job = known.job
    own = job.model_dump(mode="json", exclude={"payload", "payload_place", "result", "result_place"})
    own["tags"] = sorted(own["tags"])
    beside = {"waits_for": list(known.waits_for), "children": list(known.children)}
    return {**own, "status": job.status, "payload": known.payload, "result": known.result, **beside}


def whole_in_words(known: Whole, now: datetime, *, full: bool) -> Record:
    """Everything of a job, for people; what there is not is left out."""
    job = known.job
    place = f"{job.queue}, {job.priority} priority, shard {job.shard}"
    record: Record = {
        "id": job.id,
        "kind": job.kind,
        "queue": place,
        "state": f"{job.state} ({job.status})",
        "held": job.held,
        "attempt": f"{job.attempt} of {job.max_attempts}",
        "worker": None if job.worker is None else f"{job.worker}, fencing token {job.fence}",
        "progress": None if job.progress is None else _progress(job.progress),
        **{name.removesuffix("_at"): _dated(job, name, now) for name in _INSTANTS},
        "kept_until": _dated(job, "expires_at", now),
        "workflow": job.workflow,
        "unique_key": None if job.unique_key is None else f"{job.unique_key}, until {job.unique_until}",
        "limit": None if job.limit is None else f"{job.limit.most} of {job.limit.key} at a time",
        "tags": ", ".join(sorted(job.tags)) or None,
        "trace_id": job.trace_id,
        "lease_losses": job.lease_losses or None,
        "failures": "\n".join(_failure(failure, now) for failure in job.failures) or None,
        "waits_for": _edges(known.waits_for),
        "children": _edges(known.children),
        "payload": _cut(known.payload, full=full),
        "result": _cut(known.result, full=full),
    }
    return record


def _dated(job: Job, name: str, now: datetime) -> str | None:
    instant = getattr(job, name)
    return None if instant is None else dated(instant, now)


def _plain(value: Any) -> Any:
    return instant_text(value) if isinstance(value, datetime) else value


def _progress(progress: Progress) -> str:
    return far(progress) if progress.message is None else f"{far(progress)} {progress.message}"


def _failure(failure: Failure, now: datetime) -> str:
    said = f"{failure.error}: {failure.message}" if failure.message else failure.error
    return f"attempt {failure.attempt}, {beside_now(failure.at, now)}: {said}"


def _edges(edges: Sequence[Record]) -> str | None:
    return "\n".join(f"{edge['id']} {edge['kind']} ({edge['state']})" for edge in edges) or None


def _cut(value: Any, *, full: bool) -> str | None:
    if value is None:
        return None
    text = json.dumps(value, indent=2 if full else None, ensure_ascii=False)
    return text if full or len(text) <= TEXT_LIMIT else f"{text[:TEXT_LIMIT]}... ({len(text)} characters; --full)"


# Queues


def settings(queue: Queue) -> Record:
    """What is set for a queue."""
    paused = None if queue.paused_at is None else instant_text(queue.paused_at)
    return {"queue": queue.name, "shards": queue.shards, "paused_at": paused}


def health(known: QueueHealth) -> Record:
    """How a queue is, as JSON has it: ages in seconds."""
    return {
        **settings(known.queue),
        "due": {str(priority): _due(known, priority) for priority in Priority},
        "running": len(known.running),
        "later": known.later,
        "dead_today": known.dead_today,
        "dead_yesterday": known.dead_yesterday,
        "lease_losses_today": known.lease_losses_today,
        "lease_losses_yesterday": known.lease_losses_yesterday,
        "write_share": max(partition.write_share for partition in known.partitions),
        "warnings": [{"concern": warning.concern, "message": warning.message} for warning in known.warnings],
    }


def _due(known: QueueHealth, priority: Priority) -> Record:
    seconds = known.oldest_due_age(priority).total_seconds()
    return {"depth": known.depth(priority), "complete": known.complete(priority), "oldest_due_seconds": seconds}


HEALTH_LEGEND = (
    "due: jobs of each priority (age of the oldest); dead, leases lost: today, yesterday; writes: of the limit"
)


def health_in_words(known: QueueHealth) -> Record:
    """How a queue is, for people."""
    return {
        "queue": known.queue.name + ("" if known.queue.paused_at is None else " (paused)"),
        **{f"{priority} due": waiting(known, priority) for priority in Priority},
        "running": len(known.running),
        "later": known.later,
        "dead": f"{known.dead_today}, {known.dead_yesterday}",
        "leases lost": f"{known.lease_losses_today}, {known.lease_losses_yesterday}",
        "shards": known.queue.shards,
        "writes": f"{max(partition.write_share for partition in known.partitions):.0%}",
    }


def waiting(known: QueueHealth, priority: Priority) -> str:
    """How many jobs are due, and for how long: 12 (3m)."""
    age = known.oldest_due_age(priority)
    return f"{depth(known, priority)} ({short(age)})" if known.depth(priority) else "0"


def depth(known: QueueHealth, priority: Priority | None = None) -> str:
    """How many jobs are due: 12, or 1000+."""
    return f"{known.depth(priority)}{'' if known.complete(priority) else '+'}"
