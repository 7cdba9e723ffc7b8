"""The commands about quarantines: what is parked, what a replay comes to, and throwing away on purpose."""

from __future__ import annotations

import json
import sys
from types import ModuleType
from typing import Any

import pytest

from aircraftops_data import AircraftOps
from aircraftops_data.cli import quarantine as quarantine_commands
from aircraftops_data.cli.output import UNHEALTHY
from aircraftops_data.errors import InvalidInputError, NotFoundError
from aircraftops_data.streams import Router
from commanding import attempted, invoked, printed, refused
from routing import bad, event, gauge, memory, routed


class Desk:
    """What every command is connected to, and a module that has its router."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ops = AircraftOps(memory())
        router, self.journal, quarantine = routed(self.ops.core, attempts=1)
        assert quarantine is not None
        self.router, self.quarantine = router, quarantine
        self.module: Any = ModuleType("gauge_routes")
        self.module.router = lambda ops: self.router
        monkeypatch.setitem(sys.modules, "gauge_routes", self.module)
        monkeypatch.setattr(quarantine_commands, "connected", lambda endpoint_url, prefix: self.ops)

    def park(self) -> str:
        """A poison, and a record behind it; the place of their item."""
        self.router.handle(event(bad(1), gauge(2)))
        (held,) = self.quarantine.all()
        return held.place


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


def asked(*arguments: str) -> Any:
    return printed("streams", "quarantine", *arguments)


def test_where_nothing_is_held_nothing_is_listed(desk: Desk) -> None:
    assert asked("list", "gauges") == []
    assert invoked("streams", "quarantine", "list", "gauges").stdout == "none\n"


def test_held_items_are_listed_with_why(desk: Desk) -> None:
    place = desk.park()
    (held,) = asked("list", "gauges")
    assert held["reason"].startswith("corrupt_entity: Gauge does not fit")
    del held["reason"]
    assert held == {
        "place": place,
        "table": "CoreTable",
        "item": "GAUGE#a / GAUGE",
        "records": 2,
        "parked_at": "2100-01-01T00:00:00.000000Z",
    }
    assert "GAUGE#a / GAUGE" in invoked("streams", "quarantine", "list", "gauges").stdout


def test_the_records_of_an_item_are_shown_in_order_and_whole_only_when_asked(desk: Desk) -> None:
    place = desk.park()
    first, second = asked("show", "gauges", place)
    assert (first["order"], first["event_id"]) == ("1", "e1")
    assert (second["order"], second["reason"]) == ("2", "behind another")
    assert "high" not in invoked("streams", "quarantine", "show", "gauges", place).stdout
    raw = invoked("streams", "quarantine", "show", "gauges", place, "--raw").stdout.splitlines()
    assert [json.loads(line) for line in raw] == [bad(1), gauge(2)]
    assert isinstance(refused("streams", "quarantine", "show", "gauges", "0" * 32), NotFoundError)


def test_a_replay_that_stops_says_why_and_exits_with_9(desk: Desk) -> None:
    place = desk.park()
    arguments = ("replay", "gauges", "--module", "gauge_routes")
    (outcome,) = json.loads(invoked("streams", "quarantine", *arguments, "--json", code=UNHEALTHY).stdout)
    assert (outcome["place"], outcome["handled"]) == (place, 0)
    assert outcome["failed"].startswith("PoisonRecordError: ")
    assert asked("discard", "gauges", place, "--yes") == {"place": place, "discarded": 1}
    assert asked(*arguments, place) == [{"place": place, "handled": 1, "failed": None}]
    assert desk.journal.given == [("a", 2)]
    assert asked("list", "gauges") == []
    assert isinstance(refused("streams", "quarantine", *arguments, place), NotFoundError)


def test_nothing_is_discarded_without_a_yes(desk: Desk) -> None:
    place = desk.park()
    assert attempted("streams", "quarantine", "discard", "gauges", place).exit_code == 1
    assert asked("list", "gauges")[0]["records"] == 2
    assert asked("discard", "gauges", place, "--all", "--yes")["discarded"] == 2
    assert isinstance(refused("streams", "quarantine", "discard", "gauges", place, "--yes"), NotFoundError)


def test_a_module_has_a_router_or_makes_one(desk: Desk) -> None:
    desk.module.router = Router(name="another")
    arguments = ("streams", "quarantine", "replay", "gauges", "--module", "gauge_routes")
    error = refused(*arguments)
    assert isinstance(error, InvalidInputError)
    assert "'another', not 'gauges'" in error.message
    desk.module.router = 7
    assert "no `router`" in refused(*arguments).message
    desk.module.router = lambda ops: None
    assert "no `router`" in refused(*arguments).message
