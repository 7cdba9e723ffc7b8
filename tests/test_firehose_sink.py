"""Changes as rows for analytics: what a row says and what it leaves out, its size, and what is sent again."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from aircraftops_data import CORE, Aircraft, Entity, PrimaryKey
from aircraftops_data.entities.registry import Owner
from aircraftops_data.errors import DefinitionError, InvalidValueError, ItemTooLargeError, StoreError
from aircraftops_data.model.privacy import PERSONAL, SECRET
from aircraftops_data.streams.change import Change
from aircraftops_data.streams.decoding import decode
from aircraftops_data.streams.encoding import written
from aircraftops_data.streams.sinks.firehose import FirehoseSink
from aircraftops_data.streams.sinks.rows import line_of
from changes_at_hand import MemoryFirehose, Weather, change, changes, id_in, patience, refusal
from sink_changes import Crew, Gate, Party

AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
MADE_AT = datetime(2020, 1, 1, 0, 0, 1, tzinfo=UTC)


class Insurer(BaseModel):
    name: Annotated[str, PERSONAL]
    country: str


class Policy(Entity, table=CORE, entity_type="test.policy"):
    """Something of each kind."""

    policy_id: str
    holder: Annotated[str, PERSONAL] = "H. Older"
    pin: Annotated[str, SECRET] = "1234"
    insurers: tuple[Insurer, ...] = ()
    premium: Decimal | None = None
    parts: frozenset[int] = frozenset()
    seal: bytes | None = None

    primary = PrimaryKey("POLICY#{policy_id}", "POLICY")


def told(old: Entity | None, new: Entity | None, **known: Any) -> Change[Any]:
    record = written(old, new, table="core", at=AT, event_id="e1", **known)
    (made,) = decode({"Records": [record]}, [Aircraft, Owner, Policy])
    assert isinstance(made, Change)
    return made


def sent(*made: Change[Any], **options: Any) -> list[dict[str, Any]]:
    firehose = MemoryFirehose()
    assert FirehoseSink("s", client=firehose, **options).write(made) == []
    return [json.loads(line) for line in firehose.lines]


# Rows


def test_a_row_has_the_fields_and_what_is_known_of_the_change() -> None:
    aircraft = Aircraft(icao24="a835af", registration="N628TS", version=3, created_at=MADE_AT)
    made = told(None, aircraft)
    (row,) = sent(made)
    assert (row["icao24"], row["registration"], row["created_at"]) == ("a835af", "N628TS", MADE_AT.isoformat())
    assert {name: value for name, value in row.items() if name.startswith("_")} == {
        "_entity": "aircraft",
        "_operation": "insert",
        "_cause": "user",
        "_table": "core",
        "_place": made.place,
        "_sequence": f"{1:040d}",
        "_event_id": "e1",
        "_at": AT.isoformat(),
        "_version": 3,
        "_age": (1000 << 21) + 3,
    }


def test_a_row_of_a_removal_has_what_there_was_and_is_younger_than_it() -> None:
    aircraft = Aircraft(icao24="a835af", registration="N628TS", version=3, created_at=MADE_AT)
    (row,) = sent(told(aircraft, None))
    assert (row["registration"], row["_operation"], row["_age"]) == ("N628TS", "remove", (1000 << 21) + 4)


def test_a_row_has_the_key_alone_where_the_stream_shows_no_image() -> None:
    (row,) = sent(told(None, Aircraft(icao24="a835af", registration="N628TS"), view="KEYS_ONLY"))
    assert {name for name in row if not name.startswith("_")} == {"icao24"}
    assert row["_age"] is None


def test_a_row_tells_nothing_of_an_item_of_no_entity_but_that_it_changed() -> None:
    assert all(name.startswith("_") for name in sent(change(text="perhaps a name"))[0])


def test_what_is_personal_is_told_where_it_is_asked_for_and_secrets_never_are() -> None:
    policy = Policy(policy_id="p", insurers=(Insurer(name="I. Nsurer", country="CH"),))
    (row,) = sent(told(None, policy))
    assert not row.keys() & {"holder", "pin"}
    assert row["insurers"] == [{"country": "CH"}]
    (row,) = sent(told(None, policy), fields={Policy: ["holder"], Owner: None})
    assert row["holder"] == "H. Older"
    assert "pin" not in row
    with pytest.raises(DefinitionError, match="secret"):
        sent(fields={Policy: ["pin"]})


def test_private_fields_of_what_is_inside_are_left_out_of_dataclasses_too() -> None:
    gate = Gate(7, guard=Crew(place="door", pilot="Earhart"))
    assert json.loads(line_of({"it": gate})) == {"it": {"number": 7, "guard": {"seat": "door"}}}
    assert json.loads(line_of({"it": Party([Crew(place="left", pilot="Earhart")])})) == {"it": [{"seat": "left"}]}


@pytest.mark.parametrize("value", [float("nan"), Decimal("Infinity"), "\ud800"], ids=ascii)
def test_a_value_that_json_has_none_for_is_refused(value: Any) -> None:
    with pytest.raises(InvalidValueError):
        line_of({"it": value})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("12.50"), 12.5),
        (Decimal(10**20), 10**20),
        (frozenset({10, 9}), [9, 10]),
        ({"b", "a"}, ["a", "b"]),
        ({b"\xff", b"\x00"}, ["/w==", "AA=="]),
        (b"\x00\xff", b64encode(b"\x00\xff").decode()),
        (AT, "2026-03-04T05:06:07+00:00"),
        (date(2026, 3, 4), "2026-03-04"),
        (timedelta(minutes=1), 60.0),
        ({"a": (Decimal(1), None, True)}, {"a": [1, None, True]}),
        (Enum("E", {"A": "x"})["A"], "x"),
        ("ü\n", "ü\n"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_has_the_json_form_that_is_told(value: Any, expected: Any) -> None:
    line = line_of({"it": value})
    assert json.loads(line) == {"it": expected}
    assert line.index(b"\n") == len(line) - 1


@pytest.mark.parametrize("value", [float("nan"), Decimal("Infinity"), Decimal("NaN")], ids=str)
def test_a_number_json_has_none_for_is_refused_and_not_sent(value: Any) -> None:
    firehose = MemoryFirehose()

    def row(made: Change[Any]) -> Mapping[str, Any]:
        return {"it": value if made.event_id == "a-1" else 1, "_event_id": made.event_id}

    refused = FirehoseSink("s", client=firehose, row=row).write(changes("a", "b"))
    assert [(each.change.event_id, type(each.error)) for each in refused] == [("a-1", InvalidValueError)]
    assert len(firehose.lines) == 1


def test_items_read_as_they_stand_have_an_id_that_changes_when_they_do() -> None:
    lines = [change("a", event_id=None, text=text) for text in ("x", "x", "y")]
    first, again, other = (row["_event_id"] for row in sent(*lines))
    assert first == again != other


# Sizes


def test_a_row_of_the_size_firehose_takes_is_sent_and_one_byte_more_is_refused() -> None:
    def row(made: Change[Any]) -> Mapping[str, Any]:
        size = 1000 * 1024 + (made.event_id == "b-2")
        beside = len(line_of({"_event_id": made.event_id, "it": ""}))
        return {"_event_id": made.event_id, "it": "x" * (size - beside)}

    firehose = MemoryFirehose()
    (refused,) = FirehoseSink("s", client=firehose, row=row).write(changes("a", "b"))
    assert isinstance(refused.error, ItemTooLargeError)
    assert (refused.error.size_bytes, refused.error.limit_bytes) == (1000 * 1024 + 1, 1000 * 1024)
    assert list(map(len, firehose.lines)) == [1000 * 1024]


def test_a_request_holds_500_rows_and_4_mib() -> None:
    firehose = MemoryFirehose()
    small = partial(dict, {"_event_id": "e"})
    FirehoseSink("s", client=firehose, row=lambda _: small()).write(changes(*"a" * 501))
    assert firehose.requests == [500, 1]
    for more, requests in ((0, [8]), (1, [7, 1])):
        size = 4 * 1024**2 // 8
        lines = iter([size] * 7 + [size + more])
        firehose = MemoryFirehose()

        def row(_: Change[Any], lines: Any = lines) -> Mapping[str, Any]:
            return {"_event_id": "", "it": "x" * (next(lines) - len(line_of({"_event_id": "", "it": ""})))}

        FirehoseSink("s", client=firehose, row=row).write(changes(*"abcdefgh"))
        assert firehose.requests == requests


# What fails


def test_only_the_rows_that_were_not_taken_are_sent_again() -> None:
    firehose = MemoryFirehose(Weather(iter([0b0110, 0b01])))
    assert FirehoseSink("s", client=firehose, patience=patience()).write(changes(*"aaaa")) == []
    assert firehose.requests == [4, 2, 1]
    assert sorted(map(id_in, firehose.lines)) == ["a-1", "a-2", "a-3", "a-4"]


def test_a_row_that_is_never_taken_is_refused_with_those_behind_it() -> None:
    firehose = MemoryFirehose(Weather(iter([0b0010, *[1] * 7])))
    sink = FirehoseSink("s", client=firehose, patience=patience())
    refused = sink.write(changes(*"abab"))
    assert [each.change.event_id for each in refused] == ["b-2", "b-4"]
    assert firehose.requests == [4, *[1] * 7]


def test_a_row_that_spoils_its_request_is_found_and_the_others_go() -> None:
    made = [replace(each, event_id=f"e{each.sequence}") for each in changes(*(f"item{n}" for n in range(100)))]
    firehose = MemoryFirehose(Weather(spoilt=frozenset({"e77"})))
    refused = FirehoseSink("s", client=firehose, patience=patience()).write(made)
    assert [each.change.event_id for each in refused] == ["e77"]
    assert len(firehose.lines) == 99
    assert len(firehose.requests) <= 2 * 8


def test_a_stream_that_is_not_there_raises() -> None:
    class Missing:
        def put_record_batch(self, **_: Any) -> Any:
            raise refusal("ResourceNotFoundException")

    with pytest.raises(StoreError) as raised:
        FirehoseSink("s", client=Missing(), patience=patience()).write([change()])
    assert type(raised.value) is StoreError
    assert raised.value.code == "ResourceNotFoundException"
