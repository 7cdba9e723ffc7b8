"""What every local engine has in common: start it, talk to its endpoint, stop it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from aircraftops_data.errors import EngineUnavailableError


def _leave_running() -> None:
    """Stop nothing: the engine is someone else's."""


@dataclass(frozen=True, slots=True)
class Running:
    """An engine that answers: where, what it is, and how to stop it."""

    endpoint_url: str
    description: str
    stop: Callable[[], None] = _leave_running


class LocalEngine(ABC):
    """A server on this machine, for tests and demonstrations; use it in a `with`, or call `start` and `stop`.

    It accepts any credentials. It is stopped when this process ends, also if that is by a crash.
    """

    _running: Running | None = None

    @abstractmethod
    def _launch(self) -> Running: ...

    def start(self) -> Self:
        """Start it and return when it answers; EngineUnavailableError or MissingExtraError if it cannot be had."""
        if self._running is None:
            self._running = self._launch()
        return self

    def stop(self) -> None:
        """Stop it, and lose what it held. An engine that was running before is left alone."""
        if self._running is not None:
            self._running.stop()
            self._running = None

    @property
    def endpoint_url(self) -> str:
        """Where it listens, such as http://127.0.0.1:8000."""
        return self._started().endpoint_url

    @property
    def description(self) -> str:
        """What it is, in one line."""
        return self._started().description

    def _started(self) -> Running:
        if self._running is None:
            raise EngineUnavailableError(f"this {type(self).__name__} is not started: use it in a with, or call start")
        return self._running

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
