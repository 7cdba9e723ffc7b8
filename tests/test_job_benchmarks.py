"""The benchmarks of jobs bill, run and report: a moment of each load, no times asserted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from benchmarks.billing import Billing
from benchmarks.engine import processor_seconds
from benchmarks.jobs import latency, report, running
from benchmarks.jobs.results import Crew, Done, JobResults, Latency, Load, Peer
from benchmarks.jobs.throughput import CREWS, WORKS, Field
from benchmarks.results import Bill, store
from benchmarks.setting import setting

from aircraftops_data import AircraftOps
from aircraftops_data.request import Request, Response
from aircraftops_data.testing import local_session

CREW = Crew(client="direct", processes=2, hands=2)


class Canned:
    """Answers any request with these units."""

    def __init__(self, units: float) -> None:
        self._units = {"TableName": "T", "CapacityUnits": units}
        self.sent: list[Request] = []

    def send(self, request: Request) -> Response:
        """The response."""
        self.sent.append(request)
        transaction = request.operation == "TransactWriteItems"
        return {"ConsumedCapacity": [self._units] if transaction else self._units}


# Billing


def test_every_action_of_a_transaction_is_sent_and_billed_by_itself() -> None:
    engine, token = Canned(2.0), "t" * 36
    actions = [{"Put": {"TableName": "T"}}, {"Delete": {"TableName": "T"}}]
    response = Billing(engine).send(
        Request("TransactWriteItems", {"TransactItems": actions, "ClientRequestToken": token})
    )
    assert [units["CapacityUnits"] for units in response["ConsumedCapacity"]] == [2.0, 2.0]
    assert [request.parameters["TransactItems"] for request in engine.sent] == [[action] for action in actions]
    tokens = [request.parameters["ClientRequestToken"] for request in engine.sent]
    assert len({*tokens, token}) == 3
    assert all(len(one) <= 36 for one in tokens)


@pytest.mark.parametrize(("reported", "consistent", "billed"), [(0, True, 1), (0, False, 0.5), (3, True, 3)])
def test_a_query_that_finds_nothing_is_billed_as_the_least_read(
    reported: float, consistent: bool, billed: float
) -> None:
    query = Request("Query", {"TableName": "T", "ConsistentRead": consistent})
    assert Billing(Canned(reported)).send(query)["ConsumedCapacity"]["CapacityUnits"] == billed


def test_other_requests_are_left_as_they_are() -> None:
    engine, request = Canned(0.0), Request("GetItem", {"TableName": "T"})
    assert Billing(engine).send(request)["ConsumedCapacity"]["CapacityUnits"] == 0
    assert engine.sent == [request]


# Running


@pytest.fixture
def field(local_endpoint: str, fresh_names: str) -> Iterator[Field]:
    """Tables on DynamoDB Local, and what loads need to know of them."""
    where: Any = {"session": local_session(), "endpoint_url": local_endpoint, "prefix": fresh_names}
    with AircraftOps.connect(**where) as ops:
        ops.create_tables()
        yield Field(ops, local_endpoint, fresh_names)


@pytest.mark.slow
def test_a_crew_claims_what_it_enqueued(field: Field) -> None:
    enqueued, claimed, both = (field.load(work, CREW, 2, 0.5) for work in WORKS)
    assert 0 < enqueued.done.enqueued <= enqueued.done.requests
    assert 0 < claimed.done.completed <= enqueued.done.enqueued
    assert claimed.done.requests > 4 * claimed.done.completed
    assert both.done.enqueued > 0
    assert all(load.done.cpu > 0 and load.seconds > 0 for load in (enqueued, claimed, both))


@pytest.mark.slow
@pytest.mark.parametrize("crew", CREWS[::3], ids=lambda crew: f"{crew.client}-{crew.processes}")
def test_a_crew_of_another_client_enqueues_and_claims_at_once(field: Field, crew: Crew) -> None:
    both = field.load("both", crew, 2, 0.5)
    assert both.done.enqueued > 0
    assert both.done.cpu > 0


@pytest.mark.slow
def test_the_engine_alone_is_measured_too(field: Field) -> None:
    done = field.load("plain", CREW, 1, 0.3).done
    assert done.requests > 0
    assert done.enqueued == done.completed == 0


@pytest.mark.slow
def test_every_job_is_waited_for_once(field: Field) -> None:
    found = latency.measured(field.ops.jobs, 20, 0.01, 0.5)
    assert len(found.seconds) == 10
    assert min(found.seconds) > 0


@pytest.mark.slow
def test_a_run_without_loads_tells_the_costs() -> None:
    found = running.run(running.Plan(load_seconds=0, latency_seconds=0, peer_jobs=0))
    assert found.loads == found.latencies == found.peers == []
    assert "A simple job" in found.costs


def test_the_processor_time_of_an_engine_that_is_not_here_is_unknown() -> None:
    assert processor_seconds("http://127.0.0.1:1") is None


# Reporting


def results(units: float = 4) -> JobResults:
    """A run with a little of everything."""
    simple = [
        Bill(call="enqueue", read_units=0, write_units=units),
        Bill(call="heartbeat", read_units=0, write_units=1),
    ]
    load = Load(work="enqueue", crew=CREW, shards=1, seconds=2, done=Done(enqueued=1000, requests=2400, cpu=0.5))
    return JobResults(
        setting=setting("asyncio"),
        engine="An engine",
        costs={"A simple job": simple, "Idle, 8 shards": [Bill(call="poll", read_units=24, write_units=0)]},
        loads=[load, load.model_copy(update={"work": "both", "engine_cpu": 1.2})],
        latencies=[Latency(per_second=5, pause=0.02, seconds=[0.001 * number for number in range(1, 101)])],
    )


@pytest.mark.parametrize(("units", "verdict"), [(14, "reached"), (15, "**not reached**")])
def test_a_target_is_reached_or_not(units: float, verdict: str) -> None:
    (line,) = [line for line in report.lines(results(units)) if line.startswith("| Write units of a simple job")]
    assert line.endswith(f"| at most 14 | {units} | {verdict} |")


def test_costs_are_told_call_by_call_and_in_all() -> None:
    lines = [*report.lines(results())]
    assert "| **A simple job** | **0** | **5** |" in lines
    assert "| enqueue | 0 | 4 |" in lines
    assert "| 8 | 1,000 | 5,000 |" in lines


def test_rates_are_those_of_the_clock_and_processor_time_is_told_apart() -> None:
    unknown, known = [line for line in report.lines(results()) if line.startswith("| direct, 2 x 2 threads | 1 |")]
    assert unknown == "| direct, 2 x 2 threads | 1 | 1,200 | 500 | 0 | 2.40 | 0.21 |  | 0.25 |  |"
    assert known == "| direct, 2 x 2 threads | 1 | 1,200 | 500 | 0 |  | 0.21 | 0.50 | 0.25 | 0.60 |"


def test_latency_is_told_as_its_median_and_its_tail() -> None:
    assert "| 5 | 100 | 20 | 51.0 | 100.0 | 100.0 |" in [*report.lines(results())]


def test_a_peer_is_told_where_there_is_one() -> None:
    peer = Peer(name="Somebody", enqueued=1234.5, completed=67.8)
    told = [*report.lines(results().model_copy(update={"peers": [peer]}))]
    assert "| Somebody | 1,234 | 68 |" in told
    assert not any("For context" in line for line in report.lines(results()))


def test_a_report_replaces_only_what_stands_between_its_markers(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks-jobs.md"
    page.write_text("Before\n\n<!-- jobs:begin -->\nold\n<!-- jobs:end -->\n\nAfter\n")
    report.publish(results(), tmp_path)
    report.publish(results(), tmp_path)
    text = page.read_text()
    assert text.startswith("Before\n\n<!-- jobs:begin -->\n")
    assert text.endswith("<!-- jobs:end -->\n\nAfter\n")
    assert "old" not in text


def test_results_are_read_back_as_they_were_stored(tmp_path: Path) -> None:
    store("jobs", results(), tmp_path)
    assert JobResults.model_validate_json((tmp_path / "jobs.json").read_text()) == results()
