"""Who appends to a chain, what there is before, and a hand that drives it request by request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from aircraftops_data.audit.appending import Appender, Written
from aircraftops_data.audit.block import Receipt, receipts_of
from aircraftops_data.audit.model import AuditEvent
from aircraftops_data.audit.recording import Known, record
from aircraftops_data.errors import ConflictError
from aircraftops_data.request import Plan, Request, Wait
from audit_chains import World

Receipts = dict[str, Receipt]
# Longer than DynamoDB remembers the token of a transaction.
LONG_SECONDS = 700.0


def recorded(world: World, events: Sequence[AuditEvent]) -> Plan[list[Written]]:
    """Put events, or find them there."""
    context, found = world.a_context(), list[Written]()
    for each in events:
        found.append(Written.of((yield from record(each, Known(), context))))
    return found


def chained(world: World, events: Sequence[AuditEvent], appender: Appender | None = None) -> Plan[Receipts]:
    """Put events and append them, as one process does."""
    written = yield from recorded(world, events)
    return (yield from (appender or world.an_appender()).append(written))


@dataclass
class Scene:
    """A chain in which somebody is about to append `mine`."""

    world: World = field(default_factory=World)
    mine: list[AuditEvent] = field(default_factory=list[AuditEvent])
    appender: Appender | None = None
    written: list[Written] | None = None
    """Where they were put before."""
    receipts: Receipts = field(default_factory=Receipts)
    others: list[AuditEvent] = field(default_factory=list[AuditEvent])

    def call(self) -> Plan[Receipts]:
        """What is tried: to append them, or to put them first."""
        if self.written is not None:
            return self.used().append(self.written)
        return chained(self.world, self.mine, self.used())

    def used(self) -> Appender:
        """The one appender of the process."""
        self.appender = self.appender or self.world.an_appender()
        return self.appender

    def other(self) -> None:
        """Another appends an event of its own."""
        (made,) = self.world.make(1)
        self.others.append(made)
        self.heard(self.world.run(chained(self.world, [made])))

    def adopts_other(self) -> None:
        """Another appends an event that somebody left behind."""
        (made,) = self.world.make(1)
        self.others.append(made)
        self.world.run(recorded(self.world, [made]))
        self.heard(self.world.run(chained(self.world, [made])))

    def adopts_mine(self) -> None:
        """Another finds those of mine that are there, and appends them."""
        stored = {item["id"]["S"] for item in self.world.of("audit_event")}
        self.heard(self.world.run(chained(self.world, [each for each in self.mine if each.id in stored])))

    def heard(self, receipts: Receipts) -> None:
        """Receipts that were given: an event has one and keeps it."""
        for identifier, receipt in receipts.items():
            assert self.receipts.setdefault(identifier, receipt) == receipt

    def check(self) -> None:
        """Every event is in one block, with the receipt that was given, and the chain is whole."""
        in_chain = [receipt for block in self.world.blocks() for receipt in receipts_of(block)]
        assert Counter(receipt.event_id for receipt in in_chain) == Counter(
            each.id for each in [*self.mine, *self.others]
        )
        assert {receipt.event_id: receipt for receipt in in_chain} == self.receipts
        assert self.world.verify().findings == []


# What there is before


def first_block(scene: Scene) -> None:
    """There is no chain."""
    scene.mine = scene.world.make(2)


def next_block(scene: Scene) -> None:
    """There is a chain, and what is known of it is so."""
    scene.other()
    scene.world.run(scene.used().known())
    first_block(scene)


def put_before(scene: Scene) -> None:
    """The events were just put."""
    next_block(scene)
    scene.written = scene.world.run(recorded(scene.world, scene.mine))


def behind(scene: Scene) -> None:
    """Others have appended since."""
    put_before(scene)
    scene.other()
    scene.other()


def behind_adopted(scene: Scene) -> None:
    """Others have appended what somebody left behind."""
    put_before(scene)
    scene.adopts_other()


def adopted(scene: Scene) -> None:
    """Others have appended these very events."""
    put_before(scene)
    scene.adopts_mine()


def half_adopted(scene: Scene) -> None:
    """Others have appended one of these events."""
    put_before(scene)
    both, scene.mine = scene.mine, scene.mine[:1]
    scene.adopts_mine()
    scene.mine = both


def left_behind(scene: Scene) -> None:
    """Somebody put the events and died."""
    next_block(scene)
    scene.world.run(recorded(scene.world, scene.mine))
    scene.other()


def partly_left_behind(scene: Scene) -> None:
    """Somebody put one of the events and died."""
    next_block(scene)
    scene.world.run(recorded(scene.world, scene.mine[:1]))


def there_already(scene: Scene) -> None:
    """The events are in the chain."""
    next_block(scene)
    scene.heard(scene.world.run(chained(scene.world, scene.mine)))
    scene.other()


SCENES: dict[str, Callable[[Scene], None]] = {
    made.__name__.replace("_", " "): made
    for made in (
        first_block,
        next_block,
        put_before,
        behind,
        behind_adopted,
        adopted,
        half_adopted,
        left_behind,
        partly_left_behind,
        there_already,
    )
}
scenes = pytest.mark.parametrize("prepare", SCENES.values(), ids=SCENES)
ACTS: dict[str, Callable[[Scene], None]] = {
    "appends": Scene.other,
    "appends what was left behind": Scene.adopts_other,
    "appends the same": Scene.adopts_mine,
}


def set_up(prepare: Callable[[Scene], None]) -> Scene:
    """A scene before anything goes wrong."""
    scene = Scene()
    prepare(scene)
    return scene


# Step by step


@dataclass
class Hand:
    """A plan that is driven request by request."""

    world: World
    plan: Plan[Receipts]
    result: Receipts | None = None
    waiting: Request | None = None

    def __post_init__(self) -> None:
        self._resume(partial(next, self.plan))

    def _resume(self, step: Callable[[], Any]) -> None:
        """Go on to the next request; waits are over at once."""
        try:
            effect = step()
            while isinstance(effect, Wait):
                self.world.clock.advance(effect.seconds)
                effect = self.plan.send(None)
            self.waiting = effect
        except StopIteration as ended:
            self.result, self.waiting = ended.value, None

    def send(self) -> Callable[[], Any]:
        """Have the engine do what is asked for; how the plan goes on once it hears of it."""
        assert self.waiting is not None
        try:
            answer = self.world.engine.send(self.waiting)
        except ConflictError as error:
            return partial(self.plan.throw, error)
        return partial(self.plan.send, answer)

    def step(self) -> None:
        """One request and its answer."""
        self._resume(self.send())

    def go(self, steps: int) -> None:
        """So many of them."""
        for _ in range(steps):
            self.step()
