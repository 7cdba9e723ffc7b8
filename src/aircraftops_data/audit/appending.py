"""Appending events to a chain: one transaction puts the next block and moves the head, or neither.

The block's own key is the fence: two blocks of one number cannot be, and no block is put unless the head is the one
it was built on. An event is in one block at most. Only who put an event takes it in, at once; anyone else who does
(said again, found uncommitted, or after an answer that was lost) first looks through every block it might be in, and
marks its own as adopting. Who finds that the head has moved need look into what came between only if some of that is
adopting, which the head says: so losing a race costs no read.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from aircraftops_data.audit.block import (
    ALGORITHM,
    Block,
    Entry,
    Head,
    Receipt,
    Tip,
    block_item,
    head_item,
    next_block,
    receipts_of,
)
from aircraftops_data.audit.encoding import leaf_hash
from aircraftops_data.audit.model import EXPIRY
from aircraftops_data.audit.recording import Recorded
from aircraftops_data.clock import Retry
from aircraftops_data.core.asking import finding, query_reading
from aircraftops_data.core.commit import write
from aircraftops_data.core.context import Context
from aircraftops_data.core.reading import chunk
from aircraftops_data.core.writes import Action, Done, Stale, Stamp, Verdict, Writing
from aircraftops_data.errors import ChainForkedError, ContentionError, StoreError, ThrottledError
from aircraftops_data.model.conditions import Attribute, Comparison, Condition, Stored, absent
from aircraftops_data.model.definition import Item
from aircraftops_data.request import Plan, Wait
from aircraftops_data.translation.codec import codec_of

# After so many tries by the core's own policy the deadline is looked at.
_FEW_TRIES = Retry(attempts=4)


@dataclass(slots=True)
class Written:
    """An event that is stored, as an entry to be; whether whoever wants it in the chain has just put it there."""

    entry: Entry
    fresh: bool
    """No more so once it was given to `append`: what became of it then is for the chain to say."""
    after_block: int
    """The event is in no block up to this one."""

    @classmethod
    def of(cls, recorded: Recorded, algorithm: str = ALGORITHM) -> Written:
        """What was recorded."""
        event, item = recorded.event, recorded.item
        expires_at = int(item[EXPIRY]["N"]) if EXPIRY in item else None
        entry = Entry(event.resource, event.id, leaf_hash(item, algorithm), expires_at)
        return cls(entry, recorded.fresh, event.after_block or 0)


class _Moved(Exception):
    """The head has moved, and the events may be in what came between."""

    def __init__(self, tip: Tip) -> None:
        super().__init__(tip.number)
        self.tip = tip


class AppendBlock(Writing):
    """The next block of a chain and its head, built anew where the head has moved. 2 write units per KB of each.

    `searched` is the last block that is known to have none of these events. Raises ChainForkedError where the block
    is there already though the head does not know of it, or the head knows no more what it did.
    """

    needs_read = False

    def __init__(
        self, chain: str, entries: Sequence[Entry], tip: Tip, searched: int, algorithm: str, *, adopting: bool
    ) -> None:
        definition = Head.definition()
        super().__init__(definition, definition.identify({"chain": chain}))
        self.tip = tip
        self._chain = chain
        self._entries = entries
        self._searched = searched
        self._algorithm = algorithm
        self._adopting = adopting

    def resolve(self, stored: Item | None, stamp: Stamp) -> list[Action]:
        """Both puts, for the head as it was last seen. Raises _Moved."""
        between = self.tip.number > self._searched
        if between and (self._adopting or self.tip.adopted > self._searched):
            raise _Moved(self.tip)
        block = next_block(self._chain, self.tip, self._entries, stamp.now, self._algorithm, adopting=self._adopting)
        item = block_item(block, stamp.write_id, stamp.now)
        self._block: Block = codec_of(Block.definition()).entity(item)
        return [self._block_put(item, stamp), self._head_put(item, stamp)]

    def _block_put(self, item: Item, stamp: Stamp) -> Action:
        definition = Block.definition()
        block = Writing(definition, definition.identify({"chain": self._chain, "number": self._block.number}))
        nothing = absent(Attribute(self.table.partition_key.name))
        return block.action("Put", stamp, nothing, lambda found: self._forked(found, stamp), item=item)

    def _head_put(self, block_put: Item, stamp: Stamp) -> Action:
        block, before = self._block, self.tip
        adopted = block.number if self._adopting else before.adopted
        self.after = Tip(block.number, block.hash, before.size + len(block.entries), adopted)
        item = head_item(self.after, block_put)
        return self.action("Put", stamp, self._as_known(), lambda found: self._seen(found, stamp), item=item)

    def _as_known(self) -> Condition:
        if self.tip.number == 0:
            return absent(Attribute(self.table.partition_key.name))
        number = Comparison("=", Attribute("number"), Stored({"N": str(self.tip.number)}))
        return number & Comparison("=", Attribute("hash"), Stored({"B": self.tip.hash}))

    def _seen(self, found: Item | None, stamp: Stamp) -> Verdict:
        """The head is another: what it says, which came with the refusal, is what is built on next."""
        if self.is_mine(found, stamp):
            return Done(found)
        tip = Tip.of(None if found is None else codec_of(self.definition).entity(found))
        if tip.number <= self.tip.number:
            known = self.tip.number
            return self._fork(f"The head of chain {self._chain!r} knows no more of block {known}", known)
        self.tip = tip
        return Stale(found)

    def _forked(self, found: Item | None, stamp: Stamp) -> Verdict:
        if self.is_mine(found, stamp):
            return Done(found)
        number = self._block.number
        return self._fork(f"Chain {self._chain!r} has a block {number} that its head does not know of", number)

    def _fork(self, message: str, number: int) -> ChainForkedError:
        return ChainForkedError(message, chain=self._chain, number=number)

    def outcome(self, item: Item | None) -> Block:
        """The block."""
        return self._block


@dataclass
class Appender:
    """Appends to one chain, and knows where that ended last."""

    chain: str
    context: Context
    algorithm: str = ALGORITHM
    deadline: timedelta = timedelta(seconds=30)
    tip: Tip | None = None

    def known(self) -> Plan[Tip]:
        """Where the chain ends, as far as is known; asked for the first time. 1 read unit then."""
        if self.tip is None:
            self.tip = yield from tip_of(self.chain, self.context)
        return self.tip

    def append(self, written: Sequence[Written]) -> Plan[dict[str, Receipt]]:
        """Take events into a block; their receipts by id. Those that are in one already keep theirs.

        2 write units per KB of the block, 2 for the head. Raises ChainForkedError; StoreError once the deadline has
        passed: whether the events are in is then not known, and saying it again finds out.
        """
        until = self.context.clock.monotonic() + self.deadline.total_seconds()
        waiting = {each.entry.id: each for each in written}
        searched = min((each.after_block for each in written), default=0)
        doubtful, found, attempt = not all(each.fresh for each in written), dict[str, Receipt](), 0
        for each in written:
            each.fresh = False
        while waiting:
            tip = yield from self.known()
            if (doubtful or tip.adopted > searched) and tip.number > searched:
                found |= yield from search(self.chain, waiting, searched, tip.number, self.context)
                waiting = {id_: each for id_, each in waiting.items() if id_ not in found}
                searched = tip.number
                continue
            try:
                found |= yield from self._commit(waiting.values(), tip, searched, adopting=doubtful)
                return found
            except _Moved:
                continue
            except StoreError as error:
                if not error.retryable or self.context.clock.monotonic() >= until:
                    raise
                # Only these say that nothing was done.
                doubtful = doubtful or not isinstance(error, ContentionError | ThrottledError)
                self.tip = None
            yield Wait(self.context.pause(attempt))
            attempt += 1
        return found

    def _commit(
        self, written: Iterable[Written], tip: Tip, searched: int, *, adopting: bool
    ) -> Plan[dict[str, Receipt]]:
        entries = [each.entry for each in written]
        intent = AppendBlock(self.chain, entries, tip, searched, self.algorithm, adopting=adopting)
        try:
            block = yield from write(intent, replace(self.context, retry=_FEW_TRIES))
        except _Moved as moved:
            self.tip = moved.tip
            raise
        self.tip = intent.after
        return {receipt.event_id: receipt for receipt in receipts_of(block)}


def search(
    chain: str, wanted: Container[str], after: int, to: int, context: Context, *, lenient: bool = False
) -> Plan[dict[str, Receipt]]:
    """The first receipts of events that are in blocks after one and up to another. 1 read unit per 4 KB of blocks.

    Raises CorruptItemError for what is no block, unless it is to be `lenient`.
    """
    found: dict[str, Receipt] = {}
    if after >= to:
        return found
    query = Block.primary(chain=chain).between(number=(after + 1, to))
    start: Item | None = None
    while True:
        part = yield from chunk(query_reading(query, consistent=True), context, start, None)
        blocks = part.found.values if lenient else part.found.whole()
        for block in (each for each in blocks if isinstance(each, Block)):
            for receipt in receipts_of(block):
                if receipt.event_id in wanted:
                    found.setdefault(receipt.event_id, receipt)
        start = part.next
        if start is None:
            return found


def tip_of(chain: str, context: Context) -> Plan[Tip]:
    """Where a chain ends, read strongly from its head. 1 read unit."""
    return Tip.of((yield from finding(Head, {"chain": chain}, context, consistent=True, expired=True)))
