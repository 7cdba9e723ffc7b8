"""Nothing is found in a chain that nobody tampered with, whatever time, holds and other writers do to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aircraftops_data.audit.appending import Written
from aircraftops_data.audit.block import Entry
from aircraftops_data.audit.encoding import HASHERS
from aircraftops_data.audit.model import AuditEvent, HeldEvent, LegalHold
from aircraftops_data.audit.recording import Known, record
from aircraftops_data.audit.report import FindingKind, Report
from aircraftops_data.core.commit import write
from aircraftops_data.core.intents import Create
from aircraftops_data.request import Request, Response
from audit_chains import Place, World, attributes, event, key_of

HOURS = timedelta(hours=1)


def place(entry: Entry) -> Place:
    """Where the event of an entry lies."""
    return f"RESOURCE#{entry.resource}", f"EVENT#{entry.id}"


def findings(report: Report) -> dict[FindingKind, int]:
    """How many of each kind there are."""
    return {kind: count for kind, count in report.counts.items() if count}


@cache
def grown() -> World:
    """A chain of some 40 events; it is left as it is by every test."""
    world = World()
    world.grow(1, 2, 3, 5)
    world.grow(8, 13, 8, algorithm="sha512")
    return world


def copy(*, later: timedelta = timedelta()) -> World:
    """The same chain, to do with as one likes."""
    world = World(seed=99)
    world.events = 1000
    world.clock.advance(later)
    world.lay(grown().items())
    return world


def test_every_range_of_a_chain_is_clean() -> None:
    blocks = grown().blocks()
    anchors = [grown().anchor(block.number) for block in blocks]
    for first in blocks:
        for last in blocks[first.number - 1 :]:
            report = grown().verify(first.first_seq, last.first_seq + len(last.entries) - 1)
            assert findings(report) == {
                FindingKind.OK: sum(len(each.entries) for each in blocks[first.number - 1 : last.number])
            }
        report = grown().verify(first.first_seq, anchors=anchors)
        assert report.ok
        assert report.anchored_seq == 40


def test_a_chain_that_nobody_began_is_clean() -> None:
    assert World().verify().findings == []


@given(data=st.data())
def test_any_events_that_were_due_may_be_gone_and_appending_goes_on(data: st.DataObject) -> None:
    world = copy(later=HOURS + timedelta(seconds=data.draw(st.integers(0, 45))))
    now = world.clock.now().timestamp()
    due = [entry for _, _, entry in world.entries() if (entry.expires_at or now + 1) <= now]
    gone = data.draw(st.lists(st.sampled_from(due), unique=True)) if due else []
    world.lay({place(entry): None for entry in gone})
    report = world.verify()
    assert report.ok
    assert report.counts[FindingKind.EXPIRED] == len(gone)
    world.grow(2)
    assert findings(world.verify()) == findings(report) | {FindingKind.OK: 42 - len(gone)}


def test_an_idle_chain_whose_events_are_all_gone_is_clean_and_goes_on() -> None:
    world = World()
    world.grow(3, 4, expires_at=world.clock.now() + HOURS)
    world.clock.advance(400 * 24 * HOURS)
    world.lay({place(entry): None for _, _, entry in world.entries()})
    assert findings(world.verify()) == {FindingKind.EXPIRED: 7}
    receipts = world.grow(1)
    assert [receipt.seq for receipt in receipts.values()] == [8]
    assert world.verify().ok


def test_algorithms_may_take_turns() -> None:
    world = World()
    for algorithm in [*HASHERS, *HASHERS]:
        world.grow(2, algorithm=algorithm)
        assert findings(world.verify()) == {FindingKind.OK: world.head().size}
    assert world.verify(anchors=[world.anchor(8)]).anchored_seq == 16


def again(world: World, first: AuditEvent) -> Written:
    """The same event recorded once more."""
    said = first.model_copy(update={"after_block": world.head().number})
    return Written.of(world.run(record(said, Known(), world.context)))


def test_an_event_that_expired_and_was_recorded_again_is_in_the_chain_twice_and_clean() -> None:
    world = World()
    first = event(world.context, 3, key="one")
    world.run(world.appender.append(world.write([first])))
    world.clock.advance(2 * HOURS)
    world.lay({place(world.entries()[0][2]): None})
    written = again(world, first.model_copy(update={"expires_at": world.clock.now() + HOURS}))
    assert written.fresh
    assert findings(world.verify()) == {FindingKind.UNCOMMITTED: 1}
    world.run(world.appender.append([written]))
    assert findings(world.verify()) == {FindingKind.EXPIRED: 1, FindingKind.OK: 1}


def test_an_event_that_expired_and_is_still_there_keeps_its_receipt() -> None:
    world = World()
    first = event(world.context, 3, key="one")
    receipts = world.run(world.appender.append(world.write([first])))
    world.grow(2)
    world.clock.advance(2 * HOURS)
    written = again(world, first)
    assert not written.fresh
    assert world.run(world.an_appender().append([written])) == receipts
    assert world.verify().ok


def test_every_change_of_an_event_that_was_due_and_is_still_there_is_found() -> None:
    world = World()
    world.grow(1, expires_at=world.clock.now() + HOURS)
    world.clock.advance(2 * HOURS)
    (entry,) = [entry for _, _, entry in world.entries()]
    item = world.items()[place(entry)]
    for how, other in attributes(item):
        if key_of(place(entry)).items() <= other.items():
            with world.tampered({place(entry): other}):
                assert findings(world.verify()) == {FindingKind.ALTERED: 1}, how


# Erased events


def erasure(world: World, entry: Entry) -> AuditEvent:
    """The event that says that another was erased."""
    details = {"event_id": entry.id, "leaf": entry.leaf.hex()}
    number = int(entry.resource.split(":")[1])
    return event(world.context, number, action="audit.erase", details=details, expires_at=None)


def erased(world: World) -> tuple[Entry, Place]:
    """An event was erased, and the chain says so; where the event is that says it."""
    entry = world.entries()[3][2]
    world.run(world.an_appender().append(world.write([erasure(world, entry)])))
    world.lay({place(entry): None})
    return entry, place(world.entries()[-1][2])


def test_an_event_that_was_erased_is_clean_where_the_chain_says_so() -> None:
    world = copy()
    entry, _ = erased(world)
    assert findings(world.verify()) == {FindingKind.ERASED: 1, FindingKind.OK: 40}
    assert findings(world.verify(4, 4))[FindingKind.ERASED] == 1
    assert world.verify().of(FindingKind.ERASED)[0].event_id == entry.id


def test_no_event_was_erased_because_another_was_made_to_say_so() -> None:
    world = copy()
    _, place_of_other = erased(world)
    item = world.items()[place_of_other]
    world.lay({place_of_other: {**item, "actor": {"S": "user:eve"}}})
    # Also where the range that is verified does not have that other.
    assert findings(world.verify(4, 4))[FindingKind.MISSING] == 1
    assert findings(world.verify())[FindingKind.ALTERED] == 1


def test_no_event_was_erased_because_one_that_is_in_no_block_says_so() -> None:
    world = copy()
    entry = world.entries()[3][2]
    world.write([erasure(world, entry)])
    world.lay({place(entry): None})
    assert findings(world.verify()) == {FindingKind.MISSING: 1, FindingKind.OK: 39}


# Legal holds


def held(world: World, number: int) -> Entry:
    """One of the events that expire is on hold: it no more does."""
    entry = [entry for _, _, entry in world.entries() if entry.expires_at][number]
    hold = LegalHold(name="case", reason="asked for", resource=entry.resource)
    kept = HeldEvent(resource=entry.resource, event_id=entry.id, hold="case")
    for each in (hold, kept):
        world.run(write(Create(each), world.context))
    item = world.items()[place(entry)]
    world.lay({place(entry): {name: value for name, value in item.items() if name != "expires_at"}})
    return entry


@pytest.mark.parametrize("later", [timedelta(), 2 * HOURS], ids=["before", "after"])
def test_an_event_on_hold_is_clean_before_and_after_it_would_have_expired(later: timedelta) -> None:
    world = copy(later=later)
    held(world, 2)
    assert findings(world.verify()) == {FindingKind.OK: 40}


def test_an_event_that_a_hold_kept_and_that_is_gone_is_missing() -> None:
    world = copy(later=2 * HOURS)
    entry = held(world, 2)
    world.lay({place(entry): None})
    assert findings(world.verify()) == {FindingKind.MISSING: 1, FindingKind.OK: 39}


def test_an_event_without_its_expiry_that_no_hold_keeps_is_altered() -> None:
    world = copy(later=2 * HOURS)
    entry = held(world, 2)
    world.lay({(f"HELD#{entry.resource}", f"HELD#{entry.id}#case"): None})
    assert findings(world.verify()) == {FindingKind.ALTERED: 1, FindingKind.OK: 39}


@pytest.mark.parametrize("later", [timedelta(), 2 * HOURS], ids=["before", "after"])
def test_an_event_on_hold_that_is_given_another_expiry_is_altered(later: timedelta) -> None:
    world = copy(later=later)
    entry = held(world, 2)
    item = world.items()[place(entry)]
    world.lay({place(entry): {**item, "expires_at": {"N": str((entry.expires_at or 0) + 7200)}}})
    assert findings(world.verify()) == {FindingKind.ALTERED: 1, FindingKind.OK: 39}


# Others append meanwhile


class Busy:
    """An engine at which others do something before it answers, or after: at one request, or at each."""

    def __init__(self, world: World, act: Callable[[], object], place: int | None, *, after: bool) -> None:
        self._world = world
        self._act = act
        self._place = place
        self._after = after
        self.sent = 0

    def send(self, request: Request) -> Response:
        """The answer."""
        now = self._place is None or self._place == self.sent
        self.sent += 1
        if now and not self._after:
            self._act()
        answer = self._world.engine.send(request)
        if now and self._after:
            self._act()
        return answer


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("since", [0, 5], ids=["the whole chain", "the end of it"])
@pytest.mark.parametrize("until", [None, 30], ids=["to its end", "up to an event"])
def test_a_chain_may_grow_while_it_is_verified(since: int, until: int | None, after: bool) -> None:
    quiet = Busy(copy(), lambda: None, None, after=False)
    grown().verify(since, until, transport=quiet)
    for at in (None, *range(quiet.sent)):
        world = copy()
        busy = Busy(world, lambda: world.grow(1), at, after=after)  # noqa: B023
        report = world.verify(since, until, transport=busy)
        assert report.findings == [], at
        assert busy.sent <= 3 * quiet.sent + 6
