"""The command line: `python -m benchmarks run`, `jobs`, `streams` and so on start the others."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from benchmarks import memory, report, running, scaling
from benchmarks.audit import load as audit_load
from benchmarks.audit import report as audit_report
from benchmarks.audit import running as audit_running
from benchmarks.audit import throughput as audit_throughput
from benchmarks.audit import verification as audit_verification
from benchmarks.audit.results import AuditResults
from benchmarks.contender import PATHS
from benchmarks.jobs import load as job_load
from benchmarks.jobs import report as job_report
from benchmarks.jobs import running as job_running
from benchmarks.jobs.results import JobResults
from benchmarks.locks import growth as lock_growth
from benchmarks.locks import report as lock_report
from benchmarks.locks import running as lock_running
from benchmarks.locks.results import LockResults
from benchmarks.registry import ENTRIES
from benchmarks.results import FOLDER, Results, Scaling, store
from benchmarks.streams import report as stream_report
from benchmarks.streams import running as stream_running
from benchmarks.streams.results import StreamResults


def main() -> None:
    """Do what the command says."""
    given = _parser().parse_args()
    given.act(given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(required=True)
    run = _command(commands, "run", _run, "measure every path, write the report")
    run.add_argument("--rounds", type=int, default=15)
    run.add_argument("--turn", type=float, default=0.1, metavar="SECONDS", help="length of a turn")
    run.add_argument("--paths", nargs="+", default=[path.name for path in PATHS], metavar="PATH")
    run.add_argument("--contenders", nargs="+", default=list(ENTRIES), choices=list(ENTRIES), metavar="NAME")
    run.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio")
    run.add_argument("--draft", action="store_true", help="print the tables; write nothing")
    grow = _command(commands, "scaling", _scale, "read and write a thousand to a million items")
    grow.add_argument("--most", type=int, default=max(scaling.SIZES), help="the largest number of items")
    grow.add_argument("--draft", action="store_true", help="print the table; write nothing")
    jobs = _command(commands, "jobs", _jobs, "what jobs cost, how many go through, how soon they are claimed")
    jobs.add_argument("--load", type=float, default=2.0, metavar="SECONDS", help="length of a load")
    jobs.add_argument("--latency", type=float, default=10.0, metavar="SECONDS", help="length at each rate")
    jobs.add_argument("--draft", action="store_true", help="print the tables; write nothing")
    locks = _command(commands, "locks", _locks, "what locks and changes cost, how soon a lock changes hands")
    locks.add_argument("--rounds", type=int, default=15)
    locks.add_argument("--hand-over", type=float, default=25.0, metavar="SECONDS", help="length of each contention")
    locks.add_argument("--most", type=int, default=max(lock_growth.SIZES), help="the largest number of items")
    locks.add_argument("--draft", action="store_true", help="print the tables; write nothing")
    audit = _command(commands, "audit", _audit, "what audit chains cost, how fast they grow and are verified")
    audit.add_argument("--rounds", type=int, default=3)
    audit.add_argument("--load", type=float, default=2.0, metavar="SECONDS", help="length of a load")
    audit.add_argument("--most", type=int, default=1_000_000, help="the largest number of links")
    audit.add_argument("--draft", action="store_true", help="print the tables; write nothing")
    streams = _command(commands, "streams", _streams, "how fast records of streams become changes")
    streams.add_argument("--rounds", type=int, default=15)
    streams.add_argument("--turn", type=float, default=0.1, metavar="SECONDS", help="length of a turn")
    streams.add_argument("--draft", action="store_true", help="print the tables; write nothing")
    _command(commands, "report", _report, "render the report again from what was stored")
    alone = _command(commands, "memory", _memory, "one contender on one path, alone in this process")
    step = _command(commands, "step", _step, "one size in one direction, alone in this process")
    for name, command in (("name", alone), ("path", alone), ("endpoint", alone)):
        command.add_argument(name)
    step.add_argument("direction", choices=("read", "write"))
    step.add_argument("items", type=int)
    step.add_argument("endpoint")
    ready = _command(commands, "change", _change, "one ready-made change, alone in this process")
    ready.add_argument("change", choices=list(lock_growth.CHANGES))
    ready.add_argument("items", type=int)
    ready.add_argument("endpoint")
    ready.add_argument("prefix")
    _command(commands, "load", _load, "one process of a load of jobs").add_argument("order")
    _command(commands, "append", _append, "one process that appends to a chain").add_argument("order")
    _command(commands, "verify", _verify, "one chain verified, alone in this process").add_argument("order")
    return parser


def _command(commands: Any, name: str, act: Any, told: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(name, help=told)
    made.set_defaults(act=act)
    return made


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _run(given: argparse.Namespace) -> None:
    plan = running.Plan(
        names=tuple(given.contenders),
        paths=tuple(given.paths),
        rounds=given.rounds,
        turn_seconds=given.turn,
        event_loop=given.loop,
        processes=not given.draft,
    )
    results = running.run(plan, _say)
    if given.draft:
        print("\n".join(report.results_lines(results)))
        return
    store("latest", results)
    report.publish(results)


def _scale(given: argparse.Namespace) -> None:
    results = scaling.run(tuple(size for size in scaling.SIZES if size <= given.most), _say)
    if given.draft:
        print("\n".join(report.scaling_lines(results)))
        return
    store("scaling", results)
    report.publish_scaling(results)


def _jobs(given: argparse.Namespace) -> None:
    results = job_running.run(job_running.Plan(given.load, given.latency), _say)
    if given.draft:
        print("\n".join(job_report.lines(results)))
        return
    store("jobs", results)
    job_report.publish(results)


def _locks(given: argparse.Namespace) -> None:
    sizes = tuple(size for size in lock_growth.SIZES if size <= given.most)
    plan = lock_running.Plan(rounds=given.rounds, hand_over_seconds=given.hand_over, sizes=sizes)
    results = lock_running.run(plan, _say)
    if given.draft:
        print("\n".join(lock_report.lines(results)))
        return
    store("locks", results)
    lock_report.publish(results)


def _audit(given: argparse.Namespace) -> None:
    plan = audit_running.Plan(
        loads=tuple(audit_throughput.all_loads()),
        rounds=given.rounds,
        seconds=given.load,
        tables=tuple(chain for chain in audit_running.TABLES if chain[0] <= given.most),
        exports=tuple(chain for chain in audit_running.EXPORTS if chain[0] <= given.most),
    )
    results = audit_running.run(plan, _say)
    if given.draft:
        print("\n".join(audit_report.lines(results)))
        return
    store("audit", results)
    audit_report.publish(results)


def _streams(given: argparse.Namespace) -> None:
    results = stream_running.run(stream_running.Plan(given.rounds, given.turn), _say)
    if given.draft:
        print("\n".join(stream_report.lines(results)))
        return
    store("streams", results)
    stream_report.publish(results)


def _report(_: argparse.Namespace) -> None:
    report.publish(Results.model_validate_json((FOLDER / "latest.json").read_text()))
    if (FOLDER / "scaling.json").exists():
        report.publish_scaling(Scaling.model_validate_json((FOLDER / "scaling.json").read_text()))
    if (FOLDER / "jobs.json").exists():
        job_report.publish(JobResults.model_validate_json((FOLDER / "jobs.json").read_text()))
    if (FOLDER / "locks.json").exists():
        lock_report.publish(LockResults.model_validate_json((FOLDER / "locks.json").read_text()))
    if (FOLDER / "audit.json").exists():
        audit_report.publish(AuditResults.model_validate_json((FOLDER / "audit.json").read_text()))
    if (FOLDER / "streams.json").exists():
        stream_report.publish(StreamResults.model_validate_json((FOLDER / "streams.json").read_text()))


def _memory(given: argparse.Namespace) -> None:
    print(memory.measure(given.name, given.path, given.endpoint).model_dump_json())


def _step(given: argparse.Namespace) -> None:
    print(scaling.step(given.direction, given.items, given.endpoint).model_dump_json())


def _change(given: argparse.Namespace) -> None:
    print(lock_growth.grown(given.change, given.items, given.endpoint, given.prefix).model_dump_json())


def _load(given: argparse.Namespace) -> None:
    print(job_load.carry_out(job_load.Order.model_validate_json(given.order)).model_dump_json())


def _append(given: argparse.Namespace) -> None:
    print(audit_load.carry_out(audit_load.Order.model_validate_json(given.order)).model_dump_json())


def _verify(given: argparse.Namespace) -> None:
    task = audit_verification.Task.model_validate_json(given.order)
    print(audit_verification.verified(task).model_dump_json())


if __name__ == "__main__":
    main()
