"""Credentials and clocks that were right once: asked for again, set right, and the request sent once more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import boto3
import pytest
from botocore.credentials import RefreshableCredentials

from aircraftops_data.errors import AccessDeniedError
from wire_lines import GET, GOOD, KINDS, NOW, READ, Line, line_of
from wire_server import WireServer, refusal, sending


@pytest.fixture(params=KINDS)
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    """A line for each transport."""
    with line_of(request.param) as line:
        yield line


class Rotating:
    """A session whose temporary credentials are new each time they are due."""

    def __init__(self, *tokens: str | Exception, lifetime: timedelta) -> None:
        self._tokens = list(tokens)
        self._lifetime = lifetime
        self._session = boto3.Session(region_name="us-east-1")
        inner: Any = self._session._session
        inner._credentials = RefreshableCredentials.create_from_metadata(self.renew(), self.renew, "test")
        self.client = self._session.client

    def renew(self) -> dict[str, str]:
        """The next credentials; the last again when there are no more."""
        token = self._tokens.pop(0) if len(self._tokens) > 1 else self._tokens[0]
        if isinstance(token, Exception):
            raise token
        expires = (datetime.now(UTC) + self._lifetime).isoformat()
        return {"access_key": "AKID", "secret_key": "secret", "token": token, "expiry_time": expires}


def tokens(server: WireServer) -> list[str]:
    """The session tokens of the requests so far."""
    lines = [line for request in server.requests for line in request.split(b"\r\n")]
    return [line.split(b": ")[1].decode() for line in lines if line.startswith(b"X-Amz-Security-Token")]


def test_credentials_that_are_due_are_refreshed_by_botocore(line: Line) -> None:
    rotating = Rotating("one", "two", "three", lifetime=timedelta(minutes=1))
    with WireServer(usual=sending(GOOD)) as server:
        send = line.to(server.url, rotating)
        send(GET)
        send(GET)
        assert tokens(server) == ["two", "three"]


def test_credentials_that_last_are_used_again(line: Line) -> None:
    rotating = Rotating("one", "two", lifetime=timedelta(hours=6))
    with WireServer(usual=sending(GOOD)) as server:
        send = line.to(server.url, rotating)
        send(GET)
        send(GET)
        assert tokens(server) == ["one", "one"]


@pytest.mark.parametrize("code", ["ExpiredTokenException", "ExpiredToken"])
def test_after_expired_credentials_they_are_asked_for_again(line: Line, code: str) -> None:
    rotating = Rotating("one", "two", "three", lifetime=timedelta(minutes=1))
    with WireServer(sending(refusal(code)), sending(GOOD)) as server:
        assert line.to(server.url, rotating)(GET) == READ
        assert tokens(server) == ["two", "three"]
    assert line.clock.slept == []


def test_credentials_that_stay_expired_are_denied_access(line: Line) -> None:
    with WireServer(usual=sending(refusal("ExpiredTokenException"))) as server:
        with pytest.raises(AccessDeniedError) as caught:
            line.to(server.url)(GET)
        assert len(server.requests) == 2
    assert not caught.value.retryable


def test_credentials_that_cannot_be_refreshed_are_denied_access(line: Line) -> None:
    failing = Rotating("one", ValueError("the process said nonsense"), lifetime=timedelta(minutes=1))
    with WireServer() as server:
        with pytest.raises(AccessDeniedError) as caught:
            line.to(server.url, failing)(GET)
        assert server.requests == []
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize("code", ["InvalidSignatureException", "RequestTimeTooSkewed", "RequestExpired"])
@pytest.mark.parametrize("off", [timedelta(hours=-3), timedelta(minutes=20)], ids=["behind", "ahead"])
def test_a_wrong_clock_is_set_right_by_the_servers_once_for_all(line: Line, code: str, off: timedelta) -> None:
    theirs = NOW - off
    late = refusal(code, "Signature expired", Date=format_datetime(theirs, usegmt=True))
    with WireServer(sending(late), usual=sending(GOOD)) as server:
        send = line.to(server.url)
        assert send(GET) == READ
        assert send(GET) == READ
        stamps = [request.partition(b"X-Amz-Date: ")[2][:16].decode() for request in server.requests]
    assert stamps == [f"{at:%Y%m%dT%H%M%SZ}" for at in (NOW, theirs, theirs)]
    assert line.clock.slept == []


@pytest.mark.parametrize("date", ["", "yesterday", format_datetime(NOW + timedelta(minutes=1), usegmt=True)])
def test_a_wrong_signature_at_the_right_time_is_not_sent_again(line: Line, date: str) -> None:
    with WireServer(usual=sending(refusal("InvalidSignatureException", Date=date))) as server:
        with pytest.raises(AccessDeniedError):
            line.to(server.url)(GET)
        assert len(server.requests) == 1
