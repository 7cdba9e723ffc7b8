"""What threads do in the background: work that was started, rounds, a bell. Its twin is `core.aio.hands`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from inspect import iscoroutinefunction
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any, Concatenate, ParamSpec, Self, TypeAlias, TypeVar

S = TypeVar("S")
T = TypeVar("T")
P = ParamSpec("P")
Work: TypeAlias = Callable[[T], None]
Round: TypeAlias = Callable[[], None]
Given: TypeAlias = Callable[Concatenate[S, P], T]
"""A function that is given something before its other arguments."""
Called: TypeAlias = Callable[P, T]
LOG = logging.getLogger("aircraftops_data")


def runs_here(function: Callable[..., Any]) -> bool:
    """Whether calling the function runs it: it is no coroutine function."""
    return not iscoroutinefunction(function)


class Hands:
    """Threads in the background. None of them keeps the process from ending."""

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
        Thread(target=copy_context().run, args=(work, value), name="aircraftops", daemon=True).start()

    def every(self, seconds: float, work: Round) -> None:
        """Do this again and again until the end, so many seconds after it was done."""
        Thread(target=copy_context().run, args=(self._rounds, seconds, work), name="aircraftops", daemon=True).start()

    def _rounds(self, seconds: float, work: Round) -> None:
        while not self._over.wait(seconds):
            try:
                work()
            except Exception:
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
