"""The commands about jobs: what they print and do, what they never print, and what they exit with."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import boto3
import pytest
from rich.console import Console
from typer.testing import CliRunner

from aircraftops_data import JOBS, AircraftOps
from aircraftops_data.cli import jobs as job_commands
from aircraftops_data.cli import working
from aircraftops_data.cli.app import app
from aircraftops_data.cli.moments import beside_now, day, moment, short, spoken
from aircraftops_data.cli.output import UNHEALTHY, exit_code
from aircraftops_data.cli.watching import Lines, Snapshot, of_job, of_queues, of_workflow, repeat, view, watch
from aircraftops_data.core.provisioning import create_tables
from aircraftops_data.errors import AircraftOpsDataError, InvalidInputError
from aircraftops_data.jobs import Job, JobState, Kind, Progress
from aircraftops_data.jobs.model import Body, WorkflowStatus
from aircraftops_data.settings import TableOptions
from aircraftops_data.testing import ManualClock
from commanding import examples, words

SECRET = "Jane Owner, 1 Private Road"
NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def ops(session: boto3.Session, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[AircraftOps]:
    """What every command is connected to: a table in moto, and a clock that stands still."""
    from moto import mock_aws

    monkeypatch.delenv("AWS_ENDPOINT_URL_DYNAMODB", raising=False)
    with mock_aws():
        made = AircraftOps.connect(client=session.client("dynamodb"), clock=clock)
        made.core.runner.run(create_tables((JOBS,), made.core.context, TableOptions()))
        monkeypatch.setattr(job_commands, "connected", lambda endpoint_url, prefix: made)
        yield made


def invoked(*arguments: str, code: int = 0, stdin: str | None = None) -> Any:
    result = CliRunner().invoke(app, ["jobs", *arguments], input=stdin, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def printed(*arguments: str, **options: Any) -> Any:
    return json.loads(invoked(*arguments, "--json", **options).stdout)


def refused(*arguments: str, stdin: str | None = None) -> AircraftOpsDataError:
    """The library's error a command ends with."""
    result = CliRunner().invoke(app, ["jobs", *arguments], input=stdin)
    assert isinstance(result.exception, AircraftOpsDataError), result.output
    return result.exception


def kill(ops: AircraftOps, count: int = 1) -> list[Job]:
    jobs = [ops.jobs.enqueue("k", {"owner": SECRET}, queue="ingest", max_attempts=1) for _ in range(count)]
    for _ in jobs:
        claim = ops.jobs.claim("ingest", worker="w")
        assert claim is not None
        claim.fail(ValueError(SECRET))
    return jobs


# Looking


def test_without_queues_there_is_nothing_to_list(ops: AircraftOps) -> None:
    assert printed("list") == []
    assert invoked("list").stdout == "none\n"
    assert printed("health") == []


def test_live_jobs_of_all_queues_are_listed(ops: AircraftOps) -> None:
    first, second = (ops.jobs.enqueue("k", queue=name) for name in ("a", "b"))
    assert [record["id"] for record in printed("list")] == [first.id, second.id]
    assert [record["id"] for record in printed("list", "--queue", "b")] == [second.id]
    assert [record["id"] for record in printed("list", "--state", "running")] == []
    assert first.id in invoked("list").stdout


def test_a_list_that_is_cut_says_so(ops: AircraftOps) -> None:
    for _ in range(3):
        ops.jobs.enqueue("k")
    cut = invoked("list", "--limit", "2")
    assert cut.stderr == "The first 2; there may be more (--limit).\n"
    assert invoked("list", "--limit", "4").stderr == ""


def test_a_job_whose_item_does_not_fit_is_told_beside_the_list(ops: AircraftOps, session: boto3.Session) -> None:
    spoilt, other = (ops.jobs.enqueue("k") for _ in range(2))
    key = {"PK": {"S": f"JOB#{spoilt.id}"}, "SK": {"S": "JOB"}}
    session.client("dynamodb").update_item(TableName="JobsTable", Key=key, UpdateExpression="REMOVE kind")
    listed = invoked("list", "--json")
    assert [record["id"] for record in json.loads(listed.stdout)] == [other.id]
    assert listed.stderr.startswith(f"! job {spoilt.id} is left out: ")


def test_the_jobs_of_a_workflow_are_listed_also_ended_ones(ops: AircraftOps) -> None:
    done, waiting = (ops.jobs.enqueue("k", workflow="w") for _ in range(2))
    ops.jobs.cancel(done.id)
    assert {record["id"] for record in printed("list", "--workflow", "w")} == {done.id, waiting.id}
    assert [record["id"] for record in printed("list", "--workflow", "w", "--state", "cancelled")] == [done.id]
    assert printed("list", "--workflow", "w", "--queue", "other") == []


def test_the_dead_of_a_day_are_listed(ops: AircraftOps, clock: ManualClock) -> None:
    (dead,) = kill(ops)
    (record,) = printed("list", "--dead", "--queue", "ingest")
    assert (record["id"], record["error"]) == (dead.id, "ValueError")
    clock.advance(timedelta(days=1))
    assert printed("list", "--dead") == []
    assert [found["id"] for found in printed("list", "--dead", "--day", "yesterday")] == [dead.id]


def test_lists_and_health_never_show_what_a_payload_or_an_error_holds(ops: AircraftOps) -> None:
    kill(ops)
    ops.jobs.enqueue("k", {"owner": SECRET}, queue="ingest", workflow="w")
    ops.jobs.enqueue("k", {"owner": SECRET}, queue="ingest", unique="u")
    for command in ("list", "list --workflow w", "list --dead", "health", "redrive --queue ingest"):
        for more in ((), ("--json",)):
            said = invoked(*command.split(), *more)
            assert "ingest" in said.stdout
            assert "Jane" not in said.output


def test_a_job_is_shown_whole(ops: AircraftOps, clock: ManualClock) -> None:
    parent = ops.jobs.enqueue("parent", workflow="w", queue="ingest")
    job = ops.jobs.enqueue("k", {"a": 1}, workflow="w", queue="ingest", parents=[parent], tags=["t"], limit=("x", 2))
    shown = printed("show", job.id)
    assert shown["waits_for"] == [{"id": parent.id, "kind": "parent", "state": "available"}]
    assert (shown["payload"], shown["result"], shown["tags"], shown["status"]) == ({"a": 1}, None, ["t"], "PENDING")
    assert printed("show", parent.id)["children"] == [{"id": job.id, "kind": "k", "state": "blocked"}]
    said = invoked("show", job.id).stdout
    assert re.search(r"^state +blocked \(PENDING\)$", said, re.MULTILINE)
    assert re.search(rf"^waits for +{parent.id} parent \(available\)$", said, re.MULTILINE)
    assert re.search(r"^limit +2 of x at a time$", said, re.MULTILINE)


def test_times_attempts_failures_and_progress_are_told_in_words(ops: AircraftOps, clock: ManualClock) -> None:
    job = ops.jobs.enqueue("k", {"a": 1})
    claim = ops.jobs.claim("default", worker="w1")
    assert claim is not None
    claim.progress(3, 10, "MASTER.txt")
    clock.advance(10)
    claim.fail(ValueError("no [red] file"), retry_in=timedelta(minutes=90))
    said = invoked("show", job.id).stdout
    assert re.search(r"^due .*, in 1 hour 30 minutes$", said, re.MULTILINE)
    assert re.search(r"^created .*, 10 seconds ago$", said, re.MULTILINE)
    assert re.search(r"^failures +attempt 1, now: ValueError: no \[red\] file$", said, re.MULTILINE)
    assert re.search(r"^progress +3/10 MASTER.txt$", said, re.MULTILINE)
    assert "1 of 20" in said


def test_a_long_payload_is_cut_for_people_unless_they_ask(ops: AircraftOps) -> None:
    job = ops.jobs.enqueue("k", {"x": "y" * 5000})
    assert "y" * 5000 not in invoked("show", job.id).stdout
    assert "(5009 characters; --full)" in invoked("show", job.id).stdout
    assert "y" * 5000 in invoked("show", job.id, "--full").stdout
    assert printed("show", job.id)["payload"] == {"x": "y" * 5000}


def test_a_job_is_shown_whose_payload_cannot_be_had(ops: AircraftOps) -> None:
    job = ops.jobs.enqueue("k", {"x": "y" * 500})
    ops.core.delete(Body, job_id=job.id, name="payload")
    assert printed("show", job.id)["payload"].startswith("(NotFoundError")


def test_health_warns_and_with_strict_exits_with_9(ops: AircraftOps, clock: ManualClock) -> None:
    job = ops.jobs.enqueue("k", queue="ingest", priority="low")
    assert "!" not in invoked("health", "--strict").stdout
    clock.advance(600)
    said = invoked("health", "--strict", code=UNHEALTHY).stdout
    assert "1 (10m)" in said
    assert f"! ingest: low job {job.id} has been due for 600 s" in said
    (record,) = printed("health")
    assert record["due"]["low"] == {"depth": 1, "complete": True, "oldest_due_seconds": 600.0}
    assert [warning["concern"] for warning in record["warnings"]] == ["oldest_due_age"]


# Asking


def test_a_job_is_asked_for_as_the_options_say(ops: AircraftOps, clock: ManualClock) -> None:
    parent = printed("enqueue", "first", "--workflow", "w")
    options = (
        "--queue ingest --priority high --deadline +2d --max-attempts 3 --unique u --workflow w --tag a --tag b"
        f" --limit faa=x=2 --trace-id t --parent {parent['id']}=run"
    )
    record = printed("enqueue", "k", '{"source": "faa"}', *options.split())
    job = ops.jobs.get(record["id"])
    assert (job.queue, job.priority, job.max_attempts, job.unique_key) == ("ingest", "high", 3, "u")
    assert (job.workflow, job.tags, job.trace_id) == ("w", {"a", "b"}, "t")
    assert job.deadline_at == clock.now() + timedelta(days=2)
    assert job.limit is not None
    assert (job.limit.key, job.limit.most) == ("faa=x", 2)
    assert ops.jobs.parents(job.id).one().on_failure == "run"
    assert ops.jobs.payload(job) == {"source": "faa"}
    assert record["new"] is True


def test_a_job_may_run_later(ops: AircraftOps, clock: ManualClock) -> None:
    record = printed("enqueue", "k", "--run-at", "+10m")
    assert (record["state"], record["run_at"]) == ("scheduled", "2100-01-01T00:10:00.000000Z")
    assert printed("enqueue", "k", "--run-at", "2101-01-01T00:00:00+01:00")["run_at"] == "2100-12-31T23:00:00.000000Z"


def test_a_second_job_of_a_unique_key_is_the_first(ops: AircraftOps) -> None:
    first, second = (printed("enqueue", "k", "--unique", "u") for _ in range(2))
    assert (first["id"], first["new"], second["new"]) == (second["id"], True, False)


def test_a_payload_comes_from_a_file_or_standard_input(ops: AircraftOps, tmp_path: Path) -> None:
    (tmp_path / "payload.json").write_text('["é"]', encoding="utf-8")
    found = printed("enqueue", "k", f"@{tmp_path / 'payload.json'}"), printed("enqueue", "k", "-", stdin="[2]")
    assert [ops.jobs.payload(ops.jobs.get(record["id"])) for record in found] == [["é"], [2]]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("enqueue", "k", '{"owner": Jane}'), "The payload is no JSON"),
        (("enqueue", "k", "@/no/such/file"), "The payload cannot be read: No such file"),
        (("enqueue", "k", "NaN"), "NaN is no JSON number"),
        (("enqueue", "k", "--run-at", "tomorrow"), "'tomorrow' is no instant"),
        (("enqueue", "k", "--run-at", "2030-01-01T00:00:00"), "names no time zone"),
        (("enqueue", "k", "--deadline", "2000-01-01T00:00:00Z"), "deadline is before"),
        (("enqueue", "k", "--parent", "x"), "belongs to their workflow"),
        (("enqueue", "k", "--workflow", "w", "--parent", "x=ignore"), "cancel, run, hold"),
        (("enqueue", "k", "--limit", "faa"), "'faa' is not written KEY=N"),
        (("list", "--state", "dead"), "live jobs only"),
        (("list", "--dead", "--state", "dead"), "--dead goes with"),
        (("list", "--dead", "--queue", "q", "--day", "x"), "'x' is no day"),
        (("list", "--day", "yesterday"), "--day goes with --dead"),
        (("redrive", "x", "--all"), "Name a job, or a --queue"),
        (("redrive", "x", "--day", "today"), "Name a job, or a --queue"),
        (("redrive",), "Name a job, or a --queue"),
        (("redrive", "x", "--queue", "q"), "Name a job, or a --queue"),
        (("watch", "--queue", "q", "--workflow", "w"), "not both"),
        (("work", "--module", "no.such.module"), "cannot be imported"),
        (("work", "--module", "json"), "no `handlers`"),
    ],
)
def test_bad_input_is_refused_in_words_that_do_not_tell_the_payload(
    ops: AircraftOps, arguments: tuple[str, ...], said: str
) -> None:
    error = refused(*arguments)
    assert exit_code(error) == 2
    assert said in error.message
    assert "Jane" not in error.message


@pytest.mark.parametrize("command", ["show", "cancel", "redrive", "release", "show --watch"])
def test_a_job_that_is_not_there_is_named_and_exits_with_3(ops: AircraftOps, command: str) -> None:
    error = refused(*command.split(), "nobody")
    assert (exit_code(error), error.message) == (3, "There is no job nobody")


# Setting right


def test_a_job_is_cancelled_redriven_and_released(ops: AircraftOps) -> None:
    job = ops.jobs.enqueue("k", workflow="w")
    child = ops.jobs.enqueue("k", workflow="w", parents=[job])
    assert printed("release", child.id)["state"] == "available"
    assert printed("cancel", job.id)["state"] == "cancelled"
    assert printed("redrive", job.id)["state"] == "available"
    assert exit_code(refused("redrive", job.id)) == 4


def test_the_dead_of_a_day_are_redriven_only_when_told_to(ops: AircraftOps) -> None:
    dead = {job.id for job in kill(ops, 2)}
    looked = invoked("redrive", "--queue", "ingest")
    assert looked.stderr == "Nothing was done; --all runs all 2 again.\n"
    assert {ops.jobs.get(job_id).state for job_id in dead} == {JobState.DEAD}
    report = printed("redrive", "--queue", "ingest", "--all")
    assert {record["id"] for record in report} == dead
    assert {record["outcome"] for record in report} == {"redriven"}
    assert printed("redrive", "--queue", "ingest", "--all") == []


def test_what_cannot_be_redriven_is_in_the_report(ops: AircraftOps) -> None:
    first = ops.jobs.enqueue("k", queue="q", unique="u", max_attempts=1)
    claim = ops.jobs.claim("q", worker="w")
    assert claim is not None
    claim.fail(ValueError("x"))
    ops.jobs.enqueue("k", queue="q", unique="u")
    (record,) = printed("redrive", "--queue", "q", "--all")
    assert record["id"] == first.id
    assert record["outcome"].startswith("refused: AlreadyExistsError")


def test_a_queue_is_paused_resumed_and_resharded(ops: AircraftOps) -> None:
    assert printed("pause", "q") == {"queue": "q", "shards": 1, "paused_at": "2100-01-01T00:00:00.000000Z"}
    assert "q (paused)" in invoked("health").stdout
    assert printed("resume", "q")["paused_at"] is None
    assert printed("reshard", "q", "4")["shards"] == 4
    assert exit_code(refused("reshard", "q", "2")) == 2


# Running


class StandIn:
    """Stands for the worker: notes what it is told."""

    made: list[StandIn] = []

    def __init__(self, jobs: Any, queues: list[str], *, concurrency: int) -> None:
        self.jobs, self.queues, self.concurrency = jobs, queues, concurrency
        self.handlers: dict[str, Any] = {}
        self.ran: list[bool] = []
        StandIn.made.append(self)

    def handles(self, kind: str) -> Any:
        return lambda function: self.handlers.setdefault(kind, function)

    def run(self, *, until_idle: bool = False) -> None:
        self.ran.append(until_idle)


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> type[StandIn]:
    monkeypatch.setattr(working, "Worker", StandIn)
    monkeypatch.setattr(StandIn, "made", [])
    return StandIn


def test_a_worker_runs_the_handlers_of_a_module(
    ops: AircraftOps, worker: type[StandIn], monkeypatch: pytest.MonkeyPatch
) -> None:
    handlers = {"a": lambda claim: 1, "b": lambda claim: 2}
    kinds = [Kind("a", queue="one"), Kind("b", queue="two")]
    monkeypatch.setitem(sys.modules, "their_handlers", SimpleNamespace(handlers=handlers, kinds=kinds))
    said = printed("work", "--module", "their_handlers", "--until-idle")
    assert said == {"queues": ["one", "two"], "kinds": ["a", "b"], "concurrency": 4}
    (made,) = worker.made
    assert (made.queues, made.concurrency, made.handlers, made.ran) == (["one", "two"], 4, handlers, [True])
    assert ops.jobs.kind("b").queue == "two"
    invoked("work", "--module", "their_handlers", "--queue", "z", "--concurrency", "1")
    assert (worker.made[1].queues, worker.made[1].concurrency, worker.made[1].ran) == (["z"], 1, [False])


@pytest.mark.parametrize(
    "names", [{"handlers": {"a": "no function"}}, {"handlers": {1: print}}, {"handlers": {"a": print}, "kinds": ["a"]}]
)
def test_a_module_that_is_no_use_is_refused(
    ops: AircraftOps, worker: type[StandIn], monkeypatch: pytest.MonkeyPatch, names: dict[str, Any]
) -> None:
    module: Any = ModuleType("their_handlers")
    vars(module).update(names)
    monkeypatch.setitem(sys.modules, "their_handlers", module)
    assert "cannot be used" in refused("work", "--module", "their_handlers").message
    assert worker.made == []


# Watching


def drawn(now: Snapshot, before: Snapshot | None = None) -> str:
    """The view as a screen of 120 columns has it."""
    screen = io.StringIO()
    Console(file=screen, width=120).print(view(now, before or now))
    return screen.getvalue()


def running(done: int, total: int | None) -> Job:
    progress = Progress(done=done, total=total, message="MASTER.txt [0]")
    return Job(id="j" * 32, kind="registry.ingest", state=JobState.RUNNING, progress=progress)


def test_the_view_of_a_workflow_tells_its_counts_its_rate_and_what_is_left() -> None:
    before = Snapshot(NOW, "workflow w", workflow=WorkflowStatus(100, 10, 0, 0, 0))
    now = Snapshot(NOW + timedelta(seconds=10), "workflow w", workflow=WorkflowStatus(100, 27, 1, 2, 0))
    said = drawn(now, before)
    assert "30/100 ended" in said
    assert "2.0/s, 35 seconds left" in said
    assert "70 live, 27 succeeded, 1 cancelled, 2 dead, 0 expired" in said
    assert "left" not in drawn(now)


def test_the_view_shows_how_far_running_jobs_are_and_how_fast() -> None:
    before = Snapshot(NOW, "queues: q", jobs=(running(100, 1000),))
    now = Snapshot(NOW + timedelta(seconds=5), "queues: q", jobs=(running(600, 1000),))
    said = drawn(now, before)
    assert "600/1000 (100.0/s) MASTER.txt [0]" in said
    assert "━" in said
    unbounded = drawn(Snapshot(NOW, "queues: q", jobs=(running(7, None),)))
    assert "7 MASTER.txt [0]" in unbounded
    assert "━" not in unbounded


def test_the_view_shows_some_of_many_running_jobs_and_says_so() -> None:
    assert "and 5 more are running" in drawn(Snapshot(NOW, "queues: q", jobs=(running(1, 2),) * 25))


def test_the_view_of_queues_has_their_warnings(ops: AircraftOps, clock: ManualClock) -> None:
    ops.jobs.enqueue("k", queue="ingest")
    claim = ops.jobs.claim("ingest", worker="w")
    assert claim is not None
    job = ops.jobs.enqueue("k", queue="ingest")
    clock.advance(30)
    assert "! " not in drawn(of_queues(ops.jobs, []))
    clock.advance(600)
    said = drawn(of_queues(ops.jobs, []))
    assert "queues: ingest" in said
    assert f"! ingest: normal job {job.id} has been due for 630 s" in said


def test_a_loop_ends_with_the_workflow_and_looks_each_second(
    ops: AircraftOps, clock: ManualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        ops.jobs.enqueue("k", workflow="w")

    def look() -> Snapshot:
        if len(clock.slept) in (1, 3):
            claim = ops.jobs.claim("default", worker="w")
            assert claim is not None
            claim.complete()
        return of_workflow(ops.jobs, "w")

    watch(look, clock, as_json=False)
    assert clock.slept == [1.0, 1.0, 1.0]
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("; ")[1].split(",")[0] for line in lines] == ["2 live", "1 live", "0 live"]


def test_rates_are_over_the_last_looks(clock: ManualClock) -> None:
    pairs: list[float] = []

    def look() -> Snapshot:
        return Snapshot(clock.now(), "", ended=len(clock.slept) == 20)

    repeat(look, lambda now, before: pairs.append((now.at - before.at).total_seconds()), clock)
    assert pairs == [*map(float, range(10)), *[9.0] * 11]


class Interrupted(ManualClock):
    """A clock during whose third wait somebody types Ctrl-C."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if len(self.slept) == 3:
            raise KeyboardInterrupt


def test_ctrl_c_ends_a_loop_and_nothing_new_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Interrupted()
    watch(lambda: Snapshot(clock.now(), "queues: q"), clock, as_json=False)
    assert capsys.readouterr().out.count("queues: q") == 1


def test_as_json_each_look_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Interrupted()
    watch(lambda: Snapshot(clock.now(), "workflow w", workflow=WorkflowStatus(3, 1, 0, 0, 0)), clock, as_json=True)
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["workflow"]["live"] for record in records] == [2, 2, 2]


def test_on_a_terminal_the_view_is_drawn_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    screen, clock = io.StringIO(), Interrupted()
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setattr("aircraftops_data.cli.watching.console", lambda: Console(file=screen, force_terminal=True))
    watch(lambda: Snapshot(clock.now(), "queues: q"), clock, as_json=False)
    assert screen.getvalue().count("queues: q") >= 3
    assert "\x1b[" in screen.getvalue()


def test_an_ended_job_is_watched_and_then_shown(ops: AircraftOps) -> None:
    job = ops.jobs.enqueue("k")
    ops.jobs.cancel(job.id)
    said = invoked("show", job.id, "--watch").stdout.splitlines()
    assert said[0].endswith(f"k {job.id}: cancelled, attempt 0 of 20")
    assert f"id        {job.id}".split() in [line.split() for line in said]


def test_a_workflow_nobody_began_is_not_watched(ops: AircraftOps) -> None:
    assert exit_code(refused("watch", "--workflow", "w")) == 3


def test_a_job_that_waits_is_seen_as_it_stands(ops: AircraftOps) -> None:
    job = ops.jobs.enqueue("k", run_at=timedelta(minutes=5))
    assert "scheduled, due in 5 minutes" in drawn(of_job(ops.jobs, job.id))


def test_lines_say_how_many_are_due_and_how_far_the_running_ones_are(
    ops: AircraftOps, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        ops.jobs.enqueue("k", queue="ingest")
    claim = ops.jobs.claim("ingest", worker="w")
    assert claim is not None
    claim.progress(1, 4)
    snapshot = of_queues(ops.jobs, ["ingest"])
    Lines(as_json=False)(snapshot, snapshot)
    assert "ingest: 1 due, 1 running; k 1/4" in capsys.readouterr().out


# Together


def test_the_commands_of_the_page_print_what_it_says(ops: AircraftOps) -> None:
    asked = ""
    for (noun, *command), expected in examples("Jobs"):
        assert noun == "jobs"
        said = invoked(*(re.sub(r"^[0-9a-f]{32}$", asked, word) for word in command)).stdout
        asked = asked or said.split()[1]
        assert words(said) == words(expected)


@pytest.mark.slow
def test_the_commands_reach_an_engine_by_its_endpoint_and_prefix(local_endpoint: str, fresh_names: str) -> None:
    where = ("--endpoint-url", local_endpoint, "--prefix", fresh_names)
    assert CliRunner().invoke(app, ["tables", "create", *where]).exit_code == 0
    job_id = printed("enqueue", "k", '{"a": 1}', "--workflow", "w", *where)["id"]
    assert printed("show", job_id, *where)["payload"] == {"a": 1}
    assert [record["id"] for record in printed("list", *where)] == [job_id]
    assert printed("health", *where)[0]["due"]["normal"]["depth"] == 1
    assert printed("cancel", job_id, *where)["state"] == "cancelled"
    (line,) = invoked("watch", "--workflow", "w", "--json", *where).stdout.splitlines()
    assert json.loads(line)["ended"] is True


@pytest.mark.slow
def test_a_worker_of_the_command_line_runs_what_was_asked_for(
    local_endpoint: str, fresh_names: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "their_work.py").write_text("handlers = {'double': lambda claim: 2 * claim.payload}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    where = ("--endpoint-url", local_endpoint, "--prefix", fresh_names)
    assert CliRunner().invoke(app, ["tables", "create", *where]).exit_code == 0
    job_id = printed("enqueue", "double", "21", *where)["id"]
    assert printed("work", "--module", "their_work", "--until-idle", *where)["queues"] == ["default"]
    assert printed("show", job_id, *where)["result"] == 42


# Moments


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("+10m", timedelta(minutes=10)),
        ("+1h30m", timedelta(minutes=90)),
        ("+2d", timedelta(days=2)),
        ("+1d2h3m4s", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("+0s", timedelta()),
    ],
)
def test_a_span_from_now_is_read(text: str, length: timedelta) -> None:
    assert moment(text) == length


@pytest.mark.parametrize("text", ["", "+", "+m", "+10", "10m", "+1m1h", "-5m", "+99999999999999d", "soon"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        moment(text)


def test_days_have_names() -> None:
    today = date(2030, 3, 1)
    assert [day(text, today) for text in (None, "today", "yesterday", "2029-12-31")] == [
        today,
        today,
        date(2030, 2, 28),
        date(2029, 12, 31),
    ]


@pytest.mark.parametrize(
    ("seconds", "words", "brief"),
    [
        (0, "0 seconds", "0s"),
        (1, "1 second", "1s"),
        (60, "1 minute", "1m"),
        (3661, "1 hour 1 minute", "1h"),
        (90_000, "1 day 1 hour", "1d"),
        (86_399, "23 hours 59 minutes", "23h"),
    ],
)
def test_durations_are_told_in_their_largest_units(seconds: int, words: str, brief: str) -> None:
    assert (spoken(timedelta(seconds=seconds)), short(timedelta(seconds=seconds))) == (words, brief)


def test_instants_are_told_by_their_distance() -> None:
    told = [beside_now(NOW + timedelta(seconds=distance), NOW) for distance in (-90, 0.5, 90)]
    assert told == ["1 minute 30 seconds ago", "now", "in 1 minute 30 seconds"]
