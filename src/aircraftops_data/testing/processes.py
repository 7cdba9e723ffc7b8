"""Servers in child processes: on a free port, ready when they answer, and never outliving this process."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import repeat
from pathlib import Path

from aircraftops_data.errors import EngineUnavailableError

PORT_TRIES = 5
LOG_LINES = 40
STOP_SECONDS = 15.0
PROBE_SECONDS = 1.0
POLL_SECONDS = 0.02
SUPERVISOR = Path(__file__).with_name("_supervisor.py")


@dataclass(frozen=True, slots=True)
class Server:
    """How to run a server here: its command line for a port, and how to tell that it answers at a URL.

    `ports` are those it can listen on, empty for any. `afterwards` is a command to run when the server has ended, for
    what ending the process may leave behind.
    """

    name: str
    command: Callable[[int], Sequence[str]]
    ready: Callable[[str], bool]
    ready_within: timedelta = timedelta(seconds=60)
    ports: Sequence[int] = ()
    afterwards: Sequence[str] = ()


def answer(url: str) -> bytes | None:
    """The body a GET of `url` gives, whatever its status; None if nothing answers within a second."""
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import ProxyHandler, build_opener

    try:
        with build_opener(ProxyHandler({})).open(url, timeout=PROBE_SECONDS) as response:
            return bytes(response.read())
    except HTTPError as error:
        with error:
            return error.read()
    except (OSError, HTTPException):
        return None


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` of this machine now."""
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False


def reserve_port(ports: Sequence[int] = ()) -> tuple[int, socket.socket]:
    """A free port, one of `ports` if there are any, and a guard to keep open while it is used.

    The guard is bound to the port below, so two processes that choose at the same moment cannot choose the same
    port: without it, the first server's answer could be taken for the second's. Raises EngineUnavailableError if
    `ports` are all taken.
    """
    # The port below 1 is 0: any.
    for wanted in ports or repeat(1):
        guard = socket.socket()
        with suppress(OSError):
            guard.bind(("127.0.0.1", wanted - 1))
            port = guard.getsockname()[1] + 1
            if port <= 65535 and is_free(port):
                return port, guard
        guard.close()
    raise EngineUnavailableError(f"the ports from {min(ports)} to {max(ports)} are taken")


class ServerProcess:
    """A running server; `stop` ends it, and so does the end of this process, however it comes."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._port, self._guard = reserve_port(server.ports)
        self.url = f"http://127.0.0.1:{self._port}"
        # -I and -S: the supervisor needs nothing of this process's environment and must start at once.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(SUPERVISOR), json.dumps(server.afterwards), *server.command(self._port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # Ctrl-C is for this process alone, which then stops the server in good order.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()

    def _read_log(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            self._log.extend(lines)

    def wait_until_ready(self) -> None:
        """Return when the server answers; EngineUnavailableError with its last lines if it dies or takes too long."""
        deadline = time.monotonic() + self._server.ready_within.total_seconds()
        while not self._server.ready(self.url):
            if self._process.poll() is not None:
                raise self._failure(f"ended with status {self._process.returncode} before it answered")
            if time.monotonic() > deadline:
                raise self._failure(f"did not answer within {self._server.ready_within}")
            time.sleep(POLL_SECONDS)

    def lost_its_port(self) -> bool:
        """Whether another program listens where this server, now stopped, should have."""
        return not is_free(self._port)

    def stop(self) -> None:
        """End the server and wait until it has ended; doing so twice is harmless."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._kill_remains()
        self._reader.join(STOP_SECONDS)
        self._guard.close()

    def _kill_remains(self) -> None:
        """End the server if its supervisor was killed before it could: both are in the session of that supervisor."""
        if sys.platform != "win32" and self._process.returncode < 0:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _failure(self, what: str) -> EngineUnavailableError:
        self.stop()
        lines = "".join(self._log).strip() or "(it wrote nothing)"
        return EngineUnavailableError(f"{self._server.name} {what}; its last lines:\n{lines}")


def serve(server: Server, *, tries: int = PORT_TRIES) -> ServerProcess:
    """Start `server` on a free port and wait until it answers; on another port if that one is taken meanwhile.

    Raises EngineUnavailableError, with the server's last lines, if it ends or does not answer in time.
    """
    process = ServerProcess(server)
    try:
        process.wait_until_ready()
    except EngineUnavailableError:
        if tries > 1 and process.lost_its_port():
            return serve(server, tries=tries - 1)
        raise
    except BaseException:
        process.stop()
        raise
    return process
