"""Transactions as plans: one token as long as nothing changed, reasons in the caller's order, all or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from aircraftops_data import GSI1, CoreTable, Entity, Index, PrimaryKey, Table, Unique
from aircraftops_data.core.commit import commit, write
from aircraftops_data.core.intents import Check, Create, Delete, Move, Put
from aircraftops_data.core.targets import updating
from aircraftops_data.errors import (
    AlreadyExistsError,
    ConditionFailedError,
    ContentionError,
    InvalidInputError,
    NotFoundError,
    RequestRefusedError,
    TimeoutError,
    TransactionConflictError,
    UniqueConflictError,
)
from aircraftops_data.model.definition import Item
from aircraftops_data.request import Cancellation, Request, Response
from aircraftops_data.translation.codec import codec_of
from playing import Stage, context

PLANES = Table("Planes", indexes=(GSI1,), ttl_attribute="delete_at")


class Plane(Entity, table=PLANES, entity_type="plane"):
    """Holds a mark that no other may hold."""

    id: str
    op: str | None = None
    kind: str | None = None
    mark: str | None = None

    primary = PrimaryKey("PLANE#{id}", "PLANE")
    by_op = Index(GSI1, "OP#{op}", "KIND#{kind}")
    unique = Unique("mark")


class Note(Entity, table=PLANES, entity_type="note"):
    """Has nothing unique."""

    id: str
    text: str = ""
    op: str | None = None
    kind: str | None = None

    primary = PrimaryKey("NOTE#{id}", "NOTE")
    by_op = Index(GSI1, "NOTE_OP#{op}", "KIND#{kind}")


@pytest.fixture
def stage() -> Stage:
    """Where a plan is played."""
    return Stage()


def stored(entity: Entity, **attributes: Any) -> Item:
    """An entity as it is stored."""
    now = context().clock.now()
    known = entity.model_copy(update={"version": 1, "created_at": now, "updated_at": now})
    return {**codec_of(entity.definition()).item(known), **attributes}


def cancelled(*reasons: Item | str | None) -> TransactionConflictError:
    """The engine's no: for each action nothing, a code, or the item its condition did not hold for."""
    made = []
    for reason in reasons:
        if reason is None or isinstance(reason, str):
            made.append(Cancellation(reason or "None"))
        else:
            made.append(Cancellation("ConditionalCheckFailed", "", reason or None))
    return TransactionConflictError("cancelled", reasons=made)


def kinds(request: Request) -> list[str]:
    """What each action of a transaction is."""
    return [next(iter(action)) for action in request.parameters["TransactItems"]]


def token(request: Request) -> str:
    """The token by which the engine knows a repeated request."""
    return str(request.parameters["ClientRequestToken"])


TWO = (Create(Note(id="1")), Create(Note(id="2")))


def test_actions_keep_the_callers_order_under_one_token(stage: Stage) -> None:
    intents = [Check(Note.definition(), {"id": "9"}), *TWO, Delete(Note.definition(), {"id": "3"})]
    results = stage.play(commit(intents, context()), {})
    assert stage.operations == ["TransactWriteItems"]
    assert kinds(stage.requests[0]) == ["ConditionCheck", "Put", "Put", "Delete"]
    assert len(token(stage.requests[0])) == 32
    assert [getattr(result, "id", None) for result in results] == [None, "1", "2", None]


def test_one_write_alone_needs_no_transaction_and_one_check_does(stage: Stage) -> None:
    stage.play(commit([TWO[0]], context()), {})
    stage.play(commit([Check(Note.definition(), {"id": "9"})], context()), {})
    assert stage.operations == ["PutItem", "TransactWriteItems"]


@pytest.mark.parametrize(
    "reason", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"]
)
def test_a_conflict_that_passes_is_met_with_the_very_same_request(stage: Stage, reason: str) -> None:
    stage.play(commit(TWO, context()), cancelled(None, reason), cancelled(reason, None), {})
    assert stage.requests[0] == stage.requests[1] == stage.requests[2]
    assert len(stage.waits) == 2


def test_a_transaction_in_progress_is_met_with_the_very_same_request(stage: Stage) -> None:
    stage.play(commit(TWO, context()), ContentionError("in progress", retryable=True), {})
    assert stage.requests[0] == stage.requests[1]


def test_a_lost_answer_is_met_with_the_very_same_request(stage: Stage) -> None:
    stage.play(commit(TWO, context()), TimeoutError("lost", retryable=True), {})
    assert stage.requests[0] == stage.requests[1]


def test_another_plan_takes_another_token(stage: Stage) -> None:
    intents = [updating(Note, id="1", set={"op": "UAL"}), TWO[1]]
    moved = stored(Note(id="1", kind="new"))
    answers = ({"Item": stored(Note(id="1", kind="old"))}, cancelled(moved, None), {})
    stage.play(commit(intents, context()), *answers)
    assert stage.operations == ["GetItem", "TransactWriteItems", "TransactWriteItems"]
    assert token(stage.requests[1]) != token(stage.requests[2])
    assert stage.requests[1].parameters["TransactItems"][1] == stage.requests[2].parameters["TransactItems"][1]
    assert {"S": "KIND#new"} in values(stage.requests[2])


def values(request: Request) -> list[Any]:
    """All expression values of a transaction's actions."""
    found = [action[kind] for action in request.parameters["TransactItems"] for kind in action]
    return [value for action in found for value in action.get("ExpressionAttributeValues", {}).values()]


def test_two_transactions_never_share_a_token(stage: Stage) -> None:
    for seed in range(20):
        stage.play(commit(TWO, context(seed)), {})
    assert len({token(request) for request in stage.requests}) == 20


def test_tries_are_bounded(stage: Stage) -> None:
    with pytest.raises(ContentionError, match="3 tries"):
        stage.play(commit(TWO, context(attempts=3)), *[cancelled("TransactionConflict", None)] * 3)
    assert len(stage.waits) == 2


def test_reasons_are_told_one_per_write_in_the_callers_order(stage: Stage) -> None:
    intents = [
        Create(Note(id="1")),
        Create(Plane(id="1", mark="N1")),
        Check(Note.definition(), {"id": "2"}, Note.f.text == "x"),
        Check(Note.definition(), {"id": "3"}),
        Create(Note(id="4")),
    ]
    holder = {"PK": {"S": "UNIQUE#plane#mark#N1"}, "holder": {"M": {"PK": {"S": "PLANE#9"}, "SK": {"S": "PLANE"}}}}
    no = cancelled(stored(Note(id="1")), None, holder, stored(Note(id="2")), {}, None)
    with pytest.raises(TransactionConflictError) as caught:
        stage.play(commit(intents, context()), no)
    reasons = list(caught.value.reasons)
    assert [type(reason) for reason in reasons] == [
        AlreadyExistsError,
        UniqueConflictError,
        ConditionFailedError,
        NotFoundError,
        type(None),
    ]
    assert reasons[0].existing.id == "1"
    assert (reasons[1].constraint, reasons[1].holder) == (("mark",), {"PK": {"S": "PLANE#9"}, "SK": {"S": "PLANE"}})
    assert reasons[2].existing == note_of(stored(Note(id="2")))
    assert "0: AlreadyExistsError" in str(caught.value)


def note_of(item: Item) -> Any:
    """A stored note as an entity."""
    return codec_of(Note.definition()).entity(item)


def test_a_real_refusal_goes_before_a_conflict_that_passes(stage: Stage) -> None:
    with pytest.raises(TransactionConflictError):
        stage.play(commit(TWO, context()), cancelled("TransactionConflict", stored(Note(id="2"))))
    assert len(stage.requests) == 1


def test_what_the_engine_calls_invalid_is_told_by_its_code(stage: Stage) -> None:
    with pytest.raises(TransactionConflictError) as caught:
        stage.play(commit(TWO, context()), cancelled(None, "ValidationError"))
    reason = list(caught.value.reasons)[1]
    assert isinstance(reason, RequestRefusedError)
    assert reason.code == "ValidationError"


def test_a_transaction_that_took_effect_before_is_done(stage: Stage) -> None:
    plan = commit([TWO[0], updating(Note, id="2", set={"text": "x"})], context())
    first = next(plan)
    put = first.parameters["TransactItems"][0]["Put"]["Item"]  # type: ignore[union-attr]
    left = stored(Note(id="2", text="x"), write_id=put["write_id"])
    with pytest.raises(StopIteration) as finished:
        plan.throw(cancelled(put, left))
    created, updated = finished.value.value
    assert created.id == "1"
    assert updated is None or updated == note_of(left)


# Unique values


def test_a_unique_value_is_claimed_in_the_same_transaction(stage: Stage) -> None:
    stage.play(write(Create(Plane(id="1", mark="N1")), context()), {})
    assert kinds(stage.requests[0]) == ["Put", "Put"]
    claim = stage.requests[0].parameters["TransactItems"][1]["Put"]
    assert claim["Item"]["PK"] == {"S": "UNIQUE#plane#mark#N1"}
    assert claim["Item"]["holder"] == {"M": {"PK": {"S": "PLANE#1"}, "SK": {"S": "PLANE"}}}
    assert claim["Item"]["entity_type"] == {"S": "unique"}


def test_without_a_unique_value_nothing_is_claimed(stage: Stage) -> None:
    stage.play(write(Create(Plane(id="1")), context()), {})
    assert stage.operations == ["PutItem"]


def test_another_holder_is_told(stage: Stage) -> None:
    holder = {"holder": {"M": {"PK": {"S": "PLANE#9"}, "SK": {"S": "PLANE"}}}}
    with pytest.raises(UniqueConflictError, match="Another Plane holds this mark") as caught:
        stage.play(write(Create(Plane(id="1", mark="N1")), context()), cancelled(None, holder))
    assert caught.value.holder == holder["holder"]["M"]
    assert "N1" not in str(caught.value)


def test_a_changed_unique_value_is_handed_over(stage: Stage) -> None:
    read = {"Item": stored(Plane(id="1", mark="N1"))}
    stage.play(write(updating(Plane, id="1", set={"mark": "N2"}), context()), read, {})
    assert stage.operations == ["GetItem", "TransactWriteItems"]
    assert sorted(kinds(stage.requests[1])) == ["Delete", "Put", "Update"]


def test_an_unchanged_unique_value_costs_nothing(stage: Stage) -> None:
    read = {"Item": stored(Plane(id="1", mark="N1"))}
    stage.play(write(updating(Plane, id="1", set={"mark": "N1"}), context()), read, {"Attributes": read["Item"]})
    assert stage.operations == ["GetItem", "UpdateItem"]


def test_a_move_takes_the_unique_value_along(stage: Stage) -> None:
    here = Plane(id="1", mark="N1", version=1)
    moved = stage.play(write(Move(here, {"id": "2"}), context()), {"Item": stored(here)}, {})
    assert (moved.id, moved.version) == ("2", 2)
    assert sorted(kinds(stage.requests[-1])) == ["Delete", "Put", "Put"]


# What is refused before anything is sent


class Silent:
    """A transport that nothing may be sent through."""

    def send(self, request: Request) -> Response:
        raise AssertionError(f"sent {request}")


def test_100_actions_are_taken_and_101_are_not(stage: Stage) -> None:
    notes = [Create(Note(id=str(number))) for number in range(101)]
    stage.play(commit(notes[:100], context()), {})
    with pytest.raises(InvalidInputError, match="takes 101 actions"):
        stage.play(commit(notes, context()))
    with pytest.raises(InvalidInputError, match="takes 101 actions"):
        stage.play(commit([*notes[:99], Create(Plane(id="1", mark="N1"))], context()))


def test_two_actions_on_one_item_are_refused(stage: Stage) -> None:
    with pytest.raises(InvalidInputError, match="meet in the same item"):
        stage.play(commit([TWO[0], Put(Note(id="1"))], context()))
    with pytest.raises(InvalidInputError, match="meet in the same item"):
        stage.play(commit([TWO[0], Check(Note.definition(), {"id": "1"})], context()))


def test_a_block_that_raised_writes_nothing() -> None:
    core = CoreTable(Silent(), context())
    with pytest.raises(KeyError), core.transaction() as tx:
        tx.create(Note(id="1"))
        raise KeyError("mine")


def test_an_empty_block_writes_nothing() -> None:
    with CoreTable(Silent(), context()).transaction() as tx:
        pass
    assert tx.results == []


def test_a_transaction_that_is_over_takes_no_more() -> None:
    with CoreTable(Silent(), context()).transaction() as tx:
        pass
    with pytest.raises(InvalidInputError, match="is over"):
        tx.create(Note(id="1"))
