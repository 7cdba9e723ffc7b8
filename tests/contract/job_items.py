"""Everything that is stored about jobs, and what must hold of it after every single write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from random import Random, SystemRandom
from typing import Any, TypeVar

from aircraftops_data import CoreTable, Entity, PrimaryKey
from aircraftops_data.clock import Chance
from aircraftops_data.jobs import DeadJob, Job, JobState, Queue, Ticket, UniqueUntil
from aircraftops_data.jobs.model import (
    Body,
    Child,
    Parent,
    QueueDay,
    Reservation,
    Slot,
    Tally,
    WorkflowStatus,
    companions,
)
from aircraftops_data.jobs.states import MOVES
from aircraftops_data.model.schema import JOBS
from aircraftops_data.request import Request, Response, Transport
from aircraftops_data.translation.codec import codec_of

E = TypeVar("E", bound=Entity)


class Register(Entity, table=JOBS, entity_type="register"):
    """What a job writes under its fence: the token it wrote with, which may only rise."""

    job_id: str
    token: int

    primary = PrimaryKey("REGISTER#{job_id}", "REGISTER")


ENTITIES = (Job, Ticket, Reservation, Slot, DeadJob, Body, Child, Parent, Tally, Queue, QueueDay, Register)
_BY_TYPE = {entity.definition().entity_type: entity for entity in ENTITIES}
_MANAGED = {"version", "created_at", "updated_at"}
_DERIVED = (Ticket, Slot, DeadJob)


@dataclass(frozen=True)
class Items:
    """All items of the table at one moment."""

    entities: tuple[Entity, ...]

    @classmethod
    def read(cls, send: Callable[[Request], Response], table: str) -> Items:
        """One scan after another until there is no more; expired items are among them."""
        found: list[Entity] = []
        start: Mapping[str, Any] | None = None
        while True:
            after = {} if start is None else {"ExclusiveStartKey": start}
            response = send(Request("Scan", {"TableName": table, "ConsistentRead": True, **after}))
            found += [_entity(item) for item in response["Items"]]
            start = response.get("LastEvaluatedKey")
            if start is None:
                return cls(tuple(found))

    @classmethod
    def of(cls, core: CoreTable) -> Items:
        """All items of JobsTable."""
        return cls.read(core.runner.transport.send, core.context.names[JOBS])

    def all(self, entity: type[E]) -> list[E]:
        """The items of one kind."""
        return [item for item in self.entities if isinstance(item, entity)]

    @cached_property
    def jobs(self) -> dict[str, Job]:
        """The jobs by their ids."""
        return {job.id: job for job in self.all(Job)}


def clear(core: CoreTable) -> None:
    """Delete whatever is stored."""
    name, send = core.context.names[JOBS], core.runner.transport.send
    items = send(Request("Scan", {"TableName": name, "ConsistentRead": True}))["Items"]
    deletes = [{"DeleteRequest": {"Key": {"PK": item["PK"], "SK": item["SK"]}}} for item in items]
    for start in range(0, len(deletes), 25):
        send(Request("BatchWriteItem", {"RequestItems": {name: deletes[start : start + 25]}}))


def _entity(item: Mapping[str, Any]) -> Entity:
    entity = _BY_TYPE[item["entity_type"]["S"]]
    found: Entity = codec_of(entity.definition()).entity(item)
    return found


def assert_sound(items: Items, now: datetime) -> None:
    """What must hold at any moment, between any two writes."""
    for job in items.jobs.values():
        _assert_of_one_piece(job)
    _assert_companions(items)
    _assert_keys(items, now)
    _assert_edges(items)
    _assert_counts(items)
    for body in items.all(Body):
        assert body.expires_at == items.jobs[body.job_id].expires_at


def _assert_of_one_piece(job: Job) -> None:
    live, running = job.state.live, job.state is JobState.RUNNING
    assert (job.due_at is not None) == live
    assert (job.expires_at is None) == live
    assert (job.finished_at is None) == live
    assert (job.lease_until is not None) == running
    assert (job.slot is not None) == (running and job.limit is not None)
    assert 0 <= job.attempt <= job.max_attempts


def _plain(items: Iterable[Entity]) -> list[str]:
    return sorted(repr((type(item).__name__, item.model_dump(exclude=_MANAGED))) for item in items)


def _assert_companions(items: Items) -> None:
    """Tickets, slots and entries of the dead are exactly those the jobs call for, field by field."""
    expected = [item for job in items.jobs.values() for item in companions(job) if isinstance(item, _DERIVED)]
    stored = [item for item in items.entities if isinstance(item, _DERIVED)]
    assert _plain(stored) == _plain(expected)
    tickets = Counter(ticket.job_id for ticket in items.all(Ticket))
    assert tickets == Counter(job.id for job in items.jobs.values() if job.state.live)
    running = Counter(job.limit.key for job in items.jobs.values() if job.limit and job.state is JobState.RUNNING)
    for job in items.jobs.values():
        assert job.limit is None or running[job.limit.key] <= job.limit.most


def _assert_keys(items: Items, now: datetime) -> None:
    """Who keeps others away holds the key; who holds a key keeps others away."""
    stored = {(kept.kind, kept.key): kept for kept in items.all(Reservation)}
    for kept in stored.values():
        assert _plain([kept]) == _plain(_reservations(items.jobs[kept.job_id]))
    for job in items.jobs.values():
        for kept in _reservations(job):
            if job.unique_until is not UniqueUntil.PERIOD or (kept.expires_at and now < kept.expires_at):
                assert stored[kept.kind, kept.key].job_id == job.id


def _reservations(job: Job) -> list[Reservation]:
    return [item for item in companions(job) if isinstance(item, Reservation)]


def _assert_edges(items: Items) -> None:
    down = {(edge.parent_id, edge.job_id, edge.on_failure) for edge in items.all(Child)}
    up = {(edge.parent_id, edge.job_id, edge.on_failure) for edge in items.all(Parent)}
    assert down == up


def _assert_counts(items: Items) -> None:
    for workflow in {job.workflow for job in items.jobs.values() if job.workflow is not None}:
        parts = [tally for tally in items.all(Tally) if tally.workflow == workflow]
        states = Counter(str(job.state) for job in items.jobs.values() if job.workflow == workflow)
        expected = {name: states[name] for name in ("succeeded", "cancelled", "dead", "expired")}
        assert WorkflowStatus.of(parts) == WorkflowStatus(jobs=states.total(), **expected)
    losses = sum(job.lease_losses for job in items.jobs.values())
    assert sum(day.lease_losses for day in items.all(QueueDay)) == losses


def assert_moved(before: Items, after: Items) -> None:
    """What one write may make of the items there were: each job moves once at most, and fences rise with claims."""
    for job_id, old in before.jobs.items():
        new = after.jobs[job_id]
        if new.version == old.version:
            assert new == old
            continue
        assert new.version == old.version + 1
        assert new.state is old.state or new.state in MOVES[old.state]
        lost = new.lease_losses > old.lease_losses
        claimed = new.state is JobState.RUNNING and (lost or old.state is not JobState.RUNNING)
        assert new.fence == old.fence + claimed
    tokens = {register.job_id: register.token for register in before.all(Register)}
    for register in after.all(Register):
        assert register.token >= tokens.get(register.job_id, 0)


class Watching:
    """A transport that looks at the whole table after every write that goes through it."""

    def __init__(self, inner: Transport, table: str, now: Callable[[], datetime]) -> None:
        self._inner = inner
        self._table = table
        self._now = now
        self.items = self._read()

    def _read(self) -> Items:
        return Items.read(self._inner.send, self._table)

    def send(self, request: Request) -> Response:
        """The response; an assertion fails where the write left what may not be."""
        response = self._inner.send(request)
        if request.operation in ("TransactWriteItems", "PutItem", "UpdateItem", "DeleteItem"):
            before, self.items = self.items, self._read()
            assert_moved(before, self.items)
            assert_sound(self.items, self._now())
        return response


def watched(core: CoreTable) -> tuple[CoreTable, Watching]:
    """The same tables, looked at after every write."""
    transport = Watching(core.runner.transport, core.context.names[JOBS], core.context.clock.now)
    return type(core)(transport, core.context), transport


class First(Random):
    """Chance that always takes the first, so that all depends on the steps alone.

    Tokens are never the same twice, for an engine remembers them; of one that knows none, a `seed` makes them, and so
    the order of jobs that are due at once, depend on the steps alone as well.
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(SystemRandom().getrandbits(64) if seed is None else seed)

    def randrange(self, *bounds: int) -> int:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        """The first there is."""
        return 0

    def uniform(self, a: float, b: float) -> float:
        """No wait: only a test moves its clock."""
        return 0.0


def steady(core: CoreTable, seed: int | None = None) -> CoreTable:
    """The same tables with a chance that always takes the first."""
    return type(core)(core.runner.transport, replace(core.context, chance=Chance(First(seed))))
