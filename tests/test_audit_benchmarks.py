"""The benchmarks of audit chains bill, append, verify and report: a moment of each, no times asserted."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, get_args

import pytest
from benchmarks.audit import costs, hashing, paper, report, throughput, verification
from benchmarks.audit.results import Appended, AuditResults, Cost, Crew, Load, Source, Verified, WayName
from benchmarks.audit.ways import TENANT, OneByOne, said
from benchmarks.engine import connected
from benchmarks.locks.results import Turns
from benchmarks.registry import OURS
from benchmarks.results import store
from benchmarks.setting import setting

from aircraftops_data import AUDIT_EVENTS
from aircraftops_data.testing import local_session

WAYS: tuple[WayName, ...] = get_args(WayName)
ALONE = Crew(processes=1, threads=1)

# Costs


@pytest.fixture(scope="module")
def billed(local_endpoint: str) -> list[Cost]:
    """What events cost, every way."""
    with connected(local_endpoint, "audit-costs-") as ops:
        return list(costs.told(ops, local_endpoint, "audit-costs-"))


def units(billed: Sequence[Cost], name: WayName, group: int = 1) -> list[tuple[float, float]]:
    """Of the table and of the indexes; with two indexes and with three."""
    found = [cost for cost in billed if (cost.way, cost.group) == (name, group)]
    assert [cost.indexes for cost in found] == [2, 3]
    return [(cost.table, cost.of_indexes) for cost in found]


@pytest.mark.slow
def test_an_event_in_a_group_of_25_costs_at_most_one_and_a_half_units_and_its_indexes(billed: Sequence[Cost]) -> None:
    for indexes, (table, of_indexes) in enumerate(units(billed, OURS, 25), 2):
        assert 1 < table <= 1.5
        assert of_indexes == indexes


@pytest.mark.slow
def test_an_event_alone_costs_a_block_and_a_head_more_than_one_in_no_chain(billed: Sequence[Cost]) -> None:
    assert units(billed, OURS) == [(5, 2), (5, 3)]
    assert units(billed, "no chain") == [(1, 2), (1, 3)]


@pytest.mark.slow
def test_a_link_of_its_own_costs_two_actions_of_a_transaction(billed: Sequence[Cost]) -> None:
    assert [table for table, _ in units(billed, "one by one")] == [4, 4]


# Appending


@pytest.mark.slow
def test_links_written_one_by_one_by_several_threads_all_follow_one_another(
    local_endpoint: str, fresh_names: str
) -> None:
    connected(local_endpoint, fresh_names).close()
    peer = OneByOne(local_endpoint, fresh_names)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(peer.append, [[said(number), said(number + 100)] for number in range(6)]))
    links = records(local_endpoint, f"{fresh_names}{AUDIT_EVENTS.name}")
    peer.close()
    assert [int(link["number"]["N"]) for link in links] == [*range(1, 13)]
    assert [link["previous"]["B"] for link in links] == [bytes(32), *(link["hash"]["B"] for link in links[:-1])]


def records(endpoint: str, table: str) -> list[dict[str, Any]]:
    """The links of a table, in order."""
    client = local_session().client("dynamodb", endpoint_url=endpoint)
    items = client.scan(TableName=table)["Items"]
    return sorted((item for item in items if "previous" in item), key=lambda item: int(item["number"]["N"]))


@pytest.mark.slow
def test_every_way_appends_by_processes_that_share_a_chain(local_endpoint: str, fresh_names: str) -> None:
    connected(local_endpoint, fresh_names).close()
    crew = Crew(processes=2, threads=2)
    loads = [Load(way=name, crew=crew, group=2) for name in WAYS]
    throughput.measure(loads, local_endpoint, fresh_names, first=1, seconds=0.2, say=lambda _: None)
    for load in loads:
        assert len(load.rates) == 1
        assert load.done.events == 2 * len(load.done.seconds) > 0
    with connected(local_endpoint, fresh_names) as ops:
        found = ops.audit.chain(TENANT).verify()
        assert found.ok
        assert found.checked >= sum(load.done.events for load in loads[:2])


def test_what_links_one_by_one_has_no_groups() -> None:
    loads = throughput.all_loads((1, 25))
    assert {(load.way, load.group) for load in loads} == {
        *((name, group) for name in WAYS[:2] for group in (1, 25)),
        *((name, 1) for name in WAYS[2:]),
    }


# Hashing and verifying


def test_every_way_to_hash_gives_a_hash_for_each_event() -> None:
    works = hashing.works([paper.event_item(number) for number in range(3)])
    for work in works.values():
        hashes = work()
        assert isinstance(hashes, list)
        assert len({*hashes}) == 3


@pytest.mark.slow
def test_a_table_and_an_export_are_verified_each_in_a_process_of_its_own(local_endpoint: str) -> None:
    found = list(verification.measured([(7, 3)], [(7, 3)], local_endpoint, lambda _: None))
    assert [(one.source, one.links, one.group) for one in found] == [
        (source, 7, 3) for source in ("table", *get_args(Source)[1:])
    ]
    assert all(one.peak >= one.before > 0 for one in found)


# Reporting


def results(table: float = 1.32, cpu: float = 1) -> AuditResults:
    """A run with a little of everything."""
    done = Appended(events=10, refused=5, cpu=0.02, seconds=[0.002] * 10)
    return AuditResults(
        setting=setting("none"),
        engine="An engine",
        event_bytes=1000,
        costs=[
            Cost(way=OURS, group=25, indexes=2, table=table, of_indexes=2),
            Cost(way="one by one", group=1, indexes=2, table=4, of_indexes=4),
        ],
        loads=[
            Load(way=OURS, crew=ALONE, group=25, rates=[100, 300, 200], done=done),
            Load(way="one by one", crew=ALONE, group=1, rates=[50, 100, 50], done=done),
        ],
        hashing={hashing.OWN: Turns(cpu_ms=[10, 10]), "theirs": Turns(cpu_ms=[20, 30])},
        hashed_at_once=500,
        verified=[
            Verified(source="export", links=100_000, group=25, seconds=2, cpu=cpu, before=90, peak=100.5),
        ],
    )


@pytest.mark.parametrize(("table", "verdict"), [(1.5, "reached"), (1.6, "**not reached**")])
def test_a_target_of_units_is_reached_or_not(table: float, verdict: str) -> None:
    (line,) = [line for line in report.lines(results(table=table)) if line.startswith("| Write units of an event in")]
    assert line.endswith(f"| at most 1.5 | {table:.2f} | {verdict} |")


@pytest.mark.parametrize(("cpu", "verdict"), [(2, "reached"), (2.5, "**not reached**")])
def test_a_target_of_verifying_is_reached_or_not(cpu: float, verdict: str) -> None:
    (line,) = [line for line in report.lines(results(cpu=cpu)) if line.startswith("| Links of an export")]
    assert line.endswith(f"| at least 50,000 | {100_000 / cpu:,.0f} | {verdict} |")


def test_ways_are_compared_with_links_written_one_by_one() -> None:
    lines = [*report.lines(results())]
    assert f"| {OURS} | 25 | 2 | 1.32 | 2 | 3.32 | 0.33 |" in lines
    assert f"| {OURS} | 1 | 1 | 25 | 200 | 3.00 | 2.0 | 2.0 | 2.0 | 2.00 |  |" in lines
    assert "| one by one | 1 | 1 | 1 | 50 | 1.00 | 2.0 | 2.0 | 2.0 | 2.00 | 0.50 |" in lines


def test_hashing_and_verifying_have_a_line_each() -> None:
    lines = [*report.lines(results())]
    assert "| theirs | 20,000 | 50.0 | 2.50 |" in lines
    assert "| export | 100,000 | 25 | 50,000 | 100,000 | 0.0 | 90.0 | 100.5 | 10.5 |" in lines


def test_a_report_replaces_only_what_stands_between_its_markers(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks-audit.md"
    page.write_text("Before\n\n<!-- audit:begin -->\nstale\n<!-- audit:end -->\n\nAfter\n")
    report.publish(results(), tmp_path)
    text = page.read_text()
    assert text.startswith("Before\n\n<!-- audit:begin -->\n")
    assert text.endswith("<!-- audit:end -->\n\nAfter\n")
    assert "stale" not in text


def test_results_are_read_back_as_they_were_stored(tmp_path: Path) -> None:
    store("audit", results(), tmp_path)
    assert AuditResults.model_validate_json((tmp_path / "audit.json").read_text()) == results()
