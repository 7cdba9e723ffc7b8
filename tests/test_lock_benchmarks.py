"""The benchmarks of locks and changes run and report: a moment of each, no times asserted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from benchmarks.engine import connected
from benchmarks.locks import growth, report, running
from benchmarks.locks.peers import Own, OwnDirect
from benchmarks.locks.results import Growth, HandOver, LockResults, Rival, TakeOver, Turns
from benchmarks.locks.timing import WARM_ROUNDS, handed_over, side_by_side, taken_over, turn
from benchmarks.registry import OURS, OURS_DIRECT
from benchmarks.results import Asked, Bill, store
from benchmarks.setting import setting

# Running


def test_each_round_begins_with_another_and_the_first_rounds_are_not_told() -> None:
    done: list[str] = []
    found = side_by_side({"a": lambda: done.append("a"), "b": lambda: done.append("b")}, 2, 1)
    assert done[-4:] == ["a", "b", "b", "a"]
    assert len(done) == 2 * (WARM_ROUNDS + 2)
    assert {name: [len(each) for each in turns.seconds] for name, turns in found.items()} == {"a": [1, 1], "b": [1, 1]}


@pytest.fixture
def own(local_endpoint: str, fresh_names: str) -> Iterator[Own]:
    """This library's locks on DynamoDB Local."""
    peer = OwnDirect(local_endpoint, fresh_names)
    yield peer
    peer.close()


@pytest.mark.slow
def test_a_turn_takes_the_lock_and_gives_it_back(own: Own) -> None:
    turn(own)()
    turn(own)()
    assert own.ops.locks.get("uncontended").token == 2


@pytest.mark.slow
def test_what_a_turn_asks_is_told_as_it_is_sent_and_as_it_is_billed(own: Own) -> None:
    own.asked("asked")
    assert own.asked("asked") == Asked(requests=3, read_units=1, write_units=2)


@pytest.mark.slow
def test_threads_take_turns_at_a_lock(own: Own) -> None:
    found = handed_over("ours", own, threads=3, held=0.001, seconds=1)
    assert len(found.seconds) > 1
    assert own.ops.locks.get("3 threads, 0.001 s").token > len(found.seconds)


@pytest.mark.slow
def test_a_lock_of_a_dead_holder_is_taken_only_after_its_lease_and_the_margin(
    local_endpoint: str, fresh_names: str
) -> None:
    with connected(local_endpoint, fresh_names) as ops:
        found = taken_over(ops, timedelta(milliseconds=100), times=2)
        assert [ops.locks.get(f"dead {number}").token for number in range(2)] == [2, 2]
    assert len(found.seconds) == 2
    assert min(found.seconds) > 0


@pytest.mark.slow
@pytest.mark.parametrize("change", growth.CHANGES)
def test_a_ready_made_change_deals_with_every_item(local_endpoint: str, fresh_names: str, change: str) -> None:
    growth.stocked(local_endpoint, fresh_names, 60).close()
    found = growth.grown(change, 60, local_endpoint, fresh_names)
    assert (found.change, found.items) == (change, 60)
    assert found.peak >= found.before > 0


@pytest.mark.slow
def test_a_short_run_tells_the_costs_and_who_was_there() -> None:
    stories = (report.UNCONTENDED,)
    plan = running.Plan(stories, rounds=1, turns=1, hand_over_seconds=0, take_overs=0, sizes=())
    found = running.run(plan)
    assert [*found.costs] == [report.UNCONTENDED]
    names = [rival.name for rival in found.rivals]
    assert names[:2] == [OURS, OURS_DIRECT]
    assert {*names, *found.missing} == {*running.PEERS}
    assert found.growth == found.hand_overs == []
    assert found.take_over is None


# Reporting


def results(units: float = 4) -> LockResults:
    """A run with a little of everything."""
    bills = [Bill(call="acquire", read_units=1, write_units=units), Bill(call="release", read_units=0, write_units=1)]
    many = [Bill(call="apply", read_units=85, write_units=4097, items=1000)]
    ours, theirs = Turns(seconds=[[0.004, 0.002]] * 2, cpu_ms=[2, 1]), Turns(seconds=[[0.001]] * 2, cpu_ms=[1, 1])
    return LockResults(
        setting=setting("none"),
        engine="An engine",
        costs={report.UNCONTENDED: bills, "Backfill of 1,000 items": many},
        rivals=[
            Rival(name=OURS, told="", asked=Asked(requests=3, read_units=1, write_units=2), turns=ours),
            Rival(name="theirs", told="no token", asked=Asked(requests=2, write_units=2), turns=theirs),
        ],
        missing={"nobody": "No module named 'nobody'"},
        heartbeats={OURS: theirs},
        hand_overs=[HandOver(name=OURS, threads=2, held=0.01, seconds=[n / 1000 for n in range(1, 101)])],
        take_over=TakeOver(lease=2, margin=1, seconds=[0.2, 0.1, 0.3]),
        growth=[Growth(change="backfill", items=1000, seconds=2, cpu=0.1, before=50, peak=52.5)],
    )


@pytest.mark.parametrize(("units", "verdict"), [(5, "reached"), (6, "**not reached**")])
def test_a_target_is_reached_or_not(units: float, verdict: str) -> None:
    (line,) = [line for line in report.lines(results(units)) if line.startswith("| Write units of taking")]
    assert line.endswith(f"| at most 6 | {units + 1} | {verdict} |")


def test_what_a_call_of_many_items_costs_is_told_for_each_too() -> None:
    lines = [*report.lines(results())]
    assert "| apply | 85 | 4097 |" in lines
    assert "| apply: each of 1,000 items | 0.085 | 4.1 |" in lines


def test_rivals_are_compared_with_ours_round_by_round() -> None:
    lines = [*report.lines(results())]
    assert f"| {OURS} | 3 | 1 | 2 | 333 | 4.0 | 4.0 | 4.0 | 1.50 | 1.00 | 1.00 |" in lines
    assert "| theirs | 2 | 0 | 2 | 1,000 | 1.0 | 1.0 | 1.0 | 1.00 | 0.33 | 0.75 |" in lines
    assert "- theirs: no token." in lines
    assert "- nobody was not there: No module named 'nobody'." in lines


def test_hand_overs_take_overs_and_changes_have_a_line_each() -> None:
    lines = [*report.lines(results())]
    assert f"| {OURS} | 2 | 10 | 100 | 51.0 | 100.0 | 100.0 |" in lines
    assert "| 2 | 1 | 3 | 200.0 | 300.0 | 300.0 |" in lines
    assert "| backfill | 1,000 | 500 | 100 | 50.0 | 52.5 | 2.5 |" in lines


def test_a_report_replaces_only_what_stands_between_its_markers(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks-locks.md"
    page.write_text("Before\n\n<!-- locks:begin -->\nstale\n<!-- locks:end -->\n\nAfter\n")
    report.publish(results(), tmp_path)
    text = page.read_text()
    assert text.startswith("Before\n\n<!-- locks:begin -->\n")
    assert text.endswith("<!-- locks:end -->\n\nAfter\n")
    assert "stale" not in text


def test_results_are_read_back_as_they_were_stored(tmp_path: Path) -> None:
    store("locks", results(), tmp_path)
    assert LockResults.model_validate_json((tmp_path / "locks.json").read_text()) == results()
