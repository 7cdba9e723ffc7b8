"""Writes as plans: the requests they send, what they make of a refusal, and when they give up; without any engine."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aircraftops_data import GSI1, GSI2, Entity, Index, PrimaryKey, Table
from aircraftops_data.core.commit import write
from aircraftops_data.core.context import Context
from aircraftops_data.core.intents import Create, Delete, Put, Replace
from aircraftops_data.core.targets import deleting, updating
from aircraftops_data.errors import (
    AlreadyExistsError,
    ConditionFailedError,
    ContentionError,
    InvalidInputError,
    ItemTooLargeError,
    NotFoundError,
    RequestRefusedError,
    StoreError,
    ThrottledError,
    TimeoutError,
    VersionConflictError,
)
from aircraftops_data.model.definition import Item
from aircraftops_data.translation.codec import codec_of
from playing import Stage, context

KEY = {"PK": {"S": "PLANE#1"}, "SK": {"S": "PLANE"}}
LOST = TimeoutError("no answer", retryable=True)


class Plane(Entity, table=Table("Planes", indexes=(GSI1, GSI2), ttl_attribute="delete_at"), entity_type="plane"):
    """Is found by its operator's fleet, and by its type."""

    id: str
    op: str | None = None
    kind: str | None = None
    mark: str | None = None
    hours: int = 0
    note: str | None = None

    primary = PrimaryKey("PLANE#{id}", "PLANE")
    by_op = Index(GSI1, "OP#{op}", "KIND#{kind}#{mark}")
    by_kind = Index(GSI2, "KIND#{kind}", "PLANE#{id}")


@pytest.fixture
def stage() -> Stage:
    """Where a plan is played."""
    return Stage()


def plane(**fields: Any) -> Plane:
    """A plane as it was read."""
    known = {"id": "1", "op": "UAL", "kind": "B738", "mark": "N1", "version": 3}
    return Plane(**{**known, **fields})


def item(**fields: Any) -> Item:
    """A plane as it is stored; None takes an attribute away."""
    now = context().clock.now()
    stored = codec_of(Plane.definition()).item(plane(created_at=now, updated_at=now))
    changed = {name: value for name, value in fields.items() if value is not None}
    return {name: value for name, value in (stored | changed).items() if fields.get(name, value) is not None}


def refused(found: Item | None) -> ConditionFailedError:
    """The engine's no, with the item it was checked against."""
    return ConditionFailedError("The condition does not hold", raw=found)


def mine(found: Item, stage: Stage) -> Item:
    """The item as the request sent first would have left it: with its write id."""
    values = stage.sent(0).get("ExpressionAttributeValues", {})
    names = {name: place for place, name in stage.sent(0).get("ExpressionAttributeNames", {}).items()}
    place = names.get("write_id", "")
    expression = stage.sent(0).get("UpdateExpression", "")
    marker = next(part for part in expression.replace("SET ", "").split(", ") if part.startswith(f"{place} = "))
    return {**found, "write_id": values[marker.split(" = ")[1].split()[0]]}


# Create


def test_create_is_one_put_where_nothing_is(stage: Stage) -> None:
    known = context()
    made = stage.play(write(Create(plane(version=0)), known), {})
    assert stage.operations == ["PutItem"]
    sent = stage.sent(0)
    assert sent["TableName"] == "t-Planes"
    assert sent["ConditionExpression"] == "(attribute_not_exists (#0) OR #1 <= :0)"
    assert sent["ExpressionAttributeNames"] == {"#0": "PK", "#1": "delete_at"}
    assert sent["ExpressionAttributeValues"] == {":0": {"N": str(int(known.clock.now().timestamp()))}}
    assert sent["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"
    assert (made.version, made.created_at, made.updated_at) == (1, known.clock.now(), known.clock.now())
    assert codec_of(Plane.definition()).entity(sent["Item"]) == made


def test_create_tells_what_is_there_already(stage: Stage) -> None:
    with pytest.raises(AlreadyExistsError) as caught:
        stage.play(write(Create(plane()), context()), refused(item(note={"S": "theirs"})))
    assert caught.value.existing.note == "theirs"


def test_create_whose_answer_was_lost_is_sent_again_and_knows_itself(stage: Stage) -> None:
    plan = write(Create(plane(version=0)), context())
    first = next(plan)
    effect = plan.throw(LOST)
    assert effect.seconds >= 0
    again = plan.send(None)
    assert again == first
    with pytest.raises(StopIteration) as finished:
        plan.throw(refused(again.parameters["Item"]))
    assert finished.value.value.version == 1


def test_an_answer_lost_three_times_is_told_as_lost(stage: Stage) -> None:
    with pytest.raises(TimeoutError):
        stage.play(write(Create(plane()), context()), LOST, LOST, LOST)
    assert stage.operations == ["PutItem"] * 3
    assert stage.requests[0] == stage.requests[1] == stage.requests[2]
    assert len(stage.waits) == 2


@pytest.mark.parametrize(
    "error", [StoreError("broken"), ThrottledError("slow", retryable=True), RequestRefusedError("wrong")]
)
def test_an_error_that_sending_again_cannot_mend_is_raised_at_once(stage: Stage, error: StoreError) -> None:
    with pytest.raises(type(error)):
        stage.play(write(Create(plane()), context()), error)
    assert stage.operations == ["PutItem"]
    assert stage.waits == []


# Update: the blind way


def test_an_update_of_fields_no_key_needs_is_one_blind_request(stage: Stage) -> None:
    intent = updating(Plane, id="1", set={"note": "x"}, add={"hours": 2})
    found = stage.play(write(intent, context()), {"Attributes": item(note={"S": "x"})})
    assert stage.operations == ["UpdateItem"]
    sent = stage.sent(0)
    assert sent["Key"] == KEY
    assert sent["ReturnValues"] == "ALL_NEW"
    assert changed(sent) == {"note", "hours", "version", "updated_at", "write_id", "former_write_id"}
    assert found.note == "x"


def changed(sent: Any) -> set[str]:
    """The attributes an update expression touches."""
    names = sent["ExpressionAttributeNames"]
    return {name for place, name in names.items() if f"{place} " in f"{sent['UpdateExpression']} ".replace(",", " ")}


def test_a_blind_update_says_on_what_it_depends(stage: Stage) -> None:
    with pytest.raises(NotFoundError):
        stage.play(write(updating(Plane, id="1", set={"note": "x"}), context()), refused(None))
    gone = item(delete_at={"N": str(int(context().clock.now().timestamp()))})
    with pytest.raises(NotFoundError):
        stage.play(write(updating(Plane, id="1", set={"note": "x"}), context()), refused(gone))


def test_an_update_at_a_version_tells_the_version_found(stage: Stage) -> None:
    with pytest.raises(VersionConflictError) as caught:
        stage.play(write(updating(Plane, id="1", version=2, set={"note": "x"}), context()), refused(item()))
    assert (caught.value.expected, caught.value.found, caught.value.existing.id) == (2, 3, "1")


def test_the_callers_condition_is_told_from_the_plans_own(stage: Stage) -> None:
    intent = updating(Plane, id="1", set={"note": "x"}, where=Plane.f.hours > 5)
    with pytest.raises(ConditionFailedError) as caught:
        stage.play(write(intent, context()), refused(item()))
    assert type(caught.value) is ConditionFailedError
    assert caught.value.existing.hours == 0
    assert stage.operations == ["UpdateItem"]


def test_an_update_whose_answer_was_lost_knows_itself(stage: Stage) -> None:
    plan = write(updating(Plane, id="1", set={"note": "x"}), context())
    stage.requests.append(next(plan))
    plan.throw(LOST)
    assert plan.send(None) == stage.requests[0]
    with pytest.raises(StopIteration) as finished:
        plan.throw(refused(mine(item(note={"S": "x"}), stage)))
    assert finished.value.value.note == "x"


# Update: keys known from the call


def test_an_update_that_gives_every_component_of_a_key_sets_the_key_blindly(stage: Stage) -> None:
    intent = updating(Plane, id="1", set={"op": "DAL", "kind": "A321", "mark": "N2"})
    stage.play(write(intent, context()), {"Attributes": item()})
    assert stage.operations == ["UpdateItem"]
    sent = stage.sent(0)
    assert {"GSI1PK", "GSI1SK", "GSI2PK", "GSI2SK"} < changed(sent)
    values = sent["ExpressionAttributeValues"].values()
    assert {"S": "OP#DAL"} in values
    assert {"S": "KIND#A321#N2"} in values
    assert "REMOVE" not in sent["UpdateExpression"]


def test_a_component_set_to_none_takes_the_whole_key_away(stage: Stage) -> None:
    intent = updating(Plane, id="1", set={"op": None, "kind": "A321", "mark": "N2"})
    stage.play(write(intent, context()), {"Attributes": item()})
    sent = stage.sent(0)
    removed = sent["UpdateExpression"].partition("REMOVE ")[2]
    names = {sent["ExpressionAttributeNames"][place] for place in removed.split(", ")}
    assert names == {"op", "GSI1PK", "GSI1SK"}


# Update: reading first


def test_an_update_that_leaves_a_component_open_reads_first_and_depends_on_what_it_read(stage: Stage) -> None:
    intent = updating(Plane, id="1", set={"op": "DAL"})
    stage.play(write(intent, context()), {"Item": item()}, {"Attributes": item(op={"S": "DAL"})})
    assert stage.operations == ["GetItem", "UpdateItem"]
    assert stage.sent(0)["ConsistentRead"] is True
    assert stage.sent(0)["Key"] == KEY
    assert guards(stage.sent(1)) == {"kind": {"S": "B738"}, "mark": {"S": "N1"}}
    assert {"S": "KIND#B738#N1"} in stage.sent(1)["ExpressionAttributeValues"].values()


def guards(sent: Any) -> dict[str, Any]:
    """The attributes a condition holds at a value, other than the ids by which a write knows itself."""
    names, values = sent["ExpressionAttributeNames"], sent["ExpressionAttributeValues"]
    words = sent["ConditionExpression"].replace("(", " ").replace(")", " ").split()
    pairs = [(words[at - 1], words[at + 1]) for at, word in enumerate(words) if word == "="]
    return {names[place]: values[value] for place, value in pairs if not names[place].endswith("write_id")}


def test_a_stale_update_goes_on_from_the_item_it_was_refused_with(stage: Stage) -> None:
    intent = updating(Plane, id="1", set={"op": "DAL"})
    moved = item(kind={"S": "A321"}, mark=None)
    answers = ({"Item": item()}, refused(moved), {"Attributes": item(op={"S": "DAL"})})
    stage.play(write(intent, context()), *answers)
    assert stage.operations == ["GetItem", "UpdateItem", "UpdateItem"]
    assert guards(stage.sent(2)) == {"kind": {"S": "A321"}}
    assert "attribute_not_exists" in stage.sent(2)["ConditionExpression"]
    assert len(stage.waits) == 1


def test_a_stale_update_of_an_item_that_is_gone_finds_nothing(stage: Stage) -> None:
    with pytest.raises(NotFoundError):
        stage.play(write(updating(Plane, id="1", set={"op": "DAL"}), context()), {"Item": item()}, refused(None))
    with pytest.raises(NotFoundError):
        stage.play(write(updating(Plane, id="1", set={"op": "DAL"}), context()), {})


def test_a_condition_that_still_fails_on_the_newer_item_is_the_callers(stage: Stage) -> None:
    intent = updating(Plane, id="1", set={"op": "DAL"}, where=Plane.f.hours > 5)
    moved = item(mark={"S": "N9"})
    with pytest.raises(ConditionFailedError) as caught:
        stage.play(write(intent, context()), {"Item": item()}, refused(moved), refused(moved))
    assert caught.value.existing.mark == "N9"
    assert stage.operations == ["GetItem", "UpdateItem", "UpdateItem"]


def beaten(seed: int, attempts: int) -> Stage:
    """Where an update was played that others beat each time."""
    stage = Stage()
    moved = [refused(item(mark={"S": f"N{number}"})) for number in range(attempts)]
    plan = write(updating(Plane, id="1", set={"op": "DAL"}), context(seed, attempts=attempts))
    with pytest.raises(ContentionError, match=f"{attempts} tries") as caught:
        stage.play(plan, {"Item": item()}, *moved)
    assert caught.value.retryable
    return stage


@given(st.integers(2, 8), st.integers(0, 2**32))
def test_tries_are_bounded_and_waits_stay_under_their_ceiling(attempts: int, seed: int) -> None:
    stage, retry = beaten(seed, attempts), context(attempts=attempts).retry
    assert stage.operations == ["GetItem", *["UpdateItem"] * attempts]
    assert len(stage.waits) == attempts - 1
    assert all(0 <= waited <= retry.ceiling(attempt) for attempt, waited in enumerate(stage.waits))
    assert stage.waits == beaten(seed, attempts).waits


def test_a_conflict_with_a_transaction_passes(stage: Stage) -> None:
    intent = updating(Plane, id="1", set={"note": "x"})
    stage.play(write(intent, context()), ContentionError("busy", retryable=True), {"Attributes": item()})
    assert stage.operations == ["UpdateItem", "UpdateItem"]
    assert stage.requests[0] == stage.requests[1]


# Update from an instance


def test_an_update_of_an_instance_depends_on_its_version(stage: Stage) -> None:
    stage.play(write(updating(plane(), set={"note": "x"}), context()), {"Attributes": item()})
    assert stage.operations == ["UpdateItem"]
    assert guards(stage.sent(0))["version"] == {"N": "3"}
    with pytest.raises(VersionConflictError) as caught:
        stage.play(write(updating(plane(), set={"note": "x"}), context()), refused(item(version={"N": "4"})))
    assert (caught.value.expected, caught.value.found) == (3, 4)


def test_an_instance_knows_its_own_identity_and_version() -> None:
    for extra in ({"id": "1"}, {"version": 3}):
        with pytest.raises(InvalidInputError, match="give neither"):
            updating(plane(), set={"note": "x"}, **extra)
        with pytest.raises(InvalidInputError, match="give neither"):
            deleting(plane(), **extra)


# Put, replace, delete


def test_a_put_is_one_update_that_counts_on_from_what_is_there(stage: Stage) -> None:
    found = stage.play(write(Put(plane(version=0, note=None)), context()), {"Attributes": item(version={"N": "8"})})
    assert stage.operations == ["UpdateItem"]
    assert found.version == 8
    assert "note" in changed(stage.sent(0))
    assert guards(stage.sent(0)) == {}


def test_a_replace_depends_on_the_version_and_tells_what_is_wrong(stage: Stage) -> None:
    stage.play(write(Replace(plane()), context()), {"Attributes": item()})
    assert stage.operations == ["UpdateItem"]
    assert guards(stage.sent(0)) == {"version": {"N": "3"}}
    with pytest.raises(VersionConflictError):
        stage.play(write(Replace(plane()), context()), refused(item(version={"N": "4"})))
    with pytest.raises(NotFoundError):
        stage.play(write(Replace(plane()), context()), refused(None))


def test_a_delete_gives_back_what_it_took_away(stage: Stage) -> None:
    intent = Delete(Plane.definition(), {"id": "1"})
    assert stage.play(write(intent, context()), {"Attributes": item()}) == plane(
        created_at=context().clock.now(), updated_at=context().clock.now()
    )
    assert stage.play(write(intent, context()), {}) is None
    assert stage.operations == ["DeleteItem", "DeleteItem"]


def test_a_delete_of_an_instance_depends_on_its_version(stage: Stage) -> None:
    with pytest.raises(VersionConflictError):
        stage.play(write(deleting(plane()), context()), refused(item(version={"N": "4"})))
    assert stage.play(write(deleting(plane()), context()), {}) is None


def test_the_time_of_a_write_is_the_clocks(stage: Stage) -> None:
    known: Context = context()
    known.clock.sleep(timedelta(hours=5).total_seconds())
    made = stage.play(write(Create(plane()), known), {})
    assert made.created_at == made.updated_at == known.clock.now()


@pytest.mark.parametrize("intended", [Create, Put, Replace])
@pytest.mark.parametrize(("field", "value"), [("hours", "many"), ("hours", None), ("mark", 5), ("id", 5)])
def test_a_copy_with_a_value_its_field_refuses_is_never_sent(intended: Any, field: str, value: Any) -> None:
    with pytest.raises(InvalidInputError, match=field):
        next(write(intended(plane().model_copy(update={field: value})), context()))


@pytest.mark.parametrize("intended", [Create, Put, Replace])
def test_an_item_over_400_kb_is_never_sent(intended: Any) -> None:
    with pytest.raises(ItemTooLargeError, match="Plane"):
        next(write(intended(plane(note="x" * 400 * 1024)), context()))


def test_a_copy_is_sent_as_its_fields_normalise_it(stage: Stage) -> None:
    stage.play(write(Create(plane().model_copy(update={"hours": "7"})), context()), {})
    assert stage.sent(0)["Item"]["hours"] == {"N": "7"}
