"""Requests and plans: what would be sent, as values, and the steps between them, without any I/O.

A plan is a generator. It yields a `Request` and is sent the response, or is thrown the error; it yields a `Wait` and
is sent None once the time has passed. A runner drives it with a transport; so can a test, by hand.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
Response = Mapping[str, Any]


class Reader(Protocol):
    """Reads the bytes of a successful response in one pass, straight into what the plan is after."""

    def read(self, body: bytes) -> Response | None:
        """The response, its items already decoded; None for a body this cannot take. Never raises."""
        ...


@dataclass(frozen=True)
class Request:
    """One DynamoDB operation and its parameters, in the shape of AWS's API; comparable and printable.

    A transport that has the response as bytes gives them to the `reader`; any other, and any body the reader does not
    take, is parsed in full. A plan takes either.
    """

    operation: str
    parameters: Mapping[str, Any]
    reader: Reader | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.operation} {json.dumps(self.parameters, indent=2, default=repr)}"


@dataclass(frozen=True)
class Wait:
    """Nothing is sent; the plan goes on after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Cancellation:
    """Why DynamoDB would not take one action of a transaction; "None" where that action was not the reason."""

    code: str
    message: str = ""
    item: Mapping[str, Any] | None = None


Effect = Request | Wait
Plan = Generator[Effect, Any, T]


class Transport(Protocol):
    """Carries one request to an engine and brings its response; raises the library's own errors."""

    def send(self, request: Request) -> Response:
        """The response. Raises ConditionFailedError, TransactionConflictError, InvalidInputError or StoreError."""
        ...


class AsyncTransport(Protocol):
    """The same for asyncio."""

    async def send(self, request: Request) -> Response:
        """The response. Raises ConditionFailedError, TransactionConflictError, InvalidInputError or StoreError."""
        ...
