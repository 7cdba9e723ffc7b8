"""The edges of workflows: what the end of a job means for those that wait for it.

An edge is two items, one found from each end. The child's is deleted once the parent has ended as the child needs it
to; a blocked job with none left is released. Every step can be taken again, by anyone, with the same end: whoever ends
a job tells its children, and a blocked job's own ticket has it looked at now and then in case nobody did.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import cast

from aircraftops_data.consumed import Consumed
from aircraftops_data.core.asking import finding, query_reading
from aircraftops_data.core.batch import GET_LIMIT
from aircraftops_data.core.commit import commit, write
from aircraftops_data.core.context import Context
from aircraftops_data.core.lookup import Lookup
from aircraftops_data.core.reading import chunk
from aircraftops_data.core.targets import deleting
from aircraftops_data.errors import CorruptItemError, InvalidInputError, JobStateError, NotFoundError
from aircraftops_data.jobs.model import Child, Job, OnFailure, Parent
from aircraftops_data.jobs.options import JobOptions
from aircraftops_data.jobs.states import ENDED, JobState
from aircraftops_data.jobs.steps import Step, cancelled, rechecked, released
from aircraftops_data.jobs.transition import Transition
from aircraftops_data.model.declarations import KeyQuery
from aircraftops_data.model.definition import Item
from aircraftops_data.request import Plan


def settle(job: Job, context: Context, options: JobOptions) -> Plan[None]:
    """Tell the children of a job that has ended, and theirs where that ends them too.

    1 read unit for a job of a workflow, none for others; 2 read and 12 write units for each child it releases.
    """
    ended = [job] if job.workflow is not None else []
    while ended:
        parent = ended.pop()
        start: Item | None = None
        while True:
            children, start = yield from _page(Child.primary(parent_id=parent.id), context, start, None)
            for child in cast("list[Child]", children):
                try:
                    told = yield from _tell(child, parent, context, options)
                except CorruptItemError:
                    # The others are told; this one's own ticket has it looked at once it has been mended.
                    continue
                if told is not None and told.state in ENDED:
                    ended.append(told)
            if start is None:
                break


def revisit(job: Job, context: Context, options: JobOptions) -> Plan[None]:
    """Look at a blocked job: its parents may have ended without telling it. One that is due is looked at again later.

    2 read units, and 1 for each parent; 8 write units where it is due.
    """
    start: Item | None = None
    while True:
        edges, start = yield from _page(Parent.primary(job_id=job.id), context, start, GET_LIMIT)
        if edges:
            job = yield from _retold(job, cast("list[Parent]", edges), context, options)
        if start is None:
            break
    if job.state is JobState.BLOCKED:
        job = yield from _released_if_free(job, context, options)
    if job.state is JobState.BLOCKED and (job.due_at is None or job.due_at <= context.clock.now()):
        job = yield from _stepped(job, partial(rechecked, options=options), context, options)
    if job.state in ENDED:
        yield from settle(job, context, options)


def _retold(job: Job, edges: Sequence[Parent], context: Context, options: JobOptions) -> Plan[Job]:
    """What the ends of some of its parents, of which it was perhaps not told, make of a job."""
    parents = yield from jobs_of([edge.parent_id for edge in edges], context)
    for edge, parent in zip(edges, parents, strict=True):
        if parent is not None and parent.state in ENDED:
            child = Child(parent_id=parent.id, job_id=job.id, on_failure=edge.on_failure)
            job = (yield from _tell(child, parent, context, options)) or job
    return job


def jobs_of(ids: Sequence[str], context: Context) -> Plan[list[Job | None]]:
    """Up to 100 jobs by their ids, read consistently, in this order; None where there is none."""
    if not ids:
        return []
    lookup = Lookup(Job, context, consistent=True, expired=True)
    window = lookup.window()
    for job_id in ids:
        window.add({"id": job_id})
    responses = yield from lookup.read(window)
    return cast("list[Job | None]", lookup.answers(window, responses, Consumed()).found.values)


def _tell(child: Child, parent: Job, context: Context, options: JobOptions) -> Plan[Job | None]:
    """What the end of a parent makes of a child; None where there is no child (it may be about to be made)."""
    job = yield from finding(Job, {"id": child.job_id}, context, consistent=True, expired=True)
    if job is None:
        return None
    if parent.state is JobState.SUCCEEDED or child.on_failure is OnFailure.RUN:
        yield from _forget(child, context)
        return (yield from _released_if_free(job, context, options))
    if child.on_failure is OnFailure.CANCEL:
        job = yield from _cancelled(job, context, options)
    if child.on_failure is OnFailure.CANCEL or job.state in ENDED:
        yield from _forget(child, context)
    return job


def let_go(job: Job, context: Context, options: JobOptions) -> Plan[Job]:
    """Release a blocked job whatever it waits for. Raises JobStateError unless it is blocked."""
    if job.state is not JobState.BLOCKED:
        raise JobStateError("Only a blocked job can be released", job_id=job.id, state=job.state)
    while True:
        edges, _ = yield from _page(Parent.primary(job_id=job.id), context, None, GET_LIMIT)
        if not edges:
            return (yield from _stepped(job, partial(released, options=options), context, options))
        for edge in cast("list[Parent]", edges):
            yield from _forget(Child(parent_id=edge.parent_id, job_id=job.id, on_failure=edge.on_failure), context)


def _forget(child: Child, context: Context) -> Plan[None]:
    """Delete both ends of an edge."""
    here = deleting(Parent, job_id=child.job_id, parent_id=child.parent_id)
    yield from commit([here, deleting(Child, **child.identity())], context)


def _released_if_free(job: Job, context: Context, options: JobOptions) -> Plan[Job]:
    """Release a blocked job that waits for nobody any more."""
    if job.state is not JobState.BLOCKED or job.held is not None:
        return job
    edges, _ = yield from _page(Parent.primary(job_id=job.id), context, None, 1)
    return job if edges else (yield from _stepped(job, partial(released, options=options), context, options))


def _cancelled(job: Job, context: Context, options: JobOptions) -> Plan[Job]:
    if job.state is not JobState.BLOCKED:
        return job
    try:
        return (yield from _stepped(job, partial(cancelled, options=options), context, options))
    except JobStateError:
        # It ended otherwise meanwhile; whoever ended it tells its children.
        return job


def _stepped(job: Job, step: Step, context: Context, options: JobOptions) -> Plan[Job]:
    return (yield from write(Transition(job, step, parts=options.tally_parts), context))


def _page(
    query: KeyQuery[Child] | KeyQuery[Parent], context: Context, start: Item | None, limit: int | None
) -> Plan[tuple[Sequence[Child | Parent], Item | None]]:
    found = yield from chunk(query_reading(query, consistent=True), context, start, limit)
    return found.found.whole(), found.next


def check_parents(ids: Sequence[str], workflow: str | None, context: Context) -> Plan[None]:
    """Look whether the parents of a new job are there, and of its workflow. Raises NotFoundError, InvalidInputError."""
    for start in range(0, len(ids), GET_LIMIT):
        some = ids[start : start + GET_LIMIT]
        for job_id, parent in zip(some, (yield from jobs_of(some, context)), strict=True):
            if parent is None:
                identity = {"id": job_id}
                raise NotFoundError("A job cannot wait for one that is not there", entity="Job", identity=identity)
            if parent.workflow != workflow:
                raise InvalidInputError("A job waits for jobs of its own workflow only")
