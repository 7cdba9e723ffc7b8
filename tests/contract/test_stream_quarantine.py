"""The quarantine on every engine: parking, replaying and discarding, and what it costs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aircraftops_data import JOBS, CoreTable, metered
from aircraftops_data.coordination import Locks
from conftest import Connect
from routing import bad, event, gauge, routed

NONE_FAILED: dict[str, Any] = {"batchItemFailures": []}


@pytest.fixture
def core(connect: Connect) -> CoreTable:
    return connect(JOBS)


def test_a_story_of_parking_replaying_and_discarding(core: CoreTable) -> None:
    router, journal, quarantine = routed(core, attempts=2)
    assert quarantine is not None
    locks = Locks(core)
    journal.failing = lambda change: ValueError("no") if change.sequence == 2 else None
    batch = [gauge(1), gauge(2, "b"), gauge(3, "c"), gauge(4, "b")]
    assert router.handle(event(*batch))["batchItemFailures"] == [{"itemIdentifier": "2"}]
    assert router.handle(event(*batch[1:])) == NONE_FAILED
    assert router.handle(event(*batch)) == NONE_FAILED, "what is parked is parked once"
    (held,) = quarantine.all()
    assert (held.item, held.count) == ("GAUGE#b / GAUGE", 2)
    assert [json.loads(quarantine.body(each)) for each in quarantine.records(held.place)] == [batch[1], batch[3]]
    journal.given.clear()
    (outcome,) = quarantine.replay(router, locks)
    assert (outcome.handled, type(outcome.error)) == (0, ValueError)
    assert quarantine.discard(locks, held.place) == 1
    (outcome,) = quarantine.replay(router, locks)
    assert (outcome.handled, outcome.error) == (1, None)
    assert router.handle(event(batch[3], gauge(5, "b"))) == NONE_FAILED
    assert journal.given == [("b", 4), ("b", 5)]
    assert list(quarantine.all()) == []


@pytest.mark.parametrize("engine", [pytest.param("local", marks=pytest.mark.slow)])
def test_a_batch_costs_one_read_unit_while_nothing_is_held_and_parking_what_its_docstring_says(core: CoreTable) -> None:
    router, _, quarantine = routed(core)
    assert quarantine is not None
    with metered() as calm:
        router.handle(event(*(gauge(number, str(number)) for number in range(1, 100))))
    # DynamoDB Local counts nothing for a query that finds nothing; AWS counts one unit.
    assert calm.consumed.requests == 1
    assert calm.consumed.read_units <= 1
    assert calm.consumed.write_units == 0
    with metered() as parking:
        router.handle(event(bad(1)))
    # A look at what is held before, while and after parking; two small items in a transaction.
    assert parking.consumed.requests == 4
    assert parking.consumed.read_units <= 3
    assert parking.consumed.write_units <= 4
