"""Coordination: locks with fencing tokens, and changes that are made once."""

from aircraftops_data.coordination.fencing import Fence, Guard
from aircraftops_data.coordination.locks import Hold, HoldAll, Lock, Locks
from aircraftops_data.coordination.model import LockBeat, LockName, LockOptions, LockState, LockToken

__all__ = [
    "Fence",
    "Guard",
    "Hold",
    "HoldAll",
    "Lock",
    "LockBeat",
    "LockName",
    "LockOptions",
    "LockState",
    "LockToken",
    "Locks",
]
