"""Makes the blocking twin of every asyncio source: `python tools/twins.py`, or `--check` that they are up to date.

The asyncio modules are written by hand; a twin is the same text without `async` and `await`, with the blocking names.
The idea is psycopg's tools/async_to_sync.py. What cannot be had that way (threads or tasks) is in `core/crew.py` and
`core/aio/crew.py`, a pair written by hand, as are the two `hands.py`, the two `jobs` have, the two
`connecting.py`, and those that `audit` has.
"""

from __future__ import annotations

import argparse
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "aircraftops_data"
TWINS = {
    "core/aio/run.py": "core/run.py",
    "core/aio/query.py": "core/query.py",
    "core/aio/merged.py": "core/merged.py",
    "core/aio/bulk.py": "core/bulk.py",
    "core/aio/transaction.py": "core/transaction.py",
    "core/aio/table.py": "core/table.py",
    "access/aio/repository.py": "access/repository.py",
    "access/aio/aircraft.py": "access/aircraft.py",
    "access/aio/registry.py": "access/registry.py",
    "jobs/aio/claim.py": "jobs/claim.py",
    "jobs/aio/turn.py": "jobs/turn.py",
    "jobs/aio/views.py": "jobs/views.py",
    "jobs/aio/jobs.py": "jobs/jobs.py",
    "jobs/aio/shift.py": "jobs/shift.py",
    "jobs/aio/sources.py": "jobs/sources.py",
    "jobs/aio/worker.py": "jobs/worker.py",
    "coordination/aio/locks.py": "coordination/locks.py",
    "coordination/aio/attempt.py": "coordination/attempt.py",
    "coordination/aio/changes.py": "coordination/changes.py",
    "audit/aio/events.py": "audit/events.py",
    "audit/aio/chain.py": "audit/chain.py",
    "audit/aio/audit.py": "audit/audit.py",
    "audit/aio/sealing.py": "audit/sealing.py",
    "async_ops.py": "ops.py",
}
NAMES = {
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "aclose": "close",
    "aclosing": "closing",
    "aiter": "iter",
    "anext": "next",
    "asynccontextmanager": "contextmanager",
    "sleep_async": "sleep",
}
WORDS = (
    (r"\bAsync(?=[A-Z])", ""),
    (r"\basync (?=for|with)", ""),
    (r"\bawait ", ""),
    (r"\baclose\b", "close"),
    (r"\btask(s?)\b", r"thread\1"),
)
GONE = ("async", "await")
Edit = tuple[int, int, str]


def twin_of(source: str, name: str) -> str:
    """The blocking twin of an asyncio source, its first line saying where it comes from."""
    note = f"# Generated from {name} by tools/twins.py; edit that.\n"
    return _tidied(note + _blocking(source), PACKAGE / TWINS[name])


def _blocking(source: str) -> str:
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for start, end, text in sorted(_edits(source, starts), reverse=True):
        source = source[:start] + text + source[end:]
    return source


def _edits(source: str, starts: list[int]) -> Iterator[Edit]:
    """What to put in place of which characters."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        start, end = (starts[line - 1] + column for line, column in (token.start, token.end))
        if token.type == tokenize.NAME and token.string in GONE:
            yield start, end + 1, ""
        elif token.type == tokenize.NAME and token.string == "aio":
            # A package of its own for asyncio: `core.aio.run` and `core.run`.
            yield start, end + 1, ""
        elif token.type == tokenize.NAME:
            yield start, end, NAMES.get(token.string, re.sub(*WORDS[0], token.string))
        elif token.type in (tokenize.STRING, tokenize.COMMENT):
            yield start, end, _reworded(token.string)


def _reworded(text: str) -> str:
    for pattern, word in WORDS:
        text = re.sub(pattern, word, text)
    return text


def _tidied(text: str, path: Path) -> str:
    """Imports sorted anew, lines broken anew; and `yield from` (UP028), which asyncio does not have."""
    ruff, place = [sys.executable, "-m", "ruff"], ["--stdin-filename", str(path), "-"]
    fix = ["check", "--select", "I,UP028", "--fix", "--unsafe-fixes", "--exit-zero", "--quiet"]
    for command in (fix, ["format", "--quiet"]):
        done = subprocess.run([*ruff, *command, *place], input=text, capture_output=True, text=True, check=True)
        text = done.stdout
    return text


def stale() -> list[str]:
    """The twins that are not what their sources make."""
    return [twin for name, twin in TWINS.items() if _read(twin) != twin_of(_read(name), name)]


def _read(name: str) -> str:
    path = PACKAGE / name
    return path.read_text() if path.exists() else ""


def main() -> int:
    """Make all twins, or check them. The exit code is 1 where a check finds one out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail where a twin is out of date")
    if parser.parse_args().check:
        found = stale()
        for twin in found:
            sys.stderr.write(f"{twin} is not what its source makes; run tools/twins.py\n")
        return 1 if found else 0
    for name, twin in TWINS.items():
        (PACKAGE / twin).write_text(twin_of(_read(name), name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
