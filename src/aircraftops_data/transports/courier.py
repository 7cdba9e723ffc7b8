"""What the blocking and the asyncio transport share: one request's way to its response, as steps without any I/O."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aircraftops_data.clock import Chance, Clock
from aircraftops_data.errors import AccessDeniedError, StoreError
from aircraftops_data.request import Request, Response, Wait
from aircraftops_data.transports.endpoint import Endpoint
from aircraftops_data.transports.outcome import date_of, response_in
from aircraftops_data.transports.retrying import Budget, Tries, is_skewed
from aircraftops_data.transports.signing import Credentials, Signer, trimmed
from aircraftops_data.wire import CONTENT_TYPE, TARGET_PREFIX, body_of


@dataclass(frozen=True, slots=True)
class Ask:
    """Credentials are needed to sign a request of this operation."""

    operation: str


Step = Ask | bytes | Wait
"""Ask is sent credentials; the bytes of a request are sent their Answer or NoAnswer; Wait is sent None."""
Delivery = Generator[Step, Any, Response]


class Courier:
    """Signs requests, reads answers and decides about retries. Safe between threads."""

    def __init__(self, endpoint: Endpoint, clock: Clock, chance: Chance) -> None:
        self._clock = clock
        self._chance = chance
        self._endpoint = endpoint
        self._signer = Signer(service=endpoint.service, region=endpoint.region, path=endpoint.canonical_path)
        self._budget = Budget()
        self._offset = timedelta()
        self._start = (
            f"POST {endpoint.path} HTTP/1.1\r\n"
            f"Host: {endpoint.authority}\r\n"
            f"User-Agent: {endpoint.user_agent}\r\n"
            "Accept-Encoding: identity\r\n"
            f"Content-Type: {CONTENT_TYPE}\r\n"
            f"X-Amz-Target: {TARGET_PREFIX}"
        )

    def deliver(self, request: Request) -> Delivery:
        """The steps of sending a request until it is answered or the tries are used up. Raises the library's errors."""
        body = body_of(request)
        tries = Tries(self._endpoint.attempts, self._budget, self._chance)
        while True:
            credentials = yield Ask(request.operation)
            at = self._clock.now() + self._offset
            outcome = yield self._message(request.operation, body, credentials, at)
            try:
                response = response_in(request, outcome)
            except StoreError as error:
                pause = self._pause(tries, error, date_of(outcome), at)
                if pause is None:
                    raise
                if pause:
                    yield Wait(pause)
            else:
                self._budget.give()
                return response

    def _message(self, operation: str, body: bytes, credentials: Credentials, at: datetime) -> bytes:
        stamp = at.strftime("%Y%m%dT%H%M%SZ")
        token = trimmed(credentials.token) if credentials.token else ""
        headers = [
            ("content-type", CONTENT_TYPE),
            ("host", self._endpoint.authority),
            ("x-amz-date", stamp),
            *([("x-amz-security-token", token)] if token else ()),
            ("x-amz-target", TARGET_PREFIX + operation),
        ]
        authorization = self._signer.authorization(credentials, stamp, headers, body)
        if "\n" in authorization or "\r" in authorization:
            raise AccessDeniedError("The access key has a line break in it", operation=operation)
        carried = f"X-Amz-Security-Token: {token}\r\n" if token else ""
        head = (
            f"{self._start}{operation}\r\nX-Amz-Date: {stamp}\r\n{carried}"
            f"Authorization: {authorization}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def _pause(self, tries: Tries, error: StoreError, answered: datetime | None, at: datetime) -> float | None:
        """Seconds before the next try, None for no more; a clock that is wrong by the server's is set right for all."""
        skew = timedelta() if answered is None else answered - at
        pause = tries.pause(error, skew)
        if answered is not None and pause is not None and is_skewed(error, skew):
            self._offset = answered - self._clock.now()
        return pause
