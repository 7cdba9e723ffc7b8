"""Runs one command and ends it when the process that asked for it is gone; started by file name, imports little.

Arguments: a JSON list with a command to run afterwards (may be empty), then the command and its arguments.
The asking process holds the other end of standard input: when that closes, whatever the reason, the command ends.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time

GRACE_SECONDS = 5.0
POLL_SECONDS = 0.05


def _watch(reasons_to_end: list[str]) -> None:
    """Append to `reasons_to_end` when standard input closes or a signal asks for the end.

    A list and not an Event: a signal handler may not take the Event's lock.
    """
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda number, _: reasons_to_end.append(f"signal {number}"))

    def until_closed() -> None:
        # Not sys.stdin: a thread that waits inside it makes the interpreter abort when this process exits.
        os.read(0, 1)
        reasons_to_end.append("standard input closed")

    threading.Thread(target=until_closed, daemon=True).start()


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.terminate()
    try:
        child.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def supervise(command: list[str], afterwards: list[str]) -> int:
    """Run `command` until it ends or this process is asked to end it, then `afterwards`; the command's exit status."""
    parent = os.getppid()
    reasons_to_end: list[str] = []
    _watch(reasons_to_end)
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    # A forked sibling may hold standard input open after the parent died; then the parent's number changes.
    while child.poll() is None and not reasons_to_end and os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    _end(child)
    if afterwards:
        subprocess.run(afterwards, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return child.returncode


if __name__ == "__main__":
    sys.exit(supervise(sys.argv[2:], json.loads(sys.argv[1])))
