"""Pollers over a stream in memory, and a router that writes down what it is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any

from aircraftops_data import CORE, CoreTable, Entity, PrimaryKey
from aircraftops_data.clock import Chance, Retry
from aircraftops_data.coordination import Locks
from aircraftops_data.core.context import Context
from aircraftops_data.errors import StoreError
from aircraftops_data.request import Request, Response, Transport
from aircraftops_data.streams.change import AnyRecord
from aircraftops_data.streams.decoding import Decoder
from aircraftops_data.streams.polling.poller import Poller, PollerOptions
from aircraftops_data.streams.polling.state import Group, ShardState
from aircraftops_data.streams.taking import Late, Taken
from aircraftops_data.testing import ManualClock
from aircraftops_data.translation.codec import codec_of
from sim_engine import MemoryEngine
from stream_api import StreamsApi
from stream_world import Shard, StreamWorld

NAME = "search"


class Tank(Entity, table=CORE, entity_type="polled_tank"):
    """Something whose changes are read."""

    name: str
    litres: int = 0

    primary = PrimaryKey("POLLED_TANK#{name}", "TANK")


@dataclass
class Taker:
    """A router that writes down what it takes, and fails where it is told to; `then` is done with each batch first."""

    given: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    """The names and litres of tanks, in the order they were dealt with."""
    fails: Callable[[AnyRecord], bool] = lambda record: False
    then: Callable[[], object] = lambda: None
    decoder: Decoder = field(default_factory=lambda: Decoder([Tank]))

    def take(self, records: Sequence[AnyRecord], late: Late) -> Taken:
        """Deal with records up to the first that fails, or until it is late."""
        self.then()
        for place, record in enumerate(records):
            if late():
                return Taken(place, record)
            if self.fails(record):
                return Taken(place, record, ArithmeticError("it failed"))
            self.given.append(told(record))
        return Taken(len(records))

    def of(self, name: str) -> list[int]:
        """The litres of one tank, in the order they came."""
        return [litres for known, litres in self.given if known == name]


def told(record: Any) -> tuple[str, int]:
    """The name and the litres of the tank a change is of."""
    tank = record.new or record.old
    return tank.name, tank.litres


class Answering:
    """A transport that answers a request otherwise once, where one is planned."""

    def __init__(self, inner: Transport) -> None:
        self.inner = inner
        self.planned: dict[str, Callable[[], Response]] = {}

    def send(self, request: Request) -> Response:
        """The response, or what is planned for the operation."""
        planned = self.planned.pop(request.operation, None)
        return self.inner.send(request) if planned is None else planned()


def refusing(code: str) -> Callable[[], Response]:
    """A refusal of this code."""

    def refuse() -> Response:
        raise StoreError(code, code=code)

    return refuse


@dataclass
class Scene:
    """A table with its stream and JobsTable, all in memory."""

    shards: int = 1
    seed: int = 0
    clock: ManualClock = field(default_factory=ManualClock)

    def __post_init__(self) -> None:
        self.core = CoreTable(
            MemoryEngine(), Context(clock=self.clock, chance=Chance(Random(self.seed)), retry=Retry(attempts=3))
        )
        self.world = StreamWorld(self.clock, CORE.name, shards=self.shards)
        self.api = StreamsApi(self.world)
        self.streams = Answering(self.api)
        self.taker = Taker()

    def fill(self, name: str, *litres: int) -> None:
        """A tank is filled again and again."""
        for each in litres:
            self.world.put(codec_of(Tank.definition()).item(Tank(name=name, litres=each)))

    def poller(self, **options: Any) -> Poller:
        """One more poller of the group."""
        given = replace(PollerOptions(lease=timedelta(seconds=30), quiet=1), **options)
        return Poller(self.core, self.taker, streams=self.streams, locks=Locks(self.core), name=NAME, options=given)

    def states(self) -> dict[str, ShardState]:
        """How far each shard is read."""
        return {state.shard: state for state in Group(self.core, NAME).standing().shards}

    def state(self, shard: Shard) -> ShardState:
        """How far one is."""
        return self.states()[shard.id]

    @property
    def requests(self) -> list[str]:
        """The operations asked of the stream so far."""
        return [request.operation for request in self.api.sent]
