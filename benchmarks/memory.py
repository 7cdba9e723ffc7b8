"""How much memory a path takes at most, each contender in a process of its own."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path as FilePath

from benchmarks.contender import Loop, PathName
from benchmarks.registry import assemble
from benchmarks.results import Memory

MEASURED: tuple[PathName, ...] = ("page", "write_many")
_TURNS = 3


def peak_megabytes() -> float:
    """The most this process had resident so far."""
    status = FilePath("/proc/self/status")
    if status.exists():
        # getrusage would tell the parent's peak, which Linux hands on to a child that has not used more.
        (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) / 1024
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def measure(name: str, path: PathName, endpoint: str) -> Memory:
    """In this process: the contender alone, connected, then on the path."""
    loop = Loop(None)
    (contender,) = assemble([name], endpoint, loop).contenders
    paths = contender.paths()
    # Some connect only when they are first used.
    paths.get("get", paths[path])()
    connected, work = peak_megabytes(), paths[path]
    for _ in range(_TURNS):
        work()
    contender.close()
    loop.close()
    return Memory(connected=connected, peak=peak_megabytes())


def measured(names: Iterable[str], path: PathName, endpoint: str) -> dict[str, Memory]:
    """Each of them in a process of its own."""
    found: dict[str, Memory] = {}
    for name in names:
        command = [sys.executable, "-m", "benchmarks", "memory", name, path, endpoint]
        told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=FilePath(__file__).parents[1])
        found[name] = Memory.model_validate_json(told.stdout)
    return found
