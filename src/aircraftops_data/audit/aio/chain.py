"""Chains: events of which nobody can change, drop or slip in one later without its being found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aircraftops_data.audit.aio.groups import AsyncGroups
from aircraftops_data.audit.aio.sealing import AsyncSealing, opened, outside
from aircraftops_data.audit.appending import Appender, Written, search, tip_of
from aircraftops_data.audit.asking import vetted
from aircraftops_data.audit.block import Receipt, Tip
from aircraftops_data.audit.checking import Anchor
from aircraftops_data.audit.checkpoint import Checkpoint, Keys, examine
from aircraftops_data.audit.checkpointing import stored
from aircraftops_data.audit.holding import held_by
from aircraftops_data.audit.model import AuditEvent
from aircraftops_data.audit.proofs import ConsistencyProof, InclusionProof, consistency, inclusion
from aircraftops_data.audit.recording import Record, Recorded
from aircraftops_data.audit.report import Finding, FindingKind, Report
from aircraftops_data.audit.signing import Signer
from aircraftops_data.audit.verifying import ERASE, Verification, stored_head, verification
from aircraftops_data.core.aio.crew import AsyncCrew, result
from aircraftops_data.errors import (
    AircraftOpsDataError,
    ConflictError,
    CorruptItemError,
    InvalidInputError,
    NotFoundError,
)
from aircraftops_data.transports.objects import AsyncObjects

if TYPE_CHECKING:
    from aircraftops_data.audit.aio.audit import AsyncAudit

YOUNG = timedelta(minutes=1)
"""An event that was put so short a time ago may be about to be taken in."""


class AsyncChain:
    """A hash chain over the events of a tenant. Safe to share between tasks: what they append at once is one block.

    What is proven: that the events up to the last checkpoint you keep elsewhere are those that were appended. Who can
    write the whole table can make all after that anew; `verify` calls it the unanchored tail.
    """

    def __init__(self, audit: AsyncAudit, name: str) -> None:
        options = audit.options
        self._audit = audit
        self._runner = audit.core.runner
        self.name = name
        self.tenant = name.rpartition("/")[2]
        self._appender = Appender(name, audit.context, options.algorithm, options.deadline)
        self._groups: AsyncGroups[AuditEvent, Receipt] = AsyncGroups(self._together, options.group)

    # Appending

    async def append(self, events: Iterable[AuditEvent]) -> list[Receipt]:
        """Store events and take them into the chain; their receipts, in order, once a block has them.

        The same event again gives its first receipt. 1 write unit per KB and index for each event, and for each block
        2 per KB (about 90 bytes an event) and 2. Raises AlreadyExistsError for another event of an id,
        ChainForkedError, InvalidInputError for an event of another tenant; StoreError where nobody knows: append them
        again.
        """
        return await self._groups.do([self._own(event) for event in events])

    def action(self, event: AuditEvent) -> Record:
        """An event of this chain as an action of any transaction; `settle` takes it in later."""
        mine = vetted(self._own(event), self._audit.options)
        return Record(self._marked(mine, self._appender.tip or Tip()), self._audit.known)

    def _own(self, event: AuditEvent) -> AuditEvent:
        if not self._audit.options.enabled:
            raise InvalidInputError("Audit events are switched off: no chain can take any in")
        if event.tenant != self.tenant:
            raise InvalidInputError(f"Chain {self.name!r} takes events of tenant {self.tenant!r}")
        return event

    def _marked(self, event: AuditEvent, tip: Tip) -> AuditEvent:
        return event.model_copy(update={"chain": self.name, "after_block": tip.number})

    async def _together(self, events: list[AuditEvent]) -> list[Receipt | Exception]:
        """Put the events of a group side by side, and those that are there into one block."""
        await self._audit.run(self._audit.known.refresh(self._audit.context))
        tip = await self._audit.run(self._appender.known())
        put = await self._put_all([self._marked(event, tip) for event in events])
        written = [Written.of(each, self._appender.algorithm) for each in put if isinstance(each, Recorded)]
        receipts = await self._audit.run(self._appender.append(written))
        return [receipts[each.event.id] if isinstance(each, Recorded) else each for each in put]

    async def _put_all(self, events: Sequence[AuditEvent]) -> list[Recorded | AircraftOpsDataError]:
        async with AsyncCrew(min(self._audit.options.concurrency, len(events))) as crew:
            running = [crew.start(self._put, event) for event in events]
            return [await result(each) for each in running]

    async def _put(self, event: AuditEvent) -> Recorded | AircraftOpsDataError:
        try:
            return await self._audit.put(event)
        except AircraftOpsDataError as error:
            return error

    async def receipt(self, event: AuditEvent) -> Receipt:
        """The receipt of an event that is in the chain. 1 read unit per 4 KB of blocks since. Raises NotFoundError."""
        context = self._audit.context
        tip = await self._audit.run(tip_of(self.name, context))
        found = await self._audit.run(search(self.name, {event.id}, event.after_block or 0, tip.number, context))
        if event.id not in found:
            raise NotFoundError(
                f"Chain {self.name!r} has no such event", entity="AuditEvent", identity=event.identity()
            )
        return found[event.id]

    async def uncommitted(self) -> list[AuditEvent]:
        """The events that say they are of this chain and are in no block: of a transaction, or of one who crashed.

        Those of the last minute are left out. Reads all events of the tenant, and all blocks since the oldest of them
        that is found; memory for those.
        """
        mine = self._audit.by_tenant(self.tenant).where(AuditEvent.f.chain == self.name)
        events = [event async for event in mine if not self._is_young(event)]
        head = await self._audit.run(tip_of(self.name, self._audit.context))
        return await self._not_in_blocks(events, head, lenient=False)

    async def settle(self) -> list[Receipt]:
        """Take in what is uncommitted."""
        return await self.append(await self.uncommitted())

    async def erase(self, event: AuditEvent, *, actor: str, reason: str) -> Receipt:
        """Delete one event for good, as when the law asks for it: the chain says that it was, by whom and why.

        Its hash stays, so the chain can be verified as before. The receipt is that of the event which says so, and
        which never expires. Raises NotFoundError where the chain does not have it, ConflictError for one on legal hold.
        """
        receipt = await self.receipt(event)
        if await self._audit.run(held_by(event.resource, event.id, self._audit.context)):
            raise ConflictError("The event is on legal hold", existing=event)
        details = {"event_id": event.id, "leaf": receipt.leaf.hex(), "seq": receipt.seq, "reason": reason}
        said = self._audit.event(
            actor=actor, action=ERASE, resource=event.resource, tenant=self.tenant, details=details, expires_at=None
        )
        (told,) = await self.append([said])
        await self._audit.core.delete(AuditEvent, resource=event.resource, id=event.id)
        return told

    # Vouching

    async def checkpoint(
        self,
        signer: Signer,
        objects: AsyncObjects | None = None,
        *,
        keys: Keys | None = None,
        retain_until: datetime | None = None,
    ) -> Checkpoint:
        """Verify what is new since the last checkpoint, and sign for it; the last one again where nothing is new.

        It is stored in the table, and put among `objects`, which should be where nobody who writes the table can write.
        `keys` are those of earlier signers. Raises TamperError where anything is wrong: then nothing is signed.
        """
        return await AsyncSealing(self.name, self._runner, signer, objects, keys, retain_until).checkpoint()

    async def seal(
        self,
        objects: AsyncObjects,
        signer: Signer,
        *,
        keys: Keys | None = None,
        retain_until: datetime | None = None,
    ) -> Checkpoint:
        """Export what is new as Parquet, read it back and verify it, and sign a checkpoint that names the files.

        Needs the extra `parquet`. Raises as `checkpoint`, ObjectStoreError.
        """
        return await AsyncSealing(self.name, self._runner, signer, objects, keys, retain_until).seal(objects)

    async def checkpoints(self) -> list[Checkpoint]:
        """The checkpoints of the table, oldest first."""
        return await self._audit.run(stored(self.name, self._audit.context))

    async def prove(
        self, checkpoint: Checkpoint, *, seq: int | None = None, event_id: str | None = None
    ) -> InclusionProof:
        """That an event is in the chain a checkpoint was made of; whoever has the checkpoint can check it offline.

        Reads the blocks up to there, half a read unit per 4 KB. Raises NotFoundError, TamperError.
        """
        return await self._audit.run(inclusion(self.name, checkpoint, self._audit.context, seq=seq, event_id=event_id))

    async def consistency(self, first: Checkpoint, second: Checkpoint) -> ConsistencyProof:
        """That the chain of one checkpoint goes on from that of the other. Raises TamperError."""
        return await self._audit.run(consistency(self.name, first, second, self._audit.context))

    # Verifying

    async def verify(
        self,
        since_seq: int = 0,
        until_seq: int | None = None,
        *,
        keys: Keys | None = None,
        checkpoints: Iterable[Checkpoint] = (),
        objects: AsyncObjects | None = None,
        told: Callable[[Finding], None] | None = None,
        progress: Callable[[Report], None] | None = None,
    ) -> Report:
        """Check every block and event from `since_seq` to `until_seq`, or from the first to the last.

        `keys` verify the signatures of checkpoints: those of the table, those given, and those among `objects`, which
        also has the sealed exports of events that have expired. Only what lies outside the table shows that all of it
        was rolled back. Reads strongly; 1 read unit per 4 KB of blocks and of events, and to the end also the tenant's
        events by index, for those that no block has. `told` gets each finding as it is made, `progress` the report
        so far with each block. Raises InvalidInputError for a range that is none; with `objects` MissingExtraError,
        ObjectStoreError.
        """
        report = Report(self.name, told=told, progress=progress)
        if until_seq is not None and until_seq < max(since_seq, 1):
            raise InvalidInputError(f"There is no event from {since_seq} to {until_seq}")
        # First these: a checkpoint that is made meanwhile is then in the table too.
        others = [*checkpoints, *([] if objects is None else await outside(self.name, objects, report))]
        examined = examine(await self._stored(report), keys, report, others)
        if objects is None:
            await self._verify(since_seq, until_seq, examined.anchors, report, None)
        else:
            async with opened(examined, objects, report, since_seq, until_seq) as sealed:
                await self._verify(since_seq, until_seq, examined.anchors, report, sealed.has)
        return report

    async def _stored(self, report: Report) -> list[Checkpoint]:
        try:
            return await self.checkpoints()
        except CorruptItemError as error:
            report.add(Finding(FindingKind.ALTERED, f"a checkpoint of the table is none: {'; '.join(error.problems)}"))
            return []

    async def _verify(
        self,
        since_seq: int,
        until_seq: int | None,
        anchors: Sequence[Anchor],
        report: Report,
        sealed: Callable[[int, bytes], bool] | None,
    ) -> None:
        run = self._audit.run
        found = await run(verification(self.name, since_seq, anchors, report, self._audit.context))
        found.sealed = sealed
        begins = found.links.tip.number
        await run(found.run(until_seq))
        report.until_seq = found.links.tip.size
        if until_seq is None:
            await self._left_over(found, begins, report)
        if report.until_seq > report.anchored_seq:
            first = max(report.anchored_seq + 1, report.since_seq)
            problem = f"no checkpoint vouches for the events from {first} to {report.until_seq}"
            report.add(Finding(FindingKind.UNANCHORED_TAIL, problem, seq=first))

    async def _left_over(self, found: Verification, begins: int, report: Report) -> None:
        """The events of this chain that no block has. One that knows of more blocks than there are tells of a loss."""
        listed = self._audit.by_tenant(self.tenant).where(AuditEvent.f.chain == self.name).on_corrupt("skip")
        last = found.links.tip.number
        suspects, ahead = list[AuditEvent](), list[AuditEvent]()
        async for event in listed:
            after = event.after_block or 0
            if after > last:
                ahead.append(event)
            elif after >= begins and event.id not in found.seen and not self._is_young(event):
                suspects.append(event)
        # Others may have gone on since; whatever block an event knew of, the head knew before.
        head, _ = await self._audit.run(stored_head(self.name, self._audit.context))
        for event in ahead:
            if (event.after_block or 0) > head.number:
                problem = f"an event was put when the chain had {event.after_block} blocks; it has {head.number}"
                report.add(Finding(FindingKind.TRUNCATED, problem, None, None, event.resource, event.id))
        for event in await self._not_in_blocks(suspects, head, lenient=True):
            problem = "the event says that it is of the chain, and no block has it"
            report.add(Finding(FindingKind.UNCOMMITTED, problem, None, None, event.resource, event.id))

    async def _not_in_blocks(self, events: Sequence[AuditEvent], head: Tip, *, lenient: bool) -> list[AuditEvent]:
        """Those of these events that no block has."""
        after = min((event.after_block or 0 for event in events), default=head.number)
        wanted, context = {event.id for event in events}, self._audit.context
        found = await self._audit.run(search(self.name, wanted, after, head.number, context, lenient=lenient))
        return [event for event in events if event.id not in found]

    def _is_young(self, event: AuditEvent) -> bool:
        put, now = event.created_at, self._audit.context.clock.now()
        return put is not None and now - YOUNG <= put <= now
