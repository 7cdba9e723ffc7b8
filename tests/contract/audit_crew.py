"""Processes that append to one chain, are killed, stopped and lied to; what they were told is in a table of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import Any

from job_crew import Shift

from aircraftops_data import CoreTable, Entity, PrimaryKey
from aircraftops_data.audit import appending
from aircraftops_data.audit.appending import AppendBlock, Appender, Written
from aircraftops_data.audit.block import Block, Receipt, receipts_of
from aircraftops_data.audit.model import AuditEvent
from aircraftops_data.audit.recording import Known, record
from aircraftops_data.audit.report import Report
from aircraftops_data.audit.verifying import verification
from aircraftops_data.errors import StoreError
from aircraftops_data.model.conditions import Attribute, absent
from aircraftops_data.model.schema import CORE
from aircraftops_data.request import Plan
from aircraftops_data.testing import ManualClock
from audit_chains import CHAIN, event
from forked import FORKED

DEADLINE = timedelta(seconds=5)
Said = tuple[str, int, int, str, str]
"""A receipt: the event, its number, its block, and both hashes in hexadecimal."""


class Acknowledged(Entity, table=CORE, entity_type="acknowledged"):
    """What a process was told once it had appended; or what stopped it."""

    worker: str
    number: int
    receipts: list[Said] = []
    error: str = ""

    primary = PrimaryKey("WORKER#{worker}", "ACKNOWLEDGED#{number:8}")


@dataclass(frozen=True)
class Writer(Shift):
    """What a process is told, and what is taken away from it: `fence` or `search`."""

    without: str = ""


def said(receipt: Receipt) -> Said:
    """A receipt as it is written down."""
    return receipt.event_id, receipt.seq, receipt.block, receipt.leaf.hex(), receipt.hash.hex()


def contribute(shift: Writer) -> None:
    """Append events of its own and some that others say too, again and again until killed."""
    take_away(shift.without)
    core, book, random, number = shift.core(), quiet(shift), Random(), 0
    appender, known = Appender(CHAIN, core.context, deadline=DEADLINE), Known()
    while True:
        number += 1
        try:
            made = [*own(core, random), *shared(core, random)]
            receipts = patiently(core, appender, known, made, random)
        except Exception as error:
            tell(book, shift, number, error=repr(error))
            raise
        if receipts:
            tell(book, shift, number, receipts=[*map(said, receipts.values())])


def own(core: CoreTable, random: Random) -> list[AuditEvent]:
    """Events nobody else says."""
    return [event(core.context, random.randrange(100)) for _ in range(random.randint(1, 4))]


def shared(core: CoreTable, random: Random) -> list[AuditEvent]:
    """Perhaps the event that all say in this quarter of a second."""
    number = int(core.context.clock.now().timestamp() * 4)
    fixed = replace(core.context, clock=ManualClock())
    return [event(fixed, number, key=f"shared-{number}")] if random.random() < 0.5 else []


def patiently(
    core: CoreTable, appender: Appender, known: Known, made: list[AuditEvent], random: Random
) -> dict[str, Receipt]:
    """Append, and say it again where nobody knows what became of it; none where it was given up."""
    while True:
        try:
            return core.runner.run(chained(core, appender, known, made))
        except StoreError:
            if random.random() < 0.5:
                return {}


def chained(core: CoreTable, appender: Appender, known: Known, made: list[AuditEvent]) -> Plan[dict[str, Receipt]]:
    """Put events and append them."""
    tip = yield from appender.known()
    written = []
    for each in made:
        placed = each.model_copy(update={"after_block": tip.number})
        written.append(Written.of((yield from record(placed, known, core.context))))
    return (yield from appender.append(written))


def quiet(shift: Writer) -> CoreTable:
    """The tables, by a way on which nothing gets lost."""
    return replace(shift, lost_replies=0.0).core()


def tell(book: CoreTable, shift: Writer, number: int, **told: Any) -> None:
    """Write down what was told."""
    book.put(Acknowledged(worker=shift.worker, number=number, **told))


def adopt(shift: Writer) -> None:
    """Append whatever is in no block yet, as one who finds it."""
    core = shift.core()
    appender, left, book = Appender(CHAIN, core.context), uncommitted(core), quiet(shift)
    for first in range(0, len(left), 25):
        part = left[first : first + 25]
        while True:
            try:
                receipts = core.runner.run(chained(core, appender, Known(), part))
            except StoreError:
                continue
            tell(book, shift, first, receipts=[*map(said, receipts.values())])
            break


def take_away(what: str) -> None:
    """Take away a part of what keeps a chain one chain, in this process."""
    never = absent(Attribute("never"))
    if what == "fence":
        appending.absent = lambda _: never  # type: ignore[attr-defined]
        AppendBlock._as_known = lambda _: never  # type: ignore[method-assign,assignment,return-value]
    elif what == "search":
        appending.search = _finds_nothing  # type: ignore[assignment]


def _finds_nothing(*_: object) -> Iterator[object]:
    """A plan that asks for nothing and finds nothing."""
    yield from ()
    return {}


# What the tables show


def chain_of(core: CoreTable) -> list[Receipt]:
    """Every receipt the blocks give, in order."""
    blocks = core.query(Block.primary(chain=CHAIN)).consistent().all()
    return [receipt for block in blocks for receipt in receipts_of(block)]


def acknowledged(core: CoreTable) -> list[Acknowledged]:
    """What the processes wrote down."""
    return list(core.scan(Acknowledged).consistent())


def uncommitted(core: CoreTable) -> list[AuditEvent]:
    """The events that are in no block."""
    taken = {receipt.event_id for receipt in chain_of(core)}
    return [each for each in core.scan(AuditEvent).consistent() if each.id not in taken]


def verified(core: CoreTable) -> Report:
    """What verifying the whole chain finds."""
    report, run = Report(CHAIN), core.runner.run
    run(run(verification(CHAIN, 0, [], report, core.context)).run(None))
    return report


def violations(core: CoreTable) -> list[str]:
    """What may not be: events lost or doubled, receipts that were none, gaps, a chain that is not whole."""
    told, receipts, report = acknowledged(core), chain_of(core), verified(core)
    times = Counter(receipt.event_id for receipt in receipts)
    found = [f"event {identifier} is in {count} blocks" for identifier, count in times.items() if count > 1]
    given = {said(receipt) for receipt in receipts}
    found += [f"no block has {each} as told" for line in told for each in line.receipts if tuple(each) not in given]
    if [receipt.seq for receipt in receipts] != list(range(1, len(receipts) + 1)):
        found.append("the numbers are not one after another")
    found += [f"{finding.kind}: {finding.problem}" for finding in report.findings]
    return found + [f"{line.worker}: {line.error}" for line in told if line.error]


def finished(shift: Writer, patience_seconds: float) -> None:
    """A fresh process appends what was left behind."""
    process = FORKED.Process(target=adopt, args=(shift,), daemon=True)
    process.start()
    process.join(patience_seconds)
    assert process.exitcode == 0
