"""What threads do for the blocking core: work side by side, and inputs one by one. Its twin is `core.aio.crew`."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Generic, Self, TypeAlias, TypeVar

S = TypeVar("S")
T = TypeVar("T")

Inputs: TypeAlias = Iterable[T]
Running: TypeAlias = Future[T]
Work: TypeAlias = Callable[[S], T]


class Crew:
    """Threads for one piece of work, `size` of them; a crew of one is the caller, at work when told to start.

    Leaving it waits for what runs; what has not begun never will.
    """

    def __init__(self, size: int) -> None:
        self._pool = ThreadPoolExecutor(size, thread_name_prefix="aircraftops") if size > 1 else None

    def start(self, work: Work[S, T], value: S) -> Running[T]:
        """Set to work, in the caller's context."""
        if self._pool is None:
            return _by_the_caller(work, value)
        return self._pool.submit(copy_context().run, work, value)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def _by_the_caller(work: Work[S, T], value: S) -> Running[T]:
    running: Future[T] = Future()
    try:
        running.set_result(work(value))
    except Exception as error:  # noqa: BLE001 - whoever asks for the result gets it
        running.set_exception(error)
    return running


def result(running: Running[T]) -> T:
    """What it came to. Raises what it raised."""
    return running.result()


def finished(running: Sequence[Running[T]]) -> list[Running[T]]:
    """Those that are done, in order; waits until at least one is."""
    done = wait(running, return_when=FIRST_COMPLETED).done
    return [each for each in running if each in done]


def collect(items: Iterator[T]) -> list[T]:
    """All that is left, as a list."""
    return list(items)


class Feed(Generic[T]):
    """Inputs, taken as they are needed. A source that raises ends them; `failure` is what it raised.

    A generator that is not read to its end is closed.
    """

    def __init__(self, source: Inputs[T]) -> None:
        self._source = source
        self.failure: Exception | None = None

    def values(self) -> Generator[T]:
        """The inputs."""
        try:
            yield from self._source
        except Exception as error:  # noqa: BLE001 - raised again once what was taken has been dealt with
            self.failure = error
