"""How many jobs go through on this machine: each crew, on each number of shards, at each work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import perf_counter

from aircraftops_data import AircraftOps
from benchmarks.engine import processor_seconds
from benchmarks.jobs.load import Order
from benchmarks.jobs.results import Crew, Done, Load, Work
from benchmarks.processes import Waiting

CREWS = (
    Crew(client="botocore", processes=1, hands=4),
    Crew(client="direct", processes=1, hands=4),
    Crew(client="direct", processes=2, hands=2),
    Crew(client="asyncio", processes=1, hands=16),
    Crew(client="direct", processes=1, hands=4, at_once=8),
    Crew(client="asyncio", processes=1, hands=4, at_once=8),
)
SHARDS = (1, 8)
# In this order: what is claimed alone was enqueued before.
WORKS: tuple[Work, ...] = ("enqueue", "claim", "both")


class Field:
    """An engine and the tables of a run on it."""

    def __init__(self, ops: AircraftOps, endpoint: str, prefix: str) -> None:
        self.ops = ops
        self.endpoint = endpoint
        self.prefix = prefix

    def loads(self, seconds: float, say: Callable[[str], object]) -> Iterator[Load]:
        """Every load. The engine, which compiles what it runs often, has a first one that is not told."""
        self.load("both", CREWS[1], 1, 15 * seconds)
        plain: Iterator[tuple[Work, Crew, int]] = (("plain", crew, 1) for crew in CREWS if crew.at_once == 1)
        for work, crew, shards in (*plain, *((w, c, s) for s in SHARDS for c in CREWS for w in WORKS)):
            say(f"{work}: {crew}, shards={shards}")
            yield self.load(work, crew, shards, seconds)

    def load(self, work: Work, crew: Crew, shards: int, seconds: float) -> Load:
        """One load, by processes that begin together."""
        order = self._order(work, crew, shards, seconds)
        self.ops.jobs.reshard(order.queue, shards)
        processes = [Waiting("load", order) for _ in range(crew.processes)]
        before, start = processor_seconds(self.endpoint), perf_counter()
        for process in processes:
            process.begin()
        done = sum((Done.model_validate_json(process.told()) for process in processes), Done())
        taken, after = perf_counter() - start, processor_seconds(self.endpoint)
        engine = None if before is None or after is None else after - before
        return Load(work=work, crew=crew, shards=shards, seconds=taken, done=done, engine_cpu=engine)

    def _order(self, work: Work, crew: Crew, shards: int, seconds: float) -> Order:
        return Order(
            endpoint=self.endpoint,
            prefix=self.prefix,
            queue=f"{crew}, {shards}",
            crew=crew,
            work=work,
            seconds=seconds,
        )
