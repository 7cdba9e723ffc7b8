"""Proofs that need no table: that an event is in a chain, and that a chain has only grown between two checkpoints.

A proof is as good as the checkpoint it is held against, whose signature is verified by itself. Of an event it shows the
leaf: that an item is the one of this leaf, `leaf_hash` tells.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

from aircraftops_data.audit.block import Block, Entry
from aircraftops_data.audit.checking import TREE_ALGORITHM, tree_leaf
from aircraftops_data.audit.checkpoint import Checkpoint
from aircraftops_data.audit.encoding import leaf_hash
from aircraftops_data.audit.merkle import ConsistencyBetween, PathTo, verify_consistency, verify_inclusion
from aircraftops_data.core.asking import query_reading
from aircraftops_data.core.context import Context
from aircraftops_data.core.reading import chunk
from aircraftops_data.errors import (
    AircraftOpsDataError,
    CorruptItemError,
    InvalidInputError,
    NotFoundError,
    TamperError,
)
from aircraftops_data.model.definition import ItemView
from aircraftops_data.request import Plan

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """That the event `seq` of a chain has this leaf, in the tree over its first `size` events.

    The block, the resource and the id say where to find the event; the leaf is all that is proven.
    """

    chain: str
    seq: int
    event_id: str
    resource: str
    block: int
    algorithm: str
    """That of the leaf."""
    leaf: bytes
    size: int
    path: tuple[bytes, ...]

    def holds(self, checkpoint: Checkpoint) -> bool:
        """Whether the chain that this checkpoint was made of has the leaf there."""
        if (self.chain, self.size) != (checkpoint.chain, checkpoint.size):
            return False
        leaf, path, root = tree_leaf(self.leaf), self.path, checkpoint.root
        return verify_inclusion(leaf, self.seq - 1, self.size, path, root, TREE_ALGORITHM)

    def is_of(self, item: ItemView) -> bool:
        """Whether this stored item of an event, with the expiry it was committed with, is the one the leaf is of."""
        try:
            return leaf_hash(item, self.algorithm) == self.leaf
        except AircraftOpsDataError:
            return False

    def to_json(self) -> str:
        """The proof as JSON; bytes are hexadecimal."""
        return json.dumps(_written(self), indent=2)

    @classmethod
    def from_json(cls, text: str | bytes) -> InclusionProof:
        """The proof of such JSON. Raises CorruptItemError."""
        return _read(cls, text, chain=_text, seq=_count, event_id=_text, resource=_text, block=_count,
                     algorithm=_text, leaf=_hash, size=_count, path=_path)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """That a chain of `second` events begins with those it had when there were `first`."""

    chain: str
    first: int
    second: int
    path: tuple[bytes, ...]

    def holds(self, first: Checkpoint, second: Checkpoint) -> bool:
        """Whether the chain of the second checkpoint goes on from that of the first."""
        said = (first.chain, first.size, second.chain, second.size)
        if said != (self.chain, self.first, self.chain, self.second):
            return False
        return verify_consistency(self.first, first.root, self.second, second.root, self.path, TREE_ALGORITHM)

    def to_json(self) -> str:
        """The proof as JSON; bytes are hexadecimal."""
        return json.dumps(_written(self), indent=2)

    @classmethod
    def from_json(cls, text: str | bytes) -> ConsistencyProof:
        """The proof of such JSON. Raises CorruptItemError."""
        return _read(cls, text, chain=_text, first=_count, second=_count, path=_path)


# As JSON


def _written(proof: Any) -> dict[str, Any]:
    return {name: _plain(getattr(proof, name)) for name in proof.__slots__}


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return list(map(_plain, cast("tuple[Any]", value))) if isinstance(value, tuple) else value


def _read(kind: Callable[..., P], text: str | bytes, **readers: Callable[[Any], Any]) -> P:
    try:
        held = json.loads(text)
        if set(held) != set(readers):
            raise ValueError("other fields")
        return kind(**{name: reader(held[name]) for name, reader in readers.items()})
    except (ValueError, TypeError):
        raise CorruptItemError("The JSON is not that of a proof") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("Not a text")
    return value


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise TypeError("Not a count")
    return value


def _hash(value: Any) -> bytes:
    return bytes.fromhex(_text(value))


def _path(value: Any) -> tuple[bytes, ...]:
    return tuple(_hash(inner) for inner in value)


# Making them


class _Leaves(Protocol):
    def add(self, leaf: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class _Where:
    """An event where a block has it."""

    seq: int
    entry: Entry
    block: Block


def inclusion(
    chain: str, checkpoint: Checkpoint, context: Context, *, seq: int | None = None, event_id: str | None = None
) -> Plan[InclusionProof]:
    """The proof that an event is in the chain of a checkpoint: its blocks are read, twice where only the id is known.

    Half a read unit per 4 KB of blocks. Raises NotFoundError where the checkpoint has no such event; TamperError where
    the chain is another than the checkpoint's; InvalidInputError.
    """
    if (seq is None) == (event_id is None):
        raise InvalidInputError("A proof is of one event: give its seq or its id")
    if seq is None:
        seq = (yield from _passed(chain, checkpoint.size, context, event_id=event_id)).seq
    elif not 1 <= seq <= checkpoint.size:
        raise NotFoundError(
            f"Checkpoint {checkpoint.number} of chain {chain!r} has no event {seq}", entity="AuditEvent"
        )
    path = PathTo(seq - 1, checkpoint.size, TREE_ALGORITHM)
    where = yield from _passed(chain, checkpoint.size, context, seq=seq, leaves=path)
    entry, block = where.entry, where.block
    proof = InclusionProof(
        chain,
        seq,
        entry.id,
        entry.resource,
        block.number,
        block.algorithm,
        entry.leaf,
        checkpoint.size,
        tuple(path.path),
    )
    return _holding(proof, chain, proof.holds(checkpoint))


def consistency(chain: str, first: Checkpoint, second: Checkpoint, context: Context) -> Plan[ConsistencyProof]:
    """The proof that the chain of one checkpoint begins with that of another, in either order. Raises TamperError.

    Half a read unit per 4 KB of blocks.
    """
    first, second = sorted((first, second), key=lambda checkpoint: checkpoint.size)
    path = ConsistencyBetween(first.size, second.size, TREE_ALGORITHM)
    yield from _passed(chain, second.size, context, seq=second.size, leaves=path)
    proof = ConsistencyProof(chain, first.size, second.size, tuple(path.path))
    return _holding(proof, chain, proof.holds(first, second))


def _holding(proof: P, chain: str, holds: bool) -> P:
    if not holds:
        raise TamperError(f"Chain {chain!r} is not the one that was signed for", chain=chain)
    return proof


def _passed(
    chain: str,
    size: int,
    context: Context,
    *,
    seq: int | None = None,
    event_id: str | None = None,
    leaves: _Leaves | None = None,
) -> Plan[_Where]:
    """Go through the first `size` events of a chain: where one of them is. Raises NotFoundError, TamperError."""
    reading, start, at, found = query_reading(Block.primary(chain=chain)), None, 0, None
    while at < size:
        part = yield from chunk(reading, context, start, None)
        for block in part.found.whole():
            for entry in block.entries[: size - at]:
                at += 1
                if found is None and (at == seq or entry.id == event_id):
                    found = _Where(at, entry, block)
                if leaves is not None:
                    leaves.add(tree_leaf(entry.leaf))
            if found is not None and leaves is None:
                return found
        start = part.next
        if start is None and at < size:
            raise TamperError(f"Chain {chain!r} ends at event {at}; {size} were signed for", chain=chain)
    if found is None:
        raise NotFoundError(f"The first {size} events of chain {chain!r} have none of this id", entity="AuditEvent")
    return found
