"""Payloads and results no item holds: in a bucket, or refused; what S3 says comes back as typed errors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from aircraftops_data import AircraftOps, AsyncAircraftOps
from aircraftops_data.errors import InvalidInputError, ItemTooLargeError, ObjectStoreError
from aircraftops_data.jobs import Jobs, JobState
from aircraftops_data.testing import local_session
from aircraftops_data.transports.bucket import ObjectStore
from blocking import waited

BIG = {"text": "x" * 500_000}


@pytest.fixture
def ops(monkeypatch: pytest.MonkeyPatch) -> Iterator[AircraftOps]:
    """The tables and a bucket, as the settings name it."""
    monkeypatch.delenv("AWS_ENDPOINT_URL_DYNAMODB", raising=False)
    with mock_aws():
        session = local_session()
        session.client("s3").create_bucket(Bucket="big-jobs")
        made = AircraftOps.connect(session=session, jobs_bucket="big-jobs")
        made.create_tables()
        yield made


def test_a_big_payload_and_result_go_through_the_bucket(ops: AircraftOps) -> None:
    job = ops.jobs.enqueue("a", BIG)
    assert (job.payload, job.payload_place) == (None, "object")
    claim = ops.jobs.claim("default", worker="w")
    assert claim is not None
    assert claim.payload == BIG
    ended = claim.complete(BIG)
    assert ops.jobs.result(ended) == BIG
    found = local_session().client("s3").list_objects_v2(Bucket="big-jobs")["Contents"]
    assert sorted(entry["Key"] for entry in found) == [f"jobs/{job.id}/payload.json", f"jobs/{job.id}/result.json"]


def test_what_the_bucket_no_longer_has_fails_the_attempt(ops: AircraftOps) -> None:
    job = ops.jobs.enqueue("a", BIG, max_attempts=1)
    local_session().client("s3").delete_object(Bucket="big-jobs", Key=f"jobs/{job.id}/payload.json")
    assert ops.jobs.claim("default", worker="w") is None
    found = ops.jobs.get(job.id)
    assert (found.state, found.failures[-1].error) == (JobState.DEAD, "ObjectStoreError")


def test_without_the_bucket_what_lies_there_cannot_be_had(ops: AircraftOps) -> None:
    job = ops.jobs.enqueue("a", BIG)
    with pytest.raises(InvalidInputError, match="AIRCRAFTOPS_JOBS_BUCKET"):
        Jobs(ops.core).payload(job)


def test_in_a_transaction_a_payload_must_fit_an_item(ops: AircraftOps) -> None:
    with pytest.raises(ItemTooLargeError):
        ops.jobs.enqueue_action("a", BIG)
    ops.jobs.enqueue("a")
    claim = ops.jobs.claim("default", worker="w")
    assert claim is not None
    with pytest.raises(ItemTooLargeError):
        claim.completion(BIG)
    claim.complete()


def test_what_s3_refuses_is_an_error_of_ours_and_nothing_is_enqueued(ops: AircraftOps) -> None:
    jobs = Jobs(ops.core, objects=ObjectStore("nobodys-bucket", local_session()))
    with pytest.raises(ObjectStoreError) as caught:
        jobs.enqueue("a", BIG)
    assert caught.value.bucket == "nobodys-bucket"
    assert jobs.claim("default", worker="w") is None


def test_the_asyncio_jobs_keep_the_same_texts(ops: AircraftOps) -> None:
    jobs = AsyncAircraftOps.connect(session=local_session(), jobs_bucket="big-jobs").jobs
    waited(jobs.store_text("k", "é"))
    assert ops.jobs.object_text("k", "result") == "é"
    assert waited(jobs.object_text("k", "result")) == "é"
    found = local_session().client("s3").get_object(Bucket="big-jobs", Key="k")
    assert found["ContentType"] == "application/json"
