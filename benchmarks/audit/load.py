"""A process of a load: it connects, waits for the word, appends for some seconds, and tells what it did."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import monotonic, perf_counter, process_time

from pydantic import BaseModel

from benchmarks.audit.results import Appended, WayName
from benchmarks.audit.ways import Way, said, way
from benchmarks.processes import wait_for_the_word


class Order(BaseModel):
    """What a process is to do."""

    endpoint: str
    prefix: str
    way: WayName
    threads: int
    group: int
    seconds: float


def carry_out(order: Order) -> Appended:
    """Do it; all threads share one chain."""
    chosen = way(order.way, order.endpoint, order.prefix)
    chosen.append([said(0)])
    with ThreadPoolExecutor(order.threads) as pool:
        # The threads are there before the word.
        list(pool.map(lambda _: None, range(order.threads)))
        wait_for_the_word()
        until, cpu = monotonic() + order.seconds, process_time()
        each = pool.map(lambda hand: _appending(chosen, order.group, hand, until), range(order.threads))
        done = sum(each, Appended()) + Appended(cpu=process_time() - cpu)
    chosen.close()
    return done


def _appending(chosen: Way, group: int, hand: int, until: float) -> Appended:
    done, number = Appended(), hand * 1_000_000
    while monotonic() < until:
        events, number = [said(number + each) for each in range(group)], number + group
        start = perf_counter()
        done.refused += chosen.append(events)
        done.seconds.append(perf_counter() - start)
        done.events += group
    return done
