"""Listings of events: in order of time, each event once, whatever the pages, and whatever comes in meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from aircraftops_data import AUDIT_EVENTS, CoreTable
from aircraftops_data.audit import Audit, AuditEvent
from aircraftops_data.audit.events import Events
from aircraftops_data.core.context import TableNames
from aircraftops_data.core.cursor import Cursors
from aircraftops_data.errors import CorruptItemError, InvalidCursorError, InvalidInputError
from aircraftops_data.request import Request
from aircraftops_data.testing import ManualClock
from audit_over import asked, audit_over, everywhere, on_local
from conftest import Connect

NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
BEGAN = NEW_YEAR - timedelta(days=33)
MOMENT = timedelta(microseconds=1)
FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


@pytest.fixture
def core(connect: Connect, clock: ManualClock) -> CoreTable:
    """A fresh AuditEventsTable."""
    return connect(AUDIT_EVENTS, clock=clock)


@pytest.fixture
def audit(core: CoreTable) -> Audit:
    """Its events."""
    return audit_over(core)


def recorded(audit: Audit, count: int, since: datetime = BEGAN, **more: Any) -> list[AuditEvent]:
    """So many events, 2 days apart, of three actions and all outcomes."""
    outcomes = ("success", "failure", "denied", "unknown")
    return [
        audit.record(
            **asked(action=f"a{number % 3}", outcome=outcomes[number % 4], correlation_id="c")
            | {"occurred_at": since + number * timedelta(days=2)}
            | more
        )
        for number in range(count)
    ]


LISTINGS: dict[str, Callable[[Audit], Events]] = {
    "of a resource": lambda audit: audit.by_resource("aircraft:a835af"),
    "of an actor": lambda audit: audit.by_actor("user:ana"),
    "of a tenant": lambda audit: audit.by_tenant("acme"),
    "of a correlation": lambda audit: audit.by_correlation("c"),
}


def paged(listing: Events, limit: int, between: Callable[[], object] = lambda: None) -> list[AuditEvent]:
    """All events of a listing, page by page; something may happen between two."""
    found, cursor = list[AuditEvent](), None
    while True:
        page = listing.page(limit, cursor)
        found += page.items
        if page.cursor is None:
            return found
        assert len(page.items) == limit
        cursor = page.cursor
        between()


@everywhere
def test_listings_of_nothing_are_empty(audit: Audit) -> None:
    recorded(audit, 1)
    elsewhere = (
        audit.by_resource("r"),
        audit.by_actor("u"),
        audit.by_tenant("t"),
        audit.by_correlation("x"),
        audit.by_action("acme", "nothing"),
        audit.by_outcome("acme", "denied"),
        audit.by_outcome("acme", "success", actions=[]),
        audit.by_outcome("acme", "success", actions=["a1"]),
    )
    for listing in elsewhere:
        assert (listing.all(), listing.count(), listing.first(), listing.page().items) == ([], 0, None, [])
        assert list(listing.newest_first()) == []
        assert listing.page().cursor is None


@on_local
def test_events_are_listed_in_order_over_months_actions_and_outcomes(audit: Audit) -> None:
    events = recorded(audit, 19)
    assert [event.month for event in events[::18]] == ["2026-11", "2027-01"]
    for listed in LISTINGS.values():
        assert list(listed(audit)) == listed(audit).all() == events
        assert list(listed(audit).newest_first()) == events[::-1]
        assert (listed(audit).count(), listed(audit).first()) == (19, events[0])
        assert listed(audit).newest_first().first() == events[-1]
    assert audit.by_action("acme", "a1").all() == events[1::3]
    assert audit.by_outcome("acme", "failure").all() == events[1::4]
    some = audit.by_outcome("acme", "failure", actions=["a2", "a1", "a1", "nothing"])
    assert some.all() == [event for event in events[1::4] if event.action != "a0"]
    assert audit.actions("acme") == ["a0", "a1", "a2"]


@on_local
def test_pages_of_every_size_join_to_the_whole(audit: Audit) -> None:
    events = recorded(audit, 9, timedelta(days=4) + BEGAN)
    for limit in (1, 2, 3, 8, 9, 10, 1000):
        for listed in LISTINGS.values():
            assert paged(listed(audit), limit) == events
            assert paged(listed(audit).newest_first(), limit) == events[::-1]


@pytest.mark.parametrize("limit", [0, -1, 1001])
@on_local
def test_a_page_of_no_size_is_refused_also_where_there_is_nothing(audit: Audit, limit: int) -> None:
    for listing in (audit.by_actor("x"), audit.by_resource("x"), audit.by_tenant("x", NEW_YEAR, BEGAN)):
        with pytest.raises(InvalidInputError):
            listing.page(limit)


@on_local
def test_since_and_until_are_both_included(audit: Audit) -> None:
    instants = [NEW_YEAR + step * MOMENT for step in (-2, -1, 0, 1)]
    before, last, first, after = (audit.record(**asked(occurred_at=at, correlation_id="c")) for at in instants)
    in_tokyo = NEW_YEAR.astimezone(timezone(timedelta(hours=9)))
    spans: list[Callable[[Any, Any], Events]] = [
        lambda since, until: audit.by_resource("aircraft:a835af", since, until),
        lambda since, until: audit.by_actor("user:ana", since, until),
        lambda since, until: audit.by_tenant("acme", since, until),
        lambda since, until: audit.by_correlation("c", since, until),
    ]
    for between in spans:
        assert between(instants[1], in_tokyo).all() == [last, first]
        assert between(in_tokyo, None).all() == [first, after]
        assert between(None, instants[1]).newest_first().all() == [last, before]
        assert between(None, None).count() == 4


@everywhere
def test_a_span_that_ends_before_it_begins_is_empty(audit: Audit) -> None:
    recorded(audit, 3)
    for until in (BEGAN - MOMENT, BEGAN - timedelta(days=90)):
        for listing in (
            audit.by_resource("aircraft:a835af", BEGAN, until),
            audit.by_actor("user:ana", BEGAN, until),
            audit.by_tenant("acme", BEGAN, until),
            audit.by_correlation("c", BEGAN, until),
        ):
            assert (listing.all(), listing.count(), listing.first(), listing.page().items) == ([], 0, None, [])


@on_local
def test_spans_of_far_instants_hold_all_there_is(audit: Audit) -> None:
    events = [audit.record(**asked(occurred_at=at, expires_at=None)) for at in (FIRST, LAST)]
    for listing in (audit.by_resource("aircraft:a835af", FIRST, LAST), audit.by_tenant("acme", FIRST, LAST)):
        assert listing.all() == events
        assert paged(listing.newest_first(), 1) == events[::-1]
    assert audit.by_actor("user:ana", LAST).all() == [events[1]]


@on_local
def test_a_span_of_instants_that_name_none_is_refused(audit: Audit) -> None:
    for since in (datetime(2026, 11, 21), datetime(1969, 12, 31, tzinfo=UTC)):  # noqa: DTZ001 - a naive one on purpose
        with pytest.raises(InvalidInputError):
            audit.by_actor("user:ana", since)
        with pytest.raises(InvalidInputError):
            audit.by_resource("aircraft:a835af", None, since)


@pytest.mark.parametrize("name", LISTINGS)
@on_local
def test_newest_first_meets_nothing_that_comes_in_meanwhile(audit: Audit, name: str) -> None:
    events = recorded(audit, 7)
    arriving = iter(range(100))

    def another() -> None:
        number = next(arriving)
        later = NEW_YEAR + timedelta(days=40 * number)
        audit.record(**asked(action=f"new{number}", correlation_id="c", occurred_at=later, outcome="unknown"))

    assert paged(LISTINGS[name](audit).newest_first(), 2, another) == events[::-1]


@pytest.mark.parametrize("name", LISTINGS)
@on_local
def test_oldest_first_goes_on_to_new_months_actions_and_shards(audit: Audit, name: str) -> None:
    events = recorded(audit, 5)
    arrived: list[AuditEvent] = []

    def another() -> None:
        if len(arrived) < 6:
            number = len(arrived)
            audit.spread("actor", "user:ana", number + 2)
            later = NEW_YEAR + timedelta(days=40 * number)
            arrived.append(audit.record(**asked(action=f"new{number}", correlation_id="c", occurred_at=later)))

    assert paged(LISTINGS[name](audit), 2, another) == [*events, *arrived]


@on_local
def test_events_of_one_instant_are_each_on_one_page(audit: Audit) -> None:
    events = [audit.record(**asked(action=f"a{n % 2}", resource=f"r{n}", occurred_at=BEGAN)) for n in range(9)]
    listed = paged(audit.by_tenant("acme"), 2)
    assert sorted(event.id for event in listed) == sorted(event.id for event in events)
    assert listed == sorted(events, key=lambda event: event.id) == paged(audit.by_actor("user:ana"), 4)
    assert paged(audit.by_tenant("acme").newest_first(), 2) == listed[::-1]


@on_local
def test_a_hot_value_is_spread_over_shards_and_listed_as_one(core: CoreTable, clock: ManualClock) -> None:
    audit, unaware = audit_over(core), audit_over(core)
    before = [*recorded(audit, 2), *recorded(unaware, 2, BEGAN + timedelta(days=4))]
    audit.spread("actor", "user:ana", 3)
    audit.spread("action", "acme#a0", 5)
    there = recorded(audit, 12, BEGAN + timedelta(days=8), action="a0")
    # The shard is a matter of chance: of twelve in three, one is empty in two runs of a hundred.
    assert {event.actor_shard for event in there} <= {0, 1, 2}
    assert len({event.actor_shard for event in there}) > 1
    assert len({event.action_shard for event in there}) > 1
    late = recorded(unaware, 2, BEGAN + timedelta(days=32), action="a0")
    assert {(event.actor_shard, event.action_shard) for event in late} == {(0, 0)}
    clock.advance(timedelta(minutes=1))
    caught_up = recorded(unaware, 12, BEGAN + timedelta(days=36), action="a0")
    assert len({event.actor_shard for event in caught_up}) > 1
    events = [*before, *there, *late, *caught_up]
    for listing in (audit.by_actor("user:ana"), audit_over(core).by_tenant("acme")):
        assert listing.all() == paged(listing, 4) == events
    assert audit.by_action("acme", "a0").count() == sum(event.action == "a0" for event in events)


@on_local
def test_shards_only_become_more(audit: Audit) -> None:
    audit.spread("actor", "u", 3)
    audit.spread("actor", "u", 3)
    for shards in (0, -1, 2, 101):
        with pytest.raises(InvalidInputError):
            audit.spread("actor", "u", shards)
    with pytest.raises(InvalidInputError):
        audit.spread("action", "acme#login", 101)


@on_local
def test_a_cursor_of_another_listing_is_refused(core: CoreTable) -> None:
    audit = audit_over(core)
    for tenant, action in (("a#b", "c"), ("a", "b#c"), ("a", "b")):
        for _ in range(2):
            audit.record(actor="a", action=action, resource="a", tenant=tenant, correlation_id="a")
    listings = [
        audit.by_resource("a"),
        audit.by_actor("a"),
        audit.by_correlation("a"),
        audit.by_tenant("a"),
        audit.by_action("a#b", "c"),
        audit.by_action("a", "b#c"),
        audit.by_outcome("a", "success"),
        audit.by_outcome("a", "success", actions=["b"]),
        audit.by_outcome("a", "failure"),
        audit.by_resource("a", BEGAN),
        audit.by_resource("a").newest_first(),
    ]
    cursors = [listing.page(1).cursor for listing in listings]
    for place, listing in enumerate(listings):
        for other, cursor in enumerate(cursors):
            if cursor is not None and other != place:
                with pytest.raises(InvalidCursorError):
                    listing.page(1, cursor)
    elsewhere = type(core)(core.runner.transport, replace(core.context, names=TableNames("elsewhere-")))
    with pytest.raises(InvalidCursorError):
        audit_over(elsewhere).by_resource("a").page(1, cursors[0])


@pytest.mark.parametrize(
    "last", [{}, {"id": {"S": "zz"}}, {"id": {"N": "1"}}, {"id": {"S": "F" * 32}}, {"PK": {"S": "a"}}]
)
@on_local
def test_a_cursor_that_says_no_place_is_refused(audit: Audit, last: dict[str, Any]) -> None:
    recorded(audit, 2)
    listing = audit.by_resource("aircraft:a835af")
    cursor = listing.page(1).cursor
    made_up = Cursors().write(last, getattr(listing, "_inner", listing)._scope)
    for bad in ("", "x", "é", cursor[:-1], cursor + "A", made_up):  # type: ignore[index, operator]
        with pytest.raises(InvalidCursorError):
            listing.page(1, bad)


def corrupt(core: CoreTable, event: AuditEvent) -> None:
    """Make what is stored of an event something that fits no event."""
    definition = AuditEvent.definition()
    name = core.context.names[AUDIT_EVENTS]
    change = {"UpdateExpression": "SET outcome = :none", "ExpressionAttributeValues": {":none": {"S": "none"}}}
    key = definition.key_of(event.identity())
    core.runner.transport.send(Request("UpdateItem", {"TableName": name, "Key": key, **change}))


@on_local
def test_corrupt_events_raise_or_are_skipped_or_collected(core: CoreTable) -> None:
    audit = audit_over(core)
    events = recorded(audit, 6)
    for event in events[1:4]:
        corrupt(core, event)
    whole = [events[0], *events[4:]]
    for listed in LISTINGS.values():
        with pytest.raises(CorruptItemError):
            listed(audit).all()
        with pytest.raises(CorruptItemError):
            listed(audit).page(6)
        assert listed(audit).on_corrupt("skip").all() == whole
        assert paged(listed(audit).on_corrupt("skip"), 1) == whole
        page = listed(audit).on_corrupt("collect").page(2)
        assert (page.items, len(page.corrupt)) == ([events[0], events[4]], 3)


@everywhere
def test_a_condition_narrows_a_listing_and_its_pages(audit: Audit) -> None:
    events = recorded(audit, 8)
    wanted = audit.by_tenant("acme").where(AuditEvent.f.outcome == "denied").where(AuditEvent.f.action == "a2")
    assert wanted.all() == paged(wanted, 1) == [events[2]]
    assert (wanted.count(), wanted.newest_first().first()) == (1, events[2])
