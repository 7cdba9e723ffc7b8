"""A loopback server that answers each request as its script says: well, badly, or not at all."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self
from zlib import crc32

Act = Callable[[socket.socket, bytes], bool]
"""What becomes of one request, by its connection and bytes; false closes the connection."""

PATIENCE_SECONDS = 30.0


class WireServer:
    """Requests meet the acts in order, on whatever connection they come; `usual` is for those beyond the script."""

    def __init__(self, *script: Act, usual: Act | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._script = deque(script)
        self._usual = usual or closing
        self._tls = tls
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._listening.getsockname()[1])
        self.url = f"{'https' if tls else 'http'}://localhost:{self.port}"
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Closing alone would not wake the thread that waits for a connection.
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(PATIENCE_SECONDS)
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    @property
    def open_connections(self) -> int:
        """How many connections there are now."""
        with self._lock:
            return len(self._open)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        connection = plain
        with suppress(OSError):
            if self._tls is not None:
                connection = self._tls.wrap_socket(plain, server_side=True)
            while request := _read(connection):
                with self._lock:
                    self.requests.append(request)
                    act = self._script.popleft() if self._script else self._usual
                if not act(connection, request):
                    break
        with self._lock:
            self._open.discard(plain)
        connection.close()


def _read(connection: socket.socket) -> bytes:
    """One whole request; nothing where the client has closed."""
    received = b""
    while b"\r\n\r\n" not in received:
        data = connection.recv(65_536)
        if not data:
            return b""
        received += data
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(
        next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")).split(b":")[1]
    )
    while len(body) < length:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


def response(
    body: bytes | Mapping[str, Any], status: int = 200, *, checksum: bool = True, **headers: str | None
) -> bytes:
    """A response as DynamoDB makes it; a header given is added, one that is None left out."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields: dict[str, str | None] = {
        "Content_Type": "application/x-amz-json-1.0",
        "Content_Length": str(len(content)),
        "x_amz_crc32": str(crc32(content)) if checksum else None,
        **headers,
    }
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items() if value is not None)
    return f"HTTP/1.1 {status} Reason\r\n{lines}\r\n".encode() + content


def refusal(code: str, message: str = "because", status: int = 400, **more: Any) -> bytes:
    """An error as DynamoDB sends it."""
    headers = {name: more.pop(name) for name in ("Date",) if name in more}
    document = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message, **more}
    return response(document, status, **headers)


def sending(*pieces: bytes) -> Act:
    """Sends these bytes and waits for the next request."""

    def act(connection: socket.socket, request: bytes) -> bool:
        for piece in pieces:
            connection.sendall(piece)
        return True

    return act


def sending_last(data: bytes) -> Act:
    """Sends these bytes and closes."""

    def act(connection: socket.socket, request: bytes) -> bool:
        connection.sendall(data)
        return False

    return act


def closing(connection: socket.socket, request: bytes) -> bool:
    """Closes without a word."""
    return False


def silent(connection: socket.socket, request: bytes) -> bool:
    """Says nothing until the client goes."""
    connection.recv(1)
    return False


def dripping(data: bytes) -> Act:
    """Sends the bytes one by one."""
    return sending(*(data[place : place + 1] for place in range(len(data))))


def echo(connection: socket.socket, request: bytes) -> bool:
    """Answers with the key it was asked for, so that a mix-up shows."""
    key = json.loads(request.partition(b"\r\n\r\n")[2])["Key"]
    connection.sendall(response({"Item": key}))
    return True
