"""An aircraft is handed over, and the stream of the table takes it to a search index, a queue and files for analytics."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aircraftops_data import Aircraft, AircraftOps
from aircraftops_data.streams import (
    Change,
    FullTextIndex,
    ParquetSink,
    Poller,
    Quarantine,
    QueueSink,
    Router,
    changes_in,
)
from aircraftops_data.testing import LocalDynamoDB, LocalQueues, local_session
from aircraftops_data.transports.folder import FolderStore


def routed(ops: AircraftOps, search: FullTextIndex, queue: QueueSink, files: ParquetSink) -> Router:
    """One router for all that hangs on the stream. The files come last, for they count what they are given."""
    router = Router(quarantine=Quarantine(ops.core, "fleet"))
    for sink in (search, queue, files):
        router.into(sink, Aircraft)

    @router.on(Aircraft, "modify", changed={"operator"})
    def sold(change: Change[Aircraft]) -> None:
        if change.old is not None and change.new is not None:
            print(f"handler  {change.new.registration}: {change.old.operator} -> {change.new.operator}")

    return router


def arrived(sqs: Any, url: str) -> None:
    """What a consumer of the queue reads."""
    for change in changes_in(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10), [Aircraft]):
        if isinstance(change, Change):
            print(f"queue    {change.operation} of {change.identity}: {sorted(change.changed or ())}")


def filed(folder: Path) -> None:
    """What an analyst finds."""
    from pyarrow import parquet

    for path in sorted(folder.rglob("*.parquet")):
        for row in parquet.read_table(path).to_pylist():
            told = {name: row[name] for name in ("registration", "operator", "_operation", "_version")}
            print(f"parquet  {path.parent.name}: {told}")


def main(ops: AircraftOps, sqs: Any) -> None:
    """Two writes travel; one reading of the stream brings them everywhere."""
    url = sqs.create_queue(QueueName="fleet.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    with TemporaryDirectory() as folder, FullTextIndex(fields={Aircraft: ["registration", "operator"]}) as search:
        files = ParquetSink(FolderStore(folder), Aircraft)
        router = routed(ops, search, QueueSink(url, client=sqs), files)

        ops.aircraft.create(Aircraft(icao24="a835af", registration="N628TS", typecode="B738", operator="UAL"))
        ops.core.update(Aircraft, icao24="a835af", set={"operator": "DAL"})

        drained = Poller(ops.core, router, streams=ops.streams, locks=ops.locks, name="fleet").drain()
        print(f"stream   {drained.records} records of {drained.shards} shard")
        print(f"search   'dal' finds {[hit.identity for hit in search.search('dal')]}, 'ual' {search.search('ual')}")
        arrived(sqs, url)
        filed(Path(folder))


def sqs_client(endpoint_url: str) -> Any:
    """A client of the queues."""
    session: Any = local_session()
    return session.client("sqs", endpoint_url=endpoint_url)


if __name__ == "__main__":
    with LocalDynamoDB() as engine, LocalQueues() as queues:
        connected = AircraftOps.connect(session=local_session(), endpoint_url=engine.endpoint_url)
        connected.create_tables()
        main(connected, sqs_client(queues.endpoint_url))
