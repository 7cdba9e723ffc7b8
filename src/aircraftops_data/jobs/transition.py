"""Transitions of a job as one write: the job under its version, and every item beside it that must go along."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from hashlib import blake2b
from typing import Any

from aircraftops_data.core.counting import Count
from aircraftops_data.core.intents import Create, Replace, stamped
from aircraftops_data.core.targets import deleting, updating
from aircraftops_data.core.writes import Action, Intent, Stale, Stamp, Verdict, Writing
from aircraftops_data.jobs.model import Body, Job, Place, QueueDay, Tally, companions
from aircraftops_data.jobs.states import ENDED
from aircraftops_data.jobs.steps import Step
from aircraftops_data.model.definition import Item
from aircraftops_data.model.entity import Entity

PAYLOAD, RESULT = "payload", "result"
_COUNTED = {state: str(state) for state in ENDED}


class Transition(Writing):
    """A step of a job, taken in one transaction; where others changed the job meanwhile, taken again from there.

    2 write units per KB for the job, for each item beside it that comes or goes, and in a workflow for the index.
    Raises what the step raises, and NotFoundError where there is no job.
    """

    def __init__(
        self,
        job: Job,
        step: Step,
        bodies: tuple[Body, ...] = (),
        parts: int = 8,
        told: Callable[[Job], None] | None = None,
    ) -> None:
        definition = Job.definition()
        super().__init__(definition, definition.identify({"id": job.id}))
        self.job = job
        """The job as it is known: before the transition, and after it as that left it."""
        self._before = job
        self._step = step
        self._bodies = bodies
        self._parts = parts
        self._told = told

    @property
    def needs_read(self) -> bool:
        """Never: whoever asks knows the job, or learns of its changes when the engine refuses."""
        return False

    def resolve(self, stored: Item | None, stamp: Stamp) -> list[Action]:
        """The job as the step leaves it, under the version it was taken from; and what goes along."""
        # Not from `job`: a try that was refused for a moment has set that to what it would have left.
        before: Job = self._before if stored is None else self.codec.entity(stored)
        after = self._step(before, stamp.now)
        if after is before:
            self.job = before
            return []
        main, *_ = Replace(after).resolve(None, stamp)
        self.job = stamped(after, before.version + 1, stamp.now, before.created_at)
        along = [Create(body.model_copy(update={"expires_at": after.expires_at})) for body in self._bodies]
        others = [*along, *going_along(before, after, stamp, self._parts)]
        main = replace(main, explain=partial(self._verdict, stamp=stamp))
        return [main, *(action for intent in others for action in intent.resolve(None, stamp))]

    def _verdict(self, item: Item | None, stamp: Stamp) -> Verdict:
        verdict = self.mine_or_stale(item, stamp)
        return self.not_found() if isinstance(verdict, Stale) and self.gone(item, stamp) else verdict

    def outcome(self, item: Item | None) -> Job:
        """The job as it is now; who holds it is told."""
        if self._told is not None:
            self._told(self.job)
        return self.job


def going_along(before: Job | None, after: Job, stamp: Stamp, parts: int) -> list[Intent[Any]]:
    """The writes beside the job's own, worked out from the job before (None: there was none) and after."""
    found: list[Intent[Any]] = [*_moved_companions(before, after)]
    if before is not None:
        found += _payload_expiry(before, after)
    found += _counts(before, after, stamp.now.date(), parts)
    return found


def _moved_companions(before: Job | None, after: Job) -> Iterator[Intent[Any]]:
    old = {} if before is None else {_place(item): item for item in companions(before)}
    new = {_place(item): item for item in companions(after)}
    for place, item in old.items():
        if place not in new:
            yield deleting(type(item), **item.identity())
    for place, item in new.items():
        if place not in old:
            yield Create(item)


def _place(item: Entity) -> tuple[Any, ...]:
    return type(item), *item.identity().values()


def _payload_expiry(before: Job, after: Job) -> Iterator[Intent[Any]]:
    """What lies beside an ended job expires with it; beside a live one nothing does."""
    if before.expires_at == after.expires_at:
        return
    if after.payload_place is Place.ITEM:
        yield updating(Body, job_id=after.id, name=PAYLOAD, set={"expires_at": after.expires_at})


def _counts(before: Job | None, after: Job, today: date, parts: int) -> Iterator[Intent[Any]]:
    if after.workflow is not None:
        deltas = _tallied(before, after)
        if deltas:
            identity = {"workflow": after.workflow, "part": part_of(after.id, parts)}
            yield Count(Tally.definition(), identity, deltas)
    losses = after.lease_losses - (0 if before is None else before.lease_losses)
    if losses:
        yield Count(QueueDay.definition(), {"queue": after.queue, "day": today}, {"lease_losses": losses})


def _tallied(before: Job | None, after: Job) -> dict[str, int]:
    deltas = {"jobs": 1} if before is None else dict[str, int]()
    if before is None or before.state is not after.state:
        if before is not None and before.state in _COUNTED:
            deltas[_COUNTED[before.state]] = -1
        if after.state in _COUNTED:
            deltas[_COUNTED[after.state]] = 1
    return deltas


def part_of(text: str, parts: int) -> int:
    """One of so many parts, always the same for the same text."""
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest()) % parts
