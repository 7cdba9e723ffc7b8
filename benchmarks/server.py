"""The canned server: answers DynamoDB's operations over HTTP from a process of its own, as fast as Python can."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from benchmarks.replies import Replies

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TARGET = re.compile(rb"\r\nx-amz-target: *DynamoDB_20120810\.(\w+)", re.IGNORECASE)
_END = b"\r\n\r\n"
HOST = "127.0.0.1"


class CannedServer:
    """A canned server in its own process, for the length of a `with` block: its work is not the client's."""

    def __enter__(self) -> CannedServer:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[1],
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The server ends when its input does, so that none is left behind by a run that is killed.
        self._process.communicate()

    @property
    def endpoint(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self.port}"

    def tally(self) -> dict[str, Any]:
        """What was asked since the last tally: requests, their bytes, units; and the `last` body."""
        connection = HTTPConnection(HOST, self.port)
        try:
            connection.request("POST", "/", body=b"", headers={"X-Amz-Target": "DynamoDB_20120810.Tally"})
            return cast("dict[str, Any]", json.load(connection.getresponse()))
        finally:
            connection.close()


class Connection(asyncio.Protocol):
    """The server's side of one connection."""

    def __init__(self, replies: Replies) -> None:
        self._replies = replies
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers are written to."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole by now."""
        self._received += data
        while (request := taken(self._received)) is not None:
            self._transport.write(b"".join(self._replies.reply(*request)))


def taken(received: bytearray) -> tuple[str, bytes] | None:
    """The first whole request, taken off what was received: its operation and body; None until all of it is there."""
    end = received.find(_END)
    if end < 0:
        return None
    head = bytes(received[:end])
    length, target = _LENGTH.search(head), _TARGET.search(head)
    start = end + len(_END)
    stop = start + (int(length[1]) if length else 0)
    if len(received) < stop:
        return None
    body = bytes(received[start:stop])
    del received[:stop]
    return (target[1].decode() if target else ""), body


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    replies = Replies()
    server = await loop.create_server(lambda: Connection(replies), HOST, 0)
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    print(server.sockets[0].getsockname()[1], flush=True)
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(_serve())
