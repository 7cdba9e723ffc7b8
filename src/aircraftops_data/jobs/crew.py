"""What threads do for the worker: handlers at work. Its twin is `jobs.aio.crew`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from aircraftops_data.jobs.claim import Claim
from aircraftops_data.jobs.model import Job

T = TypeVar("T")
Handler: TypeAlias = Callable[[Claim], Any]
Ending: TypeAlias = Callable[[], Job]


class Call:
    """A handler at work."""

    def result(self, handler: Handler, claim: Claim) -> Any:
        """What it returns. Raises what it raises."""
        return handler(claim)

    def interrupt(self) -> None:
        """Nothing: no thread can be stopped from outside. Its handler asks by `claim.check()`."""


def aside(work: Callable[..., T], *given: Any) -> T:
    """What a blocking call comes to."""
    return work(*given)
