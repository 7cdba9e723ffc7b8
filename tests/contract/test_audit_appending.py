"""Appending to a chain on the engine itself: races, lost answers, late wakers, and values of every type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from aircraftops_data import CoreTable
from aircraftops_data.audit.appending import Appender, Written, search, tip_of
from aircraftops_data.audit.block import Receipt
from aircraftops_data.audit.model import AuditEvent
from aircraftops_data.audit.recording import Known, record
from aircraftops_data.audit.report import FindingKind, Report
from aircraftops_data.audit.verifying import verification
from aircraftops_data.errors import AlreadyExistsError, ChainForkedError, StoreError
from aircraftops_data.model.schema import AUDIT_EVENTS
from aircraftops_data.request import Plan, Request
from aircraftops_data.testing import ManualClock
from audit_chains import CHAIN, RICH, event
from faults import FAULTS, At, before, kind_of, lost_reply_then, passing

pytestmark = pytest.mark.parametrize("engine", [pytest.param("local-direct", marks=pytest.mark.slow)], indirect=True)

Connect = Callable[..., CoreTable]
Receipts = dict[str, Receipt]


@pytest.fixture
def core(connect: Connect, clock: ManualClock) -> CoreTable:
    """A fresh table of events."""
    return connect(AUDIT_EVENTS, clock=clock)


def chained(core: CoreTable, events: Sequence[AuditEvent], appender: Appender | None = None) -> Plan[Receipts]:
    """Put events and append them, as one process does."""
    written = []
    for each in events:
        written.append(Written.of((yield from record(each, Known(), core.context))))
    return (yield from (appender or Appender(CHAIN, core.context)).append(written))


def events(core: CoreTable, *numbers: int) -> list[AuditEvent]:
    """Events of the chain."""
    return [event(core.context, number) for number in numbers]


def verified(core: CoreTable) -> Report:
    """What verifying the whole chain finds."""
    report, run = Report(CHAIN), core.runner.run
    run(run(verification(CHAIN, 0, [], report, core.context)).run(None))
    return report


def in_chain(core: CoreTable, wanted: Sequence[AuditEvent]) -> Receipts:
    """The receipts of events as the blocks give them."""
    tip = core.runner.run(tip_of(CHAIN, core.context))
    return core.runner.run(search(CHAIN, {each.id for each in wanted}, 0, tip.number, core.context))


def through(core: CoreTable, transport: At) -> CoreTable:
    """The same table by way of another transport."""
    return CoreTable(transport, core.context)


def test_every_type_of_value_is_hashed_as_it_is_stored(core: CoreTable) -> None:
    numbers = {"n": [1, 10**37, 0.1, -5e-7, 1e100, 0], "sets": {1, 100, 3}, "same": {"b", "é", "a"}}
    made = [*events(core, 0), *(event(core.context, 1, details={**RICH, **numbers}) for _ in range(3))]
    receipts = core.runner.run(chained(core, made))
    core.runner.run(chained(core, events(core, 2), Appender(CHAIN, core.context, algorithm="sha256")))
    assert verified(core).counts == {FindingKind.OK: 5}
    # Found there, it has the same hash.
    assert core.runner.run(chained(core, made)) == receipts


@pytest.mark.parametrize("name", FAULTS)
def test_whatever_befalls_a_request_each_event_is_in_one_block_once_it_was_said_again(
    core: CoreTable, name: str
) -> None:
    fault, times, kinds = FAULTS[name]
    transport = At(core.runner.transport)
    faulty = through(core, transport)
    core.runner.run(chained(core, events(core, 0)))
    faulty.runner.run(chained(faulty, events(core, 1)))
    made: list[AuditEvent] = []
    for at in (at for at, operation in enumerate(transport.sent) if kind_of(operation) in kinds):
        mine = events(core, 2 + at)
        made += mine
        transport.plan(fault, at, times)
        first: Receipts = {}
        try:
            first = faulty.runner.run(chained(faulty, mine))
        except StoreError:
            transport.plan(passing, 0, 0)
        again = core.runner.run(chained(core, mine))
        assert first in ({}, again)
    receipts = in_chain(core, made)
    assert len({receipt.seq for receipt in receipts.values()}) == len(made)
    assert verified(core).counts == {FindingKind.OK: len(made) + 2}


@pytest.mark.parametrize("lost", [False, True], ids=["before it arrives", "after its answer is lost"])
def test_another_appends_the_same_while_one_stands_still_at_any_request(core: CoreTable, lost: bool) -> None:
    transport = At(core.runner.transport)
    faulty = through(core, transport)
    faulty.runner.run(chained(faulty, events(core, 0)))
    whole = list(transport.sent)
    for at, operation in enumerate(whole):
        mine = events(core, at)
        told: list[Receipts] = []

        def act() -> None:
            told.append(core.runner.run(chained(core, mine)))  # noqa: B023

        transport.plan((lost_reply_then if lost else before)(act), at, 1)
        assert faulty.runner.run(chained(faulty, mine)) == told[0], operation
    assert verified(core).counts == {FindingKind.OK: 1 + len(whole)}


def test_many_at_once_append_their_own_and_the_same(core: CoreTable) -> None:
    own = [events(core, 10 + number, 30 + number) for number in range(8)]
    same = events(core, 1, 2, 3)

    def work(mine: list[AuditEvent]) -> Receipts:
        return core.runner.run(chained(core, [*mine, *same]))

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(work, own))
    receipts = in_chain(core, [*same, *(each for some in own for each in some)])
    for each in told:
        assert each.items() <= receipts.items()
    assert sorted(receipt.seq for receipt in receipts.values()) == list(range(1, 20))
    assert verified(core).counts == {FindingKind.OK: 19}


def test_the_same_id_with_other_content_is_refused_and_nothing_is_appended(core: CoreTable) -> None:
    (made,) = events(core, 1)
    core.runner.run(chained(core, [made]))
    with pytest.raises(AlreadyExistsError):
        core.runner.run(chained(core, [made.model_copy(update={"actor": "user:eve"})]))
    assert verified(core).counts == {FindingKind.OK: 1}


@pytest.mark.parametrize("knows", [False, True], ids=["who knows nothing", "who knew the chain"])
def test_nobody_appends_to_a_head_that_was_set_back(core: CoreTable, knows: bool) -> None:
    send, name, appender = core.runner.transport.send, core.context.names[AUDIT_EVENTS], Appender(CHAIN, core.context)
    core.runner.run(chained(core, events(core, 1), appender))
    key = {"PK": {"S": f"CHAIN_HEAD#{CHAIN}"}, "SK": {"S": "HEAD"}}
    before_it = send(Request("GetItem", {"TableName": name, "Key": key}))["Item"]
    core.runner.run(chained(core, events(core, 2, 3), appender))
    send(Request("PutItem", {"TableName": name, "Item": before_it}))
    with pytest.raises(ChainForkedError):
        core.runner.run(chained(core, events(core, 4), appender if knows else None))
    assert Counter(verified(core).counts) == {FindingKind.OK: 3, FindingKind.FORKED: 1}


def test_an_event_that_was_erased_is_found_to_be(core: CoreTable) -> None:
    first = events(core, 1, 2)
    receipt = core.runner.run(chained(core, first))[first[0].id]
    details = {"event_id": receipt.event_id, "leaf": receipt.leaf.hex()}
    core.runner.run(chained(core, [event(core.context, 1, action="audit.erase", details=details)]))
    core.delete(AuditEvent, **first[0].identity())
    assert verified(core).counts == {FindingKind.OK: 2, FindingKind.ERASED: 1}
