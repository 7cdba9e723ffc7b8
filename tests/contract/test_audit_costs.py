"""What recording and appending cost, in the units AWS bills."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from aircraftops_data import CoreTable, metered
from aircraftops_data.audit.appending import Appender, Written
from aircraftops_data.audit.recording import Known, record
from aircraftops_data.model.schema import AUDIT_EVENTS
from audit_chains import CHAIN, event
from faults import At

# moto bills differently.
pytestmark = [pytest.mark.slow, pytest.mark.parametrize("engine", ["local"], indirect=True)]

Connect = Callable[..., CoreTable]
GROUP = 25


@pytest.fixture
def core(connect: Connect) -> CoreTable:
    """A fresh table of events."""
    return connect(AUDIT_EVENTS)


def put(core: CoreTable, known: Known, count: int = GROUP, **fields: object) -> list[Written]:
    """So many small events, put."""
    made = [event(core.context, 1, **fields) for _ in range(count)]
    return [Written.of(core.runner.run(record(each, known, core.context))) for each in made]


@pytest.mark.parametrize(("fields", "indexes"), [({}, 2), ({"correlation_id": "request-1"}, 3)], ids=["2", "3"])
def test_an_event_in_a_group_of_25_takes_one_and_a_half_write_units_and_one_for_each_index(
    core: CoreTable, fields: dict[str, object], indexes: int
) -> None:
    known, appender = Known(), Appender(CHAIN, core.context)
    core.runner.run(appender.append(put(core, known)))
    with metered() as recording:
        written = put(core, known, **fields)
    with metered() as appending:
        core.runner.run(appender.append(written))
    assert recording.consumed.write_units == GROUP * (1 + indexes)
    assert recording.consumed.read_units == appending.consumed.read_units == 0
    each = (recording.consumed.write_units + appending.consumed.write_units) / GROUP
    print(f"{each} write units an event, {appending.consumed.write_units} of the block and head")
    assert each <= 1.5 + indexes


def test_the_first_event_of_a_month_and_action_takes_two_notes_along(core: CoreTable) -> None:
    with metered() as first:
        put(core, Known(), 1)
    # In a transaction each write counts twice: the event and both notes. The event is in two indexes.
    assert first.consumed.write_units == 2 * 3 + 2
    # How events are spread, and whether any are on hold, is looked at once a minute.
    assert first.consumed.read_units == 1


def test_losing_a_race_costs_no_read(core: CoreTable) -> None:
    known, late = Known(), Appender(CHAIN, core.context)
    core.runner.run(late.append(put(core, known, 1)))
    written = put(core, known)
    core.runner.run(Appender(CHAIN, core.context).append(put(core, known, 1)))
    transport = At(core.runner.transport)
    CoreTable(transport, core.context).runner.run(late.append(written))
    assert transport.sent == ["TransactWriteItems"] * 2


def test_saying_it_again_costs_the_reading_of_the_blocks_it_may_be_in(core: CoreTable) -> None:
    known, appender = Known(), Appender(CHAIN, core.context)
    written = put(core, known)
    core.runner.run(appender.append(written))
    with metered() as again:
        core.runner.run(appender.append(written))
    assert (again.consumed.read_units, again.consumed.write_units) == (1, 0)
