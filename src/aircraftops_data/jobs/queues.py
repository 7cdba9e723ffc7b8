"""Queues: what is set for one as a whole, and how what is set is known without asking each time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from aircraftops_data.core.asking import finding
from aircraftops_data.core.commit import write
from aircraftops_data.core.context import Context
from aircraftops_data.core.intents import Create, Replace
from aircraftops_data.errors import AlreadyExistsError, InvalidInputError
from aircraftops_data.jobs.model import Queue
from aircraftops_data.request import Plan


@dataclass
class KnownQueues:
    """The settings of queues as they were a few seconds ago at most."""

    fresh_for: timedelta = timedelta(seconds=5)
    _known: dict[str, tuple[datetime, Queue]] = field(default_factory=dict[str, tuple[datetime, Queue]])

    def last(self, name: str) -> Queue:
        """What was last known, however long ago. Fewer shards than there are do no harm to who enqueues."""
        return self._known[name][1] if name in self._known else Queue(name=name)

    def read(self, name: str, context: Context) -> Plan[Queue]:
        """The settings of a queue, which this makes known where nobody has used it yet. 1 read unit when not fresh."""
        known, now = self._known.get(name), context.clock.now()
        if known is not None and now - known[0] < self.fresh_for:
            return known[1]
        return self.keep((yield from _found_or_made(name, context)), now)

    def keep(self, queue: Queue, now: datetime) -> Queue:
        """Remember these settings."""
        self._known[queue.name] = (now, queue)
        return queue


def queue_named(name: str, context: Context) -> Plan[Queue | None]:
    """A queue as it is set; None for one that nobody has used yet. 1 read unit."""
    return finding(Queue, {"name": name}, context, consistent=True, expired=True)


def _found_or_made(name: str, context: Context) -> Plan[Queue]:
    found = yield from queue_named(name, context)
    if found is not None:
        return found
    try:
        return (yield from write(Create(Queue(name=name)), context)) or Queue(name=name)
    except AlreadyExistsError as other:
        return cast("Queue", other.existing)


def change_queue(name: str, context: Context, *, shards: int | None = None, paused: bool | None = None) -> Plan[Queue]:
    """Set what is given for a queue. Raises InvalidInputError for fewer shards, VersionConflictError in a race."""
    before = yield from _found_or_made(name, context)
    if shards is not None and shards < before.shards:
        raise InvalidInputError(f"Queue {name!r} has {before.shards} shards; jobs may wait in each, so none can go")
    changes = {"shards": shards or before.shards}
    paused_at = before.paused_at if paused is None else ((before.paused_at or context.clock.now()) if paused else None)
    changed = before.model_copy(update={**changes, "paused_at": paused_at})
    return (yield from write(Replace(changed), context)) or changed
