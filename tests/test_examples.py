"""The examples and the demo run, on DynamoDB Local, and say what they should."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import subprocess
import sys
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

import pytest

from aircraftops_data import AircraftOps, AsyncAircraftOps
from aircraftops_data.testing import local_session
from ingesting import DATA, EXAMPLES
from ingestion.formats import FILES

SAID = {
    "quickstart": ["2 Boeing 737-800 of United Airlines, for 0.5 RU", "N628TS is STORED, version 2"],
    "fleet_transfer": [
        "a835af now flies for DAL",
        "refused: ConditionFailedError, AlreadyExistsError",
        "refused: NotFoundError",
    ],
    "async_fleet": [
        "40 aircraft are in",
        "A321 40, B737 40, B738 40, C172 0: 4 requests",
        "the first Aircraft of a scan will do",
    ],
    "paging_api": ["['N1', 'N2', 'N3'] 0.5 RU", "['N7'] 0.5 RU", "'status': 400"],
}
LONG = ("faa_register.csv", "plane_alert_aircraft.csv")

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", SAID)
def test_an_example_says_what_it_should(
    name: str, local_endpoint: str, fresh_names: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with AircraftOps.connect(session=local_session(), endpoint_url=local_endpoint, prefix=fresh_names) as ops:
        ops.create_tables()
        run_main(module.main, ops, local_endpoint)
    printed = capsys.readouterr().out
    assert [line for line in SAID[name] if line not in printed] == []


def run_main(main: Any, ops: AircraftOps, endpoint: str) -> None:
    """An example's main, blocking or on an event loop."""
    if not iscoroutinefunction(main):
        main(ops)
        return
    names = ops.core.context.names

    async def on_a_loop() -> None:
        async with AsyncAircraftOps.connect(
            session=local_session(), endpoint_url=endpoint, prefix=names.prefix
        ) as asynchronous:
            await main(asynchronous)

    asyncio.run(on_a_loop())


def test_an_update_travels_to_everything_that_hangs_on_the_stream(
    local_endpoint: str, queues_endpoint: str, fresh_names: str, capsys: pytest.CaptureFixture[str]
) -> None:
    import update_travels

    with AircraftOps.connect(session=local_session(), endpoint_url=local_endpoint, prefix=fresh_names) as ops:
        ops.create_tables()
        update_travels.main(ops, update_travels.sqs_client(queues_endpoint))
    printed = capsys.readouterr().out
    assert "handler  N628TS: UAL -> DAL" in printed
    assert "search   'dal' finds [{'icao24': 'a835af'}], 'ual' []" in printed
    assert "queue    modify of {'icao24': 'a835af'}: ['operator']" in printed
    assert "'operator': 'DAL', '_operation': 'modify', '_version': 2}" in printed


def test_every_example_is_run() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} - {"build_sample", "update_travels"} == set(SAID)


def run_package(name: str, *arguments: str) -> str:
    """A package of the examples as a user runs it; what it printed."""
    return run_python("-m", name, *arguments)


def run_python(*arguments: str) -> str:
    """What it printed, once it has ended well."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["src", str(EXAMPLES), *sys.path]), "COLUMNS": "160"}
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


BEGINNINGS = """
from itertools import islice
from demo.loading import FILES
from demo.__main__ import main

FILES.update({entity: lambda read=read: islice(read(), 100) for entity, read in FILES.items()})
main()
"""


def test_the_demo_loads_answers_and_changes_nothing_the_second_time(local_endpoint: str, fresh_names: str) -> None:
    """It loads twice itself; a second run, of the first lines of each file, finds what the first has left."""
    where = ("--endpoint-url", local_endpoint, "--prefix", fresh_names)
    first = run_package("demo", *where)
    second = run_python("-c", BEGINNINGS, *where)
    assert "created" in first
    assert "nothing found" not in first
    assert "Loading the same files again changed nothing: 6898 items are as the files say." in first
    assert "Loading the same files again changed nothing: 588 items are as the files say." in second
    assert "created" not in second
    assert " WU" not in second
    for printed in (first, second):
        assert printed.count("cost: ") >= 8


def fewer_lines(folder: Path) -> Path:
    """The files of the ingestion, the two long ones without most lines that are in order and not asked for."""
    for name in FILES:
        lines = (DATA / name).read_bytes().splitlines(keepends=True)
        kept = [line for line in lines[151:] if name not in LONG or b",CRJ9,SKW" in line]
        (folder / name).write_bytes(b"".join([*lines[:151], *kept]))
    return folder


def test_the_ingestion_accounts_for_every_line_and_finds_its_run_done_the_second_time(
    local_endpoint: str, fresh_names: str, tmp_path: Path
) -> None:
    """Of every line of the sample where AIRCRAFTOPS_WHOLE_SAMPLE is set (to anything), else of a third."""
    whole = bool(os.environ.get("AIRCRAFTOPS_WHOLE_SAMPLE"))
    data = DATA if whole else fewer_lines(tmp_path)
    first, second = (
        run_package("ingestion", "--endpoint-url", local_endpoint, "--prefix", fresh_names, "--data", str(data))
        for _ in range(2)
    )
    planned, chunks = (3370, 27) if whole else (1227, 13)
    assert f"planned: {planned} lines of 8 files, in {chunks} chunks" in first
    assert first.count("in quarantine\n") == chunks
    assert "(asked for before)" in second
    assert "planned:" not in second
    for printed in (first, second):
        assert "The accounts balance" in printed
        assert "nothing found" not in printed
        assert printed.count("cost: ") == 7
    assert second[second.index("What became of the lines") :] == first[first.index("What became of the lines") :]


def test_the_demo_says_why_an_engine_cannot_be_reached() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["src", str(EXAMPLES), *sys.path])}
    command = [sys.executable, "-m", "demo", "--endpoint-url", "http://127.0.0.1:9"]
    environment |= {"AWS_MAX_ATTEMPTS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("TimeoutError: DescribeTable: EndpointConnectionError")
