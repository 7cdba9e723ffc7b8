"""The records that DynamoDB Local writes to a stream are decoded as what was done to the table."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from aircraftops_data import Aircraft, AircraftOps, PrimaryKey, Table
from aircraftops_data.core.provisioning import create_tables
from aircraftops_data.settings import TableOptions
from aircraftops_data.streams import Cause, Change, Decoder, Operation
from aircraftops_data.testing import LocalDynamoDB
from throwaway import declare

pytestmark = pytest.mark.slow

# DynamoDB Local deletes what has expired only in tables without indexes.
PASSES = Table("Passes", ttl_attribute="ends_at", stream="NEW_AND_OLD_IMAGES")
Pass = declare(PASSES, {"holder": str}, PrimaryKey("PASS#{holder}", "PASS"))
SWEPT_WITHIN = timedelta(seconds=60)


@pytest.fixture
def ops(session: boto3.Session, local_endpoint: str, fresh_names: str) -> Iterator[AircraftOps]:
    """Tables on DynamoDB Local, their streams on."""
    client = session.client("dynamodb", endpoint_url=local_endpoint)
    with AircraftOps.connect(client=client, prefix=fresh_names) as ops:
        ops.create_tables()
        yield ops


def records(session: boto3.Session, endpoint: str, table: str) -> Iterator[dict[str, Any]]:
    """The responses of GetRecords for each shard of a table's stream, from its beginning."""
    client = session.client("dynamodbstreams", endpoint_url=endpoint)
    (stream,) = client.list_streams(TableName=table)["Streams"]
    arn = stream["StreamArn"]
    for shard in client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        place = client.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
        yield client.get_records(ShardIterator=place["ShardIterator"])


def test_what_was_done_to_a_table_is_what_its_stream_tells(
    ops: AircraftOps, session: boto3.Session, local_endpoint: str, fresh_names: str
) -> None:
    created = ops.core.create(Aircraft(icao24="a1b2c3", registration="N12345", typecode="B738"))
    written = ops.core.put(created.model_copy(update={"operator": "UAL"}))
    ops.core.delete(written)
    table = f"{fresh_names}CoreTable"
    decoder = Decoder([Aircraft])
    found = [change for event in records(session, local_endpoint, table) for change in decoder.records(event, table)]
    changes = [change for change in found if isinstance(change, Change)]
    assert changes == found
    aircraft = [change for change in changes if change.entity is Aircraft]
    assert [(change.operation, change.old, change.new) for change in aircraft] == [
        (Operation.INSERT, None, created),
        (Operation.MODIFY, created, written),
        (Operation.REMOVE, written, None),
    ]
    assert aircraft[1].changed == {"operator"}
    assert {change.cause for change in changes} == {Cause.USER}
    assert {change.table for change in changes} == {table}
    sequences = [change.sequence or 0 for change in changes]
    assert sequences == sorted({*sequences})
    # Items that hold a unique value are nobody's.
    assert [change.new and change.new["entity_type"] for change in changes if change.entity is None] == ["unique", None]


@pytest.fixture
def swept(session: boto3.Session) -> Iterator[tuple[AircraftOps, str]]:
    """Tables on a DynamoDB Local of the test's own, and its endpoint.

    It has ten threads for what expires, and every table with a TTL keeps one: of more tables nothing is removed.
    """
    with LocalDynamoDB() as engine:
        client = session.client("dynamodb", endpoint_url=engine.endpoint_url)
        with AircraftOps.connect(client=client) as ops:
            ops.core.runner.run(create_tables([PASSES], ops.core.context, TableOptions()))
            yield ops, engine.endpoint_url


def test_what_dynamodb_removes_when_its_time_has_passed_is_told_as_that(
    swept: tuple[AircraftOps, str], session: boto3.Session
) -> None:
    ops, endpoint = swept
    ended = ops.core.create(Pass(holder="a", expires_at=datetime.now(UTC) - timedelta(minutes=10)))
    kept = ops.core.create(Pass(holder="b", expires_at=datetime.now(UTC) + timedelta(days=1)))
    until = time.monotonic() + SWEPT_WITHIN.total_seconds()
    changes: list[Any] = []
    while len(changes) < 3 and time.monotonic() < until:
        answers = records(session, endpoint, "Passes")
        changes = [each for event in answers for each in Decoder([Pass]).records(event, "Passes")]
    assert [(each.operation, each.cause, each.old, each.new) for each in changes] == [
        (Operation.INSERT, Cause.USER, None, ended),
        (Operation.INSERT, Cause.USER, None, kept),
        (Operation.REMOVE, Cause.TTL, ended, None),
    ]
