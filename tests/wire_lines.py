"""A direct transport of either kind at the end of a line to a loopback server, used alike."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from random import Random
from typing import Any

import boto3
from botocore.config import Config

from aircraftops_data.clock import Chance
from aircraftops_data.request import Request, Response
from aircraftops_data.testing import ManualClock
from aircraftops_data.transports.aio import async_direct_transport
from aircraftops_data.transports.direct import direct_transport
from wire_server import response

KINDS = ("direct", "asyncio")
GET = Request("GetItem", {"TableName": "T", "Key": {"PK": {"S": "a"}}})
FOUND = {"Item": {"PK": {"S": "a"}, "data": {"B": "aGk="}}}
READ = {"Item": {"PK": {"S": "a"}, "data": {"B": b"hi"}}}
OTHER = {"Item": {"PK": {"S": "another"}}}
GOOD = response(FOUND)
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

Send = Callable[[Request], Response]


@dataclass
class Line:
    """A transport of either kind at the end of a line to a server, with the clock it waits by."""

    kind: str
    session: boto3.Session
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))
    closers: list[Callable[[], object]] = field(default_factory=list)

    def to(self, url: str, session: Any = None, **config: Any) -> Send:
        """How to send requests to this server."""
        settings = Config(connect_timeout=5, read_timeout=10).merge(Config(**config))
        client = (session or self.session).client("dynamodb", endpoint_url=url, config=settings)
        chance = Chance(Random(7))
        if self.kind == "direct":
            transport = direct_transport(client=client, clock=self.clock, chance=chance)
            self.closers.append(transport.close)
            return transport.send
        runner = asyncio.Runner()
        slow = async_direct_transport(client=client, clock=self.clock, chance=chance)
        self.closers += [lambda: runner.run(slow.aclose()), runner.close]
        return lambda request: runner.run(slow.send(request))


@cache
def _session() -> boto3.Session:
    """One session for all, for it reads botocore's data once."""
    return boto3.Session(aws_access_key_id="AKID", aws_secret_access_key="secret", region_name="us-east-1")


@contextmanager
def line_of(kind: str) -> Iterator[Line]:
    """A line for a transport of this kind, closed in the end; its credentials do not change."""
    line = Line(kind, _session())
    yield line
    for close in line.closers:
        close()
