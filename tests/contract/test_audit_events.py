"""Events: put once; said again they are the same, and never others; whatever is in their names, and whatever fails."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from aircraftops_data import AUDIT_EVENTS, CoreTable
from aircraftops_data.audit import Audit, AuditEvent, FieldChange
from aircraftops_data.errors import AlreadyExistsError, InvalidKeyError, ItemTooLargeError, NotFoundError, StoreError
from aircraftops_data.testing import ManualClock
from audit_over import AT, asked, audit_over, everywhere, on_local
from conftest import Connect
from faults import FAULTS, At, kind_of

MAX = "\U0001f6e9" * 256
ZONE = timezone(timedelta(hours=-9, minutes=-30))


@pytest.fixture
def core(connect: Connect, clock: ManualClock) -> CoreTable:
    """A fresh AuditEventsTable."""
    return connect(AUDIT_EVENTS, clock=clock)


@pytest.fixture
def audit(core: CoreTable) -> Audit:
    """Its events."""
    return audit_over(core)


def at(key: str, **more: Any) -> dict[str, Any]:
    """An event that is the same when it is said again."""
    return asked(occurred_at=AT, key=key, **more)


@everywhere
def test_an_event_is_read_back_as_it_was_said(audit: Audit) -> None:
    changes = [FieldChange(field="operator", before=None, after={"name": "UAL", "seats": [1, Decimal("1.5")]})]
    details = {"from": "UAL", "to": None, "n": 3, "ratio": Decimal("0.1"), "deep": {"list": [{"a": True}]}}
    said = audit.record(
        **asked(outcome="denied", source="desk", correlation_id="c-1", details=details, payload={"b": [1]}),
        occurred_at=AT,
        changes=changes,
    )
    found = audit.get("aircraft:a835af", said.id)
    assert found == said
    assert (found.actor, found.action, found.tenant, found.outcome) == (
        "user:ana",
        "aircraft.transfer",
        "acme",
        "denied",
    )
    assert (found.source, found.correlation_id, found.occurred_at, found.month) == ("desk", "c-1", AT, "2026-11")
    assert (found.details, found.payload, found.changes) == (details, '{"b":[1]}', changes)


@on_local
def test_an_event_that_is_not_there_is_not_found(audit: Audit) -> None:
    with pytest.raises(NotFoundError):
        audit.get("aircraft:a835af", "0" * 32)


SAME: dict[str, tuple[Any, Any]] = {
    "a Decimal and a float": (Decimal("1.10"), 1.1),
    "exponents": (Decimal("1E2"), 100),
    "zeros": (-0.0, 0),
    "tuple and list": ((1, (2,)), [1, [2]]),
    "a set in another order": ({"b", "a", "é"}, frozenset({"é", "a", "b"})),
    "empty sets": (set(), frozenset()),
    "one instant in two zones": (AT, AT.astimezone(ZONE)),
    "the largest numbers": (10**37, Decimal(10) ** 37),
    "bytes": (b"\0", bytearray(1)),
}
OTHER: dict[str, tuple[Any, Any]] = {
    "true and 1": (True, 1),
    "false and 0": ([False], [0]),
    "a number and its text": (1, "1"),
    "bytes and their text": (b"x", "x"),
    "a set and a list": ({1, 2}, [1, 2]),
    "nothing and an empty text": (None, ""),
    "instants a microsecond apart": (AT, AT + timedelta(microseconds=1)),
    "composed and decomposed letters": ("é", "e\u0301"),
}


@on_local
def test_an_event_said_again_in_other_spellings_is_one(audit: Audit) -> None:
    for name, (first, again) in SAME.items():
        stored = audit.record(**at(name, details={"a": first}))
        assert audit.record(**at(name, details={"a": again})) == stored, name
        assert audit.record(stored) == stored, name
    assert audit.by_resource("aircraft:a835af").count() == len(SAME)


@on_local
def test_details_and_changes_of_another_kind_are_another_event(audit: Audit) -> None:
    for name, (first, other) in OTHER.items():
        for part in ("details", "changes"):
            key = f"{name} in {part}"
            audit.record(**at(key, **{part: _part(part, first)}))
            with pytest.raises(AlreadyExistsError) as taken:
                audit.record(**at(key, **{part: _part(part, other)}))
            assert isinstance(taken.value.existing, AuditEvent), key
    assert audit.by_resource("aircraft:a835af").count() == 2 * len(OTHER)


def _part(part: str, value: Any) -> Any:
    return {"a": value} if part == "details" else [FieldChange(field="a", before=value)]


ELSE: list[dict[str, Any]] = [
    {"actor": "user:bo"},
    {"action": "aircraft.transfers"},
    {"tenant": "acm"},
    {"outcome": "failure"},
    {"source": "desk"},
    {"correlation_id": "c-1"},
    {"details": {"a": 1, "b": None}},
    {"payload": {"a": 1.0}},
    {"changes": [FieldChange(field="a", before=1, redacted="personal")]},
]


@everywhere
def test_an_event_of_the_same_id_that_says_something_else_is_refused(audit: Audit) -> None:
    same = at("k", details={"a": 1}, payload={"a": 1}, changes=[FieldChange(field="a", before=1)])
    stored = audit.record(**same)
    for other in ELSE:
        with pytest.raises(AlreadyExistsError):
            audit.record(**same | other)
    assert list(audit.by_resource("aircraft:a835af")) == [stored]


@on_local
def test_how_long_an_event_is_kept_and_where_it_lies_are_not_what_it_says(audit: Audit, clock: ManualClock) -> None:
    stored = audit.record(**at("k"))
    audit.spread("actor", "user:ana", 100)
    clock.advance(timedelta(days=3))
    assert audit.record(**at("k", expires_at=None)) == stored
    assert audit.chain("acme").append([audit.event(**at("k"))])[0].seq == 1
    assert audit.get(stored.resource, stored.id) == stored


@everywhere
def test_an_expired_event_is_hidden_but_nothing_else_takes_its_place(audit: Audit, clock: ManualClock) -> None:
    stored = audit.record(**at("k"))
    clock.advance(timedelta(days=31))
    listed = (audit.by_resource("aircraft:a835af"), audit.by_actor("user:ana"), audit.by_tenant("acme"))
    assert [(listing.all(), listing.count(), listing.first()) for listing in listed] == [([], 0, None)] * 3
    with pytest.raises(NotFoundError):
        audit.get(stored.resource, stored.id)
    assert audit.record(**at("k")).id == stored.id
    with pytest.raises(AlreadyExistsError):
        audit.record(**at("k", actor="user:bo"))


CONFUSABLE = ("a", "a#b", "a%23b", "a%b", "#", "%", "%2523", "a/b", " ", "é", "e\u0301", "\0", "🛩", "a\nb", "A", "a#")


@on_local
def test_names_of_any_letters_are_kept_apart_in_every_listing(audit: Audit) -> None:
    for name in CONFUSABLE:
        tenant = name.replace("/", "|")
        audit.record(actor=name, action=name, resource=name, tenant=tenant, correlation_id=name, source=name)
    for name in CONFUSABLE:
        tenant = name.replace("/", "|")
        listed = (
            audit.by_resource(name),
            audit.by_actor(name),
            audit.by_action(tenant, name),
            audit.by_correlation(name),
            audit.by_tenant(tenant),
            audit.by_outcome(tenant, "success"),
        )
        assert [[event.actor for event in listing] for listing in listed] == [[name]] * 6, repr(name)
        assert audit.actions(tenant) == [name]


@everywhere
def test_a_separator_in_one_name_does_not_reach_into_the_next(audit: Audit) -> None:
    audit.record(actor="u", resource="r", tenant="a#b", action="c")
    audit.record(actor="u", resource="r", tenant="a", action="b#c")
    assert [event.tenant for event in audit.by_action("a#b", "c")] == ["a#b"]
    assert [event.tenant for event in audit.by_action("a", "b#c")] == ["a"]


@pytest.mark.parametrize("name", [MAX, "#" * 256, "%" * 256], ids=["of four bytes", "of separators", "of escapes"])
@on_local
def test_the_longest_names_are_found_again(audit: Audit, name: str) -> None:
    audit.record(actor=name, action="a", resource=name, tenant=name, correlation_id=name, source=name)
    listed = (audit.by_resource(name), audit.by_actor(name), audit.by_tenant(name), audit.by_correlation(name))
    assert [listing.count() for listing in listed] == [1] * 4


@pytest.mark.parametrize("tenant", ["acme", MAX])
@on_local
def test_names_that_no_key_can_hold_are_refused_and_nothing_is_stored(audit: Audit, tenant: str) -> None:
    with pytest.raises(InvalidKeyError):
        audit.record(**asked(action=MAX, tenant=tenant))
    assert audit.by_resource("aircraft:a835af").all() == []


@on_local
def test_an_event_may_take_nearly_400_kb_and_no_more(audit: Audit) -> None:
    parts = [FieldChange(field=f"f{number}", before="x" * 40_000) for number in range(11)]
    stored = audit.record(**asked(changes=parts[:6], payload="y" * 130_000, details={"z": "z" * 16_000}))
    assert audit.by_actor("user:ana").all() == [stored]
    with pytest.raises(ItemTooLargeError):
        audit.record(**asked(changes=parts))
    assert audit.by_actor("user:ana").count() == 1


@on_local
def test_months_and_years_are_those_of_utc(audit: Audit) -> None:
    year_end = datetime(2027, 1, 1, tzinfo=UTC)
    last = audit.record(**asked(occurred_at=year_end - timedelta(microseconds=1)))
    first = audit.record(**asked(occurred_at=year_end.astimezone(ZONE)))
    assert (last.month, first.month) == ("2026-12", "2027-01")
    for listing in (audit.by_tenant("acme"), audit.by_actor("user:ana"), audit.by_resource("aircraft:a835af")):
        assert listing.all() == [last, first]
        assert listing.newest_first().all() == [first, last]


@pytest.mark.parametrize("name", FAULTS)
@on_local
def test_an_event_is_there_once_whatever_befell_any_of_its_requests(core: CoreTable, name: str) -> None:
    fault, times, kinds = FAULTS[name]
    # The layout, the holds, and the put with its notes.
    requests = ("GetItem", "Query", "TransactWriteItems")
    for place in (place for place, operation in enumerate(requests) if kind_of(operation) in kinds):
        transport = At(core.runner.transport)
        audit = audit_over(type(core)(transport, core.context))
        transport.plan(fault, place, times)
        event = audit.event(**asked(action=f"a{place}", resource=f"r{place}"))
        try:
            audit.record(event)
        except StoreError as error:
            assert error.retryable
            transport.plan(fault, -1, 0)
            audit.record(event)
        assert [found.id for found in audit.by_action("acme", f"a{place}")] == [event.id]
        assert audit.record(event).id == event.id


@everywhere
def test_a_second_event_of_an_action_and_month_takes_one_plain_put(core: CoreTable) -> None:
    transport = At(core.runner.transport)
    audit = audit_over(type(core)(transport, core.context))
    audit.record(**asked(occurred_at=AT))
    transport.plan(lambda request, send: send(request), -1, 0)
    audit.record(**asked(occurred_at=AT))
    assert transport.sent == ["PutItem"]
    audit.record(**asked(occurred_at=AT + timedelta(days=31)))
    assert transport.sent == ["PutItem", "TransactWriteItems"]
