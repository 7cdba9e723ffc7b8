"""The asyncio transport: the direct transport's wire code over connections of the running loop."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Self, cast

from aircraftops_data.clock import Chance, Clock, SystemClock
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.request import Request, Response, Wait
from aircraftops_data.transports.courier import Ask, Courier, Step
from aircraftops_data.transports.direct import IDLE_SECONDS
from aircraftops_data.transports.endpoint import Endpoint, endpoint_of, not_connected
from aircraftops_data.transports.http1 import Answer, NoAnswer, ResponseParser
from aircraftops_data.transports.signing import Credentials


class AsyncDirectTransport:
    """Sends requests over connections of its own, at most `max_pool_connections` at once; more wait their turn.

    For one event loop at a time; another that runs meanwhile is refused. Close it with `aclose()`, or `async with`.
    """

    def __init__(self, endpoint: Endpoint, clock: Clock, chance: Chance) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._courier = Courier(endpoint, clock, chance)
        self._pool: _Pool | None = None
        self._closed = False

    async def send(self, request: Request) -> Response:
        """The response. Raises the library's errors; what may be retried has been, as boto3's settings say.

        Cancelled, it leaves no connection behind; whether a write took effect is unknown then.
        """
        delivery = self._courier.deliver(request)
        try:
            step = next(delivery)
            while True:
                step = delivery.send(await self._done(step))
        except StopIteration as finished:
            return finished.value  # type: ignore[no-any-return]

    async def _done(self, step: Step) -> Any:
        if isinstance(step, Ask):
            return await self._frozen(step.operation)
        if isinstance(step, Wait):
            return await self._clock.sleep_async(step.seconds)
        try:
            return await self._pool_here().exchange(step)
        except NoAnswer as lost:
            return lost

    async def _frozen(self, operation: str) -> Credentials:
        """Refreshing may go over the network, which would hold up the whole loop."""
        source = self._endpoint.credentials
        return await asyncio.to_thread(source.frozen, operation) if source.due else source.frozen(operation)

    def _pool_here(self) -> _Pool:
        """The pool of the running loop; connections live and die with their loop."""
        if self._closed:
            raise InvalidInputError("The transport is closed")
        loop = asyncio.get_running_loop()
        if self._pool is None or self._pool.loop is not loop:
            if self._pool is not None and self._pool.loop.is_running():
                raise InvalidInputError("Another event loop is using the transport; make one for each loop")
            self._pool = _Pool(self._endpoint, loop)
        return self._pool

    async def aclose(self) -> None:
        """Close the connections; requests under way end without an answer. Nothing can be sent afterwards."""
        self._closed = True
        if self._pool is not None and self._pool.loop is asyncio.get_running_loop():
            await self._pool.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.aclose()


def async_direct_transport(
    session: Any = None,
    *,
    client: Any = None,
    endpoint_url: str | None = None,
    region: str | None = None,
    clock: Clock | None = None,
    chance: Chance | None = None,
) -> AsyncDirectTransport:
    """An asyncio transport by the settings of a boto3 session, or of a client of botocore; nothing is sent.

    May be made outside a loop. Limits and errors are those of `direct_transport`.
    """
    return AsyncDirectTransport(
        endpoint_of(session, client, endpoint_url, region), clock or SystemClock(), chance or Chance()
    )


class _Pool:
    """The connections of one loop: a turn for each that may be open, the last used first."""

    def __init__(self, endpoint: Endpoint, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._endpoint = endpoint
        self._turns = asyncio.Semaphore(endpoint.connections)
        self._idle: deque[_Connection] = deque()
        self._open: set[_Connection] = set()

    async def exchange(self, message: bytes) -> Answer:
        """The answer to a request. Raises NoAnswer."""
        async with self._turns:
            connection = await self._waiting()
            if connection is not None:
                try:
                    return await self._over(connection, message)
                except NoAnswer as lost:
                    # The server closed it before it saw the request; every request of this library may be repeated.
                    if not lost.unheard:
                        raise
            return await self._over(await self._connected(), message)

    async def _over(self, connection: _Connection, message: bytes) -> Answer:
        try:
            answer = await connection.exchange(message)
        except BaseException:
            connection.abort()
            raise
        if answer.reusable:
            self._idle.append(connection)
        else:
            connection.abort()
        return answer

    async def _waiting(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            # The loop's turn: what came meanwhile, the end or bytes nobody asked for, closes the connection now.
            await asyncio.sleep(0)
            if connection.open and self.loop.time() - connection.idle_since < IDLE_SECONDS:
                return connection
            connection.abort()
        return None

    async def _connected(self) -> _Connection:
        try:
            async with asyncio.timeout(self._endpoint.connect_timeout):
                return await self._opened()
        except OSError as error:
            raise not_connected(self._endpoint, error) from error

    async def _opened(self) -> _Connection:
        endpoint = self._endpoint
        _, connection = await self.loop.create_connection(
            lambda: _Connection(self.loop, endpoint, self._open),
            endpoint.host,
            endpoint.port,
            ssl=endpoint.tls,
            server_hostname=endpoint.host if endpoint.tls else None,
        )
        return connection

    async def close(self) -> None:
        """Close every connection, and wait until the loop has let go of them."""
        self._idle.clear()
        for connection in tuple(self._open):
            connection.abort()
        while self._open:
            await asyncio.sleep(0)


class _Connection(asyncio.Protocol):
    """One connection, used by one request at a time; in `registry` from its beginning to its end."""

    def __init__(self, loop: asyncio.AbstractEventLoop, endpoint: Endpoint, registry: set[_Connection]) -> None:
        self.open = True
        self.idle_since = 0.0
        self._loop = loop
        self._endpoint = endpoint
        self._registry = registry
        self._parser: ResponseParser | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._late: asyncio.TimerHandle | None = None

    async def exchange(self, message: bytes) -> Answer:
        """The answer to a request. Raises NoAnswer; the connection is of no use then, nor when this is cancelled."""
        self._parser = ResponseParser()
        self._answer = self._loop.create_future()
        self._transport.write(message)
        self._watch()
        try:
            return await self._answer
        finally:
            self._parser = None
            self._unwatch()
            self.idle_since = self._loop.time()

    def abort(self) -> None:
        """Drop the connection without another word."""
        self.open = False
        self._transport.abort()

    # What the loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport and set the options of its socket."""
        self._transport = cast("asyncio.Transport", transport)
        self._registry.add(self)
        for option in self._endpoint.socket_options:
            transport.get_extra_info("socket").setsockopt(*option)

    def data_received(self, data: bytes) -> None:
        """Take bytes of the answer; bytes that nobody asked for end the connection."""
        if self._parser is None or self._answer is None or self._answer.done():
            self.abort()
            return
        try:
            answer = self._parser.feed(data)
        except NoAnswer as lost:
            self._lose(lost)
            return
        if answer is None:
            self._watch()
        else:
            self._answer.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """The answer ends here, whole or not."""
        self.open = False
        self._registry.discard(self)
        if self._parser is None or self._answer is None or self._answer.done():
            return
        try:
            self._answer.set_result(self._parser.end())
        except NoAnswer as lost:
            self._lose(lost)

    def _lose(self, lost: NoAnswer) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(lost)
        self.abort()

    def _watch(self) -> None:
        """Begin to wait for the next bytes."""
        self._unwatch()
        seconds = self._endpoint.read_timeout
        if seconds is not None:
            lost = NoAnswer("ReadTimeoutError", f"No answer within {seconds} s")
            self._late = self._loop.call_later(seconds, self._lose, lost)

    def _unwatch(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
