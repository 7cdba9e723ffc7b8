"""What comes out of a table's stream, as changes of entities, and where it goes.

Every name is imported when it is first used: reading a stream loads neither boto3 nor pynamodb.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aircraftops_data.streams.backfill import Backfill
    from aircraftops_data.streams.change import AnyRecord, Cause, Change, Operation, Poison, PoisonKind, Record
    from aircraftops_data.streams.decoding import Decoder, decode
    from aircraftops_data.streams.polling.poller import Poller, PollerOptions
    from aircraftops_data.streams.polling.state import Origin
    from aircraftops_data.streams.quarantine import Quarantine, Replayed
    from aircraftops_data.streams.router import Router
    from aircraftops_data.streams.sinks.documents import Hit
    from aircraftops_data.streams.sinks.firehose import FirehoseSink
    from aircraftops_data.streams.sinks.fulltext import FullTextIndex
    from aircraftops_data.streams.sinks.opensearch import OpenSearchIndex
    from aircraftops_data.streams.sinks.parquet import ParquetSink
    from aircraftops_data.streams.sinks.queue import QueueSink
    from aircraftops_data.streams.sinks.reading import changes_in
    from aircraftops_data.streams.sinks.sink import Refused, Sink
    from aircraftops_data.streams.taking import Taken

_HOME = {
    "AnyRecord": "change",
    "Backfill": "backfill",
    "Cause": "change",
    "Change": "change",
    "Decoder": "decoding",
    "FirehoseSink": "sinks.firehose",
    "FullTextIndex": "sinks.fulltext",
    "Hit": "sinks.documents",
    "OpenSearchIndex": "sinks.opensearch",
    "Operation": "change",
    "Origin": "polling.state",
    "ParquetSink": "sinks.parquet",
    "Poison": "change",
    "PoisonKind": "change",
    "Poller": "polling.poller",
    "PollerOptions": "polling.poller",
    "Quarantine": "quarantine",
    "QueueSink": "sinks.queue",
    "Record": "change",
    "Refused": "sinks.sink",
    "Replayed": "quarantine",
    "Router": "router",
    "Sink": "sinks.sink",
    "Taken": "taking",
    "changes_in": "sinks.reading",
    "decode": "decoding",
}

__all__ = [
    "AnyRecord",
    "Backfill",
    "Cause",
    "Change",
    "Decoder",
    "FirehoseSink",
    "FullTextIndex",
    "Hit",
    "OpenSearchIndex",
    "Operation",
    "Origin",
    "ParquetSink",
    "Poison",
    "PoisonKind",
    "Poller",
    "PollerOptions",
    "Quarantine",
    "QueueSink",
    "Record",
    "Refused",
    "Replayed",
    "Router",
    "Sink",
    "Taken",
    "changes_in",
    "decode",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
