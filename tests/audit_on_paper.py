"""Chains of events without an engine or in one in memory: made as the library makes them, and tampered with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aircraftops_data.audit.block import Block, Entry, Tip, block_item, head_item, next_block
from aircraftops_data.audit.checkpointing import keys_of
from aircraftops_data.audit.encoding import leaf_hash
from aircraftops_data.audit.identity import event_id, month_of
from aircraftops_data.audit.model import AuditEvent
from aircraftops_data.audit.signing import Ed25519Signer
from aircraftops_data.audit.verifying import ERASE, Taken
from aircraftops_data.clock import Chance
from aircraftops_data.core.context import Context
from aircraftops_data.core.intents import stamped
from aircraftops_data.core.run import Runner
from aircraftops_data.model.definition import Item
from aircraftops_data.request import Request, Response
from aircraftops_data.testing import ManualClock
from aircraftops_data.translation.codec import codec_of
from sim_engine import MemoryEngine

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
CHAIN = "ops"
TABLE = "AuditEventsTable"
SIGNER = Ed25519Signer.generate()
KEYS = keys_of(SIGNER)


def event(number: int, **said: Any) -> AuditEvent:
    """An event, another for every number."""
    at = NOW + timedelta(minutes=number)
    resource = said.pop("resource", f"aircraft/N{number}")
    said = {"actor": "pilot", "action": "aircraft.read", **said}
    identifier = event_id(at, resource, str(number), Chance())
    return AuditEvent(id=identifier, occurred_at=at, resource=resource, month=month_of(at), chain=CHAIN, **said)


def erasure(number: int, erased: Item) -> AuditEvent:
    """The event that says that another was erased."""
    details = {"event_id": erased["id"]["S"], "leaf": leaf_hash(erased, "sha256").hex()}
    return event(number, action=ERASE, resource=erased["resource"]["S"], details=details)


def item_of(stored: AuditEvent) -> Item:
    """The item of an event."""
    return codec_of(AuditEvent.definition()).item(stamped(stored, 1, NOW)) | {"write_id": {"S": "w"}}


def entry_of(item: Item) -> Entry:
    """What a block has of an event."""
    expires_at = item.get("expires_at")
    seconds = None if expires_at is None else int(expires_at["N"])
    return Entry(item["resource"]["S"], item["id"]["S"], leaf_hash(item, "sha256"), seconds)


@dataclass
class Paper:
    """A chain that grows by blocks, each with its events' items."""

    tip: Tip = field(default_factory=Tip)
    taken: list[Taken] = field(default_factory=list[Taken])
    algorithm: str = "sha256"

    def block(self, *events: AuditEvent) -> Taken:
        """One more block."""
        items = [item_of(each) for each in events]
        leaves = [entry_of(item)._replace(leaf=leaf_hash(item, self.algorithm)) for item in items]
        block = next_block(CHAIN, self.tip, leaves, NOW, self.algorithm, adopting=False)
        item = block_item(block, "w", NOW)
        block = codec_of(Block.definition()).entity(item)
        self.tip = Tip(block.number, block.hash, self.tip.size + len(events))
        self.taken.append(Taken(block, item, list(items)))
        return self.taken[-1]

    @property
    def items(self) -> list[Item]:
        """Those of all events, in order."""
        return [item for taken in self.taken for item in taken.events if item is not None]


def paper(*sizes: int, **options: Any) -> Paper:
    """A chain of blocks with so many events each."""
    made, number = Paper(**options), 0
    for size in sizes:
        made.block(*(event(number + index) for index in range(size)))
        number += size
    return made


class Engine(MemoryEngine):
    """The engine in memory, with batches read as well; and hands that get at its items."""

    def _BatchGetItem(self, asked: Mapping[str, Any]) -> Response:
        ((table, wanted),) = asked["RequestItems"].items()
        found = [self._stored(self._place(table, key)) for key in wanted["Keys"]]
        return {"Responses": {table: [item for item in found if item is not None]}}

    def hold(self, chain: Paper) -> Engine:
        """Have a chain in the table: blocks, events and head."""
        for taken in chain.taken:
            for item in (taken.item, *taken.events):
                if item is not None:
                    self.put(TABLE, item)
        self.put(TABLE, head_item(chain.tip, chain.taken[-1].item))
        return self

    def drop(self, item: Item) -> None:
        """Have an item gone."""
        del self._tables[TABLE][next(key for key, held in self._tables[TABLE].items() if held == item)]

    def of(self, entity_type: str) -> list[Item]:
        """The items of a kind."""
        return [item for item in self.items(TABLE) if item["entity_type"]["S"] == entity_type]


@dataclass
class Transport:
    """Carries requests to an engine; `before` is called with each of them first."""

    engine: Engine
    before: Any = None

    def send(self, request: Request) -> Response:
        """The response."""
        if self.before is not None:
            self.before(request)
        return self.engine.send(request)


class AsyncTransport(Transport):
    """The same for asyncio."""

    async def send(self, request: Request) -> Response:  # type: ignore[override]
        """The response."""
        return super().send(request)


def runner_over(engine: Engine, before: Any = None) -> Runner:
    """What runs plans on it, the clock at NOW plus a day."""
    return Runner(Transport(engine, before), Context(clock=ManualClock(NOW + DAY)))


def kinds(findings: Iterator[Any] | list[Any]) -> list[str]:
    """The kinds of findings, in order."""
    return [str(finding.kind) for finding in findings]
