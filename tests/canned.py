"""An HTTP server in a thread that answers what it is told to, and keeps what it was sent."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any

import boto3
from botocore.config import Config

ITEM = {"PK": {"S": "AIRCRAFT#a835af"}, "SK": {"S": "AIRCRAFT"}, "year_built": {"N": "1998"}}
KEY = {"PK": ITEM["PK"], "SK": ITEM["SK"]}
CAPACITY = {"TableName": "CoreTable", "CapacityUnits": 0.5}
REFUSED = "com.amazonaws.dynamodb.v20120810#"


@dataclass(frozen=True)
class Answer:
    """A response; its checksum is right unless one is given. Without a status the connection is closed instead."""

    body: bytes = b"{}"
    status: int | None = 200
    checksum: int | None = None
    content_type: str = "application/x-amz-json-1.0"
    held: Event | None = None
    """What to wait for before answering."""


def document(**content: Any) -> Answer:
    """A successful response of this content."""
    return Answer(json.dumps(content).encode())


def refusal(code: str, status: int = 400, **content: Any) -> Answer:
    """An error response."""
    return Answer(json.dumps({"__type": REFUSED + code, "message": "because", **content}).encode(), status)


@cache
def made_up_session() -> boto3.Session:
    """One session for all, for it reads botocore's data once."""
    return boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")


CLOSED = Answer(status=None)


@dataclass(frozen=True)
class Sent:
    """A request as it came over the wire."""

    headers: dict[str, str]
    body: bytes

    @property
    def operation(self) -> str:
        """What is asked for."""
        return self.headers["x-amz-target"].partition(".")[2]

    @property
    def document(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


@dataclass
class Canned:
    """The server's script: `answers` are given in turn, the last for ever; `received` is what came."""

    endpoint_url: str
    answers: list[Answer] = field(default_factory=list[Answer])
    received: list[Sent] = field(default_factory=list[Sent])
    answer: Callable[[Sent], Answer] | None = None
    lock: Lock = field(default_factory=Lock)

    def next(self, sent: Sent) -> Answer:
        """What this request is answered."""
        with self.lock:
            self.received.append(sent)
            if self.answer is not None:
                return self.answer(sent)
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def client(self, **options: Any) -> Any:
        """A client of this server; `options` are those of botocore's Config, of which there are no retries."""
        options.setdefault("retries", {"total_max_attempts": 1, "mode": "standard"})
        return made_up_session().client("dynamodb", endpoint_url=self.endpoint_url, config=Config(**options))


@contextmanager
def canned(*answers: Answer) -> Iterator[Canned]:
    """The server, running."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = script.next(Sent({name.lower(): value for name, value in self.headers.items()}, body))
            if answer.held is not None:
                answer.held.wait(30)
            if answer.status is None:
                self.close_connection = True
                return
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.send_header("x-amzn-RequestId", "REQUEST-ID")
            self.send_header(
                "x-amz-crc32", str(zlib.crc32(answer.body) if answer.checksum is None else answer.checksum)
            )
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that gave up waiting is no error."""

    server = Server(("127.0.0.1", 0), Handler)
    script = Canned(f"http://127.0.0.1:{server.server_port}", list(answers))
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
