"""Changes in Parquet files: what they say to pyarrow, pandas and DuckDB, and that each is there once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aircraftops_data import PrimaryKey, Table
from aircraftops_data.errors import DefinitionError, InvalidInputError, InvalidValueError, ObjectStoreError
from aircraftops_data.streams import Cause, Change, Operation
from aircraftops_data.streams.sinks.columns import ABOUT, Columns
from aircraftops_data.streams.sinks.parquet import ParquetSink
from aircraftops_data.transports.folder import FolderStore
from sink_changes import FULL, NOON, Flight, change
from throwaway import declare

DAY = timedelta(days=1)
# An example of a test on deliveries writes and reads many files.
half_as_many = settings(max_examples=settings().max_examples // 2)


@dataclass
class Memory:
    """Objects in memory; a put may fail, before or after the object is there."""

    held: dict[str, bytes] = field(default_factory=dict[str, bytes])
    left: int | None = None
    """How many more puts succeed; the one after them fails."""
    stores: bool = False
    """Whether the one that fails leaves its object all the same."""

    def put(self, key: str, body: bytes, content_type: str = "", **options: Any) -> None:
        if self.left == 0:
            if self.stores:
                self.held[key] = body
            raise ObjectStoreError("put failed: SlowDown", bucket="b", key=key)
        self.left = None if self.left is None else self.left - 1
        self.held[key] = body

    def events(self) -> Counter[str]:
        """How often each event is in the files."""
        tables = [parquet.read_table(BytesIO(body), columns=["_event_id"]) for body in self.held.values()]
        return Counter(each for table in tables for each in table.column(0).to_pylist())


def sink_of(objects: Any, **options: Any) -> ParquetSink:
    return ParquetSink(objects, Flight, **options)


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return sorted(parquet.read_table(folder).to_pylist(), key=lambda row: row["_sequence"] or "")


def test_a_change_becomes_a_row_of_plain_types(tmp_path: Path) -> None:
    assert sink_of(FolderStore(tmp_path)).write([change(1)]) == []
    (row,) = rows_of(tmp_path)
    assert row["notes"] == '{"a":["/w==",null,["y","z"]],"b":0.5}'
    assert json.loads(row["crew"]) == [{"place": "left"}, {"place": "right"}]
    assert json.loads(row["gate"]) == {"number": 7, "guard": {"place": "door"}}
    assert json.loads(row["party"]) == [{"place": "left"}]
    assert row["steward"] is None
    assert {name: row[name] for name in ("id", "legs", "height", "ready", "level", "phase", "kind", "fare")} == {
        "id": "1",
        "legs": 2**63 - 1,
        "height": 1.5,
        "ready": True,
        "level": 2,
        "phase": "climb",
        "kind": "cargo",
        "fare": "12345678901234567890.123456789012345678",
    }
    assert (row["ref"], row["off"], row["day"]) == (str(FULL.ref), FULL.off, date(2026, 11, 20))
    assert (row["slot"], row["taxi"], row["mark"]) == ("06:30:00", "PT12M", b"\x00\xff")
    assert (row["tags"], row["stops"], row["either"]) == ('["a","b","c"]', "[3,1]", '"x"')
    assert (row["created_at"], row["updated_at"], row["expires_at"]) == (NOON - DAY, NOON, None)
    assert {"captain", "pin", "version"}.isdisjoint(row)
    assert {name: row[name] for name in ABOUT} == {
        "_operation": "modify",
        "_cause": "user",
        "_sequence": f"{1:040}",
        "_event_id": "event-1",
        "_at": NOON,
        "_place": change(1).place,
        "_version": 3,
        "_age": (int((NOON - DAY - datetime(2020, 1, 1, tzinfo=UTC)).total_seconds() * 1000) << 21) + 3,
    }


def test_what_there_is_none_of_is_null_and_a_set_of_nothing_is_empty(tmp_path: Path) -> None:
    sink_of(FolderStore(tmp_path)).write([change(1, entity=Flight(id="1"))])
    (row,) = rows_of(tmp_path)
    assert {row[name] for name in ("legs", "height", "phase", "fare", "off", "day", "mark", "notes")} == {None}
    assert (row["tags"], row["stops"], row["crew"]) == ("[]", "[]", "[]")


def test_a_removal_has_what_there_was(tmp_path: Path) -> None:
    gone = change(1, operation=Operation.REMOVE, cause=Cause.TTL, new=None, old=FULL)
    sink_of(FolderStore(tmp_path)).write([change(1), gone])
    before, after = rows_of(tmp_path)
    assert (after["_operation"], after["_cause"], after["fare"], after["_version"]) == (
        "remove",
        "ttl",
        before["fare"],
        3,
    )
    assert after["_age"] == before["_age"] + 1


def test_pandas_and_duckdb_read_the_same_rows(tmp_path: Path) -> None:
    import duckdb
    import pandas

    changes = [change(n, at=NOON + n * timedelta(hours=8)) for n in range(5)]
    sink_of(FolderStore(tmp_path)).write(changes)
    frame = pandas.read_parquet(tmp_path / "changes" / "sink_flight").sort_values("_sequence")
    assert list(frame["_event_id"]) == [each.event_id for each in changes]
    assert [str(day) for day in frame["date"]] == ["2026-11-20"] * 2 + ["2026-11-21"] * 3
    assert list(frame["legs"]) == [2**63 - 1] * 5
    assert list(frame["fare"]) == [str(FULL.fare)] * 5
    assert [moment.to_pydatetime() for moment in frame["off"]] == [FULL.off] * 5
    found = duckdb.sql(
        f"select cast(date as text), count(*), max(legs), max(fare), max(epoch_us(off)), max(cast(day as text)), "
        f"max(mark), max(len(cast(crew as json[]))) from read_parquet('{tmp_path}/**/*.parquet', "
        "hive_partitioning = true) group by date order by date"
    ).fetchall()
    micros = int(NOON.timestamp()) * 1_000_000 + 123456
    said = (2**63 - 1, str(FULL.fare), micros, "2026-11-20", b"\x00\xff", 2)
    assert found == [("2026-11-20", 2, *said), ("2026-11-21", 3, *said)]


def test_the_same_changes_make_the_same_bytes() -> None:
    first, second = Memory(), Memory()
    for objects in (first, second, second):
        sink_of(objects).write([change(1), change(2, at=NOON + DAY)])
    assert first.held == second.held
    assert [key.partition("date=")[2][:10] for key in first.held] == ["2026-11-20", "2026-11-21"]


def test_a_change_without_a_time_lies_at_the_date_of_the_last_write_of_its_item() -> None:
    objects = Memory()
    bare = Flight(id="1")
    snapshots = [
        change(number, at=None, entity=entity, sequence=None, event_id=None, source_id=None, cause=Cause.SNAPSHOT)
        for number, entity in enumerate((FULL, FULL.model_copy(update={"updated_at": None}), bare))
    ]
    sink_of(objects).write(snapshots)
    assert sorted(key.split("/")[2] for key in objects.held) == [
        "date=1970-01-01",
        "date=2026-11-19",
        "date=2026-11-20",
    ]


def test_changes_with_the_same_number_in_two_shards_and_snapshots_have_files_of_their_own() -> None:
    objects, sequenceless = Memory(), {"sequence": None, "event_id": None, "source_id": None}
    other = change(2, sequence=1)
    for batch in ([change(1)], [other], [change(1, None, **sequenceless)], [change(2, None, **sequenceless)]):
        sink_of(objects).write(batch)
    assert len(objects.held) == 4


def test_without_images_there_are_the_fields_of_the_key() -> None:
    objects = Memory()
    keys_only = [change(1, new=None), change(2, new=None, operation=Operation.REMOVE)]
    assert sink_of(objects).write(keys_only) == []
    rows = parquet.read_table(BytesIO(*objects.held.values())).to_pylist()
    assert [(row["id"], row["ready"], row["_version"], row["_age"]) for row in rows] == [
        ("1", None, None, None),
        ("2", None, None, None),
    ]


@pytest.mark.slow
def test_files_in_a_bucket_are_those_of_a_folder(tmp_path: Path) -> None:
    import boto3
    from moto import mock_aws

    from aircraftops_data.transports.bucket import ObjectStore

    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        client.create_bucket(Bucket="lake")
        bucket, folder = ObjectStore("lake", client=client), FolderStore(tmp_path)
        for objects in (bucket, folder):
            sink_of(objects, prefix="/raw/planes/").write([change(1), change(2, NOON + DAY)])
        found = [(key, bucket.get(key)) for key in bucket.keys()]  # noqa: SIM118
    assert found == [(key, folder.get(key)) for key in folder.keys()]  # noqa: SIM118
    assert [key.split("/")[:4] for key, _ in found] == [
        ["raw", "planes", "sink_flight", f"date=2026-11-{day}"] for day in (20, 21)
    ]


# Private fields


def test_a_personal_field_is_written_where_it_is_asked_for_and_a_secret_one_never() -> None:
    objects = Memory()
    sink_of(objects, fields=["id", "captain", "crew"]).write([change(1)])
    (row,) = parquet.read_table(BytesIO(*objects.held.values())).to_pylist()
    assert set(row) == {"id", "captain", "crew", *ABOUT}
    assert row["captain"] == "Earhart"
    assert json.loads(row["crew"])[0] == {"place": "left", "pilot": "Earhart"}
    with pytest.raises(DefinitionError, match="secret"):
        sink_of(objects, fields=["pin"])


@pytest.mark.parametrize("fields", [["nothing"], ["id", "id"]])
def test_columns_that_cannot_be_are_refused(fields: list[str]) -> None:
    with pytest.raises(DefinitionError):
        sink_of(Memory(), fields=fields)


@pytest.mark.parametrize("names", [("date",), ("Id",)])
def test_names_that_sql_cannot_tell_apart_are_refused(names: tuple[str, ...]) -> None:
    entity = declare(Table("Others"), {"id": str, **dict.fromkeys(names, str)}, PrimaryKey("OTHER#{id}", "X"))
    with pytest.raises(DefinitionError, match=names[0].lower()):
        Columns(entity)
    assert list(Columns(entity, ["id"]).kinds) == ["id", *ABOUT]


# Refusals


def test_an_integer_beyond_64_bits_is_refused_and_nothing_taken_behind_it() -> None:
    objects = Memory()
    large = change(2, entity=FULL.model_copy(update={"legs": 2**63}))
    refused = sink_of(objects).write([change(1), large, change(3)])
    assert [(each.change.sequence, type(each.error)) for each in refused] == [
        (2, InvalidValueError),
        (3, ObjectStoreError),
    ]
    assert objects.events() == {"event-1": 1}


def test_a_change_of_another_entity_is_refused() -> None:
    (refused,) = sink_of(Memory()).write(
        [change(1, entity=declare(Table("Others"), {"id": str}, PrimaryKey("OTHER#{id}", "X"))(id="1"))]
    )
    assert isinstance(refused.error, InvalidInputError)


# Deliveries


@dataclass
class Attempt:
    """One delivery: how many changes, how many puts succeed (None: all), and whether it lives to acknowledge."""

    size: int
    puts: int | None
    stores: bool
    acknowledged: bool


SHORT, TOO_LONG = Flight(id="x", legs=1), Flight(id="x", legs=2**63)
attempts = st.builds(Attempt, st.integers(1, 6), st.none() | st.integers(0, 2), st.booleans(), st.booleans())
days = st.lists(st.integers(0, 2), min_size=2, max_size=12)


def deliver(sink: ParquetSink, objects: Memory, lane: Sequence[Change[Any]], tries: Sequence[Attempt]) -> None:
    """Deliver a lane, batch by batch; when the tries are used up, without further accidents."""
    begin, left = 0, list(tries)
    while begin < len(lane):
        attempt = left.pop(0) if left else Attempt(3, None, False, True)
        batch = lane[begin : begin + attempt.size]
        objects.left, objects.stores = attempt.puts, attempt.stores
        try:
            refused = sink.write(batch)
        except ObjectStoreError:
            continue
        if attempt.acknowledged:
            # As the router does: up to the first that was refused, which is dealt with otherwise.
            begin += len(batch) - len(refused) + bool(refused)


lanes_delivered = st.lists(
    st.tuples(days, st.lists(attempts, max_size=8), st.sets(st.integers(0, 11), max_size=2)), min_size=1, max_size=2
)


@half_as_many
@given(lanes_delivered)
def test_every_change_that_is_not_refused_is_there_once_whatever_is_tried_again(
    lanes: list[tuple[list[int], list[Attempt], set[int]]],
) -> None:
    objects, expected = Memory(), Counter[str]()
    sink = sink_of(objects, fields=["id", "legs"])
    for number, (dates, tries, refused) in enumerate(lanes):
        # The lanes number their changes alike; a lane's dates come in any order.
        lane = [
            change(100 * number + place, NOON + day * DAY, TOO_LONG if place in refused else SHORT, sequence=place)
            for place, day in enumerate(dates)
        ]
        deliver(sink, objects, lane, tries)
        expected += Counter(str(each.event_id) for place, each in enumerate(lane) if place not in refused)
    assert objects.events() == expected


def test_what_a_longer_attempt_left_at_a_later_date_is_written_over_by_the_batch_that_comes_to_it() -> None:
    objects, lane = Memory(), [change(number, NOON + number // 2 * DAY) for number in range(4)]
    sink = sink_of(objects)
    for begin, end in ((0, 4), (0, 1), (1, 2), (1, 4)):
        sink.write(lane[begin:end])
    assert objects.events() == dict.fromkeys((f"event-{number}" for number in range(4)), 1)


def test_where_another_sink_refuses_a_change_those_behind_it_are_there_twice_under_one_event_id() -> None:
    objects, lane = Memory(), [change(number) for number in range(4)]
    sink = sink_of(objects)
    sink.write(lane)
    # The sink behind refused the third: the next batch begins with it.
    sink.write(lane[2:])
    assert objects.events() == {"event-0": 1, "event-1": 1, "event-2": 2, "event-3": 2}


def test_a_change_given_again_by_itself_covers_the_file_it_was_the_first_of() -> None:
    """Why no queue may feed the sink."""
    objects, lane = Memory(), [change(number) for number in range(3)]
    sink = sink_of(objects)
    sink.write(lane)
    sink.write(lane[:1])
    assert objects.events() == {"event-0": 1}
