"""Verifying a chain against its table: every block and event of a range, read strongly, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from aircraftops_data.audit.appending import search
from aircraftops_data.audit.block import LAST_NUMBER, UNREADABLE, Block, Entry, Head, Receipt, Tip
from aircraftops_data.audit.checking import (
    TREE_ALGORITHM,
    Anchor,
    Links,
    event_problem,
    expiry_changed,
    expiry_of,
    is_leaf,
    put_after,
)
from aircraftops_data.audit.merkle import Tree
from aircraftops_data.audit.model import AuditEvent, HeldEvent, LegalHold
from aircraftops_data.audit.report import Finding, FindingKind, Report
from aircraftops_data.core.asking import finding, query_reading
from aircraftops_data.core.batch import GET_LIMIT, batch_get_from
from aircraftops_data.core.context import Context
from aircraftops_data.core.reading import Reading, chunk, source_of
from aircraftops_data.errors import CorruptItemError, InvalidInputError
from aircraftops_data.model.declarations import KeyQuery
from aircraftops_data.model.definition import Item
from aircraftops_data.model.schema import AUDIT_EVENTS
from aircraftops_data.request import Plan
from aircraftops_data.translation.codec import codec_of

ERASE = "audit.erase"
"""The action of the event that says that another was erased; its details name that."""
Place = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Gone:
    """An entry whose event is not there, or is another by now, and what there is to say of it so far."""

    entry: Entry
    block: int
    seq: int
    due: bool
    problem: str | None
    renewed: bool = False
    """Whether what is there was put after the first was due."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A block that was checked, as it is stored, and the stored events of its entries; None for those that are gone."""

    block: Block
    item: Item
    events: list[Item | None]


@dataclass
class Verification:
    """One run over the blocks of a chain, from behind `links.tip` on."""

    report: Report
    links: Links
    head: Tip
    context: Context
    holds: bool = False
    """Whether any legal hold is in force: then events may be kept longer than their blocks say."""
    head_item: Item | None = None
    """The head as it is stored."""
    gone: list[Gone] = field(default_factory=list[Gone])
    seen: set[str] = field(default_factory=set[str])
    """The ids of all events that blocks of the range have."""
    sealed: Callable[[int, bytes], bool] | None = None
    """Whether a sealed export has the event of this seq and with this leaf."""
    taken: list[Taken] | None = None
    """Where each page's blocks are kept for whoever goes through them page by page."""
    _reading: Reading[Item] | None = None
    _start: Item | None = None
    _to: int = 0

    def run(self, until_seq: int | None) -> Plan[None]:
        """Check block after block, up to the one with the event `until_seq` or to the end, and then the end itself."""
        while until_seq is None or self.links.tip.size < until_seq:
            if not (yield from self.page(None if until_seq is None else 1)):
                break
        yield from self.settle()

    def page(self, most: int | None = None) -> Plan[bool]:
        """Check the next few blocks, or the end where there is none; whether there may be more."""
        if self._reading is None:
            self._reading = raw(self._blocks().at_least(number=self.links.tip.number + 1))
            self._to = self.head.number
        part = yield from chunk(self._reading, self.context, self._start, most)
        for item in part.items:
            yield from self._block(item)
        self._start = part.next or self._since(part.items)
        if self._start is None:
            self.links.finish(self.head, self.head_item)
        return self._start is not None

    def _since(self, items: Sequence[Item]) -> Item | None:
        """Where those begin that were put between this answer and the head's; whoever puts more is not waited for."""
        if not items or not self.links.tip.number < self.head.number != self._to:
            return None
        self._reading, self._to = raw(self._blocks().at_most(number=self.head.number)), self.head.number
        return self._reading.source.cursor_key(items[-1])

    def settle(self) -> Plan[None]:
        """Say what became of the events that are not there as they were."""
        for gone in self.gone:
            yield from self._settle(gone)

    def _blocks(self) -> KeyQuery[Block]:
        return Block.primary(chain=self.report.chain)

    def _block(self, item: Item) -> Plan[None]:
        block = self.links.check(item)
        if block is None:
            return
        if block.number > self.head.number:
            # It was put while this runs, or behind the head's back: the two are written together.
            self.head, self.head_item = yield from stored_head(self.report.chain, self.context)
        self.seen.update(entry.id for entry in block.entries)
        stored = yield from self._stored(block.entries)
        if self.taken is not None:
            self.taken.append(Taken(block, item, [stored.get(_place(_key(entry))) for entry in block.entries]))
        now = self.context.clock.now()
        for seq, entry in enumerate(block.entries, block.first_seq):
            yield from self._event(block, seq, entry, stored.get(_place(_key(entry))), now)

    def _stored(self, entries: Iterable[Entry]) -> Plan[dict[Place, Item]]:
        """The events of a block that are there, by where they lie."""
        name = self.context.names[AUDIT_EVENTS]
        keys = list({_place(key): key for key in map(_key, entries)}.values())
        found: dict[Place, Item] = {}
        for first in range(0, len(keys), GET_LIMIT):
            part = keys[first : first + GET_LIMIT]
            for items in (yield from batch_get_from(name, part, self.context, consistent=True)):
                found |= {_place(item): item for item in items}
        return found

    def _event(self, block: Block, seq: int, entry: Entry, item: Item | None, now: datetime) -> Plan[None]:
        due = entry.expires_at is not None and entry.expires_at <= now.timestamp()
        problem = None if item is None else event_problem(entry, item, block.algorithm)
        if item is not None and problem is None and expiry_changed(entry, item):
            # A hold takes it away, and nothing gives it another.
            kept = expiry_of(item) is None and (yield from self._held(entry))
            problem = None if kept else "the event's expiry was changed, and no legal hold says why"
        if item is not None and problem is None:
            self.report.counts[FindingKind.OK] += 1
        elif item is None and due and not self.holds:
            self._expired(Gone(entry, block.number, seq, due, None), "the event was due to expire")
        elif item is not None and not due:
            self._add(FindingKind.ALTERED, problem or "", block.number, seq, entry)
        else:
            renewed = item is not None and put_after(entry, item)
            self.gone.append(Gone(entry, block.number, seq, due, problem, renewed))

    def _settle(self, gone: Gone) -> Plan[None]:
        """Say what became of an event that is not there as it was."""
        entry = gone.entry
        if gone.problem is not None:
            # Due, and gone; then recorded again, which no longer knows of the first time.
            again = yield from self._search({entry.id}, gone.block)
            if again:
                self._expired(gone, gone.problem)
            else:
                # Who put it again may not have come to append it yet, or ever.
                kind = FindingKind.UNCOMMITTED if gone.renewed else FindingKind.ALTERED
                self._add(kind, gone.problem, gone.block, gone.seq, entry)
        elif (yield from self._erased(entry, gone.block)):
            self._add(FindingKind.ERASED, "a later event says that it was erased", gone.block, gone.seq, entry)
        elif gone.due and not (yield from self._held(entry)):
            self._expired(gone, "the event was due to expire")
        else:
            why = "is gone, and a legal hold kept it" if gone.due else "is gone before its time"
            where = "; a sealed export has it" if self._is_sealed(gone) else ""
            self._add(FindingKind.MISSING, f"the event {why}{where}", gone.block, gone.seq, entry)

    def _expired(self, gone: Gone, problem: str) -> None:
        """An event is gone that was due: that is as good as there where a sealed export has it."""
        if self._is_sealed(gone):
            self.report.counts[FindingKind.OK] += 1
        else:
            self._add(FindingKind.EXPIRED, problem, gone.block, gone.seq, gone.entry)

    def _is_sealed(self, gone: Gone) -> bool:
        return self.sealed is not None and self.sealed(gone.seq, gone.entry.leaf)

    def _held(self, entry: Entry) -> Plan[bool]:
        """Whether a legal hold keeps an event. 1 read unit."""
        query = HeldEvent.primary(resource=entry.resource, event_id=entry.id)
        part = yield from chunk(query_reading(query, consistent=True), self.context, None, 1)
        return bool(part.items)

    def _erased(self, entry: Entry, block: int) -> Plan[bool]:
        """Whether an event of the chain says that this one was erased."""
        start: Item | None = None
        query = AuditEvent.primary(resource=entry.resource)
        while True:
            part = yield from chunk(query_reading(query, consistent=True), self.context, start, None)
            events = ((at, each) for at, each in enumerate(part.found.values) if isinstance(each, AuditEvent))
            said = {event.id: part.item(at) for at, event in events if _erases(event, entry)}
            found = (yield from self._search(said, block - 1)) if said else {}
            if any(is_leaf(said[id_], receipt.leaf) for id_, receipt in found.items()):
                return True
            start = part.next
            if start is None:
                return False

    def _search(self, wanted: Container[str], after: int) -> Plan[dict[str, Receipt]]:
        """Receipts in the later blocks; what is no block has been found, or is for another range."""
        to = self.head.number
        return search(self.report.chain, wanted, after, to, self.context, lenient=True)

    def _add(self, kind: FindingKind, problem: str, block: int, seq: int, entry: Entry) -> None:
        self.report.add(Finding(kind, problem, block, seq, entry.resource, entry.id))


def _erases(event: AuditEvent, entry: Entry) -> bool:
    said = event.details
    return event.action == ERASE and (said.get("event_id"), said.get("leaf")) == (entry.id, entry.leaf.hex())


def _key(entry: Entry) -> Item:
    return AuditEvent.definition().key_of({"resource": entry.resource, "id": entry.id})


def _place(item: Item) -> Place:
    return tuple(item[attribute.name]["S"] for attribute in AUDIT_EVENTS.attributes)


def raw(query: KeyQuery[Any]) -> Reading[Item]:
    """The items of a query as they are stored, expired ones too, read strongly."""
    return Reading(source_of(query), lambda item: item, consistent=True, include_expired=True)


# Beginning


def stored_head(chain: str, context: Context) -> Plan[tuple[Tip, Item | None]]:
    """What the head says, read strongly, and its item; UNREADABLE for what is no head. 1 read unit."""
    part = yield from chunk(raw(Head.primary(chain=chain)), context, None, 1)
    item = next(iter(part.items), None)
    try:
        tip = Tip.of(None if item is None else codec_of(Head.definition()).entity(item))
    except CorruptItemError:
        tip = UNREADABLE
    return tip if tip.number <= LAST_NUMBER else UNREADABLE, item


def verification(
    chain: str, since_seq: int, anchors: Sequence[Anchor], report: Report, context: Context
) -> Plan[Verification]:
    """A run that begins with the block of the event `since_seq`; 0 and 1 are the first of all.

    A few reads find that block where it is not the first. Raises InvalidInputError where there is no such event.
    """
    tip = Tip()
    tree: Tree | None = Tree(TREE_ALGORITHM)
    if since_seq > 1:
        head, _ = yield from stored_head(chain, context)
        before = yield from _block_before(chain, since_seq, head, context)
        if before is not None:
            tip = Tip(before.number, before.hash, before.first_seq + len(before.entries) - 1)
            tree = None
    return (yield from resumed(chain, tip, tree, anchors, report, context))


def resumed(
    chain: str, tip: Tip, tree: Tree | None, anchors: Sequence[Anchor], report: Report, context: Context
) -> Plan[Verification]:
    """A run that begins behind a tip that is known, with the tree up to there if that is."""
    head, item = yield from stored_head(chain, context)
    report.since_seq = tip.size + 1
    ahead = [anchor for anchor in anchors if anchor.size >= max(tip.size, 1)]
    if head.adopted <= tip.number:
        tip = replace(tip, adopted=head.adopted)
    holds = yield from chunk(query_reading(LegalHold.primary(), consistent=True), context, None, 1)
    links = Links(report, tip, tree, ahead)
    # A range that begins right behind a checkpoint goes on from it.
    links.anchored()
    return Verification(report, links, head, context, bool(holds.items), item)


def _block_before(chain: str, seq: int, head: Tip, context: Context) -> Plan[Block | None]:
    """The block before the one that an event is in; None for the first. Raises InvalidInputError."""
    low, high = 0, head.number
    if head.readable and seq > head.size:
        raise InvalidInputError(f"Chain {chain!r} has {head.size} events, not {seq}")
    before: Block | None = None
    while low < high - 1:
        middle = (low + high) // 2
        block = yield from _block_at(chain, middle, context)
        if block is None or block.first_seq + len(block.entries) > seq:
            high = middle
        else:
            low, before = middle, block
    return before


def _block_at(chain: str, number: int, context: Context) -> Plan[Block | None]:
    """The block of a number; None where there is none, or what is none."""
    try:
        block: Block | None
        block = yield from finding(Block, {"chain": chain, "number": number}, context, consistent=True, expired=True)
    except CorruptItemError:
        return None
    return block
