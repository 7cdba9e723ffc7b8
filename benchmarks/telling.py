"""Stories: calls made one after the other by nobody else, and what AWS bills for each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from aircraftops_data import CoreTable, metered
from aircraftops_data.testing import ManualClock
from benchmarks.billing import Billing
from benchmarks.results import Bill

T = TypeVar("T")


class Ticking(ManualClock):
    """Goes on a little each time it is looked at, as time does between any two requests."""

    def now(self) -> datetime:
        """The instant now."""
        self.advance(timedelta(milliseconds=1))
        return super().now()


class Teller:
    """Alone on its tables, with the bills of the calls made so far."""

    def __init__(self, core: CoreTable) -> None:
        self.core = CoreTable(Billing(core.runner.transport), core.context)
        self.bills: list[Bill] = []

    def tell(self, call: str, work: Callable[[], T], items: int = 1) -> T:
        """Make a call and keep its bill."""
        with metered() as meter:
            result = work()
        units = meter.consumed
        self.bills.append(Bill(call=call, read_units=units.read_units, write_units=units.write_units, items=items))
        return result
