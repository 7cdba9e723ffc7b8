"""What threads do for the worker: handlers at work, rounds in the background, a bell. Its twin is `jobs.aio.crew`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any, Self, TypeAlias, TypeVar

from aircraftops_data.jobs.claim import Claim
from aircraftops_data.jobs.model import Job
from aircraftops_data.jobs.working import LOG

T = TypeVar("T")
Handler: TypeAlias = Callable[[Claim], Any]
Ending: TypeAlias = Callable[[], Job]
Work: TypeAlias = Callable[[T], None]
Round: TypeAlias = Callable[[], None]


class Call:
    """A handler at work."""

    def result(self, handler: Handler, claim: Claim) -> Any:
        """What it returns. Raises what it raises."""
        return handler(claim)

    def interrupt(self) -> None:
        """Nothing: no thread can be stopped from outside. Its handler asks by `claim.check()`."""


class Hands:
    """Threads for a worker. None of them keeps the process from ending."""

    def __init__(self) -> None:
        # A signal may come while the queue is in use: this one can be put into even then, an Event cannot be set.
        self._rung: SimpleQueue[None] = SimpleQueue()
        self._over = Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def start(self, work: Work[T], value: T) -> None:
        """Set to work in the background, in the caller's context."""
        Thread(target=copy_context().run, args=(work, value), name="aircraftops-job", daemon=True).start()

    def every(self, seconds: float, work: Round) -> None:
        """Do this again and again until the end, so many seconds after it was done."""
        Thread(target=copy_context().run, args=(self._rounds, seconds, work), name="aircraftops", daemon=True).start()

    def _rounds(self, seconds: float, work: Round) -> None:
        while not self._over.wait(seconds):
            try:
                work()
            except Exception:  # noqa: BLE001 - logged; the next round comes all the same
                LOG.exception("A round in the background failed")

    def ring(self) -> None:
        """Wake who rests, or let the next rest be none. May be called from anywhere."""
        self._rung.put(None)

    def rest(self, seconds: float | None) -> None:
        """Wait until the bell rings, or so many seconds."""
        with suppress(Empty):
            self._rung.get(timeout=seconds)
            while True:
                self._rung.get_nowait()


def aside(work: Callable[..., T], *given: Any) -> T:
    """What a blocking call comes to."""
    return work(*given)
