"""The commands about changes: what they say would be made, make, and record, and what they exit with."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from rich.console import Console

from aircraftops_data import CORE, JOBS, Aircraft, AircraftOps
from aircraftops_data.cli import changes as change_commands
from aircraftops_data.cli.output import UNHEALTHY, exit_code
from aircraftops_data.coordination import ChangeProgress, ChangeState
from aircraftops_data.core.provisioning import create_tables
from aircraftops_data.errors import ChangeFailedError
from aircraftops_data.settings import TableOptions
from aircraftops_data.testing import ManualClock
from commanding import attempted, examples, invoked, printed, refused, section, words

Declares = Callable[[str], None]
THEIRS = ("--module", "their_changes")
WHY = ("--reason", "as agreed")
SEED = """
@change("001-seed")
def seed(context):
    context.tx.create(Aircraft(icao24="a835af"))
"""
CHUNKS = """
@change("002-chunks", mode="chunked")
def chunks(context):
    at = int(context.cursor or 0) + 1
    context.go_on(None if at == 3 else str(at), done=2, total=6)

@chunks.rolls_back
def unchunked(context):
    pass
"""
BROKEN = """
@change("003-broken", mode="external")
def broken(context):
    raise KeyError("no such [red]bucket")
"""
LAST = """
@change("004-last")
def last(context):
    pass
"""
ALL = SEED + CHUNKS + BROKEN + LAST


@pytest.fixture
def ops(session: boto3.Session, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[AircraftOps]:
    """What every command is connected to: tables in moto, and a clock that stands still."""
    from moto import mock_aws

    monkeypatch.delenv("AWS_ENDPOINT_URL_DYNAMODB", raising=False)
    with mock_aws():
        made = AircraftOps.connect(client=session.client("dynamodb"), clock=clock)
        made.core.runner.run(create_tables((CORE, JOBS), made.core.context, TableOptions()))
        monkeypatch.setattr(change_commands, "connected", lambda endpoint_url, prefix: made)
        yield made


@pytest.fixture
def declares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Declares]:
    """Writes the module `their_changes`, where the commands are run, to be imported anew."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    # A file that is written twice in a second would be taken for what it was.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(text: str, name: str = "their_changes") -> None:
        sys.modules.pop(name, None)
        names = "from aircraftops_data import Aircraft\nfrom aircraftops_data.coordination import change\n"
        (tmp_path / f"{name}.py").write_text(names + text)

    before = set(sys.modules)
    yield write
    for name in [name for name in set(sys.modules) - before if name.startswith(("their_changes", "fleet_changes"))]:
        del sys.modules[name]


def states() -> dict[str, str]:
    return {record["id"]: record["state"] for record in printed("changes", "plan", *THEIRS)}


# Making


def test_a_plan_says_what_would_be_made_and_makes_nothing(ops: AircraftOps, declares: Declares) -> None:
    declares(SEED + CHUNKS)
    first, second = printed("changes", "plan", *THEIRS)
    assert first == {
        "id": "001-seed",
        "mode": "atomic",
        "state": "pending",
        "action": "run",
        "why": "new",
        "drifted": False,
    }
    assert (second["id"], second["mode"]) == ("002-chunks", "chunked")
    assert re.search(r"│ 001-seed +│ atomic +│ pending +│ run +│ new │", invoked("changes", "plan", *THEIRS).stdout)
    assert printed("changes", "history") == []


def test_changes_are_made_once_and_listed(ops: AircraftOps, declares: Declares) -> None:
    declares(SEED + CHUNKS)
    made = printed("changes", "apply", *THEIRS, "--operator", "deploy")
    assert [(record["id"], record["state"], record["attempt"]) for record in made] == [
        ("001-seed", "applied", 1),
        ("002-chunks", "applied", 1),
    ]
    assert ops.core.get(Aircraft, icao24="a835af").version == 1
    assert printed("changes", "apply", *THEIRS) == []
    assert invoked("changes", "apply", *THEIRS).stdout == "none\n"
    assert {entry["operator"] for entry in printed("changes", "history")} == {"deploy"}


def test_how_far_a_change_in_chunks_has_come_is_told(ops: AircraftOps, declares: Declares) -> None:
    declares(CHUNKS)
    assert "6/6 in 3 chunks" in invoked("changes", "apply", *THEIRS).stdout
    record = printed("changes", "show", "002-chunks")
    assert (record["done"], record["total"], record["chunks"]) == (6, 6, 3)


def test_a_package_is_searched_whole(ops: AircraftOps, declares: Declares, tmp_path: Path) -> None:
    (tmp_path / "their_changes").mkdir()
    declares("", "their_changes/__init__")
    declares(LAST, "their_changes/later")
    declares(SEED, "their_changes/first")
    assert list(states()) == ["001-seed", "004-last"]


def test_histories_of_two_scopes_know_nothing_of_each_other(ops: AircraftOps, declares: Declares) -> None:
    declares(LAST)
    assert len(printed("changes", "apply", *THEIRS, "--scope", "billing")) == 1
    assert states() == {"004-last": "pending"}
    assert printed("changes", "history") == []
    assert len(printed("changes", "history", "--scope", "billing")) == 2
    assert printed("changes", "show", "004-last", "--scope", "billing")["scope"] == "billing"


def test_what_a_change_raised_is_traced_and_exits_with_10(ops: AircraftOps, declares: Declares) -> None:
    declares(ALL)
    result = attempted("changes", "apply", *THEIRS)
    assert isinstance(result.exception, ChangeFailedError)
    assert exit_code(result.exception) == 10
    assert "KeyError: 'no such [red]bucket'" in result.stderr
    assert "their_changes.py" in result.stderr
    assert re.search(r"│ 001-seed .*\n.* 002-chunks", result.stdout)
    assert "003-broken" not in result.stdout
    assert states() == {
        "001-seed": "applied",
        "002-chunks": "applied",
        "003-broken": "failed",
        "004-last": "pending",
    }


def test_writes_that_were_refused_are_told_with_their_reasons(ops: AircraftOps, declares: Declares) -> None:
    ops.core.create(Aircraft(icao24="a835af"))
    declares(SEED)
    result = attempted("changes", "apply", *THEIRS)
    assert isinstance(result.exception, ChangeFailedError)
    assert "AlreadyExistsError: Aircraft exists already" in result.stderr
    assert "TransactionCanceledException" not in result.stderr


def test_nothing_is_made_while_a_person_must_say_what_is_so(ops: AircraftOps, declares: Declares) -> None:
    declares(BROKEN + LAST)
    refused("changes", "apply", *THEIRS)
    error = refused("changes", "apply", *THEIRS)
    assert (exit_code(error), error.fields["state"]) == (4, "manual")
    assert states() == {"003-broken": "manual", "004-last": "pending"}


def test_nothing_is_made_while_a_change_has_drifted(ops: AircraftOps, declares: Declares) -> None:
    declares(SEED)
    invoked("changes", "apply", *THEIRS)
    declares(SEED.replace("a835af", "a835b0") + LAST)
    error = refused("changes", "apply", *THEIRS)
    assert (exit_code(error), type(error).__name__) == (4, "ChangeDriftError")
    assert states()["004-last"] == "pending"
    assert printed("changes", "plan", *THEIRS)[0]["drifted"] is True


def test_who_does_not_wait_for_another_maker_exits_with_4(ops: AircraftOps, declares: Declares) -> None:
    declares(LAST)
    lock = ops.locks.acquire("changes:default", owner="web-1-4711")
    error = refused("changes", "apply", *THEIRS, "--wait", "0")
    assert (exit_code(error), error.message) == (4, "Lock 'changes:default' is held by web-1-4711")
    lock.release()
    assert len(printed("changes", "apply", *THEIRS, "--wait", "0")) == 1


def test_a_change_is_rolled_back_and_made_anew(ops: AircraftOps, declares: Declares) -> None:
    declares(CHUNKS)
    invoked("changes", "apply", *THEIRS)
    assert printed("changes", "rollback", "002-chunks", *THEIRS, *WHY)["state"] == "rolled_back"
    (undone,) = [entry for entry in printed("changes", "history") if entry["state"] == "rolled_back"]
    assert (undone["goal"], undone["before"]) == ("roll_back", "started")
    assert "roll_back" in invoked("changes", "history").stdout
    assert [record["generation"] for record in printed("changes", "apply", *THEIRS)] == [1]


def test_a_rollback_that_raises_is_traced(ops: AircraftOps, declares: Declares) -> None:
    declares(CHUNKS.replace("    pass", "    raise OSError('disk')"))
    invoked("changes", "apply", *THEIRS)
    result = attempted("changes", "rollback", "002-chunks", *THEIRS, *WHY)
    assert isinstance(result.exception, ChangeFailedError)
    assert "OSError: disk" in result.stderr
    assert printed("changes", "show", "002-chunks")["state"] == "failed"


# The bar


def test_on_a_terminal_a_change_in_chunks_has_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setattr("rich.console.Console", lambda **options: Console(file=screen, force_terminal=True))
    with change_commands.bars() as told:
        assert told is not None
        for done in (0, 2, 4):
            told(ChangeProgress("002-[chunks]", done, 6, done // 2))
        told(ChangeProgress("005-endless", 7, None, 1))
    drawn = re.sub("\x1b\\[[0-9;?]*[a-zA-Z]", "", screen.getvalue())
    assert re.search(r"002-\[chunks\] +━*[╸╺]━* 4/6", drawn)
    assert re.search(r"005-endless +━* +7/\?", drawn)


def test_without_a_terminal_there_is_no_bar(ops: AircraftOps, declares: Declares) -> None:
    declares(CHUNKS)
    assert invoked("changes", "apply", *THEIRS).stderr == ""


# Looking back


def test_every_step_is_in_the_history(ops: AircraftOps, declares: Declares) -> None:
    declares(SEED + BROKEN)
    refused("changes", "apply", *THEIRS)
    entries = printed("changes", "history")
    assert [(entry["change_id"], entry["before"], entry["state"], entry["error"]) for entry in entries] == [
        ("001-seed", "pending", "started", None),
        ("001-seed", "started", "applied", None),
        ("003-broken", "pending", "started", None),
        ("003-broken", "started", "failed", "KeyError"),
    ]
    assert [entry["duration_seconds"] for entry in entries] == [None, 0.0, None, 0.0]
    assert [entry["state"] for entry in printed("changes", "history", "--change", "001-seed")] == ["started", "applied"]
    assert printed("changes", "history", "--change", "nobody") == []
    assert "KeyError" in invoked("changes", "history").stdout


def test_neither_history_nor_record_show_what_a_change_raised(ops: AircraftOps, declares: Declares) -> None:
    declares(BROKEN)
    refused("changes", "apply", *THEIRS)
    for command in ("history", "show 003-broken"):
        for more in ((), ("--json",)):
            said = invoked("changes", *command.split(), *more)
            assert "KeyError" in said.stdout
            assert "bucket" not in said.output


def test_a_change_is_shown_with_every_step_it_took(ops: AircraftOps, declares: Declares) -> None:
    declares(CHUNKS)
    invoked("changes", "apply", *THEIRS, "--operator", "deploy")
    invoked("changes", "rollback", "002-chunks", *THEIRS, *WHY, "--operator", "Ann")
    shown = printed("changes", "show", "002-chunks")
    assert (shown["state"], shown["attempt"], len(shown["history"])) == ("rolled_back", 2, 4)
    said = invoked("changes", "show", "002-chunks").stdout
    assert re.search(r"^state +rolled_back$", said, re.MULTILINE)
    assert re.search(r"^history +now: started, by deploy on .*, attempt 1$", said, re.MULTILINE)
    assert re.search(r"^ +now: started, by Ann on .*, attempt 2 to roll back, as agreed$", said, re.MULTILINE)


def test_verify_finds_nothing_where_all_is_made_as_declared(ops: AircraftOps, declares: Declares) -> None:
    declares(SEED + CHUNKS)
    invoked("changes", "apply", *THEIRS)
    assert printed("changes", "verify", *THEIRS) == []


def test_verify_exits_with_9_unless_all_it_found_is_allowed(ops: AircraftOps, declares: Declares) -> None:
    declares(SEED + CHUNKS)
    invoked("changes", "apply", *THEIRS)
    declares(SEED.replace("a835af", "a835b0") + LAST)
    found = printed("changes", "verify", *THEIRS, code=UNHEALTHY)
    assert [(finding["concern"], finding["change_id"]) for finding in found] == [
        ("drift", "001-seed"),
        ("pending", "004-last"),
        ("undeclared", "002-chunks"),
    ]
    allowed = ("--allow", "pending", "--allow", "undeclared")
    assert "drift" in invoked("changes", "verify", *THEIRS, *allowed, code=UNHEALTHY).stdout
    assert "pending" in invoked("changes", "verify", *THEIRS, *allowed, "--allow", "drift").stdout


# Setting right


def test_a_person_says_what_is_so(ops: AircraftOps, declares: Declares) -> None:
    declares(BROKEN + LAST)
    refused("changes", "apply", *THEIRS)
    said = printed("changes", "resolve", "003-broken", "applied", *WHY, "--operator", "Ann")
    assert said["state"] == "applied"
    (*_, entry) = printed("changes", "history")
    assert (entry["operator"], entry["reason"], entry["state"]) == ("Ann", "as agreed", "applied")
    assert [record["id"] for record in printed("changes", "apply", *THEIRS)] == ["004-last"]


def test_a_change_of_which_nothing_is_recorded_is_skipped_by_its_declaration(
    ops: AircraftOps, declares: Declares
) -> None:
    declares(SEED + LAST)
    assert exit_code(refused("changes", "resolve", "001-seed", "skipped", *WHY)) == 3
    assert printed("changes", "resolve", "001-seed", "skipped", *WHY, *THEIRS)["state"] == "skipped"
    assert [record["id"] for record in printed("changes", "apply", *THEIRS)] == ["004-last"]


def test_an_edited_change_is_accepted(ops: AircraftOps, declares: Declares) -> None:
    declares(SEED)
    invoked("changes", "apply", *THEIRS)
    declares(SEED.replace("a835af", "a835b0"))
    assert printed("changes", "accept", "001-seed", *THEIRS, *WHY)["state"] == "applied"
    assert printed("changes", "apply", *THEIRS) == []
    assert exit_code(refused("changes", "accept", "nobody", *THEIRS, *WHY)) == 3


def test_changes_made_before_there_was_a_history_are_recorded_as_such(ops: AircraftOps, declares: Declares) -> None:
    declares(SEED)
    invoked("changes", "apply", *THEIRS)
    declares(ALL)
    assert [record["id"] for record in printed("changes", "baseline", *THEIRS, *WHY)] == [
        "002-chunks",
        "003-broken",
        "004-last",
    ]
    assert set(states().values()) == {"applied", "baselined"}
    assert ops.changes.get("004-last").state is ChangeState.BASELINED
    assert invoked("changes", "baseline", *THEIRS, *WHY).stdout == "none\n"


# Bad input


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("", 2, "Module 'their_changes' declares no changes"),
        ("import no.such.module", 2, "Module 'their_changes' cannot be imported: No module named 'no'"),
        (SEED + SEED.replace("seed(", "again("), 8, "Two changes have one id: 001-seed"),
        ("@change('x', mode='sideways')\ndef x(context): ...", 8, "mode is one of atomic, chunked, external"),
        ("@change('x', recovery='probe')\ndef x(context): ...", 8, "recovers by a probe and has none"),
    ],
    ids=["empty", "import", "twice", "mode", "probe"],
)
def test_a_module_that_declares_nothing_of_use_is_refused(
    ops: AircraftOps, declares: Declares, text: str, code: int, said: str
) -> None:
    declares(text)
    for command in (("plan",), ("baseline", *WHY)):
        error = refused("changes", *command, *THEIRS)
        assert exit_code(error) == code
        assert said in error.message


def test_a_module_in_a_package_that_cannot_be_imported_is_told(
    ops: AircraftOps, declares: Declares, tmp_path: Path
) -> None:
    (tmp_path / "their_changes").mkdir()
    declares(SEED, "their_changes/__init__")
    declares("import no_such_module", "their_changes/later")
    error = refused("changes", "plan", *THEIRS)
    assert (exit_code(error), "No module named 'no_such_module'" in error.message) == (8, True)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ("plan --module no.such.module", 2, "cannot be imported"),
        ("rollback nobody", 3, "Module 'their_changes' declares no change 'nobody'"),
        ("rollback 001-seed", 2, "has no function to roll it back"),
        ("rollback 002-chunks", 2, "there is nothing to roll back"),
        ("resolve 001-seed done", 2, "applied, rolled_back, skipped, pending, not 'done'"),
        ("resolve 001-seed applied", 2, "nobody can say that it is applied"),
        ("resolve nobody skipped", 3, "declares no change 'nobody'"),
        ("show nobody", 3, "Nothing is recorded of change 'nobody'"),
    ],
)
def test_bad_input_is_refused(ops: AircraftOps, declares: Declares, arguments: str, code: int, said: str) -> None:
    declares(SEED + CHUNKS)
    verb, *rest = arguments.split()
    beside = {"show": (), "plan": ()}.get(verb, (*THEIRS, *WHY))
    error = refused("changes", verb, *rest, *beside)
    assert exit_code(error) == code
    assert said in error.message


@pytest.mark.parametrize(
    "command", ["rollback 001-seed", "resolve 001-seed skipped", "accept 001-seed", "baseline"], ids=str.split
)
def test_who_decides_gives_a_reason(ops: AircraftOps, declares: Declares, command: str) -> None:
    declares(SEED)
    invoked("changes", *command.split(), *THEIRS, code=2)
    assert exit_code(refused("changes", *command.split(), *THEIRS, "--reason", " ")) == 2


@pytest.mark.parametrize("arguments", ["plan", "apply", "verify --allow nothing", "apply --wait -1", "show", "accept"])
def test_a_command_that_is_written_wrongly_exits_with_2(arguments: str) -> None:
    invoked("changes", *arguments.split(), code=2)


# Together


def test_the_commands_of_the_page_print_what_it_says(
    ops: AircraftOps, declares: Declares, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.node", lambda: "web-1")
    (module,) = re.findall(r"^```python\n(.*?)^```", section("Changes"), re.MULTILINE | re.DOTALL)
    declares(module, "fleet_changes")
    for command, expected in examples("Changes"):
        assert words(invoked(*command).stdout) == words(expected)


@pytest.mark.slow
def test_the_commands_reach_an_engine_and_make_the_table_of_the_history(
    local_endpoint: str, fresh_names: str, declares: Declares, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRCRAFTOPS_HISTORY_TABLE", f"{fresh_names}History")
    monkeypatch.setenv("AIRCRAFTOPS_LOCK_TABLE", f"{fresh_names}History")
    declares(CHUNKS + BROKEN)
    where = ("--endpoint-url", local_endpoint, "--prefix", fresh_names)
    assert len(printed("changes", "plan", *THEIRS, *where)) == 2
    assert exit_code(refused("changes", "apply", *THEIRS, *where)) == 10
    assert printed("changes", "show", "002-chunks", *where)["state"] == "applied"
    assert [lock["state"] for lock in printed("locks", "list", *where)] == ["free"]
    assert printed("changes", "resolve", "003-broken", "skipped", *WHY, *where)["state"] == "skipped"
    assert printed("changes", "verify", *THEIRS, *where) == []


@pytest.mark.slow
def test_without_leave_no_table_is_made(
    local_endpoint: str, fresh_names: str, declares: Declares, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRCRAFTOPS_AUTO_CREATE", "false")
    declares(LAST)
    where = ("--endpoint-url", local_endpoint, "--prefix", fresh_names)
    assert exit_code(refused("changes", "apply", *THEIRS, *where)) == 6
