"""The commands about jobs: look at them, ask for them, set right what went wrong, and run a worker."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from aircraftops_data.cli import job_records, working
from aircraftops_data.cli.moments import day as day_of
from aircraftops_data.cli.moments import moment
from aircraftops_data.cli.options import AsJson, EndpointUrl, Prefix, connected, imported
from aircraftops_data.cli.output import UNHEALTHY, show, show_one
from aircraftops_data.errors import AircraftOpsDataError, InvalidInputError, NotFoundError
from aircraftops_data.jobs.asking import How
from aircraftops_data.jobs.edges import jobs_of
from aircraftops_data.jobs.enqueueing import After
from aircraftops_data.jobs.jobs import Jobs
from aircraftops_data.jobs.looking import Corrupt
from aircraftops_data.jobs.model import Job, Priority, Queue
from aircraftops_data.jobs.states import JobState
from aircraftops_data.ops import AircraftOps

jobs = typer.Typer(no_args_is_help=True, help="Durable jobs: look at them, ask for them, set them right, run them.")

JobId = Annotated[str, typer.Argument(help="The job's id.", metavar="ID")]
QueueName = Annotated[str, typer.Argument(help="The queue's name.", metavar="QUEUE")]
Queues = Annotated[list[str] | None, typer.Option(help="Only this queue; may be given again.")]
Day = Annotated[str | None, typer.Option(help="2030-01-31, today (without it) or yesterday, in UTC.")]
EDGES_SHOWN = 100


@contextmanager
def _about(job_id: str) -> Generator[None]:
    """A job that is not there is named by its id."""
    try:
        yield
    except NotFoundError as error:
        raise NotFoundError(f"There is no job {job_id}", **error.fields) from error


def _queues(ops: AircraftOps, named: list[str] | None) -> list[str]:
    return named or [queue.name for queue in ops.jobs.queues()]


# Looking


@jobs.command("list")
def listing(
    queue: Queues = None,
    state: Annotated[list[JobState] | None, typer.Option(help="Only in this state; may be given again.")] = None,
    workflow: Annotated[str | None, typer.Option(help="The jobs of a workflow, also ended ones.")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="The jobs that died on a day, instead of live ones.")] = False,
    day: Day = None,
    limit: Annotated[int, typer.Option(help="No more than this.", min=1)] = 50,
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """List the live jobs of all queues or of some, the jobs of a workflow, or the dead of a day. Never payloads."""
    ops = connected(endpoint_url, prefix)
    now = ops.core.context.clock.now()
    if day is not None and not dead:
        raise InvalidInputError("--day goes with --dead")
    if dead:
        if state or workflow is not None:
            raise InvalidInputError("--dead goes with --queue and --day alone")
        entries = (entry for name in _queues(ops, queue) for entry in ops.jobs.dead(name, day_of(day, now.date())))
        found = [job_records.listed_dead(entry, now, as_json=as_json) for entry in islice(entries, limit)]
    else:
        some = _of_workflow(ops, workflow, queue, state, limit) if workflow else _live(ops, queue, state, limit)
        found = [job_records.listed(job, now, as_json=as_json) for job in some]
    show(found, as_json=as_json)
    if len(found) == limit:
        typer.echo(f"The first {limit}; there may be more (--limit).", err=True)


def _live(ops: AircraftOps, queues: list[str] | None, states: list[JobState] | None, limit: int) -> list[Job]:
    if any(not state.live for state in states or ()):
        raise InvalidInputError("A queue has live jobs only: name a --workflow for ended ones, or ask for the --dead")
    found: list[Job] = []
    corrupt: Corrupt = {}
    for name in _queues(ops, queues):
        if len(found) < limit:
            found += ops.jobs.live(name, *(states or ()), limit=limit - len(found), corrupt=corrupt)
    for job_id, error in corrupt.items():
        typer.echo(f"! job {job_id} is left out: {error.message}", err=True)
    return found


def _of_workflow(
    ops: AircraftOps, workflow: str, queues: list[str] | None, states: list[JobState] | None, limit: int
) -> list[Job]:
    every = ops.jobs.in_workflow(workflow)
    wanted = (job for job in every if (not states or job.state in states) and (not queues or job.queue in queues))
    return list(islice(wanted, limit))


@jobs.command("show")
def shown(
    job_id: JobId,
    full: Annotated[bool, typer.Option("--full", help="The payload and the result uncut; JSON has them so.")] = False,
    watching: Annotated[bool, typer.Option("--watch", help="Its progress, until it has ended.")] = False,
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Show everything of one job: state, times, attempts, failures, progress, edges, payload and result."""
    ops = connected(endpoint_url, prefix)
    with _about(job_id):
        if watching:
            _watch_job(ops, job_id, as_json)
        known = _whole(ops.jobs, ops.jobs.get(job_id))
    now = ops.core.context.clock.now()
    record = job_records.whole(known) if as_json else job_records.whole_in_words(known, now, full=full)
    if not (watching and as_json):
        show_one(record, as_json=as_json)


def _whole(found: Jobs, job: Job) -> job_records.Whole:
    parents = [edge.parent_id for edge in islice(found.parents(job.id), EDGES_SHOWN)]
    children = [edge.job_id for edge in islice(found.children(job.id), EDGES_SHOWN)]
    payload, result = _readable(found.payload, job), _readable(found.result, job)
    return job_records.Whole(job, payload, result, _ends(found, parents), _ends(found, children))


def _ends(found: Jobs, ids: list[str]) -> list[job_records.Record]:
    ends = found.run(jobs_of(ids, found.context)) if ids else []
    return [
        {"id": job_id, "kind": end and end.kind, "state": "gone" if end is None else end.state}
        for job_id, end in zip(ids, ends, strict=True)
    ]


def _readable(read: Callable[[Job], Any], job: Job) -> Any:
    """A payload or result; why it cannot be had, where it cannot, for the rest of the job can still be seen."""
    try:
        return read(job)
    except AircraftOpsDataError as error:
        return f"({type(error).__name__}: {error.message})"


@jobs.command("health")
def healthy(
    queue: Queues = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 9 where there are warnings.")] = False,
    watching: Annotated[bool, typer.Option("--watch", help="Again and again, until Ctrl-C.")] = False,
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Show what is due in each queue and for how long, what runs, dies and loses its lease; warn where that is much."""
    ops = connected(endpoint_url, prefix)
    if watching:
        _watch_queues(ops, queue, as_json)
        return
    found = [ops.jobs.health(name) for name in _queues(ops, queue)]
    show([job_records.health(one) if as_json else job_records.health_in_words(one) for one in found], as_json=as_json)
    if found and not as_json:
        typer.echo(job_records.HEALTH_LEGEND)
    warnings = [f"{one.queue.name}: {warning.message}" for one in found for warning in one.warnings]
    for text in warnings:
        typer.echo(f"! {text}", err=as_json)
    if strict and warnings:
        raise typer.Exit(UNHEALTHY)


@jobs.command("watch")
def watched(
    queue: Queues = None,
    workflow: Annotated[str | None, typer.Option(help="A workflow instead of queues; ends with it.")] = None,
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Show live what waits, what runs and how far it is; until Ctrl-C, or until the workflow has ended."""
    from aircraftops_data.cli.watching import of_workflow, watch

    ops = connected(endpoint_url, prefix)
    if workflow is None:
        _watch_queues(ops, queue, as_json)
    elif queue:
        raise InvalidInputError("Watch queues or a workflow, not both")
    else:
        watch(lambda: of_workflow(ops.jobs, workflow), ops.core.context.clock, as_json=as_json)


def _watch_queues(ops: AircraftOps, queue: list[str] | None, as_json: bool) -> None:
    from aircraftops_data.cli.watching import of_queues, watch

    watch(lambda: of_queues(ops.jobs, queue or []), ops.core.context.clock, as_json=as_json)


def _watch_job(ops: AircraftOps, job_id: str, as_json: bool) -> None:
    from aircraftops_data.cli.watching import of_job, watch

    watch(lambda: of_job(ops.jobs, job_id), ops.core.context.clock, as_json=as_json)


# Asking


@jobs.command("enqueue")
def enqueued(
    kind: Annotated[str, typer.Argument(help="The kind of job.")],
    payload: Annotated[str | None, typer.Argument(help="JSON, @FILE, or - for standard input.")] = None,
    queue: Annotated[str | None, typer.Option(help="The queue; without it, the default one.")] = None,
    priority: Annotated[Priority, typer.Option(help="The band it waits in.")] = Priority.NORMAL,
    run_at: Annotated[str | None, typer.Option(help="2030-01-31T12:00:00Z, or +10m, +1h30m, +2d.")] = None,
    deadline: Annotated[str | None, typer.Option(help="It expires unless it has begun by then.")] = None,
    max_attempts: Annotated[int | None, typer.Option(help="How often it is tried.", min=1)] = None,
    unique: Annotated[str | None, typer.Option(help="No second live job of this kind and key.")] = None,
    workflow: Annotated[str | None, typer.Option(help="The workflow it belongs to.")] = None,
    parent: Annotated[
        list[str] | None, typer.Option(help="A job to wait for: ID or ID=cancel|run|hold; repeat.")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A tag; may be given again.")] = None,
    limit: Annotated[str | None, typer.Option(help="KEY=N: at most N jobs of this key run at a time.")] = None,
    trace_id: Annotated[str | None, typer.Option(help="What ties it to what asked for it.")] = None,
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Ask for a job. Where one of its unique key is there already, that one is shown."""
    given = {
        "queue": queue,
        "priority": priority,
        "run_at": None if run_at is None else moment(run_at),
        "deadline": None if deadline is None else moment(deadline),
        "max_attempts": max_attempts,
        "unique": unique,
        "workflow": workflow,
        "parents": [_edge(text) for text in parent] if parent else None,
        "tags": tag,
        "limit": None if limit is None else _limit(limit),
        "trace_id": trace_id,
    }
    content = _payload(payload)
    ops = connected(endpoint_url, prefix)
    context = ops.core.context
    job_id = context.chance.ordered_identifier(context.clock.now())
    how = {name: value for name, value in given.items() if value is not None} | {"id": job_id}
    job = ops.jobs.enqueue(kind, content, **cast("How", how))
    said = job_records.listed(job, context.clock.now(), as_json=as_json)
    show_one(said | {"new": job.id == job_id}, as_json=as_json)


def _payload(given: str | None) -> Any:
    """The payload's JSON. Raises InvalidInputError, which says nothing of what it holds."""
    if given is None:
        return None
    try:
        return json.loads(_text(given))
    except json.JSONDecodeError as error:
        raise InvalidInputError(f"The payload is no JSON: {error}") from None
    except OSError as error:
        raise InvalidInputError(f"The payload cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise InvalidInputError("The payload is no text in UTF-8") from None


def _text(given: str) -> str:
    if given == "-":
        return sys.stdin.read()
    return Path(given[1:]).read_text(encoding="utf-8") if given.startswith("@") else given


def _edge(text: str) -> After:
    job_id, _, on_failure = text.partition("=")
    return After(job_id, on_failure or "cancel")


def _limit(text: str) -> tuple[str, int]:
    key, _, most = text.rpartition("=")
    if not key or not most.isdecimal():
        raise InvalidInputError(f"{text!r} is not written KEY=N")
    return key, int(most)


# Setting right


def _changed(ops: AircraftOps, change: Callable[[str], Job], job_id: str, *, as_json: bool) -> None:
    with _about(job_id):
        job = change(job_id)
    show_one(job_records.listed(job, ops.core.context.clock.now(), as_json=as_json), as_json=as_json)


@jobs.command("cancel")
def cancel(job_id: JobId, endpoint_url: EndpointUrl = None, prefix: Prefix = None, as_json: AsJson = False) -> None:
    """Cancel a job: at once where it waits; where it runs, its holder is asked to stop."""
    ops = connected(endpoint_url, prefix)
    _changed(ops, ops.jobs.cancel, job_id, as_json=as_json)


@jobs.command("release")
def release(job_id: JobId, endpoint_url: EndpointUrl = None, prefix: Prefix = None, as_json: AsJson = False) -> None:
    """Let a blocked job run, whatever it waits for."""
    ops = connected(endpoint_url, prefix)
    _changed(ops, ops.jobs.release, job_id, as_json=as_json)


@jobs.command("redrive")
def redrive(
    job_id: Annotated[str | None, typer.Argument(help="The job's id.", metavar="[ID]")] = None,
    queue: Annotated[str | None, typer.Option(help="The dead of this queue, of --day.")] = None,
    day: Day = None,
    every: Annotated[bool, typer.Option("--all", help="Do so; without it the dead are only listed.")] = False,
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Run a job again that ended without success; or, with --queue and --all, all the dead of a day."""
    if (job_id is None) == (queue is None) or (job_id is not None and (every or day is not None)):
        raise InvalidInputError("Name a job, or a --queue for its dead of a --day")
    ops = connected(endpoint_url, prefix)
    if job_id is not None:
        _changed(ops, ops.jobs.redrive, job_id, as_json=as_json)
        return
    assert queue is not None
    now = ops.core.context.clock.now()
    when = day_of(day, now.date())
    if every:
        show([job_records.redriven(outcome) for outcome in ops.jobs.redrive_dead(queue, when)], as_json=as_json)
        return
    found = [job_records.listed_dead(dead, now, as_json=as_json) for dead in ops.jobs.dead(queue, when)]
    show(found, as_json=as_json)
    if found:
        typer.echo(f"Nothing was done; --all runs {'it' if len(found) == 1 else f'all {len(found)}'} again.", err=True)


@jobs.command("pause")
def pause(queue: QueueName, endpoint_url: EndpointUrl = None, prefix: Prefix = None, as_json: AsJson = False) -> None:
    """Let nobody claim from a queue; what runs, runs on. Workers learn of it within five seconds."""
    _show_queue(connected(endpoint_url, prefix).jobs.pause(queue), as_json)


@jobs.command("resume")
def resume(queue: QueueName, endpoint_url: EndpointUrl = None, prefix: Prefix = None, as_json: AsJson = False) -> None:
    """Let a queue be claimed from again."""
    _show_queue(connected(endpoint_url, prefix).jobs.resume(queue), as_json)


@jobs.command("reshard")
def reshard(
    queue: QueueName,
    shards: Annotated[int, typer.Argument(help="How many partitions for each priority; never fewer.", min=1, max=100)],
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Spread a queue over more partitions: 125 jobs a second for each."""
    _show_queue(connected(endpoint_url, prefix).jobs.reshard(queue, shards), as_json)


def _show_queue(queue: Queue, as_json: bool) -> None:
    show_one(job_records.settings(queue), as_json=as_json)


# Running


@jobs.command("work")
def work(
    module: Annotated[str, typer.Option(help="A module with `handlers`: a dict of kinds and functions of a claim.")],
    queue: Annotated[list[str] | None, typer.Option(help="A queue to claim from, first ones first.")] = None,
    concurrency: Annotated[int, typer.Option(help="How many jobs at a time.", min=1)] = 4,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="End once nothing is due.")] = False,
    endpoint_url: EndpointUrl = None,
    prefix: Prefix = None,
    as_json: AsJson = False,
) -> None:
    """Run a worker. The module's `handlers` say what to do with each kind, its `kinds` (optional) what holds for them.

    Without --queue it claims from the queues of these kinds. SIGTERM or Ctrl-C ends it.
    """
    with connected(endpoint_url, prefix) as ops:
        worker, record = working.prepared(ops.jobs, imported(module), queue, concurrency)
        show_one(record if as_json else working.spoken(record), as_json=as_json)
        worker.run(until_idle=until_idle)
