"""The benchmarks run and report: a few turns against the canned server, no times asserted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import boto3
import pytest
from benchmarks import memory, report, running, sample, scaling
from benchmarks.contender import PathName
from benchmarks.contenders.own import Airframe, Own, airframe
from benchmarks.measuring import Times
from benchmarks.registry import ENTRIES, OURS, OURS_ASYNC, OURS_DIRECT, Entry, be_somebody
from benchmarks.results import Memory, Outcome, Results, Scaling, Step, store
from benchmarks.server import CannedServer, taken
from benchmarks.setting import setting
from benchmarks.targets import Target
from benchmarks.verifying import NotTheSameWorkError, verify

from aircraftops_data import metered

SHORT: tuple[PathName, ...] = ("page", "get", "put", "encode", "get_async", "decode_stream")


@pytest.fixture(scope="module")
def server() -> Iterator[CannedServer]:
    """A canned server."""
    with CannedServer() as running_server:
        yield running_server


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that are gone after the test."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_EC2_METADATA_DISABLED"):
        monkeypatch.setenv(name, "")
    be_somebody()


@pytest.fixture
def own(server: CannedServer) -> Own:
    """This library on the canned server."""
    return Own(server.endpoint)


@pytest.fixture(scope="module")
def results() -> Results:
    """A short run of what every environment has."""
    names = (OURS, OURS_DIRECT, OURS_ASYNC, "json.loads alone")
    return running.run(running.Plan(names, SHORT, rounds=2, turn_seconds=0, processes=False))


# The canned server


def test_a_request_is_taken_only_when_all_of_it_is_there() -> None:
    whole = b"POST / HTTP/1.1\r\nX-Amz-Target: DynamoDB_20120810.GetItem\r\nContent-Length: 4\r\n\r\nbody"
    for cut in range(len(whole)):
        assert taken(bytearray(whole[:cut])) is None
    received = bytearray(whole + whole[:10])
    assert taken(received) == ("GetItem", b"body")
    assert received == whole[:10]


def test_header_names_may_be_of_any_case() -> None:
    lower = b"POST / HTTP/1.1\r\nx-amz-target: DynamoDB_20120810.Query\r\ncontent-length: 2\r\n\r\n{}"
    assert taken(bytearray(lower)) == ("Query", b"{}")


def test_botocore_accepts_the_checksum_of_every_answer(server: CannedServer) -> None:
    session: Any = boto3.Session()
    client = session.client("dynamodb", endpoint_url=server.endpoint)
    key = {name: sample.item(3)[name] for name in ("PK", "SK")}
    keys = [{name: sample.item(n)[name] for name in ("PK", "SK")} for n in range(2)]
    condition = {"KeyConditionExpression": "PK = :p", "ExpressionAttributeValues": {":p": {"S": "FLEET#PAGES2"}}}
    assert client.get_item(TableName=sample.TABLE, Key=key)["Item"] == sample.item(3)
    assert client.query(TableName=sample.TABLE, **condition)["LastEvaluatedKey"]["SK"] == {"S": "AIRFRAME#000001"}
    assert client.put_item(TableName=sample.TABLE, Item=sample.item(3))["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert len(client.batch_get_item(RequestItems={sample.TABLE: {"Keys": keys}})["Responses"][sample.TABLE]) == 100
    assert client.describe_table(TableName=sample.TABLE)["Table"]["TableStatus"] == "ACTIVE"


def test_the_server_counts_what_it_was_asked(own: Own, server: CannedServer) -> None:
    server.tally()
    own.get()
    own.put()
    told = server.tally()
    assert (told["requests"], told["read_units"], told["write_units"]) == (2, 0.5, 3.0)
    assert server.tally() == {"last": told["last"]}


def test_pages_follow_each_other_to_the_end(own: Own) -> None:
    with metered() as meter:
        assert len(own.table.query(Airframe.primary(operator="PAGES3")).all()) == 3 * sample.FLEET
    assert meter.consumed.requests == 3


# The sample


def test_this_library_stores_the_airframe_as_the_sample_says(own: Own) -> None:
    stored = {name: value for name, value in sample.item(5).items() if name != "write_id"}
    assert own.codec.item(airframe(5)) == stored


def test_an_airframe_has_24_fields() -> None:
    assert len(sample.values(0)) == 24


# Verifying


def test_a_contender_that_leaves_an_attribute_out_is_refused() -> None:
    partial = '{"Item": {"PK": {"S": "x"}, "SK": {"S": "y"}}}'
    with pytest.raises(NotTheSameWorkError, match="Not sent: GSI1PK"):
        verify("put", None, partial)


def test_a_contender_that_reads_something_else_is_refused() -> None:
    with pytest.raises(NotTheSameWorkError, match="year_built differ"):
        verify("get", airframe(1).model_copy(update={"year_built": 1903}), "")


def test_a_contender_that_reads_nothing_is_refused() -> None:
    with pytest.raises(NotTheSameWorkError, match="Nothing was read"):
        verify("page", [], "")


# Running


def test_a_run_measures_every_path_of_those_that_are_there(results: Results) -> None:
    assert set(results.paths) == set(SHORT)
    assert set(results.paths["page"]) >= {OURS, "json.loads alone"}
    assert all(len(found.times.cpu) == 2 for found in results.paths["page"].values())


def test_what_is_not_there_has_a_reason_and_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENTRIES, "nobody", Entry("nowhere", "Nobody"))  # type: ignore[misc]
    run = running.run(running.Plan((OURS, "nobody"), ("encode",), rounds=1, turn_seconds=0, processes=False))
    assert list(run.missing) == ["nobody"]
    assert list(run.paths["encode"]) == [OURS]


def test_bulk_writes_are_whole(own: Own, server: CannedServer) -> None:
    assert own.write_many() == sample.FLEET
    verify("write_many", None, server.tally()["last"])


def test_memory_is_measured_in_megabytes(server: CannedServer) -> None:
    found = memory.measure(OURS, "encode", server.endpoint)
    assert 10 < found.connected <= found.peak < 4000


def test_a_step_of_scaling_deals_with_all_its_items(server: CannedServer) -> None:
    assert scaling.step("read", 1000, server.endpoint).items == 1000
    assert scaling.step("write", 100, server.endpoint).items == 100


# Reporting


def outcome(*cpu: float) -> Outcome:
    """An outcome of these times."""
    return Outcome(times=Times(list(cpu), [2 * each for each in cpu]))


def test_ratios_compare_what_was_measured_in_the_same_round() -> None:
    assert Times([2, 40, 2], [1, 1, 1]).ratio_to(Times([1, 20, 4], [1, 1, 1])) == 2


@pytest.mark.parametrize(("ours", "verdict"), [(2.0, "reached"), (4.0, "**not reached**")])
def test_a_target_is_reached_or_not(ours: float, verdict: str) -> None:
    found = Results(setting=setting("asyncio"), rounds=1, paths={"page": {OURS: outcome(ours), "pydynox": outcome(10)}})
    (line,) = [line for line in report.results_lines(found) if "0.25 | pydynox" in line]
    assert line.endswith(f"| {ours / 10:.2f} | {verdict} |")


def test_a_target_of_something_that_was_not_measured_is_said_to_be_so() -> None:
    assert Target("get", OURS, "pydynox", 0.5).ratio(Results(setting=setting("asyncio"), rounds=1)) is None


def test_a_report_replaces_only_what_stands_between_its_markers(results: Results, tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text("Before\n\n<!-- results:begin -->\nold\n<!-- results:end -->\n\nAfter\n")
    results = results.model_copy(update={"memory": {"page": {OURS: Memory(connected=50, peak=60)}}})
    report.publish(results, tmp_path)
    report.publish(results, tmp_path)
    text = page.read_text()
    assert text.startswith("Before\n\n<!-- results:begin -->\n")
    assert text.endswith("<!-- results:end -->\n\nAfter\n")
    assert "old" not in text
    assert "| aircraftops-data | 50.0 | 60.0 | 10.0 |" in text


def test_a_page_without_markers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("nothing")
    with pytest.raises(ValueError, match="results:begin"):
        report.between(tmp_path / "page.md", "results", [])


def test_charts_are_whole_svg_for_light_and_dark_pages(results: Results, tmp_path: Path) -> None:
    steps = [Step(items=items, cpu=1.5, wall=2.0, peak=60.0) for items in (1000, 10_000)]
    grown = Scaling(setting=setting("none"), read=steps, written=steps)
    (tmp_path / "benchmarks.md").write_text(
        "".join(f"<!-- {name}:{side} -->" for name in ("results", "scaling") for side in ("begin", "end"))
    )
    report.publish(results, tmp_path)
    report.publish_scaling(grown, tmp_path)
    for name in ("benchmarks.svg", "benchmarks-scaling.svg"):
        drawn = (tmp_path / name).read_text()
        assert ElementTree.fromstring(drawn).tag.endswith("svg")
        assert "prefers-color-scheme: dark" in drawn
        assert drawn.count("<rect") > 4


def test_results_are_read_back_as_they_were_stored(results: Results, tmp_path: Path) -> None:
    store("latest", results, tmp_path)
    assert Results.model_validate_json((tmp_path / "latest.json").read_text()) == results
