"""Coordination: locks with fencing tokens, and changes that are made once."""

from aircraftops_data.coordination.attempt import ChangeContext
from aircraftops_data.coordination.change import Change, Mode, Recovery, change, discover
from aircraftops_data.coordination.changes import Changes
from aircraftops_data.coordination.chunk import Chunk
from aircraftops_data.coordination.fencing import Fence, Guard
from aircraftops_data.coordination.locks import Hold, HoldAll, Lock, Locks
from aircraftops_data.coordination.model import LockBeat, LockName, LockOptions, LockState, LockToken
from aircraftops_data.coordination.options import ChangeOptions
from aircraftops_data.coordination.planning import Action, ChangeFinding, Concern, Planned
from aircraftops_data.coordination.record import ChangeEntry, ChangeProgress, ChangeRecord, ChangeState, Goal

__all__ = [
    "Action",
    "Change",
    "ChangeContext",
    "ChangeEntry",
    "ChangeFinding",
    "ChangeOptions",
    "ChangeProgress",
    "ChangeRecord",
    "ChangeState",
    "Changes",
    "Chunk",
    "Concern",
    "Fence",
    "Goal",
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
    "Mode",
    "Planned",
    "Recovery",
    "change",
    "discover",
]
