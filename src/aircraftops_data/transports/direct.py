"""The direct transport: blocking sockets, botocore's settings, none of its layers."""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections import deque
from typing import Any, Self

from aircraftops_data.clock import Chance, Clock, SystemClock
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.request import Request, Response, Wait
from aircraftops_data.transports.courier import Ask, Courier, Step
from aircraftops_data.transports.endpoint import Endpoint, endpoint_of, not_connected, words
from aircraftops_data.transports.http1 import Answer, NoAnswer, ResponseParser

# Routers on the way forget connections after about 5 minutes without saying so.
IDLE_SECONDS = 60.0
_RECEIVE_BYTES = 262_144


class DirectTransport:
    """Sends requests over connections of its own. Safe between threads and after a fork; close it, or use `with`."""

    def __init__(self, endpoint: Endpoint, clock: Clock, chance: Chance) -> None:
        self._credentials = endpoint.credentials
        self._clock = clock
        self._courier = Courier(endpoint, clock, chance)
        self._pool = _Pool(endpoint)

    def send(self, request: Request) -> Response:
        """The response. Raises the library's errors; what may be retried has been, as boto3's settings say."""
        delivery = self._courier.deliver(request)
        try:
            step = next(delivery)
            while True:
                step = delivery.send(self._done(step))
        except StopIteration as finished:
            return finished.value  # type: ignore[no-any-return]

    def _done(self, step: Step) -> Any:
        if isinstance(step, Ask):
            return self._credentials.frozen(step.operation)
        if isinstance(step, Wait):
            return self._clock.sleep(step.seconds)
        try:
            return self._pool.exchange(step)
        except NoAnswer as lost:
            return lost

    def close(self) -> None:
        """Close the connections; a request under way ends first. Nothing can be sent afterwards."""
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()


def direct_transport(
    session: Any = None,
    *,
    client: Any = None,
    endpoint_url: str | None = None,
    region: str | None = None,
    clock: Clock | None = None,
    chance: Chance | None = None,
) -> DirectTransport:
    """A direct transport by the settings of a boto3 session, or of a client of botocore; nothing is sent.

    Event hooks, and so moto's `mock_aws`, are botocore's and see nothing of it. Raises InvalidInputError for settings
    it cannot work by: no region, a proxy, certificates that are not verified.
    """
    return DirectTransport(
        endpoint_of(session, client, endpoint_url, region), clock or SystemClock(), chance or Chance()
    )


class _Pool:
    """Connections that wait for their next request, the last used first. A deque needs no lock, so a fork meets none
    that is held."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._idle: deque[_Connection] = deque()
        self._process = os.getpid()
        self._closed = False

    def exchange(self, message: bytes) -> Answer:
        """The answer to a request. Raises NoAnswer."""
        connection = self._waiting()
        if connection is not None:
            try:
                return self._over(connection, message)
            except NoAnswer as lost:
                # The server closed it before it saw the request; every request of this library may be repeated.
                if not lost.unheard:
                    raise
        return self._over(_Connection(self._endpoint), message)

    def _over(self, connection: _Connection, message: bytes) -> Answer:
        try:
            answer = connection.exchange(message)
        except BaseException:
            connection.close()
            raise
        if answer.reusable and not self._closed and len(self._idle) < self._endpoint.connections:
            self._idle.append(connection)
        else:
            connection.close()
        return answer

    def _waiting(self) -> _Connection | None:
        if self._closed:
            raise InvalidInputError("The transport is closed")
        if self._process != os.getpid():
            # The connections are the parent's: both would read the other's answers.
            self._drop()
            self._process = os.getpid()
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if connection.is_quiet():
                return connection
            connection.close()
        return None

    def _drop(self) -> None:
        while self._idle:
            try:
                self._idle.pop().close()
            except IndexError:
                return

    def close(self) -> None:
        self._closed = True
        self._drop()


class _Connection:
    """One socket, used by one request at a time."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._read_timeout = endpoint.read_timeout
        self._socket = _connected(endpoint)
        self._idle_since = 0.0

    def exchange(self, message: bytes) -> Answer:
        """The answer to a request. Raises NoAnswer; the connection is of no use then."""
        parser, heard = ResponseParser(), False
        try:
            self._socket.sendall(message)
            while data := self._socket.recv(_RECEIVE_BYTES):
                heard = True
                answer = parser.feed(data)
                if answer is not None:
                    self._idle_since = time.monotonic()
                    return answer
            return parser.end()
        except TimeoutError as error:
            raise NoAnswer("ReadTimeoutError", f"No answer within {self._read_timeout} s") from error
        except OSError as error:
            raise NoAnswer("ConnectionClosedError", words(error), unheard=not heard) from error

    def is_quiet(self) -> bool:
        """Whether it is still open, not idle for too long, and nothing came that nobody asked for."""
        if time.monotonic() - self._idle_since > IDLE_SECONDS:
            return False
        try:
            self._socket.settimeout(0)
            self._socket.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            self._socket.settimeout(self._read_timeout)
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        self._socket.close()


def _connected(endpoint: Endpoint) -> socket.socket:
    try:
        return _opened(endpoint)
    except OSError as error:
        raise not_connected(endpoint, error) from error


def _opened(endpoint: Endpoint) -> socket.socket:
    plain = socket.create_connection((endpoint.host, endpoint.port), endpoint.connect_timeout)
    try:
        for option in endpoint.socket_options:
            plain.setsockopt(*option)
        made = plain if endpoint.tls is None else endpoint.tls.wrap_socket(plain, server_hostname=endpoint.host)
    except BaseException:
        plain.close()
        raise
    made.settimeout(endpoint.read_timeout)
    return made
