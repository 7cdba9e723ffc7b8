"""The engine in memory answers as DynamoDB Local does: the same requests, the same answers, item by item.

Random histories of jobs are played on both in test_job_histories.py.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from change_cases import CASES, Case, assert_done_once
from entities import SHELF
from hypothesis import given, settings
from hypothesis import strategies as st
from test_update_histories import BADGES, PLANES, History, Kind

from aircraftops_data import JOBS, CoreTable
from aircraftops_data.coordination import Locks
from aircraftops_data.errors import AircraftOpsDataError, ConflictError, StoreError
from aircraftops_data.model.conditions import (
    Attribute,
    BeginsWith,
    Between,
    Comparison,
    Condition,
    Contains,
    Exists,
    In,
    Size,
    Stored,
)
from aircraftops_data.model.schema import CORE
from aircraftops_data.request import Request
from aircraftops_data.testing import ManualClock
from aircraftops_data.translation.expressions import Changes, expressed
from sweeping import by_name, on_dynamodb_local
from twofold import twofold

pytestmark = on_dynamodb_local

Connect = Callable[..., CoreTable]
NAMES = ("a", "b", "c")


@pytest.mark.parametrize("kind", [PLANES, BADGES], ids=["planes", "badges"])
@given(data=st.data())
@settings(max_examples=15)
def test_random_histories_of_writes_are_answered_alike(connect: Connect, kind: Kind, data: st.DataObject) -> None:
    clock = ManualClock()
    history = History(twofold(connect(SHELF, clock=clock)), kind, clock)
    for step in data.draw(st.lists(kind.steps(), max_size=12)):
        history.take(step)
        history.check()


@pytest.mark.parametrize("seed", range(5))
def test_random_histories_of_locks_are_answered_alike(connect: Connect, clock: ManualClock, seed: int) -> None:
    core, random = twofold(connect(JOBS, clock=clock)), Random(seed)
    machines = [Locks(core) for _ in range(3)]
    held = [machines[0].acquire("tape", lease=timedelta(seconds=5))]
    for _ in range(60):
        machine, lock = random.choice(machines), random.choice(held[-2:])
        moves: list[Callable[[], object]] = [
            lambda: held.append(machine.acquire("tape", lease=timedelta(seconds=5))),  # noqa: B023
            lambda: clock.advance(2),
            lock.heartbeat,
            lock.release,
            lambda: machine.release("tape", lock.token),  # noqa: B023
            lambda: machine.get("tape"),  # noqa: B023
        ]
        try:
            random.choice(moves)()
        except (ConflictError, StoreError):
            continue
    assert len(held) > 3


@pytest.mark.parametrize("case", by_name(CASES))
def test_changes_made_and_undone_are_answered_alike(connect: Connect, case: Case) -> None:
    core = twofold(connect(CORE, JOBS))
    world, changes = case.prepared(lambda *tables: core)
    case.finish(world, changes)
    assert_done_once(case, world, changes, exactly=False)


# Conditions and updates that the library could write, whatever is stored

numbers = st.sampled_from(["0", "1", "-1", "1.5", "10", "1E2", "123456789012345678901234567890.25"])
texts = st.sampled_from(["", "a", "ab", "b", "é", "1", "10"])
numeric, textual = numbers.map(lambda text: {"N": text}), texts.map(lambda text: {"S": text})
members = st.sets(st.sampled_from("abc"), min_size=1).map(lambda found: {"SS": sorted(found)})
others = st.sampled_from([{"BOOL": True}, {"NULL": True}, {"L": [{"S": "a"}]}, {"M": {"x": {"N": "1"}}}])
places = st.sampled_from([*map(Attribute, NAMES), Attribute("a", ("x",)), Attribute("b", (0,))])
attributes = st.sampled_from([*map(Attribute, NAMES)])
stored = st.one_of(numeric, textual, members, others)
items = st.dictionaries(st.sampled_from(NAMES), stored)
operands = st.one_of(numeric, textual).map(Stored)
comparators = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
simple: st.SearchStrategy[Condition] = st.one_of(
    st.builds(Comparison, comparators, places, operands),
    st.builds(Comparison, comparators, attributes, st.sampled_from([Attribute("d")])),
    st.builds(Comparison, comparators, st.builds(Size, attributes), st.just(Stored({"N": "2"}))),
    st.builds(
        lambda place, ends: Between(place, *map(Stored, ends)),
        places,
        st.sampled_from(
            [
                ({"N": "0"}, {"N": "5"}),
                ({"S": "a"}, {"S": "b"}),
            ]
        ),
    ),
    st.builds(BeginsWith, places, textual.filter(lambda value: value["S"] != "").map(Stored)),
    st.builds(Contains, places, textual.filter(lambda value: value["S"] != "").map(Stored)),
    st.builds(lambda place, choices: In(place, tuple(choices)), places, st.lists(operands, min_size=1, max_size=3)),
    st.builds(Exists, places),
)
conditions = st.recursive(
    simple,
    lambda inner: st.one_of(
        inner.map(lambda found: ~found),
        st.builds(lambda left, right: left & right, inner, inner),
        st.builds(lambda left, right: left | right, inner, inner),
    ),
    max_leaves=5,
)


@pytest.fixture
def shelf(connect: Connect) -> CoreTable:
    """A table on both engines."""
    return twofold(connect(SHELF))


def parameters(core: CoreTable, **more: Any) -> dict[str, Any]:
    """Those every request has."""
    return {"TableName": core.context.names[SHELF], **more}


KEY = {"PK": {"S": "p"}, "SK": {"S": "s"}}


@given(item=items, condition=conditions)
@settings(max_examples=300)
def test_conditions_hold_alike(shelf: CoreTable, item: dict[str, Any], condition: Condition) -> None:
    send = shelf.runner.transport.send
    send(Request("PutItem", parameters(shelf, Item={**KEY, **item})))
    asked = expressed(ConditionExpression=condition)
    told = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    try:
        send(Request("DeleteItem", parameters(shelf, Key=KEY, ReturnValues="ALL_OLD", **asked, **told)))
    except AircraftOpsDataError:
        return


changes = st.builds(
    Changes,
    set=st.fixed_dictionaries({}, optional={"a": numeric}),
    remove=st.sampled_from([[], ["b"]]),
    add=st.fixed_dictionaries({}, optional={"c": st.one_of(numeric, members)}),
    set_if_absent=st.fixed_dictionaries({}, optional={"d": textual}),
    count=st.sampled_from([(), ("e",)]),
).filter(lambda made: bool(made.set or made.remove or made.add or made.set_if_absent or made.count))


@given(item=items, change=changes, there=st.booleans())
@settings(max_examples=200)
def test_updates_change_alike(shelf: CoreTable, item: dict[str, Any], change: Changes, there: bool) -> None:
    send = shelf.runner.transport.send
    send(Request("DeleteItem", parameters(shelf, Key=KEY)))
    if there:
        send(Request("PutItem", parameters(shelf, Item={**KEY, **item})))
    try:
        send(
            Request(
                "UpdateItem", parameters(shelf, Key=KEY, ReturnValues="ALL_NEW", **expressed(UpdateExpression=change))
            )
        )
    except AircraftOpsDataError:
        return


@given(bounds=st.lists(st.integers(0, 9), max_size=9), limit=st.none() | st.integers(1, 4), newest=st.booleans())
@settings(max_examples=50)
def test_pages_of_a_query_are_alike(shelf: CoreTable, bounds: list[int], limit: int | None, newest: bool) -> None:
    send = shelf.runner.transport.send
    for number in range(10):
        key = {"PK": {"S": "q"}, "SK": {"S": f"{number}"}}
        kind, rest = ("PutItem", {"Item": key}) if number in bounds else ("DeleteItem", {"Key": key})
        send(Request(kind, parameters(shelf, **rest)))
    asked = expressed(KeyConditionExpression=Comparison("=", Attribute("PK"), Stored({"S": "q"})))
    pages = parameters(shelf, **asked, ScanIndexForward=not newest, **({} if limit is None else {"Limit": limit}))
    answer = send(Request("Query", pages))
    while answer.get("LastEvaluatedKey"):
        answer = send(Request("Query", {**pages, "ExclusiveStartKey": answer["LastEvaluatedKey"]}))


@given(there=st.sets(st.integers(0, 9)), wanted=st.sets(st.integers(0, 9), min_size=1))
@settings(max_examples=30)
def test_batches_of_reads_are_alike(shelf: CoreTable, there: set[int], wanted: set[int]) -> None:
    send, name = shelf.runner.transport.send, shelf.context.names[SHELF]
    keys = [{"PK": {"S": "b"}, "SK": {"S": f"{number}"}} for number in range(10)]
    for number, key in enumerate(keys):
        kind, rest = (
            ("PutItem", {"Item": {**key, "n": {"N": "1"}}}) if number in there else ("DeleteItem", {"Key": key})
        )
        send(Request(kind, parameters(shelf, **rest)))
    asked = {name: {"Keys": [keys[number] for number in sorted(wanted)], "ConsistentRead": True}}
    answer = send(Request("BatchGetItem", {"RequestItems": asked}))
    assert len(answer["Responses"][name]) == len(there & wanted)
