"""Verifying a chain while others append to it, and where its items are none any more: a true report comes of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from aircraftops_data import CoreTable
from aircraftops_data.audit.audit import Audit
from aircraftops_data.audit.chain import Chain
from aircraftops_data.audit.report import FindingKind
from aircraftops_data.model.schema import AUDIT_EVENTS
from aircraftops_data.request import Request
from aircraftops_data.testing import ManualClock
from faults import At, lost_reply_then, passing

pytestmark = pytest.mark.parametrize("engine", [pytest.param("local-direct", marks=pytest.mark.slow)], indirect=True)

Connect = Callable[..., CoreTable]


@pytest.fixture
def core(connect: Connect, clock: ManualClock) -> CoreTable:
    """A fresh table of events."""
    return connect(AUDIT_EVENTS, clock=clock)


def chain(core: CoreTable) -> Chain:
    """The chain, as one process has it."""
    return Audit(core).chain("acme")


def grow(core: CoreTable, count: int) -> None:
    """So many blocks of one event."""
    audit = Audit(core)
    mine = audit.chain("acme")
    for number in range(count):
        mine.append([audit.event(actor="user:ana", action="transfer", resource=f"aircraft:{number}", tenant="acme")])


def test_nothing_is_found_where_others_append_at_any_request_of_the_verification(
    core: CoreTable, clock: ManualClock
) -> None:
    grow(core, 3)
    transport = At(core.runner.transport)
    verifying = chain(CoreTable(transport, core.context))
    assert verifying.verify().ok
    for at in range(len(transport.sent)):
        # The answer is lost, so it is asked for again: others act before and behind what is read.
        for times in (1, 2):
            transport.plan(lost_reply_then(lambda: grow(core, 2)), at, times)
            assert {kind for kind, count in verifying.verify().counts.items() if count} <= {
                FindingKind.OK,
                FindingKind.UNANCHORED_TAIL,
            }, (at, transport.sent)
    transport.plan(passing, 0, 0)
    assert verifying.verify().ok


@pytest.mark.parametrize("sort", ["BLOCK#000000000002", "HEAD"])
def test_an_item_that_is_none_any_more_is_reported_also_where_an_event_is_in_no_block(
    core: CoreTable, clock: ManualClock, sort: str
) -> None:
    grow(core, 3)
    audit, send, name = Audit(core), core.runner.transport.send, core.context.names[AUDIT_EVENTS]
    event = audit.event(actor="user:ana", action="transfer", resource="aircraft:9", tenant="acme")
    audit.put(event.model_copy(update={"chain": "acme", "after_block": 3}))
    clock.advance(3600)
    partition = "CHAIN_HEAD#acme" if sort == "HEAD" else "CHAIN#acme"
    key = {"PK": {"S": partition}, "SK": {"S": sort}}
    item = send(Request("GetItem", {"TableName": name, "Key": key}))["Item"]
    send(Request("PutItem", {"TableName": name, "Item": {**item, "number": {"S": "two"}}}))
    report = chain(core).verify()
    assert not report.ok
    assert report.counts[FindingKind.ALTERED] >= 1
