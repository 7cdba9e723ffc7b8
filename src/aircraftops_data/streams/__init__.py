"""What comes out of a table's stream, as changes of entities, and where it goes.

Every name is imported when it is first used: reading a stream loads neither boto3 nor pynamodb.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aircraftops_data.streams.change import Cause, Change, Operation, Poison, PoisonKind, Record
    from aircraftops_data.streams.decoding import Decoder, decode
    from aircraftops_data.streams.quarantine import Quarantine, Replayed
    from aircraftops_data.streams.router import Router
    from aircraftops_data.streams.sinks.sink import Refused, Sink
    from aircraftops_data.streams.taking import Taken

_HOME = {
    "Cause": "change",
    "Change": "change",
    "Decoder": "decoding",
    "Operation": "change",
    "Poison": "change",
    "PoisonKind": "change",
    "Quarantine": "quarantine",
    "Record": "change",
    "Refused": "sinks.sink",
    "Replayed": "quarantine",
    "Router": "router",
    "Sink": "sinks.sink",
    "Taken": "taking",
    "decode": "decoding",
}

__all__ = [
    "Cause",
    "Change",
    "Decoder",
    "Operation",
    "Poison",
    "PoisonKind",
    "Quarantine",
    "Record",
    "Refused",
    "Replayed",
    "Router",
    "Sink",
    "Taken",
    "decode",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
