"""The commands about audit events: what they find, follow, export and keep."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest

from aircraftops_data import AircraftOps
from aircraftops_data.audit import AuditEvent
from aircraftops_data.cli import main
from aircraftops_data.cli.moments import earlier
from aircraftops_data.cli.output import exit_code
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.testing.clock import START
from auditing import Lively, alter, connection
from commanding import invoked, printed, refused

ANA, BO = "user:ana", "user:bo"


@pytest.fixture
def clock() -> Lively:
    return Lively()


@pytest.fixture
def ops(clock: Lively, monkeypatch: pytest.MonkeyPatch) -> AircraftOps:
    return connection(clock, monkeypatch)


@pytest.fixture
def events(ops: AircraftOps, clock: Lively) -> list[AuditEvent]:
    """Three events, an hour between them, and an hour after."""
    asked: list[dict[str, Any]] = [
        {"actor": ANA, "action": "edit", "resource": "aircraft:1", "correlation_id": "c1"},
        {"actor": BO, "action": "edit", "resource": "aircraft:1", "outcome": "denied"},
        {"actor": ANA, "action": "login", "resource": "door", "outcome": "denied", "correlation_id": "c1"},
    ]
    made: list[AuditEvent] = []
    for each in asked:
        made.append(ops.audit.record(tenant="acme", **each))
        clock.advance(timedelta(hours=1))
    return made


def found(*options: str) -> list[str]:
    return [event["id"] for event in printed("audit", "search", *options)["events"]]


# Finding


@pytest.mark.parametrize(
    ("options", "places"),
    [
        ("--tenant acme", [0, 1, 2]),
        ("--tenant acme --newest", [2, 1, 0]),
        ("--tenant acme --action edit", [0, 1]),
        ("--tenant acme --outcome denied", [1, 2]),
        ("--tenant acme --outcome denied --action edit", [1]),
        ("--actor user:ana", [0, 2]),
        ("--actor user:ana --outcome success", [0]),
        ("--actor user:ana --tenant other", []),
        ("--resource aircraft:1", [0, 1]),
        ("--resource aircraft:1 --actor user:bo", [1]),
        ("--correlation c1", [0, 2]),
        ("--correlation c1 --resource door --actor user:ana --tenant acme --action login --outcome denied", [2]),
        ("--correlation c2", []),
        ("--tenant acme --since -2h", [1, 2]),
        ("--tenant acme --since 2100-01-01T01:00:00Z --until 2100-01-01T02:00:00+01:00", [1]),
        ("--tenant acme --until -150m", [0]),
        ("--tenant acme --limit 1", [0]),
    ],
)
def test_events_are_found_by_what_they_say(events: list[AuditEvent], options: str, places: list[int]) -> None:
    assert found(*options.split()) == [events[place].id for place in places]


def test_a_page_says_how_to_go_on_also_when_time_has_passed(events: list[AuditEvent], clock: Lively) -> None:
    page = printed("audit", "search", "--tenant", "acme", "--since", "-2h", "--limit", "1")
    clock.advance(timedelta(minutes=50))
    assert page["since"] == "2100-01-01T01:00:00.000000Z"
    rest = printed("audit", "search", "--tenant", "acme", "--since", page["since"], "--cursor", page["cursor"])
    assert [event["id"] for event in (*page["events"], *rest["events"])] == [event.id for event in events[1:]]
    assert (rest["cursor"], rest["until"]) == (None, None)
    said = invoked("audit", "search", "--actor", ANA, "--limit", "1", "--newest", "--until", "-1m").stdout
    *_, more = said.splitlines()
    assert more.startswith("more: --until 2100-01-01T03:49:00.000000Z --cursor ")
    options = more.removeprefix("more: ").split()
    assert found("--actor", ANA, "--newest", *options) == [events[0].id]


def test_a_cursor_of_another_listing_is_refused(events: list[AuditEvent]) -> None:
    page = printed("audit", "search", "--tenant", "acme", "--limit", "1")
    error = refused("audit", "search", "--actor", ANA, "--cursor", page["cursor"])
    assert (type(error).__name__, exit_code(error)) == ("InvalidCursorError", 2)


def test_the_whole_event_is_printed_as_json(ops: AircraftOps) -> None:
    details = {"n": 1, "price": Decimal("1.5"), "blob": b"\xff", "tags": {"b", "a"}}
    made = ops.audit.record(actor=ANA, action="edit", resource="r", details=details, payload={"a": "é"})
    (event,) = printed("audit", "search", "--resource", "r")["events"]
    assert (event["id"], event["occurred_at"], event["payload"]) == (made.id, "2100-01-01T00:00:00Z", '{"a":"é"}')
    assert event["details"] == {"n": 1, "price": 1.5, "blob": "/w==", "tags": ["a", "b"]}
    assert set(event) == set(AuditEvent.model_fields)


def test_a_name_cannot_move_the_cursor_of_a_terminal(ops: AircraftOps) -> None:
    ops.audit.record(actor="x\x1b[2J\ny", action="edit", resource="r")
    said = invoked("audit", "search", "--resource", "r").stdout
    assert r"x\x1b[2J\ny" in said
    assert "\x1b" not in said
    assert invoked("audit", "search", "--resource", "nothing").stdout == "none\n"


def test_what_is_no_event_any_more_is_left_out_and_told_of(ops: AircraftOps, events: list[AuditEvent]) -> None:
    alter(ops, events[0], actor={"N": "1"})
    result = invoked("audit", "search", "--resource", "aircraft:1", "--json")
    assert [event["id"] for event in json.loads(result.stdout)["events"]] == [events[1].id]
    assert result.stderr == "! items left out that are no events as they are stored: 1\n"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("", "Say whose events: --correlation, --resource, --actor or --tenant"),
        ("--action edit", "Say whose events"),
        ("--tenant acme --since -1h --until -2h", "--since is after --until"),
        ("--tenant acme --since yesterday", "'yesterday' is no instant: write 2030-01-31T12:00:00Z, or -10m"),
        ("--tenant acme --since +1h", "'+1h' is no instant"),
        ("--tenant acme --since 2026-11-21", "'2026-11-21' names no time zone"),
        ("--tenant acme --since -999999d", "'-999999d' is before all time"),
        ("--tenant acme --cursor zz", "The cursor"),
        (f"--tenant {'x' * 257}", "KnownAction: String should have at most 256 characters"),
    ],
)
def test_a_search_that_cannot_be_exits_with_2(ops: AircraftOps, options: str, said: str) -> None:
    error = refused("audit", "search", *options.split())
    assert exit_code(error) == 2
    assert error.message.startswith(said)


@pytest.mark.parametrize(
    "arguments",
    [
        "search --tenant acme --outcome well",
        "search --tenant acme --limit 0",
        "search --tenant acme --limit 1001",
        "tail --tenant acme --every 0",
        "export --tenant acme",
        "hold case-1 --tenant acme",
        "release",
        "verify",
        "checkpoint acme",
        "seal acme --key private.pem",
        "prove acme --seq 0",
    ],
)
def test_a_command_that_is_written_wrongly_exits_with_2(arguments: str) -> None:
    invoked("audit", *arguments.split(), code=2)


def test_bad_input_is_one_line_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["aircraftops-data", "audit", "verify", "acme", "--keys", "nowhere.pem"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert capsys.readouterr().err == "InvalidInputError: 'nowhere.pem' cannot be read: FileNotFoundError\n"


def test_an_instant_is_told_by_how_long_ago_it_was() -> None:
    assert earlier("-1h30m", START) == START - timedelta(minutes=90)
    assert earlier("2030-01-31T12:00:00+01:00", START).isoformat() == "2030-01-31T12:00:00+01:00"
    with pytest.raises(InvalidInputError):
        earlier("+1h30m", START)


# Following


def test_events_are_followed_as_they_come_and_each_is_told_once(ops: AircraftOps, clock: Lively) -> None:
    def happen() -> None:
        number = len(clock.slept)
        if number == 90:
            raise KeyboardInterrupt
        if number % 30 == 1:
            ops.audit.record(actor=ANA, action="edit", resource=f"r{number}", tenant="acme")
        if number == 50:
            occurred_at = clock.now() - timedelta(seconds=50)
            ops.audit.record(actor=ANA, action="late", resource="r50", tenant="acme", occurred_at=occurred_at)

    ops.audit.record(actor=ANA, action="before", resource="r0", tenant="acme")
    clock.advance(1)
    clock.during = happen
    said = invoked("audit", "tail", "--tenant", "acme", "--every", "3", "--json").stdout
    assert [json.loads(line)["resource"] for line in said.splitlines()] == ["r1", "r31", "r50", "r61"]
    assert set(clock.slept) == {3.0}


def test_following_may_begin_earlier(events: list[AuditEvent], clock: Lively) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    clock.during = stop
    assert invoked("audit", "tail", "--actor", ANA, "--since", "-150m").stdout == (
        "2100-01-01 02:00:00Z user:ana login door denied\n"
    )
    assert exit_code(refused("audit", "tail", "--action", "login")) == 2


# Exporting


def test_events_are_exported_by_date(events: list[AuditEvent], tmp_path: Path) -> None:
    done = printed("audit", "export", "--to", str(tmp_path), "--tenant", "acme", "--since", "-2h", "--under", "x")
    assert done == {"events": 2, "to": str(tmp_path), "under": "x"}
    table = parquet.read_table(tmp_path / "x" / "date=2100-01-01" / f"part-{events[1].id}.parquet")
    assert table.column("event_id").to_pylist() == [event.id for event in events[1:]]


def test_an_event_that_was_altered_is_not_exported_in_silence(
    ops: AircraftOps, events: list[AuditEvent], tmp_path: Path
) -> None:
    alter(ops, events[0], actor={"N": "1"})
    assert exit_code(refused("audit", "export", "--to", str(tmp_path), "--tenant", "acme")) == 5


@pytest.mark.parametrize(("place", "code"), [("s3://", 2), ("s3://a/b", 2), ("a-file", 6)])
def test_a_place_that_is_none_is_refused(
    events: list[AuditEvent], place: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a-file").touch()
    assert exit_code(refused("audit", "export", "--to", place, "--tenant", "acme")) == code


def test_without_pyarrow_the_command_names_what_to_install(
    events: list[AuditEvent], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    error = refused("audit", "export", "--to", str(tmp_path), "--tenant", "acme")
    assert exit_code(error) == 2
    assert 'pip install "aircraftops-data[parquet]"' in error.message


# Legal holds


def test_a_legal_hold_is_placed_listed_and_ended(ops: AircraftOps, events: list[AuditEvent]) -> None:
    placed = ("audit", "hold", "case-1", "--reason", "a letter", "--resource", "aircraft:1")
    assert printed(*placed) == {"name": "case-1", "events": 2}
    assert {event.expires_at for event in ops.audit.by_resource("aircraft:1")} == {None}
    assert [hold["name"] for hold in printed("audit", "holds")] == ["case-1"]
    assert "a letter" in invoked("audit", "holds").stdout
    error = refused(*placed, "--actor", ANA)
    assert exit_code(error) == 4
    assert printed("audit", "release", "case-1") == {"name": "case-1", "events": 2}
    assert printed("audit", "holds") == []
    assert exit_code(refused("audit", "release", "case-1")) == 3


def test_a_hold_of_a_time_keeps_what_occurred_then(events: list[AuditEvent]) -> None:
    placed = ("audit", "hold", "case-1", "--reason", "x", "--tenant", "acme", "--since", "-2h", "--until", "-1h")
    assert printed(*placed)["events"] == 2


@pytest.mark.parametrize("options", ["case-1 --reason x", "case-1 --reason x --action edit"])
def test_a_hold_of_everything_is_refused(ops: AircraftOps, options: str) -> None:
    assert exit_code(refused("audit", "hold", *options.split())) == 2


def test_a_hold_without_a_name_is_refused(ops: AircraftOps) -> None:
    assert exit_code(refused("audit", "hold", "", "--reason", "x", "--tenant", "acme")) == 2
