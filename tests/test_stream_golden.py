"""Real events, and some of each documented form: what every record in them tells stands beside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aircraftops_data import Aircraft
from aircraftops_data.streams import Change, Decoder, decode
from aircraftops_data.streams.encoding import message
from stream_told import told

GOLDEN = Path(__file__).parent / "golden" / "streams"
EVENTS = sorted(path for path in GOLDEN.glob("*.json") if not path.name.endswith(".expected.json"))


def beside(event: Path) -> Path:
    """Where the expected result of an event stands."""
    return event.with_suffix(".expected.json")


@pytest.mark.parametrize("event", EVENTS, ids=lambda path: path.stem)
def test_each_record_tells_what_is_written_beside_its_event(event: Path) -> None:
    assert told(event.read_bytes(), Decoder([Aircraft])) == json.loads(beside(event).read_text())


@pytest.mark.parametrize("event", EVENTS, ids=lambda path: path.stem)
def test_each_record_is_the_same_again_out_of_a_message(event: Path) -> None:
    if "refused" in json.loads(beside(event).read_text()):
        assert told(event.read_text(), Decoder()) == {"refused": "UnknownEventError"}
        return
    records = decode(event.read_text(), [Aircraft], table="Given")
    assert decode([message(record) for record in records], [Aircraft]) == records


def test_every_expected_result_is_of_an_event() -> None:
    assert {beside(event).name for event in EVENTS} == {path.name for path in GOLDEN.glob("*.expected.json")}


def test_what_dynamodb_local_wrote_is_read_as_it_was_done() -> None:
    (event,) = [path for path in EVENTS if path.stem == "get-records__local__aircraft"]
    changes = [change for change in decode(event.read_text(), [Aircraft]) if isinstance(change, Change)]
    aircraft = [change for change in changes if change.entity is Aircraft]
    assert [change.operation.value for change in aircraft] == ["insert", "modify", "remove"]
    assert [change.changed for change in aircraft][1] == {"operator"}
    assert {tuple(change.identity.items()) for change in aircraft} == {(("icao24", "a1b2c3"),)}
