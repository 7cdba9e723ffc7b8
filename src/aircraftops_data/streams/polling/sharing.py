"""How the pollers of a group share its shards. What is safe never depends on it."""

from __future__ import annotations

from collections.abc import Sequence

from aircraftops_data.streams.polling.state import PollerMember


def shares(shards: int, pollers: Sequence[PollerMember]) -> dict[str, int]:
    """How many shards each poller should hold: as even as what they can hold allows, and at least one."""
    level = _level(shards, [poller.capacity for poller in pollers])
    return {poller.worker: min(poller.capacity, level) for poller in pollers}


def _level(shards: int, capacities: Sequence[int]) -> int:
    """The least number at which nothing is left over, if nobody holds more than that or than they can."""
    most = max(capacities, default=1)
    return next((level for level in range(1, most) if sum(min(each, level) for each in capacities) >= shards), most)


def should_give(shares: dict[str, int], mine: str, holds: int, pollers: Sequence[PollerMember]) -> bool:
    """Whether one of these shards should go to another: this one has too many, another too few."""
    wanting = any(each.holds < shares[each.worker] for each in pollers if each.worker != mine)
    return wanting and holds > shares[mine]
