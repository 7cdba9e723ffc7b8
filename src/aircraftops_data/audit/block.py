"""A chain as it is stored: blocks, each with the hashes of some events and of the block before; and its head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from aircraftops_data.audit.encoding import block_hash
from aircraftops_data.audit.merkle import root_of
from aircraftops_data.audit.model import Name
from aircraftops_data.core.intents import stamped
from aircraftops_data.model.declarations import PrimaryKey
from aircraftops_data.model.definition import Item
from aircraftops_data.model.entity import Entity, UtcDatetime
from aircraftops_data.model.quantities import Count
from aircraftops_data.model.schema import AUDIT_EVENTS
from aircraftops_data.translation.codec import check_size, codec_of

ALGORITHM = "sha256"
ENCODING = 1
NOTHING_BEFORE = bytes(32)
"""What the first block has for the hash of the one before."""
LAST_NUMBER = 10**12 - 1
"""No block can have a higher number: keys have room for no more."""


class Entry(NamedTuple):
    """One event in a block: where it lies, the hash of its item, and when that was due to expire, in epoch seconds."""

    resource: str
    id: str
    leaf: bytes
    expires_at: int | None = None


class Block(Entity, table=AUDIT_EVENTS, entity_type="audit_block"):
    """Some events of a chain, in order. Never changed and never expired."""

    chain: Name
    number: Count
    previous: bytes
    first_seq: Count
    entries: list[Entry]
    root: bytes
    committed_at: UtcDatetime
    algorithm: Name = ALGORITHM
    encoding: Count = ENCODING
    adopting: bool = False
    """Whether it took in events that its writer had not put itself just before."""
    hash: bytes = b""

    primary = PrimaryKey("CHAIN#{chain}", "BLOCK#{number:12}")


class Head(Entity, table=AUDIT_EVENTS, entity_type="audit_head"):
    """Where a chain ends, in a partition of its own."""

    chain: Name
    number: Count
    hash: bytes
    size: Count
    """How many events the chain has."""
    adopted: Count = 0
    """The latest block that took in events which its writer had not put itself just before."""

    primary = PrimaryKey("CHAIN_HEAD#{chain}", "HEAD")


@dataclass(frozen=True, slots=True)
class Tip:
    """Where a chain ends, as it is known."""

    number: int = 0
    hash: bytes = NOTHING_BEFORE
    size: int = 0
    adopted: int = 0

    @classmethod
    def of(cls, head: Head | None) -> Tip:
        """That of a head; of a chain that has none, its beginning."""
        return cls() if head is None else cls(head.number, head.hash, head.size, head.adopted)

    @property
    def readable(self) -> bool:
        """Whether this is of a head that could be read."""
        return self.hash != b""

    def head(self, chain: str) -> Head:
        """The head that says so."""
        return Head(chain=chain, number=self.number, hash=self.hash, size=self.size, adopted=self.adopted)


UNREADABLE = Tip(LAST_NUMBER, b"")
"""Of a head that is none: it rules no block out."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """That an event is in a chain: `seq` counts its events from 1; `hash` is that of block `block`, `leaf` its own."""

    chain: str
    event_id: str
    resource: str
    seq: int
    block: int
    leaf: bytes
    hash: bytes


def next_block(
    chain: str, tip: Tip, entries: Sequence[Entry], now: datetime, algorithm: str, *, adopting: bool
) -> Block:
    """The block that follows a tip, without its hash."""
    return Block(
        chain=chain,
        number=tip.number + 1,
        previous=tip.hash,
        first_seq=tip.size + 1,
        entries=list(entries),
        root=root_of([entry.leaf for entry in entries], algorithm),
        committed_at=now,
        algorithm=algorithm,
        adopting=adopting,
    )


def block_item(block: Block, write_id: str, now: datetime) -> Item:
    """The item of a new block, with its hash, which covers every other attribute. Raises ItemTooLargeError."""
    item = codec_of(Block.definition()).item(stamped(block, 1, now))
    item |= {AUDIT_EVENTS.managed.write_id: {"S": write_id}}
    item |= {"hash": {"B": block_hash(item, block.algorithm)}}
    return check_size(item, "Block")


def head_item(tip: Tip, block: Item) -> Item:
    """The item of the head that is put together with a block, given that one's item."""
    managed, put = AUDIT_EVENTS.managed, codec_of(Block.definition()).entity(block)
    item = codec_of(Head.definition()).item(stamped(tip.head(put.chain), tip.number, put.committed_at))
    return item | {name: block[name] for name in (managed.write_id,) if name in block}


def receipts_of(block: Block) -> list[Receipt]:
    """The receipts of a block's events, in order."""
    return [
        Receipt(block.chain, entry.id, entry.resource, seq, block.number, entry.leaf, block.hash)
        for seq, entry in enumerate(block.entries, block.first_seq)
    ]
