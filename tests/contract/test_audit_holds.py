"""Legal holds: what one covers outlives its time, for as long as any covers it, and is due again afterwards."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from aircraftops_data import AUDIT_EVENTS, CoreTable
from aircraftops_data.audit import Audit, AuditEvent, FindingKind, HeldEvent, LegalHold
from aircraftops_data.audit.holding import keep_for, lift
from aircraftops_data.errors import (
    AlreadyExistsError,
    ConflictError,
    InvalidInputError,
    InvalidKeyError,
    NotFoundError,
    StoreError,
)
from aircraftops_data.testing import ManualClock
from audit_over import asked, audit_over, everywhere, on_local
from conftest import Connect
from faults import At, before, faulty, lost_reply, lost_request

MONTH = timedelta(days=31)


@pytest.fixture
def core(connect: Connect, clock: ManualClock) -> CoreTable:
    """A fresh AuditEventsTable."""
    return connect(AUDIT_EVENTS, clock=clock)


@pytest.fixture
def audit(core: CoreTable) -> Audit:
    """Its events."""
    return audit_over(core)


def case(name: str = "case-1", **covered: Any) -> LegalHold:
    """A hold of a tenant, where nothing else is said."""
    return LegalHold(name=name, reason="court", **(covered or {"tenant": "acme"}))


def due(audit: Audit, event: AuditEvent) -> Any:
    """When an event expires as it is stored."""
    return audit.core.get(AuditEvent, resource=event.resource, id=event.id, consistent=True).expires_at


@everywhere
def test_what_a_hold_covers_outlives_its_time_and_is_due_again_when_it_ends(audit: Audit, clock: ManualClock) -> None:
    held, other = audit.record(**asked()), audit.record(**asked(tenant="other"))
    for_ever = audit.record(**asked(expires_at=None))
    assert audit.hold(case()) == 2
    meanwhile = audit.record(**asked())
    assert [due(audit, event) for event in (held, for_ever, meanwhile)] == [None] * 3
    clock.advance(MONTH)
    assert audit.by_tenant("acme").count() == 3
    with pytest.raises(NotFoundError):
        audit.get(other.resource, other.id)
    assert [hold.name for hold in audit.holds()] == ["case-1"]
    assert audit.release("case-1") == 3
    assert list(audit.holds()) == []
    assert audit.by_tenant("acme").all() == [for_ever]
    clock.set(clock.now() - MONTH, backwards=True)
    assert [due(audit, event) for event in (held, for_ever, meanwhile)] == [held.expires_at, None, meanwhile.expires_at]


@on_local
def test_a_held_event_is_otherwise_as_it_was(audit: Audit) -> None:
    event = audit.record(**asked(details={"a": 1}))
    audit.hold(case())
    assert audit.get(event.resource, event.id) == event.model_copy(update={"expires_at": None})
    assert audit.record(event).id == event.id
    audit.release("case-1")
    assert audit.get(event.resource, event.id) == event


COVERING: dict[str, dict[str, Any]] = {
    "tenant": {"tenant": "acme"},
    "tenant and action": {"tenant": "acme", "action": "aircraft.transfer"},
    "actor": {"actor": "user:ana"},
    "resource": {"resource": "aircraft:a835af"},
    "all of them": {
        "tenant": "acme",
        "action": "aircraft.transfer",
        "actor": "user:ana",
        "resource": "aircraft:a835af",
    },
}


@on_local
def test_a_hold_covers_what_fits_all_that_it_names(audit: Audit) -> None:
    fits = audit.record(**asked())
    others = [audit.record(**asked(**{name: "other"})) for name in ("tenant", "action", "actor", "resource")]
    for place, (name, covered) in enumerate(COVERING.items()):
        hold = case(f"case-{place}", **covered)
        expected = [event for event in (fits, *others) if hold.covers(event)]
        assert audit.hold(hold) == len(expected), name
        assert [due(audit, event) for event in (fits, *others) if hold.covers(event)] == [None] * len(expected)
        assert audit.release(hold.name) == len(expected)
    assert [due(audit, event) for event in (fits, *others)] == [event.expires_at for event in (fits, *others)]


@on_local
def test_a_hold_of_a_time_covers_its_first_and_last_instant(audit: Audit, clock: ManualClock) -> None:
    begin, moment = clock.now(), timedelta(microseconds=1)
    instants = [begin - moment, begin, begin + timedelta(days=40), begin + timedelta(days=40) + moment]
    events = [audit.record(**asked(occurred_at=at)) for at in instants]
    assert audit.hold(case(tenant="acme", since=instants[1], until=instants[2])) == 2
    assert [due(audit, event) is None for event in events] == [False, True, True, False]
    assert audit.hold(case("backwards", tenant="acme", since=instants[2], until=instants[1])) == 0


@pytest.mark.parametrize("order", [("one", "two"), ("two", "one")])
@on_local
def test_of_two_holds_the_last_that_ends_lets_go(audit: Audit, order: tuple[str, str]) -> None:
    event = audit.record(**asked())
    assert audit.hold(case("one")) == audit.hold(case("two", actor="user:ana")) == 1
    both = audit.record(**asked())
    assert audit.release(order[0]) == 2
    assert due(audit, event) is due(audit, both) is None
    assert audit.release(order[1]) == 2
    assert (due(audit, event), due(audit, both)) == (event.expires_at, both.expires_at)
    assert list(audit.core.query(HeldEvent.primary(resource=event.resource))) == []


@on_local
def test_a_hold_placed_again_is_the_same_and_keeps_what_has_come_otherwise(core: CoreTable, audit: Audit) -> None:
    audit.record(**asked())
    assert audit.hold(case()) == 1
    with core.transaction() as transaction:
        transaction.add(audit.action(beside := audit.event(**asked())))
    assert due(audit, beside) is not None
    assert audit.hold(case()) == 1
    assert due(audit, beside) is None
    assert audit.hold(case()) == 0
    with pytest.raises(AlreadyExistsError):
        audit.hold(case(tenant="acme", action="other"))


@on_local
def test_another_process_keeps_what_a_hold_covers_within_a_minute(
    core: CoreTable, audit: Audit, clock: ManualClock
) -> None:
    other = audit_over(core)
    other.record(**asked())
    audit.hold(case())
    early = other.record(**asked())
    clock.advance(timedelta(minutes=1))
    late = other.record(**asked())
    assert (due(audit, early), due(audit, late)) == (early.expires_at, None)
    assert audit.hold(case()) == 1
    assert due(audit, early) is None
    audit.release("case-1")
    still = other.record(**asked())
    assert due(audit, still) is None
    assert audit.release("case-1") == 1
    assert due(audit, still) == still.expires_at
    clock.advance(timedelta(minutes=1))
    free = other.record(**asked())
    assert due(audit, free) == free.expires_at


@everywhere
def test_a_hold_of_nothing_in_particular_or_that_no_key_holds_is_refused(audit: Audit) -> None:
    for nothing in ({"action": "login"}, {"since": audit.context.clock.now()}):
        with pytest.raises(InvalidInputError):
            audit.hold(case(**nothing))
    with pytest.raises(InvalidKeyError):
        audit.hold(case("\U0001f6e9" * 250))
    assert list(audit.holds()) == []
    audit.record(**asked())
    with pytest.raises(NotFoundError):
        audit.release("case-1")


@on_local
def test_holds_of_any_name_are_kept_apart(audit: Audit) -> None:
    event = audit.record(**asked())
    names = ("a", "a#b", "a%23b", "#", "é", "/", "x" * 256, "#" * 256)
    for name in names:
        assert audit.hold(case(name)) == 1
    for name in names:
        assert due(audit, event) is None
        assert audit.release(name) == 1
    assert due(audit, event) == event.expires_at


@on_local
def test_an_event_on_hold_is_not_erased(audit: Audit) -> None:
    chain, event = audit.chain("acme"), audit.event(**asked())
    chain.append([event])
    audit.hold(case())
    with pytest.raises(ConflictError):
        chain.erase(event, actor="dpo", reason="asked for")
    assert chain.verify().ok
    audit.release("case-1")
    assert chain.verify().ok
    chain.erase(event, actor="dpo", reason="asked for")
    assert chain.verify().ok


@on_local
def test_an_event_that_is_taken_into_a_chain_while_on_hold_is_due_again_afterwards(
    core: CoreTable, audit: Audit, clock: ManualClock
) -> None:
    chain, alone, beside = audit.chain("acme"), audit.record(**asked()), audit.event(**asked())
    with core.transaction() as transaction:
        transaction.add(chain.action(beside))
    assert audit.hold(case()) == 2
    chain.append([alone, audit.event(**asked()), audit.event(**asked(expires_at=None))])
    clock.advance(timedelta(minutes=2))
    assert len(chain.settle()) == 1
    assert chain.verify().ok
    audit.release("case-1")
    assert due(audit, beside) == beside.expires_at
    assert chain.verify().counts[FindingKind.OK] == 4
    clock.advance(MONTH)
    for event in (alone, beside):
        core.delete(AuditEvent, resource=event.resource, id=event.id)
    report = chain.verify()
    assert (report.ok, report.counts[FindingKind.EXPIRED]) == (True, 2)


# What goes wrong


@pytest.mark.parametrize("fault", [lost_request, lost_reply], ids=["lost requests", "lost replies"])
@on_local
def test_an_event_under_a_hold_is_kept_once_recording_it_has_said_so(core: CoreTable, audit: Audit, fault: Any) -> None:
    audit.hold(case())
    for place in range(8):
        transport = At(core.runner.transport)
        watched = audit_over(type(core)(transport, core.context))
        event = watched.event(**asked(resource=f"r{place}"))
        transport.plan(fault, place, 3)
        try:
            watched.record(event)
        except StoreError:
            transport.plan(fault, -1, 0)
            watched.record(event)
        assert due(audit, event) is None, transport.sent
    assert audit.release("case-1") == 8


@on_local
def test_a_hold_and_its_end_that_fail_midway_are_finished_when_said_again(core: CoreTable, audit: Audit) -> None:
    events = [audit.record(**asked(resource=f"r{number}")) for number in range(3)]
    watched, transport = faulty(core)
    failing = audit_over(watched)
    unlucky = [lambda request, send: send(request), *[lost_request] * 30]
    transport.plan("TransactWriteItems", *unlucky)
    with pytest.raises(StoreError):
        failing.hold(case())
    assert audit.hold(case()) == 2
    assert [due(audit, event) for event in events] == [None] * 3
    transport._planned.clear()
    transport.plan("TransactWriteItems", *unlucky)
    with pytest.raises(StoreError):
        failing.release("case-1")
    assert audit.release("case-1") == 2
    assert [due(audit, event) for event in events] == [event.expires_at for event in events]


@on_local
def test_two_who_keep_an_event_for_one_hold_at_once_both_succeed(core: CoreTable, audit: Audit) -> None:
    event = audit.record(**asked())
    watched, transport = faulty(core)
    transport.plan("TransactWriteItems", before(lambda: core.runner.run(keep_for(case(), event, core.context))))
    assert not watched.runner.run(keep_for(case(), event, core.context))
    assert due(audit, event) is None


@on_local
def test_two_holds_that_come_at_once_both_keep_an_event(core: CoreTable, audit: Audit) -> None:
    watched, transport = faulty(core)
    # Without an expiry there is nothing to change beside what is noted.
    for expiry, operation in (({}, "TransactWriteItems"), ({"expires_at": None}, "PutItem")):
        event = audit.record(**asked(**expiry))
        second = partial(keep_for, case("two"), event, core.context)
        transport.plan(operation, before(lambda plan=second: core.runner.run(plan())))
        assert watched.runner.run(keep_for(case("one"), event, core.context))
        assert _held(audit, event) == ["one", "two"]
        for held in list(audit.core.query(HeldEvent.primary(resource=event.resource, event_id=event.id))):
            assert due(audit, event) is None
            core.runner.run(lift(held, core.context))
        assert due(audit, event) == event.expires_at


def _held(audit: Audit, event: AuditEvent) -> list[str]:
    query = HeldEvent.primary(resource=event.resource, event_id=event.id)
    return [held.hold for held in audit.core.query(query).consistent()]


@everywhere
def test_of_two_holds_that_end_at_once_one_lets_go(core: CoreTable, audit: Audit) -> None:
    event = audit.record(**asked())
    audit.hold(case("one"))
    audit.hold(case("two"))
    watched, transport = faulty(core)
    transport.plan("TransactWriteItems", before(lambda: audit.release("two")))
    assert audit_over(watched).release("one") == 1
    assert due(audit, event) == event.expires_at


@on_local
def test_a_hold_that_comes_as_the_last_one_ends_keeps_the_event(core: CoreTable, audit: Audit) -> None:
    event = audit.record(**asked())
    audit.hold(case("one"))
    watched, transport = faulty(core)
    transport.plan("TransactWriteItems", before(lambda: audit.hold(case("two"))))
    assert audit_over(watched).release("one") == 1
    assert due(audit, event) is None
    assert _held(audit, event) == ["two"]
    audit.release("two")
    assert due(audit, event) == event.expires_at


@on_local
def test_a_hold_that_ends_as_another_comes_lets_that_one_keep_the_event(core: CoreTable, audit: Audit) -> None:
    event = audit.record(**asked())
    audit.hold(case("one"))
    watched, transport = faulty(core)
    transport.plan("TransactWriteItems", before(lambda: audit.release("one")))
    assert audit_over(watched).hold(case("two")) == 1
    assert due(audit, event) is None
    audit.release("two")
    assert due(audit, event) == event.expires_at


@on_local
def test_an_event_that_is_gone_is_kept_for_nothing(core: CoreTable, audit: Audit) -> None:
    event = audit.record(**asked())
    audit.core.delete(AuditEvent, resource=event.resource, id=event.id)
    assert not core.runner.run(keep_for(case(), event, core.context))
    assert _held(audit, event) == []
