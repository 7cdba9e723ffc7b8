"""Asking for a job: the job, its ticket and all that goes along, in one transaction, alone or with other writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, cast

from aircraftops_data.core.commit import commit, read
from aircraftops_data.core.context import Context
from aircraftops_data.core.intents import Check, Create, Put, stamped
from aircraftops_data.core.writes import Action, Intent, Stale, Stamp, Writing
from aircraftops_data.jobs.model import Body, Child, Job, OnFailure, Parent, Reservation
from aircraftops_data.jobs.transition import going_along
from aircraftops_data.model.definition import Item
from aircraftops_data.model.entity import Entity
from aircraftops_data.request import Plan
from aircraftops_data.translation.codec import codec_of, is_expired

# Two items each; with the job and what goes along they are less than the 100 actions of a transaction.
_PARENTS_AT_ONCE = 40


@dataclass(frozen=True, slots=True)
class After:
    """An edge of a workflow: the job waits for this parent; `on_failure` says what if the parent fails."""

    parent: Job | str
    on_failure: OnFailure | str = OnFailure.CANCEL

    @property
    def parent_id(self) -> str:
        """The parent's id."""
        return self.parent if isinstance(self.parent, str) else self.parent.id


@dataclass(frozen=True, slots=True)
class Enqueued:
    """What became of a job that was asked for: it is there, or another of its unique key was there already."""

    job_id: str
    job: Job | None
    """The new job; None where there was another."""

    @property
    def duplicate(self) -> bool:
        """Whether another job was there already."""
        return self.job is None


class Enqueue(Writing):
    """A new job. 4 write units (2 for the job, 2 for its ticket), 2 more for a unique key and each KB of a large
    payload, 4 for a workflow (2 of them for the index) and for each parent. With a unique key it reads first.

    Where a job of the same unique key is there already, nothing is written but the check that this is so.
    """

    def __init__(self, job: Job, bodies: Sequence[Body], parents: Sequence[After], parts: int) -> None:
        super().__init__(Job.definition(), Job.definition().identify({"id": job.id}))
        self._job = job
        self.job_id = job.id
        self._bodies = bodies
        self._parents = parents
        self._parts = parts
        self._outcome = Enqueued(job.id, job)
        if job.unique_key is not None:
            reservation = Reservation.definition()
            self.read_key = reservation.identify({"kind": job.kind, "key": job.unique_key})

    @property
    def needs_read(self) -> bool:
        """Only where another job may be there already."""
        return self._job.unique_key is not None

    def resolve(self, stored: Item | None, stamp: Stamp) -> list[Action]:
        """The job and all that goes along; or the check that another is there already."""
        holder = self._holder(stored, stamp.now)
        if holder is not None:
            self._outcome = Enqueued(holder.job_id, None)
            return self._still_there(holder, stamp)
        job = stamped(self._job, 1, stamp.now)
        self._outcome = Enqueued(job.id, job)
        beside = [*self._bodies, *self._edges(self._parents)]
        intents: list[Intent[Any]] = [Create(self._job), *map(Create, beside)]
        intents += going_along(None, self._job, stamp, self._parts)
        return [self._watched(action, intent, stamp) for intent in intents for action in intent.resolve(None, stamp)]

    def first_edges(self, context: Context) -> Plan[None]:
        """Write the edges that are too many for one transaction, before there is a job to wait for anybody."""
        if len(self._parents) > _PARENTS_AT_ONCE and self.needs_read:
            stored = yield from read(self, context)
            if self._holder(stored, context.clock.now()) is not None:
                return
        while len(self._parents) > _PARENTS_AT_ONCE:
            some, self._parents = self._parents[:_PARENTS_AT_ONCE], self._parents[_PARENTS_AT_ONCE:]
            yield from commit([Put(edge) for edge in self._edges(some)], context)

    def _edges(self, parents: Sequence[After]) -> list[Entity]:
        edges: list[Entity] = []
        for after in parents:
            fields = {"job_id": self._job.id, "parent_id": after.parent_id, "on_failure": after.on_failure}
            edges += [Parent.model_validate(fields), Child.model_validate(fields)]
        return edges

    def _holder(self, stored: Item | None, now: datetime) -> Reservation | None:
        if stored is None or is_expired(stored, self.table, now):
            return None
        return cast("Reservation", codec_of(Reservation.definition()).entity(stored))

    def _still_there(self, holder: Reservation, stamp: Stamp) -> list[Action]:
        check = Check(Reservation.definition(), holder.identity(), Reservation.f.job_id == holder.job_id)
        return [replace(action, explain=Stale) for action in check.resolve(None, stamp)]

    def _watched(self, action: Action, intent: Intent[Any], stamp: Stamp) -> Action:
        """A reservation that is taken meanwhile makes this a duplicate, not a conflict."""
        if intent.definition is not Reservation.definition():
            return action
        return replace(action, explain=partial(self.mine_or_stale, stamp=stamp))

    def outcome(self, item: Item | None) -> Enqueued:
        """Whether the job is new, and its id."""
        return self._outcome
