"""The benchmarks of reading streams read the same records every way, and report them; no times asserted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from benchmarks.contender import BATCH
from benchmarks.measuring import Times
from benchmarks.results import store
from benchmarks.setting import setting
from benchmarks.streams import events, report
from benchmarks.streams.results import StreamResults
from benchmarks.streams.running import BOTH
from benchmarks.streams.ways import DESERIALIZER, OWN, POWERTOOLS, own, ways

from aircraftops_data.streams import Change


def seats(image: Any) -> Any:
    return image["seats"] if isinstance(image, dict) else image.seats


def test_every_way_reads_every_image() -> None:
    pytest.importorskip("aws_lambda_powertools", reason="a peer of the benchmarks' own environment")
    for event, images in ((events.modified(), 2), (events.new_only(), 1)):
        expected = [int(record["dynamodb"]["NewImage"]["seats"]["N"]) for record in event["Records"]]
        found = {name: way() for name, way in ways(event).items()}
        for name, records in found.items():
            last = [record.new if isinstance(record, Change) else record[-1] for record in records]
            assert [seats(image) for image in last] == expected, name
        assert {len(record) for record in found[DESERIALIZER]} == {images}


def test_every_dialect_is_read_as_changes_of_the_same_items() -> None:
    for name, event in events.in_every_dialect().items():
        changes = own(event)()
        assert {type(change) for change in changes} == {Change}, name
        assert [change.new.version for change in changes] == [7] * BATCH
        assert changes[0].changed == {"cycles"}


def results(theirs: float = 60) -> StreamResults:
    """A run with a little of everything."""
    times = {name: Times([cpu, cpu], [cpu, cpu]) for name, cpu in ((OWN, 20), (POWERTOOLS, theirs), (DESERIALIZER, 30))}
    return StreamResults(
        setting=setting("none"), rounds=2, views={BOTH: times}, dialects={"lambda": times[OWN], "pipes": times[OWN]}
    )


@pytest.mark.parametrize(("theirs", "verdict"), [(60, "reached"), (59, "**not reached**")])
def test_a_target_is_reached_or_not(theirs: float, verdict: str) -> None:
    (line,) = [line for line in report.lines(results(theirs)) if line.startswith("| Powertools, pydantic: its time")]
    assert line.endswith(f"| at least 3 | {theirs / 20:.2f} | {verdict} |")


def test_each_way_and_each_dialect_has_a_line() -> None:
    lines = [*report.lines(results())]
    assert f"| {DESERIALIZER} | 33,333 | 30.0 | 30.0 | 1.50 |" in lines
    assert "| pipes | 50,000 | 20.0 | 20.0 | 1.00 |" in lines


def test_a_report_replaces_only_what_stands_between_its_markers(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks-streams.md"
    page.write_text("Before\n\n<!-- streams:begin -->\nstale\n<!-- streams:end -->\n\nAfter\n")
    report.publish(results(), tmp_path)
    text = page.read_text()
    assert text.startswith("Before\n\n<!-- streams:begin -->\n")
    assert text.endswith("<!-- streams:end -->\n\nAfter\n")
    assert "stale" not in text


def test_results_are_read_back_as_they_were_stored(tmp_path: Path) -> None:
    store("streams", results(), tmp_path)
    assert StreamResults.model_validate_json((tmp_path / "streams.json").read_text()) == results()
