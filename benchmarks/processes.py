"""Processes of a load, which begin together."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path as FilePath

from pydantic import BaseModel

READY = "ready"
_FOLDER = FilePath(__file__).parents[1]


def wait_for_the_word() -> None:
    """In such a process: say that it is ready, and wait for a line."""
    print(READY, flush=True)
    sys.stdin.readline()


class Waiting:
    """A process of `python -m benchmarks` that is ready to carry out an order."""

    def __init__(self, command: str, order: BaseModel) -> None:
        pipe = subprocess.PIPE
        words = [sys.executable, "-m", "benchmarks", command, order.model_dump_json()]
        self._process = subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True, cwd=_FOLDER)
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != READY:
            raise RuntimeError("A process of the load could not connect")

    def begin(self) -> None:
        """Give the word."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def told(self) -> str:
        """What it printed, once it is done."""
        told, _ = self._process.communicate()
        if self._process.returncode:
            raise RuntimeError(f"A process of the load failed: {self._process.returncode}")
        return told


def alone(command: str, order: BaseModel) -> str:
    """What one such process printed that waits for nobody."""
    words = [sys.executable, "-m", "benchmarks", command, order.model_dump_json()]
    return subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True, cwd=_FOLDER).stdout
