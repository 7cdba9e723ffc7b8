"""Records come out of whatever wraps them, named as the answer to their batch names them; in every dialect and view."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aircraftops_data import PrimaryKey, Table
from aircraftops_data.errors import InvalidInputError, UnknownEventError
from aircraftops_data.model.schema import StreamView
from aircraftops_data.streams import Cause, Change, Decoder, Operation, Poison, PoisonKind, decode
from aircraftops_data.streams.encoding import message, written
from aircraftops_data.testing.stream_events import Dialect, encode
from strategies import names, plain_values, stored_values
from throwaway import declare

CAMERAS = Table("Cameras")
Camera = declare(
    CAMERAS, {"id": str, "raw": bytes, "blobs": set[bytes], "kept": Any}, PrimaryKey("C#{id}", "C"), kept=None
)
BEFORE = Camera(id="1", raw=b"\xfb\xff", blobs={b"\xfb", b""}, version=1)
AFTER = Camera(id="1", raw=b"\x00", blobs=set(), kept={"a": [1, {2}]}, version=2)
AT = datetime(2026, 11, 20, 7, 0, 1, tzinfo=UTC)
VIEWS: tuple[StreamView, ...] = ("KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES")
WRITES = {"insert": (None, AFTER), "modify": (BEFORE, AFTER), "remove": (BEFORE, None)}


def record(old: Any = BEFORE, new: Any = AFTER, **given: Any) -> dict[str, Any]:
    """One record of Lambda's."""
    return written(old, new, **{"table": "t-Cameras", "sequence": 111, "at": AT, "event_id": "e1", **given})


def change(raw: Any) -> Change[Any]:
    """The change one record tells."""
    (found,) = decode(raw, [Camera], table="t-Cameras")
    assert isinstance(found, Change)
    return found


# Every dialect


def as_told(change: Change[Any], dialect: Dialect) -> Change[Any]:
    """A change without what the dialect does not say."""
    match dialect:
        case Dialect.LAMBDA | Dialect.GET_RECORDS:
            return replace(change, source_id=None if change.sequence is None else str(change.sequence))
        case Dialect.PIPES:
            return replace(change, source_id=change.event_id)
        case Dialect.KINESIS:
            return replace(change, sequence=None)
        case Dialect.EXPORT:
            cause = change.cause if change.cause is Cause.SNAPSHOT else Cause.USER
            return replace(change, sequence=None, event_id=None, source_id=None, cause=cause)


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("view", VIEWS)
def test_each_view_of_each_write_is_read_in_each_dialect(dialect: Dialect, write: str, view: StreamView) -> None:
    old, new = WRITES[write]
    expected = change(record(old, new, view=view, cause=Cause.TTL if write == "remove" else Cause.SERVICE))
    assert (expected.old, expected.new) == (
        old if "OLD" in view else None,
        new if "NEW" in view else None,
    )
    assert (expected.operation, expected.entity, expected.identity) == (write, Camera, {"id": "1"})
    (found,) = decode(encode([expected], dialect), [Camera], table="t-Cameras")
    assert isinstance(found, Change)
    if dialect is Dialect.EXPORT:
        # Which of them it was, an export tells by its images alone.
        expected = replace(expected, operation=found.operation)
    assert found == as_told(expected, dialect)
    assert decode([message(found)], [Camera], table="t-Cameras") == [found]


@given(
    st.lists(st.tuples(names(), stored_values(4), st.booleans()), max_size=3),
    st.sampled_from(Dialect),
    st.datetimes(datetime(2012, 1, 18), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - Hypothesis takes its bounds naive
)
def test_items_of_all_types_are_the_same_again_in_every_dialect(
    attributes: list[tuple[str, Any, bool]], dialect: Dialect, at: datetime
) -> None:
    keys = {"PK": {"B": b"\xfb\x00"}, "SK": {"N": "-1.5"}}
    old = {name: value for name, value, before in attributes if before} | keys
    new = {name: value for name, value, _ in attributes} | keys
    body = {"Keys": keys, "OldImage": old, "NewImage": new, "SequenceNumber": "7"}
    raw = {"eventID": "e1", "eventName": "MODIFY", "dynamodb": body | {"ApproximateCreationDateTime": at}}
    (first,) = Decoder().records({"Records": [raw]}, "t")
    assert isinstance(first, Change)
    (found,) = Decoder().records(encode([first], dialect), "t")
    assert found == as_told(first, dialect)
    assert Decoder().records([message(found)], "t") == [found]


@given(plain_values(4), st.sets(st.binary(max_size=3), max_size=3), st.sampled_from(Dialect))
def test_entities_are_the_same_again_in_every_dialect(value: Any, blobs: set[bytes], dialect: Dialect) -> None:
    new = Camera(id="1", raw=b"", blobs=blobs, kept=value)
    first = change(record(new, new))
    assert first.new == new
    assert first.changed == frozenset()
    (found,) = decode(encode([first], dialect), [Camera], table="t-Cameras")
    assert found == as_told(first, dialect)


@pytest.mark.parametrize("dialect", Dialect)
def test_a_poison_stays_one_in_every_dialect(dialect: Dialect) -> None:
    raw = record()
    raw["dynamodb"]["NewImage"]["raw"] = {"B": "@@"}
    (poison,) = decode([raw], [Camera])
    assert isinstance(poison, Poison)
    (found,) = decode(encode([poison], dialect), [Camera])
    assert isinstance(found, Poison)
    assert (found.kind, found.reason, found.keys) == (poison.kind, poison.reason, poison.keys)
    assert decode([message(poison)], [Camera]) == [poison]


def test_a_snapshot_is_an_insert_by_nobody() -> None:
    stored = change(record())
    found = Decoder([Camera]).item(stored.raw["dynamodb"]["NewImage"], "t-Cameras")
    assert isinstance(found, Change)
    assert (found.operation, found.cause, found.old, found.new) == (Operation.INSERT, Cause.SNAPSHOT, None, AFTER)
    assert (found.keys, found.place) == (stored.keys, stored.place)
    assert decode(encode([found], Dialect.EXPORT), [Camera], table="t-Cameras") == [found]
    assert decode([message(found)], [Camera]) == [found]


# What a batch calls them


def kinesis(payload: Any) -> dict[str, Any]:
    data = b64encode(json.dumps(payload).encode()).decode()
    return {"kinesis": {"data": data, "sequenceNumber": "49"}, "eventSource": "aws:kinesis", "eventID": "shard:49"}


def queued(payload: Any) -> dict[str, Any]:
    return {"messageId": "m1", "body": json.dumps(payload), "eventSource": "aws:sqs"}


def notified(payload: Any) -> dict[str, Any]:
    return {"Type": "Notification", "MessageId": "n1", "Message": json.dumps(payload)}


@pytest.mark.parametrize(
    ("event", "source_id"),
    [
        ({"Records": [record()]}, "111"),
        (record(), "111"),
        ([record()], "e1"),
        ({"detail-type": "x", "detail": record()}, "e1"),
        ({"Records": [kinesis(record())]}, "49"),
        ([{**kinesis(record())["kinesis"], "eventSource": "aws:kinesis", "eventID": "shard:49"}], "shard:49"),
        ({"Records": [queued(record())]}, "m1"),
        ([queued(record())], "m1"),
        ({"Messages": [{"MessageId": "m1", "Body": json.dumps(record())}]}, "m1"),
        ({"Records": [queued(notified(record()))]}, "m1"),
        ({"Records": [queued(kinesis(record()))]}, "m1"),
        ({"Records": [{"Sns": notified(record())}]}, "n1"),
        ({"invocationId": "i", "records": [{"recordId": "r1", "data": kinesis(record())["kinesis"]["data"]}]}, "r1"),
        (json.dumps(record()), "111"),
        (json.dumps({"Records": [record()]}).encode(), "111"),
        ([json.dumps(record())], "111"),
        ([json.dumps(record() | {"sourceID": "s1"})], "s1"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 10 else "",
)
def test_a_record_is_named_as_the_answer_to_its_batch_names_it(event: Any, source_id: str) -> None:
    assert change(event) == replace(change(record()), source_id=source_id)


def test_lines_of_json_are_read_one_by_one_and_a_bad_one_stays_in_its_place() -> None:
    lines = "\n\n".join([json.dumps(record()), "{cut", json.dumps({"Records": [record(), record()]}), ""])
    kinds = [type(found) for found in decode(lines, [Camera])]
    assert kinds == [Change, Poison, Change, Change]


def test_a_bad_first_line_is_one_as_any_other() -> None:
    assert [type(found) for found in decode(f"{{cut\n{json.dumps(record())}\n", [Camera])] == [Poison, Change]


@pytest.mark.parametrize("within", ["\u2028", "\x85"], ids=ascii)
def test_a_line_ends_where_json_lets_it_and_not_within_its_strings(within: str) -> None:
    item = {"Item": {"PK": {"S": "x"}, "SK": {"S": "y"}, "said": {"S": f"one{within}two"}}}
    lines = f"{json.dumps(item, ensure_ascii=False)}\r\n" * 2
    for text in (lines, lines.encode()):
        assert [found.new["said"] for found in decode(text) if isinstance(found, Change)] == [f"one{within}two"] * 2


def test_a_record_that_lacks_everything_is_poison_alone_as_among_others() -> None:
    lacking = {"eventID": "e2", "eventName": "INSERT", "eventSource": "aws:dynamodb"}
    for others in ([], [record()]):
        found = decode({"Records": [lacking, *others]}, [Camera])[0]
        assert isinstance(found, Poison)
        assert (found.kind, found.event_id) == (PoisonKind.NOT_A_RECORD, "e2")


def test_a_poison_that_looks_like_an_event_is_still_one_out_of_a_message() -> None:
    for raw in ({"dynamodb": None, "Records": []}, {"Records": []}, {"Messages": []}):
        (found, _) = decode({"Records": [raw, record()]}, [Camera])
        assert isinstance(found, Poison)
        assert decode([message(found)], [Camera]) == [found]


def test_an_event_without_records_has_none() -> None:
    assert decode({"Records": [], "NextShardIterator": "x"}) == decode([]) == decode('{"Records": []}') == []


@pytest.mark.parametrize(
    "event",
    [None, 7, "", "{", "text", b"\xff", '"{}"', {}, [7], {"Records": [{"eventSource": "aws:s3"}]}, {"Records": None}],
    ids=repr,
)
def test_what_is_no_event_of_records_is_refused(event: object) -> None:
    with pytest.raises(UnknownEventError, match="expected an event of Lambda"):
        decode(event)


# Times


@pytest.mark.parametrize(
    ("written", "precision", "at"),
    [
        (1_795_158_001, None, AT),
        (1_795_158_001.5, None, AT + timedelta(milliseconds=500)),
        (1_795_158_001_500, "MILLISECOND", AT + timedelta(milliseconds=500)),
        (1_795_158_001_500_001, "MICROSECOND", AT + timedelta(microseconds=500_001)),
        (1_795_158_001_500, None, AT + timedelta(milliseconds=500)),
        (1_795_158_001_500_001, None, AT + timedelta(microseconds=500_001)),
        (AT.astimezone(timezone(timedelta(hours=2))), None, AT),
        ("2026-11-20T08:00:01+01:00", None, AT),
        (None, None, None),
    ],
)
def test_a_time_is_an_instant_in_utc_however_it_is_counted(written: Any, precision: Any, at: datetime | None) -> None:
    raw = record()
    raw["dynamodb"] |= {
        "ApproximateCreationDateTime": written,
        "ApproximateCreationDateTimePrecision": precision,
    }
    found = change(raw).at
    assert found == at
    assert found is None or found.tzinfo is UTC


@pytest.mark.parametrize(
    "written",
    ["soon", True, 10**30, float("nan"), AT.replace(tzinfo=None), "2026-01-01", {}],
    ids=repr,
)
def test_what_is_no_time_is_poison(written: Any) -> None:
    raw = record()
    raw["dynamodb"]["ApproximateCreationDateTime"] = written
    (found,) = decode([raw], [Camera])
    assert isinstance(found, Poison)
    assert found.kind is PoisonKind.BAD_VALUE


def test_a_record_cannot_be_written_of_nothing() -> None:
    with pytest.raises(InvalidInputError, match="before, afterwards, or both"):
        written(None, None, table="t")


# Anything at all

MEMBERS = st.sampled_from(
    (
        *("dynamodb", "Keys", "NewImage", "Item", "Metadata", "eventName", "eventID", "SequenceNumber", "userIdentity"),
        *(
            "kinesis",
            "data",
            "body",
            "messageId",
            "Sns",
            "Message",
            "MessageId",
            "Records",
            "S",
            "N",
            "M",
            "L",
            "B",
            "PK",
        ),
    )
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["INSERT", "x", "7", "\ud800", "{}"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(MEMBERS, inner, max_size=4),
    max_leaves=12,
)
BODIES = st.fixed_dictionaries(
    {"dynamodb": st.dictionaries(MEMBERS, ANYTHING, max_size=4)}, optional={"userIdentity": ANYTHING}
)


@given(ANYTHING | BODIES, BODIES)
def test_whatever_stands_beside_a_good_record_it_is_read_and_nothing_is_raised(one: Any, other: Any) -> None:
    found = decode({"Records": [one, record(), {"eventName": "MODIFY", **other}]}, [Camera])
    assert change(record()) in found
    for each in found:
        assert decode([message(each)], [Camera])


# A good record with one thing in it that is not


def nested(levels: int) -> Any:
    """An attribute value of as many lists."""
    value: Any = {"S": "x"}
    for _ in range(levels):
        value = {"L": [value]}
    return value


DAMAGE: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, float("nan"), 10**30, "", "x", "\ud800", "NaN", "sNaN", "1E999999", "k" * 70_000),
    *([], [None], {}, {"S": None}, {"S": 5}, {"N": 5}, {"N": 1.5}, {"N": "sNaN"}, {"NS": ["sNaN"]}, {"BOOL": "yes"}),
    *({"S": "\ud800"}, {"M": {"\ud800": {"S": "x"}}}, {"M": {"k" * 70_000: {}}}, {"L": {}}, {"SS": "ab"}),
    *({"B": "YQ"}, {"type": "Service"}, {1: 2, "type": "Service"}, nested(40), nested(300), nested(3000)),
)


def paths(held: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where there is something in a record."""
    inner: Any = held.items() if isinstance(held, dict) else enumerate(held if isinstance(held, list) else ())
    return [path, *(found for name, each in inner for found in paths(each, (*path, name)))]


def damaged(raw: dict[str, Any], path: tuple[Any, ...], damage: Any) -> dict[str, Any]:
    """A record with something else at a place."""
    copy = json.loads(json.dumps(raw))
    held = copy
    for name in path[:-1]:
        held = held[name]
    held[path[-1]] = damage
    return copy


WHOLE: dict[str, Any] = record(new=AFTER.model_copy(update={"kept": {"a": [1, {2}], "b": {"c": 1.5}}})) | {
    "tableName": "t-Cameras",
    "userIdentity": {"type": "Service", "principalId": "x"},
    "awsRegion": "ddblocal",
}
EXPORTED = {
    "Metadata": {"WriteTimestampMicros": {"N": "1"}},
    **{name: WHOLE["dynamodb"][name] for name in ("Keys", "OldImage", "NewImage")},
}
PLACES = [
    (raw, path) for raw in (WHOLE, EXPORTED, {"Item": WHOLE["dynamodb"]["NewImage"]}) for path in paths(raw) if path
]


@given(st.sampled_from(PLACES), st.sampled_from(range(len(DAMAGE))), st.sampled_from([(), (Camera,)]))
def test_a_damaged_record_is_a_change_or_a_poison_and_nothing_of_it_raises_later(
    place: tuple[Any, tuple[Any, ...]], damage: int, entities: tuple[Any, ...]
) -> None:
    decoder = Decoder(entities)
    (found, other) = decoder.records({"Records": [damaged(*place, DAMAGE[damage]), record()]}, "t")
    assert isinstance(other, Change)
    assert len(found.place) == 32
    assert found.order
    if isinstance(found, Poison):
        assert 0 < len(found.reason) < 2000
    else:
        _ = found.changed, found.identity
    (again,) = decoder.records([message(found)])
    assert (type(again), again.place, again.order) == (type(found), found.place, found.order)
    assert isinstance(found, Poison) or again == found
