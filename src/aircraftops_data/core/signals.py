"""Signals that ask a process to stop, told to who runs in it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def signals_to(told: Callable[[], None]) -> Generator[None]:
    """Have SIGTERM and SIGINT tell this one instead of ending the process; in other threads than the main one nothing.

    What it does must be safe wherever the main thread is interrupted.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def hear(*_: object) -> None:
        told()

    before: dict[signal.Signals, Any] = {number: signal.signal(number, hear) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
