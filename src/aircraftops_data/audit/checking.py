"""Checking blocks and events against what they should be, one after another, without any input or output."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from aircraftops_data.audit.block import ENCODING, Block, Entry, Tip, head_item
from aircraftops_data.audit.encoding import HASHERS, block_hash, encode_item, hasher, leaf_hash
from aircraftops_data.audit.merkle import Tree, root_of
from aircraftops_data.audit.model import EXPIRY, AuditEvent
from aircraftops_data.audit.report import Finding, FindingKind, Report
from aircraftops_data.errors import AircraftOpsDataError, CorruptItemError
from aircraftops_data.model.definition import AttributeValue, Item, ItemView
from aircraftops_data.model.schema import AUDIT_EVENTS
from aircraftops_data.translation.codec import codec_of

_KEYS = [attribute.name for attribute in AUDIT_EVENTS.key_attributes]
TREE_ALGORITHM = "sha256"
TREE_LEAF_BYTES = 32


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a checkpoint says of a chain; `trusted` where its signature was verified with a key that was given."""

    size: int
    root: bytes
    block: int
    hash: bytes
    trusted: bool


@dataclass
class Links:
    """Checks that blocks follow one another, and are what their hashes say.

    It goes on behind what does not fit, from what that block says of itself, so that one fault is one finding.
    """

    report: Report
    tip: Tip
    tree: Tree | None = None
    """Of all leaves from the first of the chain; None where the range begins behind that without a checkpoint."""
    anchors: Sequence[Anchor] = ()
    """In order of size; those of the range that has been checked already are left out."""
    _last: Item | None = None

    def check(self, item: ItemView) -> Block | None:
        """The block of an item; None for what is none. What is wrong is in the report."""
        try:
            block: Block = codec_of(Block.definition()).entity(item)
        except CorruptItemError as error:
            self._add(FindingKind.ALTERED, f"the item is no block: {'; '.join(error.problems)}", self.tip.number + 1)
            return None
        self.follow(block, contents(block, lambda: block_hash(item, block.algorithm)))
        self._last = dict(item)
        return block

    def follow(self, block: Block, contents: Iterable[tuple[FindingKind, str]]) -> None:
        """Go on with a block, of which is known what is wrong with it by itself."""
        for kind, problem in (*self._place(block), *contents):
            self._add(kind, problem, block.number)
        self._go_on(block)

    def _add(self, kind: FindingKind, problem: str, number: int | None) -> None:
        self.report.add(Finding(kind, problem, number))

    def _place(self, block: Block) -> Iterator[tuple[FindingKind, str]]:
        expected = self.tip.number + 1
        if block.chain != self.report.chain:
            yield FindingKind.RELINKED, "the block says that it is of another chain"
        if block.number > expected:
            yield FindingKind.MISSING, f"the blocks from {expected} to {block.number - 1} are missing"
        elif block.number < expected:
            yield FindingKind.RELINKED, f"block {expected} was expected here"
        elif block.previous != self.tip.hash:
            yield FindingKind.RELINKED, "the block follows another than the one before it"
        if block.number == expected and block.first_seq != self.tip.size + 1:
            yield FindingKind.RELINKED, f"the block should begin with event {self.tip.size + 1}"

    def _go_on(self, block: Block) -> None:
        size = block.first_seq + len(block.entries) - 1
        if self.tree is not None and block.first_seq == self.tree.size + 1:
            self.tree.extend(_as_leaves(block))
        else:
            self.tree = None
        adopted = block.number if block.adopting else self.tip.adopted
        self.tip = Tip(block.number, block.hash, size, adopted)
        self.report.passed(len(block.entries))
        self.anchored()

    def anchored(self) -> None:
        """Compare the chain so far with the checkpoints up to here."""
        while self.anchors and self.anchors[0].size <= self.tip.size:
            anchor, *self.anchors = self.anchors
            if not self._fits(anchor):
                told = f"the checkpoint at event {anchor.size} was signed for another chain of blocks"
                self._add(FindingKind.FORKED, told, self.tip.number)
            elif anchor.trusted:
                self.report.anchored_seq = anchor.size

    def _fits(self, anchor: Anchor) -> bool:
        ends_here = (anchor.size, anchor.block, anchor.hash) == (self.tip.size, self.tip.number, self.tip.hash)
        return ends_here and (self.tree is None or self.tree.root() == anchor.root)

    def finish(self, head: Tip, stored: ItemView | None) -> None:
        """Compare the end of the chain with its head, as it is stored, and what the later checkpoints say."""
        for anchor in self.anchors:
            told = f"a checkpoint was made at event {anchor.size}, the chain ends at {self.tip.size}"
            self._add(FindingKind.TRUNCATED, told, None)
        if not head.readable:
            self._add(FindingKind.ALTERED, "the item of the head is no head", None)
        elif self.tip.number < head.number:
            told = f"the head tells of block {head.number}, the last there is {self.tip.number}"
            self._add(FindingKind.TRUNCATED, told, None)
        elif self.tip.hash != head.hash:
            self._add(FindingKind.FORKED, "the head tells of another last block", self.tip.number)
        elif (self.tip.size, self.tip.adopted) != (head.size, head.adopted):
            self._add(FindingKind.ALTERED, "the head miscounts", None)
        elif self._last is not None and not self._put_together(self._last, stored):
            self._add(FindingKind.ALTERED, "the head is not the one that was put with the last block", None)

    def _put_together(self, block: Item, stored: ItemView | None) -> bool:
        return stored is not None and encode_item(stored) == encode_item(head_item(self.tip, block))


def _as_leaves(block: Block) -> list[bytes]:
    return [tree_leaf(entry.leaf) for entry in block.entries]


def tree_leaf(leaf: bytes) -> bytes:
    """An event's leaf in the tree of its chain, whose hashes are all of one kind, whatever the blocks' are."""
    return leaf if len(leaf) == TREE_LEAF_BYTES else hasher(TREE_ALGORITHM)(leaf)


def contents(block: Block, hashed: Callable[[], bytes]) -> Iterator[tuple[FindingKind, str]]:
    """What is wrong with a block by itself; `hashed` is the hash of what is stored."""
    if block.algorithm not in HASHERS or block.encoding != ENCODING:
        yield FindingKind.UNSUPPORTED_ALGORITHM, f"{block.algorithm}, encoding {block.encoding}"
        return
    try:
        if hashed() != block.hash:
            yield FindingKind.ALTERED, "the block is not what its hash was taken of"
        if root_of([entry.leaf for entry in block.entries], block.algorithm) != block.root:
            yield FindingKind.ALTERED, "the root is not that of the block's leaves"
    except AircraftOpsDataError as error:
        yield FindingKind.ALTERED, error.message


def event_problem(entry: Entry, item: Item, algorithm: str) -> str | None:
    """Why a stored event is not the one an entry stands for; None where it is, but for its expiry."""
    try:
        if leaf_hash(as_committed(entry, item), algorithm) != entry.leaf:
            return "the event is not what was hashed"
        event: AuditEvent = codec_of(AuditEvent.definition()).entity(item)
        rebuilt = codec_of(AuditEvent.definition()).keys(event)
    except AircraftOpsDataError as error:
        return error.message
    if any(rebuilt.get(name) != item.get(name) for name in _KEYS):
        return "the event's keys are not those of its fields"
    return None


def is_leaf(item: ItemView, leaf: bytes) -> bool:
    """Whether a leaf is that of an item, by any algorithm."""
    return any(leaf_hash(item, algorithm) == leaf for algorithm in HASHERS)


def put_after(entry: Entry, item: Item) -> bool:
    """Whether an event was put, and not changed since, when that of the entry was due to be gone."""
    try:
        event: AuditEvent = codec_of(AuditEvent.definition()).entity(item)
    except CorruptItemError:
        return False
    put_at = event.created_at
    if entry.expires_at is None or put_at is None or put_at != event.updated_at:
        return False
    return put_at.timestamp() >= entry.expires_at


def expiry_of(item: ItemView) -> AttributeValue | None:
    """When an item expires, as it is stored."""
    return item.get(EXPIRY)


def expiry_changed(entry: Entry, item: ItemView) -> bool:
    """Whether an event's expiry is no more what it was when it was committed."""
    return expiry_of(as_committed(entry, item)) != expiry_of(item)


def as_committed(entry: Entry, item: ItemView) -> Item:
    """The item with the expiry it had when it was committed: a legal hold takes that away."""
    kept = {name: value for name, value in item.items() if name != EXPIRY}
    return kept if entry.expires_at is None else {**kept, EXPIRY: {"N": str(entry.expires_at)}}
