"""Between who appends and the engine things go wrong, at each request: every event is in exactly one block."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations
from random import Random
from typing import Any

import pytest

from aircraftops_data.audit.appending import Appender, Written
from aircraftops_data.audit.block import Receipt, receipts_of
from aircraftops_data.audit.model import AuditEvent
from aircraftops_data.audit.recording import Known, record
from aircraftops_data.errors import AircraftOpsDataError, ConflictError, StoreError
from aircraftops_data.request import Plan, Request, Response, Wait
from audit_chains import World
from faults import FAULTS, At, Fault, before, conflicting, kind_of, lost_reply_then, passing

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


def tried(scene: Scene, transport: At) -> AircraftOpsDataError | None:
    """Call; what was raised."""
    try:
        scene.heard(scene.world.run(scene.call(), transport))
    except StoreError as error:
        return error
    return None


def places(prepare: Callable[[Scene], None]) -> list[str]:
    """The requests of a call where nothing goes wrong."""
    scene = set_up(prepare)
    transport = At(scene.world.engine)
    assert tried(scene, transport) is None
    scene.check()
    return transport.sent


def among(kinds: Sequence[str], fault: Fault) -> Fault:
    """The fault, where the request is of one of these kinds."""
    return lambda request, send: (fault if kind_of(request.operation) in kinds else passing)(request, send)


@scenes
def test_whatever_befalls_a_request_each_event_is_in_one_block_once_it_was_said_again(
    prepare: Callable[[Scene], None],
) -> None:
    cases = 0
    for fault, times, kinds in FAULTS.values():
        # So many times that even the deadline passes, too.
        for often in (times, 10_000):
            for at in (at for at, operation in enumerate(places(prepare)) if kind_of(operation) in kinds):
                scene = set_up(prepare)
                transport = At(scene.world.engine)
                transport.plan(among(kinds, fault), at, often)
                raised = tried(scene, transport)
                transport.plan(passing, 0, 0)
                if raised is not None:
                    assert tried(scene, transport) is None
                assert tried(scene, transport) is None
                scene.check()
                cases += 1
    print(f"{cases} cases")


@scenes
@pytest.mark.parametrize("often", [1, pytest.param(2, marks=pytest.mark.slow)], ids=["once", "twice"])
@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
@pytest.mark.parametrize("wake", [0.0, LONG_SECONDS], ids=["at once", "late"])
def test_another_acts_while_one_stands_still_at_any_request(
    prepare: Callable[[Scene], None], act: Callable[[Scene], None], wake: float, often: int
) -> None:
    """Before it arrives, and after it took effect and the answer is lost."""
    for standing in combinations(range(len(places(prepare)) + 3), often):
        for lost in (False, True):
            scene = set_up(prepare)
            transport = Standing(scene, partial(act, scene), standing, wake, lost=lost)
            try:
                scene.heard(scene.world.run(scene.call(), transport))
            except StoreError:
                scene.heard(scene.world.run(scene.call()))
            scene.heard(scene.world.run(scene.call()))
            scene.check()


class Standing:
    """An engine on whose way one stands still at some requests while another acts."""

    def __init__(
        self, scene: Scene, act: Callable[[], None], places: Sequence[int], wake: float, *, lost: bool
    ) -> None:
        self._scene = scene
        self._fault = lost_reply_then(self._meanwhile) if lost else before(self._meanwhile)
        self._act = act
        self._wake = wake
        self._places = places
        self._sent = 0

    def _meanwhile(self) -> None:
        self._act()
        self._scene.world.clock.advance(self._wake)

    def send(self, request: Request) -> Response:
        """The answer, late."""
        fault = self._fault if self._sent in self._places else passing
        self._sent += 1
        return fault(request, self._scene.world.engine.send)


@scenes
def test_what_a_process_that_died_at_any_request_left_behind_is_appended_by_another(
    prepare: Callable[[Scene], None],
) -> None:
    for at in range(len(places(prepare))):
        for arrived in (False, True):
            scene = set_up(prepare)
            hand = Hand(scene.world, scene.call())
            hand.go(at)
            if arrived:
                hand.send()
            hand.plan.close()
            scene.heard(scene.world.run(chained(scene.world, scene.mine)))
            scene.check()


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


def schedules(start: Callable[[], tuple[Scene, list[Hand]]]) -> Iterator[tuple[Scene, list[Hand]]]:
    """Every order in which the requests of some plans can arrive, each played to its end."""
    waiting: list[list[int]] = [[]]
    while waiting:
        order = waiting.pop()
        scene, hands = start()
        for place in order:
            hands[place].step()
        while left := [place for place, hand in enumerate(hands) if hand.waiting is not None]:
            waiting += [[*order, place] for place in left[1:]]
            order = [*order, left[0]]
            hands[left[0]].step()
        yield scene, hands


def played(start: Callable[[], tuple[Scene, list[Hand]]]) -> int:
    """Check every order; how many there are."""
    count = 0
    for scene, hands in schedules(start):
        for hand in hands:
            assert hand.result is not None
            scene.heard(hand.result)
        scene.check()
        count += 1
    return count


def two(first: Callable[[Scene], Plan[Receipts]], second: Callable[[Scene], Plan[Receipts]], *, begun: bool) -> int:
    """Every order of two plans' requests, over a chain that has been begun or not."""

    def start() -> tuple[Scene, list[Hand]]:
        scene = Scene()
        if begun:
            scene.other()
        scene.mine = scene.world.make(1)
        return scene, [Hand(scene.world, plan(scene)) for plan in (first, second)]

    return played(start)


def theirs(scene: Scene) -> Plan[Receipts]:
    """Other events."""
    made = scene.world.make(1)
    scene.others += made
    return chained(scene.world, made)


def mine(scene: Scene) -> Plan[Receipts]:
    """The events of the scene."""
    return chained(scene.world, scene.mine)


def found(scene: Scene) -> Plan[Receipts]:
    """The events of the scene, by one who finds them there."""
    scene.world.run(recorded(scene.world, scene.mine))
    return chained(scene.world, scene.mine)


PAIRS = {
    "different events": (mine, theirs),
    "the same events": (mine, mine),
    "the same events, left behind": (found, mine),
}


@pytest.mark.parametrize("begun", [False, True], ids=["a new chain", "a chain"])
@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_two_that_append_at_once_in_every_order_of_their_requests(pair: Any, begun: bool) -> None:
    count = two(*pair, begun=begun)
    print(f"{count} orders")
    assert count >= 70


@pytest.mark.parametrize("seed", [pytest.param(0), *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 10))])
def test_many_that_append_at_once_in_orders_by_chance(seed: int) -> None:
    """Some say what others say, some die, some get no answer."""
    random = Random(seed)
    for _ in range(60):
        scene = Scene(world=World(seed=random.randrange(10**6)))
        scene.mine = scene.world.make(5)
        hands = [Hand(scene.world, chained(scene.world, random.sample(scene.mine, 2))) for _ in range(5)]
        while left := [hand for hand in hands if hand.waiting is not None]:
            hand = random.choice(left)
            if random.random() < 0.04:
                hand.plan.close()
                hands.remove(hand)
            elif random.random() < 0.1:
                # It takes effect, and nobody hears of it.
                hand.send()
                scene.world.clock.advance(random.choice([1, LONG_SECONDS]))
                hand.step()
            else:
                hand.step()
        for hand in hands:
            scene.heard(hand.result or {})
        scene.heard(scene.world.run(chained(scene.world, scene.mine)))
        scene.check()


def test_events_may_be_said_again_with_what_they_were_put_as() -> None:
    scene = set_up(put_before)
    scene.heard(scene.world.run(scene.call()))
    scene.other()
    for _ in range(2):
        scene.heard(scene.world.run(scene.call()))
        scene.heard(scene.world.run(scene.world.an_appender().append(scene.written or [])))
    scene.check()


def test_losing_a_race_costs_no_read() -> None:
    scene = set_up(behind)
    transport = At(scene.world.engine)
    assert tried(scene, transport) is None
    assert transport.sent == ["TransactWriteItems"] * 2
    scene.check()


def test_who_loses_every_race_says_so_and_nothing_was_done() -> None:
    scene = set_up(put_before)
    transport = At(scene.world.engine)
    transport.plan(conflicting, 0, 10_000)
    assert isinstance(tried(scene, transport), StoreError)
    assert scene.world.head().size == 1
    assert scene.world.clock.monotonic() < 60
