"""A chain of audit events in an engine in memory: grown, verified, tampered with and put back as it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any, TypeVar

from aircraftops_data.audit.appending import Appender, Written
from aircraftops_data.audit.block import Block, Entry, Head, Receipt
from aircraftops_data.audit.checking import Anchor, tree_leaf
from aircraftops_data.audit.identity import event_id, month_of
from aircraftops_data.audit.merkle import Tree
from aircraftops_data.audit.model import AuditEvent, FieldChange, Outcome
from aircraftops_data.audit.recording import Known, record
from aircraftops_data.audit.report import Report
from aircraftops_data.audit.verifying import verification
from aircraftops_data.clock import Chance, Retry
from aircraftops_data.core.context import Context
from aircraftops_data.core.run import run
from aircraftops_data.model.schema import AUDIT_EVENTS
from aircraftops_data.request import Plan, Request, Transport
from aircraftops_data.testing import ManualClock
from aircraftops_data.translation.codec import codec_of
from sim_engine import MemoryEngine

T = TypeVar("T")
CHAIN = "acme"
TABLE = AUDIT_EVENTS.name
Item = dict[str, Any]
Place = tuple[str, str]
Tampering = Mapping[Place, Item | None]
"""What lies where afterwards; None for nothing."""

# A value of every type that DynamoDB has.
RICH: Mapping[str, Any] = {
    "text": "é",
    "empty": "",
    "number": 7,
    "fraction": Decimal("-1.50"),
    "huge": 10**30,
    "yes": True,
    "nothing": None,
    "bytes": b"\x00\xff",
    "list": [1, "a", [], {"deep": None}],
    "map": {"one": {"two": False}},
    "words": {"b", "a"},
    "numbers": {2, 1},
    "blobs": {b"b", b"a"},
}


def place_of(item: Mapping[str, Any]) -> Place:
    """Where an item lies."""
    return item["PK"]["S"], item["SK"]["S"]


def key_of(place: Place) -> Item:
    """The key of an item that lies there."""
    return {"PK": {"S": place[0]}, "SK": {"S": place[1]}}


def event(context: Context, number: int, *, key: str | None = None, **fields: Any) -> AuditEvent:
    """An event of the chain: every 16th has all there is, every third expires."""
    now, resource = context.clock.now(), f"aircraft:{number % 23}"
    given: dict[str, Any] = {"details": {"n": number}, "outcome": [*Outcome][number % 4]}
    if number % 16 == 0:
        change = FieldChange(field="owner", before={"a": [1]}, after=None)
        secret = FieldChange(field="pin", redacted="secret")
        given |= {"details": dict(RICH), "changes": [change, secret], "payload": '{"a": 1}', "source": "registry"}
    if number % 5 == 0:
        given["correlation_id"] = f"request-{number % 4}"
    if number % 3 == 0:
        given["expires_at"] = now + timedelta(hours=1, seconds=number + 0.7)
    said = {"actor": "user:ana", "action": "aircraft.transfer", "resource": resource, "chain": CHAIN}
    where = {"id": event_id(now, resource, key, context.chance), "occurred_at": now, "month": month_of(now)}
    return AuditEvent(**{**where, **said, **given, **fields})


@dataclass
class World:
    """An engine, the time, and a chain."""

    clock: ManualClock = field(default_factory=ManualClock)
    seed: int = 1
    chain: str = CHAIN

    def __post_init__(self) -> None:
        self.engine = MemoryEngine(self.clock.monotonic)
        self.context = self.a_context()
        self.appender = self.an_appender()
        self.events = 0

    def a_context(self) -> Context:
        """That of one more process."""
        self.seed += 1
        return Context(clock=self.clock, chance=Chance(Random(self.seed)), retry=Retry(attempts=4))

    def an_appender(self, **options: Any) -> Appender:
        """One more process that appends."""
        return Appender(self.chain, self.a_context(), **options)

    def run(self, plan: Plan[T], transport: Transport | None = None) -> T:
        """Drive a plan to its end."""
        return run(plan, transport or self.engine, self.clock)

    def make(self, count: int, **fields: Any) -> list[AuditEvent]:
        """So many new events."""
        first, self.events = self.events, self.events + count
        return [event(self.context, number, **fields) for number in range(first, first + count)]

    def write(self, events: Iterable[AuditEvent], algorithm: str = "sha256") -> list[Written]:
        """Put events, each as an entry to be."""
        return [Written.of(self.run(record(each, Known(), self.context)), algorithm) for each in events]

    def grow(self, *sizes: int, algorithm: str = "sha256", **fields: Any) -> dict[str, Receipt]:
        """Append a block of new events for each of these sizes."""
        appender, receipts = self.an_appender(algorithm=algorithm), dict[str, Receipt]()
        for size in sizes:
            tip = self.run(appender.known())
            made = self.make(size, after_block=tip.number, **fields)
            receipts |= self.run(appender.append(self.write(made, algorithm)))
            self.clock.advance(0.001)
        return receipts

    # What is stored

    def items(self) -> dict[Place, Item]:
        """Everything."""
        return {place_of(item): dict(item) for item in self.engine.items(TABLE)}

    def of(self, entity_type: str) -> list[Item]:
        """The items of a kind, in the order of their keys."""
        return [dict(item) for item in self.engine.items(TABLE) if item["entity_type"]["S"] == entity_type]

    def blocks(self) -> list[Block]:
        """The blocks, in order."""
        return [codec_of(Block.definition()).entity(item) for item in self.of("audit_block")]

    def head(self) -> Head:
        """The head."""
        (item,) = self.of("audit_head")
        return codec_of(Head.definition()).entity(item)  # type: ignore[no-any-return]

    def entries(self) -> list[tuple[Block, int, Entry]]:
        """Every event of the chain with its block and number."""
        return [
            (block, seq, entry) for block in self.blocks() for seq, entry in enumerate(block.entries, block.first_seq)
        ]

    def lay(self, tampering: Tampering) -> None:
        """Have items lie where it says, or none."""
        for place, item in tampering.items():
            if item is None:
                self.engine.send(Request("DeleteItem", {"TableName": TABLE, "Key": key_of(place)}))
            else:
                self.engine.put(TABLE, item)

    def restore(self, items: Mapping[Place, Item]) -> None:
        """Have these items and no others."""
        self.lay({place: None for place in self.items() if place not in items})
        self.lay(items)

    @contextmanager
    def tampered(self, tampering: Tampering) -> Iterator[None]:
        """Items lie where it says within the block, and as they did after it."""
        stored = self.items()
        try:
            self.lay(tampering)
            yield
        finally:
            self.lay({place: stored.get(place) for place in tampering})

    # What verifying says

    def verify(
        self,
        since: int = 0,
        until: int | None = None,
        anchors: Sequence[Anchor] = (),
        transport: Transport | None = None,
    ) -> Report:
        """The report of a range."""
        report = Report(self.chain)
        begun = self.run(verification(self.chain, since, anchors, report, self.context), transport)
        self.run(begun.run(until), transport)
        return report

    def anchor(self, number: int) -> Anchor:
        """A trusted checkpoint at the end of a block."""
        return anchor_at(self.blocks(), number)


def anchor_at(blocks: Sequence[Block], number: int) -> Anchor:
    """A trusted checkpoint at the end of one of these blocks."""
    tree = Tree("sha256")
    for block in blocks[:number]:
        tree.extend(tree_leaf(entry.leaf) for entry in block.entries)
    return Anchor(tree.size, tree.root(), number, blocks[number - 1].hash, trusted=True)


# Every way to change a value


def others(value: Mapping[str, Any]) -> Iterator[tuple[str, Item | None]]:
    """Values that differ from this one in one place; None where it is left out of what holds it."""
    ((kind, content),) = value.items()
    yield "removed", None
    yield from _CHANGES[kind](content)


def _text(content: str) -> Iterator[tuple[str, Item]]:
    yield "longer", {"S": f"{content}x"}
    yield "as bytes", {"B": content.encode()}


def _number(content: str) -> Iterator[tuple[str, Item]]:
    yield "one more", {"N": f"{Decimal(content) + 1 if len(content) < 20 else Decimal(content) / 10:f}"}
    yield "huge", {"N": f"{10**13}"}
    yield "negative", {"N": "-1"}
    yield "as text", {"S": content}


def _binary(content: bytes) -> Iterator[tuple[str, Item]]:
    yield "a bit flipped", {"B": bytes([content[0] ^ 1]) + content[1:]}
    yield "shorter", {"B": content[:-1]}


def _set(kind: str, more: Any) -> Any:
    def changes(content: Sequence[Any]) -> Iterator[tuple[str, Item]]:
        yield "one more", {kind: [*content, more]}
        yield "one less", {kind: content[1:]}
        yield "as a list", {"L": [{kind[0]: member} for member in content]}

    return changes


def _list(content: Sequence[Item]) -> Iterator[tuple[str, Item]]:
    yield "one more", {"L": [*content, {"S": "x"}]}
    for at, inner in enumerate(content):
        for how, other in others(inner):
            rest = [] if other is None else [other]
            yield f"[{at}] {how}", {"L": [*content[:at], *rest, *content[at + 1 :]]}
    for at in range(len(content) - 1):
        if content[at] != content[at + 1]:
            swapped = [content[at + 1], content[at]]
            yield f"[{at}] swapped", {"L": [*content[:at], *swapped, *content[at + 2 :]]}


def _map(content: Mapping[str, Item]) -> Iterator[tuple[str, Item]]:
    for how, other in attributes(content):
        yield how, {"M": other}


_CHANGES: Mapping[str, Any] = {
    "S": _text,
    "N": _number,
    "B": _binary,
    "BOOL": lambda content: iter([("the other", {"BOOL": not content})]),
    "NULL": lambda _: iter([("empty", {"S": ""})]),
    "SS": _set("SS", "x"),
    "NS": _set("NS", "99"),
    "BS": _set("BS", b"x"),
    "L": _list,
    "M": _map,
}


def attributes(item: Mapping[str, Item]) -> Iterator[tuple[str, Item]]:
    """The item with one attribute changed, removed or added, in every way."""
    yield "added", {**item, "another": {"S": ""}}
    for name, value in item.items():
        for how, other in others(value):
            rest = {known: held for known, held in item.items() if known != name}
            yield f"{name} {how}", rest if other is None else {**rest, name: other}
