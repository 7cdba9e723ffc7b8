"""Sinks on what stands in for AWS: ElasticMQ for SQS, moto for SQS, Firehose and S3."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import boto3
import pytest

from aircraftops_data import Aircraft
from aircraftops_data.clock import Chance
from aircraftops_data.errors import RequestRefusedError, StoreError
from aircraftops_data.streams.change import Change
from aircraftops_data.streams.decoding import decode
from aircraftops_data.streams.encoding import written
from aircraftops_data.streams.sinks.firehose import FirehoseSink
from aircraftops_data.streams.sinks.queue import QueueSink
from aircraftops_data.streams.sinks.reading import changes_in
from aircraftops_data.testing import local_session
from aircraftops_data.transports.bucket import ObjectStore
from aircraftops_data.transports.folder import FolderStore
from changes_at_hand import change, changes, patience

pytestmark = pytest.mark.slow

Made = Callable[..., str]
KIB = 1024
MADE_AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def sqs(queues_endpoint: str) -> Any:
    """A client of SQS."""
    return local_session().client("sqs", endpoint_url=queues_endpoint)


@pytest.fixture
def make(sqs: Any) -> Iterator[Made]:
    """Makes queues."""
    made: list[str] = []

    def new(*, fifo: bool = True, **attributes: str) -> str:
        name = f"q{Chance().identifier()}" + ".fifo" * fifo
        told = attributes | ({"FifoQueue": "true"} if fifo else {})
        made.append(sqs.create_queue(QueueName=name, Attributes=told)["QueueUrl"])
        return made[-1]

    yield new
    for url in made:
        sqs.delete_queue(QueueUrl=url)


def received(sqs: Any, url: str) -> Iterator[dict[str, Any]]:
    """All messages of a queue, each deleted before more are asked for, so that a FIFO queue gives them in order."""
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]).get(
        "Messages"
    ):
        yield from messages
        entries = [{"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(messages)]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)


def event_ids(sqs: Any, url: str) -> list[str]:
    return [each["MessageAttributes"]["event_id"]["StringValue"] for each in received(sqs, url)]


class Failing:
    """The client, some of whose entries fail, and some of whose answers are lost; the same ones for a seed."""

    def __init__(self, client: Any, seed: int = 0) -> None:
        self._client = client
        self._random = Random(seed)

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        from botocore.exceptions import ReadTimeoutError

        failed = [entry for entry in Entries if self._random.random() < 0.2]
        rest = [entry for entry in Entries if entry not in failed]
        answer = self._client.send_message_batch(QueueUrl=QueueUrl, Entries=rest) if rest else {}
        if self._random.random() < 0.1:
            raise ReadTimeoutError(endpoint_url=QueueUrl)
        told = [{"Id": entry["Id"], "SenderFault": False, "Code": "InternalError"} for entry in failed]
        return {"Successful": answer.get("Successful", []), "Failed": told}


# SQS


def test_a_fifo_queue_keeps_the_order_of_each_item_whatever_fails_on_the_way(sqs: Any, make: Made) -> None:
    url = make()
    made = changes(*(f"item{Random(number).randrange(150)}" for number in range(2000)))
    assert QueueSink(url, client=Failing(sqs), patience=patience(30)).write(made) == []
    found = event_ids(sqs, url)
    assert sorted(found) == sorted(str(each.event_id) for each in made)
    for item in {each.rpartition("-")[0] for each in found}:
        numbers = [int(each.rpartition("-")[2]) for each in found if each.startswith(f"{item}-")]
        assert numbers == sorted(numbers)


def test_a_standard_queue_has_everything(sqs: Any, make: Made) -> None:
    url = make(fifo=False)
    made = changes(*"abcde" * 20)
    assert QueueSink(url, client=Failing(sqs), patience=patience(30)).write(made) == []
    assert set(event_ids(sqs, url)) == {each.event_id for each in made}


def test_a_fifo_queue_drops_what_is_sent_again_within_five_minutes(sqs: Any, make: Made) -> None:
    url = make()
    sink = QueueSink(url, client=sqs)
    for _ in range(2):
        assert sink.write([*changes("a", "b", "a"), change("c", event_id=None)]) == []
    assert len(event_ids(sqs, url)) == 4


def test_changes_come_out_of_the_queue_as_they_went_in(sqs: Any, make: Made, tmp_path: Path) -> None:
    url, objects = make(), FolderStore(tmp_path)
    aircraft = Aircraft(icao24="a835af", registration="N628TS")
    (of_entity,) = decode({"Records": [written(None, aircraft, table="core", event_id="e1")]}, [Aircraft])
    assert isinstance(of_entity, Change)
    odd = change("b", text="\ufffe\uffff\x00 ü \U0001f6e9")
    made = [of_entity, odd, change("c", text="x" * 3000)]
    assert QueueSink(url, client=sqs, objects=objects, most_bytes=2000).write(made) == []
    assert len(list(objects.keys())) == 1
    messages = list(received(sqs, url))
    read = {each.place: each for each in changes_in({"Messages": messages}, [Aircraft], objects)}
    assert read == {each.place: replace(each, source_id=read[each.place].source_id) for each in made}
    assert {each.source_id for each in read.values()} == {message["MessageId"] for message in messages}


def test_a_queue_that_is_not_there_raises(sqs: Any, make: Made) -> None:
    with pytest.raises(StoreError):
        QueueSink(make().replace(".fifo", "0.fifo"), client=sqs, patience=patience(2)).write([change()])


def test_a_message_larger_than_the_queue_takes_is_refused_and_the_others_go(sqs: Any, make: Made) -> None:
    url = make()
    made = [change("a"), change("b", text="x" * 1100 * KIB), change("c"), change("b", 4)]
    refused = QueueSink(url, client=sqs, most_bytes=4096 * KIB, patience=patience(2)).write(made)
    assert [each.change for each in refused] == [made[1], made[3]]
    assert isinstance(refused[0].error, RequestRefusedError)
    assert sorted(event_ids(sqs, url)) == ["a-1", "c-1"]


def test_a_large_change_goes_by_way_of_a_bucket(session: boto3.Session) -> None:
    from moto import mock_aws

    with mock_aws():
        s3, queues = session.client("s3", region_name="us-east-1"), session.client("sqs")
        s3.create_bucket(Bucket="spills")
        url = queues.create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
        objects = ObjectStore("spills", client=s3)
        made = [change("a", text="x" * 1024 * KIB), change("b", text="y")]
        assert QueueSink(url, client=queues, objects=objects).write(made) == []
        read = changes_in({"Messages": list(received(queues, url))}, objects=objects)
        assert sorted(len(each.new["text"]) for each in read if isinstance(each, Change)) == [1, 1024 * KIB]


# Firehose


@pytest.fixture
def aws(session: boto3.Session) -> Iterator[boto3.Session]:
    """A session of moto with a stream of Firehose to a bucket."""
    from moto import mock_aws

    with mock_aws():
        session.client("s3", region_name="us-east-1").create_bucket(Bucket="lake")
        to = {"RoleARN": "arn:aws:iam::123456789012:role/r", "BucketARN": "arn:aws:s3:::lake"}
        session.client("firehose").create_delivery_stream(
            DeliveryStreamName="changes", ExtendedS3DestinationConfiguration=to
        )
        yield session


def lines(aws: boto3.Session) -> list[str]:
    s3 = aws.client("s3", region_name="us-east-1")
    found = s3.list_objects_v2(Bucket="lake").get("Contents", [])
    texts = [s3.get_object(Bucket="lake", Key=each["Key"])["Body"].read().decode() for each in found]
    return [line for text in texts for line in text.splitlines()]


def test_rows_arrive_in_the_bucket(aws: boto3.Session) -> None:
    made = changes(*(f"item{number % 90}" for number in range(1200)))
    assert FirehoseSink("changes", session=aws).write(made) == []
    assert {json.loads(line)["_event_id"] for line in lines(aws)} == {each.event_id for each in made}


def test_a_query_has_each_change_once_and_each_item_as_it_is_now(aws: boto3.Session, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    kept = [Aircraft(icao24=f"a8350{n}", registration=f"N{n}", version=n, created_at=MADE_AT) for n in (1, 2, 3)]
    gone = kept[2]
    later = kept[1].model_copy(update={"registration": "N9", "version": 3})
    writes = [(None, kept[0]), (None, kept[1]), (kept[1], later), (None, gone), (gone, None)]
    records = [
        written(old, new, table="core", sequence=number, event_id=f"e{number}")
        for number, (old, new) in enumerate(writes)
    ]
    made = [each for each in decode({"Records": records}, [Aircraft]) if isinstance(each, Change)]
    sink = FirehoseSink("changes", session=aws)
    # Late and again: as deliveries are.
    for batch in (made[3:], made, made[:2]):
        assert sink.write(batch) == []
    file = tmp_path / "changes.json"
    file.write_text("\n".join(lines(aws)))
    duckdb.sql(f"CREATE OR REPLACE VIEW changes AS SELECT * FROM read_json_auto('{file}')")
    first, second = [said.strip() for said in (FirehoseSink.__doc__ or "").split("\n\n") if "SELECT" in said]
    assert sorted(row[0] for row in duckdb.sql(f"SELECT _event_id FROM ({first})").fetchall()) == [
        "e0",
        "e1",
        "e2",
        "e3",
        "e4",
    ]
    assert sorted(duckdb.sql(f"SELECT icao24, registration FROM ({second})").fetchall()) == [
        ("a83501", "N1"),
        ("a83502", "N9"),
    ]
