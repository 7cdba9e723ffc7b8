"""How long locks take: a turn and a heartbeat, from one holder to the next, and after a holder that died."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Condition
from time import monotonic, perf_counter, process_time, sleep

from aircraftops_data import AircraftOps
from aircraftops_data.coordination import Locks
from benchmarks.locks.peers import Peer
from benchmarks.locks.results import HandOver, TakeOver, Turns

LONG = 600.0
"""Seconds nobody waits."""
WARM_ROUNDS = 3
"""Rounds that are not told: the engine compiles what it runs often."""


def side_by_side(works: Mapping[str, Callable[[], object]], rounds: int, turns: int) -> dict[str, Turns]:
    """So many turns of each work in every round, which each begins with another."""
    found = {name: Turns() for name in works}
    order = list(works)
    for number in range(-WARM_ROUNDS, rounds):
        first = number % len(order)
        for name in order[first:] + order[:first]:
            seconds, cpu = _timed(works[name], turns)
            if number >= 0:
                found[name].seconds.append(seconds)
                found[name].cpu_ms.append(cpu / turns * 1e3)
    return found


def _timed(work: Callable[[], object], turns: int) -> tuple[list[float], float]:
    """Seconds of each turn by the clock, and of all of them by the processor."""
    seconds, cpu = list[float](), process_time()
    for _ in range(turns):
        start = perf_counter()
        work()
        seconds.append(perf_counter() - start)
    return seconds, process_time() - cpu


def turn(peer: Peer) -> Callable[[], None]:
    """Take a lock nobody else wants, and give it back."""
    return lambda: peer.give(peer.take("uncontended", 0))


# From one holder to the next


class _Ring:
    """Those who take turns, and how long it took from one to the next."""

    def __init__(self, until: float) -> None:
        self.seconds: list[float] = []
        self.turn = 0
        self._until = until
        self._released_at: float | None = None
        self._changed = Condition()

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return monotonic() >= self._until

    def taken(self) -> int:
        """Somebody has it now; which turn this is."""
        now = perf_counter()
        with self._changed:
            if self._released_at is not None and not self.over:
                self.seconds.append(now - self._released_at)
            self.turn += 1
            self._changed.notify_all()
            return self.turn

    def releasing(self) -> None:
        """Whoever has it is about to give it back."""
        self._released_at = perf_counter()

    def await_another(self, turn: int) -> None:
        """Let another have it before asking again."""
        with self._changed:
            while self.turn == turn and not self.over:
                self._changed.wait(0.1)


def handed_over(name: str, peer: Peer, threads: int, held: float, seconds: float) -> HandOver:
    """Threads that take turns at one lock for so many seconds, each holding it for `held` of them."""
    ring = _Ring(monotonic() + seconds)
    lock = f"{threads} threads, {held} s"

    def take_turns(_: int) -> None:
        while not ring.over:
            mine = peer.take(lock, LONG)
            number = ring.taken()
            sleep(0 if ring.over else held)
            ring.releasing()
            peer.give(mine)
            ring.await_another(number)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(take_turns, range(threads)))
    return HandOver(name=name, threads=threads, held=held, seconds=sorted(ring.seconds))


# After a holder that died


def taken_over(ops: AircraftOps, lease: timedelta, times: int) -> TakeOver:
    """So many locks whose holders gave no sign of life again, each waited for by one thread, all at the same time."""
    margin = ops.locks.options.margin
    with ThreadPoolExecutor(times) as pool:
        seconds = sorted(pool.map(partial(_outwait, ops, lease), [f"dead {number}" for number in range(times)]))
    return TakeOver(lease=lease.total_seconds(), margin=margin.total_seconds(), seconds=seconds)


def _outwait(ops: AircraftOps, lease: timedelta, name: str) -> float:
    """Seconds from the end of a dead holder's lease and the margin, as the waiter counts them, to the lock in hand."""
    ops.locks.acquire(name, lease=lease)
    others = Locks(ops.core)
    start = perf_counter()
    others.acquire(name, lease=lease, wait=timedelta(seconds=LONG))
    return perf_counter() - start - others.options.patience(lease).total_seconds()
