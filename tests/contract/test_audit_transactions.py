"""Events as part of transactions, and alongside every change a repository makes: both are there, or neither."""

from __future__ import annotations

import pytest

from aircraftops_data import Aircraft, AircraftOps, Owner
from aircraftops_data.audit import Audit, FieldChange, SecretPolicy
from aircraftops_data.audit.model import KnownAction, KnownMonth
from aircraftops_data.errors import AlreadyExistsError, InvalidInputError, SecretFoundError, TransactionConflictError
from audit_over import AT, asked, audit_over, everywhere, on_local
from faults import before, faulty, lost_reply

PLANE = Aircraft(icao24="a835af", operator="UAL")


@pytest.fixture
def audit(aircraft_ops: AircraftOps) -> Audit:
    """The events beside aircraft."""
    return audit_over(aircraft_ops.core)


@everywhere
def test_an_event_of_a_transaction_is_there_with_the_rest(aircraft_ops: AircraftOps, audit: Audit) -> None:
    with aircraft_ops.core.transaction() as transaction:
        transaction.put(PLANE)
        transaction.add(audit.action(audit.event(**asked(details={"a": 1}))))
    assert aircraft_ops.aircraft.get("a835af").operator == "UAL"
    (found,) = audit.by_actor("user:ana")
    assert (found, found.details, found.version) == (transaction.results[1], {"a": 1}, 1)
    assert audit.by_tenant("acme").all() == [found]
    assert audit.actions("acme") == ["aircraft.transfer"]


@everywhere
def test_an_event_of_a_transaction_that_is_refused_is_not_there(aircraft_ops: AircraftOps, audit: Audit) -> None:
    aircraft_ops.aircraft.create(PLANE)
    for _ in range(2):
        with pytest.raises(TransactionConflictError) as refused, aircraft_ops.core.transaction() as transaction:
            transaction.create(PLANE)
            transaction.add(audit.action(audit.event(**asked())))
        assert [type(reason) for reason in refused.value.reasons] == [AlreadyExistsError, type(None)]
    assert audit.by_resource("aircraft:a835af").all() == []
    assert audit.actions("acme") == []
    # What was not noted then is noted now.
    audit.record(**asked())
    assert audit.by_tenant("acme").count() == 1


@on_local
def test_an_event_that_is_there_already_refuses_a_transaction(aircraft_ops: AircraftOps, audit: Audit) -> None:
    event = audit.record(**asked(occurred_at=AT, key="k"))
    for again in (event, audit.event(**asked(occurred_at=AT, key="k", actor="user:bo"))):
        with pytest.raises(TransactionConflictError) as refused, aircraft_ops.core.transaction() as transaction:
            transaction.put(PLANE)
            transaction.add(audit.action(again))
        assert isinstance(refused.value.reasons[1], AlreadyExistsError)
    assert aircraft_ops.aircraft.find("a835af") is None


@everywhere
def test_two_events_of_one_new_action_take_its_notes_once(aircraft_ops: AircraftOps, audit: Audit) -> None:
    watched, transport = faulty(aircraft_ops.core)
    with watched.transaction() as transaction:
        for resource in ("a", "b", "c"):
            transaction.add(audit.action(audit.event(**asked(resource=resource, occurred_at=AT))))
    (request,) = transport.sent
    assert len(request.parameters["TransactItems"]) == 3 + 2
    assert audit.by_action("acme", "aircraft.transfer").count() == 3
    with watched.transaction() as transaction:
        transaction.add(audit.action(audit.event(**asked(resource="d", occurred_at=AT))))
        transaction.put(PLANE)
    assert len(transport.sent[-1].parameters["TransactItems"]) == 2
    core = aircraft_ops.core
    assert [(known.action, known.month) for known in core.query(KnownAction.primary(tenant="acme"))] == [
        ("aircraft.transfer", "2026-11")
    ]
    assert [known.month for known in core.query(KnownMonth.primary())] == ["2026-11"]


@on_local
def test_the_same_event_twice_in_a_transaction_is_refused(aircraft_ops: AircraftOps, audit: Audit) -> None:
    event = audit.event(**asked())
    with pytest.raises(InvalidInputError), aircraft_ops.core.transaction() as transaction:
        transaction.add(audit.action(event))
        transaction.add(audit.action(event))
    assert audit.by_actor("user:ana").count() == 0


@on_local
def test_a_transaction_whose_answer_was_lost_leaves_one_event(aircraft_ops: AircraftOps, audit: Audit) -> None:
    watched, transport = faulty(aircraft_ops.core)
    transport.plan("TransactWriteItems", lost_reply, lost_reply)
    with watched.transaction() as transaction:
        transaction.create(PLANE)
        transaction.add(audit.action(audit.event(**asked())))
    assert transport.operations == ["TransactWriteItems"] * 3
    assert audit.by_tenant("acme").count() == 1


# Along with changes


@on_local
def test_every_operation_of_a_repository_is_told(aircraft_ops: AircraftOps, audit: Audit) -> None:
    aircraft = aircraft_ops.aircraft.along_with(audit.changes(actor="user:ana", tenant="acme"))
    aircraft.create(PLANE)
    aircraft.put(Aircraft(icao24="a835af", operator="DAL"))
    aircraft.replace(aircraft_ops.aircraft.get("a835af").model_copy(update={"operator": "AAL"}))
    changed = aircraft.update(aircraft.get("a835af"), operator=None, model="B738")
    aircraft.delete(changed)
    events = audit.by_resource("aircraft:a835af").all()
    assert [event.action for event in events] == [
        f"aircraft.{operation}" for operation in ("create", "put", "replace", "update", "delete")
    ]
    assert [[(c.field, c.before, c.after) for c in event.changes] for event in events] == [
        [("icao24", None, "a835af"), ("operator", None, "UAL")],
        [("operator", "UAL", "DAL")],
        [("operator", "DAL", "AAL")],
        [("model", None, "B738"), ("operator", "AAL", None)],
        [("icao24", "a835af", None), ("model", "B738", None)],
    ]
    assert {(event.actor, event.tenant, event.outcome) for event in events} == {("user:ana", "acme", "success")}


@on_local
def test_a_change_that_is_refused_or_changes_nothing_is_not_told(aircraft_ops: AircraftOps, audit: Audit) -> None:
    aircraft = aircraft_ops.aircraft.along_with(audit.changes(actor="user:ana"))
    aircraft.create(PLANE)
    with pytest.raises(AlreadyExistsError):
        aircraft.create(PLANE)
    aircraft.delete(Aircraft(icao24="abcdef"))
    assert [event.action for event in audit.by_actor("user:ana")] == ["aircraft.create"]


@on_local
def test_what_is_asked_for_goes_before_what_a_change_says(aircraft_ops: AircraftOps, audit: Audit) -> None:
    told = audit.changes(actor="user:ana", action="fleet.join", resource="fleet:1", details={"ticket": 7})
    aircraft_ops.aircraft.along_with(told).create(PLANE)
    (event,) = audit.by_resource("fleet:1")
    assert (event.action, event.details, event.tenant) == ("fleet.join", {"ticket": 7}, "default")
    assert [change.field for change in event.changes] == ["icao24", "operator"]


@everywhere
def test_a_change_that_another_came_before_is_told_as_it_was_made(aircraft_ops: AircraftOps, audit: Audit) -> None:
    made = aircraft_ops.aircraft.create(PLANE)
    watched, transport = faulty(aircraft_ops.core)
    another = before(lambda: aircraft_ops.aircraft.update(made, operator="DAL"))
    transport.plan("TransactWriteItems", another, lost_reply)
    watched.along_with(audit.changes(actor="user:ana")).update(Aircraft, icao24="a835af", set={"operator": "AAL"})
    (event,) = audit.by_actor("user:ana")
    assert [(c.field, c.before, c.after) for c in event.changes] == [("operator", "DAL", "AAL")]
    assert transport.operations == ["GetItem", *["TransactWriteItems"] * 3]


@on_local
def test_what_moves_to_another_key_is_told_under_the_new_one(aircraft_ops: AircraftOps, audit: Audit) -> None:
    made = aircraft_ops.aircraft.create(PLANE)
    aircraft_ops.core.along_with(audit.changes(actor="user:ana")).move(made, icao24="a835b0")
    (event,) = audit.by_resource("aircraft:a835b0")
    assert event.action == "aircraft.move"
    assert [(c.field, c.before, c.after) for c in event.changes] == [("icao24", "a835af", "a835b0")]


@on_local
def test_changes_in_a_transaction_are_told_each_by_an_event(aircraft_ops: AircraftOps, audit: Audit) -> None:
    told = aircraft_ops.core.along_with(audit.changes(actor="user:ana", tenant="acme"))
    with told.transaction() as transaction:
        transaction.create(PLANE)
        transaction.create(Aircraft(icao24="a835b0"))
    assert sorted(event.resource for event in audit.by_tenant("acme")) == ["aircraft:a835af", "aircraft:a835b0"]
    with pytest.raises(TransactionConflictError), told.transaction() as transaction:
        transaction.update(Aircraft, icao24="a835af", set={"operator": "DAL"})
        transaction.create(Aircraft(icao24="a835b0"))
    assert audit.by_tenant("acme").count() == 2


@on_local
def test_personal_fields_are_named_without_their_values(aircraft_ops: AircraftOps, audit: Audit) -> None:
    owners = aircraft_ops.owners.along_with(audit.changes(actor="user:ana"))
    made = owners.create(Owner(owner_id="o1", kind="INDIVIDUAL", name="Ada Lovelace", state="London"))
    owners.delete(owners.replace(made.model_copy(update={"name": "Ada King"})))
    events = audit.by_actor("user:ana").all()
    assert len(events) == 3
    told = [change for event in events for change in event.changes if change.field in ("name", "state")]
    assert [(c.before, c.after, c.redacted) for c in told] == [(None, None, "personal")] * 5
    assert "Ada" not in repr(events)
    assert "London" not in repr(events)


@on_local
def test_a_switched_off_audit_lets_changes_through_and_stores_nothing(aircraft_ops: AircraftOps) -> None:
    off = audit_over(aircraft_ops.core, enabled=False)
    aircraft = aircraft_ops.aircraft.along_with(off.changes(actor="user:ana", tenant="acme"))
    made = aircraft.create(PLANE)
    changed = aircraft.update(made, operator="DAL")
    with aircraft_ops.core.transaction() as transaction:
        transaction.add(off.action(off.event(**asked())))
        transaction.put(Aircraft(icao24="a835b0"))
    with aircraft_ops.core.transaction() as transaction:
        transaction.add(off.action(off.event(**asked())))
    off.record(**asked())
    aircraft.delete(changed)
    assert off.by_tenant("acme").all() == off.by_resource("aircraft:a835af").all() == []


@everywhere
def test_an_event_that_was_made_by_hand_is_seen_through_all_the_same(aircraft_ops: AircraftOps, audit: Audit) -> None:
    token = "ghp_" + "a" * 36
    clean = audit.event(**asked(payload=1))
    changes = [FieldChange(field="api_key", before="k-123456789", after=token)]
    made = clean.model_copy(update={"details": {"note": token}, "payload": f'["{token}"]', "changes": changes})
    with aircraft_ops.core.transaction() as transaction:
        transaction.add(audit.action(made))
    (stored,) = audit.by_actor("user:ana")
    assert stored == audit.record(made)
    assert repr(stored).count("[redacted: ") == 4
    assert token not in repr(stored)
    assert "k-123456789" not in repr(stored)
    refusing = audit_over(aircraft_ops.core, secrets=SecretPolicy.REFUSE)
    with pytest.raises(SecretFoundError):
        refusing.record(made)
    with pytest.raises(SecretFoundError):
        refusing.action(made)
    keeping = audit_over(aircraft_ops.core, secrets=SecretPolicy.ALLOW, store_payload=False)
    with pytest.raises(AlreadyExistsError):
        keeping.record(made)
    allowed = keeping.record(made.model_copy(update={"id": made.id[:-1] + ("0" if made.id[-1] != "0" else "1")}))
    assert (allowed.details, allowed.payload) == ({"note": token}, None)
