"""The item of a job that carries as much as may lie in it is written with one unit."""

from __future__ import annotations

from typing import Any

from job_cases import claimed

from aircraftops_data.jobs import Job
from aircraftops_data.jobs.content import PAYLOAD_INLINE_BYTES, RESULT_INLINE_BYTES
from aircraftops_data.translation.codec import codec_of
from aircraftops_data.translation.values import item_size

MARKS_BYTES = len("write_id") + len("former_write_id") + 2 * 16


def test_a_job_with_the_largest_payload_and_result_in_its_item_stays_within_a_kilobyte(jobs: Any) -> None:
    job = jobs.enqueue("registry.ingest", "x" * (PAYLOAD_INLINE_BYTES - 2), queue="registry-ingest")
    claim = claimed(jobs, "registry-ingest", worker="ip-10-0-0-1.eu-west-1.compute.internal-12345-deadbeef")
    claim.progress(1200, 5000, "MASTER.txt")
    ended = claim.complete("y" * (RESULT_INLINE_BYTES - 2))
    for known in (job, claim.job, ended):
        assert (known.payload_place, known.result_place) == (None, None)
        assert item_size(codec_of(Job.definition()).item(known)) + MARKS_BYTES <= 1024
