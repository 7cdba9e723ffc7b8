"""Filter criteria made from subscriptions let through whatever these want, and say it within AWS's limits."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aircraftops_data import Aircraft, Entity, ImageMetadata, KeyAttribute, Operator, PrimaryKey, Table
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.model.schema import StreamView
from aircraftops_data.streams.change import Change, Operation
from aircraftops_data.streams.decoding import Decoder, decode
from aircraftops_data.streams.encoding import written
from aircraftops_data.streams.filters import FILTER_LIMIT, PATTERN_LIMIT, filter_criteria, matches, problems
from aircraftops_data.streams.subscription import Subscription
from aircraftops_data.testing.stream_events import Dialect, encode
from contract.entities import Badge, Hull, Memo, Plane, Shift, Tray
from throwaway import declare

INSERT, MODIFY, REMOVE = Operation
YARD = Table("Yard", partition_key=KeyAttribute("slot", "N"), sort_key=KeyAttribute("tag", "B"))
PARK = Table("Park")
KEPT = Table("Kept", typed=False, escape_keys=False)
Slot = declare(YARD, {"slot": int, "tag": bytes}, PrimaryKey("{slot}", "{tag}"))
Visit = declare(PARK, {"tail": str, "at": str}, PrimaryKey("PLANE#{tail}", "{at}#VISIT"))
Layout = declare(PARK, {"number": int}, PrimaryKey("LAYOUT", "LAYOUT#\N{AIRPLANE}#{number:4}"))
Note = declare(KEPT, {"a": str, "b": str}, PrimaryKey("{a}#NOTE", "NOTE#{b}"))
ENTITIES: list[type[Entity]] = [Plane, Badge, Shift, Tray, Memo, Hull, Slot, Visit, Layout, Note]

DECODER = Decoder(ENTITIES)

# What a component may be, by the type of its field.
VALUES: Mapping[Any, st.SearchStrategy[Any]] = {
    str: st.text(alphabet="AB#%$ é\N{AIRPLANE}", max_size=6),
    int: st.integers(0, 9999),
    bytes: st.binary(min_size=1, max_size=6),
}
VIEWS: tuple[StreamView, ...] = ("KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES")
# What makes of an image one that does not fit, and of another an item of nobody.
MANGLED = ({"version": {"L": [{"N": "one"}]}}, {"entity_type": {"S": "plane"}}, {"entity_type": {"S": "visitor"}})


@st.composite
def items(draw: st.DrawFn, entity: type[Entity]) -> Entity:
    """An item of the entity: any key, and perhaps a note."""
    definition = entity.definition()
    bare = definition.primary.partition.template.whole or not definition.table.escape_keys
    texts = VALUES[str].map(lambda text: f"x{text.replace('#', '')}") if bare else VALUES[str]
    values: dict[str, Any] = {}
    for name in definition.primary.components:
        kind = entity.model_fields[name].annotation
        values[name] = draw(texts if kind is str else VALUES[kind])
    return entity(**values, **({"note": draw(st.sampled_from([None, "n"]))} if "note" in entity.model_fields else {}))


def raw(operation: Operation, keys: Mapping[str, Any]) -> dict[str, Any]:
    """A record of a view of keys alone, as Lambda gives it."""
    return {"eventID": "1", "eventName": operation.name, "dynamodb": {"Keys": keys, "SequenceNumber": "1"}}


SUBSCRIPTIONS = st.lists(
    st.builds(
        Subscription,
        entity=st.sampled_from([*ENTITIES, None]),
        operations=st.frozensets(st.sampled_from(Operation), min_size=1),
        changed=st.sampled_from([frozenset(), frozenset({"note"})]),
        where=st.sampled_from([None, lambda change: True, lambda change: False]),
    ),
    min_size=1,
    max_size=8,
)


@st.composite
def records(draw: st.DrawFn) -> tuple[type[Entity], dict[str, Any]]:
    """A record as Lambda gives it, of any operation and view, of an item of the entity; its images may be corrupt."""
    entity = draw(st.sampled_from(ENTITIES))
    item, operation = draw(items(entity)), draw(st.sampled_from(Operation))
    old = None if operation is INSERT else item
    new = (
        None if operation is REMOVE else item.model_copy(update={"note": "m"} if "note" in entity.model_fields else {})
    )
    record = written(old, new, table=entity.definition().table.name, view=draw(st.sampled_from(VIEWS)))
    mangled = draw(st.sampled_from([{}, *MANGLED]))
    for name in {"NewImage", "OldImage"} & record["dynamodb"].keys():
        record["dynamodb"][name] |= mangled
    return entity, record


def looks_wanted(subscription: Subscription, record: Mapping[str, Any]) -> bool:
    """Whether operation and key are as the subscription's entity has them, worked out from the templates' text."""
    if Operation[record["eventName"]] not in subscription.operations:
        return False
    parts = [] if subscription.entity is None else subscription.entity.definition().primary.parts
    return all(
        re.match(part.template.text.partition("{")[0] + ("$" if "{" not in part.template.text else ""), held)
        for part in parts
        if (held := record["dynamodb"]["Keys"].get(part.attribute.name, {}).get("S", "")) or part.template.components
    )


@given(SUBSCRIPTIONS, records())
def test_what_a_subscription_wants_is_let_through_and_of_five_entities_only_what_looks_like_it(
    subscriptions: list[Subscription], found: tuple[type[Entity], dict[str, Any]]
) -> None:
    entity, record = found
    criteria, in_kinesis = (filter_criteria(subscriptions, source=source) for source in ("dynamodb", "kinesis"))
    told = DECODER.record(record)
    if isinstance(told, Change):
        wanted = any(subscription.wants(told) for subscription in subscriptions)
    else:
        # Of an item that cannot be read the router must hear if it lies at a key of what is wanted.
        operation = Operation[record["eventName"]]
        wanted = any(operation in each.operations and each.entity in (None, entity) for each in subscriptions)
    (carried,) = encode([told], Dialect.KINESIS)["Records"]
    assert matches(criteria, record) >= wanted
    assert matches(in_kinesis, carried) == matches(criteria, record)
    if len({each.entity for each in subscriptions}) <= FILTER_LIMIT:
        assert matches(criteria, record) == any(looks_wanted(each, record) for each in subscriptions)


@given(SUBSCRIPTIONS)
def test_filters_are_ones_that_aws_takes_whatever_the_order(subscriptions: list[Subscription]) -> None:
    criteria = filter_criteria(subscriptions)
    assert problems(criteria) == []
    assert filter_criteria(reversed(subscriptions)) == criteria


def patterns(criteria: Mapping[str, Any]) -> list[Any]:
    """The patterns of criteria, out of their text."""
    return [json.loads(each["Pattern"]) for each in criteria["Filters"]]


def on(entity: type[Entity] | None, *operations: Operation) -> Subscription:
    """A subscription to these operations, or to all."""
    return Subscription(entity, frozenset(operations or Operation))


def test_an_entity_is_told_by_the_literal_parts_of_its_key() -> None:
    assert patterns(filter_criteria([on(Aircraft, INSERT, MODIFY)])) == [
        {
            "eventName": ["INSERT", "MODIFY"],
            "dynamodb": {"Keys": {"PK": {"S": [{"prefix": "AIRCRAFT#"}]}, "SK": {"S": ["AIRCRAFT"]}}},
        }
    ]


def test_what_lies_in_kinesis_is_asked_for_in_its_data() -> None:
    assert patterns(filter_criteria([on(Aircraft, REMOVE)], source="kinesis")) == [
        {
            "data": {
                "eventName": ["REMOVE"],
                "dynamodb": {"Keys": {"PK": {"S": [{"prefix": "AIRCRAFT#"}]}, "SK": {"S": ["AIRCRAFT"]}}},
            }
        }
    ]


def test_entities_that_share_a_partition_share_a_filter() -> None:
    (pattern,) = patterns(filter_criteria([on(ImageMetadata), on(Aircraft)]))
    assert pattern["dynamodb"]["Keys"] == {
        "PK": {"S": [{"prefix": "AIRCRAFT#"}]},
        "SK": {"S": ["AIRCRAFT", {"prefix": "IMAGE#"}]},
    }


def test_entities_whose_mixture_would_be_more_keep_their_own() -> None:
    assert len(patterns(filter_criteria([on(Aircraft), on(Operator)]))) == 2


def test_functions_for_one_entity_share_a_filter() -> None:
    many = [on(Aircraft, INSERT), on(Aircraft, MODIFY), on(Aircraft, REMOVE)]
    assert filter_criteria(many) == filter_criteria([on(Aircraft)])
    assert "eventName" not in patterns(filter_criteria(many))[0]


def test_a_beginning_covers_what_goes_on_from_it() -> None:
    table = Table("Nested")
    wide = declare(table, {"id": str}, PrimaryKey("BASE#{id}", "A"))
    narrow = declare(table, {"id": str}, PrimaryKey("BASE#HANGAR#{id}", "A"))
    alone = filter_criteria([on(wide)])
    assert filter_criteria([on(wide), on(narrow)]) == alone
    assert filter_criteria([on(wide), on(narrow, INSERT)]) == alone
    assert filter_criteria([on(narrow)]) != alone


def test_operations_of_all_kinds_are_not_told_apart() -> None:
    one, other = (declare(Table(f"Twin{number}"), {"id": str}, PrimaryKey("TWIN#{id}", "TWIN")) for number in range(2))
    assert "eventName" not in patterns(filter_criteria([on(one, INSERT, MODIFY), on(other, REMOVE)]))[0]


def test_a_key_that_is_one_component_says_nothing() -> None:
    assert patterns(filter_criteria([on(Hull, INSERT), on(Slot, INSERT)])) == [{"eventName": ["INSERT"]}]
    assert patterns(filter_criteria([on(Visit)])) == [{"dynamodb": {"Keys": {"PK": {"S": [{"prefix": "PLANE#"}]}}}}]


def test_everything_of_some_operations_is_asked_for_by_operation() -> None:
    assert patterns(filter_criteria([on(None, INSERT), on(Plane, INSERT)])) == [{"eventName": ["INSERT"]}]


def test_who_wants_everything_gets_no_filter() -> None:
    assert filter_criteria([on(Plane), on(None)]) == {}
    assert filter_criteria([on(None, INSERT), on(None, MODIFY, REMOVE)]) == {}
    assert filter_criteria([on(Hull)]) == {}


def test_a_record_without_anything_is_let_through_where_there_is_no_filter() -> None:
    assert matches({}, {})
    assert matches({"Filters": []}, {})


@pytest.mark.parametrize("subscriptions", [[], [Subscription(Plane, frozenset())]], ids=["none", "no operation"])
def test_filters_for_nothing_are_refused(subscriptions: list[Subscription]) -> None:
    with pytest.raises(InvalidInputError, match="Nothing is subscribed to"):
        filter_criteria(subscriptions)


def many(count: int, text: str) -> list[Any]:
    """Entities that have nothing in common, with this text in each literal of their keys."""
    table = Table(f"Many{count}")
    return [declare(table, {"id": str}, PrimaryKey(f"P{n:04}{text}#{{id}}", f"S{n:04}{text}")) for n in range(count)]


# Few and short; more than five; more than one pattern holds; more than five patterns hold; one that none holds.
@pytest.mark.parametrize(
    ("count", "text"), [(5, "L"), (12, "L"), (12, "L" * 500), (12, "L" * 990), (2, "é" * 400)], ids=range(5)
)
def test_however_much_is_wanted_it_is_said_within_the_limits(count: int, text: str) -> None:
    entities = many(count, text)
    criteria = filter_criteria(map(on, entities), source="kinesis")
    assert problems(criteria) == []
    for number, entity in enumerate(entities):
        (change,) = decode([written(None, entity(id="x"), table="t")])
        assert all(matches(criteria, record) for record in encode([change], Dialect.KINESIS)["Records"]), number


def test_a_filter_too_long_becomes_two_while_there_is_room() -> None:
    table = Table("Wide")
    entities = [declare(table, {"id": str}, PrimaryKey("P#{id}", f"S{n:03}{'L' * 200}")) for n in range(30)]
    criteria = filter_criteria(map(on, entities))
    assert len(criteria["Filters"]) == 2
    assert not matches(criteria, raw(INSERT, {"PK": {"S": "P#1"}, "SK": {"S": "T"}}))


def test_filters_that_are_joined_for_want_of_room_keep_their_operations() -> None:
    first, *others = many(8, "L")
    beside = declare(first.definition().table, {"id": str}, PrimaryKey("P0000L#{id}", "T"))
    wanted = [on(beside, REMOVE), *(on(entity, INSERT) for entity in (first, *others))]
    criteria = filter_criteria(wanted)
    assert len(criteria["Filters"]) == FILTER_LIMIT
    assert [each["eventName"] for each in patterns(criteria)].count(["REMOVE"]) == 1
    assert filter_criteria(reversed(wanted)) == criteria


def test_data_that_is_no_json_is_dropped_where_data_is_asked_for() -> None:
    record = {"kinesis": {"partitionKey": "1", "data": b64encode(b"\xff").decode()}}
    assert not matches({"data": {"a": [{"exists": False}]}}, record)
    assert matches({"partitionKey": ["1"]}, record)
    assert matches({"Filters": [{"Pattern": '{"data":{"a":[1]}}'}, {"Pattern": '{"partitionKey":["1"]}'}]}, record)


# Lambda Developer Guide, "Using event filtering with a Kinesis event source".
def test_kinesis_data_is_matched_decoded() -> None:
    order = {"record": 12345, "order": {"type": "buy", "stock": "ANYCO", "quantity": 1000}}
    record = {"kinesis": {"data": b64encode(json.dumps(order).encode()).decode()}}
    assert matches('{"data":{"order":{"type":["buy"]}}}', record)
    assert not matches('{"data":{"order":{"type":["sell"]}}}', record)


def test_problems_are_told_of_every_filter() -> None:
    filters = [{"Pattern": '{"a":[]}'}, {"Pattern": json.dumps({"a": ["x" * PATTERN_LIMIT]})}]
    assert [problem.partition(":")[0] for problem in problems({"Filters": filters})] == ["filter 1", "filter 2"]
    fine = [{"Pattern": '{"a":[1]}'}] * 6
    assert problems({"Filters": fine}) == ["6 filters; an event source mapping takes 5"]
    assert problems({"Filters": fine}, most=10) == []


@pytest.mark.parametrize("filters", [["x"], [{}], [{"Pattern": {"a": [1]}}]], ids=["text", "none", "object"])
def test_criteria_of_another_shape_are_refused(filters: Any) -> None:
    with pytest.raises(InvalidInputError, match="A filter is an object with a Pattern"):
        matches({"Filters": filters}, {})


@pytest.mark.parametrize("filters", [None, 5, {}], ids=["null", "number", "object"])
def test_criteria_without_a_list_of_filters_are_refused(filters: Any) -> None:
    with pytest.raises(InvalidInputError, match="a list of Filters"):
        matches({"Filters": filters}, {})


def test_the_template_on_the_page_has_the_filter_of_the_router_on_it() -> None:
    page = (Path(__file__).parents[1] / "docs" / "streams-lambda.md").read_text()
    (template,) = re.findall(r"Pattern: '(.*)'$", page, re.MULTILINE)
    assert filter_criteria([on(Aircraft)]) == {"Filters": [{"Pattern": template}]}
