"""What an event costs in write units, in the table and in its indexes, by way and by the size of a group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import uuid4

from aircraftops_data import AircraftOps, metered
from aircraftops_data.audit import Audit
from aircraftops_data.consumed import Consumed, consumed_of
from aircraftops_data.core.table import CoreTable
from aircraftops_data.request import Request
from benchmarks.audit.results import Cost
from benchmarks.audit.ways import TENANT, Link, NoChain, OneByOne, said
from benchmarks.billing import Billing
from benchmarks.registry import OURS

GROUPS = (1, 5, 25, 100)


def told(ops: AircraftOps, endpoint: str, prefix: str) -> Iterator[Cost]:
    """Every way, alone on these tables. What is paid once for each action and month is not among it."""
    core = CoreTable(Billing(ops.core.runner.transport), ops.core.context)
    audit = Audit(core, ops.audit.options)
    audit.chain(TENANT).append([audit.event(**said(0))])
    for indexes in (2, 3):
        yield from (_own(audit, group, indexes) for group in GROUPS)
        yield _one_by_one(core, endpoint, prefix, indexes)
        yield _no_chain(core, endpoint, prefix, indexes)


def _own(audit: Audit, group: int, indexes: int) -> Cost:
    # Two blocks, so that what only the second of a chain has is counted too.
    events = [audit.event(**said(number, correlated=indexes == 3)) for number in range(2 * group)]
    with metered() as meter:
        audit.chain(TENANT).append(events[:group])
        audit.chain(TENANT).append(events[group:])
    return _cost(OURS, group, indexes, meter.consumed, 2 * group)


def _one_by_one(core: CoreTable, endpoint: str, prefix: str, indexes: int) -> Cost:
    peer = OneByOne(endpoint, prefix)
    actions, after = peer.transaction(said(1, correlated=indexes == 3), Link())
    _send(core, "TransactWriteItems", TransactItems=actions, ClientRequestToken=uuid4().hex)
    actions, _ = peer.transaction(said(2, correlated=indexes == 3), after)
    consumed = _send(core, "TransactWriteItems", TransactItems=actions, ClientRequestToken=uuid4().hex)
    peer.close()
    _forget_head(core, actions)
    return _cost("one by one", 1, indexes, consumed, 1)


def _forget_head(core: CoreTable, actions: Iterable[Any]) -> None:
    """The next chain of single links begins anew."""
    update = next(action["Update"] for action in actions if "Update" in action)
    _send(core, "DeleteItem", TableName=update["TableName"], Key=update["Key"])


def _no_chain(core: CoreTable, endpoint: str, prefix: str, indexes: int) -> Cost:
    peer = NoChain(endpoint, prefix)
    consumed = _send(core, "PutItem", **peer.put(said(1, correlated=indexes == 3)))
    peer.close()
    return _cost("no chain", 1, indexes, consumed, 1)


def _send(core: CoreTable, operation: str, **parameters: Any) -> Consumed:
    asked: Mapping[str, Any] = {**parameters, "ReturnConsumedCapacity": "INDEXES"}
    return consumed_of(operation, core.runner.transport.send(Request(operation, asked)))


def _cost(way: Any, group: int, indexes: int, consumed: Consumed, events: int) -> Cost:
    of_indexes = sum(units for name, units in consumed.by_index.items() if "/" in name)
    table = consumed.write_units - of_indexes
    return Cost(way=way, group=group, indexes=indexes, table=table / events, of_indexes=of_indexes / events)
