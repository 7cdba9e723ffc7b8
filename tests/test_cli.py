"""The command line: what it prints, as a table and as JSON, and what it exits with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest
from typer.testing import CliRunner

from aircraftops_data import AircraftOps, errors
from aircraftops_data.cli import main
from aircraftops_data.cli.app import app
from aircraftops_data.cli.output import EXIT_CODES, exit_code
from aircraftops_data.testing import local_session


def printed(*arguments: str) -> Any:
    """What a command prints as JSON."""
    result = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def exits(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    """What the program exits with."""
    monkeypatch.setattr(sys, "argv", ["aircraftops-data", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    return stopped.value.code


def test_an_entity_is_explained_by_its_templates() -> None:
    records = printed("keys", "explain", "Operator")
    assert {"key": "by_iata", "in": "GSI1", "attribute": "GSI1PK", "template": "IATA#{iata}"}.items() <= records[
        2
    ].items()
    assert printed("keys", "explain", "operator") == records


def test_components_are_normalised_and_built_into_keys() -> None:
    values = {
        record["attribute"]: record["value"] for record in printed("keys", "explain", "Aircraft", "icao24=A835AF")
    }
    assert values["PK"] == "AIRCRAFT#a835af"
    assert values["GSI2SK"] == "TYPE#"


def test_a_stored_key_is_taken_apart() -> None:
    (record,) = printed("keys", "explain", "TYPE#B738#N628%20TS")
    assert (record["entity"], record["key"]) == ("Aircraft", "by_operator")
    assert record["components"] == "typecode='B738', registration='N628 TS'"


@pytest.mark.parametrize(
    "arguments",
    [
        ("keys", "explain", "NOTHING#x"),
        ("keys", "explain", "Aircraft", "icao24"),
        ("keys", "explain", "Aircraft", "wings=2"),
        ("keys", "explain", "Aircraft", "icao24=zz"),
        ("keys", "explain", "Aircraft", "--module", "no.such.module"),
        ("tables", "describe", "--prefix", "no/slash"),
    ],
)
def test_bad_input_is_one_line_and_exits_with_2(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exits(monkeypatch, *arguments) == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert said.count("\n") == 1


def test_an_engine_that_does_not_answer_exits_with_6(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    assert exits(monkeypatch, "tables", "plan", "--endpoint-url", "http://127.0.0.1:9") == 6
    assert capsys.readouterr().err.startswith("TimeoutError")


def test_every_branch_of_errors_has_its_exit_code() -> None:
    branches = [kind for kind in errors.AircraftOpsDataError.__subclasses__() if kind.__module__ == errors.__name__]
    assert {kind for kind, _ in EXIT_CODES} == set(branches)
    assert exit_code(errors.VersionConflictError("x")) == 4
    assert exit_code(errors.AircraftOpsDataError("x")) == 1


def test_the_definitions_are_shown_without_an_engine() -> None:
    requests = printed("tables", "describe", "--prefix", "prod-")
    assert [request["TableName"] for request in requests] == [
        "prod-CoreTable",
        "prod-JobsTable",
        "prod-AuditEventsTable",
    ]


@pytest.mark.slow
def test_tables_are_planned_created_and_then_left_alone(local_endpoint: str, fresh_names: str) -> None:
    where = ("--endpoint-url", local_endpoint, "--prefix", fresh_names)
    assert {record["would"] for record in printed("tables", "plan", *where)} == {"create"}
    assert {record["outcome"] for record in printed("tables", "create", *where)} == {"created"}
    assert {record["outcome"] for record in printed("tables", "create", *where)} == {"unchanged"}
    assert {record["would"] for record in printed("tables", "plan", *where)} == {"leave unchanged"}


@pytest.mark.slow
def test_a_table_that_differs_exits_with_4(
    local_endpoint: str, fresh_names: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    client = local_session().client("dynamodb", endpoint_url=local_endpoint)
    client.create_table(
        TableName=f"{fresh_names}CoreTable",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "N"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    where = ("--endpoint-url", local_endpoint, "--prefix", fresh_names)
    assert exits(monkeypatch, "tables", "create", *where) == 4
    assert "primary key: expected PK (S) + SK (S), found id (N)" in capsys.readouterr().err
    ops = AircraftOps.connect(session=local_session(), endpoint_url=local_endpoint, prefix=fresh_names)
    assert client.list_tables(ExclusiveStartTableName=fresh_names)["TableNames"][:1] == [ops.table_names()[0]]


def test_without_the_extra_the_command_names_what_to_install() -> None:
    program = "import sys; sys.modules['typer'] = None; from aircraftops_data.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert 'pip install "aircraftops-data[cli]"' in done.stderr


@pytest.mark.slow
def test_an_engine_on_this_machine_that_the_environment_names_needs_no_region_and_no_credentials(
    local_endpoint: str, fresh_names: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", local_endpoint)
    assert {planned["would"] for planned in printed("tables", "plan", "--prefix", fresh_names)} == {"create"}


@pytest.mark.slow
def test_local_runs_an_engine_until_it_is_interrupted(local_endpoint: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "AWS_ENDPOINT_URL_DYNAMODB"}
    command = [sys.executable, "-m", "aircraftops_data", "local", "--tables"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    process.stdout.readline()
    endpoint = process.stdout.readline().strip().removeprefix("export AWS_ENDPOINT_URL_DYNAMODB=")
    names = local_session().client("dynamodb", endpoint_url=endpoint).list_tables()["TableNames"]
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 0
    assert names == ["AuditEventsTable", "CoreTable", "JobsTable"]
