"""What type checkers see of workers: nothing here is run, it is checked by mypy and pyright."""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from typing import Any, assert_type

from aircraftops_data import AircraftOps, AsyncAircraftOps
from aircraftops_data.jobs import Claim, Worker
from aircraftops_data.jobs.aio import AsyncClaim, AsyncWorker


def blocking(ops: AircraftOps) -> None:
    """A handler keeps its type."""
    worker = Worker(ops.jobs, ["ingest"])

    @worker.handles("registry.ingest")
    def ingest(claim: Claim) -> dict[str, int]:
        return {"rows": len(claim.id)}

    assert_type(ingest(claimed(ops)), dict[str, int])
    worker.handles("k")(wrong)  # type: ignore[type-var]


def claimed(ops: AircraftOps) -> Claim:
    """A claim."""
    claim = ops.jobs.claim("ingest", worker="w")
    assert claim is not None
    return claim


def wrong(claim: str) -> None:
    """No handler."""


async def tasks(ops: AsyncAircraftOps) -> None:
    """A handler is asynchronous."""
    worker = AsyncWorker(ops.jobs, ["ingest"])

    @worker.handles("registry.ingest")
    async def ingest(claim: AsyncClaim) -> int:
        await claim.heartbeat()
        return claim.token

    assert_type(await worker.handle({}), dict[str, Any])
