"""One run: every path, with every contender that can go it, in one process."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass

from benchmarks import imports, memory
from benchmarks.contender import PATHS, Loop, Path, PathName, Work
from benchmarks.measuring import TURN_SECONDS, interleaved
from benchmarks.registry import Field, assemble
from benchmarks.results import Asked, Outcome, Results
from benchmarks.server import CannedServer
from benchmarks.setting import setting
from benchmarks.verifying import verify


@dataclass(frozen=True)
class Plan:
    """What to measure, and how long."""

    names: tuple[str, ...]
    paths: tuple[PathName, ...]
    rounds: int = 15
    turn_seconds: float = TURN_SECONDS
    event_loop: str = "asyncio"
    processes: bool = True
    """Whether imports and memory are measured too, which takes a process for each."""


def run(plan: Plan, say: Callable[[str], object] = lambda _: None) -> Results:
    """Measure it all. Raises NotTheSameWorkError where a contender leaves something out."""
    results = Results(setting=setting(plan.event_loop), rounds=plan.rounds)
    with (
        CannedServer() as server,
        closing(Loop(_factory(plan.event_loop))) as loop,
        closing(assemble(plan.names, server.endpoint, loop)) as assembled,
        _collector_apart(),
    ):
        results.missing = assembled.missing
        for path in _chosen(plan.paths):
            say(path.title)
            results.paths[path.name] = _measured(path, assembled, server, plan)
        if plan.processes:
            _in_processes(results, server.endpoint, say)
    return results


@contextmanager
def _collector_apart() -> Generator[None]:
    """The garbage collector as it is by default, but blind to what a dozen libraries brought in: no user has that."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _chosen(names: Iterable[PathName]) -> list[Path]:
    return [path for path in PATHS if path.name in names]


def _factory(event_loop: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    if event_loop == "asyncio":
        return None
    import uvloop

    return uvloop.new_event_loop


def _measured(path: Path, assembled: Field, server: CannedServer, plan: Plan) -> dict[str, Outcome]:
    works = _works(path.name, assembled)
    asked = {name: _verified(path, work, server) for name, work in works.items()}
    times = interleaved(works, path.items, plan.rounds, plan.turn_seconds) if works else {}
    return {name: Outcome(times=times[name], asked=asked[name]) for name in works}


def _works(path: PathName, assembled: Field) -> Mapping[str, Work]:
    every = ((contender.name, contender.paths()) for contender in assembled.contenders)
    return {name: paths[path] for name, paths in every if path in paths}


def _verified(path: Path, work: Work, server: CannedServer) -> Asked:
    """One turn, looked at; what it asked of the server. The turn before it connects and warms up."""
    work()
    server.tally()
    outcome = work()
    told = server.tally()
    verify(path.name, outcome, told.pop("last"))
    return Asked.model_validate(told)


def _in_processes(results: Results, endpoint: str, say: Callable[[str], object]) -> None:
    say("Imports")
    results.imports = imports.measured(results.rounds)
    for path in memory.MEASURED:
        if path in results.paths:
            say(f"Memory: {path}")
            results.memory[path] = memory.measured(results.paths[path], path, endpoint)
